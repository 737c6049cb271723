"""The figures of a local cluster: three server processes, TLS between them, this machine.

    .venv/bin/python bench/figures.py [--rows 1000000] [--repeat 3]

Prints the median of the repeats in seconds, beside what we hold ourselves to. Nothing here is a test: the
same work is compared with pandas in `crandas/tests`.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

REPOSITORY = Path(__file__).resolve().parent.parent
VDL = Path(os.environ.get("VDL", REPOSITORY / "target" / "release" / "vdl"))


def main() -> None:
    """Measures one thing after the other, so that nothing runs side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()

    warnings.simplefilter("ignore")
    report("import crandas", [importing() for _ in range(options.repeat)], 0.5)
    with tempfile.TemporaryDirectory(prefix="vdl-figures-") as folder:
        starts = []
        for _ in range(options.repeat):
            server, seconds = start(Path(folder))
            starts.append(seconds)
            stop(server)
        report("start of a cluster", starts, 2)
        server, _ = start(Path(folder))
        try:
            work(Path(folder), options.rows, options.repeat)
        finally:
            stop(server)


def work(folder: Path, rows: int, repeat: int) -> None:
    """The main job on tables of `rows` rows, and a merge of tables of a tenth of that."""
    import crandas as cd

    cd.connect(folder / "default.vdlconn")
    random = np.random.default_rng(7)
    clear = pd.DataFrame({name: random.integers(0, 2**31, rows) for name in "abcd"})

    def upload() -> cd.DataFrame:
        return cd.upload_pandas_dataframe(clear, auto_bounds=True)

    report(f"upload {rows:,} x 4", timed(upload, repeat), 4)
    table = upload()
    narrow = table[["a"]]

    def filter_mean() -> float:
        return table[table["a"] > 2**30]["b"].mean()

    report('df[df["a"] > c]["b"].mean()', timed(filter_mean, repeat), 2)
    report(f"sort {rows:,} keys of 31 bits", timed(lambda: narrow.sort_values("a"), repeat), 10)
    report("the same with four columns", timed(lambda: table.sort_values("a"), repeat), None)

    part = rows // 10
    keys = random.permutation(2 * part)
    left = cd.DataFrame({"key": keys[:part], "x": np.arange(part)}, auto_bounds=True)
    others = random.permutation(keys[part // 2 :])[:part]
    right = cd.DataFrame({"key": others, "y": np.arange(part)}, auto_bounds=True)
    report(f"merge {part:,} x {part:,}", timed(lambda: cd.merge(left, right, on="key"), repeat), 5)


def timed(work: Callable[[], object], repeat: int) -> list[float]:
    """Seconds of each repeat."""
    seconds = []
    for _ in range(repeat):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


def importing() -> float:
    """Seconds from the start of `import crandas` to its end, in a fresh interpreter."""
    code = "import time; t = time.perf_counter(); import crandas; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def start(folder: Path) -> tuple[subprocess.Popen[str], float]:
    """A cluster that serves, and how long that took."""
    begun = time.perf_counter()
    command = [str(VDL), "up", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in server.stdout or ():
        if line.startswith("ready "):
            return server, time.perf_counter() - begun
    raise SystemExit(f"{VDL} up did not start")


def stop(server: subprocess.Popen[str]) -> None:
    """Ends the cluster as Ctrl-C would."""
    server.send_signal(signal.SIGINT)
    server.wait(10)


def report(what: str, seconds: list[float], held_to: float | None) -> None:
    """One line: the median, and the bar."""
    bar = f"   (held to {held_to:g} s)" if held_to else ""
    print(f"{what:36} {statistics.median(seconds):8.2f} s{bar}", flush=True)


if __name__ == "__main__":
    main()

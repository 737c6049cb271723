"""Keeps of each corpus what is worth committing: after `cargo fuzz cmin`, the seeds and some of every length.

`python3 fuzz/keep.py [TARGET ..]`; needs cargo-fuzz and a nightly compiler, as the fuzzing itself.
"""

import subprocess
import sys
from pathlib import Path

import seeds

HERE = Path(__file__).parent
MOST_FILES = 200
MOST_BYTES = 256 << 10


def keep(target: str, first: list[bytes]) -> None:
    """Minimises one corpus and cuts it to what may be committed."""
    folder = HERE / "corpus" / target
    subprocess.run(["cargo", "+nightly", "fuzz", "cmin", "--fuzz-dir", HERE, target], check=True)
    found = sorted((path.read_bytes() for path in folder.iterdir()), key=len)
    for path in folder.iterdir():
        path.unlink()
    # Short ones are refused early, long ones late: some of each.
    kept = list(dict.fromkeys(first))
    rest = [content for content in found if content not in set(first)]
    room = max(MOST_FILES - len(kept), 0)
    kept += rest if len(rest) <= room else [rest[at * len(rest) // room] for at in range(room)]
    files = size = 0
    for content in kept:
        if size + len(content) > MOST_BYTES:
            continue
        seeds.write(target, content)
        files, size = files + 1, size + len(content)
    print(f"{target}: {files} of {len(found)} inputs, {size} bytes")


if __name__ == "__main__":
    for name, inputs in seeds.seeds().items():
        if name in (sys.argv[1:] or [name]):
            keep(name, inputs)

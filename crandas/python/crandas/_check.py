"""Does an analysis stay the same script whatever the data? It is recorded anew, with other dummies."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import linecache
import random
import re
import runpy
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crandas import _crandas, _engine, base
from crandas.ctypes import Ctype
from crandas.errors import DataDependentError, KeyNotUniqueError, ScriptError, TooFewRowsError

if TYPE_CHECKING:
    from crandas._crandas import ClearColumn

Analysis = Callable[[], object] | str | PathLike[str]

# What other data may well bring about, whatever the analysis; then still other data is tried.
_UNLUCKY = (TooFewRowsError, KeyNotUniqueError)
_TRIES = 4
_DECIDE = (
    "Decide beforehand what the data decides here, or make two scripts of it: one to look, one to go on."
)
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Checked:
    """An analysis that stayed the same script."""

    steps: int
    replays: int

    def __repr__(self) -> str:
        return f"the same {self.steps} steps with {self.replays} other sets of data"


class Run:
    """One recording; while it lasts, uploads and files go through it."""

    def __init__(
        self, folder: Path, data: random.Random | None = None, size: Callable[[int], int] = int
    ) -> None:
        folder.mkdir(parents=True)
        self.saved: list[Path] = []
        self._folder = folder
        self._data = data
        self._size = size

    @property
    def is_replay(self) -> bool:
        """Whether the data are others."""
        return self._data is not None

    def replaced(self, columns: list[ClearColumn], types: list[str]) -> list[ClearColumn]:
        """Other rows and other values of the same types; in the first recording the same."""
        if self._data is None or not columns:
            return columns
        rows = max(1, self._size(len(columns[0][2])))
        return [
            _other_column(column, ctype, rows, self._data)
            for column, ctype in zip(columns, types, strict=True)
        ]

    def path(self) -> Path:
        """Where a script goes that the analysis saves."""
        self.saved.append(self._folder / f"{len(self.saved)}.json")
        return self.saved[-1]


running: Run | None = None


def check(analysis: Analysis, *, seed: int = 1, replays: int = 2) -> Checked:
    """See `crandas.script.check`, which is this one."""
    perform = _performer(analysis)
    with tempfile.TemporaryDirectory(prefix="crandas-") as made:
        folder = Path(made)
        first = _record(perform, Run(folder / "first"), whole=False)
        # An analysis that does not record itself is recorded as a whole.
        whole = not first
        if whole:
            first = _record(perform, Run(folder / "whole"), whole=True)
        done = 0
        for replay in range(1, replays + 1):
            again = folder / f"replay{replay}"
            scripts = _replay(perform, again, f"{seed}.{replay}", replay, whole=whole)
            if scripts is not None:
                _compare(first, scripts, f"seed {seed}, replay {replay}")
                done += 1
        if replays and not done:
            raise ScriptError(
                "no replay came to its end: too few rows, or keys that are not unique, each time",
                remedy="Give more rows of dummy data, or thresholds that dummies can meet.",
            )
        steps = sum(len(json.loads(path.read_text())["steps"]) for path in first)
        return Checked(steps, done)


def _replay(
    perform: Callable[[], object], folder: Path, seed: str, replay: int, *, whole: bool
) -> list[Path] | None:
    """Records once more with other data; None if only the data was in the way, each time."""
    for attempt in range(_TRIES):
        data = random.Random(f"{seed}.{attempt}")  # noqa: S311 - dummies, no secrets
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                run = Run(folder / str(attempt), data, _other_size(replay, attempt))
                return _record(perform, run, whole=whole)
        except _UNLUCKY:
            continue
        except Exception as error:
            raise DataDependentError(
                f"with other data the analysis ends with {type(error).__name__}: {error}",
                remedy="An analysis must run in the same way whatever was opened before.",
            ) from error
    return None


def _other_size(replay: int, attempt: int) -> Callable[[int], int]:
    """Half the rows and more than double in turn; more and more where there were too few."""
    if replay % 2 == 1 and attempt == 0:
        return lambda rows: rows // 2
    return lambda rows: (2 << attempt) * rows + 1


def _record(perform: Callable[[], object], run: Run, *, whole: bool) -> list[Path]:
    """Runs the analysis in an engine of its own; gives the scripts it recorded."""
    global running
    from crandas import script

    session = base.Session()
    session._engine = _engine.embedded()
    outer, current = running, script._current
    running, script._current = run, None
    try:
        with session, warnings.catch_warnings():
            if run.is_replay:
                warnings.simplefilter("ignore")
            if whole:
                script.record()
            perform()
            # What the analysis began and did not save.
            state = session.engine.script
            if state is not None and state[0] == "recording":
                session.engine.save(fspath(run.path()))
        return run.saved
    finally:
        running, script._current = outer, current


def _compare(first: list[Path], again: list[Path], which: str) -> None:
    for one, other in zip(first, again, strict=False):
        if (found := _crandas.compare_scripts(one, other)) is not None:
            message = f"{found.pop('message')}\n\n({which})"
            raise DataDependentError(message, remedy=_DECIDE, **found)
    if len(first) != len(again):
        raise DataDependentError(
            f"with other data {len(again)} scripts are saved, not {len(first)} ({which})"
        )


# What is to be run


def _performer(analysis: Analysis) -> Callable[[], object]:
    if callable(analysis):
        return analysis
    path = Path(analysis).expanduser()
    if not path.is_file():
        raise ScriptError(f"there is no file {path}", remedy="Give a function, a .py file or a notebook.")
    if path.suffix == ".ipynb":
        cells = _cells(path)
        return lambda: _run_cells(path, cells)
    return lambda: _run_file(path)


def _run_file(path: Path) -> None:
    with _importing_from(path.resolve().parent):
        runpy.run_path(str(path), run_name="__main__")


def _cells(path: Path) -> list[str]:
    """The code of a notebook; lines that only notebooks understand are left out."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [re.sub(r"^([%!].*)$", r"# \1", source, flags=re.MULTILINE) for source in sources]


def _run_cells(path: Path, cells: list[str]) -> None:
    """All in one namespace, in the folder of the notebook, as Jupyter does it."""
    folder = path.resolve().parent
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.chdir(folder), _importing_from(folder):
        for number, source in enumerate(cells, start=1):
            name = f"<{path.name}, cell {number}>"
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
            exec(compile(source, name, "exec"), namespace)  # noqa: S102 - the user's own notebook


@contextlib.contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


# Other data


def _other_column(column: ClearColumn, ctype: str, rows: int, data: random.Random) -> ClearColumn:
    """So many rows of the same type.

    What was different in every row stays so where the type has room; half of all values are old ones, so that
    keys still find each other.
    """
    name, kind, values, valid = column
    known = list(
        values if valid is None else [value for value, there in zip(values, valid, strict=True) if there]
    )
    draw = _drawer(ctype, data)
    distinct = len(known) == len(set(known)) > 1
    drawn = _distinct(known, draw, rows, data) if distinct else None
    if drawn is None:
        drawn = [data.choice(known) if known and data.random() < 0.5 else draw() for _ in range(rows)]
    there = None
    if Ctype(ctype).nullable:
        there = np.array([data.random() < 0.8 for _ in range(rows)], dtype=np.bool_)
    return name, kind, _as_array(kind, drawn), there


def _distinct(known: list[Any], draw: Callable[[], Any], rows: int, data: random.Random) -> list[Any] | None:
    """Values of which none comes twice; None if the type may not have so many."""
    found = dict.fromkeys(data.sample(known, min(len(known), max(1, rows // 2))))
    for _ in range(20 * rows):
        if len(found) == rows:
            break
        found[draw()] = None
    values = list(found)
    data.shuffle(values)
    return values if len(values) == rows else None


def _drawer(ctype: str, data: random.Random) -> Callable[[], Any]:
    """Draws any value of a type."""
    kind = Ctype(ctype).kind
    if kind == "boolean":
        return lambda: data.random() < 0.5
    if kind == "text":
        longest = min(int(re.findall(r"\d+", ctype)[0]), 12)
        return lambda: "".join(data.choice(_LETTERS) for _ in range(data.randint(0, longest)))
    low, high = re.findall(r"(?:min|max)=([^,\]]+)", ctype)
    if kind == "date":
        first, last = (datetime.date.fromisoformat(day).toordinal() - _EPOCH for day in (low, high))
        return lambda: data.randint(first, last)
    return lambda: data.randint(int(low), int(high))


def _as_array(kind: str, values: list[Any]) -> npt.NDArray[Any] | list[Any]:
    if kind == "integer":
        return np.array(values, dtype=np.int64)
    if kind == "boolean":
        return np.array(values, dtype=np.bool_)
    if kind == "date":
        return np.array(values, dtype=np.int32)
    return [value if isinstance(value, str) else int(value) for value in values]

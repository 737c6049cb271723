"""Reading CSV strictly: what pandas would guess, or silently repair, is an error with its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crandas import _columns
from crandas.ctypes import Wanted
from crandas.errors import BoundsError, CsvError, TypeMismatchError, UnsupportedError

if TYPE_CHECKING:
    from crandas._crandas import ClearColumn

# What pandas.read_csv takes for missing unless told otherwise.
MISSING = frozenset(
    [
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
    ]
) | {"", " "}
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_TRUE = frozenset(["True", "TRUE", "true"])
_FALSE = frozenset(["False", "FALSE", "false"])
_FLAGS = _TRUE | _FALSE
_BITS = frozenset(["0", "1"])
_CHUNK = 1 << 16
_WIDEST = 1 << 63
_MOST_DIGITS = 20

Source = str | PathLike[str] | IO[Any]


def columns(
    source: Source,
    want: Callable[[Sequence[str]], list[Wanted | None]],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    usecols: Sequence[str] | None = None,
    missing: frozenset[str] = MISSING,
) -> list[ClearColumn]:
    """The columns of a file, by two passes: one to learn what they hold, one to convert them.

    Only the converted columns are held in memory. `want` is given the header and says what was asked of
    each column.

    Raises:
        CsvError: rows of unequal length, a header that repeats a name, bad quoting, another encoding.
    """
    file = _File(source, delimiter, encoding)
    header = file.header(usecols)
    wanted = want(header.names)
    learned = [_Column(name, asked) for name, asked in zip(header.names, wanted, strict=True)]
    for lines, chunk in _chunks(file.rows(header)):
        for column, cells in zip(learned, chunk, strict=True):
            column.learn(cells, lines, missing)
    for column in learned:
        column.decide()
    for lines, chunk in _chunks(file.rows(header)):
        for column, cells in zip(learned, chunk, strict=True):
            column.take(cells, lines, missing)
    return [column.finish() for column in learned]


def _chunks(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[list[int], list[tuple[str, ...]]]]:
    """Some rows at a time, turned into columns."""
    while some := list(islice(rows, _CHUNK)):
        yield [line for line, _ in some], list(zip(*(cells for _, cells in some), strict=True))


@dataclass
class _Header:
    names: list[str]
    positions: list[int]
    width: int


class _File:
    """A CSV file that can be read more than once."""

    def __init__(self, source: Source, delimiter: str, encoding: str) -> None:
        self._encoding = encoding
        self._delimiter = delimiter
        self._text: str | None = None
        self._path: Path | None = None
        if isinstance(source, str | PathLike):
            self._path = Path(source).expanduser()
            self._name = str(self._path)
            return
        content = source.read()
        self._name = str(getattr(source, "name", "the file"))
        self._text = content if isinstance(content, str) else self._decode(content)

    def header(self, usecols: Sequence[str] | None) -> _Header:
        """The columns to read, from the first line."""
        names = next((cells for _, cells in self._lines()), None)
        if names is None:
            raise CsvError(f"{self._name} is empty", remedy="The first line must name the columns.")
        for position, name in enumerate(names):
            if not name.strip():
                raise CsvError(f"{self._name}, line 1: column {position + 1} has no name")
            if name in names[:position]:
                raise CsvError(f"{self._name}, line 1: two columns are called {name!r}")
        chosen = list(names if usecols is None else usecols)
        if absent := [name for name in chosen if name not in names]:
            raise CsvError(f"{self._name} has no column {absent[0]!r}; it has {', '.join(map(repr, names))}")
        return _Header(chosen, [names.index(name) for name in chosen], len(names))

    def rows(self, header: _Header) -> Iterator[tuple[int, list[str]]]:
        """Line number and chosen cells of every row below the header; blank lines are none."""
        lines = self._lines()
        next(lines)
        everything = header.positions == list(range(header.width))
        for line, cells in lines:
            if len(cells) != header.width:
                raise CsvError(
                    f"{self._name}, line {line}: {len(cells)} fields, but the header names {header.width}",
                    remedy=f"Correct the line; a field with {self._delimiter!r} in it needs double quotes.",
                )
            yield line, cells if everything else [cells[position] for position in header.positions]

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        with self._open() as text:
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield reader.line_num, cells
            except csv.Error as error:
                raise CsvError(f"{self._name}, line {reader.line_num}: {error}") from None
            except UnicodeDecodeError:
                raise self._not_text(f"after line {reader.line_num}") from None

    def _open(self) -> IO[str]:
        if self._text is not None:
            return io.StringIO(self._text, newline="")
        if self._path is None or not self._path.is_file():
            raise CsvError(f"there is no file {self._name}")
        return self._path.open(encoding=self._encoding, newline="")

    def _decode(self, content: bytes) -> str:
        try:
            return content.decode(self._encoding)
        except UnicodeDecodeError:
            raise self._not_text("") from None

    def _not_text(self, where: str) -> CsvError:
        return CsvError(
            f"{self._name} {where} is not text in the encoding {self._encoding}".replace("  ", " "),
            remedy='Say the encoding, for example encoding="latin-1".',
        )


@dataclass
class _Column:
    """One column: first it learns what its cells are, then it converts them chunk by chunk."""

    name: str
    want: Wanted | None
    kind: str = "text"
    seen: bool = False
    flags: bool = True
    whole: bool = True
    numeric: bool = True
    fraction_line: int | None = None
    present: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    arrays: list[npt.NDArray[Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    once: dict[str, str] = field(default_factory=dict)

    def learn(self, cells: Sequence[str], lines: Sequence[int], missing: frozenset[str]) -> None:
        """Rules out what the cells cannot be; every cell can be text."""
        if self.want is not None:
            return
        there = [cell for cell in cells if cell not in missing]
        self.seen = self.seen or bool(there)
        if self.flags:
            self.flags = _FLAGS.issuperset(there)
        if self.numeric and not (self.whole and all(map(_INTEGER.fullmatch, there))):
            self.whole = False
            self.numeric = all(map(_NUMBER.fullmatch, there))
            if self.numeric and self.fraction_line is None:
                broken = (
                    line
                    for cell, line in zip(cells, lines, strict=True)
                    if cell not in missing and _whole(cell) is None
                )
                self.fraction_line = next(broken, None)

    def decide(self) -> None:
        """Settles the kind, before the second pass."""
        if self.want is not None:
            self.kind = self.want.kind
        elif not self.seen:
            raise TypeMismatchError(
                f"column {self.name!r} has no values, so its type cannot be told",
                remedy=f'Say it, for example ctype={{{self.name!r}: "int8?"}}.',
            )
        elif self.flags:
            self.kind = "boolean"
        elif self.numeric:
            if self.fraction_line is not None:
                raise UnsupportedError(
                    f"column {self.name!r}, line {self.fraction_line}: a number with a fraction",
                    remedy="Fixed point is not there yet. Scale to whole numbers first, or keep the column "
                    f'as text: ctype={{{self.name!r}: "varchar"}}.',
                )
            self.kind = "integer"

    def take(self, cells: Sequence[str], lines: Sequence[int], missing: frozenset[str]) -> None:
        """Converts the cells of some rows."""
        there = [cell not in missing for cell in cells]
        self.present.append(np.array(there, dtype=np.bool_))
        match self.kind:
            case "integer":
                self.arrays.append(self._integers(cells, there, lines))
            case "boolean":
                self.arrays.append(self._flags(cells, there, lines))
            case _:
                # A value that repeats is held once.
                once = self.once.setdefault
                self.texts += [
                    once(cell, cell) if is_there else "" for cell, is_there in zip(cells, there, strict=True)
                ]
        if self.kind == "date":
            self.lines += lines

    def finish(self) -> ClearColumn:
        """The converted column."""
        present = np.concatenate([np.zeros(0, dtype=np.bool_), *self.present])
        valid = None if present.all() else present
        match self.kind:
            case "integer":
                return (
                    self.name,
                    "integer",
                    np.concatenate([np.zeros(0, dtype=np.int64), *self.arrays]),
                    valid,
                )
            case "boolean":
                return (
                    self.name,
                    "boolean",
                    np.concatenate([np.zeros(0, dtype=np.bool_), *self.arrays]),
                    valid,
                )
            case "date":
                place = self.lines.__getitem__
                return _columns.from_texts(
                    self.name, self.texts, present, self.want, lambda position: f"line {place(position)}"
                )
            case _:
                return (self.name, "text", self.texts, valid)

    def _integers(
        self, cells: Sequence[str], there: list[bool], lines: Sequence[int]
    ) -> npt.NDArray[np.int64]:
        # int() also reads 1_000 and digits of other scripts; the pattern does not.
        if all(
            map(_INTEGER.fullmatch, [cell for cell, is_there in zip(cells, there, strict=True) if is_there])
        ):
            numbers = [int(cell) if is_there else 0 for cell, is_there in zip(cells, there, strict=True)]
            try:
                return np.array(numbers, dtype=np.int64)
            except OverflowError:
                wide = next(
                    line for number, line in zip(numbers, lines, strict=True) if abs(number) >= _WIDEST
                )
                raise BoundsError(
                    f"column {self.name!r}, line {wide}: a whole number beyond 64 bits"
                ) from None
        numbers = []
        for cell, is_there, line in zip(cells, there, lines, strict=True):
            number = _whole(cell) if is_there else 0
            if number is None:
                raise TypeMismatchError(
                    f"column {self.name!r}, line {line}: not a whole number",
                    remedy="Correct the file, or change the ctype of the column.",
                )
            if abs(number) >= _WIDEST:
                raise BoundsError(f"column {self.name!r}, line {line}: a whole number beyond 64 bits")
            numbers.append(number)
        return np.array(numbers, dtype=np.int64)

    def _flags(self, cells: Sequence[str], there: list[bool], lines: Sequence[int]) -> npt.NDArray[np.bool_]:
        for cell, is_there, line in zip(cells, there, lines, strict=True):
            if is_there and cell not in _FLAGS and cell not in _BITS:
                raise TypeMismatchError(
                    f"column {self.name!r}, line {line}: neither true nor false",
                    remedy="Correct the file, or change the ctype of the column.",
                )
        return np.array([cell in _TRUE or cell == "1" for cell in cells], dtype=np.bool_)


def _whole(cell: str) -> int | None:
    """The whole number a cell says, in whichever way (3, 3.0, 3e2); None if it says none."""
    if _NUMBER.fullmatch(cell) is None:
        return None
    number = Decimal(cell.strip())
    if number.adjusted() > _MOST_DIGITS:
        return _WIDEST
    return int(number) if number == number.to_integral_value() else None

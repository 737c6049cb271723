"""Reading CSV strictly: what pandas would guess, or silently repair, is an error with its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate, islice
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
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_TRUE = frozenset(["True", "TRUE", "true"])
_FALSE = frozenset(["False", "FALSE", "false"])
_FLAGS = _TRUE | _FALSE
_BITS = frozenset(["0", "1"])
_BREAK = re.compile("\r\n|\r|\n")
_CHUNK = 1 << 12
_WIDEST = 1 << 96
_MOST_DIGITS = 30

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
    """The columns of a file. Only the converted columns are held in memory.

    A column without a ctype is converted to what its cells have been so far; those that turn out to be
    something else further down are converted in a second pass. `want` is given the header and says what was
    asked of each column.

    Raises:
        CsvError: rows of unequal length, a header that repeats a name, bad quoting, another encoding.
    """
    file = _File(source, delimiter, encoding)
    header = file.header(usecols)
    wanted = want(header.names)
    found = [_Column(name, asked, missing) for name, asked in zip(header.names, wanted, strict=True)]
    for lines, chunk in file.chunks(header):
        for column, cells in zip(found, chunk, strict=True):
            column.learn(cells, lines)
    again = [column for column in found if not column.decide()]
    if again:
        for lines, chunk in file.chunks(header):
            for column, cells in zip(found, chunk, strict=True):
                if column in again:
                    column.take(cells, lines)
    return [column.finish() for column in found]


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
        names = next((row for _, rows in self._rows(skip=0) for row in rows if row), None)
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

    def chunks(self, header: _Header) -> Iterator[tuple[Sequence[int], list[tuple[str, ...]]]]:
        """Some rows at a time, as line numbers and the chosen columns; blank lines are no rows."""
        for lines, rows in self._rows(skip=1):
            if set(map(len, rows)) != {header.width}:
                lines, rows = self._regular(header, lines, rows)  # noqa: PLW2901 - the same rows, checked
            columns = list(zip(*rows, strict=True)) or [()] * header.width
            yield lines, [columns[position] for position in header.positions]

    def _regular(
        self, header: _Header, lines: Sequence[int], rows: list[list[str]]
    ) -> tuple[Sequence[int], list[list[str]]]:
        there = [(line, row) for line, row in zip(lines, rows, strict=True) if row]
        for line, row in there:
            if len(row) != header.width:
                raise CsvError(
                    f"{self._name}, line {line}: {len(row)} fields, but the header names {header.width}",
                    remedy=f"Correct the line; a field with {self._delimiter!r} in it needs double quotes.",
                )
        return [line for line, _ in there], [row for _, row in there]

    def _rows(self, skip: int) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
        """Rows as they are, with the line on which each ends, after `skip` that are not blank."""
        with self._open() as text:
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            try:
                while skip and (row := next(reader, None)) is not None:
                    skip -= bool(row)
                before = reader.line_num
                while rows := list(islice(reader, _CHUNK)):
                    yield _lines(rows, before, reader.line_num), rows
                    before = reader.line_num
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


def _lines(rows: list[list[str]], before: int, after: int) -> Sequence[int]:
    if after - before == len(rows):
        return range(before + 1, after + 1)
    # Somewhere a quoted field holds line breaks.
    breaks = (sum(len(_BREAK.findall(cell)) for cell in row) for row in rows)
    return [before + line for line in accumulate(1 + more for more in breaks)]


@dataclass(eq=False)
class _Column:
    """One column: converted chunk by chunk to what its cells have been so far."""

    name: str
    want: Wanted | None
    missing: frozenset[str]
    seen: bool = False
    flags: bool = True
    whole: bool = True
    numeric: bool = True
    fraction_line: int | None = None
    kind: str = ""
    done: bool = True
    present: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    arrays: list[npt.NDArray[Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    once: dict[str, str] = field(default_factory=dict)

    def learn(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Rules out what the cells cannot be (every cell can be text), and converts them."""
        if self.want is None:
            self._rule_out(cells, lines)
        kind = self._guess()
        if self.kind not in ("", kind):
            self._forget()
        self.kind = kind
        if self.done:
            self.take(cells, lines)

    def decide(self) -> bool:
        """Settles the kind; False if the cells must be converted again."""
        if self.want is None and not self.seen:
            raise TypeMismatchError(
                f"column {self.name!r} has no values, so its type cannot be told",
                remedy=f'Say it, for example ctype={{{self.name!r}: "int8?"}}.',
            )
        if self.want is None and not self.flags and self.numeric and self.fraction_line is not None:
            raise UnsupportedError(
                f"column {self.name!r}, line {self.fraction_line}: a number with a fraction",
                remedy="Fixed point is not there yet. Scale to whole numbers first, or keep the column "
                f'as text: ctype={{{self.name!r}: "varchar"}}.',
            )
        kind = self._guess()
        if self.kind not in ("", kind):
            self._forget()
        self.kind = kind
        return self.done

    def _guess(self) -> str:
        if self.want is not None:
            return self.want.kind
        if self.flags:
            return "boolean"
        return "integer" if self.numeric and self.fraction_line is None else "text"

    def _forget(self) -> None:
        self.done = False
        self.present, self.arrays, self.texts, self.once = [], [], [], {}

    def _rule_out(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        there = [cell for cell in cells if cell not in self.missing]
        self.seen = self.seen or bool(there)
        self.flags = self.flags and _FLAGS.issuperset(there)
        if not self.numeric or (self.whole and _digits(there) is not None):
            return
        self.whole = False
        self.numeric = all(map(_NUMBER.fullmatch, there))
        if self.numeric and self.fraction_line is None:
            pairs = zip(cells, lines, strict=True)
            broken = (line for cell, line in pairs if cell not in self.missing and _whole(cell) is None)
            self.fraction_line = next(broken, None)

    def take(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Converts the cells of some rows."""
        there = [cell not in self.missing for cell in cells]
        self.present.append(np.array(there, dtype=np.bool_))
        match self.kind:
            case "integer":
                self.arrays.append(self._integers(cells, there, lines))
            case "boolean":
                self.arrays.append(self._flags(cells, there, lines))
            case _:
                # A value that repeats is held once.
                once = self.once.setdefault
                pairs = zip(cells, there, strict=True)
                self.texts += [once(cell, cell) if is_there else "" for cell, is_there in pairs]
        if self.kind == "date":
            self.lines += lines

    def finish(self) -> ClearColumn:
        """The converted column."""
        present = np.concatenate([np.zeros(0, dtype=np.bool_), *self.present])
        valid = None if present.all() else present
        match self.kind:
            case "integer":
                whole = np.concatenate([np.zeros(0, dtype=np.int64), *self.arrays])
                if whole.dtype == object:
                    return (self.name, "wide", whole.tolist(), valid)
                return (self.name, "integer", whole, valid)
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

    def _integers(self, cells: Sequence[str], there: list[bool], lines: Sequence[int]) -> npt.NDArray[Any]:
        pairs = zip(cells, there, strict=True)
        filled = cells if all(there) else [cell if is_there else "0" for cell, is_there in pairs]
        numbers: Sequence[int | None] | None = _digits(filled)
        if numbers is None:
            numbers = [_whole(cell) for cell in filled]
        try:
            return np.array(numbers, dtype=np.int64)
        except (OverflowError, TypeError):
            found = zip(numbers, lines, strict=True)
            wrong = ((n, at) for n, at in found if n is None or not -_WIDEST < n < _WIDEST)
            number, line = next(wrong, (0, 0))
            if line == 0:
                return np.array(numbers, dtype=object)
        if number is None:
            raise TypeMismatchError(
                f"column {self.name!r}, line {line}: not a whole number",
                remedy="Correct the file, or change the ctype of the column.",
            )
        raise BoundsError(f"column {self.name!r}, line {line}: a whole number beyond 96 bits")

    def _flags(self, cells: Sequence[str], there: list[bool], lines: Sequence[int]) -> npt.NDArray[np.bool_]:
        for cell, is_there, line in zip(cells, there, lines, strict=True):
            if is_there and cell not in _FLAGS and cell not in _BITS:
                raise TypeMismatchError(
                    f"column {self.name!r}, line {line}: neither true nor false",
                    remedy="Correct the file, or change the ctype of the column.",
                )
        return np.array([cell in _TRUE or cell == "1" for cell in cells], dtype=np.bool_)


def _digits(cells: Sequence[str]) -> list[int] | None:
    """The numbers, if all cells are written in plain digits."""
    joined = "".join(cells)
    # int() also reads 1_000 and the digits of other scripts.
    if not joined.isascii() or "_" in joined:
        return None
    try:
        return list(map(int, cells))
    except ValueError:
        return None


def _whole(cell: str) -> int | None:
    """The whole number a cell says, in whichever way (3, 3.0, 3e2); None if it says none."""
    if _NUMBER.fullmatch(cell) is None:
        return None
    number = Decimal(cell.strip())
    if number.adjusted() > _MOST_DIGITS:
        return _WIDEST
    return int(number) if number == number.to_integral_value() else None

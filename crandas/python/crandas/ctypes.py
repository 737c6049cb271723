"""Column types as users write them and as the servers keep them.

A type is written as text (`"int8"`, `"uint8?"`, `"int[min=0,max=99]"`, `"bool"`, `"date"`,
`"date[format=d/m/Y]"`, `"varchar[12]"`, `?` for *may be missing*), as a Python type (`int`, `bool`, `str`,
`datetime.date`) or with one of the classes below. Everything in a type is public: it is what the servers,
and everybody who may use the table, know about a column.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from crandas import _engine
from crandas.errors import TypeMismatchError

Kind = Literal["integer", "boolean", "date", "text", "mean"]

_FIRST_WORD: dict[str, Kind] = {
    "int": "integer",
    "bool": "boolean",
    "date": "date",
    "varchar": "text",
    "mean": "mean",
}
_DATE_FORMAT = re.compile(
    r"date\[\s*format\s*=\s*(?P<format>[^\],]+?)\s*(?:,(?P<rest>[^\]]*))?\](?P<null>\??)"
)
_DERIVED: dict[str, Kind] = {"varchar": "text", "str": "text", "string": "text", "text": "text"}
_PYTHON_TYPES: dict[Any, str] = {int: "int", bool: "bool", str: "varchar", datetime.date: "date"}


@dataclass(frozen=True)
class Ctype:
    """The type of a column of a table, in canonical form."""

    text: str

    @property
    def kind(self) -> Kind:
        """What the column holds, apart from its bounds."""
        return _FIRST_WORD[re.split(r"[\[?]", self.text, maxsplit=1)[0]]

    @property
    def nullable(self) -> bool:
        """Whether a value may be missing."""
        return self.text.endswith("?")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Integer:
    """Whole numbers from `min` to `max`, both included."""

    min: int
    max: int
    nullable: bool = False

    def __str__(self) -> str:
        return f"int[min={self.min},max={self.max}]{'?' * self.nullable}"


class NullableInteger(Integer):
    """Whole numbers of which some may be missing."""

    def __init__(self, min: int, max: int) -> None:  # noqa: A002 - the names the written form uses
        super().__init__(min, max, nullable=True)


@dataclass(frozen=True)
class Bool:
    """True or false."""

    nullable: bool = False

    def __str__(self) -> str:
        return f"bool{'?' * self.nullable}"


@dataclass(frozen=True)
class Varchar:
    """Text of at most `max_length` characters."""

    max_length: int
    ascii: bool = False
    nullable: bool = False

    def __str__(self) -> str:
        return f"varchar[{self.max_length}{',ascii' * self.ascii}]{'?' * self.nullable}"


@dataclass(frozen=True)
class Date:
    """Days; `format` says how text is to be read: letters of strftime without the `%`, such as `d/m/Y`."""

    format: str | None = None
    nullable: bool = False

    def __str__(self) -> str:
        return f"date{f'[format={self.format}]' if self.format else ''}{'?' * self.nullable}"


@dataclass(frozen=True)
class Wanted:
    """What a user asked of a column: `text` is what to tell the servers, None to derive it from the data."""

    kind: Kind
    text: str | None = None
    date_format: str | None = None
    nullable: bool = False


def wanted(spec: Any, column: str) -> Wanted | None:
    """Reads what was given as the ctype of `column`; None if nothing was."""
    if spec is None:
        return None
    text = _PYTHON_TYPES.get(spec, spec) if isinstance(spec, type) else spec
    if isinstance(text, Ctype | Integer | Bool | Varchar | Date):
        text = str(text)
    if not isinstance(text, str):
        raise TypeMismatchError(
            f"column {column!r}: the ctype is a {type(spec).__name__}, which says nothing about a column",
            remedy='Write it as text: "int8", "uint8?", "bool", "date[format=d/m/Y]", "varchar[20]".',
        )
    text = text.strip()
    bare, nullable = text.removesuffix("?"), text.endswith("?")
    if bare in _DERIVED:
        return Wanted(_DERIVED[bare], nullable=nullable)
    if match := _DATE_FORMAT.fullmatch(text):
        bounds = f"[{match['rest'].strip()}]" if match["rest"] else ""
        canonical = _parse(f"date{bounds}{match['null']}", column)
        return Wanted("date", canonical, match["format"], nullable)
    canonical = _parse(text, column)
    return Wanted(Ctype(canonical).kind, canonical, nullable=nullable)


def _parse(text: str, column: str) -> str:
    try:
        return _engine.parse_type(text)
    except TypeMismatchError as error:
        raise TypeMismatchError(
            f"column {column!r}: {error.message}", code=error.code, remedy=error.remedy
        ) from None


_LETTERS = {
    "d": (r"(?P<d>\d{1,2})", "day"),
    "m": (r"(?P<m>\d{1,2})", "month"),
    "Y": (r"(?P<Y>\d{4})", "year"),
    "y": (r"(?P<y>\d{2})", "year of two digits"),
}


def date_reader(date_format: str) -> Callable[[str], datetime.date | None]:
    """A function that reads one date written in `date_format`, and returns None for anything else.

    Two-digit years are read as strptime reads them: 69 to 99 as 1969 to 1999, 00 to 68 as 2000 to 2068.
    """
    written = date_format.replace("%", "")
    letters = [letter for letter in written if letter.isalpha()]
    complete = sorted(letters) in (["Y", "d", "m"], ["d", "m", "y"])
    if not complete or any(not c.isalpha() and c not in "-/. " for c in written):
        raise TypeMismatchError(
            f"{date_format!r} is no date format",
            remedy="Use d, m and Y (or y), each once, with -, /, . or a space between them: d/m/Y, Y-m-d.",
        )
    pattern = re.compile(
        "".join(_LETTERS[c][0] if c in _LETTERS else re.escape(c) for c in written), re.ASCII
    )

    def read(text: str) -> datetime.date | None:
        match = pattern.fullmatch(text.strip())
        if match is None:
            return None
        parts = match.groupdict()
        year = int(parts["Y"]) if "Y" in parts else _century(int(parts["y"]))
        try:
            return datetime.date(year, int(parts["m"]), int(parts["d"]))
        except ValueError:
            return None

    return read


def _century(year: int) -> int:
    return year + (1900 if year >= 69 else 2000)

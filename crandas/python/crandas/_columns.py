"""Columns of a pandas frame as the arrays an upload takes."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crandas.ctypes import Wanted, date_reader
from crandas.errors import AmbiguousDateError, BoundsError, CommandError, TypeMismatchError, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd

    from crandas._crandas import ClearColumn

Present = npt.NDArray[np.bool_]
Place = Callable[[int], str]
"""Says where the value at a position came from: "row 3", "line 5"."""

_INT64 = np.iinfo(np.int64)
_EXACT_FLOAT = 2.0**53
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_NO_FRACTIONS = "Fixed point is not there yet. Scale to whole numbers first (cents for euros, for example)."
_SAY_FORMAT = 'Say how dates are written, for example ctype={{{column!r}: "date[format=d/m/Y]"}}.'


def row(position: int) -> str:
    """Rows count from 0, as the default index of pandas does."""
    return f"row {position}"


def from_series(name: str, series: pd.Series[Any], want: Wanted | None, place: Place = row) -> ClearColumn:
    """One column, checked for everything but bounds and length (the compiled client checks those).

    Raises:
        TypeMismatchError: the values are not what the ctype says, or of no one kind.
        BoundsError: an integer beyond 96 bits, a date beyond the years 1 to 9999.
        AmbiguousDateError: a date as text that is not ISO 8601, without a format.
        UnsupportedError: fractions, time zones, times of day.
    """
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.dtype.categories.dtype)
    present = series.notna().to_numpy(dtype=np.bool_)
    dtype = series.dtype
    if pd.api.types.is_bool_dtype(dtype):
        values = series.fillna(False).to_numpy(dtype=np.bool_)
        return _booleans(name, values, present, want)
    if pd.api.types.is_integer_dtype(dtype):
        return _integers(name, _whole_array(series, present), present, want, place)
    if pd.api.types.is_float_dtype(dtype):
        floats = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return _floats(name, floats, present, want, place)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _timestamps(name, series, present, want, place)
    return from_objects(name, series.astype(object).to_numpy(), present, want, place)


def from_objects(
    name: str, values: Iterable[Any], present: Present, want: Wanted | None, place: Place = row
) -> ClearColumn:
    """A column of Python objects; the first one that is there decides what they all must be."""
    objects = list(values)
    first = int(np.argmax(present)) if present.any() else None
    if first is None:
        return _empty(name, len(objects), want)
    sample = objects[first]
    if isinstance(sample, str):
        texts = _all_of(name, objects, present, str, "text", "", place)
        return from_texts(name, texts, present, want, place)
    if isinstance(sample, bool | np.bool_):
        flags = _all_of(name, objects, present, (bool, np.bool_), "true or false", False, place)
        return _booleans(name, np.array(flags, dtype=np.bool_), present, want)
    if isinstance(sample, datetime.date | np.datetime64):
        return _dates(name, objects, present, want, place)
    if isinstance(sample, numbers.Number):
        return _numbers(name, objects, present, want, place)
    raise TypeMismatchError(
        f"column {name!r}, {place(first)}: a {type(sample).__name__} cannot be stored in a column",
        remedy="A column holds whole numbers, true/false, text or dates.",
    )


def from_texts(
    name: str, texts: list[str], present: Present, want: Wanted | None, place: Place = row
) -> ClearColumn:
    """A column of text; missing ones are `""`. Becomes dates only if a date is what is wanted."""
    if want is None or want.kind == "text":
        return (name, "text", texts, _valid(present))
    if want.kind == "date":
        return (name, "date", _read_dates(name, texts, present, want.date_format, place), _valid(present))
    raise _mismatch(name, "text", want)


def _all_of(
    name: str,
    objects: list[Any],
    present: Present,
    types: type | tuple[type, ...],
    what: str,
    missing: Any,
    place: Place,
) -> list[Any]:
    found = []
    for position, (value, there) in enumerate(zip(objects, present, strict=True)):
        if there and not isinstance(value, types):
            raise TypeMismatchError(
                f"column {name!r}, {place(position)}: a {type(value).__name__} in a column of {what}",
                remedy="All values of a column must be of one kind.",
            )
        found.append(value if there else missing)
    return found


def _valid(present: Present) -> Present | None:
    return None if present.all() else present


def _empty(name: str, rows: int, want: Wanted | None) -> ClearColumn:
    if want is None:
        raise TypeMismatchError(
            f"column {name!r} has no values, so its type cannot be told",
            remedy=f'Say it, for example ctype={{{name!r}: "int8?"}}.',
        )
    valid = _valid(np.zeros(rows, dtype=np.bool_))
    match want.kind:
        case "text":
            return (name, "text", [""] * rows, valid)
        case "boolean":
            return (name, "boolean", np.zeros(rows, dtype=np.bool_), valid)
        case "date":
            return (name, "date", np.zeros(rows, dtype=np.int32), valid)
        case _:
            return (name, "integer", np.zeros(rows, dtype=np.int64), valid)


def _mismatch(name: str, found: str, want: Wanted) -> TypeMismatchError:
    return TypeMismatchError(
        f"column {name!r} holds {found}, but its ctype says {want.kind}",
        remedy="Change the ctype, or convert the column before uploading it.",
    )


def _booleans(name: str, values: npt.NDArray[np.bool_], present: Present, want: Wanted | None) -> ClearColumn:
    if want is None or want.kind == "boolean":
        return (name, "boolean", values, _valid(present))
    if want.kind == "integer":
        return (name, "integer", values.astype(np.int64), _valid(present))
    raise _mismatch(name, "true/false", want)


def _whole_array(series: pd.Series[Any], present: Present) -> npt.NDArray[Any]:
    """As `int64`, or as Python integers where that does not hold them."""
    filled = series.fillna(0) if not present.all() else series
    plain = filled.to_numpy()
    if plain.dtype.kind == "u" and (plain > np.uint64(_INT64.max)).any():
        return plain.astype(object)
    return plain.astype(np.int64)


def _integers(
    name: str, values: npt.NDArray[Any], present: Present, want: Wanted | None, place: Place
) -> ClearColumn:
    if want is None or want.kind == "integer":
        if values.dtype == object:
            return (name, "wide", values.tolist(), _valid(present))
        return (name, "integer", values, _valid(present))
    if want.kind == "boolean":
        wrong = present & (values != 0) & (values != 1)
        _refuse(name, wrong, "a number that is neither 0 nor 1 in a column of type bool", place)
        return (name, "boolean", values == 1, _valid(present))
    raise _mismatch(name, "whole numbers", want)


def _floats(
    name: str, values: npt.NDArray[np.float64], present: Present, want: Wanted | None, place: Place
) -> ClearColumn:
    if not present.any() and len(values):
        return _empty(name, len(values), want)
    clear = np.where(present, values, 0.0)
    _refuse(name, np.isinf(clear), "an infinite number", place)
    broken = np.flatnonzero(clear != np.floor(clear))
    if broken.size:
        raise UnsupportedError(
            f"column {name!r}, {place(int(broken[0]))}: a number with a fraction", remedy=_NO_FRACTIONS
        )
    _refuse(name, np.abs(clear) > _EXACT_FLOAT, "a number too large for a float to hold exactly", place)
    return _integers(name, clear.astype(np.int64), present, want, place)


def _numbers(
    name: str, objects: list[Any], present: Present, want: Wanted | None, place: Place
) -> ClearColumn:
    whole = np.zeros(len(objects), dtype=object)
    for position, (value, there) in enumerate(zip(objects, present, strict=True)):
        if not there:
            continue
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Number):
            raise TypeMismatchError(
                f"column {name!r}, {place(position)}: a {type(value).__name__} in a column of numbers",
                remedy="All values of a column must be of one kind.",
            )
        number: Any = value
        if isinstance(value, complex) or number in (np.inf, -np.inf):
            raise UnsupportedError(f"column {name!r}, {place(position)}: not a whole number")
        if number != int(number):
            raise UnsupportedError(
                f"column {name!r}, {place(position)}: a number with a fraction", remedy=_NO_FRACTIONS
            )
        if abs(number) >= 1 << 96:
            raise BoundsError(f"column {name!r}, {place(position)}: a whole number beyond 96 bits")
        whole[position] = int(number)
    if all(_INT64.min <= number <= _INT64.max for number in whole):
        whole = whole.astype(np.int64)
    return _integers(name, whole, present, want, place)


def _timestamps(
    name: str, series: pd.Series[Any], present: Present, want: Wanted | None, place: Place
) -> ClearColumn:
    if want is not None and want.kind != "date":
        raise _mismatch(name, "dates", want)
    if getattr(series.dtype, "tz", None) is not None:
        raise UnsupportedError(
            f"column {name!r} has a time zone", remedy="Convert it first: .dt.tz_localize(None)."
        )
    moments = series.to_numpy()
    days = moments.astype("datetime64[D]")
    with_time = np.flatnonzero(present & (moments != days.astype(moments.dtype)))
    if with_time.size:
        raise UnsupportedError(
            f"column {name!r}, {place(int(with_time[0]))}: a time of day; columns hold days only",
            remedy="Cut it off first: .dt.normalize().",
        )
    numbered = np.where(present, days.astype(np.int64), 0)
    _refuse(name, np.abs(numbered) >= np.iinfo(np.int32).max, "a date too far away", place)
    return (name, "date", numbered.astype(np.int32), _valid(present))


def _dates(name: str, objects: list[Any], present: Present, want: Wanted | None, place: Place) -> ClearColumn:
    if want is not None and want.kind != "date":
        raise _mismatch(name, "dates", want)
    days = np.zeros(len(objects), dtype=np.int32)
    for position, (value, there) in enumerate(zip(objects, present, strict=True)):
        if not there:
            continue
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()  # noqa: PLW2901 - the same value, told differently
        if isinstance(value, datetime.datetime):
            if value.time() != datetime.time() or value.tzinfo is not None:
                raise UnsupportedError(
                    f"column {name!r}, {place(position)}: a time of day or time zone; columns hold days only"
                )
            value = value.date()  # noqa: PLW2901
        if not isinstance(value, datetime.date):
            raise TypeMismatchError(
                f"column {name!r}, {place(position)}: a {type(value).__name__} in a column of dates",
                remedy="All values of a column must be of one kind.",
            )
        days[position] = value.toordinal() - _EPOCH
    return (name, "date", days, _valid(present))


def _read_dates(
    name: str, texts: list[str], present: Present, date_format: str | None, place: Place
) -> npt.NDArray[np.int32]:
    read = date_reader(date_format) if date_format else iso_date
    known: dict[str, int] = {}
    days = np.zeros(len(texts), dtype=np.int32)
    for position, (text, there) in enumerate(zip(texts, present, strict=True)):
        if not there:
            continue
        day = known.get(text)
        if day is None:
            date = read(text)
            if date is None:
                raise _unreadable_date(name, text, date_format, place(position))
            day = known[text] = date.toordinal() - _EPOCH
        days[position] = day
    return days


def iso_date(text: str) -> datetime.date | None:
    """`2000-01-31`, and nothing else."""
    return _ISO(text)


_ISO = date_reader("Y-m-d")
_SLASHES = [
    date_reader(f"{order[0]}{sep}{order[1]}{sep}{order[2]}") for order in ("dmY", "mdY") for sep in "/-."
]


def _unreadable_date(name: str, text: str, date_format: str | None, place: str) -> CommandError:
    if date_format is not None:
        return TypeMismatchError(
            f"column {name!r}, {place}: not a date written as {date_format}",
            remedy="Correct the value, or change the format in the ctype.",
        )
    if any(read(text) is not None for read in _SLASHES):
        return AmbiguousDateError(
            f"column {name!r}, {place}: a date that can be read with the day or the month first",
            remedy=_SAY_FORMAT.format(column=name),
        )
    return TypeMismatchError(
        f"column {name!r}, {place}: not a date as in 2000-01-31", remedy=_SAY_FORMAT.format(column=name)
    )


def _refuse(name: str, wrong: npt.NDArray[np.bool_], what: str, place: Place) -> None:
    positions = np.flatnonzero(wrong)
    if positions.size:
        raise BoundsError(f"column {name!r}, {place(int(positions[0]))}: {what}")

"""From clear data to a table on the servers: columns, their types, the warning, the command."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crandas import _check, _columns, _engine, base
from crandas._source import stack_level
from crandas._table import Table, reference
from crandas._unsupported import refuse_arguments, unsupported
from crandas.config import settings
from crandas.ctypes import Ctype, Wanted, wanted
from crandas.errors import (
    ColumnBoundDerivedWarning,
    CommandError,
    DummySkippedWarning,
    TypeMismatchError,
    UnknownColumnError,
)
from crandas.frame import DataFrame
from crandas.rules import Rules

if TYPE_CHECKING:
    import pandas as pd

    from crandas._crandas import ClearColumn

_REVEALS = {
    "integer": "its smallest and largest value",
    "date": "its first and last day",
    "text": "its longest text",
}


def upload_pandas_dataframe(
    df: pd.DataFrame,
    ctype: Any = None,
    auto_bounds: bool | None = None,
    name: str | None = None,
    dummy_for: str | None = None,
    rules: Rules | None = None,
    **unknown: Any,
) -> DataFrame:
    """Splits a pandas frame into shares and uploads one share to each server. Its index stays behind.

    Args:
        df: the frame; anything that speaks Arrow (`__arrow_c_stream__`) will do.
        ctype: the type of every column (a dict by name), or one type for all; see `crandas.ctypes`.
        auto_bounds: True accepts types derived from the data without a warning.
        name: a name under which the table can be found again.
        dummy_for: handle of the production table that this dummy stands for.
        rules: what is asked of whoever computes with the table.
        unknown: what else there may be; refused.

    Raises:
        BoundsError: a value outside its type; names column and row.
        TypeMismatchError: a column of mixed or unsuitable values.
        UnsupportedError: numbers with a fraction, times of day.
    """
    refuse_arguments("upload_pandas_dataframe", unknown)
    table = from_pandas(
        as_pandas(df, None),
        ctype=ctype,
        auto_bounds=auto_bounds,
        name=name,
        dummy_for=dummy_for,
        rules=rules,
    )
    return DataFrame._of(table)


def read_csv(
    filepath_or_buffer: Any,
    ctype: Any = None,
    auto_bounds: bool | None = None,
    name: str | None = None,
    dummy_for: str | None = None,
    *,
    rules: Rules | None = None,
    sep: str | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8-sig",
    usecols: Sequence[str] | None = None,
    na_values: str | Sequence[str] | None = None,
    keep_default_na: bool = True,
    **unknown: Any,
) -> DataFrame:
    """Reads a CSV file and uploads it, without ever holding more than the columns themselves.

    The first line names the columns. A column without a ctype becomes whole numbers, true/false or text,
    whichever all its cells are; blank cells are missing values and do not change that. Dates need a ctype
    (`"date"` for ISO dates, `"date[format=d/m/Y]"` for others), else they stay text.

    Args:
        filepath_or_buffer: a path or an open file.
        ctype: the type of every column (a dict by name), or one type for all; see `crandas.ctypes`.
        auto_bounds: True accepts types derived from the data without a warning.
        name: a name under which the table can be found again.
        dummy_for: handle of the production table that this dummy stands for.
        rules: what is asked of whoever computes with the table.
        sep: what separates fields; a comma if not given.
        delimiter: another name for `sep`.
        encoding: how the file is encoded.
        usecols: which columns to read.
        na_values: what else means a missing value.
        keep_default_na: whether what pandas takes for missing (blank, NA, NaN, null and so on) is missing
            here too.
        unknown: what else pandas takes; refused.

    Raises:
        CsvError: rows of unequal length, a repeated column name, bad quoting; names the line.
        AmbiguousDateError: a date that is not ISO 8601 and has no format.
    """
    from crandas import _csv

    refuse_arguments("read_csv", unknown)
    extra = [na_values] if isinstance(na_values, str) else list(na_values or [])
    missing = (_csv.MISSING if keep_default_na else frozenset([""])) | frozenset(extra)
    columns = _csv.columns(
        filepath_or_buffer,
        lambda names: _wanted(names, ctype),
        delimiter=sep or delimiter or ",",
        encoding=encoding,
        usecols=usecols,
        missing=missing,
    )
    wants = _wanted([column[0] for column in columns], ctype)
    table = _upload(columns, wants, auto_bounds=auto_bounds, name=name, dummy_for=dummy_for, rules=rules)
    return DataFrame._of(table)


def get_table(handle_or_name: str, **unknown: Any) -> DataFrame:
    """A table that is on the servers already, by its handle or name.

    In design mode the handle of a production table stands for the dummy that was uploaded with
    `dummy_for`; a recorded script keeps the production handle.

    Raises:
        UnknownTableError: there is no such table.
    """
    refuse_arguments("get_table", unknown)
    session = base.session
    meta = _engine.table(session.engine, {"get": {"table": reference(handle_or_name)}})
    return DataFrame._of(Table.described(session, meta))


def as_pandas(data: Any, columns: Sequence[str] | None) -> pd.DataFrame:
    """Whatever was given, as a pandas frame."""
    import pandas as pd

    if isinstance(data, DataFrame):
        raise TypeMismatchError("this table is on the servers already")
    if isinstance(data, pd.DataFrame):
        frame = data
    elif hasattr(data, "__arrow_c_stream__"):
        frame = _from_arrow(data)
    elif data is None:
        raise TypeMismatchError("there is nothing to upload", remedy='Give columns: {"a": [1, 2, 3]}.')
    else:
        frame = pd.DataFrame(_held(data))
    return frame if columns is None else frame[list(columns)]


def _from_arrow(data: Any) -> pd.DataFrame:
    import pandas as pd

    try:
        # Newer than the stubs of pandas.
        frame: pd.DataFrame = pd.DataFrame.from_arrow(data)  # type: ignore[attr-defined]
    except ImportError:
        raise TypeMismatchError(
            f"reading a {type(data).__name__} needs the package pyarrow",
            remedy="Install pyarrow, or convert the data first: .to_pandas().",
        ) from None
    return frame


def _held(data: Any) -> Any:
    """Columns of plain values as objects: pandas would turn whole numbers with a gap into floats."""
    import pandas as pd

    if not isinstance(data, Mapping):
        return data
    return {
        name: pd.Series(values, dtype=object) if isinstance(values, list | tuple) else values
        for name, values in data.items()
    }


def from_pandas(
    frame: pd.DataFrame,
    *,
    ctype: Any,
    auto_bounds: bool | None,
    name: str | None,
    dummy_for: str | None,
    rules: Rules | None = None,
) -> Table:
    """Uploads a frame."""
    names = list(frame.columns)
    for position, column in enumerate(names):
        if not isinstance(column, str) or not column:
            raise TypeMismatchError(
                f"column {position} has no text for a name",
                remedy="df.columns = [...] gives the columns names.",
            )
        if column in names[:position]:
            raise CommandError(f"two columns are called {column!r}")
    if not names:
        raise CommandError("a table needs at least one column")
    wants = _wanted(names, ctype)
    columns = [
        _columns.from_series(column, frame.iloc[:, position], want)
        for position, (column, want) in enumerate(zip(names, wants, strict=True))
    ]
    return _upload(columns, wants, auto_bounds=auto_bounds, name=name, dummy_for=dummy_for, rules=rules)


def _wanted(names: Sequence[str], ctype: Any) -> list[Wanted | None]:
    if not isinstance(ctype, Mapping):
        return [wanted(ctype, name) for name in names]
    if unknown := [name for name in ctype if name not in names]:
        raise UnknownColumnError(
            f"ctype names a column {unknown[0]!r} that is not in the data",
            remedy=f"The data has {', '.join(map(repr, names))}.",
        )
    return [wanted(ctype.get(name), name) for name in names]


def _upload(
    columns: list[ClearColumn],
    wants: Sequence[Wanted | None],
    *,
    auto_bounds: bool | None,
    name: str | None,
    dummy_for: str | None,
    rules: Rules | None,
) -> Table:
    if rules is not None and not isinstance(rules, Rules):
        raise TypeMismatchError(f"rules is a {type(rules).__name__}", remedy="Give crandas.Rules(...).")
    if name is not None and dummy_for is not None:
        raise unsupported(
            "name= together with dummy_for=", "a dummy takes the place of a table that has a handle"
        )
    session = base.session
    given = [None if want is None else want.text for want in wants]
    types = session.engine.upload_types(columns, given)
    types = [_as_nullable(ctype, want) for ctype, want in zip(types, wants, strict=True)]
    if not (settings.auto_bounds if auto_bounds is None else auto_bounds):
        _warn_of_derived(columns, given, types)
    metas = [{"name": column[0], "type": ctype} for column, ctype in zip(columns, types, strict=True)]
    if dummy_for is not None and session.mode == "authorized":
        warnings.warn(
            f"nothing was uploaded: in authorized mode the real table {dummy_for[:6]}… is there itself",
            DummySkippedWarning,
            stacklevel=stack_level(),
        )
        described = {"handle": dummy_for, "rows": None, "columns": metas}
        return replace(Table.described(session, described), rules=rules)
    if _check.running is not None:
        columns = _check.running.replaced(columns, types)
    inner: dict[str, Any] = {"columns": metas}
    if name is not None:
        inner["name"] = name
    if rules is not None and rules.wire:
        inner["rules"] = rules.wire
    return Table.described(session, _engine.upload(session.engine, {"upload": inner}, columns, dummy_for))


def _as_nullable(ctype: str, want: Wanted | None) -> str:
    """A derived type is nullable as well where the user said so: `"varchar?"`."""
    asked = want is not None and want.text is None and want.nullable
    return f"{ctype}?" if asked and not ctype.endswith("?") else ctype


def _warn_of_derived(
    columns: Sequence[ClearColumn], given: Sequence[str | None], types: Sequence[str]
) -> None:
    derived = [
        f"{column[0]!r} became {ctype} and so tells {_reveal(ctype)}"
        for column, text, ctype in zip(columns, given, types, strict=True)
        if text is None and (Ctype(ctype).kind in _REVEALS or Ctype(ctype).nullable)
    ]
    if derived:
        warnings.warn(
            "Types are public, and these were derived from the data: "
            + "; ".join(derived)
            + ". Say the types with ctype={...}, or accept them with auto_bounds=True.",
            ColumnBoundDerivedWarning,
            stacklevel=stack_level(),
        )


def _reveal(ctype: str) -> str:
    parts = [_REVEALS[Ctype(ctype).kind]] if Ctype(ctype).kind in _REVEALS else []
    if Ctype(ctype).nullable:
        parts.append("that values are missing")
    return " and ".join(parts)

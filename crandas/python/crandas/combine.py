"""Putting tables together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crandas._unsupported import refuse_arguments, unsupported
from crandas.errors import CommandError, TypeMismatchError, UnknownColumnError
from crandas.frame import DataFrame

__all__ = ["concat", "merge"]

_HOW = ("inner", "left", "right", "outer")

_VALIDATE = {
    "one_to_one": "one_to_one",
    "1:1": "one_to_one",
    "many_to_one": "many_to_one",
    "m:1": "many_to_one",
    "one_to_many": "one_to_many",
    "1:m": "one_to_many",
    "many_to_many": "many_to_many",
    "m:m": "many_to_many",
}


def merge(
    left: DataFrame,
    right: DataFrame,
    how: str = "inner",
    on: str | Sequence[str] | None = None,
    left_on: str | Sequence[str] | None = None,
    right_on: str | Sequence[str] | None = None,
    *,
    validate: str | None = None,
    suffixes: Sequence[str] = ("_x", "_y"),
    **unknown: Any,
) -> DataFrame:
    """Joins two tables on equal keys. How many rows the result has is public.

    Rows of the result follow `left`, those of a right join `right`. An outer join gives the rows of a left
    join and then those of `right` without partner; pandas would sort them by key.

    Unlike in pandas, a missing key matches nothing, not even another missing key, and a table that is
    looked up must have unique keys unless `validate` says otherwise.

    Args:
        left: the table on the left.
        right: the table on the right.
        how: which rows stay without a partner, and get missing values: none (`"inner"`), those of one table
            (`"left"`, `"right"`), or all (`"outer"`).
        on: the key columns, if they are called the same in both tables; by default all common columns.
        left_on: the key columns of `left`.
        right_on: the key columns of `right`, in the same order.
        validate: whose keys are unique: `"1:1"`, `"m:1"`, `"1:m"` or `"m:m"`, or in words `"many_to_one"` and
            so on. By default those of the table that is looked up: `"m:1"`, and in a right join `"1:m"`.
            Many to many gives a row for every pair, and costs the most.
        suffixes: what to add to the names of other columns that both tables have.
        unknown: what else pandas takes; refused.

    Raises:
        KeyNotUniqueError: keys that must be unique are not; nothing else is revealed.
        CommandError: the result would have more rows than the servers make.
        UnknownColumnError: a key column that is not there.
    """
    refuse_arguments(
        "merge", {name: value for name, value in unknown.items() if value or name not in _HARMLESS}
    )
    if not isinstance(left, DataFrame) or not isinstance(right, DataFrame):
        raise TypeMismatchError("merge joins two crandas tables", remedy="Upload the pandas frame first.")
    if how not in _HOW:
        raise unsupported(f"merge with how={how!r}", f"one of {', '.join(map(repr, _HOW))}")
    if validate is None:
        validate = "one_to_many" if how == "right" else "many_to_one"
    if validate not in _VALIDATE:
        raise CommandError(
            f"merge has no validate={validate!r}", remedy=f"It has {', '.join(map(repr, _VALIDATE))}."
        )
    _one_session([left, right])
    left_keys, right_keys = _keys(left, right, on, left_on, right_on)
    inner = {
        "left": left._table.reference,
        "right": right._table.reference,
        "how": how,
        "left_on": left_keys,
        "right_on": right_keys,
        "validate": _VALIDATE[validate],
        "suffixes": [_suffix(suffixes[0]), _suffix(suffixes[1])],
    }
    return left._new("merge", **inner)


_HARMLESS = {"copy", "sort", "left_index", "right_index", "indicator"}


def _suffix(suffix: str | None) -> str:
    return suffix or ""


def _keys(
    left: DataFrame,
    right: DataFrame,
    on: Any,
    left_on: Any,
    right_on: Any,
) -> tuple[list[str], list[str]]:
    if on is not None and (left_on is not None or right_on is not None):
        raise CommandError("merge takes on=, or left_on= and right_on=, but not both")
    if on is None and (left_on is None) != (right_on is None):
        raise CommandError("merge needs both left_on= and right_on=")
    if on is None and left_on is None:
        common = [name for name in left.columns if name in right]
        if not common:
            raise CommandError("the tables have no column in common", remedy="Say left_on= and right_on=.")
        return common, common
    left_keys, right_keys = _listed(left_on if on is None else on), _listed(right_on if on is None else on)
    if len(left_keys) != len(right_keys) or not left_keys:
        raise CommandError("left_on= and right_on= must name as many columns each")
    for table, keys in ((left, left_keys), (right, right_keys)):
        for key in keys:
            table._table.column(key)
    return left_keys, right_keys


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def concat(
    tables: Sequence[DataFrame],
    axis: int | str = 0,
    join: str = "outer",
    *,
    ignore_index: bool = True,
    **unknown: Any,
) -> DataFrame:
    """The rows of several tables, one table after the other.

    Args:
        tables: crandas tables with the same columns, in whichever order; the order of the first one counts.
        axis: 0; tables are not put side by side.
        join: `"outer"` asks for the same columns in all; `"inner"` keeps those that all have.
        ignore_index: without effect, as there is no index.
        unknown: what else pandas takes; refused.

    Raises:
        UnknownColumnError: a table lacks a column that another one has.
    """
    refuse_arguments("concat", unknown)
    del ignore_index
    frames = list(tables)
    if axis not in (0, "index"):
        raise unsupported("concat side by side", "merge on a key, which does not depend on the order of rows")
    if join not in ("outer", "inner"):
        raise CommandError("join is 'outer' or 'inner'")
    if not frames or not all(isinstance(frame, DataFrame) for frame in frames):
        raise TypeMismatchError("concat takes a list of crandas tables", remedy="Upload pandas frames first.")
    _one_session(frames)
    names = list(frames[0].columns)
    if join == "inner":
        names = [name for name in names if all(name in frame for frame in frames)]
        if not names:
            raise CommandError("the tables have no column in common")
    for frame in frames:
        if join == "outer" and (odd := set(frame.columns) ^ set(names)):
            column = min(odd)
            raise UnknownColumnError(
                f"column {column!r} is not in all tables",
                remedy="join='inner' keeps only the common columns.",
            )
    alike = [frame if len(frame.columns) == len(names) else frame.project(names) for frame in frames]
    return frames[0]._new("concat", tables=[frame._table.reference for frame in alike])


def _one_session(frames: Sequence[DataFrame]) -> None:
    if any(frame._table.session is not frames[0]._table.session for frame in frames):
        raise CommandError(
            "these tables are on different servers, or of a session that was closed",
            remedy="Get or upload all of them in one session.",
        )

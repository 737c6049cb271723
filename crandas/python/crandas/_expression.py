"""Row-wise expressions as the command language writes them, over columns that keep their identity."""

from __future__ import annotations

import datetime
import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crandas._columns import iso_date
from crandas.ctypes import Kind
from crandas.errors import CommandError, TypeMismatchError, UnsupportedError

if TYPE_CHECKING:
    from crandas._table import Table

Origin = tuple[str, str]
COMPARISONS = {"equal", "not_equal", "less", "less_or_equal", "greater", "greater_or_equal"}
LOGIC = {"and", "or", "xor"}

_EXACT = 1 << 53
_ROUND_DOWN = {"greater", "less_or_equal"}
_ROUND_UP = {"less", "greater_or_equal"}
_NO_FRACTIONS = "Fixed point is not there yet; use whole numbers."


@dataclass(frozen=True)
class Leaf:
    """A column inside an expression; it gets its name when the expression is used."""

    origin: Origin
    name: str


@dataclass(frozen=True)
class Expression:
    """An expression tree and what it results in."""

    tree: Any
    kind: Kind

    def columns(self) -> set[Leaf]:
        """The columns it reads."""
        return _leaves(self.tree)

    def written_for(self, table: Table) -> Any:
        """The tree as JSON, with the names its columns have in `table`."""
        return _written(self.tree, table)


def _leaves(tree: Any) -> set[Leaf]:
    if isinstance(tree, Leaf):
        return {tree}
    if isinstance(tree, dict):
        return set().union(*(_leaves(part) for part in tree.values()))
    return set()


def _written(tree: Any, table: Table) -> Any:
    if isinstance(tree, Leaf):
        column = table.find(tree.origin)
        if column is None:
            raise CommandError(
                f"this expression uses the column {tree.name!r}, which the table no longer has as it was",
                remedy=f"Build the expression again from the table as it is now: df[{tree.name!r}].",
            )
        return {"column": column.name}
    if isinstance(tree, dict):
        return {word: _written(part, table) for word, part in tree.items()}
    return tree


def binary(op: str, left: Expression, right: Expression) -> Expression:
    """`left op right`."""
    kind: Kind = "integer"
    if op in COMPARISONS | LOGIC:
        kind = "boolean"
    elif [left.kind, right.kind].count("date") == 1:
        kind = "date"
    return Expression({"binary": {"op": op, "left": left.tree, "right": right.tree}}, kind)


def negated(value: Expression) -> Expression:
    """`not value`."""
    return Expression({"not": value.tree}, "boolean")


def minus(value: Expression) -> Expression:
    """`-value`."""
    return Expression({"negate": value.tree}, "integer")


def is_null(value: Expression) -> Expression:
    """Whether the value is missing."""
    return Expression({"is_null": value.tree}, "boolean")


def fill_null(value: Expression, with_: Expression) -> Expression:
    """`value`, or `with_` where it is missing."""
    return Expression({"fill_null": {"value": value.tree, "with": with_.tree}}, value.kind)


def constant(value: Any, beside: Kind, op: str | None = None) -> Expression:
    """A constant that meets a value of kind `beside` in the operation `op`.

    Raises:
        TypeMismatchError: a constant of a type that no column has.
        UnsupportedError: a number with a fraction where only whole numbers go.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in _MISSING:
        raise TypeMismatchError(
            "nothing compares equal to a missing value", remedy="Use .isna(), .notna() or .fillna(value)."
        )
    if isinstance(value, bool | np.bool_):
        if beside == "integer":
            return _integer(int(value))
        return Expression({"boolean": bool(value)}, "boolean")
    if isinstance(value, numbers.Number):
        number = _whole(value, op)
        if beside == "boolean" and number in (0, 1) and op in COMPARISONS | LOGIC:
            return Expression({"boolean": bool(number)}, "boolean")
        return _integer(number)
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, datetime.date):
        return _date(value)
    if isinstance(value, str):
        return _date_text(str(value)) if beside == "date" else Expression({"text": str(value)}, "text")
    raise TypeMismatchError(
        f"a {type(value).__name__} is no value a column can have",
        remedy="Constants are whole numbers, True/False, text and dates; else take a column of this table.",
    )


_MISSING = {"NAType", "NaTType"}


def _integer(number: int) -> Expression:
    return Expression({"integer": number if abs(number) <= _EXACT else str(number)}, "integer")


def _whole(given: Any, op: str | None) -> int:
    if isinstance(given, complex):
        raise TypeMismatchError("a complex number is no value a column can have")
    value: float = given
    if value == math.inf or value == -math.inf:
        raise UnsupportedError("an infinite number", remedy=_NO_FRACTIONS)
    if value == int(value):
        return int(value)
    # Whole numbers are above 3.5 exactly if they are above 3, and below it exactly if they are below 4.
    if op in _ROUND_DOWN:
        return math.floor(value)
    if op in _ROUND_UP:
        return math.ceil(value)
    raise UnsupportedError("a number with a fraction", remedy=_NO_FRACTIONS)


def _date(value: datetime.date) -> Expression:
    if isinstance(value, datetime.datetime):
        if value.time() != datetime.time() or value.tzinfo is not None:
            raise UnsupportedError("a time of day or a time zone; columns hold days only")
        value = value.date()
    return Expression({"date": value.isoformat()}, "date")


def _date_text(text: str) -> Expression:
    date = iso_date(text)
    if date is None:
        raise TypeMismatchError(
            "a date in an expression is written as in 2000-01-31", remedy="Or give a datetime.date."
        )
    return _date(date)

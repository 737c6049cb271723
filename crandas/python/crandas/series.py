"""A column, or something computed from columns row by row, that has not been computed yet."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, Self

from crandas import _engine, _expression, _opened
from crandas._expression import Expression, Leaf
from crandas._table import Column, Table
from crandas._unsupported import missing_attribute, unsupported
from crandas.errors import CommandError, TypeMismatchError

if TYPE_CHECKING:
    import pandas as pd

AGGREGATES = ("count", "sum", "mean", "min", "max")


class Series:
    """A row-wise expression over the columns of one table.

    Nothing is computed, and nothing sent, until it is used: as a filter (`df[series]`), as a new column
    (`df["c"] = series`) or by an aggregate (`series.mean()`), which opens its result. Where a value is
    missing, arithmetic gives a missing value, comparisons are false, and `&`, `|`, `^` read it as false.
    """

    __hash__ = None  # type: ignore[assignment]
    # numpy's constants and arrays leave operators to this class.
    __array_ufunc__ = None

    def __init__(
        self, table: Table, expression: Expression, name: str | None = None, threshold: int | None = None
    ) -> None:
        self._table = table
        self._expression = expression
        self._name = name
        self._threshold = threshold

    @classmethod
    def _of_column(cls, table: Table, column: Column) -> Self:
        tree = Leaf(column.origin, column.name)
        return cls(table, Expression(tree, column.ctype.kind), column.name)

    @property
    def name(self) -> str | None:
        """The column's name; None for something computed."""
        return self._name

    @property
    def dtype(self) -> str:
        """The type of a column; for something computed, what it holds."""
        tree = self._expression.tree
        if isinstance(tree, Leaf) and (column := self._table.find(tree.origin)):
            return column.ctype.text
        return self._expression.kind

    # Arithmetic

    def __add__(self, other: Any) -> Series:
        return self._binary("add", other)

    def __radd__(self, other: Any) -> Series:
        return self._binary("add", other, swapped=True)

    def __sub__(self, other: Any) -> Series:
        return self._binary("subtract", other)

    def __rsub__(self, other: Any) -> Series:
        return self._binary("subtract", other, swapped=True)

    def __mul__(self, other: Any) -> Series:
        return self._binary("multiply", other)

    def __rmul__(self, other: Any) -> Series:
        return self._binary("multiply", other, swapped=True)

    def __neg__(self) -> Series:
        return self._made(_expression.minus(self._expression))

    def __pos__(self) -> Series:
        return self

    def _no_division(self, _other: Any) -> NoReturn:
        raise unsupported("division of columns", "open sums and counts and divide those; mean() is exact")

    def _no_power(self, _other: Any) -> NoReturn:
        raise unsupported("powers of columns", "multiply: a * a")

    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _no_division
    __pow__ = __rpow__ = _no_power

    # Comparison

    def __eq__(self, other: object) -> Series:  # type: ignore[override]
        return self._binary("equal", other)

    def __ne__(self, other: object) -> Series:  # type: ignore[override]
        return self._binary("not_equal", other)

    def __lt__(self, other: Any) -> Series:
        return self._binary("less", other)

    def __le__(self, other: Any) -> Series:
        return self._binary("less_or_equal", other)

    def __gt__(self, other: Any) -> Series:
        return self._binary("greater", other)

    def __ge__(self, other: Any) -> Series:
        return self._binary("greater_or_equal", other)

    def between(self, left: Any, right: Any, inclusive: str = "both") -> Series:
        """Whether the value lies between two others; `inclusive` is both, neither, left or right."""
        lower = {
            "both": "greater_or_equal",
            "left": "greater_or_equal",
            "neither": "greater",
            "right": "greater",
        }
        upper = {"both": "less_or_equal", "right": "less_or_equal", "neither": "less", "left": "less"}
        if inclusive not in lower:
            raise ValueError("inclusive is 'both', 'neither', 'left' or 'right'")
        return self._binary(lower[inclusive], left) & self._binary(upper[inclusive], right)

    def isin(self, values: Iterable[Any]) -> Series:
        """Whether the value is one of a few public ones; one comparison each."""
        comparisons = [self._binary("equal", value) for value in values]
        if not comparisons:
            raise CommandError("isin() needs at least one value")
        while len(comparisons) > 1:
            # Halving keeps the tree shallow, however many there are.
            comparisons = [
                functools.reduce(Series.__or__, comparisons[start : start + 2])
                for start in range(0, len(comparisons), 2)
            ]
        return comparisons[0]

    # Logic

    def __and__(self, other: Any) -> Series:
        return self._logic("and", other)

    def __rand__(self, other: Any) -> Series:
        return self._logic("and", other, swapped=True)

    def __or__(self, other: Any) -> Series:
        return self._logic("or", other)

    def __ror__(self, other: Any) -> Series:
        return self._logic("or", other, swapped=True)

    def __xor__(self, other: Any) -> Series:
        return self._logic("xor", other)

    def __rxor__(self, other: Any) -> Series:
        return self._logic("xor", other, swapped=True)

    def __invert__(self) -> Series:
        self._expect_condition("~")
        return self._made(_expression.negated(self._expression))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a column has no truth value: what it holds is secret. Combine conditions with &, | and ~, not "
            "with and, or and not: (df['a'] > 1) & (df['b'] < 2). Filter with df[condition]."
        )

    # Missing values

    def isna(self) -> Series:
        """Whether the value is missing."""
        return self._made(_expression.is_null(self._expression))

    isnull = isna

    def notna(self) -> Series:
        """Whether the value is there."""
        return ~self.isna()

    notnull = notna

    def fillna(self, value: Any) -> Series:
        """The value, or `value` (a constant or another column) where it is missing."""
        table, other = self._operand(value, None)
        filled = _expression.fill_null(self._expression, other)
        return Series(table, filled, self._name, self._threshold)

    # Aggregates

    def with_threshold(self, threshold: int) -> Series:
        """The same, but filters and aggregates by it fail if fewer than `threshold` rows take part."""
        return Series(self._table, self._expression, self._name, threshold)

    def count(self, *, threshold: int | None = None) -> int:
        """Opens how many values are there (not missing)."""
        value: int = self._opened(["count"], threshold)["count"]
        return value

    def sum(self, *, threshold: int | None = None) -> Any:
        """Opens the sum of the values that are there; 0 if there are none."""
        return self._opened(["sum"], threshold)["sum"]

    def mean(self, *, threshold: int | None = None) -> float:
        """Opens the mean of the values that are there; nan if there are none.

        Raises:
            TooFewRowsError: fewer than `threshold` rows take part; nothing else is revealed.
        """
        value: float = self._opened(["mean"], threshold)["mean"]
        return value

    def min(self, *, threshold: int | None = None) -> Any:
        """Opens the smallest value; nan (NaT for dates) if there are none."""
        return self._opened(["min"], threshold)["min"]

    def max(self, *, threshold: int | None = None) -> Any:
        """Opens the largest value; nan (NaT for dates) if there are none."""
        return self._opened(["max"], threshold)["max"]

    def agg(self, func: Any, *, threshold: int | None = None) -> Any:
        """Opens one aggregate, or several at once as a pandas Series.

        Args:
            func: `"count"`, `"sum"`, `"mean"`, `"min"`, `"max"`, a function of `crandas.groupby`, or a
                list of them.
            threshold: how many rows must take part.
        """
        if isinstance(func, list | tuple):
            import pandas as pd

            names = [aggregate_name(one) for one in func]
            return pd.Series(self._opened(names, threshold), index=names, name=self._name)
        name = aggregate_name(func)
        return self._opened([name], threshold)[name]

    aggregate = agg

    def __len__(self) -> int:
        if self._table.rows is None:
            raise CommandError("how many rows this table has is not known here")
        return self._table.rows

    def __getitem__(self, key: Any) -> Series:
        """`series[condition]`: the same of the rows where the condition holds."""
        if not isinstance(key, Series):
            raise TypeMismatchError(
                "a column can only be indexed by a condition", remedy="Single rows cannot be looked at."
            )
        from crandas.frame import DataFrame

        table, _ = self._operand(key, None)
        kept = DataFrame._of(table).filter(key)._table
        renamed = Expression(_moved(self._expression.written_for(table), kept), self._expression.kind)
        return Series(kept, renamed, self._name, self._threshold)

    def as_table(self, name: str | None = None) -> Any:
        """A table of this one column, computed now and called `name`."""
        from crandas.frame import DataFrame

        column = name or self._name or "value"
        table = DataFrame._of(self._table).assign(**{column: self})
        return table.project([column])

    def open(self) -> pd.Series[Any]:
        """Reveals every value, as a pandas Series."""
        column = self._name or "value"
        opened: pd.Series[Any] = self.as_table(column).open()[column]
        return opened

    def __iter__(self) -> NoReturn:
        raise TypeError("the rows of a column are secret and cannot be looped over; open() reveals them")

    def __contains__(self, _value: object) -> bool:
        raise TypeError(
            "what a column holds is secret; (column == value).sum() opens how often it holds a value"
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("the values of a column are secret; open() reveals them")

    def __getattr__(self, name: str) -> NoReturn:
        raise missing_attribute("a column", Series, name)

    def __repr__(self) -> str:
        what = repr(self._name) if self._name is not None else "computed"
        rows = "?" if self._table.rows is None else f"{self._table.rows:,}"
        return f"crandas.Series {what}: {self.dtype}, {rows} rows"

    # How expressions come together

    def _made(self, expression: Expression, table: Table | None = None) -> Series:
        return Series(table or self._table, expression, None, self._threshold)

    def _binary(self, op: str, other: Any, *, swapped: bool = False) -> Series:
        table, operand = self._operand(other, op)
        sides = (operand, self._expression) if swapped else (self._expression, operand)
        made = self._made(_expression.binary(op, *sides), table)
        if isinstance(other, Series) and other._threshold is not None:
            made._threshold = max(self._threshold or 0, other._threshold)
        return made

    def _logic(self, op: str, other: Any, *, swapped: bool = False) -> Series:
        sign = {"and": "&", "or": "|", "xor": "^"}[op]
        self._expect_condition(sign)
        if isinstance(other, Series):
            other._expect_condition(sign)
        return self._binary(op, other, swapped=swapped)

    def _expect_condition(self, sign: str) -> None:
        if self._expression.kind != "boolean":
            raise TypeMismatchError(
                f"{sign} needs conditions, but this column holds {self._expression.kind}",
                remedy="Comparisons need parentheses beside it: (df['a'] > 1) & (df['b'] < 2).",
            )

    def _operand(self, other: Any, op: str | None) -> tuple[Table, Expression]:
        """The other side, and a table that has the columns of both sides."""
        if not isinstance(other, Series):
            return self._table, _expression.constant(other, self._expression.kind, op)
        return common_table([self, other]), other._expression

    def _opened(self, names: list[str], threshold: int | None) -> dict[str, Any]:
        value = self._expression.written_for(self._table)
        wanted = [{"name": name, "aggregate": name, "value": value} for name in names]
        return open_aggregates(self._table, wanted, self._threshold if threshold is None else threshold)


def open_aggregates(table: Table, wanted: list[dict[str, Any]], threshold: int | None) -> dict[str, Any]:
    """Opens one value per aggregation."""
    inner = {"table": table.reference, "aggregations": wanted, **threshold_field(threshold)}
    return _opened.scalars(_engine.opened(table.session.engine, {"aggregate": inner}))


def threshold_field(threshold: int | None) -> dict[str, int]:
    """The threshold as part of a command, if there is one."""
    if threshold is None:
        return {}
    if isinstance(threshold, bool) or not isinstance(threshold, int) or threshold < 0:
        raise TypeMismatchError("a threshold is a whole number of rows")
    return {"threshold": threshold}


def aggregate_name(func: Any) -> str:
    """What the command language calls an aggregate given by name or function."""
    name = func if isinstance(func, str) else getattr(func, "__name__", repr(func))
    if name in {"amin", "amax"}:
        name = name[1:]
    if name not in AGGREGATES:
        raise unsupported(f"the aggregate {name!r}", f"there are {', '.join(AGGREGATES)}")
    return name


def common_table(series: list[Series]) -> Table:
    """A table that has all columns that these read.

    Raises:
        CommandError: they come from tables of which the rows do not belong together.
    """
    tables = [one._table for one in series]
    leaves = set[Leaf]().union(*(one._expression.columns() for one in series))
    for table in tables:
        if any(other.order != table.order or other.session is not table.session for other in tables):
            raise CommandError(
                "these columns come from different tables, so their rows do not belong together",
                remedy="Merge the tables first, then take both columns from the result.",
            )
        if all(table.find(leaf.origin) for leaf in leaves):
            return table
    raise CommandError(
        "no one table has all columns of this expression any more", remedy="Take all columns from one table."
    )


def _moved(tree: Any, table: Table) -> Any:
    """A written tree with its columns looked up, by name, in another table."""
    if isinstance(tree, dict):
        if set(tree) == {"column"}:
            column = table.column(tree["column"])
            return Leaf(column.origin, column.name)
        return {word: _moved(part, table) for word, part in tree.items()}
    return tree


SeriesMaker = Callable[[Any], Series]

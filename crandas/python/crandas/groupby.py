"""Grouping, and the aggregates as functions: `df.groupby("a")["b"].agg(crandas.groupby.sum)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from crandas._expression import Expression, Leaf, is_null
from crandas._unsupported import missing_attribute
from crandas.errors import CommandError, TypeMismatchError
from crandas.series import aggregate_name

if TYPE_CHECKING:
    from crandas.frame import DataFrame
    from crandas.series import Series

__all__ = ["GroupBy", "count", "max", "mean", "min", "sum"]


def count(series: Series) -> int:
    """How many values are there."""
    return series.count()


def sum(series: Series) -> Any:  # noqa: A001 - the name of the aggregate
    """The sum of the values that are there."""
    return series.sum()


def mean(series: Series) -> float:
    """The mean of the values that are there."""
    return series.mean()


def min(series: Series) -> Any:  # noqa: A001
    """The smallest value."""
    return series.min()


def max(series: Series) -> Any:  # noqa: A001
    """The largest value."""
    return series.max()


class GroupBy:
    """The rows of a table in groups of equal keys. Aggregating it reveals how many groups there are.

    Every aggregate gives a table: the keys, then one column per aggregate, sorted by key.
    """

    def __init__(
        self, frame: DataFrame, by: list[str], chosen: list[str] | None = None, single: bool = False
    ) -> None:
        self._frame = frame
        self._by = by
        self._chosen = chosen
        self._single = single

    def __getitem__(self, columns: str | Sequence[str]) -> GroupBy:
        """The columns to aggregate."""
        names = [columns] if isinstance(columns, str) else list(columns)
        for name in names:
            self._frame._table.column(name)
        return GroupBy(self._frame, self._by, names, single=isinstance(columns, str))

    def agg(self, func: Any = None, **named: Any) -> DataFrame:
        """Aggregates every group.

        Args:
            func: an aggregate by name or function; a list of them; a dict from column to either.
            named: new columns, each as `("column", "aggregate")`; after choosing one column, just the
                aggregate.
        """
        if (func is None) == (not named):
            raise CommandError(
                "agg needs either an aggregate, or columns such as total=('amount', 'sum')",
            )
        if named:
            wanted = [self._named(name, pair) for name, pair in named.items()]
        elif isinstance(func, Mapping):
            wanted = [
                one for column, given in func.items() for one in self._of(column, given, several_of_dict=True)
            ]
        else:
            wanted = [one for column in self._columns() for one in self._of(column, func)]
        return self._run(wanted)

    aggregate = agg

    def count(self) -> DataFrame:
        """How many values of each column are there, per group."""
        return self.agg("count")

    def sum(self, *, numeric_only: bool = False) -> DataFrame:
        """The sum of each column, per group."""
        return self._numeric(numeric_only).agg("sum")

    def mean(self, *, numeric_only: bool = False) -> DataFrame:
        """The mean of each column, per group."""
        return self._numeric(numeric_only).agg("mean")

    def min(self, *, numeric_only: bool = False) -> DataFrame:
        """The smallest value of each column, per group."""
        return self._numeric(numeric_only).agg("min")

    def max(self, *, numeric_only: bool = False) -> DataFrame:
        """The largest value of each column, per group."""
        return self._numeric(numeric_only).agg("max")

    def size(self) -> DataFrame:
        """How many rows each group has, in a column called `size`."""
        key = self._frame._table.column(self._by[0])
        # Whether a key is missing is there for every row, so counting that counts rows.
        every_row = is_null(Expression(Leaf(key.origin, key.name), key.ctype.kind))
        value = every_row.written_for(self._frame._table)
        return self._run([{"name": "size", "aggregate": "count", "value": value}])

    def __iter__(self) -> NoReturn:
        raise TypeError("groups are secret and cannot be looped over; aggregate them")

    def __getattr__(self, name: str) -> GroupBy:
        if not name.startswith("_") and name in self._frame.columns:
            return self[name]
        raise missing_attribute("a grouping", GroupBy, name)

    def __repr__(self) -> str:
        chosen = "" if self._chosen is None else f" of {', '.join(self._chosen)}"
        return f"crandas.GroupBy by {', '.join(self._by)}{chosen}"

    def _columns(self) -> list[str]:
        if self._chosen is not None:
            return self._chosen
        return [name for name in self._frame.columns if name not in self._by]

    def _numeric(self, only: bool) -> GroupBy:
        if not only:
            return self
        table = self._frame._table
        names = [name for name in self._columns() if table.column(name).ctype.kind in ("integer", "boolean")]
        return GroupBy(self._frame, self._by, names)

    def _of(self, column: str, func: Any, *, several_of_dict: bool = False) -> list[dict[str, Any]]:
        """The aggregations of one column; several of them are told apart by name."""
        if not isinstance(func, list | tuple):
            return [self._one(column, column, func)]
        alone = self._single and not several_of_dict
        return [
            self._one(label if alone else f"{column}_{label}", column, label)
            for label in (aggregate_name(one) for one in func)
        ]

    def _named(self, name: str, pair: Any) -> dict[str, Any]:
        if self._single and self._chosen and (isinstance(pair, str) or callable(pair)):
            return self._one(name, self._chosen[0], pair)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeMismatchError(
                f"{name}= needs a column and an aggregate", remedy=f"Write {name}=('column', 'sum')."
            )
        return self._one(name, pair[0], pair[1])

    def _one(self, name: str, column: str, func: Any) -> dict[str, Any]:
        known = self._frame._table.column(column).name
        return {"name": name, "aggregate": aggregate_name(func), "value": {"column": known}}

    def _run(self, wanted: list[dict[str, Any]]) -> DataFrame:
        if not wanted:
            raise CommandError("there is no column left to aggregate")
        reference = self._frame._table.reference
        return self._frame._new("group_by", table=reference, by=self._by, aggregations=wanted)

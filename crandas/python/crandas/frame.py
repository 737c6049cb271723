"""Tables."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from crandas import _engine, _expression, _opened
from crandas._expression import Expression
from crandas._table import Column, Table, nearest
from crandas._unsupported import missing_attribute, refuse_arguments, unsupported
from crandas.errors import CommandError, TypeMismatchError, UnknownColumnError
from crandas.rules import Rules
from crandas.series import Series, aggregate_name, open_aggregates, threshold_field

if TYPE_CHECKING:
    import pandas as pd

    from crandas.groupby import GroupBy


class CIndex(Sequence[str]):
    """The columns of a table: their names, in order; `schema` has their types too."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)

    @property
    def schema(self) -> dict[str, str]:
        """Name and type of every column."""
        return {column.name: column.ctype.text for column in self._columns}

    def get_loc(self, name: str) -> int:
        """The position of a column."""
        names = list(self)
        if name not in names:
            raise UnknownColumnError(f"there is no column {name!r}", remedy=nearest(name, names))
        return names.index(name)

    def tolist(self) -> list[str]:
        """The names as a list."""
        return list(self)

    def __getitem__(self, index: Any) -> Any:
        return [column.name for column in self._columns][index]

    def __len__(self) -> int:
        return len(self._columns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"CIndex({list(self)!r})"


class DataFrame:
    """A table on the three servers. What is here is its description; its values are only on the servers.

    Made by `crandas.DataFrame(data)`, `crandas.read_csv`, `crandas.upload_pandas_dataframe` and
    `crandas.get_table`, and by the methods below, each of which runs one command and returns another table.
    The number of rows of every table is public.

    Args:
        data: a dict of columns, a pandas frame, or anything that speaks Arrow (`__arrow_c_stream__`).
        ctype: the type of every column (a dict by name), or one type for all; see `crandas.ctypes`.
        auto_bounds: True accepts types derived from the data without a warning.
        name: a name under which the table can be found again.
        dummy_for: handle of the production table that this dummy stands for.
        rules: what is asked of whoever computes with the table.
        columns: which columns of `data` to take, in which order.
    """

    __hash__ = None  # type: ignore[assignment]
    _table: Table

    def __init__(
        self,
        data: Any = None,
        ctype: Any = None,
        auto_bounds: bool | None = None,
        name: str | None = None,
        dummy_for: str | None = None,
        *,
        rules: Rules | None = None,
        columns: Sequence[str] | None = None,
        **unknown: Any,
    ) -> None:
        from crandas import _upload

        refuse_arguments("crandas.DataFrame", unknown)
        frame = _upload.as_pandas(data, columns)
        uploaded = _upload.from_pandas(
            frame, ctype=ctype, auto_bounds=auto_bounds, name=name, dummy_for=dummy_for, rules=rules
        )
        object.__setattr__(self, "_table", uploaded)

    @classmethod
    def _of(cls, table: Table) -> DataFrame:
        made = cls.__new__(cls)
        object.__setattr__(made, "_table", table)
        return made

    # What is public

    @property
    def handle(self) -> str:
        """The random name of the table on the servers; keep it to find the table again."""
        return self._table.handle

    @property
    def name(self) -> str | None:
        """The name it was uploaded or saved under."""
        return self._table.name

    @property
    def rules(self) -> Rules | None:
        """What the providers of its rows ask; None where nothing is asked."""
        return self._table.rules

    @property
    def columns(self) -> CIndex:
        """The names of the columns."""
        return CIndex(self._table.columns)

    @property
    def schema(self) -> dict[str, str]:
        """Name and type of every column."""
        return self.columns.schema

    @property
    def dtypes(self) -> pd.Series[Any]:
        """The type of every column, as a pandas Series by name."""
        import pandas as pd

        return pd.Series(self.schema, dtype="object")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (len(self), len(self._table.columns))

    @property
    def size(self) -> int:
        """Rows times columns."""
        return len(self) * len(self._table.columns)

    @property
    def empty(self) -> bool:
        """Whether it has no rows or no columns."""
        return self.size == 0

    def __len__(self) -> int:
        if self._table.rows is None:
            raise CommandError(
                "how many rows the production table has is not known here",
                remedy="crandas.get_table(handle) asks the servers.",
            )
        return self._table.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.names)

    def __contains__(self, name: object) -> bool:
        return name in self._table.names

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self._table.names if name.isidentifier())]

    def _ipython_key_completions_(self) -> list[str]:
        return self._table.names

    # Columns and rows

    def __getitem__(self, key: Any) -> Any:
        """A column (`df["a"]`), a table of columns (`df[["a", "b"]]`) or of rows (`df[condition]`)."""
        if isinstance(key, str):
            return Series._of_column(self._table, self._table.column(key))
        if isinstance(key, Series) or callable(key):
            return self.filter(key)
        if isinstance(key, list | tuple | CIndex) or type(key).__name__ == "Index":
            return self.project(list(key))
        if isinstance(key, slice):
            raise unsupported("rows by position", "filter with df[condition]")
        raise TypeMismatchError(
            f"a table cannot be indexed by a {type(key).__name__}",
            remedy="Use a column name, a list of them, or a condition such as df['a'] > 3.",
        )

    def __getattr__(self, name: str) -> Series:
        # Reached only for what is no attribute: perhaps a column.
        table = self.__dict__.get("_table")
        if table is not None and name in table.names:
            return Series._of_column(table, table.column(name))
        raise missing_attribute("a table", DataFrame, name, table.names if table is not None else None)

    def __setitem__(self, name: str, value: Any) -> None:
        """Adds or replaces a column; other variables that hold the table do not change."""
        if not isinstance(name, str):
            raise TypeMismatchError("one column is assigned at a time, by its name")
        object.__setattr__(self, "_table", self.assign(**{name: value})._table)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__.get("_table", self._table).names:
            raise AttributeError(f"a new column is made by df[{name!r}] = ...")
        self[name] = value

    def __delitem__(self, name: str) -> None:
        object.__setattr__(self, "_table", self.drop(columns=name)._table)

    def filter(self, key: Any, threshold: int | None = None) -> DataFrame:
        """The rows where a condition holds. Reveals how many they are.

        Args:
            key: a condition (`df["a"] > 3`), or a function from the table to one.
            threshold: fail, and make no table, if fewer rows match.

        Raises:
            TooFewRowsError: fewer than `threshold` rows match; how many is not revealed.
        """
        condition = key(self) if callable(key) and not isinstance(key, Series) else key
        if not isinstance(condition, Series):
            raise TypeMismatchError(
                "a filter is a condition on columns of this table", remedy="For example df[df['a'] > 3]."
            )
        if condition._expression.kind != "boolean":
            raise TypeMismatchError(
                f"a filter needs a condition, but this column holds {condition._expression.kind}",
                remedy="Compare it with something: df[df['a'] != 0].",
            )
        wanted = condition._threshold if threshold is None else threshold
        return self._new(
            "filter", condition=self._write(condition), table=self._table.reference, **threshold_field(wanted)
        )

    def project(self, columns: Sequence[str]) -> DataFrame:
        """The named columns, in this order."""
        names = list(columns)
        for name in names:
            if not isinstance(name, str):
                raise TypeMismatchError("columns are chosen by their names", remedy="df[['a', 'b']]")
        return self._projected([(self._table.column(name), name) for name in names])

    def drop(self, labels: Any = None, *, columns: Any = None, axis: Any = 0, **unknown: Any) -> DataFrame:
        """All columns but these; to drop rows, filter."""
        refuse_arguments(
            "drop", {name: value for name, value in unknown.items() if name != "inplace" or value}
        )
        if labels is not None and axis not in (1, "columns"):
            raise unsupported("dropping rows by label", "drop columns with drop(columns=[...]), filter rows")
        given = labels if columns is None else columns
        gone = [given] if isinstance(given, str) else list(given or [])
        for name in gone:
            self._table.column(name)
        return self._projected(
            [(column, column.name) for column in self._table.columns if column.name not in gone]
        )

    def rename(self, *, columns: Mapping[str, str] | Callable[[str], str], **unknown: Any) -> DataFrame:
        """The same columns under other names: a dict from old to new, or a function."""
        refuse_arguments("rename", unknown)
        new_name = columns if callable(columns) else (lambda name: columns.get(name, name))
        return self._projected([(column, new_name(column.name)) for column in self._table.columns])

    def add_prefix(self, prefix: str) -> DataFrame:
        """All columns, with `prefix` before every name."""
        return self.rename(columns=lambda name: prefix + name)

    def add_suffix(self, suffix: str) -> DataFrame:
        """All columns, with `suffix` after every name."""
        return self.rename(columns=lambda name: name + suffix)

    def assign(self, **columns: Any) -> DataFrame:
        """The table with columns added or replaced.

        Every value is an expression, a constant, or a function from the table to one; a function sees the
        columns that were given before it.
        """
        result, pending = self, dict[str, Any]()
        for name, value in columns.items():
            if callable(value) and not isinstance(value, Series):
                result = result._assigned(pending)
                pending = {name: value(result)}
            else:
                pending[name] = value
        return result._assigned(pending)

    def sort_values(
        self,
        by: str | Sequence[str],
        *,
        ascending: bool | Sequence[bool] = True,
        na_position: str = "last",
        ignore_index: bool = True,
        kind: str | None = None,
        **unknown: Any,
    ) -> DataFrame:
        """The rows in order of one or several columns. Stable, missing values last, whatever `kind` says."""
        refuse_arguments("sort_values", unknown)
        del ignore_index, kind  # there is no index, and every sort is stable
        if na_position != "last":
            raise unsupported("missing values first", "na_position='last'")
        names = [by] if isinstance(by, str) else list(by)
        orders = [ascending] * len(names) if isinstance(ascending, bool) else list(ascending)
        if not names or len(orders) != len(names):
            raise CommandError("sort_values needs one ascending= for every column in by=")
        keys = [
            {"column": self._table.column(name).name, "ascending": bool(order)}
            for name, order in zip(names, orders, strict=True)
        ]
        return self._new("sort", table=self._table.reference, by=keys)

    # Combining

    def merge(self, right: DataFrame, how: str = "inner", **arguments: Any) -> DataFrame:
        """Joins this table with another; see `crandas.merge`."""
        from crandas.combine import merge

        return merge(self, right, how, **arguments)

    def append(self, other: DataFrame, ignore_index: bool = True) -> DataFrame:
        """The rows of this table, then those of another with the same columns."""
        del ignore_index  # there is no index
        from crandas.combine import concat

        return concat([self, other])

    def groupby(self, by: str | Sequence[str], *, as_index: bool | None = None, **unknown: Any) -> GroupBy:
        """Groups rows by one or several columns; aggregate with `.agg(...)`, `["col"].sum()` and the like.

        The keys become ordinary columns of the result, as with `as_index=False` in pandas. Rows of which
        a key is missing belong to no group, and groups come sorted by key.
        """
        from crandas.groupby import GroupBy

        for option, only in (("sort", True), ("dropna", True), ("observed", True)):
            if unknown.get(option, only) == only:
                unknown.pop(option, None)
        refuse_arguments("groupby", unknown)
        if as_index:
            raise unsupported("groupby with as_index=True", "the keys become ordinary columns")
        names = [by] if isinstance(by, str) else list(by)
        if not names:
            raise CommandError("groupby needs at least one column")
        return GroupBy(self, [self._table.column(name).name for name in names])

    # Opening

    def count(self, *, threshold: int | None = None) -> pd.Series[Any]:
        """Opens, for every column, how many values are there."""
        return self._all("count", threshold)

    def sum(self, *, numeric_only: bool = False, threshold: int | None = None) -> pd.Series[Any]:
        """Opens the sum of every column."""
        return self._all("sum", threshold, numeric_only)

    def mean(self, *, numeric_only: bool = False, threshold: int | None = None) -> pd.Series[Any]:
        """Opens the mean of every column."""
        return self._all("mean", threshold, numeric_only)

    def min(self, *, numeric_only: bool = False, threshold: int | None = None) -> pd.Series[Any]:
        """Opens the smallest value of every column."""
        return self._all("min", threshold, numeric_only)

    def max(self, *, numeric_only: bool = False, threshold: int | None = None) -> pd.Series[Any]:
        """Opens the largest value of every column."""
        return self._all("max", threshold, numeric_only)

    def agg(self, func: Any, *, threshold: int | None = None) -> Any:
        """Opens aggregates of columns, all at once.

        Args:
            func: one aggregate for all columns (a pandas Series by column comes back), a list of them (a
                frame), or a
                dict from column to aggregate or list of them.
            threshold: how many rows must take part.
        """
        import pandas as pd

        if not isinstance(func, dict | list | tuple):
            return self._all(aggregate_name(func), threshold)
        by_column = func if isinstance(func, dict) else dict.fromkeys(self._table.names, func)
        several = {name: isinstance(one, list | tuple) for name, one in by_column.items()}
        wanted, places = [], []
        for name, one in by_column.items():
            for aggregate in one if several[name] else [one]:
                label = aggregate_name(aggregate)
                value = {"column": self._table.column(name).name}
                wanted.append({"name": f"{name}:{label}", "aggregate": label, "value": value})
                places.append((name, label))
        values = open_aggregates(self._table, wanted, threshold)
        found = dict(zip(places, values.values(), strict=True))
        if not any(several.values()):
            return pd.Series({name: value for (name, _), value in found.items()})
        rows = list(dict.fromkeys(label for _, label in places))
        return pd.DataFrame(
            {name: [found.get((name, label), float("nan")) for label in rows] for name in by_column},
            index=rows,
        )

    aggregate = agg

    def open(self) -> pd.DataFrame:
        """Reveals every row, as a pandas frame. This is the only way to see what a table holds."""
        command = {"open": {"table": self._table.reference}}
        return _opened.frame(_engine.opened(self._table.session.engine, command))

    # Keeping

    def save(self, name: str | None = None) -> DataFrame:
        """Keeps a computed table across restarts of the servers, under a name if one is given."""
        named = {} if name is None else {"name": name}
        meta = _engine.table(self._table.session.engine, {"save": {"table": self._table.reference, **named}})
        carried = {column.name: column for column in self._table.columns}
        object.__setattr__(self, "_table", self._table.derived(meta, carried))
        return self

    def remove(self) -> None:
        """Deletes the table on all three servers."""
        _engine.nothing(self._table.session.engine, {"remove": {"table": self._table.reference}})

    def __bool__(self) -> NoReturn:
        raise TypeError("a table has no truth value; use len(df) > 0 or df.empty")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("the values of a table are secret; open() reveals them")

    def __repr__(self) -> str:
        table = self._table
        width = max((len(name) for name in table.names), default=0)
        lines = [f"crandas.DataFrame {_called(table)}: {_size(table)}, {table.session.state()}"]
        lines += [f"  {column.name:{width}}  {column.ctype}" for column in table.columns]
        if table.rules is not None:
            lines.append(f"rules: {table.rules}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        table = self._table
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(column.name)}</th>"
            f"<td style='text-align:left'><code>{html.escape(column.ctype.text)}</code></td></tr>"
            for column in table.columns
        )
        state = html.escape(table.session.state())
        rules = "" if table.rules is None else f"<p>rules: {html.escape(str(table.rules))}</p>"
        return (
            f"<div><p><b>crandas.DataFrame</b> <code>{html.escape(_called(table))}</code>: "
            f"{html.escape(_size(table))}, {state}</p>"
            f"<table><thead><tr><th>column</th><th>type</th></tr></thead><tbody>{rows}</tbody></table>"
            f"{rules}</div>"
        )

    # How commands are made

    def _new(self, verb: str, **inner: Any) -> DataFrame:
        """Runs a command of which the result has other rows, or the same in another order."""
        session = self._table.session
        return DataFrame._of(Table.described(session, _engine.table(session.engine, {verb: inner})))

    def _carry(self, command: dict[str, Any], carried: Mapping[str, Column]) -> DataFrame:
        """Runs a command of which the result has the same rows."""
        meta = _engine.table(self._table.session.engine, command)
        return DataFrame._of(self._table.derived(meta, carried))

    def _write(self, series: Series) -> Any:
        if series._table.session is not self._table.session or series._table.order != self._table.order:
            raise CommandError(
                "this expression belongs to another table, of which the rows are others",
                remedy="Build it from the columns of this table.",
            )
        return series._expression.written_for(self._table)

    def _projected(self, columns: Sequence[tuple[Column, str]]) -> DataFrame:
        names = [name for _, name in columns]
        if not names:
            raise CommandError("a table needs at least one column")
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise CommandError(f"two columns would be called {twice!r}")
        written = [
            {"column": column.name} if column.name == name else {"column": column.name, "as": name}
            for column, name in columns
        ]
        command = {"project": {"table": self._table.reference, "columns": written}}
        return self._carry(command, {name: column for column, name in columns})

    def _assigned(self, columns: Mapping[str, Any]) -> DataFrame:
        if not columns:
            return self
        written = [{"name": name, "value": self._value(value)} for name, value in columns.items()]
        command = {"assign": {"table": self._table.reference, "columns": written}}
        kept = {column.name: column for column in self._table.columns if column.name not in columns}
        return self._carry(command, kept)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Series):
            return self._write(value)
        if isinstance(value, list | tuple | dict) or hasattr(value, "__array__"):
            raise unsupported("assigning clear values", "upload them as a table and merge it")
        made: Expression = _expression.constant(value, "integer" if isinstance(value, int) else "text")
        if isinstance(value, bool):
            made = _expression.constant(value, "boolean")
        return made.tree

    def _all(self, aggregate: str, threshold: int | None, numeric_only: bool = False) -> pd.Series[Any]:
        import pandas as pd

        kinds = ("integer", "boolean") if numeric_only else ("integer", "boolean", "date", "text", "mean")
        names = [column.name for column in self._table.columns if column.ctype.kind in kinds]
        wanted = [{"name": name, "aggregate": aggregate, "value": {"column": name}} for name in names]
        return pd.Series(open_aggregates(self._table, wanted, threshold))


def _called(table: Table) -> str:
    short = f"{table.handle[:6]}…{table.handle[-4:]}"
    return f"{table.name} ({short})" if table.name else short


def _size(table: Table) -> str:
    rows = "? rows" if table.rows is None else f"{table.rows:,} row{'s' * (table.rows != 1)}"
    return f"{rows} x {len(table.columns)} column{'s' * (len(table.columns) != 1)}"

"""What is publicly known of a table, and which columns of two tables are one and the same."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crandas.ctypes import Ctype
from crandas.errors import UnknownColumnError
from crandas.rules import Rules

if TYPE_CHECKING:
    from crandas.base import Session

_HANDLE = re.compile(r"[0-9A-Fa-f]{64}")


@dataclass(frozen=True)
class Column:
    """One column.

    `origin` names the values themselves: the table in which they first appeared and their name there. A
    column that is only carried along, or renamed, keeps it.
    """

    name: str
    ctype: Ctype
    origin: tuple[str, str]


@dataclass(frozen=True)
class Table:
    """The public description of a table.

    `rows` is None where this session cannot know it. Tables with one `order` have the same rows in the
    same order.
    """

    session: Session
    handle: str
    name: str | None
    rows: int | None
    columns: tuple[Column, ...]
    order: str
    rules: Rules | None = None

    @classmethod
    def described(cls, session: Session, meta: Mapping[str, Any]) -> Table:
        """A table of which all rows and columns are new."""
        handle = meta["handle"]
        columns = (
            Column(column["name"], Ctype(column["type"]), (handle, column["name"]))
            for column in meta["columns"]
        )
        rules = Rules.told(meta.get("rules"))
        return cls(session, handle, meta.get("name"), meta["rows"], tuple(columns), handle, rules)

    def derived(self, meta: Mapping[str, Any], carried: Mapping[str, Column]) -> Table:
        """A table with the rows of this one; `carried` says which columns are columns of this one."""
        fresh = Table.described(self.session, meta)
        columns = (
            Column(column.name, column.ctype, carried[column.name].origin)
            if column.name in carried
            else column
            for column in fresh.columns
        )
        return Table(
            self.session, fresh.handle, fresh.name, fresh.rows, tuple(columns), self.order, fresh.rules
        )

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of this name.

        Raises:
            UnknownColumnError: there is none; names the nearest.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownColumnError(f"there is no column {name!r}", remedy=nearest(name, self.names))

    def find(self, origin: tuple[str, str]) -> Column | None:
        """The column that holds these values, whatever it is called here."""
        return next((column for column in self.columns if column.origin == origin), None)

    @property
    def reference(self) -> dict[str, str]:
        """How a command refers to it."""
        return {"handle": self.handle}


def reference(handle_or_name: str) -> dict[str, str]:
    """How a command refers to a table that the user named."""
    if _HANDLE.fullmatch(handle_or_name):
        return {"handle": handle_or_name.upper()}
    return {"name": handle_or_name}


def nearest(name: object, names: Iterable[str]) -> str:
    """A sentence that helps somebody who mistyped."""
    known = list(names)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"There {'is' if len(known) == 1 else 'are'}: {', '.join(map(repr, known))}." if known else ""

"""A client that answers without any server, to see which commands the package makes."""

from __future__ import annotations

import json
from typing import Any

from crandas import base


class FakeEngine:
    """Keeps the commands; answers with the columns it was told to, or those of the table in question."""

    def __init__(self, mode: str = "design") -> None:
        self.mode = mode
        self.environment = "test"
        self.endpoints = ["embedded"] * 3
        self.analyst_key: str | None = None
        self.script: tuple[str, str | None, int, int | None] | None = None
        self.commands: list[dict[str, Any]] = []
        self.sources: list[str | None] = []
        self.uploaded: list[Any] = []
        self.dummies: list[str | None] = []
        self.opened: list[Any] = []
        self.next_columns: dict[str, str] | None = None
        self.rows = 3
        self.progress_steps = 0
        self._tables: dict[str, list[dict[str, str]]] = {}

    @property
    def last(self) -> dict[str, Any]:
        return self.commands[-1]

    def upload_types(self, columns: list[Any], types: list[str | None]) -> list[str]:
        derived = {
            "integer": "int[min=1,max=3]",
            "boolean": "bool",
            "date": "date[min=2000-01-01,max=2000-01-03]",
        }
        return [
            given or derived.get(column[1], "varchar[1,ascii]") + "?" * (column[3] is not None)
            for column, given in zip(columns, types, strict=True)
        ]

    def execute(
        self, command: str, source: str | None, columns: Any, progress: Any, dummy_for: str | None
    ) -> Any:
        made = json.loads(command)
        ((verb, inner),) = made.items()
        self.commands.append(made)
        self.sources.append(source)
        self.dummies.append(dummy_for)
        for step in range(self.progress_steps):
            progress(step + 1, self.progress_steps)
        if columns is not None:
            self.uploaded = columns
        if verb in ("open", "aggregate"):
            return self.opened
        if verb == "remove":
            return None
        handle = f"{len(self.commands):064X}"
        self._tables[handle] = self._columns(verb, inner)
        return json.dumps({"handle": handle, "rows": self.rows, "columns": self._tables[handle]})

    def _columns(self, verb: str, inner: Any) -> list[dict[str, str]]:
        if self.next_columns is not None:
            given, self.next_columns = self.next_columns, None
            return [{"name": name, "type": ctype} for name, ctype in given.items()]
        if verb == "upload":
            found: list[dict[str, str]] = inner["columns"]
            return found
        if verb == "project":
            types = {column["name"]: column["type"] for column in self._tables[inner["table"]["handle"]]}
            return [{"name": c.get("as", c["column"]), "type": types[c["column"]]} for c in inner["columns"]]
        table = inner.get("table", inner.get("left")) or inner["tables"][0]
        if verb == "get" and table.get("handle") not in self._tables:
            return [{"name": "a", "type": "int[min=0,max=9]"}]
        columns = [dict(column) for column in self._tables[table["handle"]]]
        if verb == "assign":
            for new in inner["columns"]:
                columns = [column for column in columns if column["name"] != new["name"]]
                columns.append({"name": new["name"], "type": "int[min=0,max=9]"})
        return columns

    def record(self, name: str | None = None) -> None:
        self.script = ("recording", name, 0, None)

    def save(self, path: str) -> None:
        self.script = None

    def load(self, path: str) -> None:
        self.script = ("loaded", path, 0, 3)

    def close(self) -> None:
        self.script = None


def session_with(engine: Any) -> base.Session:
    session = base.Session()
    session._engine = engine
    return session

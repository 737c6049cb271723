"""The only door to the compiled client: everything else in the package comes through here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from crandas import _crandas
from crandas._source import source_line
from crandas.config import settings

if TYPE_CHECKING:
    from crandas._crandas import ClearColumn, OpenedColumn, Session

parse_type = _crandas.parse_type
generate_key = _crandas.generate_key
connect = _crandas.Session.connect
embedded = _crandas.Session.embedded

_SHOW_AFTER_SECONDS = 1.0


def table(session: Session, command: dict[str, Any]) -> dict[str, Any]:
    """Runs a command that makes or finds a table; returns the table's public description."""
    return _description(_run(session, command))


def upload(
    session: Session, command: dict[str, Any], columns: list[ClearColumn], dummy_for: str | None
) -> dict[str, Any]:
    """Splits columns into shares and uploads them; returns the new table's public description."""
    return _description(_run(session, command, columns, dummy_for))


def opened(session: Session, command: dict[str, Any]) -> list[OpenedColumn]:
    """Runs a command that opens columns."""
    reply = _run(session, command)
    if not isinstance(reply, list):
        raise TypeError("the engine did not answer with opened columns")
    return reply


def nothing(session: Session, command: dict[str, Any]) -> None:
    """Runs a command that has no result."""
    _run(session, command)


def _description(reply: object) -> dict[str, Any]:
    if not isinstance(reply, str):
        raise TypeError("the engine did not answer with a table")
    description: dict[str, Any] = json.loads(reply)
    return description


def _run(
    session: Session,
    command: dict[str, Any],
    columns: list[ClearColumn] | None = None,
    dummy_for: str | None = None,
) -> str | list[OpenedColumn] | None:
    text = json.dumps(command, ensure_ascii=False, separators=(",", ":"))
    if not settings.show_progress_bar:
        return session.execute(text, source_line(), columns, None, dummy_for)
    verb = next(iter(command))
    with ProgressBar(verb) as bar:
        return session.execute(text, source_line(), columns, bar, dummy_for)


class ProgressBar:
    """Shows how far a command is, once it takes long enough for anybody to wonder."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._show_at = monotonic() + _SHOW_AFTER_SECONDS
        self._bar: Any = None

    def __enter__(self) -> Callable[[int, int], None]:
        return self._update

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _update(self, done: int, total: int) -> None:
        if self._bar is None:
            if monotonic() < self._show_at or total == 0:
                return
            self._bar = _new_bar(self._label, total)
        self._bar.total = total
        self._bar.update(done - self._bar.n)


def _new_bar(label: str, total: int) -> Any:
    with warnings.catch_warnings():
        # Without ipywidgets tqdm falls back to text and says so; nobody needs to hear it.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

        # disable=None: no bar where nobody sees it move, as in a log file.
        return tqdm(total=total, desc=label, unit="step", leave=False, disable=None)

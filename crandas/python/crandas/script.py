"""Recording an analysis on dummy data, and running it once it is approved.

script = crandas.script.record(name="Mean age")
...                                 # the analysis, on dummies
script.save("mean-age.json")        # goes to the approvers

script = crandas.script.load("mean-age.approved")
...                                 # the same analysis, on the real tables
script.close()
"""

from __future__ import annotations

import warnings
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from crandas import _check, base
from crandas._check import Checked
from crandas._source import stack_level
from crandas.errors import ScriptDroppedWarning, ScriptError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Checked", "Script", "check", "close", "current_script", "end", "load", "record", "save"]

_WRITE = "script.save(path) writes the recording to a file for the approvers."


class Script:
    """A script that is being recorded or run."""

    def __init__(self, session: base.Session, path: Path | None = None) -> None:
        self._session = session
        self._path = path
        self._final: str | None = None

    @property
    def mode(self) -> Literal["recording", "loaded"] | None:
        """`"recording"`, `"loaded"`, or None once it has ended."""
        return None if self._final or self._state is None else self._state[0]

    @property
    def name(self) -> str | None:
        """The name that approvers see."""
        return None if self._final or self._state is None else self._state[1]

    @property
    def _state(self) -> tuple[Literal["recording", "loaded"], str | None, int, int | None] | None:
        return self._session.engine.script

    def save(self, path: str | PathLike[str] | None = None) -> None:
        """Writes the recording to a file, and ends it.

        Raises:
            ScriptError: nothing is being recorded.
        """
        self._expect_active()
        target = Path(path).expanduser() if path is not None else self._path
        if target is None:
            raise ScriptError("save() needs a path", remedy='For example script.save("analysis.json").')
        self._session.engine.save(fspath(target if _check.running is None else _check.running.path()))
        self._end(f"saved as {target}")

    def close(self) -> None:
        """Ends an approved script after its last step.

        Raises:
            ScriptError: steps were left out (the script is ended all the same), or this is a recording.
        """
        self._expect_active()
        if self.mode == "recording":
            raise ScriptError("this script is still being recorded", remedy=_WRITE)
        try:
            self._session.engine.close()
        finally:
            self._end("closed")

    def end(self) -> None:
        """Ends the script, whichever it is: writes the recording to the path given to `record`, or closes."""
        if self.mode == "recording":
            self.save()
        else:
            self.close()

    def _expect_active(self) -> None:
        if self._final or self._state is None:
            raise ScriptError(
                "this script has ended" if self._final else "no script is being recorded or run",
                remedy="script.record(name=...) starts a recording, script.load(path) an approved script.",
            )

    def _end(self, final: str) -> None:
        global _current  # noqa: PLW0603 - the script in use is one
        self._final = final
        if _current is self:
            _current = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.mode is not None:
            self.end()

    def __repr__(self) -> str:
        if self._final or self._state is None:
            return f"crandas.script.Script ({self._final or 'ended'})"
        state, name, done, total = self._state
        steps = f"{done} steps" if total is None else f"step {done} of {total}"
        return f"crandas.script.Script {name or 'without a name'} ({state}, {steps})"


_current: Script | None = None


def record(name: str | None = None, path: str | PathLike[str] | None = None) -> Script:
    """Starts recording: every command from here on is run as usual, and becomes a step of the script.

    Args:
        name: what the approvers will see as its title.
        path: where `end()` writes it.
    """
    global _current  # noqa: PLW0603
    session = base.session
    active = session.engine.script
    if active is not None and active[0] == "recording":
        session.engine.close()
        warnings.warn(
            "a recording that was never saved gives way to this one",
            ScriptDroppedWarning,
            stacklevel=stack_level(),
        )
    session.engine.record(name)
    _current = Script(session, None if path is None else Path(path).expanduser())
    return _current


def load(path: str | PathLike[str]) -> Script:
    """Loads an approved script: the commands from here on must be its steps, in their order.

    Raises:
        AuthorizationError: not signed by all approvers, expired, or for another analyst or environment.
        ScriptError: not a script, or another one is active.
    """
    global _current  # noqa: PLW0603
    session = base.session
    session.engine.load(fspath(Path(path).expanduser()))
    _current = Script(session)
    return _current


def check(analysis: _check.Analysis, *, seed: int = 1, replays: int = 2) -> Checked:
    """Finds out before production whether an analysis is the same script whatever the data.

    A script is fixed once it is approved. Where `if mean > 30:` decides what comes next, or a constant is
    computed from something that was opened, the run on real data stops in the middle. This records the
    analysis as it is, and then again with other dummies: half as many rows, twice as many, other values of
    the same types.
    All happens in an engine of its own inside this process: leave `connect(...)` out, and upload the dummies
    within the analysis. Scripts that it saves are not written.

    Args:
        analysis: a function without arguments, the path of a .py file, or of a notebook.
        seed: which other data; the same seed, the same data.
        replays: how many other sets of data.

    Raises:
        DataDependentError: it is another script with other data; names the step and the line.
    """
    return _check.check(analysis, seed=seed, replays=replays)


def current_script() -> Script | None:
    """The script that is being recorded or run, if there is one."""
    if _current is not None and _current.mode is None:
        return None
    return _current


def save(path: str | PathLike[str] | None = None) -> None:
    """Writes the recording to a file, and ends it."""
    _active().save(path)


def close() -> None:
    """Ends the approved script after its last step."""
    _active().close()


def end() -> None:
    """Ends the script, whichever it is."""
    _active().end()


def _active() -> Script:
    script = current_script()
    if script is None:
        raise ScriptError(
            "no script is being recorded or run",
            remedy="script.record(name=...) starts a recording, script.load(path) an approved script.",
        )
    return script

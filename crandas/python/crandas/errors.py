"""What can go wrong, as one tree under `CrandasError`.

Every error says what happened and, where there is something to do about it, what to do next. None contains a
value from a table. The session stays usable after each of them.
"""

from __future__ import annotations

from typing import ClassVar


class CrandasError(Exception):
    """Root of the tree.

    Attributes:
        code: the stable code listed in docs/errors.md, if the error has one.
        remedy: what to do next.
        node: the server (0, 1 or 2) that reported it.
    """

    default_code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        remedy: str | None = None,
        node: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.remedy = remedy
        self.node = node

    def __str__(self) -> str:
        where = f" (server {self.node})" if self.node is not None else ""
        what_next = f"\n{_sentence(self.remedy)}" if self.remedy else ""
        return f"{self.message}{where}{what_next}"


def _sentence(text: str) -> str:
    """The compiled client writes remedies as parts of sentences; here they stand alone."""
    if not text.split(" ", 1)[0].strip(",;").isalpha():
        return text
    return text[0].upper() + text[1:] + "." * (text[-1] not in ".?!:")


class ConnectionFileError(CrandasError):
    """The connection file is missing, unreadable or of another version."""

    default_code = "connection_file"


class ServerError(CrandasError):
    """A server failed."""


class ConnectionLostError(ServerError, ConnectionError):
    """A server is down or does not answer."""


class IntegrityError(ServerError):
    """The servers' shares contradict each other; nothing was opened from them."""


class CancelledError(ServerError):
    """The command was cancelled; no table came of it."""


class AuthorizationError(CrandasError):
    """Not approved: signatures missing, expired, out of runs, or for another analyst."""


class KeyFileError(AuthorizationError):
    """A key file that is missing or holds something else."""


class ScriptError(CrandasError):
    """Recording, saving, loading or closing a script at a point where that means nothing."""

    default_code = "script"


class StepDiffersError(ScriptError):
    """A command is another one than the step that was recorded.

    Attributes:
        step: number of the recorded step, from 1; one more than there are after the last one.
        path: where the two commands differ first, such as ``filter.threshold``.
        expected: what stands there in the recorded command, as JSON.
        actual: what stands there in this one.
        expected_source: the line that was recorded.
        actual_source: the line that ran.
        hint: what may have happened, such as a cell that ran twice.

    All are None where a server noticed it and not the client.
    """

    def __init__(
        self,
        message: str,
        *,
        step: int | None = None,
        path: str | None = None,
        expected: str | None = None,
        actual: str | None = None,
        expected_source: str | None = None,
        actual_source: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        remedy: str | None = None,
        node: int | None = None,
    ) -> None:
        super().__init__(message, code=code, remedy=remedy, node=node)
        self.step = step
        self.path = path
        self.expected = expected
        self.actual = actual
        self.expected_source = expected_source
        self.actual_source = actual_source
        self.hint = hint


class ScriptMismatchError(StepDiffersError, AuthorizationError):
    """The command is not the next approved step. The message shows both, side by side."""


class DataDependentError(StepDiffersError):
    """With other data the analysis is another script, so it cannot be approved before the data is known."""

    default_code = "data_dependent"


class CommandError(CrandasError):
    """The servers were asked for something they cannot do."""

    default_code = "command"


class UnknownColumnError(CommandError, KeyError):
    """The table has no such column."""

    default_code = "unknown_column"


class UnknownTableError(CommandError, LookupError):
    """No table has this handle or name."""


class TypeMismatchError(CommandError, TypeError):
    """A value or column of the wrong type, or a written type that is none."""

    default_code = "wrong_type"


class BoundsError(CommandError, ValueError):
    """A value outside the type that was declared for its column. Names column and row, never the value."""

    default_code = "value_out_of_bounds"


class TooFewRowsError(CommandError):
    """Fewer rows than the threshold or a provider's rules ask for; how many is not revealed."""


class RuleError(CommandError):
    """What the provider of a table does not allow; see `DataFrame.rules` and `crandas.Rules`."""

    default_code = "bad_rules"


class KeyNotUniqueError(CommandError, ValueError):
    """A merge key that must be unique occurs more than once."""


class CsvError(CommandError, ValueError):
    """A CSV file that cannot be read without guessing. Names the line."""

    default_code = "csv"


class AmbiguousDateError(CommandError, ValueError):
    """A date that can be read in more than one way. Names column and row."""

    default_code = "ambiguous_date"


class UnsupportedError(CommandError, NotImplementedError):
    """Something pandas has and crandas has not; the message names the nearest thing that works."""

    default_code = "unsupported"


class CrandasWarning(UserWarning):
    """Root of the warnings."""


class ColumnBoundDerivedWarning(CrandasWarning):
    """A column's bounds were taken from its values, and bounds are public."""


class DesignModeWarning(CrandasWarning):
    """The servers run any query at once: for dummy data only."""


class DummySkippedWarning(CrandasWarning):
    """A dummy was not uploaded, because this session sees the real table."""


class ScriptDroppedWarning(CrandasWarning):
    """A recording that was never saved gave way to a new one."""

"""The compiled client. Everything that talks, splits, signs and reconstructs is behind these few names.

Errors: every failure raises a class of ``crandas.errors``, constructed as
``cls(message, code=..., remedy=..., node=...)``: ``message`` is positional, ``remedy`` (str | None) says what
to do next, ``node`` (0, 1, 2 or None) is the server that reported it. The class is chosen by the code:

============================  =================================================================================
class                         when
============================  =================================================================================
``CrandasError``              root of the tree; any code that has no class of its own
``ConnectionFileError``       the connection file is missing, unreadable or of another version
``ServerError``               a server failed; parent of the next three
``ConnectionLostError``      a server is down or does not answer
``IntegrityError``            two servers' copies of one share disagree, or the servers disagree with each other
``CancelledError``            the job was cancelled
``AuthorizationError``        not approved, expired, wrong analyst key; parent of ``KeyFileError``
``KeyFileError``              a key file with the wrong content
``ScriptError``               record/save/load/close used out of place, unreadable script file
``ScriptMismatchError``       (a ``ScriptError``) the command is not the next step; both are shown side by side;
                              also constructed with ``step``, ``path``, ``expected``, ``actual``,
                              ``expected_source``, ``actual_source`` and ``hint``
``CommandError``              the servers cannot do this: parent of the next six
``UnknownColumnError``        no such column (also a ``KeyError``)
``UnknownTableError``         no such handle or name
``TypeMismatchError``         wrong type, or a written type that is none (also a ``TypeError``)
``BoundsError``               a value outside its declared type, with column and row (also a ``ValueError``)
``TooFewRowsError``           fewer rows than the threshold
``KeyNotUniqueError``         a merge key that occurs more than once
============================  =================================================================================

``KeyboardInterrupt`` during a call cancels the job on all three servers before it is raised.
"""

from collections.abc import Callable
from os import PathLike
from typing import Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

Kind: TypeAlias = Literal["integer", "wide", "boolean", "date", "text"]

ClearColumn: TypeAlias = tuple[
    str,  # name
    Kind,
    # integer: int64; wide: list of int; boolean: bool; date: int32, days since 1970-01-01; text: list of str.
    npt.NDArray[Any] | list[str] | list[int],
    # True where the value is there; None where no value is missing. Missing values may hold anything.
    npt.NDArray[np.bool_] | None,
]
"""One column to upload."""

OpenedColumn: TypeAlias = tuple[
    str,  # name
    str,  # type as the engine knows it, in canonical form (a mean is "mean[min=..,max=..]?")
    # integer: int64, or a list of int where 64 bits do not hold the type; boolean: bool; date: int32 days;
    # mean: float64; text: list of str.
    npt.NDArray[Any] | list[str] | list[int],
    # True where the value is there; None where the type is not nullable. Where False the value means nothing.
    npt.NDArray[np.bool_] | None,
]
"""One opened column."""

@final
class Session:
    """A connection to three servers, with the script, the authorizations and the links that belong to it."""

    @staticmethod
    def connect(connection_file: str | PathLike[str]) -> Session:
        """Reads a connection file (a path, or the text of one), asks all three servers who they are."""

    @staticmethod
    def embedded() -> Session:
        """Three parties in this process, design mode, empty and in memory."""

    @property
    def mode(self) -> Literal["design", "authorized"]: ...
    @property
    def environment(self) -> str: ...
    @property
    def endpoints(self) -> list[str]:
        """The three addresses, for display; ``embedded`` three times for the engine in this process."""

    @property
    def analyst_key(self) -> str | None:
        """Path of the key that signs commands. Setting it reads and checks the file."""

    @analyst_key.setter
    def analyst_key(self, path: str | PathLike[str]) -> None: ...
    def upload_types(self, columns: list[ClearColumn], types: list[str | None]) -> list[str]:
        """The canonical type every column would be uploaded with; ``None`` in ``types`` asks to derive it.

        Outside scripts: exact bounds. While recording: widened to a standard type, so that the approved
        script does not depend on the dummy data. While a script or authorization that fixes the types is
        loaded: the approved types. Sends nothing; warn about derived bounds before uploading.
        """

    def execute(
        self,
        command: str,
        source: str | None = None,
        columns: list[ClearColumn] | None = None,
        progress: Callable[[int, int], object] | None = None,
        dummy_for: str | None = None,
    ) -> str | list[OpenedColumn] | None:
        """Runs one command (the JSON text of a ``Command``), recording, matching and signing as needed.

        ``source`` is the Python line it came from (``"analysis.ipynb:12: df = df[cond]"``).
        ``columns`` goes with an upload and only with it, in the order of the command's columns.
        ``dummy_for`` (a production handle or name) goes with an upload in design mode: the upload is linked as
        by ``link_dummy`` and is not a step of a script. In authorized mode it is refused: upload nothing there,
        use the production table.
        ``progress(done, total)`` is called a few times a second while the servers work.

        Returns the JSON text of a ``TableMeta`` (``{"handle", "name"?, "rows", "columns": [{"name", "type"}]}``)
        for commands that make or find a table, the opened columns for ``open`` and ``aggregate`` (which has
        one row), ``None`` for ``remove``.

        In the command, refer to tables by the handle in the ``TableMeta`` or by the production handle or name;
        step references and dummy handles are put in by the session.
        """

    def record(self, name: str | None = None) -> None: ...
    def save(self, path: str | PathLike[str]) -> None:
        """Writes the recorded script and ends the recording."""

    def load(self, path: str | PathLike[str]) -> None:
        """Loads an approved script (in design mode also an unsigned one); commands must now follow it."""

    def close(self) -> None:
        """Ends the loaded script, or drops the recording. Steps left undone raise, after closing."""

    @property
    def script(self) -> tuple[Literal["recording", "loaded"], str | None, int, int | None] | None:
        """State, name, steps so far, steps in all (loaded only). ``None`` when no script is active."""

    def expected_step(self) -> str | None:
        """JSON text of the loaded script's next command, if there is one."""

    def load_authorization(self, path: str | PathLike[str]) -> None:
        """Adds an authorization outside scripts; all loaded ones are searched for every command."""

    def link_dummy(self, production: str, dummy: str) -> None:
        """From now on ``dummy`` (a handle) stands in for ``production`` (a handle or a name)."""

def parse_type(text: str) -> str:
    """The canonical form of a type as users write it (``"int8?"`` -> ``"int[min=-128,max=127]?"``)."""

def derive_type(column: ClearColumn) -> str:
    """The narrowest type that holds every value of the column."""

def generate_key(signing_key: str | PathLike[str], verification_key: str | PathLike[str]) -> None:
    """Writes a new Ed25519 key pair as PEM; refuses to overwrite either file."""

def compare_scripts(first: str | PathLike[str], second: str | PathLike[str]) -> dict[str, Any] | None:
    """The first step in which two recordings differ, as ``errors.StepDiffersError`` takes it: ``message``,
    ``step``, ``path``, ``expected``, ``actual``, ``expected_source``, ``actual_source``, ``hint``. ``None`` if
    they are the same script."""

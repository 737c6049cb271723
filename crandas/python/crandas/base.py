"""The session: which servers, which keys, which approvals.

`crandas.base.session` is the one in use. It connects by itself when the first command needs it: to the
servers of the default connection file, or, if there is none, to an engine of three parties inside this
process.
"""

from __future__ import annotations

import warnings
from os import PathLike, fspath
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

from crandas import _engine, config
from crandas._source import stack_level
from crandas.errors import ConnectionFileError, DesignModeWarning, ScriptError

if TYPE_CHECKING:
    from types import TracebackType

    from crandas import _crandas

__all__ = ["DesignModeWarning", "Session", "connect", "session"]

ConnectionFile = str | PathLike[str] | IO[str]

_EMBEDDED_HINT = (
    "No connection file, so three parties now compute inside this process, in design mode: any query runs at "
    "once and nothing is kept. Use dummy data. crandas.connect(file) goes to real servers."
)
_DESIGN_HINT = "These servers run in design mode: any query runs at once. Use dummy data."


class Session:
    """A connection to three servers, made when it is first needed."""

    def __init__(self, connection_file: ConnectionFile | None = None) -> None:
        self._connection_file = connection_file
        self._analyst_key: str | None = None
        self._engine: _crandas.Session | None = None
        self._outer: list[Session] = []

    def connect(self, connection_file: ConnectionFile | None = None) -> None:
        """Connects, or connects anew.

        Args:
            connection_file: a path; a bare name for a file in the configuration folder; an open file;
                None for the
                one this session was made with, then the default one, then the engine in this process.

        Raises:
            ConnectionFileError: no such file, or not a connection file.
            ConnectionLostError: a server does not answer.
        """
        if connection_file is not None:
            self._connection_file = connection_file
        source = self._connection_file if self._connection_file is not None else _default_file()
        engine = _engine.embedded() if source is None else _engine.connect(_located(source))
        if self._analyst_key is not None:
            engine.analyst_key = self._analyst_key
        elif engine.mode == "authorized" and (key := config.folder() / "analyst.sk").is_file():
            engine.analyst_key = str(key)
        self._engine = engine
        if engine.mode == "design":
            hint = _EMBEDDED_HINT if source is None else _DESIGN_HINT
            warnings.warn(hint, DesignModeWarning, stacklevel=stack_level())

    def reset(self) -> None:
        """Forgets the connection, the script and the authorizations; the next command connects again."""
        self._engine = None

    @property
    def engine(self) -> _crandas.Session:
        """The compiled client behind this session, connected."""
        if self._engine is None:
            self.connect()
        if self._engine is None:
            raise ScriptError("the session is not connected")
        return self._engine

    @property
    def connected(self) -> bool:
        """Whether there is a connection already."""
        return self._engine is not None

    @property
    def mode(self) -> Literal["design", "authorized"]:
        """Whether any query runs at once, or only approved ones."""
        return self.engine.mode

    @property
    def environment(self) -> str:
        """The name that approvals for these servers carry."""
        return self.engine.environment

    @property
    def endpoints(self) -> list[str]:
        """The addresses of the three servers."""
        return self.engine.endpoints

    @property
    def analyst_key(self) -> str | None:
        """Path of the key that signs every command in authorized mode (`analyst.sk`)."""
        return self._analyst_key if self._engine is None else self._engine.analyst_key

    @analyst_key.setter
    def analyst_key(self, path: str | PathLike[str]) -> None:
        given = fspath(Path(path).expanduser())
        if self._engine is not None:
            self._engine.analyst_key = given
        self._analyst_key = given

    def load_authorization(self, path: str | PathLike[str]) -> None:
        """Adds an authorization for commands outside scripts; every one that was loaded is searched.

        Raises:
            AuthorizationError: not signed by all approvers, expired, or for another analyst or environment.
        """
        self.engine.load_authorization(fspath(Path(path).expanduser()))

    def state(self) -> str:
        """In a few words: not connected, design, authorized, recording."""
        if self._engine is None:
            return "not connected"
        script = self._engine.script
        if script is None:
            return self._engine.mode
        state, name, *_ = script
        return (
            f"{self._engine.mode}, {'recording' if state == 'recording' else 'running'} {name or 'a script'}"
        )

    def __enter__(self) -> Self:
        global session  # noqa: PLW0603 - the session in use is one
        self._outer.append(session)
        session = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global session  # noqa: PLW0603
        session = self._outer.pop()

    def __repr__(self) -> str:
        return f"crandas.base.Session ({self.state()})"


session = Session()


def connect(connection_file: ConnectionFile | None = None, *, analyst_key: Any = None) -> Session:
    """Connects to three servers and makes that the session in use.

    Args:
        connection_file: a path; a bare name for a file in the configuration folder; an open file; None
            for the
            default one, or the engine in this process if there is none.
        analyst_key: path of the key that signs commands in authorized mode.

    Raises:
        ConnectionFileError: no such file, or not a connection file.
        ConnectionLostError: a server does not answer.
    """
    global session  # noqa: PLW0603 - the session in use is one
    fresh = Session(connection_file)
    # A key that was set before there was a connection was meant for this one.
    key = analyst_key if analyst_key is not None or session.connected else session.analyst_key
    if key is not None:
        fresh.analyst_key = key
    fresh.connect()
    session = fresh
    return fresh


def _default_file() -> Path | None:
    path = config.folder() / config.settings.default_connection_file
    return path if path.is_file() else None


def _located(source: ConnectionFile) -> str:
    """What the compiled client takes: the path of a connection file, or its text."""
    if not isinstance(source, str | PathLike):
        return source.read()
    given = fspath(source)
    bare = not any(character in given for character in "/\\.")
    path = config.folder() / f"{given}.vdlconn" if bare else Path(given).expanduser()
    if not path.is_file():
        raise ConnectionFileError(
            f"there is no connection file {path}",
            remedy="`vdl up` writes one; whoever runs the servers can give you theirs.",
        )
    return str(path)

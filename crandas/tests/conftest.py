"""Where the tests run: on a client that only notes commands, on the embedded engine, on three processes."""

from __future__ import annotations

import os
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import crandas as cd
from approvals import ENVIRONMENT, Approvers
from crandas import base
from fakes import FakeEngine, session_with

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_configuration(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("CRANDAS_HOME", str(tmp_path_factory.mktemp("config")))
    before = base.session
    yield
    base.session = before


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine()
    monkeypatch.setattr(base, "session", session_with(engine))
    return engine


def vdl_binary() -> Path | None:
    given = os.environ.get("VDL")
    candidates = [Path(given)] if given else [ROOT / "target" / kind / "vdl" for kind in ("release", "debug")]
    return next((path for path in candidates if path.is_file()), None)


@pytest.fixture(scope="session")
def vdl() -> Path:
    binary = vdl_binary()
    if binary is None:
        pytest.skip("no vdl binary: cargo build -p vdl, or VDL=path")
    return binary


class Servers:
    """Three server processes."""

    def __init__(self, vdl: Path, folder: Path, *arguments: str) -> None:
        self.folder = folder
        log = folder.parent / f"{folder.name}.log"
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [str(vdl), "up", "--dir", str(folder), *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        lines = self._process.stdout or ()
        ready = next((line for line in lines if line.startswith("ready ")), None)
        if ready is None:
            raise AssertionError(log.read_text())
        self.connection_file = Path(ready.removeprefix("ready ").strip())

    def kill(self, node: int) -> None:
        os.kill(int((self.folder / f"node{node}.pid").read_text()), signal.SIGKILL)

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=120)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


@pytest.fixture(scope="session")
def cluster(vdl: Path) -> Iterator[Callable[..., Path]]:
    """Starts three server processes; gives back their connection file."""
    running: list[Servers] = []

    def start(folder: Path, *arguments: str) -> Path:
        running.append(Servers(vdl, folder, *arguments))
        return running[-1].connection_file

    yield start
    for servers in running:
        servers.stop()


@pytest.fixture(scope="session")
def design_file(cluster: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cluster(tmp_path_factory.mktemp("design") / "cluster")


@pytest.fixture(scope="session")
def approvers(vdl: Path, tmp_path_factory: pytest.TempPathFactory) -> Approvers:
    return Approvers(vdl, tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def production_file(
    approvers: Approvers, cluster: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    keys = [word for who in ("alice", "bob") for word in ("--approver", str(approvers.folder / f"{who}.pk"))]
    folder = tmp_path_factory.mktemp("production") / "cluster"
    return cluster(folder, "--mode", "authorized", "--environment", ENVIRONMENT, *keys)


@pytest.fixture
def connected(approvers: Approvers) -> Callable[..., AbstractContextManager[base.Session]]:
    """A session on one cluster, with the key of one person, for a while."""

    @contextmanager
    def connect(file: Path, who: str | None = None) -> Iterator[base.Session]:
        outer = base.session
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cd.errors.DesignModeWarning)
            session = cd.connect(file)
        if who is not None:
            session.analyst_key = approvers.folder / f"{who}.sk"
        try:
            yield session
        finally:
            base.session = outer

    return connect


@pytest.fixture(scope="session")
def _engines() -> dict[str, base.Session]:
    return {}


Where = Callable[[str], base.Session]


@pytest.fixture
def where(
    request: pytest.FixtureRequest, _engines: dict[str, base.Session], monkeypatch: pytest.MonkeyPatch
) -> Where:
    """Puts a session in design mode into use: "embedded" in this process, "cluster" on three others."""

    def use(place: str) -> base.Session:
        if place not in _engines:
            source = request.getfixturevalue("design_file") if place == "cluster" else None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", cd.errors.DesignModeWarning)
                session = base.Session(source)
                session.connect()
            _engines[place] = session
        monkeypatch.setattr(base, "session", _engines[place])
        return _engines[place]

    return use


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def engine(request: pytest.FixtureRequest, where: Where) -> base.Session:
    return where(request.param)

"""Ctrl-C, servers that die, servers that come back."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import crandas as cd
from conftest import Servers
from crandas import base
from crandas.errors import ConnectionLostError, CrandasError, ServerError

pytestmark = pytest.mark.engine


def test_ctrl_c_cancels_and_leaves_the_session_usable(engine: base.Session) -> None:
    table = cd.DataFrame(pd.DataFrame({"a": np.arange(100_000)[::-1]}), auto_bounds=True)

    def sort_for_ever() -> None:
        # Not before it is caught.
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        while True:
            table.sort_values("a")

    with pytest.raises(KeyboardInterrupt):
        sort_for_ever()
    assert table["a"].sum() == sum(range(100_000))


@pytest.mark.cluster
def test_a_server_that_dies_is_named_and_comes_back_with_its_tables(vdl: Path, tmp_path: Path) -> None:
    servers = Servers(vdl, tmp_path / "cluster")
    try:
        warnings.simplefilter("ignore", cd.errors.DesignModeWarning)
        cd.connect(servers.connection_file)
        table = cd.DataFrame({"a": [1, 2, 3]}, auto_bounds=True)
        kept = table[table["a"] > 1].save(name="kept")
        servers.kill(1)
        with pytest.raises(ServerError) as caught:
            table["a"].sum()
        assert isinstance(caught.value, ConnectionLostError)
        assert caught.value.remedy
    finally:
        servers.stop()

    servers = Servers(vdl, tmp_path / "cluster")
    try:
        # The same session: nothing has to be connected again.
        assert table["a"].sum() == 6
        assert list(cd.get_table("kept").open()["a"]) == [2, 3]
        assert cd.get_table(kept.handle).name == "kept"
    finally:
        assert servers.stop() == 0


@pytest.mark.cluster
def test_without_the_token_nothing_is_answered(vdl: Path, design_file: Path, tmp_path: Path) -> None:
    text = design_file.read_text()
    token = next(line for line in text.splitlines() if line.startswith("token"))
    broken = tmp_path / "x.vdlconn"
    broken.write_text(text.replace(token, token[:-5] + 'AAAA"'))
    with pytest.raises(CrandasError):
        cd.connect(broken)
    broken.write_text("nothing = 1")
    with pytest.raises(cd.errors.ConnectionFileError):
        cd.connect(broken)

"""The session, the settings, scripts, the tools: what can be told without servers."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import crandas as cd
import crandas.script
from crandas import _engine, base, config
from crandas.errors import (
    ConnectionFileError,
    CrandasError,
    DesignModeWarning,
    ScriptDroppedWarning,
    ScriptError,
)
from fakes import FakeEngine, session_with

HANDLE = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E"


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the session connects to, and with what it was asked to."""
    made: dict[str, Any] = {"mode": "design", "asked": []}

    def start(*source: str) -> FakeEngine:
        made["asked"].append(source)
        return FakeEngine(made["mode"])

    monkeypatch.setattr(_engine, "connect", start)
    monkeypatch.setattr(_engine, "embedded", start)
    monkeypatch.setattr(base, "session", base.Session())
    return made


def test_without_a_connection_file_the_engine_is_in_this_process(engines: dict[str, Any]) -> None:
    with pytest.warns(DesignModeWarning, match="inside this process") as caught:
        cd.get_table(HANDLE)
    assert [warning.filename for warning in caught] == [__file__]
    assert engines["asked"] == [()]
    cd.get_table(HANDLE)
    assert len(engines["asked"]) == 1


def test_the_default_connection_file_is_found(engines: dict[str, Any]) -> None:
    file = config.folder() / "default.vdlconn"
    file.write_text("")
    with pytest.warns(DesignModeWarning, match="dummy data"):
        assert base.session.mode == "design"
    assert engines["asked"] == [(str(file),)]


def test_connection_files_by_name_path_and_content(engines: dict[str, Any], tmp_path: Path) -> None:
    named = config.folder() / "work.vdlconn"
    named.write_text("")
    elsewhere = tmp_path / "other.vdlconn"
    elsewhere.write_text("")
    with pytest.warns(DesignModeWarning):
        first = cd.connect("work")
    assert base.session is first
    with pytest.warns(DesignModeWarning):
        cd.connect(elsewhere)
    with pytest.warns(DesignModeWarning):
        cd.connect(io.StringIO("mode = 'design'"))
    assert engines["asked"] == [(str(named),), (str(elsewhere),), ("mode = 'design'",)]
    with pytest.raises(ConnectionFileError, match="vdl up"):
        cd.connect("nowhere")
    assert base.session is not first


def test_the_analyst_key_waits_for_the_connection(engines: dict[str, Any], tmp_path: Path) -> None:
    engines["mode"] = "authorized"
    base.session.analyst_key = tmp_path / "analyst.sk"
    file = tmp_path / "x.vdlconn"
    file.write_text("")
    session = cd.connect(file)
    assert session.analyst_key == str(tmp_path / "analyst.sk")
    (config.folder() / "analyst.sk").write_text("")
    assert cd.connect(file).analyst_key == str(config.folder() / "analyst.sk")
    assert cd.connect(file, analyst_key="mine.sk").analyst_key == "mine.sk"


def test_a_session_for_a_while(engines: dict[str, Any]) -> None:
    outer = base.session
    inner = session_with(FakeEngine())
    with inner as used:
        assert base.session is used
    assert base.session is outer
    assert "not connected" in repr(outer)


def test_recording_and_saving(fake: FakeEngine, tmp_path: Path) -> None:
    assert cd.script.current_script() is None
    script = cd.script.record(name="Mean age")
    assert fake.script == ("recording", "Mean age", 0, None)
    assert cd.script.current_script() is script
    assert "Mean age (recording, 0 steps)" in repr(script)
    with pytest.raises(ScriptError, match="still being recorded"):
        script.close()
    script.save(tmp_path / "x.json")
    assert fake.script is None
    assert cd.script.current_script() is None
    assert "saved as" in repr(script)
    for again in (script.save, script.close, cd.script.close, cd.script.save, cd.script.end):
        with pytest.raises(ScriptError):
            again()


def test_running_and_closing(fake: FakeEngine) -> None:
    script = cd.script.load("x.approved")
    assert script.mode == "loaded"
    assert "step 0 of 3" in repr(script)
    cd.script.close()
    assert fake.script is None
    with cd.script.load("x.approved") as script:
        assert cd.script.current_script() is script
    assert fake.script is None


def test_end_writes_a_recording_where_it_was_told_to(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[str] = []
    monkeypatch.setattr(FakeEngine, "save", lambda _, path: saved.append(path))
    cd.script.record(path=tmp_path / "x.recording").end()
    assert saved == [str(tmp_path / "x.recording")]
    fake.script = None
    cd.script.record()
    with pytest.raises(ScriptError, match="needs a path"):
        cd.script.end()


def test_a_second_recording_says_that_the_first_is_lost(fake: FakeEngine) -> None:
    cd.script.record(name="one")
    with pytest.warns(ScriptDroppedWarning) as caught:
        cd.script.record(name="two")
    assert caught[0].filename == __file__
    assert fake.script == ("recording", "two", 0, None)


def test_code_goes_before_environment_before_settings_file(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config.Settings()
    assert settings.show_progress_bar is True
    (config.folder() / "settings.toml").write_text("show_progress_bar = false\n")
    assert settings.show_progress_bar is False
    monkeypatch.setenv("CRANDAS_SHOW_PROGRESS_BAR", "yes")
    assert settings.show_progress_bar is True
    settings.show_progress_bar = False
    assert settings.show_progress_bar is False
    assert "auto_bounds = None" in repr(settings)
    assert settings.default_connection_file == "default.vdlconn"
    with pytest.raises(AttributeError, match="there is no setting"):
        settings.colour = "red"
    with pytest.raises(AttributeError, match="there is no setting"):
        _ = settings.colour
    monkeypatch.setenv("CRANDAS_AUTO_BOUNDS", "perhaps")
    with pytest.raises(CrandasError, match="true or false"):
        _ = settings.auto_bounds
    (config.folder() / "settings.toml").write_text("= broken")
    with pytest.raises(CrandasError, match="settings file"):
        _ = config.Settings().default_connection_file


def test_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CRANDAS_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config.folder() == tmp_path / "crandas"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert config.folder() == Path.home() / ".config" / "crandas"


def test_errors_say_what_to_do() -> None:
    error = cd.errors.ServerError("it broke", code="server", remedy="mend it", node=2)
    assert str(error) == "it broke (server 2)\nMend it."
    assert (error.code, error.node) == ("server", 2)
    assert cd.errors.CsvError("x").code == "csv"
    assert str(cd.errors.UnknownColumnError("there is no column 'a'")) == "there is no column 'a'"
    lost = cd.errors.ConnectionLostError("server 1 is down", node=1)
    assert isinstance(lost, ConnectionError)
    for name, cls in vars(cd.errors).items():
        if isinstance(cls, type) and issubclass(cls, Exception):
            assert issubclass(cls, cd.errors.CrandasError | cd.errors.CrandasWarning), name


def test_import_is_quick_and_leaves_pandas_for_later() -> None:
    code = (
        "import time; start = time.process_time(); import crandas; end = time.process_time(); "
        "import sys; print(end - start, 'pandas' in sys.modules, 'tqdm' in sys.modules)"
    )
    # What it computes: how long that takes says more of what else the machine has to do.
    best = 10.0
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, pandas, tqdm = run.stdout.split()
        best = min(best, float(seconds))
        assert (pandas, tqdm) == ("False", "False")
    assert best < 2.0


def test_show_versions(capsys: pytest.CaptureFixture[str]) -> None:
    cd.show_versions()
    printed = capsys.readouterr().out
    assert "python" in printed
    assert "pandas" in printed


def test_check_connection(
    engines: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from crandas.tool.check_connection import main

    (tmp_path / "x.vdlconn").write_text("")
    assert main([str(tmp_path / "x.vdlconn")]) == 0
    assert "mode         design" in capsys.readouterr().out
    assert main(["nowhere"]) == 1
    assert "there is no connection file" in capsys.readouterr().err


def test_generate_key_writes_two_files_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from crandas.tool.generate_key import main

    keys = [str(tmp_path / "analyst.sk"), str(tmp_path / "analyst.pk")]
    assert main(keys) == 0
    secret, public = (Path(key).read_text() for key in keys)
    assert secret.startswith("-----BEGIN PRIVATE KEY-----")
    assert public.startswith("-----BEGIN PUBLIC KEY-----")
    assert Path(keys[0]).stat().st_mode & 0o077 == 0
    assert main(keys) == 1
    assert "exists already" in capsys.readouterr().err
    assert Path(keys[0]).read_text() == secret


def test_the_module_makes_the_configuration_folder(tmp_path: Path) -> None:
    home = tmp_path / "config"
    run = subprocess.run(
        [sys.executable, "-m", "crandas", "config"],
        env={**os.environ, "CRANDAS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(home)
    assert home.is_dir()


def test_interrupting_leaves_the_session_usable(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    table = cd.get_table(HANDLE)
    monkeypatch.setattr(_engine, "_SHOW_AFTER_SECONDS", 0.0)
    original = FakeEngine.execute

    def interrupted(*_: Any) -> Any:
        time.sleep(0)
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeEngine, "execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        table[["a"]]
    monkeypatch.setattr(FakeEngine, "execute", original)
    assert len(table[["a"]]) == 3

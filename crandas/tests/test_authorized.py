"""Authorized mode on three server processes: what runs, and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import crandas as cd
from approvals import Approvers
from crandas import base
from crandas.errors import (
    AuthorizationError,
    BoundsError,
    CrandasError,
    DummySkippedWarning,
    ScriptError,
    ScriptMismatchError,
)

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

Connected = Callable[..., AbstractContextManager[base.Session]]


@pytest.fixture
def handle(approvers: Approvers, production_file: Path, connected: Connected) -> str:
    """A table in production."""
    with connected(production_file, "provider"):
        base.session.load_authorization(approvers.any_upload())
        return cd.DataFrame({"id": [1, 2, 3], "age": [20, 50, 80]}, auto_bounds=True).handle


@pytest.fixture
def approved(
    approvers: Approvers, design_file: Path, connected: Connected, handle: str, tmp_path: Path
) -> Path:
    """An approved script: the mean age of everybody above 30."""
    with connected(design_file):
        cd.DataFrame({"id": [1, 2], "age": [31, 41]}, auto_bounds=True, dummy_for=handle)
        script = cd.script.record(name="Mean age above 30")
        table = cd.get_table(handle)
        assert table[table["age"] > 30]["age"].mean() == 36.0
        script.save(tmp_path / "mean.json")
    return approvers.approve(tmp_path / "mean.json")


def mean(handle: str, limit: int = 30) -> float:
    table = cd.get_table(handle)
    return table[table["age"] > limit]["age"].mean()


def loaded_mean(script: Path, handle: str) -> float:
    cd.script.load(script)
    return mean(handle)


def test_an_approved_script_runs_again_and_again(
    production_file: Path, connected: Connected, handle: str, approved: Path
) -> None:
    with connected(production_file, "analyst"):
        for _ in range(2):
            script = cd.script.load(approved)
            assert mean(handle) == 65.0
            script.close()


def test_a_dummy_in_production_changes_nothing(
    production_file: Path, connected: Connected, handle: str, approved: Path
) -> None:
    with connected(production_file, "analyst"):
        with pytest.warns(DummySkippedWarning):
            dummy = cd.DataFrame({"id": [1, 2], "age": [31, 41]}, auto_bounds=True, dummy_for=handle)
        assert dummy.handle == handle
        with cd.script.load(approved):
            assert mean(handle) == 65.0


def test_nothing_runs_without_approval(production_file: Path, connected: Connected, handle: str) -> None:
    with connected(production_file, "analyst"):
        with pytest.raises(AuthorizationError):
            cd.get_table(handle)
        with pytest.raises(AuthorizationError):
            cd.DataFrame({"a": [1]}, auto_bounds=True)


def test_a_changed_step_is_shown_beside_the_approved_one(
    production_file: Path, connected: Connected, handle: str, approved: Path
) -> None:
    with connected(production_file, "analyst"):
        script = cd.script.load(approved)
        table = cd.get_table(handle)
        with pytest.raises(ScriptMismatchError) as caught:
            _ = table[table["age"] > 0]
        message = str(caught.value)
        assert "30" in message
        assert "0" in message
        error = caught.value
        assert (error.step, error.path) == (2, "filter.condition.binary.right.integer")
        assert (error.expected, error.actual, error.hint) == ("30", "0", None)
        assert error.actual_source is not None
        assert 'table["age"] > 0' in error.actual_source
        # The step is still due: the right one goes on from here.
        assert table[table["age"] > 30]["age"].mean() == 65.0
        script.close()


def test_steps_out_of_order_extra_and_missing(
    production_file: Path, connected: Connected, handle: str, approved: Path
) -> None:
    with connected(production_file, "analyst"):
        script = cd.script.load(approved)
        table = cd.get_table(handle)
        with pytest.raises(ScriptMismatchError):
            table["age"].mean()
        kept = table[table["age"] > 30]
        with pytest.raises(ScriptError):
            script.close()
        script = cd.script.load(approved)
        assert mean(handle) == 65.0
        with pytest.raises(ScriptMismatchError) as caught:
            cd.get_table(handle)
        assert caught.value.step == 4
        assert "step 1 again" in (caught.value.hint or "")
        with pytest.raises(ScriptMismatchError):
            kept["age"].mean()
        script.close()


def test_half_an_approval_and_another_analyst(
    approvers: Approvers, production_file: Path, connected: Connected, handle: str, approved: Path
) -> None:
    script = approved.with_suffix(".json")
    with connected(production_file, "stranger"), pytest.raises(AuthorizationError):
        loaded_mean(approved, handle)
    half = approvers.approve(script, by=("alice",))
    with connected(production_file, "analyst"), pytest.raises(AuthorizationError):
        loaded_mean(half, handle)
    with connected(production_file, "analyst"), pytest.raises(CrandasError):
        loaded_mean(script, handle)


def test_a_limit_on_runs_is_kept(
    approvers: Approvers, production_file: Path, connected: Connected, handle: str, approved: Path
) -> None:
    once = approvers.approve(approved.with_suffix(".json"), "--max-runs", "1")
    with connected(production_file, "analyst"):
        with cd.script.load(once):
            assert mean(handle) == 65.0
        with pytest.raises(AuthorizationError):
            loaded_mean(once, handle)


@pytest.mark.parametrize("which", ["missing", "not a key", "public"])
def test_wrong_key_files(
    approvers: Approvers, production_file: Path, connected: Connected, tmp_path: Path, which: str
) -> None:
    (tmp_path / "x.sk").write_text("not a key")
    path = {
        "missing": tmp_path / "nowhere.sk",
        "not a key": tmp_path / "x.sk",
        "public": approvers.folder / "analyst.pk",
    }[which]
    with connected(production_file), pytest.raises(cd.errors.KeyFileError):
        base.session.analyst_key = path


def test_an_upload_script_pins_structure_and_not_rows(
    approvers: Approvers, design_file: Path, production_file: Path, connected: Connected, tmp_path: Path
) -> None:
    name = f"survey {tmp_path.name}"
    with connected(design_file):
        cd.script.record()
        table = cd.read_csv(io.StringIO("id,age\n1,30\n2,\n"), auto_bounds=True, name=name)
        assert len(table.handle) == 64
        cd.script.save(tmp_path / "upload.json")
    recorded = json.loads((tmp_path / "upload.json").read_text())
    assert recorded["steps"][0]["command"]["upload"]["name"] == name
    approved = approvers.approve(tmp_path / "upload.json")
    with connected(production_file, "analyst"):
        cd.script.load(approved)
        with pytest.raises(CrandasError):
            cd.read_csv(io.StringIO("id,weight\n1,3\n"), auto_bounds=True, name=name)
        table = cd.read_csv(io.StringIO("id,age\n5,99\n6,\n70,1\n"), auto_bounds=True, name=name)
        assert len(table) == 3
        cd.script.close()


def test_several_authorizations_are_all_searched(
    approvers: Approvers, production_file: Path, connected: Connected, tmp_path: Path
) -> None:
    get = {
        "format": "vdl-script/1",
        "name": "look at any table",
        "ordered": False,
        "steps": [{"command": {"get": {"table": {"handle": "##table##"}}}}],
    }
    (tmp_path / "get.json").write_text(json.dumps(get))
    with connected(production_file, "provider"):
        base.session.load_authorization(approvers.approve(tmp_path / "get.json", analyst="provider"))
        with pytest.raises(AuthorizationError):
            cd.DataFrame({"a": [1]}, auto_bounds=True)
        base.session.load_authorization(approvers.any_upload())
        table = cd.DataFrame({"a": [1, 2]}, auto_bounds=True)
        assert cd.get_table(table.handle).shape == (2, 1)
        with pytest.raises(AuthorizationError):
            table.open()
        with pytest.raises(BoundsError):
            cd.DataFrame({"a": [1000]}, ctype="int8")
        assert len(cd.DataFrame({"a": [100]}, ctype="int8")) == 1

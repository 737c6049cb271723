"""The notebooks of the two stories, from top to bottom: in this process, and on three servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import crandas as cd
from approvals import Approvers
from conftest import ROOT
from crandas import config

pytestmark = [
    pytest.mark.engine,
    # What the notebook machinery warns of is not ours.
    pytest.mark.filterwarnings("default"),
]

EXAMPLES = ROOT / "examples"
SHAPES_HANDLE = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E"
MEDICAL_HANDLE = "EFC8A915781AE712856CA7F88AAED560A92D154BA6F78B90DCE36B287B9BC2AA"


def run(name: str, folder: Path, handles: dict[str, str] | None = None) -> str:
    """Runs a notebook in `folder`; gives back all that it printed and showed."""
    text = (EXAMPLES / name).read_text()
    for written, real in (handles or {}).items():
        text = text.replace(written, real)
    notebook = nbformat.reads(text, as_version=4)
    # Also for what a cell printed: of that it waits four seconds otherwise, and then goes on without it.
    patience = {"timeout": 600, "startup_timeout": 300, "iopub_timeout": 300}
    NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}, **patience
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(_text(output) for output in outputs)


def _text(output: Any) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES / "gs_data", tmp_path / "gs_data")
    return tmp_path


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def _design(request: pytest.FixtureRequest) -> None:
    """Where a notebook without a connection goes."""
    if request.param == "cluster":
        shutil.copy(request.getfixturevalue("design_file"), config.folder() / "default.vdlconn")


def expected_mean(survey: pd.DataFrame, medical: pd.DataFrame) -> float:
    merged = survey.merge(medical, left_on="patient_id", right_on="patientnr")
    return float(merged[merged["Stroke"] == 1]["Age"].mean())


def dummies() -> tuple[pd.DataFrame, pd.DataFrame]:
    parts = [
        pd.read_csv(EXAMPLES / "gs_data" / f"health_{name}.csv") for name in ("data_survey", "their_survey")
    ]
    return pd.concat(parts), pd.read_csv(EXAMPLES / "gs_data" / "health_medical.csv")


@pytest.mark.usefixtures("_design")
def test_tall_shapes_are_designed(folder: Path) -> None:
    shown = run("tall-shapes-design.ipynb", folder)
    assert "recording Filter tall shapes" in shown
    assert "41" in shown
    script = (folder / "tall-shapes.json").read_text()
    assert "Filter tall shapes" in script
    assert SHAPES_HANDLE in script
    assert "tall_shapes = shapes[tall_shape_filter]" in script
    assert "86" not in script


@pytest.mark.usefixtures("_design")
def test_the_mean_stroke_age_is_designed(folder: Path) -> None:
    shown = run("mean-stroke-age-design.ipynb", folder)
    assert str(expected_mean(*dummies())) in shown
    script = (folder / "mean-stroke-age.json").read_text()
    assert SHAPES_HANDLE in script
    assert MEDICAL_HANDLE in script


@pytest.mark.usefixtures("_design")
def test_a_recording_is_the_same_whatever_the_dummies(folder: Path) -> None:
    run("mean-stroke-age-design.ipynb", folder)
    first = (folder / "mean-stroke-age.json").read_text()
    survey = folder / "gs_data" / "health_data_survey.csv"
    survey.write_text("patient_id,Age,Smoker\n1001,119,0\n")
    run("mean-stroke-age-design.ipynb", folder)
    assert (folder / "mean-stroke-age.json").read_text() == first


@pytest.mark.cluster
def test_both_stories_in_production(
    folder: Path,
    approvers: Approvers,
    production_file: Path,
    design_file: Path,
    connected: Callable[..., Any],
) -> None:
    shutil.copy(design_file, config.folder() / "default.vdlconn")
    shutil.copy(production_file, config.folder() / "production.vdlconn")
    shutil.copy(approvers.folder / "analyst.sk", folder / "analyst.sk")
    shapes = pd.DataFrame({"id": [7, 8, 9], "length": [1, 50, 300], "height": [2, 49, 301]})
    survey, medical = dummies()
    survey["Age"] += 3
    with connected(production_file, "provider"):
        cd.base.session.load_authorization(approvers.any_upload())
        real = [
            cd.upload_pandas_dataframe(frame, auto_bounds=True).handle for frame in (shapes, survey, medical)
        ]

    handles = {SHAPES_HANDLE: real[0]}
    run("tall-shapes-design.ipynb", folder, handles)
    approvers.approve(folder / "tall-shapes.json")
    shown = run("tall-shapes-production.ipynb", folder, handles)
    assert "authorized, running Filter tall shapes" in shown
    assert "301" in shown

    handles = {SHAPES_HANDLE: real[1], MEDICAL_HANDLE: real[2]}
    run("mean-stroke-age-design.ipynb", folder, handles)
    approvers.approve(folder / "mean-stroke-age.json")
    shown = run("mean-stroke-age-production.ipynb", folder, handles)
    assert str(expected_mean(survey, medical)) in shown

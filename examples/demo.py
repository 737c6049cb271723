"""The whole story on real data: two organisations, one analyst, two approvers, three servers.

Run by `make demo`. Everything happens in a temporary folder and on loopback; nothing is left running.

The data are the 2,139 patients of AIDS Clinical Trials Group study 175 (Hammer et al., New England Journal of
Medicine, 1996), as shipped in the PyPI package lifelines (MIT licence).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import crandas as cd
import pandas as pd

from demo_page import Page

REPOSITORY = Path(__file__).resolve().parent.parent
VDL = Path(os.environ.get("VDL", REPOSITORY / "target" / "release" / "vdl"))
DATA = REPOSITORY / "demo-data"
DATA_PACKAGE = "lifelines==0.30.3"

page = Page()


def main() -> None:
    """Plays the story from top to bottom."""
    started = time.monotonic()
    survey, medical = two_organisations(real_patients())
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="vdl-demo-")))
        cleanup.enter_context(contextlib.chdir(folder))
        os.environ["CRANDAS_HOME"] = str(folder)  # whatever the user has configured is left alone

        page.chapter("Keys, and two environments of three servers each")
        for person in ("alice", "bob", "analyst", "hospital", "laboratory"):
            vdl("keygen", f"{person}.sk", f"{person}.pk", quiet=True)
        page.say(
            "alice and bob approve, the analyst asks, a hospital and a laboratory have data; each made a key"
        )
        design = cleanup.enter_context(cluster("design"))
        production = cleanup.enter_context(
            cluster("production", "--mode", "authorized", "--approver", "alice.pk", "--approver", "bob.pk")
        )

        page.chapter("The data, in production")
        page.say("2,139 patients of the trial ACTG 175, from the PyPI package lifelines (MIT), split in two")
        survey_handle = provide(production, "hospital", survey)
        medical_handle = provide(production, "laboratory", medical)

        page.chapter("The question, on dummy data")
        design_mean_age(design, survey_handle, medical_handle)

        page.chapter("The approval")
        vdl("explain", "mean-age.json")
        approve("mean-age", "alice", "bob")
        vdl("verify", "mean-age.approved", "--approver", "alice.pk", "--approver", "bob.pk")

        page.chapter("The answer, in production")
        run_mean_age(production, survey_handle, medical_handle, expected_mean(survey, medical))

        page.chapter("Tall shapes: rows, not only a number")
        tall_shapes(design, production)

        page.chapter("Three refusals")
        refusals(production, survey_handle, medical_handle)
    page.say("the portal, for people who would rather click, with sample people to log in as:")
    page.command("target/release/vdl", "up", "--dir", "demo-data/portal", "--portal")
    page.close(f"the demo took {time.monotonic() - started:.0f} s; nothing is left running")


# --- the data ---------------------------------------------------------------------------------------------


def real_patients() -> pd.DataFrame:
    """ACTG 175, read from the package's file; the package itself is not imported."""
    target = DATA / "lifelines"
    table = target / "lifelines" / "datasets" / "ACTG175.csv"
    if not table.exists():
        page.say(f"fetching {DATA_PACKAGE} (MIT) for its data")
        shutil.rmtree(target, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(target), DATA_PACKAGE], check=True)
    return pd.read_csv(table, index_col=0)


def two_organisations(patients: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The study as two organisations would hold it: other columns, and not quite the same patients."""
    survey = patients[patients["pidnum"] % 10 != 0]
    survey = survey[["pidnum", "age", "gender", "drugs"]].rename(columns={"pidnum": "patient_id"})
    medical = patients[patients["pidnum"] % 7 != 0]
    medical = medical[["pidnum", "treat", "cd40", "cens"]]
    medical = medical.rename(columns={"pidnum": "patientnr", "cd40": "cd4", "cens": "progressed"})
    return survey.reset_index(drop=True), medical.sample(frac=1, random_state=175).reset_index(drop=True)


def dummies() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invented patients with the same columns, so that the analysis can be tried out."""
    survey = pd.DataFrame(
        {"patient_id": [10_001, 10_002, 10_003], "age": [30, 40, 50], "gender": [0, 1, 1], "drugs": [0, 0, 1]}
    )
    medical = pd.DataFrame(
        {
            "patientnr": [10_003, 10_001, 99_999],
            "treat": [1, 0, 1],
            "cd4": [350, 80, 500],
            "progressed": [1, 1, 0],
        }
    )
    return survey, medical


def expected_mean(survey: pd.DataFrame, medical: pd.DataFrame) -> float:
    """What pandas says when somebody has both tables, which is what nobody has."""
    merged = survey.merge(medical, left_on="patient_id", right_on="patientnr")
    return float(merged[merged["progressed"] == 1]["age"].mean())


# --- the story --------------------------------------------------------------------------------------------


def provide(production: Path, owner: str, table: pd.DataFrame) -> str:
    """A data provider uploads, resting on an authorization for uploads that both approvers signed."""
    template = vdl("template", "any-upload", quiet=True)
    Path(f"{owner}-uploads.json").write_text(template)
    approve(f"{owner}-uploads", "alice", "bob", analyst=owner, quiet=True)
    connect(production, f"{owner}.sk")
    cd.base.session.load_authorization(f"{owner}-uploads.approved")
    uploaded = cd.upload_pandas_dataframe(table, auto_bounds=True)
    page.say(f"the {owner} uploaded {len(table):,} patients: {', '.join(table.columns)}")
    page.detail(f"handle {uploaded.handle}")
    return uploaded.handle


def mean_age_analysis(survey_handle: str, medical_handle: str) -> float:
    """What the analyst wants to know. The same lines run on dummies and in production."""
    survey = cd.get_table(survey_handle)
    medical = cd.get_table(medical_handle)
    merged = cd.merge(survey, medical, how="inner", left_on="patient_id", right_on="patientnr")

    progressed_filter = merged["progressed"] == 1
    return merged[progressed_filter]["age"].mean()


def design_mean_age(design: Path, survey_handle: str, medical_handle: str) -> None:
    """Dummies in place of both tables, then the recording."""
    survey, medical = dummies()
    connect(design, "analyst.sk")
    cd.upload_pandas_dataframe(survey, dummy_for=survey_handle, auto_bounds=True)
    cd.upload_pandas_dataframe(medical, dummy_for=medical_handle, auto_bounds=True)

    script = cd.script.record(name="Mean age of patients whose disease progressed")
    answer = mean_age_analysis(survey_handle, medical_handle)
    script.save("mean-age.json")
    page.say(f"on a few invented patients the mean age is {answer}; the steps are recorded in mean-age.json")


def run_mean_age(production: Path, survey_handle: str, medical_handle: str, expected: float) -> None:
    """The approved script, on the real data, by the designated analyst."""
    connect(production, "analyst.sk")
    cd.script.load("mean-age.approved")
    answer = mean_age_analysis(survey_handle, medical_handle)
    cd.script.close()
    page.result("mean age of patients whose disease progressed", answer)
    page.result("the same by pandas, on both tables in the clear", expected)
    if abs(answer - expected) > 1e-12:
        raise SystemExit("the two differ: this is a bug")


def tall_shapes(design: Path, production: Path) -> None:
    """The second workflow: an upload by the analyst's own dummies, a filter, and the rows opened."""
    shapes = pd.DataFrame({"id": [1, 2, 3, 4], "length": [32, 86, 21, 60], "height": [41, 66, 11, 75]})
    connect(production, "hospital.sk")
    cd.base.session.load_authorization("hospital-uploads.approved")
    handle = cd.upload_pandas_dataframe(shapes, auto_bounds=True).handle

    connect(design, "analyst.sk")
    dummy_shapes(handle)
    script = cd.script.record(name="Filter tall shapes")
    page.table(tall_shapes_analysis(handle), "on dummies")
    script.save("tall-shapes.json")
    approve("tall-shapes", "alice", "bob")

    connect(production, "analyst.sk")
    dummy_shapes(handle)
    script = cd.script.load("tall-shapes.approved")
    opened = tall_shapes_analysis(handle)
    script.close()
    page.table(opened, "in production")
    expected = shapes[shapes["height"] > shapes["length"]].reset_index(drop=True)
    if not opened.equals(expected.astype(opened.dtypes.to_dict())):
        raise SystemExit("pandas disagrees: this is a bug")


def dummy_shapes(handle: str) -> None:
    """Three shapes to try the analysis on; in production this uploads nothing."""
    cd.DataFrame(
        {"id": [1, 2, 3], "length": [32, 86, 21], "height": [41, 66, 11]}, auto_bounds=True, dummy_for=handle
    )


def tall_shapes_analysis(handle: str) -> pd.DataFrame:
    """All shapes higher than long."""
    shapes = cd.get_table(handle)

    tall_shape_filter = shapes["height"] > shapes["length"]
    tall_shapes = shapes[tall_shape_filter]
    return tall_shapes.open()


def refusals(production: Path, survey_handle: str, medical_handle: str) -> None:
    """What happens to a query that is not what everybody signed."""
    connect(production, "analyst.sk")
    refused("a query that nobody approved", lambda: cd.get_table(survey_handle).open())

    def changed() -> None:
        cd.script.load("mean-age.approved")
        survey = cd.get_table(survey_handle)
        medical = cd.get_table(medical_handle)
        merged = cd.merge(survey, medical, how="inner", left_on="patient_id", right_on="patientnr")
        print(merged[merged["progressed"] == 0]["age"].mean())

    connect(production, "analyst.sk")
    refused("an approved script with one step changed", changed)

    approve("mean-age", "alice", output="half.approved", quiet=True)
    connect(production, "analyst.sk")
    refused("an approval that bob has not signed", lambda: cd.script.load("half.approved"))
    vdl("verify", "half.approved", "--approver", "alice.pk", "--approver", "bob.pk", expect=1)


def refused(what: str, action: Callable[[], object]) -> None:
    """Does what must not work, and shows what the user sees."""
    page.say(what)
    try:
        action()
    except cd.errors.CrandasError as error:
        page.refusal(type(error).__name__, str(error))
    else:
        raise SystemExit(f"{what} was not refused: this is a bug")


# --- the tools --------------------------------------------------------------------------------------------


def connect(environment: Path, key: str) -> None:
    """A fresh session, as after a restart of the notebook."""
    warnings.simplefilter("ignore")
    cd.connect(environment)
    cd.base.session.analyst_key = key


def approve(
    script: str, *approvers: str, analyst: str = "analyst", output: str | None = None, quiet: bool = False
) -> None:
    """The first approver starts from the script; each further one adds a signature over the same bytes."""
    output = output or f"{script}.approved"
    Path(output).unlink(missing_ok=True)
    source = f"{script}.json"
    for approver in approvers:
        terms = ["--key", f"{approver}.sk", "--analyst", f"{analyst}.pk", "--output", output]
        said = vdl("approve", source, *terms, quiet=True)
        if not quiet:
            # It shows the explanation first, which was on this page already.
            page.command("vdl", "approve", source, *terms)
            page.output("(the explanation above)\n" + said[said.index("approval  ") :])
        source = output


def vdl(*arguments: str, quiet: bool = False, expect: int = 0) -> str:
    """Runs the command line as a user would; shows what it says."""
    if not quiet:
        page.command("vdl", *arguments)
    done = subprocess.run([str(VDL), *arguments], capture_output=True, text=True, check=False)
    if not quiet:
        page.output(done.stdout + done.stderr)
    if done.returncode != expect:
        raise SystemExit(f"vdl {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def cluster(name: str, *arguments: str) -> Iterator[Path]:
    """Three server processes, ready; stopped however the story ends."""
    page.command("vdl", "up", "--dir", name, *arguments)
    command = [str(VDL), "up", "--dir", name, *arguments]
    log = Path(f"{name}.log")
    with log.open("w") as errors:
        # A process group of its own: Ctrl-C in the terminal reaches this script, which stops the servers.
        servers = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    try:
        stdout = servers.stdout
        ready = next((line for line in stdout or () if line.startswith("ready ")), None)
        if ready is None:
            raise SystemExit(f"the {name} servers did not start:\n{log.read_text()}")
        page.output(ready)
        yield Path(name) / "default.vdlconn"
    finally:
        servers.send_signal(signal.SIGTERM)
        try:
            servers.wait(10)
        except subprocess.TimeoutExpired:
            servers.kill()


def stop_on_signal(number: int, _frame: object) -> None:
    """SIGTERM ends the story as Ctrl-C does: through every `finally`."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop_on_signal)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nstopped; nothing is left running")

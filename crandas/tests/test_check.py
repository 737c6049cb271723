"""An analysis whose script depends on data is found before anybody approves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import crandas as cd
from conftest import ROOT
from crandas import base
from crandas.errors import DataDependentError, ScriptError

pytestmark = pytest.mark.engine

HANDLE = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E"


def people() -> cd.DataFrame:
    """Dummies, a recording, and the table that is meant."""
    ages = [20, 31, 45, 52, 67, 80]
    cd.DataFrame(
        {"id": list(range(6)), "age": ages, "city": [1, 1, 2, 2, 3, 3]},
        ctype={"id": "uint8", "age": "uint8", "city": "uint8"},
        dummy_for=HANDLE,
    )
    cd.script.record(name="People")
    return cd.get_table(HANDLE)


def found(analysis: Callable[[], object], line: str) -> DataDependentError:
    with pytest.raises(DataDependentError) as caught:
        cd.script.check(analysis)
    error = caught.value
    assert error.code == "data_dependent"
    assert line in (error.actual_source or error.expected_source or "")
    assert line in str(error)
    return error


def test_an_analysis_that_only_asks_is_the_same_script() -> None:
    def analysis() -> None:
        table = people()
        print(table[table["age"] > 30]["age"].mean())
        table.groupby("city")["age"].sum().open()

    before = base.session
    checked = cd.script.check(analysis)
    assert checked.replays == 2
    assert repr(checked) == f"the same {checked.steps} steps with 2 other sets of data"
    assert base.session is before
    assert cd.script.current_script() is None


def test_a_branch_on_an_opened_mean() -> None:
    def analysis() -> None:
        table = people()
        if table["age"].mean() < 50:
            table["age"].max()
        else:
            table["age"].min()

    with pytest.raises(DataDependentError) as caught:
        cd.script.check(analysis, replays=10)
    assert "aggregate" in (caught.value.path or "")
    assert 'table["age"].m' in (caught.value.actual_source or "")


def test_a_constant_computed_from_an_opened_value() -> None:
    def analysis() -> None:
        table = people()
        middle = int(table["age"].mean())
        table[table["age"] > middle]["age"].count()

    error = found(analysis, 'table[table["age"] > middle]')
    assert error.path == "filter.condition.binary.right.integer"
    assert error.step == 3
    assert "seed 1, replay 1" in str(error)


def test_a_loop_over_opened_groups() -> None:
    def analysis() -> None:
        table = people()
        for city in table.groupby("city")["age"].sum().open()["city"]:
            table[table["city"] == int(city)]["age"].sum()

    found(analysis, 'table[table["city"] == int(city)]["age"].sum()')


def test_the_number_of_rows_in_a_threshold() -> None:
    def analysis() -> None:
        table = people()
        table.filter(table["age"] >= 0, threshold=len(table) // 2)

    error = found(analysis, "threshold=len(table) // 2")
    assert error.path == "filter.threshold"


def test_an_analysis_that_breaks_with_other_data() -> None:
    def analysis() -> None:
        table = people()
        {49.166666666666664: "as expected"}[float(table["age"].mean())]

    with pytest.raises(DataDependentError, match="KeyError") as caught:
        cd.script.check(analysis)
    assert isinstance(caught.value.__cause__, KeyError)


def test_too_few_rows_in_other_data_are_not_held_against_it() -> None:
    def analysis() -> None:
        table = people()
        table.filter(table["age"] > 30, threshold=4)["age"].mean()

    assert cd.script.check(analysis).replays == 2


def test_rules_of_a_dummy_are_not_held_against_the_analysis() -> None:
    # The first replay has half the rows, which are too few; so are groups that vanish.
    def analysis() -> None:
        cd.DataFrame(
            {"id": list(range(16)), "age": list(range(20, 36)), "city": [1, 2] * 8},
            ctype={"id": "uint8", "age": "uint8", "city": "int[min=1,max=3]"},
            rules=cd.Rules(8, round_counts=4),
            dummy_for=HANDLE,
        )
        cd.script.record(name="People")
        table = cd.get_table(HANDLE)
        some = table[table["city"] < 3]
        some["age"].sum()
        some.groupby("city")["age"].sum().open()
        assert len(some) % 4 == 0

    assert cd.script.check(analysis).replays == 2


def test_keys_that_must_be_unique_stay_so() -> None:
    def analysis() -> None:
        table = people()
        other = cd.DataFrame({"id": [0, 1, 2], "tall": [1, 0, 1]}, ctype="uint8")
        cd.merge(table, other, on="id", validate="1:1")["tall"].sum()

    cd.script.check(analysis)


def test_what_does_not_record_is_recorded_as_a_whole() -> None:
    def analysis() -> None:
        cd.DataFrame({"a": [1, 2, 3]}, ctype="uint8")["a"].sum()

    assert cd.script.check(analysis).steps == 2


@pytest.mark.parametrize("name", ["tall-shapes-design.ipynb", "mean-stroke-age-design.ipynb"])
def test_the_example_notebooks_depend_on_no_data(name: str) -> None:
    folder = ROOT / "examples"
    before = sorted(folder.iterdir())
    assert cd.script.check(folder / name).steps >= 3
    assert sorted(folder.iterdir()) == before, "a script was written"


def test_a_file_is_run_as_a_program(tmp_path: Path) -> None:
    (tmp_path / "limits.py").write_text("LIMIT = 30\n")
    analysis = tmp_path / "analysis.py"
    analysis.write_text(
        "import crandas as cd\n"
        "from limits import LIMIT\n"
        f'cd.DataFrame({{"age": [20, 40]}}, ctype="uint8", dummy_for="{HANDLE}")\n'
        'with cd.script.record(path="age.json"):\n'
        f'    table = cd.get_table("{HANDLE}")\n'
        '    table[table["age"] > LIMIT]["age"].count()\n'
    )
    assert cd.script.check(analysis).steps == 3
    assert not (tmp_path / "age.json").exists()
    with pytest.raises(ScriptError, match="no file"):
        cd.script.check(tmp_path / "nowhere.py")

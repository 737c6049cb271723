"""What becomes of clear data on its way to an upload."""

from __future__ import annotations

import csv
import datetime
import io
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crandas as cd
from crandas import _csv, base
from crandas.errors import (
    AmbiguousDateError,
    BoundsError,
    ColumnBoundDerivedWarning,
    CommandError,
    CsvError,
    DummySkippedWarning,
    TypeMismatchError,
    UnknownColumnError,
    UnsupportedError,
)
from fakes import FakeEngine, session_with

HANDLE = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E"
Uploaded = tuple[str, str, list[Any], list[bool] | None]


def uploaded(fake: FakeEngine) -> dict[str, tuple[str, list[Any], list[bool] | None]]:
    return {
        name: (kind, list(values), None if valid is None else list(valid))
        for name, kind, values, valid in fake.uploaded
    }


def up(fake: FakeEngine, values: Any, ctype: Any = None) -> tuple[str, list[Any], list[bool] | None]:
    cd.DataFrame({"a": values}, ctype=ctype, auto_bounds=True)
    return uploaded(fake)["a"]


MISSING = [True, False, True]


@pytest.mark.parametrize(
    ("values", "kind", "expected", "valid"),
    [
        ([1, 2, 3], "integer", [1, 2, 3], None),
        ([1, None, 3], "integer", [1, 0, 3], MISSING),
        ([2**62 + 1, None, 3], "integer", [2**62 + 1, 0, 3], MISSING),
        (np.array([1, 2], dtype=np.uint8), "integer", [1, 2], None),
        ([1.0, float("nan"), 3.0], "integer", [1, 0, 3], MISSING),
        (pd.Series([1.0, np.nan, 3.0]), "integer", [1, 0, 3], MISSING),
        (pd.Series([1, None, 3], dtype="Int64"), "integer", [1, 0, 3], MISSING),
        ([Decimal(1), None, Decimal(3)], "integer", [1, 0, 3], MISSING),
        ([True, False], "boolean", [True, False], None),
        (pd.Series([True, None, False], dtype="boolean"), "boolean", [True, False, False], MISSING),
        ([True, None, False], "boolean", [True, False, False], MISSING),
        ([1, None, 2**70], "wide", [1, 0, 2**70], MISSING),
        (np.array([1, 2**63], dtype=np.uint64), "wide", [1, 2**63], None),
        (["a", "b"], "text", ["a", "b"], None),
        (["a", None, ""], "text", ["a", "", ""], MISSING),
        (pd.Series(["a", None, "c"]), "text", ["a", "", "c"], MISSING),
        (pd.Series(["x", "y", "x"], dtype="category"), "text", ["x", "y", "x"], None),
        (pd.Series([3, 1, 3], dtype="category"), "integer", [3, 1, 3], None),
        (pd.to_datetime(pd.Series(["1970-01-02", None, "1969-12-31"])), "date", [1, 0, -1], MISSING),
        ([datetime.date(1970, 1, 2), None, datetime.date(1969, 12, 31)], "date", [1, 0, -1], MISSING),
        ([np.datetime64("1970-01-02")], "date", [1], None),
        (["01/02/2000", "02/02/2000"], "text", ["01/02/2000", "02/02/2000"], None),
    ],
)
def test_values_keep_their_kind(fake: FakeEngine, values: Any, kind: str, expected: Any, valid: Any) -> None:
    assert up(fake, values) == (kind, expected, valid)


@pytest.mark.parametrize(
    ("values", "ctype", "kind", "expected"),
    [
        ([True, False], "int8", "integer", [1, 0]),
        ([1, 0], "bool", "boolean", [True, False]),
        ([1, 0], bool, "boolean", [True, False]),
        ([1, 2], int, "integer", [1, 2]),
        ([1, 2], cd.ctypes.Integer(0, 9), "integer", [1, 2]),
        (["1970-01-02"], "date", "date", [1]),
        (["02/01/1970"], "date[format=d/m/Y]", "date", [1]),
        (["01-02-1970"], cd.ctypes.Date(format="m-d-Y"), "date", [1]),
        (["2/1/70"], "date[format=d/m/y]", "date", [1]),
        ([None, None], "int8?", "integer", [0, 0]),
        ([None, None], "varchar[3]?", "text", ["", ""]),
        ([float("nan")], "date?", "date", [0]),
        (["a"], str, "text", ["a"]),
        ([], "int8", "integer", []),
        ([], "varchar[3]", "text", []),
    ],
)
def test_a_ctype_decides(fake: FakeEngine, values: Any, ctype: Any, kind: str, expected: Any) -> None:
    found = up(fake, values, {"a": ctype})
    assert found[:2] == (kind, expected)


@pytest.mark.parametrize(
    ("values", "ctype", "error", "words"),
    [
        ([1, 2.5], None, UnsupportedError, "row 1"),
        (pd.Series([1.0, 0.5]), None, UnsupportedError, "Scale to whole numbers"),
        (pd.Series([1.0, np.inf]), None, BoundsError, "row 1"),
        (pd.Series([1.0, 1e300]), None, BoundsError, "row 1"),
        ([1, 2**96], None, BoundsError, "row 1"),
        ([1, "b"], None, TypeMismatchError, "row 1"),
        (["a", 2], None, TypeMismatchError, "row 1"),
        ([True, 2], None, TypeMismatchError, "row 1"),
        ([2, True], None, TypeMismatchError, "row 1"),
        ([datetime.date(2000, 1, 1), "b"], None, TypeMismatchError, "row 1"),
        ([b"bytes"], None, TypeMismatchError, "row 0"),
        ([None, None], None, TypeMismatchError, "no values"),
        ([], None, TypeMismatchError, "no values"),
        ([2, 1], "bool", BoundsError, "row 0"),
        (["a"], "int8", TypeMismatchError, "text"),
        ([1], "varchar[3]", TypeMismatchError, "whole numbers"),
        ([1], "date", TypeMismatchError, "date"),
        ([True], "date", TypeMismatchError, "date"),
        ([datetime.date(2000, 1, 1)], "int8", TypeMismatchError, "dates"),
        ([datetime.datetime(2000, 1, 1, 12)], None, UnsupportedError, "time of day"),
        (pd.to_datetime(pd.Series(["2000-01-01 12:00"])), None, UnsupportedError, "normalize"),
        (
            pd.to_datetime(pd.Series(["2000-01-01"])).dt.tz_localize("UTC"),
            None,
            UnsupportedError,
            "time zone",
        ),
        (["2000-01-01", "01/02/2000"], "date", AmbiguousDateError, "row 1"),
        (["2000-01-01", "01/02/2000"], "date", AmbiguousDateError, "date[format=d/m/Y]"),
        (["2000-01-01", "tomorrow"], "date", TypeMismatchError, "row 1"),
        (["31/02/2000"], "date[format=d/m/Y]", TypeMismatchError, "row 0"),
        (["2000"], "date[format=Y]", TypeMismatchError, "each once"),
        ([1], 3.5, TypeMismatchError, "float"),
        ([1], "number", TypeMismatchError, "'a'"),
    ],
)
def test_what_does_not_fit_is_named_by_place(
    fake: FakeEngine, values: Any, ctype: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        up(fake, values, {"a": ctype})
    assert "'a'" in str(caught.value) or "format" in str(caught.value)
    assert words in str(caught.value)
    for value in ("tomorrow", "31/02/2000", "01/02/2000"):
        assert value not in str(caught.value)
    assert not fake.commands


@pytest.mark.parametrize(
    ("data", "ctype", "error"),
    [
        ({"a": [1]}, {"b": "int8"}, UnknownColumnError),
        ({1: [1]}, None, TypeMismatchError),
        ({"": [1]}, None, TypeMismatchError),
        ({}, None, CommandError),
        (None, None, TypeMismatchError),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), None, CommandError),
    ],
)
def test_tables_that_cannot_be(fake: FakeEngine, data: Any, ctype: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        cd.DataFrame(data, ctype=ctype)


def test_the_upload_command(fake: FakeEngine) -> None:
    cd.upload_pandas_dataframe(pd.DataFrame({"a": [1, 2], "b": ["x", None]}), auto_bounds=True, name="survey")
    assert fake.last == {
        "upload": {
            "columns": [
                {"name": "a", "type": "int[min=1,max=3]"},
                {"name": "b", "type": "varchar[1,ascii]?"},
            ],
            "name": "survey",
        }
    }
    cd.DataFrame({"a": [1], "b": [2]}, ctype="uint8?", columns=["b"])
    assert fake.last["upload"]["columns"] == [{"name": "b", "type": "int[min=0,max=255]?"}]


def test_derived_bounds_warn_of_what_they_tell(fake: FakeEngine) -> None:
    data = {"age": [1, 2], "name": ["x", None], "flag": [True, False], "day": [datetime.date(2000, 1, 1)] * 2}
    with pytest.warns(ColumnBoundDerivedWarning) as caught:
        cd.DataFrame(data)
    (warning,) = caught
    text = str(warning.message)
    assert warning.filename == __file__
    assert "'age' became int[min=1,max=3] and so tells its smallest and largest value" in text
    assert "its longest text and that values are missing" in text
    assert "first and last day" in text
    assert "'flag'" not in text
    assert "auto_bounds=True" in text
    with pytest.warns(ColumnBoundDerivedWarning) as caught:
        cd.DataFrame(data, ctype={"age": "int8", "day": "date"})
    assert "'age'" not in str(caught[0].message)
    cd.DataFrame(data, auto_bounds=True)
    cd.DataFrame({"a": [1], "flag": [True]}, ctype={"a": "int8"})


def test_a_setting_accepts_derived_bounds(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRANDAS_AUTO_BOUNDS", "true")
    cd.DataFrame({"a": [1]})
    with pytest.warns(ColumnBoundDerivedWarning):
        cd.DataFrame({"a": [1]}, auto_bounds=False)


def test_a_dummy_stands_for_its_production_table(fake: FakeEngine) -> None:
    table = cd.DataFrame({"a": [1]}, auto_bounds=True, dummy_for=HANDLE)
    assert fake.dummies == [HANDLE]
    assert table.handle != HANDLE
    with pytest.raises(UnsupportedError):
        cd.DataFrame({"a": [1]}, auto_bounds=True, dummy_for=HANDLE, name="x")


def test_a_dummy_is_not_uploaded_beside_the_real_table(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(mode="authorized")
    monkeypatch.setattr(base, "session", session_with(engine))
    with pytest.warns(DummySkippedWarning, match="nothing was uploaded"):
        table = cd.DataFrame({"a": [1]}, auto_bounds=True, dummy_for=HANDLE)
    assert not engine.commands
    assert table.handle == HANDLE
    assert "? rows" in repr(table)
    with pytest.raises(CommandError, match="get_table"):
        len(table)
    engine.next_columns = {"a": "int8"}
    table[table["a"] > 1]
    assert engine.last["filter"]["table"] == {"handle": HANDLE}


def test_unknown_arguments_are_refused(fake: FakeEngine) -> None:
    with pytest.raises(UnsupportedError, match="index_col="):
        cd.read_csv("x.csv", index_col=0)
    with pytest.raises(UnsupportedError, match="dtype="):
        cd.DataFrame({"a": [1]}, dtype="int8")
    with pytest.raises(NotImplementedError):
        cd.get_table(HANDLE, mode="defer")


# CSV


def read(fake: FakeEngine, text: str, **arguments: Any) -> dict[str, Any]:
    cd.read_csv(io.StringIO(text), auto_bounds=True, **arguments)
    return uploaded(fake)


def test_csv_columns_are_what_all_their_cells_are(fake: FakeEngine) -> None:
    text = "i,n,t,f,w,z\n1,,a,true,3.0,007\n-2,5,,False,1e2,8\n+3,6,c d,TRUE,7,9\n"
    found = read(fake, text)
    assert found["i"] == ("integer", [1, -2, 3], None)
    assert found["n"] == ("integer", [0, 5, 6], [False, True, True])
    assert found["t"] == ("text", ["a", "", "c d"], [True, False, True])
    assert found["f"] == ("boolean", [True, False, True], None)
    assert found["w"] == ("integer", [3, 100, 7], None)
    assert found["z"] == ("integer", [7, 8, 9], None)


def test_csv_agrees_with_pandas(fake: FakeEngine) -> None:
    text = 'a,b,c,d\n1,x,,True\n2,"y,z",4,False\n\n3,"q ""r""",NA,True\n4,NA,5,True\n'
    expected = pd.read_csv(io.StringIO(text))
    found = read(fake, text)
    assert found["a"][1] == list(expected["a"])
    assert found["d"][1] == list(expected["d"])
    for name in ("b", "c"):
        _, values, valid = found[name]
        assert valid == list(expected[name].notna())
        assert [v for v, there in zip(values, valid, strict=True) if there] == list(expected[name].dropna())


def test_csv_with_ctypes(fake: FakeEngine) -> None:
    text = "a,d,z,b,e\n1,31/01/2000,007,1,2000-02-29\n2,01/02/2000,01,0,\n"
    found = read(
        fake,
        text,
        ctype={"a": "uint8", "d": "date[format=d/m/Y]", "z": "varchar[3]", "b": "bool", "e": "date?"},
    )
    assert found["d"] == ("date", [10987, 10988], None)
    assert found["z"] == ("text", ["007", "01"], None)
    assert found["b"] == ("boolean", [True, False], None)
    assert found["e"] == ("date", [11016, 0], [True, False])


def test_csv_options_mean_what_they_mean_in_pandas(fake: FakeEngine, tmp_path: Path) -> None:
    assert read(fake, "a;b\n1;2\n", sep=";", usecols=["b"]) == {"b": ("integer", [2], None)}
    assert read(fake, "a\nNA\nx\n", keep_default_na=False)["a"] == ("text", ["NA", "x"], None)
    assert read(fake, "a\n-\n1\n", na_values="-")["a"] == ("integer", [0, 1], [False, True])
    path = tmp_path / "latin.csv"
    path.write_bytes("naam,é\nJosé,1\n".encode("latin-1"))
    with pytest.raises(CsvError, match="encoding"):
        cd.read_csv(path, auto_bounds=True)
    cd.read_csv(path, auto_bounds=True, encoding="latin-1")
    assert uploaded(fake)["é"][1] == [1]
    cd.read_csv(io.BytesIO("\ufeffa\n1\n".encode()), auto_bounds=True)
    assert uploaded(fake)["a"][1] == [1]


@pytest.mark.parametrize(
    ("text", "arguments", "error", "words"),
    [
        ("a,b\n1,2\n3\n", {}, CsvError, "line 3: 1 fields, but the header names 2"),
        ("a,b\n1,2,3\n", {}, CsvError, "line 2: 3 fields"),
        ('a,b\n"x\ny",2\n3\n', {}, CsvError, "line 4"),
        ("a,a\n1,2\n", {}, CsvError, "two columns are called 'a'"),
        ("a,\n1,2\n", {}, CsvError, "column 2 has no name"),
        ("", {}, CsvError, "empty"),
        ('a\n"x"y\n', {}, CsvError, "line 2"),
        ('a\n"x\n', {}, CsvError, "line 2"),
        ("a\n1\n2.5\n", {}, UnsupportedError, "line 3: a number with a fraction"),
        ("a\n1\n99999999999999999999999999999\n", {}, BoundsError, "line 3"),
        ("a\n1\n1e500\n", {}, BoundsError, "line 3"),
        ("a\n1\nx\n", {"ctype": {"a": "int8"}}, TypeMismatchError, "line 3: not a whole number"),
        ("a\n1\n1_000\n", {"ctype": {"a": "int8"}}, TypeMismatchError, "line 3"),
        ("a\ntrue\nmaybe\n", {"ctype": {"a": "bool"}}, TypeMismatchError, "line 3"),
        ("a\n2000-01-01\n01/02/2000\n", {"ctype": {"a": "date"}}, AmbiguousDateError, "line 3"),
        ("a,b\n,1\n,2\n", {}, TypeMismatchError, "'a' has no values"),
        ("a\n", {}, TypeMismatchError, "no values"),
        ("a\n1\n", {"ctype": {"b": "int8"}}, UnknownColumnError, "'b'"),
        ("a\n1\n", {"usecols": ["b"]}, CsvError, "'b'"),
    ],
)
def test_csv_that_would_need_guessing(
    fake: FakeEngine, text: str, arguments: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        cd.read_csv(io.StringIO(text), auto_bounds=True, **arguments)
    assert words in str(caught.value)
    assert not fake.commands


def test_csv_that_is_not_there(fake: FakeEngine) -> None:
    with pytest.raises(CsvError, match="no file"):
        cd.read_csv("nowhere.csv")


def test_csv_of_many_chunks(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_csv, "_CHUNK", 7)
    rows = [(str(i) if i % 5 else "", f"t{i % 3}", "1" if i < 90 else "x") for i in range(100)]
    text = "a,b,c\n" + "".join(",".join(row) + "\n" for row in rows)
    found = read(fake, text)
    assert found["a"][1] == [int(a or 0) for a, *_ in rows]
    assert found["b"][1] == [b for _, b, _ in rows]
    assert found["c"][:2] == ("text", [c for *_, c in rows])


CELLS = {
    "whole": st.integers(-(2**62), 2**62).map(str),
    "gaps": st.one_of(st.just(""), st.integers(-99, 99).map(str)),
    "text": st.text(st.sampled_from('ab",\n é'), max_size=4).map(lambda text: f"t{text}"),
    "flag": st.sampled_from(["True", "False"]),
}


@given(st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=30), st.integers(1, 9))
@settings(
    max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_csv_agrees_with_pandas(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, str]], chunk: int
) -> None:
    monkeypatch.setattr(_csv, "_CHUNK", chunk)
    written = io.StringIO()
    writer = csv.DictWriter(written, list(CELLS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    expected = pd.read_csv(io.StringIO(written.getvalue()))
    if expected["gaps"].isna().all():
        expected = expected.drop(columns="gaps")
    found = read(fake, written.getvalue(), usecols=list(expected.columns))
    for name, (_, values, valid) in found.items():
        there = expected[name].notna()
        assert (valid or [True] * len(values)) == list(there)
        assert [value for value, one in zip(values, there, strict=True) if one] == list(expected[name][there])


class Arrow:
    """Something that only speaks Arrow."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested)


def test_arrow_is_read_or_says_what_is_needed(fake: FakeEngine) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(TypeMismatchError, match="pyarrow"):
            cd.DataFrame(Arrow(pd.DataFrame({"a": [1]})), auto_bounds=True)
    else:
        cd.DataFrame(Arrow(pd.DataFrame({"a": [1]})), auto_bounds=True)
        assert uploaded(fake)["a"][1] == [1]


def test_only_the_warnings_that_are_meant(fake: FakeEngine) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cd.DataFrame({"a": [1, None], "b": ["x", None], "c": [True, None]}, auto_bounds=True)

"""The commands that methods make, as the servers will read them."""

from __future__ import annotations

import datetime
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import crandas as cd
from crandas import base
from crandas.errors import CommandError, TypeMismatchError, UnknownColumnError, UnsupportedError
from fakes import FakeEngine, session_with

HANDLE = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E"


@pytest.fixture
def table(fake: FakeEngine) -> cd.DataFrame:
    fake.next_columns = {
        "a": "int[min=0,max=9]",
        "b": "int[min=0,max=9]?",
        "text": "varchar[5]",
        "day": "date[min=2000-01-01,max=2000-12-31]",
        "flag": "bool",
    }
    return cd.get_table(HANDLE)


def column(name: str) -> dict[str, str]:
    return {"column": name}


def binary(op: str, left: Any, right: Any) -> dict[str, Any]:
    return {"binary": {"op": op, "left": left, "right": right}}


def test_a_handle_and_a_name_are_told_apart(table: cd.DataFrame, fake: FakeEngine) -> None:
    assert fake.last == {"get": {"table": {"handle": HANDLE}}}
    cd.get_table(table.handle.lower())
    assert fake.last == {"get": {"table": {"handle": table.handle}}}
    cd.get_table(table.handle[1:] + "x")
    assert fake.last["get"]["table"] == {"name": table.handle[1:] + "x"}


EXPRESSIONS = [
    (lambda d: d["a"] + 1 > d.b, binary("greater", binary("add", column("a"), {"integer": 1}), column("b"))),
    (
        lambda d: 1 - d["a"] == 0,
        binary("equal", binary("subtract", {"integer": 1}, column("a")), {"integer": 0}),
    ),
    (lambda d: np.int64(4) < d["a"], binary("greater", column("a"), {"integer": 4})),
    (
        lambda d: -d["a"] * 2 >= 3,
        binary(
            "greater_or_equal", binary("multiply", {"negate": column("a")}, {"integer": 2}), {"integer": 3}
        ),
    ),
    (lambda d: d["a"] > 3.5, binary("greater", column("a"), {"integer": 3})),
    (lambda d: d["a"] < 3.5, binary("less", column("a"), {"integer": 4})),
    (lambda d: d["a"] == 3.0, binary("equal", column("a"), {"integer": 3})),
    (lambda d: d["a"] == 2**53 + 1, binary("equal", column("a"), {"integer": str(2**53 + 1)})),
    (lambda d: d["a"] == -(2**53), binary("equal", column("a"), {"integer": -(2**53)})),
    (lambda d: d["text"] == "é", binary("equal", column("text"), {"text": "é"})),
    (lambda d: d["day"] >= "2000-02-01", binary("greater_or_equal", column("day"), {"date": "2000-02-01"})),
    (lambda d: d["day"] < datetime.date(2000, 2, 1), binary("less", column("day"), {"date": "2000-02-01"})),
    (lambda d: d["day"] < pd.Timestamp("2000-02-01"), binary("less", column("day"), {"date": "2000-02-01"})),
    (
        lambda d: d["day"] != np.datetime64("2000-02-01"),
        binary("not_equal", column("day"), {"date": "2000-02-01"}),
    ),
    (
        lambda d: d["day"] + 7 > "2000-02-01",
        binary("greater", binary("add", column("day"), {"integer": 7}), {"date": "2000-02-01"}),
    ),
    (lambda d: d["flag"] == True, binary("equal", column("flag"), {"boolean": True})),  # noqa: E712
    (lambda d: d["flag"] == 1, binary("equal", column("flag"), {"boolean": True})),
    (lambda d: d["a"] == True, binary("equal", column("a"), {"integer": 1})),  # noqa: E712
    (
        lambda d: ~d["flag"] & (d["a"] > 1),
        binary("and", {"not": column("flag")}, binary("greater", column("a"), {"integer": 1})),
    ),
    (lambda d: d["flag"] | d["flag"], binary("or", column("flag"), column("flag"))),
    (lambda d: True ^ d["flag"], binary("xor", {"boolean": True}, column("flag"))),
    (lambda d: d["b"].isna(), {"is_null": column("b")}),
    (lambda d: d["b"].notna(), {"not": {"is_null": column("b")}}),
    (
        lambda d: d["b"].fillna(0) == 0,
        binary("equal", {"fill_null": {"value": column("b"), "with": {"integer": 0}}}, {"integer": 0}),
    ),
    (
        lambda d: d["a"].between(1, 3, inclusive="left"),
        binary(
            "and",
            binary("greater_or_equal", column("a"), {"integer": 1}),
            binary("less", column("a"), {"integer": 3}),
        ),
    ),
    (
        lambda d: d["a"].isin([1, 2]),
        binary(
            "or", binary("equal", column("a"), {"integer": 1}), binary("equal", column("a"), {"integer": 2})
        ),
    ),
]


@pytest.mark.parametrize(("make", "tree"), EXPRESSIONS)
def test_each_python_expression_becomes_the_tree_it_reads_as(
    table: cd.DataFrame, fake: FakeEngine, make: Any, tree: Any
) -> None:
    table[make(table)]
    assert fake.last == {"filter": {"condition": tree, "table": {"handle": table.handle}}}


def test_isin_stays_shallow(table: cd.DataFrame, fake: FakeEngine) -> None:
    table[table["a"].isin(range(1000))]

    def depth(tree: Any) -> int:
        return 1 + max((depth(part) for part in tree.values()), default=0) if isinstance(tree, dict) else 0

    assert depth(fake.last) < 40


def test_a_threshold_reaches_the_command_and_a_negative_one_is_refused(
    table: cd.DataFrame, fake: FakeEngine
) -> None:
    table.filter(table["flag"], threshold=5)
    assert fake.last["filter"]["threshold"] == 5
    table[(table["a"] > 1).with_threshold(7)]
    assert fake.last["filter"]["threshold"] == 7
    fake.opened = [("mean", "mean[min=0,max=9]", np.array([2.0]), np.array([True]))]
    table["a"].mean(threshold=10)
    assert fake.last["aggregate"]["threshold"] == 10
    with pytest.raises(TypeMismatchError):
        table.filter(table["flag"], threshold=-1)


def test_columns_are_chosen_ordered_and_renamed(table: cd.DataFrame, fake: FakeEngine) -> None:
    handle = {"handle": table.handle}
    table[["b", "a"]]
    assert fake.last == {"project": {"table": handle, "columns": [{"column": "b"}, {"column": "a"}]}}
    table[["a", "text"]].rename(columns={"a": "x"})
    assert fake.last["project"]["columns"] == [{"column": "a", "as": "x"}, {"column": "text"}]
    table.drop(columns=["a", "b", "text", "day"])
    assert fake.last["project"]["columns"] == [{"column": "flag"}]
    table.drop("a", axis=1)
    assert len(fake.last["project"]["columns"]) == 4
    table[["a"]].add_prefix("p_").add_suffix("_s")
    assert fake.last["project"]["columns"] == [{"column": "p_a", "as": "p_a_s"}]
    assert list(table[table.columns]) == list(table.columns)


def test_assignment_changes_what_the_name_means(table: cd.DataFrame, fake: FakeEngine) -> None:
    before = table.handle
    other = table[["a"]]
    table["c"] = table["a"] * 2
    assert fake.last["assign"]["columns"] == [
        {"name": "c", "value": binary("multiply", column("a"), {"integer": 2})}
    ]
    assert table.handle != before
    assert other.columns == ["a"]
    table["flag"] = True
    assert fake.last["assign"]["columns"] == [{"name": "flag", "value": {"boolean": True}}]
    table.a = 5
    assert fake.last["assign"]["columns"] == [{"name": "a", "value": {"integer": 5}}]
    with pytest.raises(AttributeError, match=r"df\['new'\]"):
        table.new = 5
    with pytest.raises(UnsupportedError):
        table["d"] = [1, 2, 3]


def test_assign_batches_expressions_and_runs_functions_in_order(
    table: cd.DataFrame, fake: FakeEngine
) -> None:
    count = len(fake.commands)
    table.assign(x=table["a"], y=table["a"] + 1)
    assert len(fake.commands) == count + 1
    table.assign(x=table["a"] + 1, y=lambda d: d["x"] + 1)
    assert len(fake.commands) == count + 3
    assert fake.last["assign"]["columns"][0]["value"] == binary("add", column("x"), {"integer": 1})


def test_an_expression_survives_what_keeps_the_rows(table: cd.DataFrame, fake: FakeEngine) -> None:
    condition = table["a"] > 3
    wider = table.assign(c=table["a"] + 1)
    wider[condition]
    assert fake.last["filter"]["condition"] == binary("greater", column("a"), {"integer": 3})
    renamed = table.rename(columns={"a": "z"})
    renamed[condition]
    assert fake.last["filter"]["condition"] == binary("greater", column("z"), {"integer": 3})
    with pytest.raises(CommandError, match="no longer has"):
        table.drop(columns="a")[condition]
    table["a"] = 0
    with pytest.raises(CommandError, match="no longer has"):
        table[condition]


def test_an_expression_does_not_survive_what_moves_rows(table: cd.DataFrame, fake: FakeEngine) -> None:
    condition = table["a"] > 3
    fewer = table[table["flag"]]
    for moved in (fewer, table.sort_values("a"), cd.concat([table, table])):
        with pytest.raises(CommandError, match="another table"):
            moved[condition]
    with pytest.raises(CommandError, match="different tables"):
        _ = table["a"] + fewer["a"]


def test_a_filtered_column_is_a_column_of_the_filtered_table(table: cd.DataFrame, fake: FakeEngine) -> None:
    fake.opened = [("sum", "int[min=0,max=9]", np.array([4]), None)]
    assert (table["a"] + 1)[table["flag"]].sum() == 4
    filtered, aggregated = fake.commands[-2:]
    assert filtered["filter"]["condition"] == column("flag")
    assert aggregated["aggregate"]["aggregations"] == [
        {"name": "sum", "aggregate": "sum", "value": binary("add", column("a"), {"integer": 1})}
    ]
    assert aggregated["aggregate"]["table"] != filtered["filter"]["table"]


def test_a_merge_says_tables_keys_kind_check_and_suffixes(table: cd.DataFrame, fake: FakeEngine) -> None:
    right = table[["a", "b"]].rename(columns={"a": "key"})
    cd.merge(table, right, how="inner", left_on="a", right_on="key")
    assert fake.last == {
        "merge": {
            "left": {"handle": table.handle},
            "right": {"handle": right.handle},
            "how": "inner",
            "left_on": ["a"],
            "right_on": ["key"],
            "validate": "many_to_one",
            "suffixes": ["_x", "_y"],
        }
    }
    table.merge(right, how="left", on="b", validate="1:1", suffixes=(None, "_r"))
    inner = fake.last["merge"]
    assert (inner["how"], inner["left_on"], inner["validate"]) == ("left", ["b"], "one_to_one")
    assert inner["suffixes"] == ["", "_r"]
    cd.merge(table, right)
    assert fake.last["merge"]["right_on"] == ["b"]


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
@pytest.mark.parametrize(
    ("validate", "command"),
    [
        (None, None),
        ("1:1", "one_to_one"),
        ("one_to_one", "one_to_one"),
        ("m:1", "many_to_one"),
        ("many_to_one", "many_to_one"),
        ("1:m", "one_to_many"),
        ("one_to_many", "one_to_many"),
        ("m:m", "many_to_many"),
        ("many_to_many", "many_to_many"),
    ],
)
def test_ways_to_merge(
    table: cd.DataFrame, fake: FakeEngine, how: str, validate: str | None, command: str | None
) -> None:
    table.merge(table[["a"]], how=how, on="a", validate=validate)
    found = fake.last["merge"]
    # What is looked up has unique keys unless it is said otherwise.
    default = "one_to_many" if how == "right" else "many_to_one"
    assert (found["how"], found["validate"]) == (how, command or default)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"how": "cross", "on": "a"}, UnsupportedError),
        ({"on": "a", "validate": "m:n"}, CommandError),
        ({"on": "a", "left_on": "a"}, CommandError),
        ({"left_on": "a"}, CommandError),
        ({"left_on": ["a", "b"], "right_on": ["a"]}, CommandError),
        ({"on": "zz"}, UnknownColumnError),
        ({"on": "a", "left_index": True}, UnsupportedError),
        ({"on": "a", "indicator": True}, UnsupportedError),
    ],
)
def test_merges_that_are_refused(
    table: cd.DataFrame, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        cd.merge(table, table, **arguments)


def test_concat_takes_tables_with_the_same_columns_and_refuses_the_rest(
    table: cd.DataFrame, fake: FakeEngine
) -> None:
    turned = table[["flag", "day", "text", "b", "a"]]
    cd.concat([table, turned])
    assert fake.last == {"concat": {"tables": [{"handle": table.handle}, {"handle": turned.handle}]}}
    few = table[["a", "flag"]]
    with pytest.raises(UnknownColumnError):
        cd.concat([table, few])
    cd.concat([table, few], join="inner")
    assert [next(iter(command)) for command in fake.commands[-2:]] == ["project", "concat"]
    with pytest.raises(UnsupportedError):
        cd.concat([table, few], axis=1)
    with pytest.raises(TypeMismatchError):
        cd.concat([pd.DataFrame({"a": [1]})])  # type: ignore[list-item]


def test_sort_commands(table: cd.DataFrame, fake: FakeEngine) -> None:
    table.sort_values(["a", "b"], ascending=[True, False])
    assert fake.last["sort"]["by"] == [
        {"column": "a", "ascending": True},
        {"column": "b", "ascending": False},
    ]
    with pytest.raises(UnsupportedError):
        table.sort_values("a", na_position="first")
    with pytest.raises(UnsupportedError):
        table.sort_values("a", key=abs)


def test_groupby_commands(table: cd.DataFrame, fake: FakeEngine) -> None:
    def last() -> list[Any]:
        inner = fake.last["group_by"]
        return [(one["name"], one["aggregate"], one["value"]) for one in inner["aggregations"]]

    grouped = table.groupby("text")
    grouped["a"].agg("sum")
    assert last() == [("a", "sum", column("a"))]
    assert fake.last["group_by"]["by"] == ["text"]
    grouped["a"].agg(cd.groupby.max)
    assert last() == [("a", "max", column("a"))]
    grouped["a"].agg(["min", cd.groupby.mean])
    assert last() == [("min", "min", column("a")), ("mean", "mean", column("a"))]
    grouped.agg({"a": "sum", "b": ["count", "max"]})
    assert [name for name, *_ in last()] == ["a", "b_count", "b_max"]
    grouped.agg(total=("a", "sum"), most=("b", max))
    assert last() == [("total", "sum", column("a")), ("most", "max", column("b"))]
    grouped["a"].agg(total="sum")
    assert last() == [("total", "sum", column("a"))]
    grouped.mean(numeric_only=True)
    assert [name for name, *_ in last()] == ["a", "b", "flag"]
    grouped.a.count()
    assert last() == [("a", "count", column("a"))]
    table.groupby(["text", "day"]).size()
    assert last() == [("size", "count", {"is_null": column("text")})]
    for wrong in ("median", lambda x: x):
        with pytest.raises(UnsupportedError, match="count, sum, mean, min, max"):
            grouped["a"].agg(wrong)
    with pytest.raises(UnsupportedError):
        table.groupby("a", level=0)
    with pytest.raises(UnknownColumnError):
        table.groupby("zz")
    with pytest.raises(AttributeError, match="apply"):
        grouped.apply(len)


def test_aggregates_come_back_as_scalars_and_series(table: cd.DataFrame, fake: FakeEngine) -> None:
    fake.opened = [
        ("min", "int[min=0,max=9]", np.array([1]), None),
        ("mean", "mean[min=0,max=9]", np.array([2.5]), np.array([True])),
    ]
    found = table["a"].agg(["min", "mean"])
    assert list(found.index) == ["min", "mean"]
    assert list(found) == [1, 2.5]
    fake.opened = [
        ("a:min", "int[min=0,max=9]", np.array([1]), None),
        ("b:min", "int[min=0,max=9]?", np.array([0]), np.array([False])),
        ("b:max", "int[min=0,max=9]?", np.array([8]), np.array([True])),
    ]
    frame = table.agg({"a": "min", "b": ["min", "max"]})
    assert frame.loc["max", "b"] == 8
    assert np.isnan(frame.loc["min", "b"])
    fake.opened = [
        ("max", "date[min=2000-01-01,max=2000-12-31]?", np.array([0], dtype=np.int32), np.array([False]))
    ]
    assert table["day"].max() is pd.NaT


def test_keeping_and_removing(table: cd.DataFrame, fake: FakeEngine) -> None:
    condition = table["a"] > 1
    saved = table.save(name="kept")
    assert saved is table
    assert fake.last["save"]["name"] == "kept"
    table[condition]
    table.remove()
    assert fake.last == {"remove": {"table": {"handle": table.handle}}}


def test_the_source_line_goes_along(table: cd.DataFrame, fake: FakeEngine) -> None:
    table[["a"]]  # a remarkable line
    source = fake.sources[-1]
    assert source is not None
    assert source.startswith("test_commands.py:")
    assert source.endswith('table[["a"]]  # a remarkable line')


def test_tables_of_two_sessions_do_not_mix(
    table: cd.DataFrame, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeEngine()
    other.next_columns = {"a": "int[min=0,max=9]"}
    monkeypatch.setattr(base, "session", session_with(other))
    elsewhere = cd.get_table(HANDLE)
    with pytest.raises(CommandError, match="different servers"):
        cd.merge(table, elsewhere, on="a")
    with pytest.raises(CommandError):
        table[elsewhere["a"] > 1]


def test_nothing_reveals_values_in_passing(table: cd.DataFrame, fake: FakeEngine) -> None:
    count = len(fake.commands)
    condition = table["a"] > 1
    for touch in (
        lambda: bool(condition),
        lambda: 1 < table["a"] < 3,
        lambda: condition and condition,
        lambda: list(table["a"]),
        lambda: 3 in table["a"],
        lambda: np.asarray(table["a"]),
        lambda: np.asarray(table),
        lambda: bool(table),
        lambda: list(table.groupby("a")),
        lambda: hash(table["a"]),
    ):
        with pytest.raises(TypeError):
            touch()
    with pytest.raises(TypeError, match="&, | and ~".replace("|", r"\|")):
        bool(condition)
    assert len(fake.commands) == count


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda d: d["aa"], UnknownColumnError, "Did you mean 'a'"),
        (lambda d: d["zzzzzz"], KeyError, "There are: 'a', 'b'"),
        (lambda d: d[["a", "q"]], UnknownColumnError, "'q'"),
        (lambda d: d[3], TypeMismatchError, "condition"),
        (lambda d: d[0:3], UnsupportedError, "filter"),
        (lambda d: d[d["a"]], TypeMismatchError, "Compare it"),
        (lambda d: d.filter("a"), TypeMismatchError, "condition"),
        (lambda d: d["a"] / 2, UnsupportedError, "mean"),
        (lambda d: d["a"] ** 2, UnsupportedError, "multiply"),
        (lambda d: d["a"] + 0.5, UnsupportedError, "Fixed point"),
        (lambda d: d["a"] == 0.5, UnsupportedError, "whole numbers"),
        (lambda d: d["a"] == None, TypeMismatchError, "isna"),  # noqa: E711
        (lambda d: d["a"] == pd.NA, TypeMismatchError, "isna"),
        (lambda d: d["a"] == [1], TypeMismatchError, "column of this table"),
        (lambda d: d["day"] == "01/02/2000", TypeMismatchError, "2000-01-31"),
        (lambda d: d["a"] & d["flag"], TypeMismatchError, "parentheses"),
        (lambda d: ~d["a"], TypeMismatchError, "conditions"),
        (lambda d: d.head(), AttributeError, "open"),
        (lambda d: d.iloc, AttributeError, "open"),
        (lambda d: d.sort_value, AttributeError, "sort_values"),
        (lambda d: d["a"].meen(), AttributeError, "mean"),
        (lambda d: d["a"].value_counts(), AttributeError, "groupby"),
        (lambda d: d.drop(index=[1]), UnsupportedError, "index="),
        (lambda d: d.rename(columns={"a": "b"}), CommandError, "'b'"),
        (lambda d: d["a"]["b"], TypeMismatchError, "condition"),
        (lambda d: d.concat, AttributeError, "no concat"),
    ],
)
def test_mistakes_are_named_with_the_remedy(
    table: cd.DataFrame, fake: FakeEngine, use: Any, error: type[Exception], words: str
) -> None:
    count = len(fake.commands)
    with pytest.raises(error) as caught:
        use(table)
    assert words in str(caught.value)
    assert len(fake.commands) == count


def test_public_things_cost_no_command(table: cd.DataFrame, fake: FakeEngine) -> None:
    count = len(fake.commands)
    assert len(table) == 3
    assert table.shape == (3, 5)
    assert table.size == 15
    assert not table.empty
    assert list(table) == ["a", "b", "text", "day", "flag"]
    assert "a" in table
    assert "z" not in table
    assert table.columns.get_loc("b") == 1
    assert table.schema["flag"] == "bool"
    assert table.dtypes["b"] == "int[min=0,max=9]?"
    assert table["b"].dtype == "int[min=0,max=9]?"
    assert (table["b"] > 1).dtype == "boolean"
    assert len(table["a"]) == 3
    assert {"a", "merge"} <= set(dir(table))
    assert len(fake.commands) == count


def test_repr_shows_schema_and_state_and_no_values(table: cd.DataFrame, fake: FakeEngine) -> None:
    text = repr(table)
    assert "000000…0001" in text
    assert "3 rows x 5 columns" in text
    assert "design" in text
    assert "day   date[min=2000-01-01,max=2000-12-31]" in text
    fake.script = ("recording", "Tall <shapes>", 2, None)
    assert "recording Tall <shapes>" in repr(table)
    page = table._repr_html_()
    assert "Tall &lt;shapes&gt;" in page
    assert "<td" in page
    assert repr(table["a"] > 1) == "crandas.Series computed: boolean, 3 rows"
    assert repr(table.groupby("a")["b"]) == "crandas.GroupBy by a of b"


def test_progress_shows_only_for_long_steps(
    table: cd.DataFrame, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from crandas import _engine

    made: list[Any] = []
    original = _engine._new_bar
    monkeypatch.setattr(_engine, "_new_bar", lambda *given: made.append(original(*given)) or made[-1])
    fake.progress_steps = 4
    monkeypatch.setattr(_engine, "_SHOW_AFTER_SECONDS", 3600.0)
    table[["a"]]
    assert not made
    monkeypatch.setattr(_engine, "_SHOW_AFTER_SECONDS", 0.0)
    table[["a"]]
    assert len(made) == 1
    with monkeypatch.context() as context, warnings.catch_warnings():
        context.setattr(cd.settings, "show_progress_bar", False, raising=False)
        fake.progress_steps = 0
        table[["a"]]
    assert len(made) == 1

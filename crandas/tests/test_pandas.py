"""Every public method, compared with what pandas does, in this process and on three servers."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import crandas as cd
from conftest import Where
from crandas import base
from crandas.errors import (
    BoundsError,
    CommandError,
    CrandasError,
    KeyNotUniqueError,
    TooFewRowsError,
    TypeMismatchError,
    UnknownColumnError,
    UnknownTableError,
)
from frames import TYPES, generated, same, value

pytestmark = pytest.mark.engine

SHAPES = [("embedded", 0, 0), ("embedded", 1, 1), ("embedded", 2, 2), ("embedded", 67, 3), ("cluster", 37, 4)]
Both = tuple[cd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def _uploads() -> dict[Any, cd.DataFrame]:
    return {}


@pytest.fixture(
    params=[
        pytest.param(
            shape, marks=[pytest.mark.cluster] * (shape[0] == "cluster"), id=f"{shape[0]}-{shape[1]}-rows"
        )
        for shape in SHAPES
    ]
)
def both(request: pytest.FixtureRequest, where: Where, _uploads: dict[Any, cd.DataFrame]) -> Both:
    """One generated frame, here and on the servers; uploaded once, as tables do not change."""
    place, rows, seed = request.param
    where(place)
    frame = generated(rows, seed)
    if request.param not in _uploads:
        _uploads[request.param] = cd.DataFrame(frame, ctype=TYPES)
    return cd.DataFrame._of(_uploads[request.param]._table), frame


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=True)


def test_what_was_uploaded_comes_back(both: Both) -> None:
    table, frame = both
    opened = table.open()
    same(opened, frame)
    assert [str(dtype) for dtype in opened.dtypes] == [
        "int64",
        "Int64",
        "int64",
        "Int64",
        "bool",
        "str",
        "str",
        "datetime64[s]",
        "datetime64[s]",
    ]
    assert table.shape == frame.shape


CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "greater": lambda d: d["a"] > 2,
    "less or equal": lambda d: d["a"] <= -5,
    "of missing": lambda d: d["n"] >= 0,
    "not of missing": lambda d: ~(d["n"] < 0),
    "two columns": lambda d: d["a"] < d["k"],
    "a column and one with gaps": lambda d: d["n"] > d["a"],
    "equal": lambda d: d["k"] == 2,
    "not equal": lambda d: d["k"] != 2,
    "beyond bounds": lambda d: d["a"] < 1000,
    "far beyond bounds": lambda d: d["a"] > 2**70,
    "between": lambda d: d["a"].between(-5, 3),
    "between, open": lambda d: d["a"].between(-5, 3, inclusive="neither"),
    "a list": lambda d: d["k"].isin([0, 3, 7]),
    "true": lambda d: d["flag"],
    "not true": lambda d: ~d["flag"],
    "and": lambda d: d["flag"] & (d["a"] > 0),
    "or": lambda d: d["flag"] | (d["a"] > 0) | (d["n"] == 1),
    "xor": lambda d: d["flag"] ^ (d["a"] > 0),
    "arithmetic": lambda d: d["a"] * 2 + d["k"] - 1 > 3 - d["a"],
    "arithmetic of gaps": lambda d: d["n"] * d["a"] + 1 < 5,
    "negative": lambda d: -d["a"] > 0,
    "fractions": lambda d: d["a"] > 2.5,
    "text equal": lambda d: d["text"] == "ab",
    "text not equal": lambda d: d["text"] != "",
    "text order": lambda d: d["text"] > "a",
    "text with gaps": lambda d: d["tn"] == "é",
    "text too long to be there": lambda d: d["text"] == "a very long text that no row can have",
    "text of two columns": lambda d: d["text"] == d["tn"],
    "day": lambda d: d["day"] >= "2000-01-01",
    "day equal": lambda d: d["day"] == pd.Timestamp("1999-12-31"),
    "day with gaps": lambda d: d["dn"] < pd.Timestamp("2000-01-01"),
    "days of two columns": lambda d: d["day"] == d["dn"],
    "missing": lambda d: d["n"].isna(),
    "missing text": lambda d: d["tn"].isnull(),
    "there": lambda d: d["dn"].notna() & d["n"].notnull(),
    "filled": lambda d: d["n"].fillna(5) > 2,
    "filled text": lambda d: d["tn"].fillna("ab") == "ab",
    "filled day": lambda d: d["dn"].fillna(pd.Timestamp("2000-01-01")) == pd.Timestamp("2000-01-01"),
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_filters(both: Both, condition: Callable[[Any], Any]) -> None:
    table, frame = both
    kept = table[condition(table)]
    expected = plain(frame[condition(frame)])
    assert len(kept) == len(expected)
    same(kept.open(), expected)


def test_a_filter_of_a_filter(both: Both) -> None:
    table, frame = both
    once, expected = table[lambda d: d.a > -4], frame[frame.a > -4]
    twice, expected = once[once["flag"]], expected[expected["flag"]]
    same(twice.open(), plain(expected))
    assert twice["a"].count() == len(expected)
    assert value(twice["n"].sum()) == value(expected["n"].sum())


VALUES: dict[str, Callable[[Any], Any]] = {
    "sum": lambda d: d["a"] + d["k"],
    "with gaps": lambda d: d["a"] - d["n"],
    "product": lambda d: d["a"] * d["n"],
    "reversed": lambda d: 10 - d["a"],
    "negative": lambda d: -d["n"],
    "condition": lambda d: d["a"] > 1,
    "copy": lambda d: d["text"],
    "filled": lambda d: d["n"].fillna(0),
    "filled from another": lambda d: d["n"].fillna(d["a"]),
    "a number": lambda _: 5,
    "a text": lambda _: "x",
}


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES.keys())
def test_new_columns(both: Both, make: Callable[[Any], Any]) -> None:
    table, frame = both
    same(table.assign(c=make)[["a", "c"]].open(), frame.assign(c=make)[["a", "c"]])
    replaced, expected = cd.DataFrame._of(table._table), frame.copy()
    replaced["a"] = make(replaced)
    expected["a"] = make(expected)
    same(replaced.open(), expected)


def test_assignments_see_earlier_functions(both: Both) -> None:
    table, frame = both

    def assigned(d: Any) -> Any:
        return d.assign(x=d["a"] + 1, y=lambda e: e["x"] * 2, a=d["k"])

    same(assigned(table).open(), assigned(frame))


COLUMNS: dict[str, Callable[[Any], Any]] = {
    "project": lambda d: d[["text", "a"]],
    "drop": lambda d: d.drop(columns=["a", "text"]),
    "drop by axis": lambda d: d.drop("n", axis=1),
    "rename": lambda d: d.rename(columns={"a": "b", "n": "a"}),
    "rename by function": lambda d: d.rename(columns=str.upper),
    "prefix": lambda d: d.add_prefix("p_"),
    "suffix": lambda d: d.add_suffix("_s"),
}


@pytest.mark.parametrize("change", COLUMNS.values(), ids=COLUMNS.keys())
def test_columns(both: Both, change: Callable[[Any], Any]) -> None:
    table, frame = both
    same(change(table).open(), change(frame))


ORDERS: list[tuple[Any, Any]] = [
    ("a", True),
    ("a", False),
    ("n", True),
    ("n", False),
    ("text", True),
    ("tn", False),
    ("day", True),
    ("dn", False),
    ("flag", True),
    (["k", "a"], [True, False]),
    (["tn", "n", "day"], [False, True, True]),
]


@pytest.mark.parametrize(("by", "ascending"), ORDERS)
def test_sorting(both: Both, by: Any, ascending: Any) -> None:
    table, frame = both
    expected = frame.sort_values(by, ascending=ascending, kind="stable", ignore_index=True)
    same(table.sort_values(by, ascending=ascending).open(), expected)


def test_sorting_what_was_filtered(both: Both) -> None:
    table, frame = both
    expected = frame[frame["flag"]].sort_values("n", kind="stable", ignore_index=True)
    same(table[table["flag"]].sort_values("n").open(), expected)


@pytest.mark.parametrize("aggregate", ["count", "sum", "mean", "min", "max"])
@pytest.mark.parametrize("column", ["a", "n", "flag", "text", "tn", "day", "dn"])
def test_aggregates(both: Both, aggregate: str, column: str) -> None:
    table, frame = both
    if aggregate in ("sum", "mean") and column in ("text", "tn", "day", "dn"):
        with pytest.raises(TypeMismatchError):
            getattr(table[column], aggregate)()
        return
    for here, there in ((table, frame), (table[table["k"] == 1], frame[frame["k"] == 1])):
        found = value(getattr(here[column], aggregate)())
        series = there[column].dropna()
        expected = (
            value(getattr(series, aggregate)()) if len(series) or aggregate in ("count", "sum") else None
        )
        assert found == expected or math.isclose(found, expected, rel_tol=1e-12)


def test_aggregates_of_expressions(both: Both) -> None:
    table, frame = both
    assert value((table["a"] * 2 + 1).sum()) == value((frame["a"] * 2 + 1).sum())
    assert (table["a"] > 1).sum() == (frame["a"] > 1).sum()
    assert value((table["n"] + table["a"]).max()) == value((frame["n"] + frame["a"]).max())
    assert value(table["a"][table["flag"]].sum()) == value(frame["a"][frame["flag"]].sum())


def test_many_aggregates_at_once(both: Both) -> None:
    table, frame = both
    some = ["a", "n", "flag"]
    for aggregate in ("count", "sum"):
        found = getattr(table[some], aggregate)()
        expected = getattr(frame[some], aggregate)()
        assert {name: value(one) for name, one in found.items()} == {n: value(v) for n, v in expected.items()}
    if len(frame) == 0:
        return
    found = table.agg({"a": ["min", "max"], "n": "count"})
    assert found.loc["min", "a"] == frame["a"].min()
    assert found.loc["max", "a"] == frame["a"].max()
    assert found.loc["count", "n"] == frame["n"].count()
    assert list(table["a"].agg(["sum", "mean"])) == pytest.approx(list(frame["a"].agg(["sum", "mean"])))


@pytest.mark.parametrize("by", ["k", "kn", "text", "tn", "day", "flag", ["k", "tn"], ["dn", "flag"]])
def test_groups(both: Both, by: Any) -> None:
    table, frame = both
    keys = [by] if isinstance(by, str) else by
    grouped, expected = table.groupby(by), frame.groupby(by, as_index=False)
    wanted = {
        "total": ("a", "sum"),
        "n_total": ("n", "sum"),
        "there": ("n", "count"),
        "middle": ("n", "mean"),
        "low": ("n", "min"),
        "high": ("a", "max"),
    }
    same(grouped.agg(**wanted).open(), expected.agg(**wanted)[[*keys, *wanted]])
    same(grouped.size().open(), expected.size())


def test_groups_of_text_and_days(both: Both) -> None:
    table, frame = both
    wanted = {"first": ("text", "min"), "last": ("dn", "max"), "texts": ("tn", "count")}
    if len(frame) == 0:
        assert len(table.groupby("k").agg(**wanted)) == 0
        return
    same(table.groupby("k").agg(**wanted).open(), frame.groupby("k", as_index=False).agg(**wanted))


def test_ways_to_say_an_aggregate(both: Both) -> None:
    table, frame = both
    expected = frame.groupby("k", as_index=False)["a"].sum()
    same(table.groupby("k")["a"].sum().open(), expected)
    same(table.groupby("k")["a"].agg("sum").open(), expected)
    same(table.groupby("k")["a"].agg(cd.groupby.sum).open(), expected)
    same(table.groupby("k").agg({"a": "sum"}).open(), expected)
    same(table.groupby("k")[["a", "n"]].max().open(), frame.groupby("k", as_index=False)[["a", "n"]].max())


def test_groups_of_what_was_filtered(both: Both) -> None:
    table, frame = both
    expected = frame[frame["flag"]].groupby("k", as_index=False)["a"].sum()
    grouped = table[table["flag"]].groupby("k")["a"].sum()
    assert len(grouped) == len(expected)
    same(grouped.open(), expected)
    same(grouped.sort_values("a").open(), expected.sort_values("a", kind="stable", ignore_index=True))


def unique(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return plain(frame.drop_duplicates(keys))[list(dict.fromkeys([*keys, "a", "day"]))]


def upload(frame: pd.DataFrame) -> cd.DataFrame:
    return cd.DataFrame(frame, ctype={name: TYPES[name] for name in frame.columns})


def joined(left: pd.DataFrame, right: pd.DataFrame, how: Any, on: list[str]) -> pd.DataFrame:
    """What pandas gives where a missing key matches nothing, and an outer join leaves the order alone."""
    left, right = left.assign(from_left=range(len(left))), right.assign(from_right=range(len(right)))
    alone = {"left": left[left[on].isna().any(axis=1)], "right": right[right[on].isna().any(axis=1)]}
    found = left.dropna(subset=on).merge(right.dropna(subset=on), how=how, on=on)
    for side, names in (("left", list(left.columns)), ("right", list(right.columns))):
        if how in (side, "outer"):
            other = right if side == "left" else left
            shared = [name for name in names if name in other.columns and name not in on]
            suffix = "_x" if side == "left" else "_y"
            missing = alone[side].rename(columns={name: name + suffix for name in shared})
            found = pd.concat([found, missing.reindex(columns=found.columns)], ignore_index=True)
    order = ["from_right", "from_left"] if how == "right" else ["from_left", "from_right"]
    found = found.sort_values(order, kind="stable", ignore_index=True)
    return plain(found.drop(columns=["from_left", "from_right"]))


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
@pytest.mark.parametrize("keys", ["k", "text", "kn", "tn", "day", "flag", "k tn", "kn dn"])
def test_merges(both: Both, how: Any, keys: str) -> None:
    table, frame = both
    on = keys.split()
    right = unique(generated(25, 9), on)
    merged = cd.merge(table, upload(right), how=how, on=on, validate="m:1")
    expected = joined(frame, right, how, on)
    assert len(merged) == len(expected)
    same(merged.open(), expected)
    turned = cd.merge(upload(right), table, how=how, on=on, validate="1:m")
    same(turned.open(), joined(right, frame, how, on))


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
@pytest.mark.parametrize("keys", ["k", "text", "kn", "tn", "flag", "k tn"])
def test_merges_of_many_with_many(both: Both, how: Any, keys: str) -> None:
    table, frame = both
    on = keys.split()
    right = generated(25, 9)[list(dict.fromkeys([*on, "a", "dn"]))]
    merged = cd.merge(table, upload(right), how=how, on=on, validate="many_to_many", suffixes=("_x", "_y"))
    expected = joined(frame, right, how, on)
    assert len(merged) == len(expected)
    same(merged.open(), expected)


def test_a_right_merge_looks_up_the_left_table(both: Both) -> None:
    table, frame = both
    left = unique(generated(25, 9), ["k"])
    merged = upload(left).merge(table, how="right", on="k", suffixes=("_l", None))
    expected = left.merge(frame, how="right", on="k", suffixes=("_l", None))
    same(merged.open(), plain(expected))


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
def test_keys_of_other_names_stay_side_by_side(both: Both, how: Any) -> None:
    table, frame = both
    right = generated(25, 9)[["k", "dn"]].rename(columns={"k": "other"})
    there = upload(right.rename(columns={"other": "k"})).rename(columns={"k": "other"})
    merged = table[["a", "n"]].merge(there, how=how, left_on="a", right_on="other", validate="m:m")
    if how == "outer":
        assert len(merged) == len(frame[["a", "n"]].merge(right, how=how, left_on="a", right_on="other"))
        return
    expected = frame[["a", "n"]].merge(right, how=how, left_on="a", right_on="other")
    same(merged.open(), plain(expected))


def test_what_is_sorted_stays_right_however_it_is_used(both: Both) -> None:
    table, frame = both
    ordered, expected = table.sort_values(["kn", "a"]), frame.sort_values(["kn", "a"], kind="stable")
    same(ordered.sort_values("kn").open(), plain(expected))
    kept, wanted = ordered[ordered["flag"]], expected[expected["flag"]]
    same(kept.sort_values(["kn", "a"]).open(), plain(wanted))
    sums = {"total": ("n", "sum"), "low": ("n", "min"), "high": ("text", "max")}
    if len(wanted) > 0:
        same(
            kept.groupby(["kn", "a"]).agg(**sums).open(),
            wanted.groupby(["kn", "a"], as_index=False).agg(**sums),
        )
    # Another column of that name is another order.
    turned = ordered.assign(kn=-ordered["kn"])
    same(
        turned.sort_values("kn").open(),
        plain(expected.assign(kn=-expected["kn"]).sort_values("kn", kind="stable")),
    )
    low = ordered.groupby("kn")["a"].min()
    same(low.sort_values("kn").open(), plain(expected.groupby("kn", as_index=False)["a"].min()))
    merged = table[["kn", "text"]].merge(low, on="kn", how="left")
    same(merged.open(), joined(frame[["kn", "text"]], low.open(), "left", ["kn"]))


def test_merges_of_what_was_filtered(both: Both) -> None:
    table, frame = both
    right = unique(generated(25, 9), ["k"]).rename(columns={"k": "key"})
    expected = frame[frame["flag"]].merge(right[right["key"] != 1], left_on="k", right_on="key")
    there = upload(right.rename(columns={"key": "k"})).rename(columns={"k": "key"})
    merged = table[table["flag"]].merge(there[there["key"] != 1], left_on="k", right_on="key")
    same(merged.open(), plain(expected))


def test_keys_of_other_bounds_match_by_value(engine: base.Session) -> None:
    left = pd.DataFrame({"k": [1, 200, -3], "x": [1, 2, 3]})
    right = pd.DataFrame({"k": [200, 7, 1], "y": [1, 2, 3]})
    merged = cd.merge(
        cd.DataFrame(left, ctype={"k": "int16", "x": "int8"}),
        cd.DataFrame(right, ctype={"k": "uint8", "y": "int8"}),
        validate="1:1",
    )
    same(merged.open(), left.merge(right))


def test_concat(both: Both) -> None:
    table, frame = both
    other = generated(5, 11)[list(reversed(frame.columns))]
    both_tables = cd.concat([table, upload(other), table[table["flag"]]])
    same(both_tables.open(), pd.concat([frame, other, frame[frame["flag"]]], ignore_index=True))
    same(table.append(upload(other)).open(), pd.concat([frame, other], ignore_index=True))
    few = upload(other[["n", "a"]])
    expected = pd.concat([frame, other[["n", "a"]]], join="inner", ignore_index=True)
    same(cd.concat([table, few], join="inner").open(), expected)


def test_concat_widens_bounds(engine: base.Session) -> None:
    tables = [
        cd.DataFrame({"a": [low]}, ctype=ctype)
        for low, ctype in ((-100, "int8"), (250, "uint8"), (None, "int8?"))
    ]
    assert [value(cell) for cell in cd.concat(tables).open()["a"]] == [-100, 250, None]


def test_text_columns_of_other_lengths(engine: base.Session) -> None:
    left = cd.DataFrame({"t": ["a", "längere"]}, ctype="varchar[9]")
    right = cd.DataFrame({"t": ["a", "b"]}, ctype="varchar[2,ascii]")
    assert list(cd.concat([left, right]).open()["t"]) == ["a", "längere", "a", "b"]
    assert list(cd.merge(left, right).open()["t"]) == ["a"]


# Refusals


def test_too_few_rows_make_no_table(engine: base.Session) -> None:
    table = cd.DataFrame({"a": [1, 2, 3, 4]}, auto_bounds=True)
    assert len(table.filter(table["a"] > 1, threshold=3)) == 3
    with pytest.raises(TooFewRowsError):
        table.filter(table["a"] > 2, threshold=3)
    with pytest.raises(TooFewRowsError):
        table[(table["a"] > 2).with_threshold(3)]
    with pytest.raises(TooFewRowsError):
        table["a"].mean(threshold=5)
    assert table["a"].mean(threshold=4) == 2.5
    assert table["a"].sum() == 10


def test_keys_that_are_not_unique(engine: base.Session) -> None:
    left = cd.DataFrame({"k": [1, 1, 2]}, auto_bounds=True)
    right = cd.DataFrame({"k": [1, 2, 2]}, auto_bounds=True)
    with pytest.raises(KeyNotUniqueError):
        cd.merge(left, right, on="k")
    single = cd.DataFrame({"k": [1, 2]}, auto_bounds=True)
    with pytest.raises(KeyNotUniqueError):
        cd.merge(left, single, on="k", validate="one_to_one")
    assert len(cd.merge(left, single, on="k")) == 3


@pytest.mark.parametrize(
    ("values", "ctype", "error"),
    [
        ([1, 300], "int8", BoundsError),
        ([1, -1], "uint8", BoundsError),
        ([1, None], "int8", (BoundsError, TypeMismatchError)),
        (["a", "abc"], "varchar[2]", BoundsError),
        (["a", "é"], "varchar[2,ascii]", BoundsError),
        ([datetime.date(2000, 1, 1), datetime.date(1850, 1, 1)], "date", BoundsError),
    ],
)
def test_a_value_outside_its_type(engine: base.Session, values: Any, ctype: str, error: Any) -> None:
    with pytest.raises(error) as caught:
        cd.DataFrame({"col": values}, ctype=ctype)
    message = str(caught.value)
    assert "col" in message
    assert "row 1" in message
    for secret in ("300", "abc", "é", "1850"):
        assert secret not in message


@pytest.mark.parametrize(
    "use",
    [
        lambda d: d[d["text"] > 3],
        lambda d: d[d["day"] > 3],
        lambda d: d.assign(c=d["text"] + 1),
        lambda d: d.assign(c=d["a"] * 2**62 * 2),
        lambda d: d["text"].sum(),
        lambda d: cd.merge(d, d.groupby("text").size(), left_on="a", right_on="text"),
        lambda d: cd.concat([d[["a"]], d[["text"]].rename(columns={"text": "a"})]),
    ],
)
def test_what_types_forbid(engine: base.Session, use: Callable[[Any], Any]) -> None:
    table = upload(generated(4, 5))
    with pytest.raises(CommandError):
        use(table)
    assert table["a"].count() == 4


def test_a_table_that_is_not_there(engine: base.Session) -> None:
    with pytest.raises(UnknownTableError):
        cd.get_table("0" * 64)
    with pytest.raises(UnknownTableError):
        cd.get_table("nobody's table")
    table = cd.DataFrame({"a": [1]}, auto_bounds=True)
    table.remove()
    with pytest.raises(UnknownTableError):
        table.open()


def test_names_and_saving(engine: base.Session) -> None:
    name = f"survey of {id(engine)}"
    table = cd.DataFrame({"a": [3, 1, 2]}, auto_bounds=True, name=name)
    assert table.name == name
    assert list(cd.get_table(name).open()["a"]) == [3, 1, 2]
    kept = table[table["a"] > 1].save(name=f"{name}, kept")
    again = cd.get_table(f"{name}, kept")
    assert again.handle == kept.handle
    assert list(again.open()["a"]) == [3, 2]
    assert cd.get_table(kept.handle).name == f"{name}, kept"
    with pytest.raises(UnknownColumnError):
        again["b"]


def test_means_are_opened_exactly(engine: base.Session) -> None:
    table = cd.DataFrame({"k": [1, 1, 2], "v": [2**40, 2**40 + 1, 5]}, ctype={"k": "int8", "v": "int48"})
    means = table.groupby("k")["v"].mean()
    assert list(means.open()["v"]) == [2**40 + 0.5, 5.0]
    assert table["v"].mean() == pytest.approx((2**41 + 6) / 3)


def test_whole_numbers_beyond_64_bits(engine: base.Session) -> None:
    far = 2**63 - 1
    columns = {
        "key": [1, 2, 1, 2, 1],
        "far": [far, far, -5, far, far],
        "wide": [2**70, -(2**85), 3, 2**70 + 1, 0],
    }
    table = cd.DataFrame(columns, ctype={"key": "int8", "far": "int64", "wide": "int88"})
    opened = table.open()
    assert list(opened["wide"]) == columns["wide"]
    assert (table["far"].sum(), table["wide"].sum()) == (sum(columns["far"]), sum(columns["wide"]))
    assert table["far"].mean() == pytest.approx(sum(columns["far"]) / 5, rel=1e-15)
    assert table["wide"].max() == 2**70 + 1
    grouped = table.groupby("key").agg(far=("far", "sum"), wide=("wide", "mean")).open()
    assert [int(total) for total in grouped["far"]] == [2 * far - 5, 2 * far]
    assert list(grouped["wide"]) == pytest.approx([(2**70 + 3) / 3, (2**70 + 1 - 2**85) / 2], rel=1e-15)
    assert list(table[table["wide"] > 2**70].open()["wide"]) == [2**70 + 1]
    assert list(table.sort_values("wide").open()["wide"]) == sorted(columns["wide"])
    with pytest.raises(CrandasError, match="64 bits"):
        table.assign(more=table["wide"] + 1)

"""What a provider asks at upload: seen before it is met, and kept by the servers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import crandas as cd
from crandas import base
from crandas.errors import CommandError, RuleError, TooFewRowsError, UnknownColumnError
from fakes import FakeEngine

TYPES = {"id": "int[min=0,max=99]", "wage": "int[min=0,max=9999]", "region": "varchar[1]", "ill": "bool"}


def columns(rows: int = 40) -> dict[str, list[Any]]:
    return {
        "id": list(range(rows)),
        "wage": [1000 + 7 * row for row in range(rows)],
        "region": ["abc"[row % 3] if row < 36 else "d" for row in range(rows)],
        "ill": [row % 6 == 5 for row in range(rows)],
    }


def people(rules: cd.Rules | None, **more: Any) -> cd.DataFrame:
    return cd.DataFrame(columns(), ctype=TYPES, rules=rules, **more)


# What the command says


def test_rules_travel_in_the_upload_command(fake: FakeEngine) -> None:
    rules = cd.Rules(min_rows=10, join_only=["id"])
    cd.DataFrame({"id": [1, 2, 3]}, ctype="int8", rules=rules)
    assert fake.last["upload"]["rules"] == {"min_rows": 10, "join_only": ["id"]}
    cd.read_csv(io.StringIO("id\n1\n2\n"), ctype="int8", rules=cd.Rules(join_only="id"))
    assert fake.last["upload"]["rules"] == {"join_only": ["id"]}
    cd.DataFrame({"id": [1, 2, 3]}, ctype="int8", rules=cd.Rules(open_rows=False))
    assert fake.last["upload"]["rules"] == {"min_rows": 2}
    cd.DataFrame({"id": [1, 2, 3]}, ctype="int8", rules=cd.Rules())
    assert "rules" not in fake.last["upload"]
    cd.DataFrame({"id": [1, 2, 3]}, ctype="int8", rules=cd.Rules(15, round_counts=10))
    assert fake.last["upload"]["rules"] == {"min_rows": 20, "round_counts": 10}


def test_rules_that_contradict_each_other_are_refused_at_once() -> None:
    for mistaken in (
        {"min_rows": 1},
        {"min_rows": 0},
        {"round_counts": 1},
        {"round_counts": 1001},
        {"round_counts": 2.5},
        {"round_counts": True},
        {"min_rows": 5, "open_rows": True},
    ):
        with pytest.raises(RuleError):
            cd.Rules(**mistaken)  # type: ignore[arg-type]
    with pytest.raises(CommandError, match="Rules"):
        cd.DataFrame({"a": [1]}, ctype="int8", rules={"min_rows": 2})  # type: ignore[arg-type]


def test_rules_can_be_pasted() -> None:
    for rules in (cd.Rules(round_counts=7), cd.Rules(10, ["id", "b"]), cd.Rules(join_only="id"), cd.Rules()):
        assert eval(repr(rules), {"Rules": cd.Rules}) == rules


# What the servers keep


@pytest.mark.engine
class TestOnServers:
    @pytest.fixture(autouse=True)
    def _engine(self, engine: base.Session) -> None:
        self.session = engine

    def test_rules_are_seen_before_they_are_met(self) -> None:
        table = people(cd.Rules(min_rows=10, join_only=["id"]))
        assert table.rules == cd.Rules(min_rows=10, join_only=["id"])
        assert table.rules is not None
        assert table.rules.sources == (table.handle,)
        assert not table.rules.open_rows
        line = "rules: at least 10 rows behind every opened value; 'id' only for joining"
        assert line in repr(table)
        assert "only for joining" in table._repr_html_()
        found = cd.get_table(table.handle)
        assert found.rules == table.rules
        assert people(None).rules is None
        assert "rules" not in repr(people(None))

    def test_a_mean_over_few_rows_is_refused(self) -> None:
        table = people(cd.Rules(min_rows=10))
        assert table["wage"].mean() == 1136.5
        with pytest.raises(TooFewRowsError):
            table[table["id"] == 5]["wage"].mean()
        with pytest.raises(TooFewRowsError):
            (table["wage"] * (table["id"] == 5)).sum()
        with pytest.raises(TooFewRowsError):
            table["ill"].sum()
        assert table[table["id"] < 10]["wage"].mean() == 1031.5

    def test_single_rows_are_never_opened(self) -> None:
        table = people(cd.Rules(open_rows=False))
        for closed in (table, table.sort_values("wage"), table[["wage"]], cd.concat([table])):
            with pytest.raises(RuleError):
                closed.open()
        with pytest.raises(RuleError):
            table["wage"].max()
        assert table["wage"].mean() == 1136.5

    def test_groups_that_are_too_small_vanish(self) -> None:
        table = people(cd.Rules(min_rows=10))
        counts = table.groupby("region").size().open()
        assert list(counts["region"]) == ["a", "b", "c"]
        many = cd.concat([table, table, table]).groupby("region").size().open()
        assert list(many["region"]) == ["a", "b", "c"]

    def test_copies_and_padding_fill_nothing(self) -> None:
        table = people(cd.Rules(min_rows=10))
        mine = columns()
        mine["id"] = [99] * 40
        padded = cd.concat([table, cd.DataFrame(mine, ctype=TYPES)])
        with pytest.raises(TooFewRowsError):
            padded[(padded["id"] == 5) | (padded["id"] == 99)]
        visits = cd.DataFrame({"who": [7] * 50}, ctype={"who": TYPES["id"]})
        joined = visits.merge(table, how="left", left_on="who", right_on="id")
        assert joined.rules is not None
        assert joined.rules.min_rows == 10
        assert list(joined.columns) == ["who", "id", "wage", "region", "ill"]
        with pytest.raises(TooFewRowsError):
            joined["wage"].mean()
        visits = cd.DataFrame({"who": [row % 40 for row in range(99)]}, ctype={"who": TYPES["id"]})
        joined = visits.merge(table, left_on="who", right_on="id")
        assert joined["wage"].mean() == pytest.approx(sum(1000 + 7 * (row % 40) for row in range(99)) / 99)

    def test_a_key_for_joining_only_joins(self) -> None:
        left = people(cd.Rules(join_only=["id"]))
        right = cd.DataFrame(
            {"id": list(range(40)), "cost": [2] * 40},
            ctype={"id": TYPES["id"], "cost": "int[min=0,max=9]"},
            rules=cd.Rules(join_only=["id"]),
        )
        joined = left.merge(right, on="id")
        with pytest.raises(RuleError):
            joined.open()
        with pytest.raises(RuleError):
            left[left["id"] == 3]
        assert len(joined[["wage", "cost"]].open()) == 40
        assert joined.groupby("region")["cost"].sum().open()["cost"].sum() == 80

    def test_rules_hold_under_a_saved_name(self) -> None:
        table = people(cd.Rules(min_rows=10))
        table.assign(twice=table["wage"] * 2).save(name="rules-kept")
        again = cd.get_table("rules-kept")
        assert again.rules is not None
        assert again.rules.min_rows == 10
        with pytest.raises(RuleError):
            again.open()
        with pytest.raises(TooFewRowsError):
            again[again["twice"] == 2014]["wage"].mean()

    def test_counts_are_told_as_multiples_only(self) -> None:
        table = people(cd.Rules(round_counts=10))
        assert table.rules == cd.Rules(min_rows=10, round_counts=10)
        assert "counts as multiples of 10" in repr(table)
        kept = table[table["id"] < 29]
        assert len(kept) == 20
        for seen in (kept, kept.sort_values("wage"), kept[["id", "wage"]], kept.assign(one=1)):
            assert seen["id"].count() == 20
            assert seen.rules == table.rules
        assert (table["id"] < 29).sum() == 20
        assert ((table["id"] < 29) * 2).sum() == 40
        assert list(table.groupby("region").size().open().iloc[:, -1]) == [10, 10, 10]
        with pytest.raises(RuleError, match="a mean"):
            table["wage"].mean()
        with pytest.raises(RuleError):
            cd.concat([table, table])
        mine = cd.DataFrame({"who": list(range(15))}, ctype={"who": TYPES["id"]})
        assert len(table.merge(mine, left_on="id", right_on="who", validate="one_to_one")) == 10

    def test_a_dummy_meets_the_rules_as_the_real_table_does(self) -> None:
        handle = "AB" * 32
        people(cd.Rules(min_rows=10), dummy_for=handle)
        table = cd.get_table(handle)
        with pytest.raises(RuleError):
            table.open()
        with pytest.raises(TooFewRowsError):
            table[table["id"] == 5]

    def test_a_rule_for_a_column_that_is_not_there(self) -> None:
        with pytest.raises(UnknownColumnError):
            people(cd.Rules(join_only=["name"]))


@pytest.mark.engine
@pytest.mark.cluster
def test_an_authorization_with_rules_allows_no_upload_without_them(
    approvers: Any, production_file: Path, connected: Any, tmp_path: Path
) -> None:
    rounded = json.loads(approvers.run("template", "guarded-upload", "--round-counts", "7"))
    asked = rounded["steps"][0]["command"]["upload"]["rules"]
    assert asked == cd.Rules(10, round_counts=7).wire == {"min_rows": 14, "round_counts": 7}
    template = tmp_path / "guarded.json"
    template.write_text(approvers.run("template", "guarded-upload", "--join-only", "id"))
    approved = approvers.approve(template, analyst="provider")
    rules = cd.Rules(min_rows=10, join_only=["id"])
    with connected(production_file, "provider"):
        base.session.load_authorization(approved)
        assert people(rules).rules == rules
        for other in (None, cd.Rules(min_rows=2, join_only=["id"]), cd.Rules(min_rows=10)):
            with pytest.raises(cd.errors.AuthorizationError):
                people(other)

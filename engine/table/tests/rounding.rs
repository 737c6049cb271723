//! Counts as multiples of a number: three parties round as the plain engine does, before anything is opened,
//! and no way of asking gives a count back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use vdl_plain::Value;
use vdl_plan::vdl_command::Aggregate::{Count, Max, Mean, Min, Sum};
use vdl_plan::vdl_command::*;
use vdl_plan::{Operation, plan};
use vdl_trio::Message;
use world::ask::*;
use world::kept::*;
use world::*;

fn to(round: u64) -> Rules {
    Rules { round_counts: Some(round), ..Rules::default() }
}

/// 97 people, ids 0 to 96, of region 0 to 2; every fourth is ill, and one number is the same for all.
fn people(asked: Rules) -> Kept {
    let table = clear(&[
        ("id", (0..97).collect()),
        ("region", (0..97).map(|id| if id < 90 { id % 2 } else { 2 }).collect()),
        ("ill", (0..97).map(|id| i128::from(id % 4 == 0)).collect()),
        ("same", vec![7; 97]),
    ]);
    upload(1, &table, asked)
}

fn keep(condition: Expression, table: &Kept) -> Kept {
    ask(&filter(condition, None), &[table]).unwrap().table()
}

/// One aggregation's result as a number.
fn one(of: (Aggregate, Expression), table: &Kept) -> i128 {
    let opened = ask(&aggregate(&[of], None), &[table]).unwrap().opened();
    opened[0][0].as_ref().unwrap().number()
}

/// What one server was sent to open: its step and how many bytes.
fn opened(messages: &[Message]) -> Vec<(String, usize)> {
    let to_first = messages.iter().filter(|message| message.to == 0);
    let opening = to_first.filter(|message| message.step.starts_with("open"));
    opening.map(|message| (message.step.to_string(), message.length)).collect()
}

#[test]
fn a_filter_tells_its_rows_as_a_multiple_only() {
    let people = people(to(10));
    for (limit, told) in [(10, 10), (19, 10), (20, 20), (29, 20), (96, 90), (97, 90)] {
        let kept = keep(below("id", limit), &people);
        assert_eq!((kept.input.rows, kept.data[0].len()), (told, limit as usize));
        assert_eq!(one((Count, name("id")), &kept), i128::from(told));
    }
}

#[test]
fn two_filters_that_differ_by_one_row_differ_by_nothing_or_by_a_step() {
    let people = people(to(10));
    let without = |id| binary(BinaryOp::And, below("id", 30), Expression::Not(Box::new(is("id", id))));
    let rows = keep(below("id", 30), &people).input.rows;
    assert_eq!((rows, keep(without(3), &people).input.rows), (30, 20));
    for id in [3, 30, 31] {
        let other = binary(BinaryOp::Or, below("id", 15), is("id", id));
        assert_eq!(keep(other, &people).input.rows, 10, "with or without one more");
    }
}

#[test]
fn fewer_rows_than_the_step_are_nothing() {
    let people = people(to(10));
    for command in [filter(below("id", 9), None), aggregate(&[(Sum, is("id", 5))], None)] {
        assert_eq!(ask(&command, &[&people]).unwrap_err(), "too_few_rows");
    }
    // Seven of region 2: not even that it is there.
    let groups = ask(&group_by(&["region"], &[(Count, name("id"))]), &[&people]).unwrap().table();
    assert_eq!((groups.data[0].clone(), groups.data[1].clone()), (ints([0, 1]), ints([40, 40])));
}

#[test]
fn own_thresholds_find_no_count_either() {
    let people = people(to(10));
    for (threshold, met) in [(11, true), (20, true), (21, false), (29, false)] {
        for command in [filter(below("id", 29), Some(threshold)), filter(below("id", 20), Some(threshold))] {
            let met = ask(&command, &[&people]).is_ok();
            assert_eq!(met, threshold <= 20, "{command:?}");
        }
        let kept = keep(below("id", 29), &people);
        let command = aggregate(&[(Count, name("id"))], Some(threshold));
        assert_eq!(ask(&command, &[&kept]).is_ok(), met, "{command:?}");
    }
    // Every rule is one that a rounded count meets or not.
    let asked = Rules { min_rows: Some(25), ..to(10) };
    let upload = Command::Upload {
        columns: Slot::Value(vec![int("a", 0, 1)]),
        name: None,
        rules: Some(Slot::Value(asked)),
    };
    assert_eq!(plan(&upload, &[]).unwrap().rules.guards[0].min_rows, 30);
}

#[test]
fn a_sum_over_ones_is_a_count_and_rounded_as_one() {
    let people = people(to(10));
    let kept = keep(below("id", 29), &people);
    // 25 of 97 are ill.
    let ill = binary(BinaryOp::Equal, name("ill"), number(1));
    assert_eq!(one((Sum, ill.clone()), &people), 20);
    assert_eq!(one((Sum, below("id", 29)), &people), 20);
    assert_eq!(one((Sum, number(1)), &kept), 20);
    for factor in [2, 3, 100, 1000, -1, -7] {
        // However it is weighted: every step is worth ten rows or more.
        let told = one((Sum, times(below("id", 29), number(factor))), &people);
        let step = i128::pow(2, (factor.unsigned_abs() as f64).log2().ceil() as u32) * 10;
        assert_eq!(told, (29 * factor).div_euclid(step) * step);
        assert!(step >= 10 * factor.abs());
    }
}

#[test]
fn equal_values_added_up_tell_no_count() {
    let people = people(to(10));
    // 29 times 7, where a value may be up to a million: nothing is left of it.
    let kept = keep(below("id", 29), &people);
    assert_eq!(one((Sum, name("same")), &kept), 0);
    // Known to be seven or eight: the step is that of ten rows, or a little more.
    let seven = binary(BinaryOp::Add, number(7), is("id", 500));
    assert_eq!(one((Sum, seven), &kept), 160);
}

#[test]
fn a_mean_would_tell_its_count_and_is_refused() {
    let people = people(to(10));
    for command in [mean("id"), group_by(&["region"], &[(Mean, name("id"))])] {
        assert_eq!(ask(&command, &[&people]).unwrap_err(), "rule_rounded");
    }
    for extreme in [Min, Max] {
        assert!(ask(&aggregate(&[(extreme, name("id"))], None), &[&people]).is_err());
    }
    assert_eq!(ask(&open(), &[&people]).unwrap_err(), "rule_rows");
}

#[test]
fn group_sizes_and_sums_are_multiples() {
    let people = keep(below("id", 59), &people(to(10)));
    let ill = binary(BinaryOp::Equal, name("ill"), number(1));
    let command = group_by(&["region"], &[(Count, name("id")), (Sum, number(1)), (Sum, number(-3))]);
    let groups = ask(&command, &[&people]).unwrap().table();
    let opened = ask(&open(), &[&groups]).unwrap().opened();
    assert_eq!(opened, [ints([0, 1]), ints([30, 20]), ints([30, 20]), ints([-120, -120])]);
    // 15 of even numbers are ill, of odd ones none: that group is not there.
    let groups = ask(&group_by(&["region"], &[(Sum, ill)]), &[&people]).unwrap().table();
    assert_eq!(groups.data, [ints([0]), ints([10])]);
    // Groups of single rows cannot be counted.
    let single = ask(&group_by(&["id"], &[(Count, name("id"))]), &[&people]).unwrap().table();
    assert_eq!(single.input.rows, 0);
}

#[test]
fn counts_after_a_merge_are_multiples() {
    let people = people(to(10));
    let mine = own(&[("who", (0..37).collect()), ("group", (0..37).map(|id| id % 2).collect())]);
    let one_to_one = |how| merge(how, Validate::OneToOne, &["id"], &["who"]);
    let both = ask(&one_to_one(How::Inner), &[&people, &mine]).unwrap().table();
    assert_eq!((both.input.rows, both.data[0].len()), (30, 37));
    let swapped = merge(How::Inner, Validate::OneToOne, &["who"], &["id"]);
    assert_eq!(ask(&swapped, &[&mine, &people]).unwrap().table().input.rows, 30);
    for (command, tables) in [
        (one_to_one(How::Left), [&people, &mine]),
        (merge(How::Left, Validate::OneToOne, &["who"], &["id"]), [&mine, &people]),
        (merge(How::Right, Validate::OneToOne, &["who"], &["id"]), [&mine, &people]),
    ] {
        let joined = ask(&command, &tables).unwrap().table();
        assert_eq!(joined.input.rules.round_counts, Some(10));
        assert_eq!(one((Count, name("group")), &joined), 30);
        assert_eq!(keep(below("who", 25), &joined).input.rows, 20);
    }
    // The rule of another upload is no finer either: of 37, whose 25 are enough for 15, 18 are too few.
    let columns = clear(&[("who", (0..37).collect()), ("group", vec![0; 37])]);
    let theirs = upload(5, &columns, rules(15, &[]));
    let joined = ask(&one_to_one(How::Inner), &[&people, &theirs]).unwrap().table();
    assert_eq!(keep(below("id", 25), &joined).input.rows, 20);
    assert_eq!(ask(&filter(below("id", 18), None), &[&joined]).unwrap_err(), "too_few_rows");
    let kept = keep(below("id", 29), &people);
    assert_eq!(ask(&one_to_one(How::Inner), &[&kept, &mine]).unwrap_err(), "rule_key");
    let looked_up = merge(How::Inner, Validate::ManyToOne, &["id"], &["who"]);
    assert_eq!(ask(&looked_up, &[&kept, &mine]).unwrap().table().input.rows, 20);
}

#[test]
fn a_row_joined_in_ten_places_counts_no_more_than_once() {
    let people = people(to(10));
    // Ten rows for everybody, who stands under another key in each of them.
    let key =
        |place: i128| (0..970).map(|row| if row % 10 == place { row / 10 } else { 1000 + row }).collect();
    let mine = clear(&[("k0", key(0)), ("k1", key(1))]);
    for asked in [Rules::default(), rules(2, &[])] {
        let mine = upload(9, &mine, asked);
        let once = ask(&merge(How::Left, Validate::ManyToOne, &["k0"], &["id"]), &[&mine, &people]);
        // Keys of the analyst's own may repeat rows; with rules of its own that is told to be otherwise.
        let Ok(once) = once.map(Got::table) else { continue };
        let again = merge(How::Left, Validate::ManyToOne, &["k1"], &["id"]);
        assert_eq!(ask(&again, &[&once, &people]).unwrap_err(), "rule_rounded");
    }
    let mine = upload(9, &mine, rules(2, &[]));
    let one_to_one = |on| merge(How::Left, Validate::OneToOne, &[on], &["id"]);
    let once = ask(&one_to_one("k0"), &[&mine, &people]).unwrap().table();
    assert_eq!(once.input.rules.round_counts, Some(10));
    let kept = keep(below("region", 2), &once);
    let small = project(&[("k1", "k1"), ("ill", "x")]);
    let small = ask(&small, &[&once]).unwrap().table();
    for twice in [&once, &kept, &small] {
        let again = merge(How::Left, Validate::ManyToOne, &["k1"], &["id"]);
        assert_eq!(ask(&again, &[twice, &people]).unwrap_err(), "rule_rounded");
        let again = merge(How::Right, Validate::OneToMany, &["id"], &["k1"]);
        assert_eq!(ask(&again, &[&people, twice]).unwrap_err(), "rule_rounded");
        // Of rows that were chosen it is not even told whether this is one to one.
        let refused =
            if twice.input.rules.derived.contains(&"k1".to_owned()) { "rule_key" } else { "rule_rounded" };
        assert_eq!(ask(&one_to_one("k1"), &[twice, &people]).unwrap_err(), refused);
    }
    // A person and the spouse, in one table.
    for how in [How::Left, How::Inner] {
        let pairs = merge(how, Validate::OneToOne, &["id"], &["id"]);
        assert_eq!(ask(&pairs, &[&people, &people]).unwrap_err(), "rule_rounded");
    }
}

#[test]
fn rows_that_occur_often_would_make_the_steps_smaller() {
    let people = people(to(10));
    // Ten visits of each: a tenth of their number would be the number of people.
    let who: Vec<i128> = (0..970).map(|visit| visit / 10).collect();
    let visits = own(&[("who", who)]);
    for how in [How::Inner, How::Left] {
        let repeated = merge(how, Validate::ManyToOne, &["who"], &["id"]);
        assert_eq!(ask(&repeated, &[&visits, &people]).unwrap_err(), "rule_rounded");
    }
    let repeated = merge(How::Right, Validate::OneToMany, &["id"], &["who"]);
    assert_eq!(ask(&repeated, &[&people, &visits]).unwrap_err(), "rule_rounded");
    assert_eq!(ask(&concat(2), &[&people, &people]).unwrap_err(), "rule_rounded");
    assert_eq!(ask(&concat(2), &[&visits, &visits]).unwrap().table().input.rows, 1940);
    let kept = keep(below("id", 29), &people);
    assert_eq!(ask(&concat(2), &[&kept, &people]).unwrap_err(), "rule_rounded");
    let other = self::people(to(20));
    let joined = merge(How::Inner, Validate::OneToOne, &["id"], &["id"]);
    assert_eq!(ask(&joined, &[&people, &other]).unwrap_err(), "rule_rounded");
}

#[test]
fn no_command_in_between_brings_the_count_back() {
    let people = people(to(10));
    let kept = keep(below("id", 29), &people);
    for command in [
        sort(&[("id", false)]),
        sort(&[("ill", true), ("id", true)]),
        project(&[("id", "i"), ("ill", "ill"), ("region", "region")]),
        named("new", binary(BinaryOp::Add, name("ill"), number(1))),
        concat(1),
        Command::Save { table: it(), name: None },
    ] {
        let after = match &command {
            // Kept as it is; what it asks is planned all the same.
            Command::Save { .. } => {
                let plan = plan(&command, std::slice::from_ref(&kept.input)).unwrap();
                assert_eq!((&plan.operation, &plan.rules), (&Operation::Save, &kept.input.rules));
                kept.clone()
            }
            _ => ask(&command, &[&kept]).unwrap().table(),
        };
        assert_eq!(after.input.rules.round_counts, Some(10), "{command:?}");
        assert_eq!((after.input.rows, after.shares[0].rows), (20, 97), "nothing was left out: {command:?}");
        assert_eq!(one((Count, name("ill")), &after), 20);
        let ones = binary(BinaryOp::Equal, name("ill"), name("ill"));
        assert_eq!(one((Sum, ones), &after), 20);
        let groups = ask(&group_by(&["region"], &[(Count, name("ill"))]), &[&after]).unwrap().table();
        assert_eq!(groups.data[1], ints([10, 10]));
        assert_eq!(ask(&filter(below("region", 5), Some(21)), &[&after]).unwrap_err(), "too_few_rows");
        assert_eq!(ask(&open(), &[&after]).unwrap_err(), "rule_rows");
        let sorted = ask(&sort(&[("region", true)]), &[&after]).unwrap().table();
        let groups = ask(&group_by(&["region"], &[(Sum, number(1))]), &[&sorted]).unwrap().table();
        assert_eq!(groups.data[1], ints([10, 10]), "also of sorted rows");
    }
}

#[test]
fn messages_do_not_depend_on_the_exact_count() {
    let shown = [23, 27].map(|limit| {
        // The condition is a value of the table, so that both ask the same.
        let ids: Vec<i128> = (0..97).collect();
        let marks = ids.iter().map(|id| i128::from(*id < limit)).collect();
        let table = upload(1, &clear(&[("id", ids), ("mark", marks)]), to(10));
        let mine = own(&[("who", (0..97).collect())]);
        let mut all = Vec::new();
        let (kept, messages) = watch(&filter(is("mark", 1), None), &[&table]);
        let kept = kept.unwrap().table();
        all.extend(messages);
        for command in [
            sort(&[("id", false)]),
            aggregate(&[(Count, name("id")), (Sum, number(2))], Some(15)),
            group_by(&["mark"], &[(Count, name("id")), (Sum, name("mark"))]),
            merge(How::Inner, Validate::ManyToOne, &["id"], &["who"]),
        ] {
            let tables = [&kept, &mine];
            let (got, messages) = watch(&command, &tables[..command.inputs().len()]);
            assert!(got.is_ok(), "{command:?}: {got:?}");
            all.extend(messages);
        }
        all
    });
    assert_eq!(opened(&shown[0]), opened(&shown[1]));
    assert_eq!(shown[0], shown[1]);
}

#[test]
fn every_count_is_divided_exactly() {
    for round in [2, 3, 7, 10, 25, 64, 97, 999, 1000] {
        let table = upload(3, &clear(&[("id", (0..1100).collect())]), to(round));
        for rows in [1u64, 2, 3].map(|times| times * round).into_iter().filter(|rows| *rows <= 1100) {
            for limit in [rows - 1, rows, rows + 1].into_iter().filter(|limit| (round..=1100).contains(limit))
            {
                let kept = keep(below("id", limit.into()), &table);
                assert_eq!(kept.input.rows, limit / round * round, "{limit} to {round}");
            }
        }
    }
    // A sum as large as any that is rounded, with values of both signs.
    let metas = vec![int("v", -(1 << 40), 1 << 40)];
    for value in [-(1i128 << 40), -1, 1, (1 << 40) - 1] {
        let data = vec![vec![Some(Value::Integer(value)); 500]];
        let table = upload(4, &Clear { columns: metas.clone(), data, selected: None }, to(7));
        assert_eq!(one((Sum, name("v")), &table), (500 * value).div_euclid(7 << 41) * (7 << 41));
    }
    let wide = Clear { columns: vec![int("v", 0, 1 << 61)], data: vec![ints(0..20)], selected: None };
    let wide = upload(4, &wide, to(7));
    assert_eq!(ask(&total(name("v")), &[&wide]).unwrap_err(), "rule_rounded");
}

#[test]
fn a_step_that_makes_no_sense_is_refused() {
    for step in [0, 1, 1001, u64::MAX] {
        let columns = Slot::Value(vec![int("a", 0, 1)]);
        let command = Command::Upload { columns, name: None, rules: Some(Slot::Value(to(step))) };
        assert_eq!(plan(&command, &[]).unwrap_err().code(), "bad_rules");
    }
}

//! What a server sees depends on public facts only, and nothing is opened that is not documented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use vdl_plan::vdl_command::{Aggregate, BinaryOp, Command, How, Kind, Projection, Validate};
use vdl_plan::{Plan, plan};
use vdl_trio::Message;
use world::ask::*;
use world::*;

const ROWS: usize = 70;

fn schema() -> Vec<vdl_plan::vdl_command::ColumnMeta> {
    let mut columns = everything();
    columns.insert(0, int("k", 0, 200));
    columns
}

/// Two tables of one shape and nothing else in common: other values, other rows selected, but as many
/// different keys `k`, because the number of groups is documented to be opened.
fn twins(seed: u64, rows: usize, hidden: bool) -> [Clear; 2] {
    [0, 1].map(|twin| {
        let mut random = Random::of(seed * 1000 + twin);
        let mut clear = generate(&mut random, &schema(), rows);
        let keys: Vec<i128> = (0..rows as i128).map(|row| (row % 40) * 3 + twin as i128).collect();
        let turn = random.below(rows as u64) as usize;
        clear.data[0] =
            (0..rows).map(|row| Some(vdl_plain::Value::Integer(keys[(row + turn) % rows]))).collect();
        if hidden {
            let mut selected = vec![true; rows];
            selected.resize(rows + 25, false);
            for row in 0..selected.len() {
                let other = random.below(selected.len() as u64) as usize;
                selected.swap(row, other);
            }
            clear.selected = Some(selected);
        }
        clear
    })
}

/// Every command that computes, with the openings it is documented to make.
fn commands() -> Vec<(Command, &'static [&'static str])> {
    let condition = || binary(BinaryOp::Less, name("a"), name("b"));
    let totals: Vec<_> = [Aggregate::Count, Aggregate::Sum, Aggregate::Mean, Aggregate::Min, Aggregate::Max]
        .into_iter()
        .map(|aggregate| (aggregate, name("b")))
        .collect();
    let columns = vec![Projection { column: "s".into(), rename: None }];
    let text = binary(BinaryOp::GreaterOrEqual, name("s"), text("ab"));
    let product = binary(BinaryOp::Multiply, name("a"), binary(BinaryOp::Subtract, name("b"), name("e")));
    vec![
        (filter(condition(), None), &["count"]),
        (filter(text, None), &["count"]),
        (filter(condition(), Some(1)), &["bit", "count"]),
        (Command::Project { table: it(), columns }, &[]),
        (assign(product), &[]),
        (aggregate(&totals, None), &[]),
        (aggregate(&totals, Some(2)), &["bit"]),
        (sort(&[("b", false), ("s", true)]), &["sorted"]),
        (group_by(&["k"], &totals[..3]), &["sorted", "flags", "order"]),
        (group_by(&["k"], &totals), &["sorted", "flags", "order"]),
        (Command::Open { table: it() }, &["flags", "order"]),
    ]
}

fn seen(seed: u64, plan: &Plan, tables: &[Clear]) -> Vec<Message> {
    let (outcome, messages) = observe(seed, plan, tables);
    outcome.unwrap();
    messages
}

fn same_view(seed: u64, command: &Command, twins: [&[Clear]; 2]) -> Vec<Message> {
    let [first, second] = twins.map(|tables| {
        let inputs: Vec<_> = tables.iter().map(Clear::input).collect();
        seen(seed, &plan(command, &inputs).unwrap(), tables)
    });
    assert_eq!(first, second, "{command:?}");
    first
}

/// The openings among the messages, by what they are, with the many of one sort, which is of one of so many
/// rows, taken together.
fn openings(messages: &[Message], rows: &[usize]) -> Vec<&'static str> {
    let mut found = Vec::new();
    for message in messages.iter().filter(|message| (message.from, message.to) == (0, 1)) {
        let opening = match (message.step, message.length) {
            ("open planes", 8) => "bit",
            ("open planes", _) => "flags",
            ("open ring", 4 | 8) => "count",
            ("open ring", _) => "order",
            ("place", length) if rows.contains(&(length / 4)) => "digit",
            ("place", _) => "placed",
            ("sort", _) => "sorted",
            (step, _) if step.contains("open") || step == "coin" => "something else",
            _ => continue,
        };
        found.push(opening);
    }
    assert!(found.iter().filter(|opening| **opening == "digit").count() < 64);
    found.retain(|opening| *opening != "digit");
    found
}

#[test]
fn one_shape_gives_one_view_and_the_documented_openings() {
    for (seed, (command, documented)) in (1..).zip(commands()) {
        for hidden in [false, true] {
            let [first, second] = twins(seed, ROWS, hidden);
            let rows = if hidden { ROWS + 25 } else { ROWS };
            let messages = same_view(seed, &command, [&[first], &[second]]);
            let mut documented = documented.to_vec();
            if matches!(command, Command::Open { .. }) && !hidden {
                documented.clear();
            }
            assert_eq!(openings(&messages, &[rows]), documented, "{command:?}");
        }
    }
}

#[test]
fn merges_and_concats_show_their_shape_only() {
    let inner = ["sorted", "bit", "placed", "count"];
    let looked_up = &inner[..3];
    let paired = ["sorted", "count", "sorted", "sorted", "placed"];
    let one_to_many = ["sorted", "bit", "count", "sorted", "sorted", "placed"];
    for (seed, how, validate, opened) in [
        (50, How::Inner, Validate::ManyToOne, &inner[..]),
        (51, How::Left, Validate::ManyToOne, looked_up),
        (52, How::Outer, Validate::ManyToOne, &inner),
        (53, How::Inner, Validate::ManyToMany, &paired),
        (54, How::Left, Validate::ManyToMany, &paired),
        (55, How::Right, Validate::ManyToMany, &paired),
        (56, How::Outer, Validate::ManyToMany, &paired),
        (57, How::Right, Validate::ManyToOne, &one_to_many),
    ] {
        for hidden in [false, true] {
            let left = twins(seed, ROWS, hidden);
            let right = twins(seed + 10, 40, hidden);
            let command = merge(how, validate, &["k"], &["k"]);
            let views: [Vec<Clear>; 2] = [0, 1].map(|twin| vec![left[twin].clone(), right[twin].clone()]);
            let messages = same_view(seed, &command, [&views[0], &views[1]]);
            let mut documented = Vec::new();
            // So few of the right rows belong to it that the others are dropped first.
            if hidden {
                documented.extend(["flags", "order"]);
            }
            documented.extend(opened);
            // Every row of the left table meets one of the right: so many rows the result has.
            let left_rows = ROWS + if hidden { 25 } else { 0 };
            let (both, alone) = (left_rows + 40, if how == How::Outer { 40 } else { 0 });
            // First rows of keys are brought together as one more digit, in an outer merge with a row more.
            let sorted = [both, both + 1, left_rows + alone + ROWS, 40 + ROWS];
            assert_eq!(openings(&messages, &sorted), documented, "{how:?} {validate:?}");
            let concat = same_view(seed, &concat(2), [&views[0], &views[1]]);
            assert_eq!(openings(&concat, &[]), Vec::<&str>::new());
        }
    }
}

#[test]
fn opened_shares_are_fresh() {
    // The same table opened twice leaves the servers as different shares.
    let mut random = Random::of(5);
    let clear = generate(&mut random, &[int("a", 0, 1000), column("t", Kind::Boolean, true)], ROWS);
    let split = shares::split(&mut random, &clear);
    let plan = plan(&Command::Open { table: it() }, &[clear.input()]).unwrap();
    let mut trio = vdl_trio::Trio::new(5);
    let opened = trio.run(|party| {
        let table = &split[party.id()];
        match vdl_table::run(party, &plan, &[table], &mut |_, _| {}).unwrap() {
            vdl_table::Outcome::Opened { shares, .. } => shares,
            _ => panic!("not opened"),
        }
    });
    for (party, columns) in split.iter().zip(&opened) {
        for (before, after) in party.columns.iter().zip(columns) {
            if let (Some(before), Some(after)) = (before.bits.get(), after.bits.get()) {
                assert!(before.own != after.own && before.next != after.next);
            }
            if let (Some(before), Some(after)) = (&before.valid, &after.valid) {
                assert!(before.own != after.own && before.next != after.next);
            }
        }
    }
}

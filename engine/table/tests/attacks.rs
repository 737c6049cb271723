//! One server that does not keep to the protocol: no operation crashes or hangs, a changed opening is
//! an error at an honest server, and so is a frame that is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::time::Duration;

use vdl_plan::vdl_command::{Aggregate, BinaryOp, Command, How, Validate};
use vdl_plan::{Plan, plan};
use vdl_share::TableShares;
use vdl_trio::{Message, Tamper, Trick, Trio};
use world::ask::*;
use world::*;

/// The operations that open something, on small tables.
fn operations() -> Vec<(Plan, Vec<[TableShares; 3]>)> {
    let mut random = Random::of(77);
    let condition = binary(BinaryOp::Less, name("a"), name("b"));
    let keys = vec![int("k", 0, 100_000), int("x", 0, 9)];
    let mut right = generate(&mut random, &keys, 12);
    right.data[0] = (0..12).map(|n| Some(vdl_plain::Value::Integer(n * n))).collect();
    let left = generate(&mut random, &keys, 30);
    let one = |random: &mut Random| {
        let clear = generate(random, &everything(), 30);
        vec![clear.hidden(random, 40)]
    };
    let asked = [(Aggregate::Mean, name("b")), (Aggregate::Min, name("b"))];
    let mut all = Vec::new();
    for (command, tables) in [
        (filter(condition, Some(1)), one(&mut random)),
        (aggregate(&asked, Some(1)), one(&mut random)),
        (group_by(&["t"], &asked), one(&mut random)),
        (sort(&[("a", true)]), one(&mut random)),
        (Command::Open { table: it() }, one(&mut random)),
        (merge(How::Inner, Validate::ManyToOne, &["k"], &["k"]), vec![left.clone(), right.clone()]),
        (merge(How::Left, Validate::ManyToOne, &["k"], &["k"]), vec![left.clone(), right.clone()]),
        (merge(How::Outer, Validate::ManyToMany, &["x"], &["x"]), vec![left, right]),
    ] {
        let inputs: Vec<_> = tables.iter().map(Clear::input).collect();
        let shares = tables.iter().map(|table| shares::split(&mut random, table)).collect();
        all.push((plan(&command, &inputs).unwrap(), shares));
    }
    all
}

/// Whether an honest party noticed. A panic anywhere fails the test.
fn noticed(plan: &Plan, split: &[[TableShares; 3]], tamper: Tamper) -> bool {
    // A conversion stays beside its column, so every run gets columns of its own.
    let split = split.to_vec();
    let mut trio = Trio::new(1).timeout(Duration::from_millis(500)).tamper(tamper);
    let results = trio.run(|party| {
        let mine: Vec<&TableShares> = split.iter().map(|shares| &shares[party.id()]).collect();
        vdl_table::run(party, plan, &mine, &mut |_, _| {}).map(|_| ())
    });
    results.iter().enumerate().any(|(party, result)| party != tamper.party && result.is_err())
}

fn honest(plan: &Plan, split: &[[TableShares; 3]]) -> Vec<Message> {
    let split = split.to_vec();
    let mut trio = Trio::new(1);
    trio.run(|party| {
        let mine: Vec<&TableShares> = split.iter().map(|shares| &shares[party.id()]).collect();
        vdl_table::run(party, plan, &mine, &mut |_, _| {}).unwrap();
    });
    trio.last.messages
}

fn tamper(message: &Message, trick: Trick) -> Tamper {
    Tamper { party: message.from, step: None, number: Some(message.number), trick }
}

#[test]
fn a_changed_opening_is_noticed() {
    for (plan, split) in operations() {
        let opens =
            |message: &&Message| matches!(message.step, "open planes" | "open ring" | "place" | "sort");
        let messages = honest(&plan, &split);
        let mut random = Random::of(3);
        for message in messages.iter().filter(opens).filter(|message| message.length > 0) {
            if message.step == "place" && random.chance(80) {
                continue;
            }
            for trick in [Trick::Flip, Trick::Add] {
                assert!(noticed(&plan, &split, tamper(message, trick)), "{message:?} {trick:?}");
            }
        }
    }
}

#[test]
fn a_frame_that_is_not_as_it_should_be_is_noticed() {
    for (plan, split) in operations() {
        let messages = honest(&plan, &split);
        let mut random = Random::of(4);
        for trick in [Trick::Truncate, Trick::Lengthen, Trick::Rename, Trick::Drop] {
            let message = random.pick(&messages);
            // The last message of a party may go unread by one that has all it needs.
            let later = messages.iter().filter(|m| m.from == message.to && m.number > 0).count();
            if message.length > 0 && later > 0 {
                assert!(noticed(&plan, &split, tamper(&message, trick)), "{message:?} {trick:?}");
            }
        }
    }
}

#[test]
fn no_lie_makes_an_honest_server_crash() {
    for (plan, split) in operations() {
        let messages = honest(&plan, &split);
        let mut random = Random::of(5);
        for trick in [Trick::Flip, Trick::Add, Trick::Swap, Trick::Replay] {
            for _ in 0..6 {
                noticed(&plan, &split, tamper(&random.pick(&messages), trick));
            }
        }
    }
}

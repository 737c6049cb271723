//! What each party and each wire sees, whatever the protocol: nothing that depends on a secret.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use vdl_protocol::*;
use vdl_transport::Peer;
use vdl_trio::registry::{Entry, Inputs, View, all, names};
use vdl_trio::{Message, Trio};

/// Not a multiple of 64, so that planes end in the middle of a word.
const ROWS: usize = 70;

fn mixed(row: u64) -> u64 {
    row * 55 % 4096
}

fn view(entry: &Entry, seed: u64, rows: usize, secret: fn(u64) -> u64) -> Vec<Message> {
    let mut trio = Trio::new(seed);
    let inputs = entry.inputs(&mut trio, rows, secret);
    let ends = trio.run(|party| (entry.run)(party, &inputs[party.id()]));
    assert_eq!(ends, [Ok(()), Ok(()), Ok(())], "{}", entry.name);
    trio.last.messages
}

#[test]
fn sizes_and_order_of_messages_do_not_depend_on_secrets() {
    for entry in all() {
        let rows = if entry.n < 1024 { ROWS } else { 1100 };
        let first = view(entry, 1, rows, |_| 0);
        let different: &[fn(u64) -> u64] = match entry.view {
            View::Public => &[mixed, |row| 4095 - row.min(4095)],
            // Other keys in the same order: it and the randomness decide what is opened.
            View::Order => &[|row| row, |row| row * 3 + 1],
        };
        for secret in different {
            assert_eq!(first, view(entry, 1, rows, *secret), "{}", entry.name);
        }
        if entry.view == View::Public {
            assert_eq!(first, view(entry, 2, rows, mixed), "{}", entry.name);
        }
    }
}

/// All contexts of one party towards one peer, each once.
fn contexts(trio: &Trio, party: usize, peer: Peer) -> HashSet<(u16, u64, &str, &str)> {
    let all: Vec<_> = trio.last.contexts[party]
        .iter()
        .filter(|context| context.peer == peer)
        .map(|context| (context.lane, context.number, context.step, context.purpose))
        .collect();
    let different: HashSet<_> = all.iter().copied().collect();
    assert_eq!(all.len(), different.len(), "party {party} used a context twice");
    different
}

fn assert_every_context_is_used_once_and_by_both(trio: &Trio) -> usize {
    let mut count = 0;
    for party in 0..3 {
        let ours = contexts(trio, party, Peer::Next);
        count += ours.len();
        assert_eq!(ours, contexts(trio, (party + 1) % 3, Peer::Previous));
    }
    count
}

#[test]
fn no_context_of_randomness_is_used_twice_and_each_by_both_of_a_pair() {
    let mut trio = Trio::new(3).record_contexts();
    let work: Vec<(&Entry, Vec<Inputs>)> =
        names().map(|entry| (entry, entry.inputs(&mut trio, ROWS, mixed))).collect();
    let each = |party: &mut Party| {
        work.iter().try_for_each(|(entry, inputs)| (entry.run)(party, &inputs[party.id()]))
    };
    // Twice over: the same work again must not meet the same contexts.
    assert_eq!(trio.run(|party| each(party).and_then(|()| each(party))), [Ok(()), Ok(()), Ok(())]);
    assert!(assert_every_context_is_used_once_and_by_both(&trio) > 1000);
}

/// Large columns are split over lanes, where every protocol runs side by side with itself.
#[test]
fn no_context_is_used_twice_on_all_lanes_together() {
    let mut trio = Trio::new(4).record_contexts().lanes(3);
    let rows = 3 << 16;
    let entries: Vec<&Entry> = names().filter(|entry| entry.view == View::Public).collect();
    let inputs: Vec<Vec<Inputs>> = entries.iter().map(|entry| entry.inputs(&mut trio, ROWS, mixed)).collect();
    let ends = trio.run(|party| {
        let id = party.id();
        let side_by_side = party.split(rows, |lane, _| {
            for (entry, inputs) in entries.iter().zip(&inputs) {
                (entry.run)(lane, &inputs[id])?;
            }
            Ok(())
        })?;
        assert_eq!(side_by_side.len(), 3);
        entries.iter().zip(&inputs).try_for_each(|(entry, inputs)| (entry.run)(party, &inputs[id]))
    });
    assert_eq!(ends, [Ok(()), Ok(()), Ok(())]);
    assert!(assert_every_context_is_used_once_and_by_both(&trio) > 1000);
    let lanes: HashSet<u16> = trio.last.contexts[0].iter().map(|context| context.lane).collect();
    assert_eq!(lanes.len(), 3);
}

//! What is refused late, and what is refused again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use vdl_authorize::{Revoked, SigningKey, Terms, sign_close};
use vdl_command::wire::encode_header;
use vdl_command::{Command, Digest, HoleName, Integer, Route, Slot, TableRef};
use vdl_store::Store;
use vdl_transport::Peer;

use super::runs::{
    Run, approvers, begin, envelope, envelope_in_any_order, filter, keys, refused_by_each, start_on,
    start_with, steps, terms, wish, world,
};
use super::standing::{Cut, documents, everywhere, first, next, publish, revocation, signed, standing};
use super::{Answered, World, body, codes, table, upload, wait_until};
use crate::node::Node;

fn hole<T>(name: &str) -> Slot<T> {
    Slot::Hole(HoleName::parse(name).unwrap())
}

/// To upload a table and to filter one, as often as one likes; each number makes another approval.
fn free(number: u64) -> Vec<u8> {
    let upload = Command::Upload { columns: hole("##columns##"), name: None, rules: None };
    let filter = filter(TableRef::Handle(hole("##table##")), hole("##above##"));
    envelope_in_any_order(&[upload, filter], &Terms { max_runs: Some(100 + number), ..terms() })
}

/// A command that waits behind another one on the same table while something happens, to its run perhaps. Of
/// what is published from then on the servers tell each other nothing.
pub(super) fn waiting(happens: impl Fn(&World, &Run)) -> [Answered; 3] {
    let (stores, cut) = ([0, 1, 2].map(|_| Store::in_memory().unwrap()), Arc::new(AtomicBool::new(false)));
    let cutting = |_, wire| Arc::new(Cut(wire, cut.clone())) as Arc<_>;
    let world = World::with(&approvers(), stores, cutting);
    let [before, behind] = [0, 1].map(|number| begin(&world, &free(number)));
    let meta = table(before.upload(&world, &keys().analyst));
    let above = |least: i128| filter(TableRef::Handle(meta.handle.into()), Integer(least).into());
    let first = before.signed(&keys().analyst, 1, &above(5));
    let second = behind.signed(&keys().analyst, 1, &above(4));
    let held = world.nodes[0].shelf.get(meta.handle, &world.nodes[0].store).unwrap();
    let busy = held.lock().unwrap();
    let (world, first, second) = (&world, &first, &second);
    thread::scope(|scope| {
        let busy = busy;
        let one = scope.spawn(|| before.ask(world, first));
        let found = |node: usize, job| world.nodes[node].post.find(job);
        wait_until(|| {
            found(0, first.job).is_some_and(|found| found.wait_until_begun(Duration::ZERO).is_ok())
        });
        let other = scope.spawn(|| behind.ask(world, second));
        let known = |node| [first, second].iter().all(|request| found(node, request.job).is_some());
        wait_until(|| (0..3).all(known));
        cut.store(true, Ordering::SeqCst);
        happens(world, &behind);
        assert!(!other.is_finished());
        drop(busy);
        table(one.join().unwrap());
        other.join().unwrap()
    })
}

#[test]
fn a_revocation_stops_a_command_that_waits_and_one_server_that_knows_is_enough() {
    for knows in 0..3 {
        let found = codes(&waiting(|world, run| {
            let revoked = revocation(Revoked::Approval(run.approval), &keys().approvers[0]);
            assert!(publish(&world.nodes[knows], &revoked).is_ok());
        }));
        for (node, code) in found.iter().enumerate() {
            assert_eq!(code, if node == knows { "revoked" } else { "peer_stopped" });
        }
    }
}

#[test]
fn of_a_run_that_is_closed_nothing_begins_that_still_waits_and_one_server_that_knows_is_enough() {
    for knows in 0..3 {
        let found = codes(&waiting(|world, run| {
            let close = encode_header(&sign_close(&keys().analyst, run.approval, run.nonces)).unwrap();
            world.nodes[knows].answer(Route::CloseRun, &close).unwrap();
            // Anybody may ask for something in it afterwards.
            let late = body(&run.signed(&keys().approvers[0], 0, &steps()[0]), &[]);
            assert_eq!(world.nodes[knows].answer(Route::Command, &late).unwrap_err().code, "run_closed");
        }));
        for (node, code) in found.iter().enumerate() {
            assert_eq!(code, if node == knows { "run_closed" } else { "peer_stopped" });
        }
    }
}

#[test]
fn a_command_that_waits_goes_on_under_a_renewed_policy_that_keeps_approvals_and_under_no_other() {
    for (since, goes_on) in [(1, true), (2, false)] {
        let policy = signed(&next(&first(), since)).1;
        let answers = waiting(|world, _| everywhere(world, &policy));
        match goes_on {
            true => assert_eq!(table(answers).rows, 3),
            false => assert!(codes(&answers).iter().any(|code| code == "wrong_policy")),
        }
    }
}

/// As a server brings them to one that was away for long: all at once, and not all of them good.
#[test]
fn many_revocations_that_come_at_once_all_hold_but_for_those_that_nobody_signed() {
    let world = world();
    let node = &world.nodes[1];
    let by = |key: &SigningKey, number: u8| revocation(Revoked::Approval(Digest([number; 32])), key);
    let (alice, eve) = (&keys().approvers[0], &SigningKey::from_seed([66; 32]));
    let each: Vec<Vec<u8>> =
        (0..90).map(|number| by(if number % 3 == 1 { eve } else { alice }, number)).collect();
    let (first, rest) = each.split_at(30);
    for part in [first, rest, &each] {
        node.hear_of_rules(Peer::Next, &documents(&[], &part.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    }
    assert_eq!(standing(node).revocations, 60);
    assert_eq!(node.store.revocations().unwrap().len(), 60);
    let held = node.authorities.rules.now();
    let revoked = held.gate.revocations().unwrap();
    for number in 0..90 {
        assert_eq!(revoked.approval(Digest([number; 32])), number % 3 != 1, "{number}");
    }
}

/// Refusals in the log.
fn refusals(node: &Node) -> Vec<String> {
    let mut words = super::audit::words(node);
    words.retain(|word| word.starts_with("refused "));
    words
}

#[test]
fn recorded_commands_that_are_sent_again_and_again_make_no_log_grow() {
    let (world, steps) = (world(), steps());
    let run = begin(&world, &envelope(&terms()));
    table(run.upload(&world, &keys().analyst));
    let [taken, early] = [1, 2].map(|step| run.signed(&keys().analyst, step, &steps[step as usize]));
    for _ in 0..3 {
        refused_by_each(&world, &early, "step_out_of_order");
    }
    table(run.ask(&world, &taken));
    let early_only = ["refused step_out_of_order"];
    for round in 0..2 {
        for _ in 0..3 {
            refused_by_each(&world, &taken, "replayed");
        }
        world.nodes.iter().for_each(|node| assert_eq!(refusals(node), early_only, "round {round}"));
        // What was let in is a recording of that, and no attempt to use what is revoked.
        let revoked = revocation(Revoked::Approval(run.approval), &keys().approvers[0]);
        everywhere(&world, &revoked);
    }
    let late = run.signed(&keys().analyst, 2, &steps[2]);
    for request in [&early, &late, &early, &late] {
        refused_by_each(&world, request, "revoked");
    }
    for node in &world.nodes {
        assert_eq!(refusals(node), ["refused step_out_of_order", "refused revoked", "refused revoked"]);
    }
}

#[test]
fn recorded_starts_that_are_sent_again_and_again_make_no_log_grow() {
    let world = world();
    let upload_once = Command::Upload { columns: hole("##columns##"), name: None, rules: None };
    let once = Terms { max_uses: Some(1), max_runs: Some(1), ..terms() };
    let envelope = envelope_in_any_order(&[upload_once], &once);
    let (counted, refused) = (wish(&envelope), wish(&envelope));
    let started = start_with(&world, &counted, &envelope).map(Result::unwrap);
    // All runs are used up, and then all uses: of the run that was counted, too.
    for _ in 0..3 {
        assert_eq!(start_on(&world.nodes[0], &refused, &envelope).unwrap_err().code, "runs_used_up");
    }
    let run = super::runs::Run { approval: counted.approval, nonces: started.map(|started| started.nonce) };
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", &[1, 5])], None);
    let request = vdl_command::Request { rows: Some(rows), ..run.signed(&keys().analyst, 0, &command) };
    table(world.ask(payloads.map(|payload| super::body(&request, &payload))));
    for _ in 0..3 {
        assert_eq!(start_on(&world.nodes[0], &refused, &envelope).unwrap_err().code, "uses_used_up");
        for answer in start_with(&world, &counted, &envelope) {
            assert_eq!(answer.unwrap_err(), "uses_used_up");
        }
    }
    for (number, node) in world.nodes.iter().enumerate() {
        let found = refusals(node);
        let uses = found.iter().filter(|word| *word == "refused uses_used_up").count();
        // The start that was not counted was sent to server 0.
        assert_eq!(uses, if number == 0 { 2 } else { 1 }, "{found:?}");
        assert_eq!(found.len() - uses, usize::from(number == 0), "{found:?}");
    }
}

//! Authorizations whose uses are counted: raced for, cut off, and counted by servers that were not asked.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use vdl_authorize::{Terms, read_envelope};
use vdl_command::{Command, Digest, HoleName, Request, Route, Slot, TableRef};
use vdl_store::Store;
use vdl_transport::{Frame, Peer, TransportError};

use super::journal::{Ground, world_on};
use super::runs::{
    Run, approvers, begin, envelope_in_any_order, hasty_world, keys, now, refused_by_each, start, terms,
    world,
};
use super::{Answered, World, body, codes, table, upload};
use crate::net::Wire;

/// An authorization to upload so many times; another one in each round.
fn uploads(uses: u64, round: u64) -> Vec<u8> {
    let columns = Slot::Hole(HoleName::parse("##columns##").unwrap());
    let expires = Some(now() + 3600 * (1 + round as i64));
    let terms = Terms { max_uses: Some(uses), max_runs: None, expires, ..terms() };
    envelope_in_any_order(&[Command::Upload { columns, name: None, rules: None }], &terms)
}

fn provide(world: &World, run: &Run) -> [Answered; 3] {
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", &[1, 5])], None);
    let request = Request { rows: Some(rows), ..run.signed(&keys().analyst, 0, &command) };
    world.ask(payloads.map(|payload| body(&request, &payload)))
}

fn counted(world: &World, approval: Digest) -> [u64; 3] {
    world.nodes.each_ref().map(|node| node.store.uses(approval).unwrap())
}

#[test]
fn uses_are_counted_over_all_runs_and_then_each_server_refuses() {
    let world = world();
    let envelope = uploads(3, 0);
    let [first, second] = [0, 1].map(|_| begin(&world, &envelope));
    for run in [&first, &first, &second] {
        table(provide(&world, run));
    }
    assert_eq!(counted(&world, first.approval), [3; 3]);
    let (command, rows, _) = upload(&[("a", "int[min=0,max=15]", &[1])], None);
    for run in [&first, &second] {
        let request = Request { rows: Some(rows), ..run.signed(&keys().analyst, 0, &command) };
        refused_by_each(&world, &request, "uses_used_up");
    }
    assert_eq!(start(&world, &envelope).map(Result::unwrap_err), ["uses_used_up"; 3].map(str::to_owned));
    assert_eq!(counted(&world, first.approval), [3; 3]);
}

#[test]
fn two_sessions_race_for_the_last_use() {
    let world = world();
    for round in 0..50 {
        let envelope = uploads(1, round);
        let runs = [0, 1].map(|_| begin(&world, &envelope));
        let sessions = thread::scope(|scope| {
            let asked = runs.each_ref().map(|run| scope.spawn(|| codes(&provide(&world, run))));
            asked.map(|session| session.join().unwrap())
        });
        let won = |codes: &[String; 3]| codes.iter().all(|code| code == "ok");
        let lost = |codes: &[String; 3]| {
            codes.iter().all(|code| code != "ok") && codes.iter().any(|code| code == "uses_used_up")
        };
        let [one, other] = &sessions;
        let fair = (won(one) && lost(other)) || (lost(one) && won(other));
        assert!(fair, "round {round}: {sessions:?}");
        assert_eq!(counted(&world, runs[0].approval), [1; 3], "round {round}");
    }
}

#[test]
fn what_did_not_begin_on_all_three_uses_up_nothing() {
    let world = hasty_world();
    let run = begin(&world, &uploads(1, 0));
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", &[1, 5])], None);
    for (node, payload) in world.nodes.iter().zip(&payloads) {
        let request = Request { rows: Some(rows), ..run.signed(&keys().analyst, 0, &command) };
        node.answer(Route::Command, &body(&request, payload)).unwrap_err();
    }
    // Nor does an upload whose copies differ.
    let request = Request { rows: Some(rows), ..run.signed(&keys().analyst, 0, &command) };
    let mut wrong = payloads.map(|payload| body(&request, &payload));
    *wrong[1].last_mut().unwrap() ^= 1;
    assert!(world.ask(wrong).iter().all(Result::is_err));
    assert_eq!(counted(&world, run.approval), [0; 3]);
    table(provide(&world, &run));
    assert_eq!(counted(&world, run.approval), [1; 3]);
}

/// Brings what server 2 tells server 1 at the beginning of a job after everything else.
struct Late(Arc<dyn Wire>);

impl Wire for Late {
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        if frame.step == "agree" && to == Peer::Previous {
            thread::sleep(Duration::from_millis(200));
        }
        self.0.send(to, frame)
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        self.0.wait_until_up(patience)
    }

    fn close(&self) {
        self.0.close();
    }
}

#[test]
fn a_use_is_not_counted_before_all_three_have_found_nothing_wrong() {
    let late = |node, wire| if node == 2 { Arc::new(Late(wire)) as Arc<dyn Wire> } else { wire };
    let world = World::with(&approvers(), [0, 1, 2].map(|_| Store::in_memory().unwrap()), late);
    let run = begin(&world, &uploads(1, 0));
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", &[1, 5])], None);
    let request = Request { rows: Some(rows), ..run.signed(&keys().analyst, 0, &command) };
    // Servers 1 and 2 hold different copies of a component, of which server 0 has none.
    let mut wrong = payloads.map(|payload| body(&request, &payload));
    *wrong[1].last_mut().unwrap() ^= 1;
    assert!(world.ask(wrong).iter().all(Result::is_err));
    assert_eq!(counted(&world, run.approval), [0; 3]);
    table(provide(&world, &run));
}

/// A server that was put back knows less; the other two still count.
#[test]
fn a_server_alone_stops_what_was_used_up() {
    for honest in 0..3 {
        let world = world();
        let run = begin(&world, &uploads(1, 0));
        world.nodes[honest].store.fix(run.approval, &[], Some(1)).unwrap();
        let refused = codes(&provide(&world, &run));
        assert!(refused.iter().all(|code| code != "ok"), "{refused:?}");
        assert_eq!(refused[honest], "uses_used_up");
        let others = (0..3).filter(|node| *node != honest);
        assert!(others.into_iter().all(|node| counted(&world, run.approval)[node] == 0));
    }
}

#[test]
fn a_loss_of_power_right_after_the_answer_gives_no_use_back() {
    let grounds = [0, 1, 2].map(|_| Ground::default());
    let world = world_on(&grounds);
    let envelope = uploads(1, 0);
    let run = begin(&world, &envelope);
    table(provide(&world, &run));
    let lost = grounds.each_ref().map(Ground::after_power_loss);
    drop(world);
    let world = world_on(&lost);
    assert_eq!(counted(&world, read_envelope(&envelope).unwrap().digest), [1; 3]);
    let get = TableRef::Name("any".to_owned().into());
    refused_by_each(&world, &run.signed(&keys().analyst, 0, &Command::Get { table: get }), "step_mismatch");
    assert_eq!(start(&world, &envelope).map(Result::unwrap_err), ["uses_used_up"; 3].map(str::to_owned));
}

//! Every message of a run, changed in every byte, left out, repeated, swapped, or sent to a server that has
//! another run: each server alone refuses, or does exactly what was recorded.

use std::ops::Range;

use vdl_authorize::{read_envelope, sign_close};
use vdl_command::wire::{decode, encode, encode_header};
use vdl_command::{Authority, Command, Handle, Outcome, Projection, Request, Route, TableRef};

use super::runs::{Run, begin, envelope_of, keys, now, refused_by_each, steps, terms, wish, world};
use super::{Answered, World, body, codes, table, upload};
use crate::authority::Checked;

const A: &[u64] = &[1, 5, 9, 12];

/// Upload, filter, project, get, mean.
fn five() -> Vec<Command> {
    let [upload, filter, mean] = <[Command; 3]>::try_from(steps()).unwrap();
    let columns = vec![Projection { column: "a".into(), rename: None }];
    let project = Command::Project { table: TableRef::Step(1), columns };
    vec![upload, filter, project, Command::Get { table: TableRef::Step(2) }, mean]
}

/// A fresh request for a step, with what travels beside it to each server.
fn fresh(run: &Run, step: usize) -> (Request, [Vec<u8>; 3]) {
    let request = run.signed(&keys().analyst, step as u32, &five()[step]);
    if step > 0 {
        return (request, Default::default());
    }
    let (_, rows, payloads) = upload(&[("a", "int[min=0,max=15]", A)], None);
    (Request { rows: Some(rows), ..request }, payloads)
}

fn send(world: &World, (request, payloads): &(Request, [Vec<u8>; 3])) -> [Answered; 3] {
    world.ask(payloads.each_ref().map(|payload| body(request, payload)))
}

fn advance(world: &World, run: &Run, steps: Range<usize>) {
    for step in steps {
        let answers = send(world, &fresh(run, step));
        assert!(answers.iter().all(Result::is_ok), "step {step}: {:?}", codes(&answers));
    }
}

/// One text for each byte and each of two changes: a bit that walks, and the case of letters.
fn mutants(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).flat_map(move |at| {
        [1 << (at % 8), 0x20].map(|bit| {
            let mut mutant = bytes.to_vec();
            mutant[at] ^= bit;
            (at, mutant)
        })
    })
}

#[test]
fn no_changed_byte_of_a_command_runs_on_any_server() {
    let (world, other) = (world(), world());
    let envelope = envelope_of(&five(), &terms());
    let (run, elsewhere) = (begin(&world, &envelope), begin(&other, &envelope));
    assert_eq!(run.approval, elsewhere.approval);
    for step in 0..5 {
        let (recorded, payloads) = fresh(&run, step);
        for (at, mutant) in mutants(&body(&recorded, &[])) {
            // The analyst does not sign the number of rows: all three compare it, see below.
            let rows_differ = |read: &Request| Request { rows: recorded.rows, ..read.clone() } == recorded;
            if decode::<Request>(&mutant).is_ok_and(|(read, _)| rows_differ(&read)) {
                assert_eq!(step, 0, "byte {at} of step {step} means nothing");
                continue;
            }
            for node in &world.nodes {
                let refused = node.answer(Route::Command, &mutant);
                assert!(refused.is_err(), "byte {at} of step {step}");
            }
        }
        // The same bytes on servers that have another run.
        for node in &other.nodes {
            let error = node.answer(Route::Command, &body(&recorded, &payloads[0])).unwrap_err();
            assert_eq!(error.code, "other_run");
        }
        // Nothing of all that has moved the run. That attempt is over, as servers tell each other what they
        // refused; another one is as good.
        let sent = fresh(&run, step);
        let answers = send(&world, &sent);
        assert!(answers.iter().all(Result::is_ok), "step {step}: {:?}", codes(&answers));
        let again = codes(&send(&world, &sent));
        assert_eq!(again, ["replayed"; 3].map(str::to_owned));
    }
}

#[test]
fn an_upload_that_one_server_was_sent_otherwise_is_kept_by_none() {
    let world = world();
    let run = begin(&world, &envelope_of(&five(), &terms()));
    let longest = fresh(&run, 0).1.map(|payload| payload.len());
    for node in 0..3 {
        for at in (0..longest[node]).step_by(1 + longest[node] / 12) {
            let (request, mut payloads) = fresh(&run, 0);
            payloads[node][at] ^= 1 << (at % 8);
            let refused = codes(&send(&world, &(request, payloads)));
            assert!(refused.iter().all(|code| code != "ok"), "byte {at} for server {node}: {refused:?}");
        }
        let (request, payloads) = fresh(&run, 0);
        let other = Request { rows: request.rows.map(|rows| rows + 1), ..request.clone() };
        let mut bodies = payloads.each_ref().map(|payload| body(&request, payload));
        bodies[node] = body(&other, &payloads[node]);
        let refused = codes(&world.ask(bodies));
        assert!(refused.iter().all(|code| code != "ok"), "rows for server {node}: {refused:?}");
    }
    assert!(world.nodes.iter().all(|node| node.store.tables().unwrap().is_empty()));
    assert_eq!(table(send(&world, &fresh(&run, 0))).rows, 4);
}

/// What an answer says, but for the handle, which is new each time.
fn said(answers: &[Answered; 3]) -> Vec<Outcome> {
    let outcome = |answer: &Answered| match answer.as_ref().unwrap().0.outcome.clone() {
        Outcome::Table(mut meta) => {
            meta.handle = Handle([0; 32]);
            Outcome::Table(meta)
        }
        other => other,
    };
    answers.iter().map(outcome).collect()
}

#[test]
fn no_step_is_skipped_swapped_or_repeated_with_effect() {
    let world = world();
    let run = begin(&world, &envelope_of(&five(), &terms()));
    let mut recorded: Vec<Vec<Outcome>> = Vec::new();
    for due in 0..=5_u32 {
        for number in 0..5_u32 {
            for (content, command) in five().iter().enumerate() {
                let request = run.signed(&keys().analyst, number, command);
                let same = number as usize == content;
                if same && number == due {
                    continue;
                }
                if same && number + 1 == due && number > 0 {
                    // The answer may have been lost: it is given again, and nothing else.
                    let answers = run.ask(&world, &request);
                    assert_eq!(said(&answers), recorded[content], "step {number} again");
                    continue;
                }
                let expected = match number {
                    _ if number == due => "step_mismatch",
                    _ if number + 1 == due => "step_repeated",
                    _ if due == 5 => "script_ended",
                    _ => "step_out_of_order",
                };
                refused_by_each(&world, &request, expected);
            }
        }
        if due < 5 {
            let answers = send(&world, &fresh(&run, due as usize));
            recorded.push(said(&answers));
        }
    }
}

#[test]
fn no_changed_byte_starts_or_ends_a_run() {
    let world = world();
    let envelope = envelope_of(&five(), &terms());
    let approved = read_envelope(&envelope).unwrap();
    let recorded = wish(&envelope);
    let header = encode_header(&recorded).unwrap();
    for (at, mutant) in mutants(&header) {
        let whole = [mutant, envelope.clone()].concat();
        for node in &world.nodes {
            assert!(node.answer(Route::StartRun, &whole).is_err(), "byte {at} of a start");
        }
    }
    // A hint of whose signature it is may change: it decides nothing, and the approval is the same.
    for (at, mutant) in mutants(&envelope) {
        let node = &world.nodes[at % 3];
        if let Ok(Checked { approval, .. }) = node.authorities.check_start(&recorded, &mutant, now()) {
            let same = (approval.digest(), approval.statement()) == (approved.digest, &approved.statement);
            assert!(same, "byte {at} of an envelope");
        }
    }
    assert!(world.nodes.iter().all(|node| node.store.runs_used(approved.digest).unwrap() == 0));
    let run = begin(&world, &envelope);
    advance(&world, &run, 0..2);
    let close = encode(&sign_close(&keys().analyst, run.approval, run.nonces), &[]).unwrap();
    for (at, mutant) in mutants(&close) {
        for node in &world.nodes {
            assert!(node.answer(Route::CloseRun, &mutant).is_err(), "byte {at} of a close");
        }
    }
    advance(&world, &run, 2..5);
}

/// Everything an analyst signs for one run, put together otherwise.
#[test]
fn parts_of_two_runs_do_not_make_a_third() {
    let world = world();
    let envelope = envelope_of(&five(), &terms());
    let [one, other] = [0, 1].map(|_| begin(&world, &envelope));
    for run in [&one, &other] {
        advance(&world, run, 0..1);
    }
    let [genuine, theirs] = [&one, &other].map(|run| run.signed(&keys().analyst, 1, &five()[1]));
    let authority = |request: &Request| request.authority.clone().unwrap();
    let signature = authority(&theirs).signature;
    let mixed = [
        (&genuine, Authority { nonces: other.nonces, ..authority(&genuine) }),
        (&theirs, Authority { nonces: one.nonces, ..authority(&theirs) }),
        (&genuine, Authority { signature, ..authority(&genuine) }),
        (&theirs, authority(&genuine)),
    ];
    for (request, authority) in mixed {
        refused_by_each(&world, &Request { authority: Some(authority), ..request.clone() }, "wrong_analyst");
    }
    for run in [&one, &other] {
        advance(&world, run, 1..5);
    }
}

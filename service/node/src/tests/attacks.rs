//! Starts of runs, attacked: repeated, raced for, and counted by servers that lie or were away.

use std::thread;

use vdl_authorize::{Terms, sign_start};
use vdl_command::StartRun;

use super::runs::{
    Run, begin, envelope, hasty_world, keys, now, refused_by_each, start, start_on, start_with, steps, terms,
    wish, world,
};
use super::{World, table};

/// An approval for one run, another one in each round.
fn once(round: u64) -> Terms {
    Terms { expires: Some(now() + 3600 * (1 + round as i64)), max_runs: Some(1), ..terms() }
}

/// As a client does it: all three at the same time. Each answer is the run's number or a code.
fn together(world: &World, start: &StartRun, envelope: &[u8]) -> [Result<u64, String>; 3] {
    let asked = [0, 1, 2].map(|node: usize| {
        let (node, start, envelope) = (world.nodes[node].clone(), start.clone(), envelope.to_vec());
        thread::spawn(move || start_on(&node, &start, &envelope))
    });
    asked.map(|asked| asked.join().unwrap().map(|started| started.run).map_err(|error| error.code))
}

#[test]
fn replay_a_recorded_start_counts_nothing() {
    let world = world();
    let envelope = envelope(&once(0));
    let recorded = wish(&envelope);
    let first = start_with(&world, &recorded, &envelope).map(Result::unwrap);
    for _ in 0..3 {
        assert_eq!(start_with(&world, &recorded, &envelope).map(Result::unwrap), first);
    }
    assert_eq!(start(&world, &envelope).map(Result::unwrap_err), ["runs_used_up"; 3].map(str::to_owned));
    // Nor does it end or disturb the run.
    let run = Run { approval: first[0].approval, nonces: first.map(|started| started.nonce) };
    table(run.upload(&world, &keys().analyst));
    assert_eq!(start_with(&world, &recorded, &envelope).map(Result::unwrap).map(|again| again.run), [1; 3]);
    table(run.ask(&world, &run.signed(&keys().analyst, 1, &steps()[1])));
}

#[test]
fn a_start_under_another_signature_is_no_repeat_of_it() {
    let world = world();
    let envelope = envelope(&terms());
    let first = wish(&envelope);
    assert!(start_with(&world, &first, &envelope).iter().all(Result::is_ok));
    let stranger = &keys().approvers[0];
    let stolen = sign_start(stranger, first.approval, first.start);
    let refused = start_with(&world, &stolen, &envelope).map(Result::unwrap_err);
    assert_eq!(refused, ["wrong_analyst"; 3].map(str::to_owned));
}

#[test]
fn two_sessions_race_for_the_last_run() {
    let world = world();
    for round in 0..200 {
        let envelope = envelope(&once(round));
        let sessions = thread::scope(|scope| {
            let sessions = [0, 1].map(|_| scope.spawn(|| together(&world, &wish(&envelope), &envelope)));
            sessions.map(|session| session.join().unwrap())
        });
        let won = [Ok(1), Ok(1), Ok(1)];
        let lost = ["runs_used_up"; 3].map(|code| Err(code.to_owned()));
        let fair = sessions == [won.clone(), lost.clone()] || sessions == [lost, won];
        assert!(fair, "round {round}: {sessions:?}");
    }
}

#[test]
fn a_lying_server_0_cannot_make_the_others_exceed_the_limit() {
    let world = world();
    let envelope = envelope(&terms());
    let [_, second, third] = &world.nodes;
    for round in 0..5 {
        // It says that it counted what it never saw.
        let start = wish(&envelope);
        world.nodes[0].tell_start(&start, None).unwrap();
        for honest in [second, third] {
            let started = start_on(honest, &start, &envelope).map_err(|error| error.code);
            match round {
                0 | 1 => assert_eq!(started.unwrap().run, round + 1),
                _ => assert_eq!(started.unwrap_err(), "runs_used_up"),
            }
        }
    }
}

#[test]
fn another_server_than_0_lets_nobody_start() {
    let world = hasty_world();
    let envelope = envelope(&terms());
    let start = wish(&envelope);
    world.nodes[1].tell_start(&start, None).unwrap();
    let refused = start_on(&world.nodes[2], &start, &envelope).unwrap_err();
    assert_eq!(refused.code, "request_missing");
}

#[test]
fn a_start_that_reached_one_server_only_is_the_same_run_when_it_reaches_all() {
    let world = hasty_world();
    let envelope = envelope(&once(0));
    let start = wish(&envelope);
    // Neither of the others begins without server 0.
    for node in [1, 2] {
        assert_eq!(start_on(&world.nodes[node], &start, &envelope).unwrap_err().code, "request_missing");
    }
    assert_eq!(start_on(&world.nodes[0], &start, &envelope).unwrap().run, 1);
    assert_eq!(together(&world, &start, &envelope), [Ok(1), Ok(1), Ok(1)]);
    assert_eq!(together(&world, &wish(&envelope), &envelope).map(Result::unwrap_err)[0], "runs_used_up");
}

#[test]
fn mix_and_match_nonces_of_two_runs() {
    let world = world();
    let envelope = envelope(&terms());
    let [one, other] = [0, 1].map(|_| begin(&world, &envelope));
    for run in [&one, &other] {
        table(run.upload(&world, &keys().analyst));
    }
    // Each server knows a run by its own nonce, and since its first step by all three.
    let mixed = [one.nonces[0], one.nonces[1], other.nonces[2]];
    let mixed = Run { approval: one.approval, nonces: mixed };
    refused_by_each(&world, &mixed.signed(&keys().analyst, 1, &steps()[1]), "other_run");
    table(one.ask(&world, &one.signed(&keys().analyst, 1, &steps()[1])));
}

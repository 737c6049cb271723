//! Authorized mode: what was not signed by all does not run, and no node is talked into it.

use std::path::Path;

use vdl_authorize::{SigningKey, Terms, approve_script, read_envelope, sign_close, sign_start};
use vdl_command::wire::encode_header;
use vdl_command::{Authority, Command, Nonce, Request, Route, StartRun, TableRef};
use vdl_share::Opened;
use vdl_store::Store;

use crate::agreement::random;

use super::runs::{
    Run, approvers, begin, envelope, keys, now, refused_by_each, script, start, start_with, steps, terms,
    wait_for_release, world,
};
use super::{World, codes, opened, table};

fn world_in(folders: [&Path; 3]) -> World {
    World::with(&approvers(), folders.map(|folder| Store::open(folder).unwrap()), |_, wire| wire)
}

#[test]
fn an_approved_script_runs_from_top_to_bottom() {
    let keys = keys();
    let world = world();
    let run = begin(&world, &envelope(&terms()));
    let steps = steps();
    table(run.upload(&world, &keys.analyst));
    assert_eq!(table(run.ask(&world, &run.signed(&keys.analyst, 1, &steps[1]))).rows, 3);
    let columns = opened(run.ask(&world, &run.signed(&keys.analyst, 2, &steps[2])));
    let Opened::Mean { sum, count } = &columns[0].data else { panic!("no mean") };
    assert_eq!((sum[0], count[0]), (26, 3));
    let close = encode_header(&sign_close(&keys.analyst, run.approval, run.nonces)).unwrap();
    for node in &world.nodes {
        node.answer(Route::CloseRun, &close).unwrap();
    }
    let after = codes(&run.ask(&world, &run.signed(&keys.analyst, 2, &steps[2])));
    assert_eq!(after, ["run_closed"; 3].map(str::to_owned));
}

#[test]
fn a_start_that_the_analyst_did_not_sign_uses_up_no_run() {
    let keys = keys();
    let world = world();
    let approved = envelope(&Terms { max_runs: Some(1), ..terms() });
    let other = read_envelope(&envelope(&terms())).unwrap().digest;
    let approval = read_envelope(&approved).unwrap().digest;
    let nonce = || Nonce(random().unwrap());
    let stranger = sign_start(&keys.approvers[0], approval, nonce());
    let of_another = StartRun { approval, ..sign_start(&keys.analyst, other, nonce()) };
    let another_time = StartRun { start: nonce(), ..sign_start(&keys.analyst, approval, nonce()) };
    let unsigned = StartRun { approval, start: nonce(), signature: String::new() };
    for forged in [stranger, of_another, another_time, unsigned] {
        let refused = start_with(&world, &forged, &approved).map(Result::unwrap_err);
        assert_eq!(refused, ["wrong_analyst"; 3].map(str::to_owned));
    }
    let for_another = sign_start(&keys.analyst, other, nonce());
    let refused = start_with(&world, &for_another, &approved).map(Result::unwrap_err);
    assert_eq!(refused, ["other_run"; 3].map(str::to_owned));
    assert!(start(&world, &approved).into_iter().all(|started| started.unwrap().run == 1));
}

#[test]
fn each_node_alone_refuses_what_was_not_approved() {
    let keys = keys();
    let world = world();
    let run = begin(&world, &envelope(&terms()));
    let steps = steps();
    let unsigned = Request { authority: None, ..run.signed(&keys.analyst, 1, &steps[1]) };
    refused_by_each(&world, &unsigned, "not_approved");
    let stranger = SigningKey::from_seed([9; 32]);
    refused_by_each(&world, &run.signed(&stranger, 0, &steps[0]), "wrong_analyst");
    refused_by_each(&world, &run.signed(&keys.analyst, 1, &steps[1]), "step_out_of_order");
    refused_by_each(&world, &run.signed(&keys.analyst, 0, &steps[1]), "step_mismatch");
    let get = Command::Get { table: TableRef::Name("survey".to_owned().into()) };
    refused_by_each(&world, &run.signed(&keys.analyst, 0, &get), "step_mismatch");
    let other = Run { approval: run.approval, nonces: [Nonce([5; 32]); 3] };
    refused_by_each(&world, &other.signed(&keys.analyst, 0, &steps[0]), "other_run");
    // After all that, the run goes on as if nothing had happened.
    table(run.upload(&world, &keys.analyst));
    table(run.ask(&world, &run.signed(&keys.analyst, 1, &steps[1])));
}

#[test]
fn a_recorded_request_does_not_run_again() {
    let keys = keys();
    let world = world();
    let run = begin(&world, &envelope(&terms()));
    table(run.upload(&world, &keys.analyst));
    let request = run.signed(&keys.analyst, 1, &steps()[1]);
    table(run.ask(&world, &request));
    let again = codes(&run.ask(&world, &request));
    assert!(again.iter().all(|code| code == "replayed"), "{again:?}");
    let forged = Authority { step: 2, ..request.authority.clone().unwrap() };
    refused_by_each(&world, &Request { authority: Some(forged), ..request }, "wrong_analyst");
}

#[test]
fn a_half_signed_an_expired_and_a_foreign_approval_start_nothing() {
    let keys = keys();
    let world = world();
    let half = approve_script(&script(&steps()), &keys.analyst.verifying_key(), &terms(), &keys.approvers[0])
        .unwrap();
    let expired = Terms { not_before: now() - 100, expires: Some(now() - 50), ..terms() };
    let foreign = Terms { environment: "elsewhere".into(), ..terms() };
    let cases = [
        (half, "approver_missing"),
        (envelope(&expired), "approval_expired"),
        (envelope(&foreign), "wrong_environment"),
        (b"{}".to_vec(), "approval_unreadable"),
    ];
    for (envelope, expected) in cases {
        for started in start(&world, &envelope) {
            assert_eq!(started.unwrap_err(), expected);
        }
    }
}

#[test]
fn a_run_limit_holds_through_restarts_and_before_the_answer_is_out() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = [folders[0].path(), folders[1].path(), folders[2].path()];
    let envelope = envelope(&terms());
    for expected in [1, 2] {
        // The answer is thrown away, as if the node had been killed right after it was journalled.
        let world = world_in(paths);
        assert_eq!(start(&world, &envelope).map(|started| started.unwrap().run), [expected; 3]);
        world.nodes.iter().for_each(|node| node.stop());
        drop(world);
        wait_for_release(paths);
    }
    let world = world_in(paths);
    assert_eq!(start(&world, &envelope).map(Result::unwrap_err), ["runs_used_up"; 3].map(str::to_owned));
}

#[test]
fn a_run_goes_on_after_a_restart_where_it_stood() {
    let keys = keys();
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = [folders[0].path(), folders[1].path(), folders[2].path()];
    let first = world_in(paths);
    let run = begin(&first, &envelope(&terms()));
    table(run.upload(&first, &keys.analyst));
    first.nodes.iter().for_each(|node| node.stop());
    drop(first);
    wait_for_release(paths);
    let world = world_in(paths);
    let steps = steps();
    refused_by_each(&world, &run.signed(&keys.analyst, 0, &steps[0]), "step_repeated");
    assert_eq!(table(run.ask(&world, &run.signed(&keys.analyst, 1, &steps[1]))).rows, 3);
}

#[test]
fn a_failed_step_may_be_tried_again_as_it_was_but_not_changed() {
    let keys = keys();
    let world = world();
    let run = begin(&world, &envelope(&terms()));
    let steps = steps();
    // The upload fails on all three: there are no shares with it.
    let failed = codes(&run.ask(&world, &run.signed(&keys.analyst, 0, &steps[0])));
    assert!(failed.iter().all(|code| code != "ok"), "{failed:?}");
    table(run.upload(&world, &keys.analyst));
}

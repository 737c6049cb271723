//! Authorized mode: what was not signed by all does not run, and no node is talked into it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use vdl_authorize::{
    SigningKey, Terms, add_signature, approve_script, read_envelope, sign_close, sign_command, sign_start,
};
use vdl_command::wire::{decode, encode, encode_header};
use vdl_command::{
    Aggregate, Aggregation, Authority, BinaryOp, Command, Digest, Expression, Integer, Nonce, Request, Route,
    SCRIPT_FORMAT, Script, StartRun, StartedRun, Step, TableRef, write_command, write_script,
};
use vdl_share::Opened;
use vdl_store::Store;

use crate::agreement::random;

use super::{Answered, World, body, codes, column, job, opened, table, upload};

const A: &[u64] = &[1, 5, 9, 12];

struct Keys {
    approvers: [SigningKey; 2],
    analyst: SigningKey,
}

fn keys() -> Keys {
    Keys {
        approvers: [SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32])],
        analyst: SigningKey::from_seed([3; 32]),
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn terms() -> Terms {
    let (environment, not_before) = ("production".into(), now() - 10);
    Terms { environment, not_before, max_runs: Some(2), ..Terms::default() }
}

/// Upload, filter, mean: each step refers to the one before.
fn steps() -> Vec<Command> {
    let (upload, _, _) = upload(&[("a", "int[min=0,max=15]", A)], None);
    let five = Box::new(Expression::Integer(Integer(4).into()));
    let condition = Expression::Binary { op: BinaryOp::Greater, left: Box::new(column("a")), right: five };
    let mean = Aggregation { name: "m".into(), aggregate: Aggregate::Mean, value: column("a") };
    vec![
        upload,
        Command::Filter { table: TableRef::Step(0), condition, threshold: None },
        Command::Aggregate { table: TableRef::Step(1), aggregations: vec![mean], threshold: None },
    ]
}

fn script() -> Vec<u8> {
    let steps = steps().into_iter().map(|command| Step { command, source: None }).collect();
    let script = Script {
        format: SCRIPT_FORMAT.into(),
        name: Some("mean".into()),
        ordered: true,
        holes: Default::default(),
        steps,
    };
    write_script(&script).unwrap().into()
}

fn envelope(keys: &Keys, terms: &Terms) -> Vec<u8> {
    let analyst = keys.analyst.verifying_key();
    let once = approve_script(&script(), &analyst, terms, &keys.approvers[0]).unwrap();
    add_signature(&once, &keys.approvers[1]).unwrap()
}

fn world_in(folders: [&Path; 3], keys: &Keys) -> World {
    let approvers: Vec<_> = keys.approvers.iter().map(SigningKey::verifying_key).collect();
    World::with(&approvers, folders.map(|folder| Store::open(folder).unwrap()), |_, wire| wire)
}

fn world(keys: &Keys) -> World {
    let approvers: Vec<_> = keys.approvers.iter().map(SigningKey::verifying_key).collect();
    World::with(&approvers, [0, 1, 2].map(|_| Store::in_memory().unwrap()), |_, wire| wire)
}

fn start(world: &World, envelope: &[u8]) -> [Result<StartedRun, String>; 3] {
    let approval = read_envelope(envelope).map_or(Digest([0; 32]), |read| read.digest);
    start_with(world, &sign_start(&keys().analyst, approval, Nonce(random().unwrap())), envelope)
}

fn start_with(world: &World, start: &StartRun, envelope: &[u8]) -> [Result<StartedRun, String>; 3] {
    let body = encode(start, envelope).unwrap();
    [0, 1, 2].map(|node: usize| {
        let answer = world.nodes[node].answer(Route::StartRun, &body).map_err(|error| error.code)?;
        Ok(decode(&answer).unwrap().0)
    })
}

struct Run {
    approval: vdl_command::Digest,
    nonces: [Nonce; 3],
}

fn begin(world: &World, envelope: &[u8]) -> Run {
    let started = start(world, envelope).map(Result::unwrap);
    Run { approval: started[0].approval, nonces: started.map(|started| started.nonce) }
}

impl Run {
    fn signed(&self, by: &SigningKey, step: u32, command: &Command) -> Request {
        let (job, text) = (job(), write_command(command).unwrap());
        let authority = sign_command(by, self.approval, self.nonces, step, &text, job);
        Request { job, command: text, rows: None, authority: Some(authority) }
    }

    fn ask(&self, world: &World, request: &Request) -> [Answered; 3] {
        let body = body(request, &[]);
        world.ask([body.clone(), body.clone(), body])
    }

    fn upload(&self, world: &World, by: &SigningKey) -> [Answered; 3] {
        let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", A)], None);
        let request = Request { rows: Some(rows), ..self.signed(by, 0, &command) };
        world.ask(payloads.map(|payload| body(&request, &payload)))
    }
}

#[test]
fn an_approved_script_runs_from_top_to_bottom() {
    let keys = keys();
    let world = world(&keys);
    let run = begin(&world, &envelope(&keys, &terms()));
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
    let world = world(&keys);
    let approved = envelope(&keys, &Terms { max_runs: Some(1), ..terms() });
    let other = read_envelope(&envelope(&keys, &terms())).unwrap().digest;
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

/// Every refusal by every node on its own: the other two are never needed to say no.
fn refused_by_each(world: &World, request: &Request, expected: &str) {
    for node in &world.nodes {
        let error = node.answer(Route::Command, &body(request, &[])).unwrap_err();
        assert_eq!(error.code, expected, "{error:?}");
    }
}

#[test]
fn each_node_alone_refuses_what_was_not_approved() {
    let keys = keys();
    let world = world(&keys);
    let run = begin(&world, &envelope(&keys, &terms()));
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
    let world = world(&keys);
    let run = begin(&world, &envelope(&keys, &terms()));
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
    let world = world(&keys);
    let half =
        approve_script(&script(), &keys.analyst.verifying_key(), &terms(), &keys.approvers[0]).unwrap();
    let expired = Terms { not_before: now() - 100, expires: Some(now() - 50), ..terms() };
    let foreign = Terms { environment: "elsewhere".into(), ..terms() };
    let cases = [
        (half, "approver_missing"),
        (envelope(&keys, &expired), "approval_expired"),
        (envelope(&keys, &foreign), "wrong_environment"),
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
    let keys = keys();
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = [folders[0].path(), folders[1].path(), folders[2].path()];
    let envelope = envelope(&keys, &terms());
    for expected in [1, 2] {
        // The answer is thrown away, as if the node had been killed right after it was journalled.
        let world = world_in(paths, &keys);
        assert_eq!(start(&world, &envelope).map(|started| started.unwrap().run), [expected; 3]);
        world.nodes.iter().for_each(|node| node.stop());
        drop(world);
        wait_for_release(paths);
    }
    let world = world_in(paths, &keys);
    assert_eq!(start(&world, &envelope).map(Result::unwrap_err), ["runs_used_up"; 3].map(str::to_owned));
}

/// The settling threads let go of their node within their next look.
fn wait_for_release(paths: [&Path; 3]) {
    for path in paths {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while Store::open(path).is_err() {
            assert!(std::time::Instant::now() < deadline, "the folder is still in use");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn a_run_goes_on_after_a_restart_where_it_stood() {
    let keys = keys();
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = [folders[0].path(), folders[1].path(), folders[2].path()];
    let first = world_in(paths, &keys);
    let run = begin(&first, &envelope(&keys, &terms()));
    table(run.upload(&first, &keys.analyst));
    first.nodes.iter().for_each(|node| node.stop());
    drop(first);
    wait_for_release(paths);
    let world = world_in(paths, &keys);
    let steps = steps();
    refused_by_each(&world, &run.signed(&keys.analyst, 0, &steps[0]), "step_repeated");
    assert_eq!(table(run.ask(&world, &run.signed(&keys.analyst, 1, &steps[1]))).rows, 3);
}

#[test]
fn a_failed_step_may_be_tried_again_as_it_was_but_not_changed() {
    let keys = keys();
    let world = world(&keys);
    let run = begin(&world, &envelope(&keys, &terms()));
    let steps = steps();
    // The upload fails on all three: there are no shares with it.
    let failed = codes(&run.ask(&world, &run.signed(&keys.analyst, 0, &steps[0])));
    assert!(failed.iter().all(|code| code != "ok"), "{failed:?}");
    table(run.upload(&world, &keys.analyst));
}

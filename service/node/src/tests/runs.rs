//! Approvals, and runs of them as a client would make them.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use vdl_authorize::{
    SigningKey, Terms, VerifyingKey, add_signature, approve_script, read_envelope, sign_command, sign_start,
};
use vdl_command::wire::{decode, encode};
use vdl_command::{
    Aggregate, Aggregation, BinaryOp, Command, Digest, ErrorAnswer, Expression, Integer, Nonce, Request,
    Route, SCRIPT_FORMAT, Script, Slot, StartRun, StartedRun, Step, TableRef, write_command, write_script,
};
use vdl_store::Store;

use crate::agreement::random;
use crate::node::Node;

use super::{Answered, World, body, column, hasty, job, upload, wait_until};

const A: &[u64] = &[1, 5, 9, 12];

pub(super) struct Keys {
    pub approvers: [SigningKey; 2],
    pub analyst: SigningKey,
}

pub(super) fn keys() -> Keys {
    Keys {
        approvers: [SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32])],
        analyst: SigningKey::from_seed([3; 32]),
    }
}

pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

pub(super) fn terms() -> Terms {
    let (environment, not_before) = ("production".into(), now() - 10);
    Terms { environment, not_before, max_runs: Some(2), ..Terms::default() }
}

/// Upload, filter, mean: each step refers to the one before.
pub(super) fn steps() -> Vec<Command> {
    let (upload, _, _) = upload(&[("a", "int[min=0,max=15]", A)], None);
    let mean = Aggregation { name: "m".into(), aggregate: Aggregate::Mean, value: column("a") };
    vec![
        upload,
        filter(TableRef::Step(0), Integer(4).into()),
        Command::Aggregate { table: TableRef::Step(1), aggregations: vec![mean], threshold: None },
    ]
}

/// The rows where `a` is above a number.
pub(super) fn filter(table: TableRef, above: Slot<Integer>) -> Command {
    let (left, right) = (Box::new(column("a")), Box::new(Expression::Integer(above)));
    let condition = Expression::Binary { op: BinaryOp::Greater, left, right };
    Command::Filter { table, condition, threshold: None }
}

pub(super) fn script(steps: &[Command]) -> Vec<u8> {
    script_with(steps, true)
}

fn script_with(steps: &[Command], ordered: bool) -> Vec<u8> {
    let steps = steps.iter().map(|command| Step { command: command.clone(), source: None }).collect();
    let script = Script {
        format: SCRIPT_FORMAT.into(),
        name: Some("mean".into()),
        ordered,
        holes: Default::default(),
        steps,
    };
    write_script(&script).unwrap().into()
}

pub(super) fn envelope(terms: &Terms) -> Vec<u8> {
    envelope_of(&steps(), terms)
}

pub(super) fn envelope_of(steps: &[Command], terms: &Terms) -> Vec<u8> {
    approved(&script(steps), terms)
}

pub(super) fn envelope_in_any_order(commands: &[Command], terms: &Terms) -> Vec<u8> {
    approved(&script_with(commands, false), terms)
}

fn approved(script: &[u8], terms: &Terms) -> Vec<u8> {
    let keys = keys();
    let analyst = keys.analyst.verifying_key();
    let once = approve_script(script, &analyst, terms, &keys.approvers[0]).unwrap();
    add_signature(&once, &keys.approvers[1]).unwrap()
}

pub(super) fn approvers() -> Vec<VerifyingKey> {
    keys().approvers.iter().map(SigningKey::verifying_key).collect()
}

pub(super) fn world() -> World {
    World::with(&approvers(), [0, 1, 2].map(|_| Store::in_memory().unwrap()), |_, wire| wire)
}

/// The same, where whoever is late is given up soon.
pub(super) fn hasty_world() -> World {
    let stores = [0, 1, 2].map(|_| Store::in_memory().unwrap());
    World::limited(&approvers(), stores, |_, wire| wire, |_| hasty())
}

pub(super) fn start(world: &World, envelope: &[u8]) -> [Result<StartedRun, String>; 3] {
    start_with(world, &wish(envelope), envelope)
}

pub(super) fn start_with(
    world: &World,
    start: &StartRun,
    envelope: &[u8],
) -> [Result<StartedRun, String>; 3] {
    [0, 1, 2].map(|node: usize| start_on(&world.nodes[node], start, envelope).map_err(|error| error.code))
}

pub(super) fn start_on(node: &Node, start: &StartRun, envelope: &[u8]) -> Result<StartedRun, ErrorAnswer> {
    let answer = node.answer(Route::StartRun, &encode(start, envelope).unwrap())?;
    Ok(decode(&answer).unwrap().0)
}

/// A start that was never sent before, signed as it must be.
pub(super) fn wish(envelope: &[u8]) -> StartRun {
    let approval = read_envelope(envelope).map_or(Digest([0; 32]), |read| read.digest);
    sign_start(&keys().analyst, approval, Nonce(random().unwrap()))
}

pub(super) struct Run {
    pub approval: Digest,
    pub nonces: [Nonce; 3],
}

pub(super) fn begin(world: &World, envelope: &[u8]) -> Run {
    let started = start(world, envelope).map(Result::unwrap);
    Run { approval: started[0].approval, nonces: started.map(|started| started.nonce) }
}

impl Run {
    pub fn signed(&self, by: &SigningKey, step: u32, command: &Command) -> Request {
        let (job, text) = (job(), write_command(command).unwrap());
        let authority = sign_command(by, self.approval, self.nonces, step, &text, job);
        Request { job, command: text, rows: None, authority: Some(authority) }
    }

    pub fn ask(&self, world: &World, request: &Request) -> [Answered; 3] {
        let body = body(request, &[]);
        world.ask([body.clone(), body.clone(), body])
    }

    pub fn upload(&self, world: &World, by: &SigningKey) -> [Answered; 3] {
        let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", A)], None);
        let request = Request { rows: Some(rows), ..self.signed(by, 0, &command) };
        world.ask(payloads.map(|payload| body(&request, &payload)))
    }
}

/// Every refusal by every node on its own: the other two are never needed to say no.
pub(super) fn refused_by_each(world: &World, request: &Request, expected: &str) {
    for node in &world.nodes {
        let error = node.answer(Route::Command, &body(request, &[])).unwrap_err();
        assert_eq!(error.code, expected, "{error:?}");
    }
}

/// The settling threads let go of their node within their next look.
pub(super) fn wait_for_release(paths: [&Path; 3]) {
    for path in paths {
        wait_until(|| Store::open(path).is_ok());
    }
}

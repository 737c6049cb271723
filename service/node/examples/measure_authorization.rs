//! What approval costs per command: three servers in this process, small tables, a script of many steps.
//!
//! `cargo run --release -p vdl-node --example measure_authorization [FOLDER]`; FOLDER lies on the disk
//! to be measured, otherwise the folder for temporary files is taken.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use vdl_authorize::{SigningKey, Terms, approve_script, read_envelope, sign_command, sign_start};
use vdl_command::wire::{decode, encode};
use vdl_command::{
    Answer, BinaryOp, ColumnMeta, Command, Digest, Expression, Handle, Integer, JobId, Mode, Nonce, Outcome,
    Projection, Request, Route, SCRIPT_FORMAT, Script, StartedRun, Step, TableRef, write_command,
    write_script,
};
use vdl_node::{Node, embedded};
use vdl_share::{Planes, UploadColumn, UploadData, UploadLayout, split_upload};
use vdl_store::Store;

const STEPS: usize = 200;
const ENVIRONMENT: &str = "production";

type Failed = Box<dyn Error + Send + Sync>;
/// An approval and the nonces of the three servers.
type Run = (Digest, [Nonce; 3]);

fn main() -> Result<(), Failed> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("measure-authorization-{}", std::process::id()));
    println!("microseconds per command until all three answered (core time of one), on the mean of {STEPS}");
    for (verb, step) in [("project", project as fn(TableRef) -> Command), ("filter", filter)] {
        for disk in [false, true] {
            let stores = |mode: &str| {
                let place = folder.join(format!("{verb}-{mode}"));
                let store = |node: usize| match disk {
                    true => {
                        let place = place.join(node.to_string());
                        std::fs::create_dir_all(&place)?;
                        Ok::<_, Failed>(Store::open(&place)?)
                    }
                    false => Ok(Store::in_memory()?),
                };
                Ok::<_, Failed>([store(0)?, store(1)?, store(2)?])
            };
            let design = measure(stores("design")?, None, step)?;
            let analyst = SigningKey::from_seed([3; 32]);
            let authorized = measure(stores("authorized")?, Some(&analyst), step)?;
            let medium = if disk { "disk" } else { "memory" };
            let told = |(all, one): (f64, f64)| format!("{all:6.0} ({one:4.0})");
            println!("{verb:8} {medium:6} design {}  authorized {}", told(design), told(authorized));
        }
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn columns() -> Result<Vec<ColumnMeta>, Failed> {
    Ok(vec![ColumnMeta { name: "a".into(), ctype: "int[min=0,max=255]".parse()? }])
}

fn project(table: TableRef) -> Command {
    Command::Project { table, columns: vec![Projection { column: "a".into(), rename: None }] }
}

fn filter(table: TableRef) -> Command {
    let left = Box::new(Expression::Column("a".into()));
    let right = Box::new(Expression::Integer(Integer(4).into()));
    Command::Filter {
        table,
        condition: Expression::Binary { op: BinaryOp::Greater, left, right },
        threshold: None,
    }
}

fn measure(
    stores: [Store; 3],
    analyst: Option<&SigningKey>,
    step: fn(TableRef) -> Command,
) -> Result<(f64, f64), Failed> {
    let approver = SigningKey::from_seed([1; 32]);
    let approvers: Vec<_> = analyst.map(|_| approver.verifying_key()).into_iter().collect();
    let mode = if analyst.is_some() { Mode::Authorized } else { Mode::Design };
    let nodes = embedded::start_on(stores, mode, ENVIRONMENT, &approvers)?;
    let upload = Command::Upload { columns: columns()?.into(), name: None, rules: None };
    let run = analyst.map(|analyst| start(&nodes, analyst, &approver, &upload, step)).transpose()?;
    let signed = |command: &Command, number: usize| -> Result<Request, Failed> {
        let (job, text) = (JobId(random()?), write_command(command)?);
        let sign = |(analyst, (approval, nonces)): (&SigningKey, Run)| {
            sign_command(analyst, approval, nonces, number as u32, &text, job)
        };
        let authority = analyst.zip(run).map(sign);
        Ok(Request { job, command: text, rows: None, authority })
    };
    let values: Vec<u64> = (0..100).collect();
    let layout = UploadLayout::new(values.len(), vec![UploadColumn { width: 8, nullable: false }])?;
    let data = UploadData { bits: Planes::from_values(&values, 8), valid: None };
    let payloads = split_upload(&layout, &[data], &[[1; 16], [2; 16]])?;
    let request = Request { rows: Some(values.len() as u64), ..signed(&upload, 0)? };
    let handle = ask(&nodes, &request, &payloads)?;
    let table = || match analyst {
        Some(_) => TableRef::Step(0),
        None => TableRef::Handle(handle.into()),
    };
    let (began, before) = (Instant::now(), core_seconds()?);
    for number in 1..=STEPS {
        ask(&nodes, &signed(&step(table()), number)?, &[vec![], vec![], vec![]])?;
    }
    let (took, core) = (began.elapsed(), core_seconds()? - before);
    nodes.iter().for_each(|node| node.stop());
    let each = 1e6 / STEPS as f64;
    Ok((took.as_secs_f64() * each, core * each / 3.0))
}

/// What this process has computed so far, on all cores; what the asking side does, once a command, is in it.
fn core_seconds() -> Result<f64, Failed> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // Behind the name of the program, which may hold anything: user and system time, in hundredths.
    let fields = stat.rsplit_once(')').ok_or("no times")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

fn start(
    nodes: &[Arc<Node>; 3],
    analyst: &SigningKey,
    approver: &SigningKey,
    upload: &Command,
    step: fn(TableRef) -> Command,
) -> Result<Run, Failed> {
    let steps = std::iter::once(upload.clone()).chain((0..STEPS).map(|_| step(TableRef::Step(0))));
    let script = Script {
        format: SCRIPT_FORMAT.into(),
        name: None,
        ordered: true,
        holes: Default::default(),
        steps: steps.map(|command| Step { command, source: None }).collect(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64;
    let environment = ENVIRONMENT.into();
    let terms = Terms { environment, not_before: now, max_runs: Some(1), ..Terms::default() };
    let script = write_script(&script)?;
    let envelope = approve_script(script.as_bytes(), &analyst.verifying_key(), &terms, approver)?;
    let wish = sign_start(analyst, read_envelope(&envelope)?.digest, Nonce(random()?));
    let body = encode(&wish, &envelope)?;
    let started = |node: &Arc<Node>| -> Result<StartedRun, Failed> {
        let answer = node.answer(Route::StartRun, &body).map_err(|error| error.message)?;
        Ok(decode(&answer)?.0)
    };
    let started = [started(&nodes[0])?, started(&nodes[1])?, started(&nodes[2])?];
    Ok((started[0].approval, started.map(|started| started.nonce)))
}

/// The same request to all three; the handle of the table that comes of it.
fn ask(nodes: &[Arc<Node>; 3], request: &Request, payloads: &[Vec<u8>; 3]) -> Result<Handle, Failed> {
    let one = |node: &Node, payload: &[u8]| -> Result<Handle, Failed> {
        let answer = node.answer(Route::Command, &encode(request, payload)?);
        match decode::<Answer>(&answer.map_err(|error| error.message)?)?.0.outcome {
            Outcome::Table(meta) => Ok(meta.handle),
            other => Err(format!("no table: {other:?}").into()),
        }
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asked = nodes.iter().zip(payloads).map(|(node, payload)| scope.spawn(move || one(node, payload)));
        let asked: Vec<_> = asked.collect();
        asked.into_iter().map(|asked| asked.join()).collect()
    });
    let mut handles = answers.into_iter().map(|answer| answer.map_err(|_| "a server panicked")?);
    handles.next().ok_or("no server")?
}

fn random() -> Result<[u8; 32], Failed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

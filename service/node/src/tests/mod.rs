//! Three nodes in one process, asked as a client would ask them.

mod approved;
mod attacks;
mod audit;
mod inquiry;
mod jobs;
mod journal;
mod links;
mod mutation;
mod names;
mod parcels;
mod refusals;
mod rules;
mod runs;
mod secrecy;
mod settling;
mod standing;
mod uses;
mod witness;
mod words;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use vdl_authorize::{Policy, VerifyingKey};
use vdl_command::wire::{decode, encode};
use vdl_command::{
    Answer, Authority, ColumnMeta, Command, ErrorAnswer, Expression, JobId, Mode, Outcome, Request, Route,
    TableMeta, write_command,
};
use vdl_share::{
    Opened, OpenedColumn, Planes, UploadColumn, UploadData, UploadLayout, combine_opened, split_upload,
};
use vdl_store::Store;

use crate::net::{Limits, Wire, memory_wires};
use crate::node::{Node, NodeConfig};

pub(super) type Answered = Result<(Answer, Vec<u8>), ErrorAnswer>;

/// Three nodes and whoever asks them.
pub(super) struct World {
    pub nodes: [Arc<Node>; 3],
}

/// On a slow machine nobody is given up who is only late.
pub(super) fn patient() -> Limits {
    within(Duration::from_secs(60))
}

/// For tests that wait until somebody is given up.
pub(super) fn hasty() -> Limits {
    within(Duration::from_secs(2))
}

fn within(patience: Duration) -> Limits {
    Limits { round: patience, arrival: patience, queue: 2 * patience, connect: patience, ..Limits::default() }
}

impl World {
    pub fn new() -> Self {
        Self { nodes: crate::embedded::start_with(patient()).unwrap() }
    }

    /// Whoever is late is given up soon.
    pub fn hasty() -> Self {
        Self { nodes: crate::embedded::start_with(hasty()).unwrap() }
    }

    /// Authorized mode, or other stores or wires than usual.
    pub fn with(
        approvers: &[VerifyingKey],
        stores: [Store; 3],
        wrap: impl Fn(u8, Arc<dyn Wire>) -> Arc<dyn Wire>,
    ) -> Self {
        Self::limited(approvers, stores, wrap, |_| patient())
    }

    /// Every node with limits of its own.
    pub fn limited(
        approvers: &[VerifyingKey],
        stores: [Store; 3],
        wrap: impl Fn(u8, Arc<dyn Wire>) -> Arc<dyn Wire>,
        limits: impl Fn(u8) -> Limits,
    ) -> Self {
        let config = |node| NodeConfig {
            node,
            mode: if approvers.is_empty() { Mode::Design } else { Mode::Authorized },
            environment: "production".into(),
            policy: Policy::pinned(approvers, "production").ok(),
            documents: Vec::new(),
            memory_bytes: 1 << 30,
            limits: limits(node),
            data: None,
        };
        Self::configured(config, stores, wrap)
    }

    pub fn configured(
        config: impl Fn(u8) -> NodeConfig,
        stores: [Store; 3],
        wrap: impl Fn(u8, Arc<dyn Wire>) -> Arc<dyn Wire>,
    ) -> Self {
        let wires = memory_wires();
        let mut stores = stores.into_iter();
        let nodes = [0u8, 1, 2].map(|node| {
            let wire = wrap(node, wires[usize::from(node)].clone());
            Node::open(config(node), stores.next().unwrap(), |_| Ok(wire)).unwrap()
        });
        wires[0].connect(&[nodes[0].post.clone(), nodes[1].post.clone(), nodes[2].post.clone()]);
        Self { nodes }
    }

    /// Each node gets its own body, all at the same time.
    pub fn ask(&self, bodies: [Vec<u8>; 3]) -> [Answered; 3] {
        let asked = [0, 1, 2].map(|node: usize| {
            let (node, body) = (self.nodes[node].clone(), bodies[node].clone());
            thread::spawn(move || {
                let answer = node.answer(Route::Command, &body)?;
                let (header, payload) = decode::<Answer>(&answer).unwrap();
                Ok((header, payload.to_vec()))
            })
        });
        asked.map(|thread| thread.join().unwrap())
    }

    pub fn run(&self, command: &Command) -> [Answered; 3] {
        let body = body(&request(command, job(), None), &[]);
        self.ask([body.clone(), body.clone(), body])
    }

    pub fn upload(&self, columns: &[(&str, &str, &[u64])], name: Option<&str>) -> TableMeta {
        let (command, rows, payloads) = upload(columns, name);
        let request = Request { rows: Some(rows), ..request(&command, job(), None) };
        table(self.ask(payloads.map(|payload| body(&request, &payload))))
    }

    pub fn values(&self, command: &Command) -> Vec<OpenedColumn> {
        opened(self.run(command))
    }
}

/// A minute at most.
pub(super) fn wait_until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "it did not come to that");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Tables that were in doubt are settled.
pub(super) fn wait_until_settled(world: &World) {
    wait_until(|| world.nodes.iter().all(|node| node.store.in_doubt().unwrap().is_empty()));
}

pub(super) fn job() -> JobId {
    JobId(crate::agreement::random().unwrap())
}

pub(super) fn request(command: &Command, job: JobId, authority: Option<Authority>) -> Request {
    Request { job, command: write_command(command).unwrap(), rows: None, authority }
}

pub(super) fn body(request: &Request, payload: &[u8]) -> Vec<u8> {
    encode(request, payload).unwrap()
}

/// The command and the three payloads of an upload; values are offsets from the type's minimum.
pub(super) fn upload(columns: &[(&str, &str, &[u64])], name: Option<&str>) -> (Command, u64, [Vec<u8>; 3]) {
    let metas: Vec<ColumnMeta> = columns
        .iter()
        .map(|(name, ctype, _)| ColumnMeta { name: (*name).into(), ctype: ctype.parse().unwrap() })
        .collect();
    let rows = columns[0].2.len();
    let layout = metas
        .iter()
        .map(|meta| UploadColumn { width: meta.ctype.width() as usize, nullable: meta.ctype.nullable });
    let layout = UploadLayout::new(rows, layout.collect()).unwrap();
    let data: Vec<UploadData> = metas
        .iter()
        .zip(columns)
        .map(|(meta, (_, _, values))| UploadData {
            bits: Planes::from_values(values, meta.ctype.width() as usize),
            valid: None,
        })
        .collect();
    let seeds = [0, 1].map(|_| *crate::agreement::random().unwrap().first_chunk().unwrap());
    let payloads = split_upload(&layout, &data, &seeds).unwrap();
    let name = name.map(|name| name.to_owned().into());
    (Command::Upload { columns: metas.into(), name, rules: None }, rows as u64, payloads)
}

pub(super) fn all<T>(answers: [Result<T, ErrorAnswer>; 3]) -> [T; 3] {
    answers.map(|answer| answer.unwrap())
}

pub(super) fn table(answers: [Answered; 3]) -> TableMeta {
    let [first, second, third] = all(answers).map(|(answer, _)| match answer.outcome {
        Outcome::Table(meta) => meta,
        other => panic!("no table: {other:?}"),
    });
    assert_eq!(first, second);
    assert_eq!(first, third);
    first
}

pub(super) fn opened(answers: [Answered; 3]) -> Vec<OpenedColumn> {
    let answers = all(answers);
    let Outcome::Opened(what) = &answers[0].0.outcome else { panic!("not opened") };
    let rows = usize::try_from(what.rows).unwrap();
    combine_opened(&[&answers[0].1, &answers[1].1, &answers[2].1], rows).unwrap()
}

pub(super) fn bits(column: &OpenedColumn) -> Vec<u64> {
    match &column.data {
        Opened::Bits(planes) => planes.to_values(),
        Opened::Ring(values) => values.clone(),
        Opened::Mean { sum, .. } => sum.clone(),
        Opened::WideMean { .. } => panic!("a wide mean"),
    }
}

pub(super) fn codes(answers: &[Answered; 3]) -> [String; 3] {
    [0, 1, 2].map(|node| answers[node].as_ref().err().map_or("ok".into(), |error| error.code.clone()))
}

pub(super) fn handle_of(meta: &TableMeta) -> vdl_command::TableRef {
    vdl_command::TableRef::Handle(meta.handle.into())
}

pub(super) fn column(name: &str) -> Expression {
    Expression::Column(name.into())
}

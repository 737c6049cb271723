//! What the three servers write down of what they let run.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vdl_authorize::audit::{
    Event, Finding, Head, Log, LogEntry, compare_logs, read_log, sign_head, tables_digest,
};
use vdl_authorize::{NameRule, SigningKey, Terms, sign_close};
use vdl_command::wire::encode_header;
use vdl_command::{Command, Digest, Route, TableRef};
use vdl_store::{DiskError, Memory, MemoryTape, Store, Tape};
use vdl_transport::Peer;

use super::runs::{
    Run, approvers, begin, envelope, envelope_of, keys, refused_by_each, start, steps, terms, world,
};
use super::{World, body, codes, job, opened, table, wait_until};
use crate::net::{control, step};
use crate::node::Node;

/// A log whose chain holds.
pub(super) fn log(node: &Node) -> Log {
    let (log, findings) = read_log(&node.store.log_end(u64::MAX).unwrap());
    assert_eq!(findings, []);
    log
}

/// Waits until both others have signed the log of each, up to its last run at least.
pub(super) fn wait_for_witnesses(world: &World) {
    let seen_by = |log: &Log, by: u8| {
        let runs = log.entries.iter().filter(|line| matches!(line.entry.event, Event::Run { .. }));
        log.witnessed_by(by) >= runs.map(|line| line.entry.sequence).max()
    };
    for (node, server) in (0u8..).zip(&world.nodes) {
        for by in (0..3).filter(|by| *by != node) {
            wait_until(|| seen_by(&read_log(&server.store.log_end(u64::MAX).unwrap()).0, by));
        }
    }
}

/// What happened, in a word each, but for what peers had to say.
pub(super) fn words(node: &Node) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Opened { node, .. } => format!("opened {node}"),
        Event::Policy { version, .. } => format!("policy {version}"),
        Event::Run { run, script, .. } => format!("run {run} of {}", script.as_deref().unwrap_or("?")),
        Event::Refused { code, .. } => format!("refused {code}"),
        Event::Step { step, tables, .. } => format!("step {step} on {}", tables.len()),
        Event::Resolved { name, .. } => format!("resolved {name}"),
        Event::Done { outcome, .. } => format!("done {outcome}"),
        Event::Closed { .. } => "closed".to_owned(),
        Event::Recovered { cut } => format!("recovered {cut}"),
        other => format!("{other:?}"),
    };
    let of_peers = |event: &Event| matches!(event, Event::Countersigned { .. } | Event::Witnessed { .. });
    let log = log(node);
    let own = log.entries.iter().filter(|line| !of_peers(&line.entry.event));
    own.map(|line| word(&line.entry.event)).collect()
}

fn close(world: &World, run: &Run) {
    let close = encode_header(&sign_close(&keys().analyst, run.approval, run.nonces)).unwrap();
    world.nodes.iter().for_each(|node| drop(node.answer(Route::CloseRun, &close).unwrap()));
}

#[test]
fn what_was_let_through_and_what_was_refused_is_in_all_three_logs() {
    let (world, steps) = (world(), steps());
    let envelope = envelope(&Terms { max_runs: Some(1), ..terms() });
    let run = begin(&world, &envelope);
    table(run.upload(&world, &keys().analyst));
    refused_by_each(&world, &run.signed(&keys().analyst, 2, &steps[2]), "step_out_of_order");
    // What the analyst did not sign makes no log grow.
    refused_by_each(&world, &run.signed(&keys().approvers[0], 1, &steps[1]), "wrong_analyst");
    table(run.ask(&world, &run.signed(&keys().analyst, 1, &steps[1])));
    opened(run.ask(&world, &run.signed(&keys().analyst, 2, &steps[2])));
    close(&world, &run);
    refused_by_each(&world, &run.signed(&keys().analyst, 2, &steps[2]), "run_closed");
    assert_eq!(start(&world, &envelope).map(Result::unwrap_err)[0], "runs_used_up");
    for (number, node) in world.nodes.iter().enumerate() {
        let opened = format!("opened {number}");
        let mut expected = vec![
            opened.as_str(),
            "policy 1",
            "run 1 of mean",
            "step 0 on 0",
            "done table",
            "refused step_out_of_order",
            "step 1 on 1",
            "done table",
            "step 2 on 1",
            "done opened",
            "closed",
        ];
        // The others take server 0's word for it.
        expected.extend((number == 0).then_some("refused runs_used_up"));
        assert_eq!(words(node), expected);
    }
}

#[test]
fn a_step_that_reads_a_thousand_tables_is_in_the_log_and_runs() {
    let (world, upload) = (world(), steps().remove(0));
    let concat = Command::Concat { tables: vec![TableRef::Step(0); 1000] };
    let run = begin(&world, &envelope_of(&[upload, concat.clone()], &terms()));
    let meta = table(run.upload(&world, &keys().analyst));
    assert_eq!(table(run.ask(&world, &run.signed(&keys().analyst, 1, &concat))).rows, 1000 * meta.rows);
    for node in &world.nodes {
        let digest = tables_digest(&vec![meta.handle; 1000]);
        let named = |line: &LogEntry| match line.entry.event {
            Event::Step { all_tables, .. } => all_tables == Some(digest),
            _ => false,
        };
        assert!(log(node).entries.iter().any(named));
    }
}

#[test]
fn the_resolved_handle_is_in_the_log() {
    let world = world();
    let by_name = TableRef::Name("survey".to_owned().into());
    let (mut upload, get) = (steps().remove(0), Command::Get { table: by_name });
    if let Command::Upload { name, .. } = &mut upload {
        *name = Some("survey".to_owned().into());
    }
    let rule = NameRule { name: "survey".into(), table: None, may_change: true };
    let terms = Terms { names: vec![rule], ..terms() };
    let run = begin(&world, &envelope_of(&[upload.clone(), get.clone()], &terms));
    let (_, rows, payloads) = super::upload(&[("a", "int[min=0,max=15]", &[1, 5])], Some("survey"));
    let request = vdl_command::Request { rows: Some(rows), ..run.signed(&keys().analyst, 0, &upload) };
    let meta = table(world.ask(payloads.map(|payload| body(&request, &payload))));
    table(run.ask(&world, &run.signed(&keys().analyst, 1, &get)));
    for node in &world.nodes {
        let log = log(node);
        let named = log.entries.iter().find_map(|line| match &line.entry.event {
            Event::Resolved { name, table, .. } => Some((name.clone(), *table)),
            _ => None,
        });
        assert_eq!(named, Some(("survey".to_owned(), meta.handle)));
    }
}

#[test]
fn a_log_goes_on_where_it_ended_and_says_what_a_crash_cut_off() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let open = || folders.each_ref().map(|folder| Store::open(folder.path()).unwrap());
    let key = |node: &Node| log(node).key.unwrap();
    let world = World::with(&approvers(), open(), |_, wire| wire);
    let first = key(&world.nodes[0]);
    assert_eq!(first, self::key(&world.nodes[0]).verifying_key().to_base64().unwrap());
    begin(&world, &envelope(&terms()));
    world.nodes.iter().for_each(|node| node.stop());
    drop(world);
    super::runs::wait_for_release(folders.each_ref().map(|folder| folder.path()));
    let file = folders[0].path().join("audit.log");
    let mut text = std::fs::read(&file).unwrap();
    text.extend_from_slice(br#"{"sequence":3,"ti"#);
    std::fs::write(&file, text).unwrap();
    let world = World::with(&approvers(), open(), |_, wire| wire);
    assert_eq!(words(&world.nodes[0]), ["opened 0", "policy 1", "run 1 of mean", "recovered 17", "opened 0"]);
    assert_eq!(words(&world.nodes[1]), ["opened 1", "policy 1", "run 1 of mean", "opened 1"]);
    assert_eq!(key(&world.nodes[0]), first, "its own key stays the same");
}

#[test]
fn every_run_is_countersigned_by_both_others() {
    let world = world();
    let envelope = envelope(&terms());
    for _ in 0..2 {
        begin(&world, &envelope);
        wait_for_witnesses(&world);
    }
    world.nodes.iter().for_each(|node| node.stop());
    let logs = world.nodes.each_ref().map(|node| log(node));
    assert_eq!(compare_logs(&logs), []);
}

#[test]
fn a_restored_log_shows_what_is_missing_and_goes_on() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = || folders.each_ref().map(|folder| folder.path());
    let open = || World::with(&approvers(), paths().map(|path| Store::open(path).unwrap()), |_, wire| wire);
    let stop = |world: World| {
        world.nodes.iter().for_each(|node| node.stop());
        drop(world);
        super::runs::wait_for_release(paths());
    };
    let envelope = envelope(&Terms { max_runs: None, ..terms() });
    let world = open();
    begin(&world, &envelope);
    wait_for_witnesses(&world);
    stop(world);
    // Server 0 is backed up here, goes on for two runs, and is put back.
    let kept = ["audit.log", "catalogue.redb"].map(|name| folders[0].path().join(name));
    let backup = kept.each_ref().map(|file| std::fs::read(file).unwrap());
    let world = open();
    for _ in 0..2 {
        begin(&world, &envelope);
    }
    wait_for_witnesses(&world);
    stop(world);
    kept.iter().zip(backup).for_each(|(file, bytes)| std::fs::write(file, bytes).unwrap());
    let world = open();
    begin(&world, &envelope);
    let read = || read_log(&world.nodes[0].store.log_end(u64::MAX).unwrap());
    wait_until(|| matches!(read().1.as_slice(), [Finding::Restored { .. }]));
    // It is signed again from there on.
    begin(&world, &envelope);
    wait_for_witnesses(&world);
}

/// The key that a server signs heads with.
pub(super) fn key(node: &Node) -> SigningKey {
    SigningKey::from_seed(node.store.seed([0; 32]).unwrap())
}

#[test]
fn a_peer_that_lies_about_what_it_saw_makes_no_log_jump() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let open = || folders.each_ref().map(|folder| Store::open(folder.path()).unwrap());
    let envelope = envelope(&Terms { max_runs: None, ..terms() });
    let world = World::with(&approvers(), open(), |_, wire| wire);
    begin(&world, &envelope);
    wait_for_witnesses(&world);
    let [mine, theirs, _] = world.nodes.each_ref().map(|node| key(node));
    let last = log(&world.nodes[0]).head().sequence;
    for sequence in [last + 100, (1 << 53) - 1, 1 << 53, u64::MAX] {
        let head = Head { sequence, digest: Digest([7; 32]) };
        let other = Head { sequence: 5, ..head };
        for signature in [
            String::new(),
            sign_head(&theirs, "production", 0, head),
            // What server 0 does sign: other heads, and the log of the peer.
            sign_head(&mine, "production", 0, other),
            sign_head(&mine, "production", 1, head),
            sign_head(&mine, "elsewhere", 0, head),
        ] {
            let word = serde_json::json!({"known": {"head": head, "signature": signature}}).to_string();
            let frame = control(job(), step::WITNESS, word.into_bytes());
            world.nodes[0].hear_of_log(Peer::Next, &frame);
        }
    }
    // No finding, and runs start, now and after a restart.
    assert!(log(&world.nodes[0]).head().sequence < last + 100);
    begin(&world, &envelope);
    world.nodes.iter().for_each(|node| node.stop());
    drop(world);
    super::runs::wait_for_release(folders.each_ref().map(|folder| folder.path()));
    let world = World::with(&approvers(), open(), |_, wire| wire);
    begin(&world, &envelope);
    wait_for_witnesses(&world);
    log(&world.nodes[0]);
}

/// The head of a log behind its first run.
pub(super) fn head_of_first_run(node: &Node) -> Head {
    let run = |line: &&LogEntry| matches!(line.entry.event, Event::Run { .. });
    let found = log(node).entries.iter().find(run).map(|line| (line.entry.sequence, line.digest));
    found.map(|(sequence, digest)| Head { sequence, digest }).unwrap()
}

/// A log on a disk that fills up.
#[derive(Default)]
pub(super) struct Full {
    tape: MemoryTape,
    pub full: Arc<AtomicBool>,
}

impl Full {
    pub fn store(self) -> Store {
        let ground = redb::backends::InMemoryBackend::new();
        Store::with(ground, Box::new(Memory::default()), Box::new(self)).unwrap()
    }
}

impl Tape for Full {
    fn length(&self) -> io::Result<u64> {
        self.tape.length()
    }

    fn end(&self, most: u64) -> io::Result<Vec<u8>> {
        self.tape.end(most)
    }

    fn read(&self, from: u64, most: u64) -> io::Result<Vec<u8>> {
        self.tape.read(from, most)
    }

    fn append(&self, bytes: &[u8]) -> Result<(), DiskError> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::Error::from(io::ErrorKind::StorageFull).into()),
            false => self.tape.append(bytes),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.tape.sync()
    }

    fn cut(&self, bytes: u64) -> Result<(), DiskError> {
        self.tape.cut(bytes)
    }
}

#[test]
fn without_room_for_the_log_nothing_runs_and_with_room_again_it_goes_on() {
    let tape = Full::default();
    let full = tape.full.clone();
    let stores = [Store::in_memory().unwrap(), tape.store(), Store::in_memory().unwrap()];
    let world = World::with(&approvers(), stores, |_, wire| wire);
    let envelope = envelope(&terms());
    full.store(true, Ordering::SeqCst);
    let [_, refused, _] = start(&world, &envelope);
    assert_eq!(refused.unwrap_err(), "storage_failed");
    let approval = vdl_authorize::read_envelope(&envelope).unwrap().digest;
    assert_eq!(world.nodes[1].store.runs_used(approval).unwrap(), 0);
    full.store(false, Ordering::SeqCst);
    let run = begin(&world, &envelope);
    full.store(true, Ordering::SeqCst);
    let answers = codes(&run.upload(&world, &keys().analyst));
    assert_eq!(answers[1], "storage_failed", "{answers:?}");
    full.store(false, Ordering::SeqCst);
    table(run.upload(&world, &keys().analyst));
    assert_eq!(
        words(&world.nodes[1]),
        ["opened 1", "policy 1", "run 1 of mean", "step 0 on 0", "done table"]
    );
}

#[test]
fn design_mode_keeps_no_log() {
    let world = World::new();
    world.upload(&[("a", "int[min=0,max=15]", &[1])], None);
    assert!(world.nodes.iter().all(|node| node.store.log_end(u64::MAX).unwrap().is_empty()));
}

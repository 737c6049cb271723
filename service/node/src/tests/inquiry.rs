//! What the books say, asked of three servers.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use axum::body::Body;
use axum::http;
use tokio::sync::Semaphore;
use vdl_authorize::audit::{Event, job_digest, read_log};
use vdl_authorize::{Terms, read_envelope};
use vdl_command::wire::{decode, encode};
use vdl_command::{
    AskLog, AskUsed, Digest, ErrorAnswer, JobId, LONGEST_LOG_PART, LogPart, MOST_ASKED, Route, Used,
};
use vdl_store::{DiskError, Memory, MemoryTape, Store, Tape};

use super::audit::log;
use super::refusals::waiting;
use super::runs::{approvers, begin, envelope, keys, start, steps, terms, world};
use super::{World, table};
use crate::https::{Https, MOST_READERS};
use crate::node::Node;

fn used(node: &Node, approvals: Vec<Digest>) -> Result<Vec<Used>, ErrorAnswer> {
    let body = encode(&AskUsed { approvals }, &[]).unwrap();
    Ok(decode(&node.answer(Route::Runs, &body)?).unwrap().0)
}

fn part(node: &Node, from: u64) -> Result<(u64, Vec<u8>), ErrorAnswer> {
    let answer = node.answer(Route::Audit, &encode(&AskLog { from }, &[]).unwrap())?;
    let (LogPart { next }, lines) = decode(&answer).unwrap();
    Ok((next, lines.to_vec()))
}

#[test]
fn each_server_says_how_many_runs_of_an_approval_are_used() {
    let world = world();
    let envelope = envelope(&Terms { max_runs: Some(2), ..terms() });
    let approval = read_envelope(&envelope).unwrap().digest;
    let unseen = Digest([9; 32]);
    for runs in 0..=2 {
        for node in &world.nodes {
            let counted = |approval, runs| Used { approval, runs, uses: 0 };
            let expected = [counted(unseen, 0), counted(approval, runs), counted(approval, runs)];
            assert_eq!(used(node, vec![unseen, approval, approval]).unwrap(), expected);
        }
        if runs < 2 {
            begin(&world, &envelope);
        }
    }
    // A start that was refused is no run.
    assert!(start(&world, &envelope).iter().all(Result::is_err));
    assert_eq!(used(&world.nodes[0], vec![approval]).unwrap()[0].runs, 2);
}

#[test]
fn nobody_asks_about_more_than_a_thousand_approvals_at_once() {
    let world = world();
    assert_eq!(used(&world.nodes[0], vec![Digest([1; 32]); MOST_ASKED]).unwrap().len(), 1000);
    let refused = used(&world.nodes[0], vec![Digest([1; 32]); MOST_ASKED + 1]).unwrap_err();
    assert_eq!((refused.code.as_str(), refused.node), ("bad_request", Some(0)));
    assert_eq!(world.nodes[0].answer(Route::Runs, b"").unwrap_err().code, "bad_request");
}

#[test]
fn the_audit_log_is_read_on_from_where_a_reader_stopped() {
    let world = world();
    for node in &world.nodes {
        let (next, lines) = part(node, 0).unwrap();
        assert_eq!(next, lines.len() as u64);
        let (log, findings) = read_log(&lines);
        assert_eq!(findings, []);
        assert!(matches!(log.entries[0].entry.event, Event::Opened { .. }));
    }
    let (seen, first) = part(&world.nodes[0], 0).unwrap();
    begin(&world, &envelope(&terms()));
    let (_, more) = part(&world.nodes[0], seen).unwrap();
    let (log, findings) = read_log(&[first, more].concat());
    assert_eq!(findings, []);
    assert!(log.entries.iter().any(|line| matches!(line.entry.event, Event::Run { .. })));
}

#[test]
fn a_long_log_comes_in_parts_of_whole_lines() {
    let world = world();
    let node = &world.nodes[1];
    let code = "x".repeat(50_000);
    for _ in 0..100 {
        let event = Event::Refused { approval: Digest([0; 32]), code: code.clone() };
        node.authorities.ledger.note(&node.store, event).unwrap();
    }
    let (middle, mut lines) = part(node, 0).unwrap();
    assert!(middle <= LONGEST_LOG_PART && lines.ends_with(b"\n"));
    let (end, rest) = part(node, middle).unwrap();
    lines.extend_from_slice(&rest);
    assert_eq!(end, lines.len() as u64);
    let (log, findings) = read_log(&lines);
    assert_eq!(findings, []);
    assert!(log.entries.len() > 100);
    // At its end there is nothing, until there is more; past it and within a line nothing begins.
    let (after, nothing) = part(node, end).unwrap();
    assert!(nothing.is_empty() && after == end);
    for from in [1, end - 1, end + 1, u64::MAX] {
        assert_eq!(part(node, from).unwrap_err().code, "bad_request", "{from}");
    }
}

#[test]
fn in_design_mode_nothing_is_counted_and_nothing_logged() {
    for node in &World::new().nodes {
        assert_eq!(used(node, vec![]).unwrap_err().code, "design_mode");
        assert_eq!(part(node, 0).unwrap_err().code, "design_mode");
    }
}

#[test]
fn what_the_audit_log_shows_cancels_no_job() {
    let answers = waiting(|world, _| {
        let mut shown: Vec<JobId> = Vec::new();
        for node in &world.nodes {
            let text = String::from_utf8(part(node, 0).unwrap().1).unwrap();
            // The one that runs and the one that waits.
            assert_eq!(text.matches(r#"{"step":"#).count() - text.matches(r#"{"done":"#).count(), 2);
            let words = text.split(|character: char| !character.is_ascii_hexdigit());
            shown.extend(words.filter_map(|word| word.parse::<JobId>().ok()));
        }
        for node in &world.nodes {
            for job in &shown {
                node.answer(Route::Cancel, &encode(job, &[]).unwrap()).unwrap();
            }
        }
    });
    assert_eq!(table(answers).rows, 3);
}

#[test]
fn who_knows_the_number_of_a_job_finds_its_step_and_its_end_in_the_log() {
    let world = world();
    let run = begin(&world, &envelope(&terms()));
    table(run.upload(&world, &keys().analyst));
    let request = run.signed(&keys().analyst, 1, &steps()[1]);
    table(run.ask(&world, &request));
    let named = job_digest(request.job);
    for node in &world.nodes {
        let of_job = |event: &Event| match event {
            Event::Step { job, step, .. } if *job == named => Some(format!("step {step}")),
            Event::Done { job, outcome, .. } if *job == named => Some(outcome.clone()),
            _ => None,
        };
        let found: Vec<_> = log(node).entries.iter().filter_map(|line| of_job(&line.entry.event)).collect();
        assert_eq!(found, ["step 1", "table"]);
    }
}

/// A log that is read as slowly as somebody likes.
#[derive(Clone, Default)]
struct Slow {
    tape: Arc<MemoryTape>,
    reading: Arc<(Mutex<Reading>, Condvar)>,
}

#[derive(Default)]
struct Reading {
    open: bool,
    now: usize,
    most: usize,
}

impl Slow {
    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.0.lock().unwrap()
    }

    fn wait_until(&self, holds: impl Fn(&Reading) -> bool) -> MutexGuard<'_, Reading> {
        self.reading.1.wait_while(self.reading(), |reading| !holds(reading)).unwrap()
    }

    fn open(&self) {
        self.reading().open = true;
        self.reading.1.notify_all();
    }

    /// A world of which server 1 has this log.
    fn world(&self) -> World {
        let ground = redb::backends::InMemoryBackend::new();
        let second = Store::with(ground, Box::new(Memory::default()), Box::new(self.clone())).unwrap();
        let stores = [Store::in_memory().unwrap(), second, Store::in_memory().unwrap()];
        World::with(&approvers(), stores, |_, wire| wire)
    }
}

impl Tape for Slow {
    fn length(&self) -> io::Result<u64> {
        self.tape.length()
    }

    fn end(&self, most: u64) -> io::Result<Vec<u8>> {
        self.tape.end(most)
    }

    fn read(&self, from: u64, most: u64) -> io::Result<Vec<u8>> {
        let mut reading = self.reading();
        reading.now += 1;
        reading.most = reading.most.max(reading.now);
        drop(reading);
        self.reading.1.notify_all();
        self.wait_until(|reading| reading.open).now -= 1;
        self.tape.read(from, most)
    }

    fn append(&self, bytes: &[u8]) -> Result<(), DiskError> {
        self.tape.append(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.tape.sync()
    }

    fn cut(&self, bytes: u64) -> Result<(), DiskError> {
        self.tape.cut(bytes)
    }
}

#[test]
fn whoever_reads_the_log_slowly_holds_up_no_start_and_reads_whole_lines() {
    let slow = Slow::default();
    let world = slow.world();
    let reader = thread::spawn({
        let node = world.nodes[1].clone();
        move || part(&node, 0).unwrap()
    });
    drop(slow.wait_until(|reading| reading.now == 1));
    begin(&world, &envelope(&terms()));
    slow.open();
    let (next, lines) = reader.join().unwrap();
    let (before, findings) = read_log(&lines);
    assert_eq!((next, findings), (lines.len() as u64, vec![]));
    assert!(!before.entries.iter().any(|line| matches!(line.entry.event, Event::Run { .. })));
    // What came meanwhile is the next part.
    let (_, more) = part(&world.nodes[1], next).unwrap();
    assert_eq!(read_log(&[lines, more].concat()).1, []);
}

#[test]
fn two_read_the_log_at_once_and_those_who_wait_take_nobody_a_thread() {
    let slow = Slow::default();
    let world = slow.world();
    let https = Arc::new(Https {
        node: world.nodes[1].clone(),
        token: blake3::hash(b""),
        longest_request: 1 << 20,
        readers: Arc::new(Semaphore::new(MOST_READERS)),
    });
    let threads = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(4).enable_all().build();
    let threads = threads.unwrap();
    let ask = |route: Route, body: Vec<u8>| {
        let (https, request) = (https.clone(), http::Request::post(route.path()).body(Body::from(body)));
        threads.spawn(async move { https.answer(request.unwrap()).await })
    };
    let log = encode(&AskLog { from: 0 }, &[]).unwrap();
    let readers: Vec<_> = (0..20).map(|_| ask(Route::Audit, log.clone())).collect();
    drop(slow.wait_until(|reading| reading.now == 2));
    let other = ask(Route::Info, vec![]);
    let other = threads.block_on(async { tokio::time::timeout(Duration::from_secs(20), other).await });
    slow.open();
    assert!(other.unwrap().unwrap().is_ok());
    for reader in readers {
        assert!(threads.block_on(reader).unwrap().is_ok());
    }
    assert_eq!(slow.reading().most, 2);
}

//! What three nodes do together, and what they refuse.

use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use vdl_command::wire::{encode, encode_header};
use vdl_command::{
    Aggregate, Aggregation, BinaryOp, Command, Expression, Integer, JobId, Request, Route, SortKey,
    TableMeta, TableRef,
};
use vdl_share::Opened;
use vdl_store::Store;
use vdl_transport::{Frame, Peer, TransportError};

use super::{
    World, bits, body, codes, column, handle_of, hasty, job, patient, request, table, upload, wait_until,
    wait_until_settled,
};
use crate::net::{Limits, Wire};

fn greater(name: &str, than: i128) -> Expression {
    let right = Box::new(Expression::Integer(Integer(than).into()));
    Expression::Binary { op: BinaryOp::Greater, left: Box::new(column(name)), right }
}

fn filter(meta: &TableMeta, condition: Expression) -> Command {
    Command::Filter { table: handle_of(meta), condition, threshold: None }
}

fn mean(meta: &TableMeta, name: &str) -> Command {
    let aggregation = Aggregation { name: "m".into(), aggregate: Aggregate::Mean, value: column(name) };
    Command::Aggregate { table: handle_of(meta), aggregations: vec![aggregation], threshold: None }
}

/// All three refuse, at least one of them for the reason itself; it may have stopped the others first.
fn refused(codes: &[String; 3], reason: &str) {
    assert!(codes.iter().any(|code| code == reason), "{codes:?}");
    assert!(codes.iter().all(|code| code == reason || code == "peer_stopped"), "{codes:?}");
}

const A: &[u64] = &[1, 5, 9, 12, 3, 7];
const B: &[u64] = &[10, 20, 30, 40, 50, 60];

fn sample(world: &World) -> TableMeta {
    world.upload(&[("a", "int[min=0,max=15]", A), ("b", "int[min=0,max=63]", B)], None)
}

#[test]
fn what_is_uploaded_is_what_is_opened() {
    let world = World::new();
    let meta = sample(&world);
    let columns = world.values(&Command::Open { table: handle_of(&meta) });
    assert_eq!(bits(&columns[0]), A);
    assert_eq!(bits(&columns[1]), B);
}

#[test]
fn a_filtered_mean_is_the_mean_of_the_filtered_rows() {
    let world = World::new();
    let meta = sample(&world);
    let few = table(world.run(&filter(&meta, greater("a", 4))));
    assert_eq!(few.rows, 4);
    let columns = world.values(&mean(&few, "b"));
    let Opened::Mean { sum, count } = &columns[0].data else { panic!("no mean") };
    assert_eq!((sum[0], count[0]), (20 + 30 + 40 + 60, 4));
}

/// Node 0 offers two lanes, the others more; the work is large enough to be cut.
#[test]
fn nodes_that_offer_different_numbers_of_lanes_use_the_fewest() {
    let limits = |node| Limits { lanes: 2 + u16::from(node), ..Limits::default() };
    let world = World::limited(&[], stores(), |_, wire| wire, limits);
    let rows: u64 = 150_000;
    let keys: Vec<u64> = (0..rows).map(|row| row.wrapping_mul(0x9e37_79b9) & 0xffff).collect();
    let numbers: Vec<u64> = (0..rows).collect();
    let meta = world
        .upload(&[("key", "int[min=0,max=65535]", &keys), ("row", "int[min=0,max=262143]", &numbers)], None);
    let by = vec![SortKey { column: "key".into(), ascending: true }];
    let sorted = table(world.run(&Command::Sort { table: handle_of(&meta), by }));
    let columns = world.values(&Command::Open { table: handle_of(&sorted) });
    let mut expected = numbers;
    expected.sort_by_key(|row| keys[*row as usize]);
    assert_eq!(bits(&columns[1]), expected);
}

#[test]
fn a_conversion_that_failed_on_one_node_only_is_not_mistaken_for_the_next_one() {
    let world = World::new();
    let meta = sample(&world);
    let both = [mean(&meta, "b"), mean(&meta, "b")];
    world.values(&both[0]);
    // Node 1 loses its converted column, as if it had failed in the middle or read the table anew.
    world.nodes[1].shelf.remove(meta.handle);
    let columns = world.values(&both[1]);
    let Opened::Mean { sum, .. } = &columns[0].data else { panic!("no mean") };
    assert_eq!(sum[0], B.iter().sum::<u64>());
    // And once more, now that all three agree again.
    world.values(&both[0]);
}

#[test]
fn many_jobs_at_once_come_out_right() {
    let world = Arc::new(World::new());
    let metas = [sample(&world), sample(&world)];
    let threads: Vec<_> = (0..12)
        .map(|turn| {
            let (world, meta) = (world.clone(), metas[turn % 2].clone());
            thread::spawn(move || {
                let columns = world.values(&mean(&meta, "b"));
                let Opened::Mean { sum, .. } = &columns[0].data else { panic!("no mean") };
                sum[0]
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), B.iter().sum::<u64>());
    }
}

#[test]
fn a_lying_provider_is_refused_by_all_and_nothing_is_stored() {
    let world = World::new();
    let (command, rows, mut payloads) = upload(&[("a", "int[min=0,max=15]", A)], None);
    // Node 2 gets another explicit component than node 1.
    payloads[2][8 + 1] ^= 1;
    let request = Request { rows: Some(rows), ..request(&command, job(), None) };
    let answers = world.ask(payloads.map(|payload| body(&request, &payload)));
    // Nodes 1 and 2 hold the same component and find out. Node 0 may be ready to store before it hears
    // of it; then it is in doubt until it has asked them, and drops the table.
    let mut codes = codes(&answers);
    if codes[0] == "in_doubt" {
        codes[0] = "peer_stopped".into();
    }
    refused(&codes, "copies_differ");
    wait_until_settled(&world);
    assert!(world.nodes.iter().all(|node| node.store.tables().unwrap().is_empty()));
    sample(&world);
}

#[test]
fn different_commands_to_two_nodes_are_refused_by_all() {
    let world = World::new();
    let meta = sample(&world);
    let job = job();
    let bodies = [4, 4, 5].map(|than| body(&request(&filter(&meta, greater("a", than)), job, None), &[]));
    let codes = codes(&world.ask(bodies));
    refused(&codes, "servers_disagree");
    sample(&world);
}

#[test]
fn short_and_long_uploads_are_refused_by_all() {
    let world = World::new();
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", A)], None);
    let request = Request { rows: Some(rows), ..request(&command, job(), None) };
    let cut = payloads.clone().map(|payload| body(&request, &payload[..payload.len() - 1]));
    refused(&codes(&world.ask(cut)), "bad_upload");
    let without_rows = super::request(&command, job(), None);
    refused(&codes(&world.ask(payloads.map(|payload| body(&without_rows, &payload)))), "bad_upload");
}

#[test]
fn a_node_that_never_gets_the_request_is_named_by_the_others() {
    let world = World::hasty();
    let meta = sample(&world);
    let body = body(&request(&mean(&meta, "b"), job(), None), &[]);
    let asked = [0, 1].map(|node: usize| {
        let (node, body) = (world.nodes[node].clone(), body.clone());
        thread::spawn(move || node.answer(Route::Command, &body).unwrap_err())
    });
    let [first, second] = asked.map(|thread| thread.join().unwrap());
    assert_eq!(first.code, "request_missing");
    assert!(first.message.contains("server 2"), "{}", first.message);
    assert_eq!(second.code, "peer_stopped");
    sample(&world);
}

#[test]
fn cancelling_on_one_node_ends_the_job_on_all() {
    let world = World::new();
    let meta = sample(&world);
    let job = job();
    let body = body(&request(&mean(&meta, "b"), job, None), &[]);
    // Node 2 never gets the request, so the others wait.
    let asked = [0, 1].map(|node: usize| {
        let (node, body) = (world.nodes[node].clone(), body.clone());
        thread::spawn(move || node.answer(Route::Command, &body).unwrap_err())
    });
    wait_until(|| [0, 1].iter().all(|node: &usize| world.nodes[*node].post.find(job).is_some()));
    let started = Instant::now();
    world.nodes[1].answer(Route::Cancel, &encode_header(&job).unwrap()).unwrap();
    for thread in asked {
        assert_eq!(thread.join().unwrap().code, "cancelled");
    }
    assert!(started.elapsed() < patient().arrival / 2);
    // It comes too late to node 2, and is over there as well.
    assert_eq!(world.nodes[2].answer(Route::Command, &body).unwrap_err().code, "cancelled");
    sample(&world);
}

/// Lets a node fall silent, or its peers lose it, after some frames.
struct Failing {
    inner: Arc<dyn Wire>,
    left: AtomicIsize,
    silent: bool,
}

impl Wire for Failing {
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        match (left > 0, self.silent) {
            (true, _) => self.inner.send(to, frame),
            (false, true) => Ok(()),
            (false, false) => Err(TransportError::Closed { peer: to }),
        }
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        self.inner.wait_until_up(patience)
    }

    fn close(&self) {}
}

fn stores() -> [Store; 3] {
    [0, 1, 2].map(|_| Store::in_memory().unwrap())
}

#[test]
fn a_node_that_fails_anywhere_in_a_job_leaves_no_one_hanging_and_all_agree_in_the_end() {
    // Side by side: they mostly wait.
    thread::scope(|scope| {
        for silent in [true, false] {
            for after in 0..12 {
                scope.spawn(move || fail(after, silent));
            }
        }
    });
}

/// Server 1 fails after so many frames.
fn fail(after: isize, silent: bool) {
    let failing = Arc::new(Mutex::new(None));
    let fails = |node, wire| -> Arc<dyn Wire> {
        if node != 1 {
            return wire;
        }
        let wire = Arc::new(Failing { inner: wire, left: after.into(), silent });
        *failing.lock().unwrap() = Some(wire.clone());
        wire
    };
    let world = World::limited(&[], stores(), fails, |_| hasty());
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", A)], None);
    let request = Request { rows: Some(rows), ..request(&command, job(), None) };
    let started = Instant::now();
    let answers = world.ask(payloads.map(|payload| body(&request, &payload)));
    assert!(started.elapsed() < Duration::from_secs(30), "after {after}");
    // The wire works again: whatever is in doubt is settled, on all three alike.
    let wire = failing.lock().unwrap().take().unwrap();
    wire.left.store(isize::MAX, Ordering::SeqCst);
    wait_until_settled(&world);
    let tables = [0, 1, 2].map(|node: usize| world.nodes[node].store.tables().unwrap());
    assert_eq!(tables[0], tables[1], "after {after}, silent {silent}");
    assert_eq!(tables[0], tables[2], "after {after}, silent {silent}");
    if answers.iter().any(Result::is_ok) {
        assert_eq!(tables[0].len(), 1, "acknowledged after {after} but gone");
    }
    sample(&world);
}

#[test]
fn a_silent_peer_is_named_within_the_deadline() {
    let falls_silent = |node, wire| match node {
        1 => Arc::new(Failing { inner: wire, left: 1.into(), silent: true }) as Arc<dyn Wire>,
        _ => wire,
    };
    let world = World::limited(&[], stores(), falls_silent, |_| hasty());
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", A)], None);
    let request = Request { rows: Some(rows), ..request(&command, job(), None) };
    let answers = world.ask(payloads.map(|payload| body(&request, &payload)));
    for node in [0, 2] {
        let error = answers[node].as_ref().unwrap_err();
        assert_eq!(error.code, "peer_silent", "{error:?}");
        assert!(error.message.contains("server 1"), "{error:?}");
    }
}

#[test]
fn a_flood_of_frames_is_bounded_and_ends_the_job_alone() {
    let world = World::new();
    let meta = sample(&world);
    let job = job();
    let body = body(&request(&mean(&meta, "b"), job, None), &[]);
    let node = world.nodes[0].clone();
    let asked = thread::spawn(move || node.answer(Route::Command, &body).unwrap_err());
    wait_until(|| world.nodes[0].post.find(job).is_some());
    for sequence in 0..5000 {
        let step = "and".into();
        world.nodes[0]
            .post
            .deliver(Peer::Next, Frame { job: job.0, lane: 1, sequence, step, payload: vec![0] });
    }
    let error = asked.join().unwrap();
    assert_eq!(error.code, "peer_misbehaves");
    assert!(error.message.contains("server 1"), "{}", error.message);
    // Frames for jobs that nobody knows are not kept at all.
    for number in 0..5000u32 {
        let mut unknown = [9; 32];
        unknown[..4].copy_from_slice(&number.to_le_bytes());
        let frame = Frame { job: unknown, lane: 1, sequence: 0, step: "x".into(), payload: vec![0; 1000] };
        world.nodes[0].post.deliver(Peer::Next, frame);
    }
    sample(&world);
}

#[test]
fn names_follow_their_latest_table_and_removal_takes_them_along() {
    let world = World::new();
    let first = world.upload(&[("a", "int[min=0,max=15]", A)], Some("survey"));
    let second = world.upload(&[("a", "int[min=0,max=15]", A)], Some("survey"));
    let by_name = || Command::Get { table: TableRef::Name("survey".to_owned().into()) };
    assert_eq!(table(world.run(&by_name())).handle, second.handle);
    assert_eq!(table(world.run(&Command::Get { table: handle_of(&first) })).name, None);
    super::all(world.run(&Command::Remove { table: handle_of(&second) }));
    refused(&codes(&world.run(&by_name())), "unknown_table");
}

#[test]
fn a_saved_table_is_read_back_as_it_was() {
    let world = World::new();
    let meta = sample(&world);
    let few = table(world.run(&filter(&meta, greater("a", 4))));
    let name = Some("few".to_owned().into());
    let saved = table(world.run(&Command::Save { table: handle_of(&few), name }));
    assert_eq!(saved.handle, few.handle);
    for node in &world.nodes {
        node.shelf.remove(few.handle);
    }
    let columns = world.values(&mean(&few, "b"));
    let Opened::Mean { sum, count } = &columns[0].data else { panic!("no mean") };
    assert_eq!((sum[0], count[0]), (150, 4));
}

#[test]
fn nonsense_is_refused_without_harm() {
    let world = World::new();
    let meta = sample(&world);
    let text = |command: &str| {
        let request = Request { job: job(), command: command.into(), rows: None, authority: None };
        let body = body(&request, &[]);
        codes(&world.ask([body.clone(), body.clone(), body]))
    };
    refused(&text("{}"), "command_unreadable");
    refused(&text("{\"get\":{\"table\":{\"step\":0}}}"), "unknown_step");
    refused(&codes(&world.run(&mean(&meta, "nobody"))), "unknown_column");
    for bytes in [&b""[..], &[255; 64], b"\x02\0\0\0{}", &encode(&JobId([1; 32]), &[]).unwrap()] {
        for route in Route::ALL {
            let _ = world.nodes[0].answer(route, bytes);
        }
        assert!(world.nodes[0].answer(Route::Command, bytes).is_err());
    }
    sample(&world);
}

#[test]
fn the_embedded_engine_is_three_servers_and_asks_for_nothing() {
    let nodes = crate::embedded::start().unwrap();
    assert_eq!(nodes[2].info().node, 2);
}

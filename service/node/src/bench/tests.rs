//! Three parties in this process, over memory wires.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::party::Bench;
use super::workloads::{WORKLOADS, Workload, find};
use crate::net::{Limits, Order, Post, SlowWire, Touches, Wire, memory_wires};
use vdl_command::JobId;

/// Runs `work` as three parties; whoever fails says why.
fn run(work: &'static Workload, rows: usize, slow: Option<(Duration, f64)>) -> Result<(), String> {
    let wires = memory_wires();
    let posts = [0, 1, 2].map(|node| Post::new(Limits::default(), Order::new(node, 1)).0);
    wires[0].connect(&posts);
    // All of them before anybody sends: frames for a job that is not known are dropped.
    let boxes = [0, 1, 2].map(|id: usize| posts[id].open(JobId([1; 32]), Touches::default()).unwrap());
    let running = [0, 1, 2].map(|id: usize| {
        let mailbox = boxes[id].clone();
        let wire: Arc<dyn Wire> = match slow {
            Some((delay, rate)) => SlowWire::over(wires[id].clone(), delay, Some(rate)).unwrap(),
            None => wires[id].clone(),
        };
        let bench =
            Bench { id, wire, mailbox, patience: Duration::from_secs(60), round_trip: Duration::ZERO };
        thread::spawn(move || bench.workload(work, rows, 1).map(drop).map_err(|error| error.to_string()))
    });
    running.map(|thread| thread.join().unwrap()).into_iter().collect()
}

#[test]
fn every_workload_gives_what_the_clear_text_gives() {
    for work in WORKLOADS {
        for rows in [1, 2, 20, 130] {
            run(work, rows, None).unwrap_or_else(|error| panic!("{} of {rows}: {error}", work.name));
        }
    }
}

#[test]
fn a_wrong_answer_is_no_measurement() {
    let expected = find("equality").unwrap().expected;
    let wrong = Workload { name: "wrong", expected, ..*find("less-than").unwrap() };
    let wrong: &'static Workload = Box::leak(Box::new(wrong));
    assert!(run(wrong, 100, None).unwrap_err().contains("wrong result"));
}

#[test]
fn a_long_and_narrow_line_delays_what_passes_it() {
    let and = find("and").unwrap();
    let started = Instant::now();
    // 8000 bytes there and 8000 bytes back for the opening, at a megabit a second, and the way.
    run(and, 1000, Some((Duration::from_millis(30), 1e6))).unwrap();
    assert!(started.elapsed() > Duration::from_millis(2 * (64 + 30)));
}

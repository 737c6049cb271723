//! Starts the three processes of each measurement and puts their answers together.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::party::{Answer, Slow, Task, Work};
use super::report::{HEADER, Row, median};
use super::workloads::{WORKLOADS, Workload, find};
use crate::cluster;
use crate::error::NodeError;
use crate::net::Identity;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// A program and its arguments that call [`super::serve`].
    pub program: (PathBuf, Vec<String>),
    /// All of them, if none is named.
    pub workloads: Vec<String>,
    /// Each workload's own number of rows, if none is given.
    pub rows: Vec<usize>,
    pub repeat: usize,
    /// A wide-area link: milliseconds one way, and megabits a second in each direction of each pair.
    pub delay_ms: f64,
    pub rate_mbit: Option<f64>,
}

/// What the links do.
struct Floor {
    bytes_per_second: f64,
    round_seconds: f64,
}

/// Measures one after the other, so that nothing runs side by side; `tell` gets each line as it is known.
pub fn run(options: &Options, mut tell: impl FnMut(&str)) -> Result<Vec<Row>, NodeError> {
    let chosen = chosen(&options.workloads)?;
    let (bytes, seconds, round_seconds) = match Trio::measure(options, &Work::Floor)?.map(of_floor) {
        [Some(a), Some(b), Some(c)] => (a.0 + b.0 + c.0, a.1.max(b.1).max(c.1), median(&[a.2, b.2, c.2])),
        _ => return Err(NodeError::Link("the links could not be measured".into())),
    };
    let floor = Floor { bytes_per_second: bytes as f64 / seconds, round_seconds };
    let (speed, round) = (floor.bytes_per_second / 1e9, round_seconds * 1e6);
    tell(&format!("links: {speed:.2} GB/s in all, {round:.0} microseconds a round"));
    tell(HEADER);
    let mut rows = Vec::new();
    for workload in chosen {
        let own = [workload.rows];
        let sizes = if options.rows.is_empty() { &own[..] } else { &options.rows };
        for size in sizes {
            let row = measure(options, workload, *size, &floor)?;
            tell(&row.to_string());
            rows.push(row);
        }
    }
    Ok(rows)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Workload>, NodeError> {
    if names.is_empty() {
        return Ok(WORKLOADS.iter().collect());
    }
    let unknown = |name: &String| {
        let known: Vec<_> = super::names().collect();
        NodeError::Config(format!("no workload is called `{name}`; there are {}", known.join(", ")))
    };
    names.iter().map(|name| find(name).ok_or_else(|| unknown(name))).collect()
}

fn measure(options: &Options, workload: &Workload, rows: usize, floor: &Floor) -> Result<Row, NodeError> {
    let work = Work::Workload { name: workload.name.into(), rows, repeat: options.repeat };
    let answers = Trio::measure(options, &work)?;
    let mut row = Row {
        workload: workload.name.into(),
        rows,
        seconds: 0.0,
        repeats: vec![0.0; options.repeat],
        bytes_sent: [0; 3],
        rounds: 0,
        peak_memory_bytes: [0; 3],
        floor_seconds: 0.0,
        ratio: 0.0,
        link_bytes_per_second: floor.bytes_per_second,
        link_round_seconds: floor.round_seconds,
    };
    let places = row.bytes_sent.iter_mut().zip(&mut row.peak_memory_bytes);
    for (answer, (sent, peak)) in answers.into_iter().zip(places) {
        let Answer::Workload { seconds, bytes_sent, rounds, peak_memory } = answer else {
            return Err(NodeError::Link("a process answered something else".into()));
        };
        row.repeats.iter_mut().zip(seconds).for_each(|(most, seconds)| *most = most.max(seconds));
        (*sent, *peak) = (bytes_sent, peak_memory);
        row.rounds = row.rounds.max(rounds);
    }
    row.seconds = median(&row.repeats);
    row.floor_seconds = row.bytes_sent.iter().sum::<u64>() as f64 / floor.bytes_per_second;
    row.ratio = row.seconds / row.floor_seconds;
    Ok(row)
}

fn of_floor(answer: Answer) -> Option<(u64, f64, f64)> {
    match answer {
        Answer::Floor { bytes, seconds, round_seconds } => Some((bytes, seconds, round_seconds)),
        Answer::Workload { .. } => None,
    }
}

/// The three processes of one measurement. Dropping it ends them.
struct Trio(Vec<Child>);

impl Trio {
    fn measure(options: &Options, work: &Work) -> Result<[Answer; 3], NodeError> {
        let mut trio = Self(Vec::with_capacity(3));
        for task in tasks(options, work)? {
            trio.start(options, &task)?;
        }
        let mut answers = Vec::with_capacity(3);
        for child in &mut trio.0 {
            let mut line = String::new();
            if let Some(output) = child.stdout.take() {
                BufReader::new(output).read_line(&mut line).map_err(NodeError::bench)?;
            }
            let failed = |_| NodeError::Link("a process of the benchmark ended; its reason is above".into());
            answers.push(serde_json::from_str(&line).map_err(failed)?);
        }
        answers.try_into().map_err(|_| NodeError::Link("not three answers".into()))
    }

    fn start(&mut self, options: &Options, task: &Task) -> Result<(), NodeError> {
        let (program, arguments) = &options.program;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(NodeError::bench)?;
        let line = serde_json::to_string(task).map_err(NodeError::bench)?;
        // It stays open: its end is how a process notices that nobody waits for it.
        let told = child.stdin.as_mut().map(|input| writeln!(input, "{line}"));
        self.0.push(child);
        told.transpose().map_err(NodeError::bench).map(drop)
    }
}

impl Drop for Trio {
    fn drop(&mut self) {
        for child in &mut self.0 {
            drop(child.stdin.take());
        }
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Fresh certificates and free ports.
fn tasks(options: &Options, work: &Work) -> Result<Vec<Task>, NodeError> {
    let ports = cluster::free_ports(3)?;
    let identities = ports.iter().map(|_| Identity::generate("vdl bench", &["localhost"]));
    let identities = identities.collect::<Result<Vec<_>, _>>()?;
    let slow = (options.delay_ms > 0.0 || options.rate_mbit.is_some()).then(|| Slow {
        delay: std::time::Duration::from_secs_f64(options.delay_ms.max(0.0) / 1e3),
        bits_per_second: options.rate_mbit.map(|rate| rate * 1e6),
    });
    let mut nodes = ports.iter().zip(&identities).cycle();
    let mut tasks = Vec::with_capacity(3);
    for node in 0..3 {
        let Some((port, identity)) = nodes.next() else { break };
        let mut others = nodes.clone();
        let (Some(next), Some(previous)) = (others.next(), others.next()) else { break };
        tasks.push(Task {
            node,
            port: *port,
            certificate: identity.certificate.clone(),
            key: identity.key.to_string(),
            peer_ports: [*next.0, *previous.0],
            peer_certificates: [next.1.certificate.clone(), previous.1.certificate.clone()],
            slow,
            work: work.clone(),
        });
    }
    Ok(tasks)
}

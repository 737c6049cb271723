//! One of the three processes: it gets a task on its standard input and answers on its standard output.

use std::io::{BufRead, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vdl_command::JobId;
use vdl_protocol::{PairKeys, Party};
use vdl_transport::{Lane, Peer, TransportError};
use zeroize::Zeroizing;

use super::memory;
use super::workloads::{Workload, find};
use crate::error::NodeError;
use crate::net::{
    Identity, Limits, LinkConfig, Links, Mailbox, NodeLane, Order, PEERS, Post, SlowWire, Touches, Wire,
};

/// All that one process needs to know.
#[derive(Serialize, Deserialize)]
pub(super) struct Task {
    pub node: u8,
    pub port: u16,
    pub certificate: String,
    pub key: String,
    /// Of the next and of the previous node.
    pub peer_ports: [u16; 2],
    pub peer_certificates: [String; 2],
    pub slow: Option<Slow>,
    pub work: Work,
}

/// A link that is longer and narrower than this machine's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slow {
    /// One way.
    pub delay: Duration,
    pub bits_per_second: Option<f64>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Work {
    Floor,
    Workload { name: String, rows: usize, repeat: usize },
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Floor { bytes: u64, seconds: f64, round_seconds: f64 },
    Workload { seconds: Vec<f64>, bytes_sent: u64, rounds: u64, peak_memory: u64 },
}

const JOB: JobId = JobId([7; 32]);
const OWN_LANE: u16 = 0;
const PROTOCOL_LANE: u16 = 1;

/// Reads a task, works on it with the two others, writes the answer. The process ends when its input ends:
/// whoever started it has all answers, or is gone.
pub fn serve() -> Result<(), NodeError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(NodeError::bench)?;
    let task: Task = serde_json::from_str(&line).map_err(NodeError::bench)?;
    let gone = std::thread::spawn(|| {
        while matches!(std::io::stdin().lock().read(&mut [0; 64]), Ok(1..)) {}
        std::process::exit(1);
    });
    let answer = work(&task)?;
    let answer = serde_json::to_string(&answer).map_err(NodeError::bench)?;
    writeln!(std::io::stdout(), "{answer}").map_err(NodeError::bench)?;
    // The others may still wait for this process's last message: the connections end with all three.
    let _ = gone.join();
    Ok(())
}

fn work(task: &Task) -> Result<Answer, NodeError> {
    let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let identity = Identity { certificate: task.certificate.clone(), key: Zeroizing::new(task.key.clone()) };
    let config = LinkConfig {
        identity,
        addresses: task.peer_ports.map(local),
        certificates: task.peer_certificates.clone(),
    };
    let limits = Limits { round: Duration::from_secs(600), ..Limits::default() };
    let (post, _inquiries) = Post::new(limits, Order::new(task.node, 1));
    // Before anybody can send: frames for a job that is not known are dropped.
    let mailbox = post.open(JOB, Touches::default()).map_err(|_| NodeError::Link("no mailbox".into()))?;
    let listener = TcpListener::bind(local(task.port)).map_err(NodeError::bench)?;
    let links = Links::start(post, listener, &config)?;
    links
        .wait_until_up(Duration::from_secs(15))
        .map_err(|peer| NodeError::Link(format!("the {peer:?} process does not answer")))?;
    let wire: Arc<dyn Wire> = match task.slow {
        Some(slow) => SlowWire::over(links, slow.delay, slow.bits_per_second)?,
        None => links,
    };
    let round_trip = task.slow.map_or(Duration::ZERO, |slow| 2 * slow.delay);
    let bench = Bench { id: task.node.into(), wire, mailbox, patience: limits.round, round_trip };
    match &task.work {
        Work::Floor => bench.floor(),
        Work::Workload { name, rows, repeat } => {
            let found =
                find(name).ok_or_else(|| NodeError::Config(format!("no workload is called {name}")))?;
            bench.workload(found, *rows, *repeat)
        }
    }
}

/// One party, connected.
pub(super) struct Bench {
    pub id: usize,
    pub wire: Arc<dyn Wire>,
    pub mailbox: Arc<Mailbox>,
    pub patience: Duration,
    /// What the protocols are told; the same at all three.
    pub round_trip: Duration,
}

/// Bytes of one message of the floor, and the pieces it is sent in.
const MESSAGE: usize = 16 << 20;
const PIECE: usize = 1 << 20;
/// The floor is measured until it has taken this long.
const LONG_ENOUGH: f64 = 0.7;
const ROUNDS: u32 = 2000;

impl Bench {
    fn lane(&self, lane: u16) -> NodeLane {
        NodeLane::new(self.wire.clone(), self.mailbox.clone(), lane, self.patience)
    }

    /// Nobody goes on before all are here.
    fn meet(&self, lane: &mut NodeLane) -> Result<(), TransportError> {
        PEERS.into_iter().try_for_each(|peer| lane.send(peer, "meet", vec![]))?;
        PEERS.into_iter().try_for_each(|peer| lane.receive(peer, "meet", 0).map(drop))
    }

    /// What the links themselves can do: everybody sends large messages to the previous party.
    fn floor(&self) -> Result<Answer, NodeError> {
        let mut lane = self.lane(OWN_LANE);
        let mut pieces: Vec<Vec<u8>> = (0..MESSAGE / PIECE).map(|_| vec![1; PIECE]).collect();
        let (mut messages, mut seconds) = (1, 0.0);
        loop {
            self.meet(&mut lane)?;
            let start = Instant::now();
            for _ in 0..messages {
                for piece in &mut pieces {
                    lane.send(Peer::Previous, "floor", std::mem::take(piece))?;
                }
                for piece in &mut pieces {
                    *piece = lane.receive(Peer::Next, "floor", PIECE)?;
                }
            }
            seconds = f64::max(seconds, start.elapsed().as_secs_f64());
            if self.enough(&mut lane, seconds >= LONG_ENOUGH)? {
                break;
            }
            (messages, seconds) = (messages * 2, 0.0);
        }
        let round_seconds = self.rounds(&mut lane)?;
        Ok(Answer::Floor { bytes: (messages * MESSAGE) as u64, seconds, round_seconds })
    }

    /// Party 0 decides.
    fn enough(&self, lane: &mut NodeLane, enough: bool) -> Result<bool, TransportError> {
        let leader = PEERS.into_iter().find(|peer| peer.of(self.id) == 0);
        match leader {
            None => {
                PEERS.into_iter().try_for_each(|peer| lane.send(peer, "enough", vec![enough.into()]))?;
                Ok(enough)
            }
            Some(leader) => Ok(lane.receive(leader, "enough", 1)? == [1]),
        }
    }

    /// Seconds of a round of small messages: few of them where they take long.
    fn rounds(&self, lane: &mut NodeLane) -> Result<f64, TransportError> {
        let mut count = 10;
        loop {
            self.meet(lane)?;
            let start = Instant::now();
            for _ in 0..count {
                lane.send(Peer::Previous, "round", vec![0; 8])?;
                lane.receive(Peer::Next, "round", 8)?;
            }
            let seconds = start.elapsed().as_secs_f64() / f64::from(count);
            if self.enough(lane, count == ROUNDS || seconds > 1e-3)? {
                return Ok(seconds);
            }
            count = ROUNDS;
        }
    }

    pub fn workload(&self, work: &Workload, rows: usize, repeat: usize) -> Result<Answer, NodeError> {
        let mut lane = self.lane(OWN_LANE);
        let mut party = self.party();
        let inputs = work.inputs(rows);
        let mut expected = Vec::new();
        let mut seconds = Vec::with_capacity(repeat);
        let (mut spent, mut peak_memory) = (party.costs(), 0);
        for turn in 0..repeat.max(1) {
            // Fresh shares each time: a conversion that is left beside a column would speed up the next turn.
            let shares = inputs.iter().enumerate();
            let shares = shares.map(|(n, table)| table.share(self.id, n)).collect();
            memory::start_counting();
            self.meet(&mut lane)?;
            let (start, before) = (Instant::now(), party.costs());
            let made = work.run(&mut party, &inputs, shares).map_err(NodeError::bench)?;
            seconds.push(start.elapsed().as_secs_f64());
            spent = party.costs();
            spent.rounds -= before.rounds;
            spent.bytes_sent -= before.bytes_sent;
            if turn == 0 {
                peak_memory = memory::most();
                expected = work.expected(&inputs);
            }
            let opened = made.open(&mut party).map_err(NodeError::bench)?;
            if !work.is_right(&opened, &expected) {
                return Err(NodeError::Config(format!("{} of {rows} rows gave a wrong result", work.name)));
            }
        }
        Ok(Answer::Workload { seconds, bytes_sent: spent.bytes_sent, rounds: spent.rounds, peak_memory })
    }

    /// Keys that the pairs have in common; these are no secrets.
    fn party(&self) -> Party {
        let previous = (self.id + 2) % 3;
        let keys = PairKeys { next: [self.id as u8; 32], previous: [previous as u8; 32] };
        let lane = |lane| Box::new(self.lane(PROTOCOL_LANE + lane)) as Box<dyn Lane>;
        // All three run on this machine, so they offer the same.
        let further = (1..Limits::default().lanes).map(lane);
        Party::new(self.id, lane(0), keys, PROTOCOL_LANE).with_lanes(further).with_round_trip(self.round_trip)
    }
}

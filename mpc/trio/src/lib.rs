//! The test world: three parties in one process, a seed, recording and tampering.
//!
//! For tests and measurements only. Here one process holds all three components, so nothing is secret.

pub mod registry;
mod tamper;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vdl_protocol::{Context, Costs, PairKeys, Party};
use vdl_share::{
    Keystream, Planes, Ring, Shared, reconstruct_planes, reconstruct_ring, shares_for, split_planes,
    split_ring,
};
use vdl_transport::{Lane, memory};

pub use tamper::{Tamper, Trick};
pub use wire::Message;

use wire::Wire;

/// Three parties whose randomness comes from one printed seed.
pub struct Trio {
    seed: u64,
    uses: u64,
    timeout: Duration,
    tamper: Option<Tamper>,
    contexts: bool,
    payloads: bool,
    lanes: u16,
    round_trip: Duration,
    /// What the last run sent and spent.
    pub last: Record,
}

/// What a run looked like from outside, and what it cost.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// In the order each party sent them, party 0 first.
    pub messages: Vec<Message>,
    pub costs: [Costs; 3],
    /// Every use of pairwise randomness of each party, where asked for.
    pub contexts: [Vec<Context>; 3],
}

impl Record {
    pub fn rounds(&self) -> u64 {
        self.costs[0].rounds
    }

    /// Bytes sent by all three parties.
    pub fn bytes(&self) -> u64 {
        self.costs.iter().map(|costs| costs.bytes_sent).sum()
    }
}

impl Trio {
    /// Prints the seed, so that a failing test can be run again.
    pub fn new(seed: u64) -> Self {
        println!("trio seed {seed}");
        let timeout = Duration::from_secs(60);
        Self {
            seed,
            uses: 0,
            timeout,
            tamper: None,
            contexts: false,
            payloads: false,
            lanes: 1,
            round_trip: Duration::ZERO,
            last: Record::default(),
        }
    }

    /// No party waits longer than this for a message.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// One party misbehaves on the wire.
    pub fn tamper(mut self, tamper: Tamper) -> Self {
        self.tamper = Some(tamper);
        self
    }

    /// Every party works on so many lanes.
    pub fn lanes(mut self, lanes: u16) -> Self {
        self.lanes = lanes;
        self
    }

    /// Keeps what is in the messages.
    pub fn record_payloads(mut self) -> Self {
        self.payloads = true;
        self
    }

    /// The parties think that they are so far apart.
    pub fn round_trip(mut self, time: Duration) -> Self {
        self.round_trip = time;
        self
    }

    pub fn record_contexts(mut self) -> Self {
        self.contexts = true;
        self
    }

    /// 16 bytes that differ from call to call and depend on the seed only.
    fn fresh(&mut self) -> [u8; 16] {
        self.uses += 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(&self.uses.to_le_bytes());
        let mut out = [0; 16];
        hasher.finalize_xof().fill(&mut out);
        out
    }

    /// Runs `work` as each of the three parties, on three threads.
    pub fn run<T: Send>(&mut self, work: impl Fn(&mut Party) -> T + Sync) -> [T; 3] {
        let seed = self.fresh();
        let keys: [[u8; 32]; 3] = std::array::from_fn(|pair| {
            let mut stream = Keystream::new(&seed);
            stream.words::<[u8; 32]>(3)[pair]
        });
        let log = Arc::new(Mutex::new(Vec::new()));
        let round_trip = self.round_trip;
        let cancelled = Arc::default();
        let mut further: [Vec<Box<dyn Lane>>; 3] = Default::default();
        for number in 1..self.lanes {
            let lanes = memory::lanes_for([0; 32], number, self.timeout, &cancelled);
            for (party, lane) in lanes.into_iter().enumerate() {
                let wire =
                    Wire::new(party, number, lane, log.clone(), self.tamper.filter(|t| t.party == party));
                further[party].push(Box::new(wire));
            }
        }
        let mut further = further.into_iter();
        let lanes = memory::lanes_for([0; 32], 0, self.timeout, &cancelled);
        let (tamper, contexts, payloads, work) = (self.tamper, self.contexts, self.payloads, &work);
        let ends = std::thread::scope(|scope| {
            let mut id = 0;
            let running = lanes.map(|lane| {
                let party = id;
                id += 1;
                // Key `i` belongs to parties `i` and `i + 1`.
                let keys = PairKeys { next: keys[party], previous: keys[(party + 2) % 3] };
                let wire = Wire::new(party, 0, lane, log.clone(), tamper.filter(|t| t.party == party))
                    .keep_payloads(payloads);
                let further = further.next().unwrap_or_default();
                scope.spawn(move || {
                    let mut party = Party::new(party, Box::new(wire), keys, 0).with_lanes(further);
                    party = party.with_round_trip(round_trip);
                    if contexts {
                        party.record_contexts();
                    }
                    let result = work(&mut party);
                    (result, party.costs(), party.contexts())
                })
            });
            running.map(|thread| match thread.join() {
                Ok(end) => end,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        });
        let mut messages = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
        messages.sort_by_key(|message: &Message| (message.from, message.lane, message.number));
        self.last = Record { messages, ..Record::default() };
        let mut party = 0;
        ends.map(|(result, costs, contexts)| {
            self.last.costs[party] = costs;
            self.last.contexts[party] = contexts;
            party += 1;
            result
        })
    }

    /// What each party holds of some bits.
    pub fn share_planes(&mut self, bits: &Planes) -> [Shared<Planes>; 3] {
        let components = split_planes(bits, &[self.fresh(), self.fresh()]);
        [0, 1, 2].map(|id| shares_for(id, &components))
    }

    /// What each party holds of some values, as planes.
    pub fn share_values(&mut self, values: &[u64], width: usize) -> [Shared<Planes>; 3] {
        self.share_planes(&Planes::from_values(values, width))
    }

    /// What each party holds of a ring column.
    pub fn share_ring<R: Ring>(&mut self, values: &[R]) -> [Shared<Vec<R>>; 3] {
        let components = split_ring(values, &[self.fresh(), self.fresh()]);
        [0, 1, 2].map(|id| shares_for(id, &components))
    }
}

/// The bits behind three parties' shares; the copies must agree.
#[track_caller]
pub fn planes_of(shares: &[Shared<Planes>; 3]) -> Planes {
    match reconstruct_planes(shares) {
        Ok(planes) => planes,
        Err(error) => die(&error.to_string()),
    }
}

/// The values behind three parties' shares of planes.
#[track_caller]
pub fn values_of(shares: &[Shared<Planes>; 3]) -> Vec<u64> {
    planes_of(shares).to_values()
}

/// The ring column behind three parties' shares.
#[track_caller]
pub fn ring_of<R: Ring>(shares: &[Shared<Vec<R>>; 3]) -> Vec<R> {
    match reconstruct_ring(shares) {
        Ok(column) => column,
        Err(error) => die(&error.to_string()),
    }
}

/// Ends a test: shares that do not fit together are a failure of what made them.
#[track_caller]
#[allow(clippy::panic)]
fn die(why: &str) -> ! {
    panic!("{why}")
}

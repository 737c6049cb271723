//! Randomness that each pair of parties has in common.

use vdl_share::Keystream;
use vdl_transport::Peer;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The secrets this party shares with each of the other two, fresh for every job.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PairKeys {
    pub next: [u8; 32],
    pub previous: [u8; 32],
}

impl std::fmt::Debug for PairKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PairKeys(..)")
    }
}

/// Where a stream of randomness is used. No context occurs twice under one key: the step number only
/// grows, and no step asks twice for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Context {
    pub peer: Peer,
    pub lane: u16,
    pub number: u64,
    pub step: &'static str,
    pub purpose: &'static str,
}

pub struct Randomness {
    keys: PairKeys,
    recorded: Option<Vec<Context>>,
}

impl Randomness {
    pub fn new(keys: PairKeys) -> Self {
        Self { keys, recorded: None }
    }

    pub fn keys(&self) -> PairKeys {
        self.keys.clone()
    }

    pub fn record(&mut self) {
        self.recorded.get_or_insert_default();
    }

    pub fn recorded(&self) -> &[Context] {
        self.recorded.as_deref().unwrap_or_default()
    }

    /// The same stream at both parties of the pair, and at nobody else.
    pub fn stream(&mut self, context: Context) -> Keystream {
        let mut key = self.derive(&context);
        let stream = Keystream::new(&key);
        key.zeroize();
        if let Some(recorded) = &mut self.recorded {
            recorded.push(context);
        }
        stream
    }

    fn derive(&self, context: &Context) -> [u8; 16] {
        let pair = match context.peer {
            Peer::Next => &self.keys.next,
            Peer::Previous => &self.keys.previous,
        };
        let mut hasher = blake3::Hasher::new_derive_key("vdl 2026 pairwise randomness v1");
        hasher.update(pair);
        hasher.update(&context.lane.to_le_bytes());
        hasher.update(&context.number.to_le_bytes());
        for name in [context.step, context.purpose] {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
        }
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        hasher.zeroize();
        key
    }
}

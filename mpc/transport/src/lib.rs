//! Ordered lanes of bytes between three parties: the trait, the framing, a memory twin.
//!
//! A lane knows nothing of shares. Every frame carries a label that both ends compute for themselves;
//! a frame that is long, short, repeated, out of order or misnamed is an error, never a hang.

mod frame;
mod label;
pub mod memory;

use std::time::Duration;

use thiserror::Error;

pub use frame::{Assembler, Frame, FrameError, MAX_PAYLOAD};
pub use label::Labels;

/// One of the other two parties, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Party `i + 1` (mod 3).
    Next,
    /// Party `i - 1` (mod 3).
    Previous,
}

impl Peer {
    /// The number of this peer of party `id`.
    pub fn of(self, id: usize) -> usize {
        match self {
            Peer::Next => (id + 1) % 3,
            Peer::Previous => (id + 2) % 3,
        }
    }
}

/// A pair of ordered byte streams to the two other parties, for one lane of one job.
pub trait Lane: Send {
    /// Hands `payload` over; may return before it has arrived. `step` names the protocol step.
    fn send(&mut self, to: Peer, step: &'static str, payload: Vec<u8>) -> Result<(), TransportError>;

    /// Waits for the next frame, which must be `step` and exactly `length` bytes.
    fn receive(&mut self, from: Peer, step: &'static str, length: usize) -> Result<Vec<u8>, TransportError>;
}

/// Why a frame could not be exchanged. None of these says anything about the payload.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransportError {
    #[error("no message from the {from:?} party within {waited:?} at `{step}`")]
    TimedOut { from: Peer, step: &'static str, waited: Duration },
    #[error("the connection to the {peer:?} party is closed")]
    Closed { peer: Peer },
    #[error("expected frame {expected} from the {from:?} party, got {got}")]
    WrongFrame { from: Peer, expected: String, got: String },
    #[error("the job was cancelled")]
    Cancelled,
    #[error("the {peer:?} party stopped: {reason}")]
    PeerStopped { peer: Peer, reason: String },
}

//! Sealed parcels: requests that somebody relays and cannot read.
//!
//! ```text
//! parcel = enc (32 bytes), frame ...           HPKE base mode, info "vdl sealed request 1"
//! frame  = length u32, ciphertext              AAD "last" in the last frame, "more" in those before
//! plain  = length u8, path, body               the plaintexts of all frames, one after the other
//! answer = nonce (16 bytes), ciphertext        of status u16 and body
//! ```
//!
//! Numbers are little-endian. The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180);
//! the key of an answer is derived as RFC 9458 does in section 4.4. Randomness is an argument.

mod answer;
mod entropy;
mod parcel;

pub use answer::AnswerKey;
pub use parcel::{Opened, SealingKey, seal};

use thiserror::Error;

/// Plaintext of one frame, at most.
pub const LARGEST_FRAME: usize = 1 << 20;

/// Why a parcel or an answer was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    #[error("a sealing key that is none")]
    Key,
    /// Whoever made it has another key in mind, or it was altered on the way: nobody can tell which.
    #[error("the parcel is not for this server, or was altered")]
    Unreadable,
    #[error("the parcel is cut, or a part of it is longer than it may be")]
    Malformed,
    #[error("the parcel holds more than {limit} bytes")]
    TooLong { limit: usize },
}

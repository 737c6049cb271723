//! Fixed-width identifiers: 256 bits, written as 64 upper-case hexadecimal characters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; 32]);

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let well_formed = text.len() == 64
                    && text.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
                let mut bytes = [0; 32];
                if well_formed && hex::decode_to_slice(text, &mut bytes).is_ok() {
                    Ok(Self(bytes))
                } else {
                    Err(concat!($what, " is 64 upper-case hexadecimal characters").to_owned())
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                hex::encode_upper(id.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode_upper(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode_upper(self.0))
            }
        }
    };
}

identifier!(
    /// The name of a table on the servers. Random, so that it cannot be guessed.
    Handle, "a handle");
identifier!(
    /// A BLAKE3 digest.
    Digest, "a digest");
identifier!(
    /// One execution of one command; chosen at random by the client, new for every attempt.
    JobId, "a job id");
identifier!(
    /// One server's contribution to a run id.
    Nonce, "a nonce");

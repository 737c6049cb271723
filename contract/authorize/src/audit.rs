//! The audit log of a server: what it let run, and what it refused. One entry a line; each names the one
//! before it by its digest, and the other two servers sign how far they have seen it.
//!
//! **Writing:** [`Head::follow`] makes the next line. [`sign_head`] is what a peer answers to a head that
//! it was shown; [`verify_head`] checks such an answer.
//!
//! **Reading:** [`read_log`] follows one log from line to line, [`compare_logs`] holds logs against the
//! heads that were signed. What does not fit is a [`Finding`], which names the place.

mod check;
mod words;

use serde::{Deserialize, Serialize};
use vdl_command::{Digest, Handle, JobId, Nonce, ReadError, write_strict};

pub use check::{Finding, Log, LogEntry, compare_logs, read_log};

use crate::envelope::pae;
use crate::keys::{SigningKey, VerifyingKey};
use crate::revocation::Revoked;

const HEAD_TYPE: &str = "application/vnd.vdl.head.v1";
/// No entry is longer, its end of line included.
pub const LONGEST_ENTRY: usize = 64 << 10;
/// Tables of a step that stand in its entry one by one.
pub const MOST_LISTED: usize = 500;

/// How far a log goes: the number and the digest of its last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub sequence: u64,
    pub digest: Digest,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 1, without gaps but those that a restored backup leaves and names.
    pub sequence: u64,
    /// Unix seconds on the server's clock; decides nothing.
    pub time: i64,
    /// Digest of the line before, zeros in the first one.
    pub previous: Digest,
    pub event: Event,
}

/// What happened. No value of a table is ever in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The server was started. `key` (SPKI in base64) is the one it signs heads of its peers with.
    Opened {
        node: u8,
        environment: String,
        version: String,
        key: String,
    },
    /// From here on this policy holds; `pinned` says that it stands in the server's configuration.
    Policy {
        version: u32,
        digest: Digest,
        pinned: bool,
    },
    /// A revocation was taken in; `digest` names its document.
    Revoked {
        digest: Digest,
        revokes: Revoked,
    },
    /// One more run of an approval was counted.
    Run {
        approval: Digest,
        /// SPKI in base64.
        analyst: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        script: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        purpose: Option<String>,
        /// The analyst's name for this start.
        start: Nonce,
        /// This server's nonce in the run.
        nonce: Nonce,
        /// Runs used, this one included.
        run: u64,
    },
    /// A start or a command that the analyst did sign was refused.
    Refused {
        approval: Digest,
        code: String,
    },
    /// A command was let through. Steps count from 0.
    Step {
        approval: Digest,
        nonce: Nonce,
        step: u32,
        /// [`job_digest`]; in older logs the number itself.
        job: Digest,
        command: Digest,
        /// As far as they are known when it comes, the first [`MOST_LISTED`].
        tables: Vec<Handle>,
        /// Where there are more, the [`tables_digest`] of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        all_tables: Option<Digest>,
    },
    /// Which table a name stood for.
    Resolved {
        approval: Digest,
        name: String,
        table: Handle,
    },
    /// A name was given to another table, which ended the approval for good.
    Void {
        approval: Digest,
        name: String,
    },
    /// A command ended: `table`, `opened`, `removed`, or the code of an error.
    Done {
        /// As in its step.
        job: Digest,
        outcome: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<Handle>,
    },
    Closed {
        approval: Digest,
        nonce: Nonce,
    },
    /// This server signed a head of the log of server `node`.
    Countersigned {
        node: u8,
        sequence: u64,
        head: Digest,
    },
    /// Server `by` signed a head of this log.
    Witnessed {
        by: u8,
        key: String,
        sequence: u64,
        head: Digest,
        signature: String,
    },
    /// A peer had seen this log up to entry `missing_to`, and here entries from `missing_from` on were
    /// missing or others: an older copy of the folder was put back. Goes on with the next number.
    Restored {
        missing_from: u64,
        missing_to: u64,
        head: Digest,
    },
    /// So many bytes of an unfinished last line were cut away when the server started.
    Recovered {
        cut: u64,
    },
}

impl Head {
    /// Of a log without entries.
    pub const START: Head = Head { sequence: 0, digest: Digest([0; 32]) };

    /// The next line, with its end of line, and the head it makes.
    pub fn follow(&self, time: i64, event: Event) -> Result<(Vec<u8>, Head), ReadError> {
        let last = match event {
            Event::Restored { missing_to, .. } => self.sequence.max(missing_to),
            _ => self.sequence,
        };
        let entry = Entry { sequence: last.saturating_add(1), time, previous: self.digest, event };
        let mut line = write_strict(&entry, false)?.into_bytes();
        let head = Head { sequence: entry.sequence, digest: entry_digest(&line) };
        line.push(b'\n');
        match line.len() <= LONGEST_ENTRY {
            true => Ok((line, head)),
            false => {
                let message = format!("an entry of the audit log has at most {LONGEST_ENTRY} bytes");
                Err(ReadError::In { message, path: "the entry".to_owned() })
            }
        }
    }
}

impl Event {
    /// Whose run it belongs to, where the entry says so itself.
    pub fn approval(&self) -> Option<Digest> {
        match self {
            Event::Run { approval, .. }
            | Event::Refused { approval, .. }
            | Event::Step { approval, .. }
            | Event::Resolved { approval, .. }
            | Event::Void { approval, .. }
            | Event::Closed { approval, .. } => Some(*approval),
            Event::Opened { .. }
            | Event::Policy { .. }
            | Event::Revoked { .. }
            | Event::Done { .. }
            | Event::Countersigned { .. }
            | Event::Witnessed { .. }
            | Event::Restored { .. }
            | Event::Recovered { .. } => None,
        }
    }
}

/// Names tables in their order, where an entry has no room for all of them.
pub fn tables_digest(tables: &[Handle]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("vdl audit tables 1");
    for table in tables {
        hasher.update(&table.0);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// Names a job to whoever reads a log. Whoever knows its number may cancel it, and so it stands in no log.
pub fn job_digest(job: JobId) -> Digest {
    Digest(blake3::derive_key("vdl audit job 1", &job.0))
}

/// A server's word that it saw the log of server `node` up to `head`.
pub fn sign_head(key: &SigningKey, environment: &str, node: u8, head: Head) -> String {
    key.sign(&head_message(environment, node, head))
}

/// Whether the owner of `key` gave that word.
pub fn verify_head(key: &VerifyingKey, environment: &str, node: u8, head: Head, signature: &str) -> bool {
    key.verifies(&head_message(environment, node, head), signature)
}

fn head_message(environment: &str, node: u8, head: Head) -> Vec<u8> {
    let environment = serde_json::Value::from(environment);
    let Head { sequence, digest } = head;
    let whose = format!(r#""environment":{environment},"node":{node}"#);
    pae(HEAD_TYPE, format!(r#"{{{whose},"sequence":{sequence},"head":"{digest}"}}"#).as_bytes())
}

/// Names an entry by its line, without the end of line.
fn entry_digest(line: &[u8]) -> Digest {
    Digest(blake3::derive_key("vdl audit entry 1", line))
}

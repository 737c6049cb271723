//! The audit log as this server writes it. A line is on its way to the disk before what it tells of is
//! answered, and the disk has it no later than the journal; without a line nothing is done.

use std::sync::{Mutex, PoisonError};

use vdl_authorize::SigningKey;
use vdl_authorize::audit::{Event, Head, LONGEST_ENTRY, read_log};
use vdl_command::{ErrorAnswer, Mode};
use vdl_store::Store;

use crate::agreement::random;
use crate::error::NodeError;
use crate::node::{NodeConfig, now};
use crate::refusal::{from_store, refuse};

/// Where the log stands; there is none in design mode.
pub(crate) struct Ledger(Option<Mutex<Head>>);

impl Ledger {
    /// Goes on behind the last whole line.
    pub fn open(config: &NodeConfig, store: &Store) -> Result<Self, NodeError> {
        if config.mode == Mode::Design {
            return Ok(Self(None));
        }
        // At most a whole line and what a crash left of the one behind it.
        let end = store.log_end(2 * LONGEST_ENTRY as u64)?;
        let (whole, cut) = end.split_at(end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        let ledger = Self(Some(Mutex::new(last(whole)?)));
        let note = |event| ledger.note(store, event).map_err(|answer| NodeError::Config(answer.message));
        if !cut.is_empty() {
            store.cut_log(cut.len() as u64)?;
            note(Event::Recovered { cut: cut.len() as u64 })?;
        }
        let fresh = random().map_err(|answer| NodeError::Config(answer.message))?;
        let key = SigningKey::from_seed(store.seed(fresh)?).verifying_key().to_base64();
        let key = key.map_err(|error| NodeError::Config(error.to_string()))?;
        let (node, environment) = (config.node, config.environment.clone());
        note(Event::Opened { node, environment, version: env!("CARGO_PKG_VERSION").to_owned(), key })?;
        store.flush()?;
        Ok(ledger)
    }

    /// Appends a line. It is durable with the next flush of the store.
    pub fn note(&self, store: &Store, event: Event) -> Result<(), ErrorAnswer> {
        let Some(head) = &self.0 else { return Ok(()) };
        let mut head = head.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, next) =
            head.follow(now(), event).map_err(|error| refuse("internal", error.to_string()))?;
        store.append_log(&line).map_err(from_store)?;
        *head = next;
        Ok(())
    }
}

/// The head that the last of some whole lines makes.
fn last(lines: &[u8]) -> Result<Head, NodeError> {
    let Some(text) = lines.strip_suffix(b"\n") else { return Ok(Head::START) };
    let start = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (log, _) = read_log(&lines[start..]);
    match log.entries.is_empty() {
        false => Ok(log.head()),
        true => Err(NodeError::Config(
            "the last line of audit.log is no entry; see what happened to it, then move the file away".into(),
        )),
    }
}

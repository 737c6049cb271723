//! The start of a run. Server 0 counts it first and the other two after it, so that of two sessions that
//! race for the last run the same one gets it on all three. Each still counts for itself: server 0 can
//! hold a start up, but not make the others exceed a limit.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vdl_command::{Digest, ErrorAnswer, JobId, Nonce, StartRun, StartedRun};
use vdl_transport::Peer;

use crate::net::{node_of, step};
use crate::node::{Node, now};
use crate::refusal::{from_store, refuse, request_missing};

/// What server 0 says of a start.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    approval: Digest,
    start: Nonce,
    /// Why it counted no run.
    refused: Option<ErrorAnswer>,
}

/// What server 0 has said; the oldest word is forgotten first.
#[derive(Default)]
pub(crate) struct Starts {
    words: Mutex<VecDeque<Word>>,
    changed: Condvar,
}

const MOST_WORDS: usize = 1024;

impl Starts {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Word>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest word on a start is the one that holds.
    fn hear(&self, word: Word) {
        let mut words = self.lock();
        words.retain(|earlier| !earlier.is_about(word.approval, word.start));
        if words.len() >= MOST_WORDS {
            words.pop_front();
        }
        words.push_back(word);
        self.changed.notify_all();
    }

    /// Waits for the word on a start. A run that was counted stays so; a refusal is heard once, for the
    /// same start may be sent again.
    fn wait(&self, start: &StartRun, patience: Duration) -> Result<(), ErrorAnswer> {
        let about = |word: &Word| word.is_about(start.approval, start.start);
        let silent = |words: &mut VecDeque<Word>| !words.iter().any(about);
        let waited = self.changed.wait_timeout_while(self.lock(), patience, silent);
        let mut words = waited.unwrap_or_else(PoisonError::into_inner).0;
        let place = words.iter().position(about).ok_or_else(|| request_missing(0, patience))?;
        match words.get(place).and_then(|word| word.refused.clone()) {
            None => Ok(()),
            Some(refused) => {
                words.remove(place);
                Err(refused)
            }
        }
    }
}

impl Word {
    fn is_about(&self, approval: Digest, start: Nonce) -> bool {
        self.approval == approval && self.start == start
    }
}

impl Node {
    /// Starts a run: the same start is always the same run, however often it comes.
    pub(crate) fn start_run(&self, start: &StartRun, envelope: &[u8]) -> Result<StartedRun, ErrorAnswer> {
        let checked = self.authorities.check_start(start, envelope, now())?;
        let known = self.store.started(start.approval, start.start).map_err(from_store)?;
        let count = || {
            self.authorities.check_goes_on(&self.store, &checked.approval, start.start.0)?;
            match known {
                Some(known) => {
                    Ok(StartedRun { approval: start.approval, nonce: known.nonce, run: known.run })
                }
                None => {
                    let started = self.authorities.start_run(&self.store, start, checked, envelope, now())?;
                    self.show_head().map(|()| started)
                }
            }
        };
        if self.config.node == 0 {
            // A start that not all three can count, under the same rules, is not begun.
            let ready = || self.wait_for_peers().and_then(|()| self.agree_on_standing());
            let started = if known.is_some() { Ok(()) } else { ready() }.and_then(|()| count());
            self.tell_start(start, started.as_ref().err())?;
            return started;
        }
        if known.is_none() {
            // Server 0 may itself wait so long for a connection, and for an answer.
            self.starts.wait(start, 3 * self.config.limits.connect)?;
            // Nor does this one take server 0's word for what the third goes by.
            self.agree_on_standing()?;
        }
        count()
    }

    /// Tells both peers; told again when the start comes again, for one that was down the first time.
    pub(crate) fn tell_start(
        &self,
        start: &StartRun,
        refused: Option<&ErrorAnswer>,
    ) -> Result<(), ErrorAnswer> {
        let refused = refused.map(|answer| ErrorAnswer { node: Some(0), ..answer.clone() });
        let word = Word { approval: start.approval, start: start.start, refused };
        let word = serde_json::to_vec(&word).map_err(|error| refuse("internal", error.to_string()))?;
        self.tell_peers(JobId([0; 32]), step::STARTED, &word);
        Ok(())
    }

    pub(crate) fn hear_start(&self, from: Peer, word: &[u8]) {
        match serde_json::from_slice(word) {
            Ok(word) if node_of(self.config.node, from) == 0 => self.starts.hear(word),
            _ => tracing::warn!(?from, "a word on a start that is not for this server to hear"),
        }
    }
}

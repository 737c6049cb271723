//! The audit log as this server writes it. A line is on its way to the disk before what it tells of is
//! answered, and the disk has it no later than the journal; without a line nothing is done.
//!
//! After each start and end of a run a server signs how far its log goes and shows that to the other two.
//! They sign it as well, and will sign nothing that goes less far: a log that was cut or put back is noticed,
//! and says so itself. A peer that saw more of it proves that with this server's own signature.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vdl_authorize::audit::{Event, Head, LONGEST_ENTRY, read_log, sign_head, verify_head};
use vdl_authorize::{SigningKey, VerifyingKey};
use vdl_command::{ErrorAnswer, JobId, Mode};
use vdl_store::Store;
use vdl_transport::{Frame, Peer};

use crate::agreement::random;
use crate::error::NodeError;
use crate::net::{PEERS, control, node_of, slot, step};
use crate::node::{Node, NodeConfig, now};
use crate::refusal::{from_store, refuse};

/// The log of this server; there is none in design mode.
pub(crate) struct Ledger(Option<Book>);

struct Book {
    head: Mutex<Head>,
    /// What this process found; what it writes comes behind it.
    found: u64,
    /// With it the heads of peers are signed.
    key: SigningKey,
    asked: Mutex<VecDeque<Asked>>,
    /// Of each peer.
    paces: Mutex<[Pace; 2]>,
}

/// A head that was shown, and which servers have signed it since.
struct Asked {
    head: Head,
    signed: [bool; 3],
}

/// Heads that may be signed; the oldest is forgotten first.
const MOST_ASKED: usize = 256;

/// How fast a peer's heads come: each that is written down is a line here, and its owner can make any number.
#[derive(Default)]
struct Pace {
    /// When one was written down.
    last: Option<Instant>,
    /// The farthest that came too soon after it.
    waiting: Option<Shown>,
}

/// One head of a peer in that time is enough: it vouches for all before it.
const HEAD_EVERY: Duration = Duration::from_secs(1);

/// To both peers: how far the log goes here, and the key this server signs with. They keep it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    head: Head,
    key: String,
    /// Under the head, by the server whose log it is: it can be held to what it showed.
    #[serde(default)]
    signature: String,
}

/// The answer: a signature, or what was seen already, with the signature under which it was shown.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Word {
    Signed { head: Head, key: String, signature: String },
    Known { head: Head, signature: String },
}

impl Ledger {
    /// Goes on behind the last whole line.
    pub fn open(config: &NodeConfig, store: &Store) -> Result<Self, NodeError> {
        if config.mode == Mode::Design {
            return Ok(Self(None));
        }
        // At most a whole line and what a crash left of the one behind it.
        let end = store.log_end(2 * LONGEST_ENTRY as u64)?;
        let (whole, cut) = end.split_at(end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        let fresh = random().map_err(|answer| NodeError::Config(answer.message))?;
        let (head, key) = (last(whole)?, SigningKey::from_seed(store.seed(fresh)?));
        let shown = shown(&key).map_err(|answer| NodeError::Config(answer.message))?;
        let (found, head) = (head.sequence, Mutex::new(head));
        let ledger = Self(Some(Book { head, found, key, asked: Mutex::default(), paces: Mutex::default() }));
        let note = |event| ledger.note(store, event).map_err(|answer| NodeError::Config(answer.message));
        if !cut.is_empty() {
            store.cut_log(cut.len() as u64)?;
            note(Event::Recovered { cut: cut.len() as u64 })?;
        }
        let (node, environment) = (config.node, config.environment.clone());
        note(Event::Opened { node, environment, version: env!("CARGO_PKG_VERSION").to_owned(), key: shown })?;
        store.flush()?;
        Ok(ledger)
    }

    /// Appends a line. It is durable with the next flush of the store.
    pub fn note(&self, store: &Store, event: Event) -> Result<(), ErrorAnswer> {
        let Some(book) = &self.0 else { return Ok(()) };
        let mut head = book.lock();
        let (line, next) =
            head.follow(now(), event).map_err(|error| refuse("internal", error.to_string()))?;
        store.append_log(&line).map_err(from_store)?;
        *head = next;
        Ok(())
    }
}

impl Book {
    fn lock(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, VecDeque<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on both peers may sign this head.
    fn ask(&self, head: Head) {
        let mut asked = self.asked();
        if asked.iter().any(|earlier| earlier.head == head) {
            return;
        }
        if asked.len() >= MOST_ASKED {
            asked.pop_front();
        }
        asked.push_back(Asked { head, signed: [false; 3] });
    }

    /// Notes that a server signs this head, unless it was noted before. What could not be noted may be noted
    /// again.
    fn once(
        &self,
        head: Head,
        by: u8,
        note: impl FnOnce() -> Result<(), ErrorAnswer>,
    ) -> Result<(), ErrorAnswer> {
        let mut asked = self.asked();
        let shown = asked.iter_mut().find(|shown| shown.head == head);
        let Some(signed) = shown.and_then(|shown| shown.signed.get_mut(usize::from(by))) else {
            let message = format!("server {by} signed an end of the log that it was not shown");
            return Err(refuse("servers_disagree", message));
        };
        if !*signed {
            note()?;
            *signed = true;
        }
        Ok(())
    }

    fn paces(&self) -> MutexGuard<'_, [Pace; 2]> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The farthest of a peer's heads, if it is time to write one down. Otherwise it waits.
    fn in_time(&self, from: Peer, shown: Shown) -> Option<Shown> {
        let mut paces = self.paces();
        let pace = &mut paces[slot(from)];
        let farthest = match pace.waiting.take() {
            Some(waiting) if waiting.head.sequence >= shown.head.sequence => waiting,
            _ => shown,
        };
        if pace.last.is_some_and(|last| last.elapsed() < HEAD_EVERY) {
            pace.waiting = Some(farthest);
            return None;
        }
        pace.last = Some(Instant::now());
        Some(farthest)
    }

    /// The head of a peer that has waited long enough.
    fn due(&self, from: Peer) -> Option<Shown> {
        let mut paces = self.paces();
        let pace = &mut paces[slot(from)];
        let waited = pace.last.is_some_and(|last| last.elapsed() >= HEAD_EVERY);
        pace.waiting.take_if(|_| waited)
    }
}

impl Node {
    /// Shows both peers how far the log goes. Only what is durable is shown.
    pub(crate) fn show_head(&self) -> Result<(), ErrorAnswer> {
        let Some(book) = &self.authorities.ledger.0 else { return Ok(()) };
        let head = *book.lock();
        self.store.flush().map_err(from_store)?;
        let signature = sign_head(&book.key, &self.config.environment, self.config.node, head);
        let shown = Shown { head, key: shown(&book.key)?, signature };
        book.ask(head);
        self.tell_peers(JobId([0; 32]), step::HEAD, &text(&shown)?);
        Ok(())
    }

    /// What a peer has to say of its log, or of this one.
    pub(crate) fn hear_of_log(&self, from: Peer, frame: &Frame) {
        let Some(book) = &self.authorities.ledger.0 else { return };
        let heard = match frame.step.as_str() {
            step::HEAD => read(&frame.payload).and_then(|shown| self.hear_head(book, from, shown)),
            _ => self.hear_witness(book, from, &frame.payload),
        };
        heard.unwrap_or_else(|answer| warn(from, &answer));
    }

    /// Comes back to heads that came too soon after others.
    pub(crate) fn hear_waiting_heads(&self) {
        let Some(book) = &self.authorities.ledger.0 else { return };
        for from in PEERS {
            let heard = book.due(from).map_or(Ok(()), |shown| self.hear_head(book, from, shown));
            heard.unwrap_or_else(|answer| warn(from, &answer));
        }
    }

    /// Signs the head of a peer's log if it goes on from the last one seen, otherwise says what that was.
    fn hear_head(&self, book: &Book, from: Peer, shown_head: Shown) -> Result<(), ErrorAnswer> {
        let (node, mut head) = (node_of(self.config.node, from), shown_head.head);
        let seen = self.seen(node, &shown_head.key)?;
        if !self.signed(&shown_head.key, node, head, &shown_head.signature)? {
            return Err(refuse("servers_disagree", format!("server {node} did not sign what it shows")));
        }
        let before = seen.as_ref().map(|seen| seen.head);
        if let Some(seen) = seen.filter(|seen| seen.head.sequence >= head.sequence && seen.head != head) {
            let known = Word::Known { head: seen.head, signature: seen.signature };
            self.tell(from, control(JobId([0; 32]), step::WITNESS, text(&known)?));
            return Ok(());
        }
        if before != Some(head) {
            let Some(farthest) = book.in_time(from, shown_head) else { return Ok(()) };
            head = farthest.head;
            let event = Event::Countersigned { node, sequence: head.sequence, head: head.digest };
            self.authorities.ledger.note(&self.store, event)?;
            self.store.keep_witness(node, &text(&farthest)?).map_err(from_store)?;
        }
        self.store.flush().map_err(from_store)?;
        let signature = sign_head(&book.key, &self.config.environment, node, head);
        let word = Word::Signed { head, key: shown(&book.key)?, signature };
        self.tell(from, control(JobId([0; 32]), step::WITNESS, text(&word)?));
        Ok(())
    }

    /// What was last seen of a peer's log, which must be shown with the key that it was shown with at first.
    fn seen(&self, node: u8, key: &str) -> Result<Option<Shown>, ErrorAnswer> {
        let Some(seen) = self.store.witness(node).map_err(from_store)? else { return Ok(None) };
        let seen: Shown = read(&seen)?;
        match seen.key == key {
            true => Ok(Some(seen)),
            false => Err(refuse("servers_disagree", format!("server {node} has another key than before"))),
        }
    }

    /// Whether the owner of `key` signed a head of the log of server `of`.
    fn signed(&self, key: &str, of: u8, head: Head, signature: &str) -> Result<bool, ErrorAnswer> {
        let key = VerifyingKey::from_base64(key).map_err(|error| refuse("bad_request", error.to_string()))?;
        Ok(verify_head(&key, &self.config.environment, of, head, signature))
    }

    /// Writes down that a peer signed, or that it saw more of this log than is here.
    fn hear_witness(&self, book: &Book, from: Peer, word: &[u8]) -> Result<(), ErrorAnswer> {
        let by = node_of(self.config.node, from);
        match read(word)? {
            Word::Signed { head, key, signature } => self.hear_signed(book, by, head, key, signature),
            Word::Known { head, signature } => self.hear_known(book, by, head, &signature),
        }
    }

    /// Written down is one signature of each peer under what it was shown, and by the key that it came with
    /// first: in the log, any other would testify against this server.
    fn hear_signed(
        &self,
        book: &Book,
        by: u8,
        head: Head,
        key: String,
        signature: String,
    ) -> Result<(), ErrorAnswer> {
        let seen = self.seen(by, &key)?;
        if !self.signed(&key, self.config.node, head, &signature)? {
            return Err(refuse("servers_disagree", format!("server {by} signed something else")));
        }
        book.once(head, by, || {
            if seen.is_none() {
                let nothing = Shown { head: Head::START, key: key.clone(), signature: String::new() };
                self.store.keep_witness(by, &text(&nothing)?).map_err(from_store)?;
            }
            let (sequence, head) = (head.sequence, head.digest);
            self.authorities.ledger.note(&self.store, Event::Witnessed { by, key, sequence, head, signature })
        })
    }

    /// A head beyond this log's end. A peer's word is not enough: the log would skip as many numbers as it
    /// pleases, until there are none left. What this server once showed has its own signature.
    fn hear_known(&self, book: &Book, by: u8, known: Head, signature: &str) -> Result<(), ErrorAnswer> {
        // Of two heads shown at once the later one may have come first: then nothing is missing.
        if known.sequence <= book.lock().sequence {
            return Ok(());
        }
        let mine = book.key.verifying_key();
        if !verify_head(&mine, &self.config.environment, self.config.node, known, signature) {
            let message = format!("server {by} says that it saw more of the log, and nobody showed it that");
            return Err(refuse("servers_disagree", message));
        }
        let (missing_from, missing_to) = (book.found + 1, known.sequence);
        let event = Event::Restored { missing_from, missing_to, head: known.digest };
        self.authorities.ledger.note(&self.store, event)?;
        self.show_head()
    }
}

fn warn(from: Peer, answer: &ErrorAnswer) {
    tracing::warn!(?from, code = %answer.code, "{}", answer.message);
}

/// A key as it is shown.
fn shown(key: &SigningKey) -> Result<String, ErrorAnswer> {
    key.verifying_key().to_base64().map_err(|error| refuse("internal", error.to_string()))
}

fn text(value: &impl Serialize) -> Result<Vec<u8>, ErrorAnswer> {
    serde_json::to_vec(value).map_err(|error| refuse("internal", error.to_string()))
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, ErrorAnswer> {
    serde_json::from_slice(text).map_err(|error| refuse("bad_request", error.to_string()))
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

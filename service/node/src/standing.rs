//! Three servers, one set of rules. Before a run starts each server asks the other two what they go by; who
//! lacks something gets it from a peer and checks it by itself, so a peer carries documents and decides
//! nothing. Servers of different rules start nothing.
//!
//! What is published goes to both peers at once. A server that comes back asks until both have answered, and
//! from then on every now and again, so that one cut off from its publishers learns what the others know.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vdl_authorize::{DocumentKind, Policies, Refusal, Standing, document_kind, is_envelope};
use vdl_command::{Digest, ErrorAnswer, JobId, Nonce, read_strict};
use vdl_transport::{Frame, Peer};

use crate::agreement::random;
use crate::net::{PEERS, control, node_of, slot, step};
use crate::node::{Node, now};
use crate::refusal::{Remedy, disagree, from_refusal, from_store, peer_silent, refuse};

/// A question and its answer alike: what the sender goes by.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    id: Nonce,
    answer: bool,
    standing: Standing,
}

/// What the sender has; whatever else there is it would like.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lacking {
    policy: u32,
    revocations: BTreeSet<Digest>,
}

/// Texts of envelopes, policies oldest first.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Documents {
    policies: Vec<String>,
    revocations: Vec<String>,
}

/// What peers said of their rules.
#[derive(Default)]
pub(crate) struct Standings {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Default)]
struct Heard {
    /// Answers to questions that somebody waits for.
    answers: HashMap<Nonce, [Option<Standing>; 2]>,
    /// What each peer said last.
    last: [Option<Standing>; 2],
    /// When both were asked without any need.
    asked: Option<Instant>,
}

/// While nothing happens, that often.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// After so long a question or its answer is taken for lost.
const LOST: Duration = Duration::from_secs(1);
/// Texts in one frame, in bytes; policies are few and go together.
const MOST_TEXT: usize = 1 << 20;

impl Standings {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, from: Peer, said: &Said) {
        let mut heard = self.lock();
        heard.last[slot(from)] = Some(said.standing);
        if said.answer
            && let Some(answers) = heard.answers.get_mut(&said.id)
        {
            answers[slot(from)] = Some(said.standing);
            self.changed.notify_all();
        }
    }

    /// The policy that both peers go by, if it is one.
    fn followed_by_both(&self) -> Option<Digest> {
        match self.lock().last {
            [Some(next), Some(previous)] if next.policy_digest == previous.policy_digest => {
                Some(next.policy_digest)
            }
            _ => None,
        }
    }

    /// Waits for both answers to a question, which is over then. `Err`: who has not answered.
    fn wait(&self, id: Nonce, deadline: Instant) -> Result<[Standing; 2], Peer> {
        let patience = deadline.saturating_duration_since(Instant::now());
        let waiting = |heard: &mut Heard| heard.answers.get(&id).is_some_and(|told| told.contains(&None));
        let waited = self.changed.wait_timeout_while(self.lock(), patience, waiting);
        let mut heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        match heard.answers.remove(&id).unwrap_or_default() {
            [Some(next), Some(previous)] => Ok([next, previous]),
            [None, _] => Err(Peer::Next),
            [_, None] => Err(Peer::Previous),
        }
    }
}

impl Node {
    fn standing(&self) -> Result<Standing, ErrorAnswer> {
        self.authorities.rules.now().standing().ok_or_else(|| from_refusal(&Refusal::DesignMode))
    }

    /// Which rules hold here, and the documents that say so.
    pub(crate) fn policies(&self) -> Result<Policies, ErrorAnswer> {
        self.authorities.rules.documents(&self.store)
    }

    /// Takes in a policy or a revocation that somebody published, and hands it on to both peers.
    pub(crate) fn publish(&self, text: &[u8]) -> Result<Standing, ErrorAnswer> {
        let Self { authorities, store, .. } = self;
        if authorities.rules.publish(store, &authorities.ledger, text, now())? {
            let text = utf8(text.to_vec())?;
            let documents = match document_kind(text.as_bytes()) {
                Ok(DocumentKind::Revocation) => Documents { revocations: vec![text], ..Documents::default() },
                _ => Documents { policies: vec![text], ..Documents::default() },
            };
            self.tell_peers(JobId([0; 32]), step::DOCUMENTS, &written(&documents)?);
            // Who cannot take it in for lack of others says so.
            self.ask_standings(random_id()?)?;
            self.show_head()?;
        }
        self.standing()
    }

    /// Makes sure that all three servers go by the same rules now.
    pub(crate) fn agree_on_standing(&self) -> Result<(), ErrorAnswer> {
        let patience = self.config.limits.connect;
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(10);
        let mut apart = None;
        loop {
            let id = random_id()?;
            self.standings.lock().answers.insert(id, [None; 2]);
            let mine = self.ask_standings(id);
            let told = match self.standings.wait(id, deadline.min(Instant::now() + LOST)) {
                Ok(told) => told,
                Err(_) if Instant::now() < deadline => continue,
                // What they said before is worth more than that time is up.
                Err(peer) => {
                    let node = node_of(self.config.node, peer);
                    return Err(apart.unwrap_or_else(|| peer_silent(node, step::STANDING, patience)));
                }
            };
            let mine = mine?;
            let Some((peer, theirs)) = PEERS.into_iter().zip(told).find(|(_, theirs)| *theirs != mine) else {
                return Ok(());
            };
            let forked = theirs.policy == mine.policy && theirs.policy_digest != mine.policy_digest;
            let about = format!("follow different rules: {mine}; {theirs}");
            let answer = disagree(peer, self.config.node, &about).remedy(
                "look at `vdl policy show --connection FILE`, and publish what one of them lacks again; \
                 if that does not help, tell whoever runs the servers",
            );
            if forked || Instant::now() + pause >= deadline {
                return Err(answer);
            }
            apart = Some(answer);
            // What was lacking is on its way.
            thread::sleep(pause);
            pause = (2 * pause).min(Duration::from_millis(200));
        }
    }

    /// Asks both peers what they go by, and says what this server does.
    fn ask_standings(&self, id: Nonce) -> Result<Standing, ErrorAnswer> {
        let standing = self.standing()?;
        let said = Said { id, answer: false, standing };
        self.tell_peers(JobId([0; 32]), step::STANDING, &written(&said)?);
        Ok(standing)
    }

    /// Called every now and then: asks until both peers have answered once, and seldom after that.
    pub(crate) fn compare_standings(&self) {
        if self.standing().is_err() {
            return;
        }
        {
            let mut heard = self.standings.lock();
            let early = heard.asked.is_some_and(|asked| asked.elapsed() < ASK_EVERY);
            if early && !heard.last.contains(&None) {
                return;
            }
            heard.asked = Some(Instant::now());
        }
        if let Err(answer) = random_id().and_then(|id| self.ask_standings(id)) {
            tracing::warn!(code = %answer.code, "{}", answer.message);
        }
    }

    /// What a peer has to say of its rules, or of those here.
    pub(crate) fn hear_of_rules(&self, from: Peer, frame: &Frame) {
        let heard = match frame.step.as_str() {
            step::STANDING => self.hear_standing(from, &frame.payload),
            step::LACKING => self.hear_lacking(from, &frame.payload),
            _ => self.hear_documents(&frame.payload),
        };
        if let Err(answer) = heard {
            tracing::warn!(?from, code = %answer.code, "{}", answer.message);
        }
    }

    fn hear_standing(&self, from: Peer, said: &[u8]) -> Result<(), ErrorAnswer> {
        let said: Said = read(said)?;
        let held = self.authorities.rules.now();
        let (Some(mine), Some(revocations)) = (held.standing(), held.gate.revocations()) else {
            return Ok(());
        };
        if !said.answer {
            let answer = Said { id: said.id, answer: true, standing: mine };
            self.tell(from, control(JobId([0; 32]), step::STANDING, written(&answer)?));
        }
        let theirs = said.standing;
        if theirs.policy > mine.policy || theirs.revocations_digest != mine.revocations_digest {
            let revocations = revocations.iter().map(|(digest, _)| *digest).collect();
            let lacking = Lacking { policy: mine.policy, revocations };
            self.tell(from, control(JobId([0; 32]), step::LACKING, written(&lacking)?));
        }
        self.standings.hear(from, &said);
        Ok(())
    }

    /// Sends what the peer lacks. A policy that was only pinned here is nothing for it to check.
    fn hear_lacking(&self, from: Peer, lacking: &[u8]) -> Result<(), ErrorAnswer> {
        let lacking: Lacking = read(lacking)?;
        let mut documents = Documents::default();
        for (version, text) in self.store.policies().map_err(from_store)? {
            if version > lacking.policy && is_envelope(&text) {
                documents.policies.push(utf8(text)?);
            }
        }
        let mut bytes = 0;
        for (digest, text) in self.store.revocations().map_err(from_store)? {
            if lacking.revocations.contains(&digest) {
                continue;
            }
            bytes += text.len();
            documents.revocations.push(utf8(text)?);
            if bytes >= MOST_TEXT {
                self.send_documents(from, &documents)?;
                (documents, bytes) = (Documents::default(), 0);
            }
        }
        match documents.policies.is_empty() && documents.revocations.is_empty() {
            true => Ok(()),
            false => self.send_documents(from, &documents),
        }
    }

    fn send_documents(&self, to: Peer, documents: &Documents) -> Result<(), ErrorAnswer> {
        self.tell(to, control(JobId([0; 32]), step::DOCUMENTS, written(documents)?));
        Ok(())
    }

    fn hear_documents(&self, documents: &[u8]) -> Result<(), ErrorAnswer> {
        let Documents { policies, revocations } = read(documents)?;
        let (Self { authorities, store, .. }, followed) = (self, self.standings.followed_by_both());
        let sent = (policies.as_slice(), revocations.as_slice());
        match authorities.rules.catch_up(store, &authorities.ledger, sent, followed, now())? {
            true => self.show_head(),
            false => Ok(()),
        }
    }
}

fn random_id() -> Result<Nonce, ErrorAnswer> {
    random().map(Nonce)
}

pub(crate) fn utf8(text: Vec<u8>) -> Result<String, ErrorAnswer> {
    String::from_utf8(text).map_err(|_| refuse("bad_request", "a document is no text"))
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, ErrorAnswer> {
    serde_json::to_vec(value).map_err(|error| refuse("internal", error.to_string()))
}

fn read<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T, ErrorAnswer> {
    read_strict(text).map_err(|error| refuse("bad_request", error.to_string()))
}

//! The rules a server goes by: the policy that holds now, those before it, and what was revoked. Each of them
//! was pinned in the configuration or verified here, whoever brought it, and is on the disk before it counts.
//! Nothing ever goes back.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use vdl_authorize::audit::Event;
use vdl_authorize::{
    DocumentKind, Gatekeeper, Policies, Policy, Refusal, Revocations, Revoked, Standing, document_kind,
    read_policy, read_revocation,
};
use vdl_command::{Digest, ErrorAnswer, Mode};
use vdl_store::Store;

use crate::error::NodeError;
use crate::node::NodeConfig;
use crate::refusal::{Remedy, from_refusal, from_store, refuse};
use crate::standing::utf8;
use crate::witness::Ledger;

/// The longest policy or revocation, in its envelope; a policy of 32 approvers has less than a tenth.
const LONGEST_DOCUMENT: usize = 256 << 10;

/// The rules of a server, which change while it runs.
pub(crate) struct Rules {
    now: RwLock<Arc<Held>>,
    /// Held by whoever changes them.
    changing: Mutex<()>,
}

/// The rules at one moment.
#[derive(Clone)]
pub(crate) struct Held {
    /// Counts changes.
    pub generation: u64,
    pub gate: Gatekeeper,
    /// Oldest first, the last one holds; approvers of any of them may revoke. Empty in design mode.
    policies: Vec<Policy>,
}

/// Rules that are to hold, and what of them is not on the disk yet.
pub(crate) struct Draft {
    held: Held,
    policies: Vec<(u32, Vec<u8>)>,
    revocations: Vec<(Digest, Vec<u8>)>,
    events: Vec<Event>,
}

impl Held {
    /// `None` in design mode.
    pub fn standing(&self) -> Option<Standing> {
        self.gate.standing()
    }

    /// Whether an envelope holds a policy that was taken over before; believed by its signatures only.
    fn knows(&self, text: &[u8]) -> bool {
        let known = |pair: &[Policy]| match pair {
            [before, after] => before.follow(text).is_ok_and(|policy| policy == *after),
            _ => false,
        };
        self.policies.windows(2).any(known)
    }

    fn newest(&self) -> Result<&Policy, Refusal> {
        self.policies.last().ok_or(Refusal::DesignMode)
    }
}

impl Draft {
    fn of(held: &Held) -> Self {
        let held = held.clone();
        Self { held, policies: Vec::new(), revocations: Vec::new(), events: Vec::new() }
    }

    /// What a server finds when it starts: the policies on its disk, checked anew from the pinned one on, the
    /// revocations, and what its configuration lists beside them.
    pub fn found(config: &NodeConfig, store: &Store) -> Result<Self, NodeError> {
        if config.mode == Mode::Design {
            let design = Held { generation: 0, gate: Gatekeeper::design(), policies: Vec::new() };
            return Ok(Self::of(&design));
        }
        let pinned = config.policy.clone().ok_or(Refusal::NoApprovers)?;
        let (policies, known) = chain(&pinned, &store.policies()?)?;
        let all: Vec<&Policy> = policies.iter().collect();
        let mut revocations = Revocations::default();
        for (_, text) in store.revocations()? {
            revocations.add(&text, &all)?;
        }
        let newest = policies.last().unwrap_or(&pinned).clone();
        let gate = Gatekeeper::authorized(newest, revocations);
        let mut draft = Self::of(&Held { generation: 0, gate, policies });
        if !known {
            draft.policies.push((pinned.version(), pinned.to_payload()?));
            draft.note(&pinned, true);
        }
        let followed = draft.held.policies.len();
        for (name, text) in &config.documents {
            let taken = document_kind(text).and_then(|kind| match kind {
                DocumentKind::Policy => draft.follow(text),
                DocumentKind::Revocation => draft.revoke(text),
            });
            taken.map_err(|refusal| NodeError::Config(format!("{}: {refusal}", name.display())))?;
        }
        // What the configuration lists is the operator's word: it is not too late, but it may be cancelled.
        let revoked = |policy: &&Policy| {
            draft.held.gate.revocations().is_some_and(|revocations| revocations.policy(&policy.digest()))
        };
        match draft.held.policies.iter().skip(followed).find(revoked) {
            Some(policy) => Err(Refusal::Revoked(format!("the policy {}", policy.digest())).into()),
            None => Ok(draft),
        }
    }

    /// Takes over the next policy, in its time.
    fn adopt(&mut self, text: &[u8], now: i64) -> Result<(), Refusal> {
        match self.held.gate.adopt(text, now) {
            Ok(gate) => self.taken(gate, text),
            Err(_) if self.held.knows(text) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// The same for one that others took over in its time.
    fn follow(&mut self, text: &[u8]) -> Result<(), Refusal> {
        if self.held.knows(text) {
            return Ok(());
        }
        let next = self.held.newest()?.follow(text)?;
        let revocations = self.held.gate.revocations().cloned().unwrap_or_default();
        self.taken(Gatekeeper::authorized(next, revocations), text)
    }

    fn taken(&mut self, gate: Gatekeeper, text: &[u8]) -> Result<(), Refusal> {
        let policy = gate.policy().ok_or(Refusal::DesignMode)?.clone();
        self.policies.push((policy.version(), text.to_vec()));
        self.note(&policy, false);
        self.held.policies.push(policy);
        self.held.gate = gate;
        Ok(())
    }

    fn note(&mut self, policy: &Policy, pinned: bool) {
        let (version, digest) = (policy.version(), policy.digest());
        self.events.push(Event::Policy { version, digest, pinned });
    }

    fn revoke(&mut self, text: &[u8]) -> Result<(), Refusal> {
        let older = self.held.policies.split_last().map_or(&[][..], |(_, older)| older);
        if !self.held.gate.revoke(text, older)? {
            return Ok(());
        }
        let revocation = read_revocation(text)?;
        let (digest, revokes): (Digest, Revoked) = (revocation.digest()?, revocation.revokes);
        self.revocations.push((digest, text.to_vec()));
        self.events.push(Event::Revoked { digest, revokes });
        Ok(())
    }

    /// Logs and keeps what is new. Durable when it returns.
    fn keep(self, store: &Store, ledger: &Ledger) -> Result<Held, ErrorAnswer> {
        let Self { mut held, policies, revocations, events } = self;
        for event in events {
            ledger.note(store, event)?;
        }
        if !policies.is_empty() || !revocations.is_empty() {
            store.keep_rules(&policies, &revocations).map_err(from_store)?;
            held.generation += 1;
        }
        Ok(held)
    }
}

impl Rules {
    /// Goes by what was found.
    pub fn new(found: Draft, store: &Store, ledger: &Ledger) -> Result<Self, NodeError> {
        let held = found.keep(store, ledger).map_err(|answer| NodeError::Config(answer.message))?;
        Ok(Self { now: RwLock::new(Arc::new(held)), changing: Mutex::default() })
    }

    /// As they are at this moment.
    pub fn now(&self) -> Arc<Held> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rules of this moment and their texts.
    pub fn documents(&self, store: &Store) -> Result<Policies, ErrorAnswer> {
        let _unchanged = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = self.now().standing().ok_or_else(|| from_refusal(&Refusal::DesignMode))?;
        let policies = store.policies().map_err(from_store)?.into_iter().map(|(_, text)| utf8(text));
        let revocations = store.revocations().map_err(from_store)?.into_iter().map(|(_, text)| utf8(text));
        let (policies, revocations) =
            (policies.collect::<Result<_, _>>()?, revocations.collect::<Result<_, _>>()?);
        Ok(Policies { standing, policies, revocations })
    }

    /// Takes in one document, whoever brought it. `false`: it was there already.
    pub fn publish(
        &self,
        store: &Store,
        ledger: &Ledger,
        text: &[u8],
        now: i64,
    ) -> Result<bool, ErrorAnswer> {
        if text.len() > LONGEST_DOCUMENT {
            let message = format!("a policy or revocation has at most {LONGEST_DOCUMENT} bytes");
            return Err(refuse("request_too_long", message).remedy("publish it as it was signed"));
        }
        self.change(store, ledger, |draft| {
            if draft.held.gate.mode() == Mode::Design {
                return Err(Refusal::DesignMode);
            }
            match document_kind(text)? {
                DocumentKind::Policy => draft.adopt(text, now),
                DocumentKind::Revocation => draft.revoke(text),
            }
        })
    }

    /// Takes in what a peer sent; what does not hold is left out. A policy that comes too late is taken over
    /// if `followed`, the one that both peers go by, comes after it: one of them was there in its time.
    pub fn catch_up(
        &self,
        store: &Store,
        ledger: &Ledger,
        (policies, revocations): (&[String], &[String]),
        followed: Option<Digest>,
        now: i64,
    ) -> Result<bool, ErrorAnswer> {
        let fits = |text: &&String| text.len() <= LONGEST_DOCUMENT;
        let left_out = |refusal: Refusal| tracing::warn!(code = refusal.code(), "{refusal}");
        self.change(store, ledger, |draft| {
            let mut late = Draft::of(&draft.held);
            let adopted = policies.iter().filter(fits).try_for_each(|text| draft.adopt(text.as_bytes(), now));
            if let Err(refusal) = adopted {
                let all = policies.iter().filter(fits).try_for_each(|text| late.follow(text.as_bytes()));
                match all.is_ok() && late.held.newest().ok().map(Policy::digest) == followed {
                    true => *draft = late,
                    false => left_out(refusal),
                }
            }
            for text in revocations.iter().filter(fits) {
                draft.revoke(text.as_bytes()).unwrap_or_else(left_out);
            }
            Ok(())
        })
    }

    fn change(
        &self,
        store: &Store,
        ledger: &Ledger,
        with: impl FnOnce(&mut Draft) -> Result<(), Refusal>,
    ) -> Result<bool, ErrorAnswer> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.now();
        let mut draft = Draft::of(&before);
        with(&mut draft).map_err(|refusal| from_refusal(&refusal))?;
        let after = draft.keep(store, ledger)?;
        if after.generation == before.generation {
            return Ok(false);
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        Ok(true)
    }
}

/// The policies on the disk and the pinned one, oldest first, and whether that was among them. Those before
/// the pinned one only say who may revoke; those after it must follow from it by signatures.
fn chain(pinned: &Policy, kept: &[(u32, Vec<u8>)]) -> Result<(Vec<Policy>, bool), NodeError> {
    let version = pinned.version();
    let mut policies = Vec::new();
    for (_, text) in kept.iter().filter(|(kept, _)| *kept < version) {
        policies.push(read_policy(text)?);
    }
    let mut later = kept.iter().filter(|(kept, _)| *kept >= version).peekable();
    let known = later.peek().is_some();
    if let Some((_, text)) = later.next()
        && read_policy(text)?.digest() != pinned.digest()
    {
        return Err(NodeError::Config(format!(
            "the configuration pins policy version {version}, and it is not the one that this server has \
             followed; put that one back, or pin a higher version on all three servers"
        )));
    }
    policies.push(pinned.clone());
    for (version, text) in later {
        let next = policies.last().unwrap_or(pinned).follow(text);
        policies.push(next.map_err(|refusal| {
            NodeError::Config(format!(
                "policy version {version}, which this server follows, does not come after the pinned one \
                 ({refusal}); pin that version, as before"
            ))
        })?);
    }
    Ok((policies, known))
}

//! What was said and holds no longer: a set of signed statements that only grows.
//!
//! There is no order among them and nothing to fork, so any two servers can put theirs together and have
//! the same set. Any one approver may revoke: it only ever stops something.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use vdl_command::{Digest, ReadError, read_strict};

use crate::envelope::{Approval, Sealed, digest, signed_once};
use crate::keys::{SigningKey, VerifyingKey};
use crate::policy::Policy;
use crate::refusal::Refusal;

pub const REVOCATION_TYPE: &str = "vdl-revocation/1";
pub const REVOCATION_PAYLOAD: &str = "application/vnd.vdl.revocation.v1+json";

/// One thing that holds no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    #[serde(rename = "type")]
    pub kind: String,
    pub environment: String,
    /// The policy under which whoever signs this is an approver.
    pub policy_version: u32,
    pub revokes: Revoked,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Unix seconds, for people; a revocation holds at once and for ever.
    pub time: i64,
}

/// Named by content, never by signatures: those could be made anew. Keys are SPKI in base64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Revoked {
    Approval(Digest),
    Analyst(String),
    Approver(String),
    /// A policy that is not to be taken over any more.
    Policy(Digest),
}

impl Revocation {
    pub fn read(payload: &[u8]) -> Result<Self, Refusal> {
        let revocation: Self = read_strict(payload).map_err(Refusal::RevocationFile)?;
        revocation.check()?;
        Ok(revocation)
    }

    /// Names it, however it was spaced.
    pub fn digest(&self) -> Result<Digest, Refusal> {
        Ok(digest(&self.to_payload()?))
    }

    fn to_payload(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self).map_err(|error| Refusal::RevocationFile(ReadError::from(error)))
    }

    fn check(&self) -> Result<(), Refusal> {
        let refused = |path: &str, message: &str| {
            Err(Refusal::RevocationFile(ReadError::In { message: message.into(), path: path.into() }))
        };
        if self.kind != REVOCATION_TYPE {
            return refused("type", "this version reads `vdl-revocation/1` only");
        }
        if self.environment.is_empty() || self.environment.len() > 200 {
            return refused("environment", "an environment has a name of at most 200 characters");
        }
        if self.reason.as_ref().is_some_and(|reason| reason.is_empty() || reason.chars().count() > 1000) {
            return refused("reason", "a reason has 1 to 1000 characters");
        }
        match &self.revokes {
            Revoked::Analyst(key) | Revoked::Approver(key) if VerifyingKey::from_written(key).is_err() => {
                refused("revokes", "this is no usable Ed25519 verification key")
            }
            _ => Ok(()),
        }
    }
}

/// Signs a revocation. One approver's signature is enough.
pub fn sign_revocation(revocation: &Revocation, approver: &SigningKey) -> Result<Vec<u8>, Refusal> {
    let payload = revocation.to_payload()?;
    Revocation::read(&payload)?;
    signed_once(REVOCATION_PAYLOAD, &payload, approver)
}

/// What a file says, believed by nobody yet: for showing it, and for naming it in a store.
pub fn read_revocation(envelope: &[u8]) -> Result<Revocation, Refusal> {
    Revocation::read(Sealed::open(envelope, REVOCATION_PAYLOAD)?.payload())
}

/// The revocations that a server knows, each by its digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    known: BTreeMap<Digest, Revocation>,
    revoked: BTreeSet<Revoked>,
}

impl Revocations {
    /// Adds a revocation that an approver of one of these policies signed. `false`: it was there already.
    ///
    /// Whether the signer's own key is revoked does not count, or the set would depend on who came first.
    pub fn add(&mut self, envelope: &[u8], policies: &[&Policy]) -> Result<bool, Refusal> {
        let sealed = Sealed::open(envelope, REVOCATION_PAYLOAD)?;
        let signed = |policy: &&&Policy| policy.approvers().any(|(_, key)| sealed.is_signed_by(key));
        let signed_under: Vec<&&Policy> = policies.iter().filter(signed).collect();
        if signed_under.is_empty() {
            return Err(Refusal::NotAnApprover);
        }
        let revocation = Revocation::read(sealed.payload())?;
        let Some(policy) = signed_under.iter().find(|policy| policy.version() == revocation.policy_version)
        else {
            return Err(Refusal::NotAnApprover);
        };
        if policy.environment() != revocation.environment {
            let (signed, here) = (revocation.environment, policy.environment().to_owned());
            return Err(Refusal::Environment { signed, here });
        }
        let digest = revocation.digest()?;
        self.revoked.insert(revocation.revokes.clone());
        Ok(self.known.insert(digest, revocation).is_none())
    }

    pub fn count(&self) -> u64 {
        self.known.len() as u64
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Digest, &Revocation)> {
        self.known.iter()
    }

    /// Names the set: the same on servers that know the same, in whatever order they learned it.
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("vdl revocations 1");
        for digest in self.known.keys() {
            hasher.update(&digest.0);
        }
        Digest(*hasher.finalize().as_bytes())
    }

    pub fn approver(&self, key: &VerifyingKey) -> bool {
        self.key(key, Revoked::Approver)
    }

    pub fn analyst(&self, key: &VerifyingKey) -> bool {
        self.key(key, Revoked::Analyst)
    }

    pub fn approval(&self, digest: Digest) -> bool {
        self.revoked.contains(&Revoked::Approval(digest))
    }

    pub fn policy(&self, digest: &Digest) -> bool {
        self.revoked.contains(&Revoked::Policy(*digest))
    }

    /// A key that cannot be written cannot be cleared either.
    fn key(&self, key: &VerifyingKey, revoked: impl Fn(String) -> Revoked) -> bool {
        key.to_base64().map_or(true, |written| self.revoked.contains(&revoked(written)))
    }

    pub(crate) fn check(&self, approval: &Approval) -> Result<(), Refusal> {
        if self.approval(approval.digest()) {
            return Err(Refusal::Revoked(format!("the approval {}", approval.digest())));
        }
        if self.analyst(approval.analyst()) {
            let fingerprint = approval.analyst().fingerprint();
            return Err(Refusal::Revoked(format!("the analyst's key {fingerprint}")));
        }
        Ok(())
    }
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = |key: &str| VerifyingKey::from_written(key).map(|key| key.fingerprint());
        let shown = |key: &str| fingerprint(key).unwrap_or_else(|error| error.to_string());
        match self {
            Revoked::Approval(digest) => write!(f, "the approval {digest}"),
            Revoked::Analyst(key) => write!(f, "the analyst's key {}", shown(key)),
            Revoked::Approver(key) => write!(f, "the approver's key {}", shown(key)),
            Revoked::Policy(digest) => write!(f, "the policy {digest}"),
        }
    }
}

//! Which rules a server follows, for comparing it with the others.

use std::fmt;

use serde::{Deserialize, Serialize};
use vdl_command::Digest;

use crate::envelope::is_envelope;
use crate::policy::{Policy, read_policy};
use crate::refusal::Refusal;
use crate::revocation::{Revocation, read_revocation};

/// Which rules a server follows right now. Equal on servers that agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    pub policy: u32,
    pub policy_digest: Digest,
    pub revocations: u64,
    pub revocations_digest: Digest,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |digest: &Digest| digest.to_string().chars().take(8).collect::<String>();
        write!(f, "policy version {} ({})", self.policy, short(&self.policy_digest))?;
        write!(f, ", {} revocations ({})", self.revocations, short(&self.revocations_digest))
    }
}

/// All that a server goes by: the texts as they came, policies oldest first. A policy that was pinned in a
/// configuration is bare, the others are in their envelopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    pub standing: Standing,
    pub policies: Vec<String>,
    pub revocations: Vec<String>,
}

/// A document that changes what servers go by; believed by nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    Policy(Box<Policy>),
    Revocation(Revocation),
}

/// Reads a policy or a revocation in its envelope.
pub fn read_document(envelope: &[u8]) -> Result<Document, Refusal> {
    match read_revocation(envelope) {
        Err(Refusal::PayloadType) if is_envelope(envelope) => {
            read_policy(envelope).map(|policy| Document::Policy(Box::new(policy)))
        }
        revocation => revocation.map(Document::Revocation),
    }
}

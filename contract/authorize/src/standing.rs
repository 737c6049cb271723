//! Which rules a server follows, for comparing it with the others.

use std::fmt;

use serde::{Deserialize, Serialize};
use vdl_command::Digest;

use crate::envelope::Sealed;
use crate::policy::POLICY_PAYLOAD;
use crate::refusal::Refusal;
use crate::revocation::REVOCATION_PAYLOAD;

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

/// What changes the rules that servers go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    Policy,
    Revocation,
}

/// Of which kind an envelope says that it is. What is inside is not read.
pub fn document_kind(envelope: &[u8]) -> Result<DocumentKind, Refusal> {
    match Sealed::open(envelope, POLICY_PAYLOAD) {
        Err(Refusal::PayloadType) => {
            Sealed::open(envelope, REVOCATION_PAYLOAD).map(|_| DocumentKind::Revocation)
        }
        opened => opened.map(|_| DocumentKind::Policy),
    }
}

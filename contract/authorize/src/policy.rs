//! Whose signatures are needed: a document with a version and an end.
//!
//! Whoever runs a server pins one policy in its configuration. Every later one follows by signatures alone:
//! all approvers of the old and all of the new sign it, whatever the rule says, and also those whose keys
//! are revoked. Otherwise one bad approver would revoke the others and then be alone.

use serde::{Deserialize, Serialize};
use vdl_command::{Digest, ReadError, read_strict};

use crate::envelope::{Sealed, digest, is_envelope, unsigned};
use crate::keys::VerifyingKey;
use crate::refusal::Refusal;
use crate::revocation::Revocations;
use crate::statement::moment;

pub const POLICY_TYPE: &str = "vdl-policy/1";
pub const POLICY_PAYLOAD: &str = "application/vnd.vdl.policy.v1+json";
/// A policy that follows another needs the signatures of both, and an envelope holds twice as many.
const MOST_APPROVERS: usize = 32;

/// A policy as it is written; [`Policy::new`] checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyStatement {
    #[serde(rename = "type")]
    pub kind: String,
    pub environment: String,
    /// From 1 on, without gaps.
    pub version: u32,
    /// Unix seconds, the last one included; without it the policy never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// The last second at which servers take it over from the version before, which needs one: a draft that
    /// was forgotten is not completed years later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt_before: Option<i64>,
    pub approvers: Vec<Approver>,
    pub rule: Rule,
    /// Approvals given under this version or a later one still hold.
    pub approvals_since: u32,
}

/// Somebody whose signature counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    pub name: String,
    /// SPKI in base64.
    pub key: String,
}

/// How many of the approvers it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    All,
    AtLeast(u32),
    /// So many of each group; everybody is in one group and in no other.
    Groups(Vec<Group>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
    pub members: Vec<String>,
    pub at_least: u32,
}

/// A checked policy. Equal statements have equal digests, however they were spaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    statement: PolicyStatement,
    /// Of the approvers, in their order.
    keys: Vec<VerifyingKey>,
    digest: Digest,
}

impl Policy {
    /// Version 1 of a configuration that lists keys only: all of them sign, and it never ends. The order in
    /// which they are listed does not count, so that three servers need not agree on it.
    pub fn pinned(approvers: &[VerifyingKey], environment: &str) -> Result<Self, Refusal> {
        let mut sorted = approvers.to_vec();
        sorted.sort_by_key(VerifyingKey::to_bytes);
        let named = |(number, key): (usize, &VerifyingKey)| {
            let key = key.to_base64().map_err(Refusal::ApproverKey)?;
            Ok(Approver { name: format!("approver {number}"), key })
        };
        Self::new(PolicyStatement {
            kind: POLICY_TYPE.to_owned(),
            environment: environment.to_owned(),
            version: 1,
            expires: None,
            adopt_before: None,
            approvers: (1..).zip(&sorted).map(named).collect::<Result<_, _>>()?,
            rule: Rule::All,
            approvals_since: 1,
        })
    }

    pub fn new(statement: PolicyStatement) -> Result<Self, Refusal> {
        let keys = statement.check()?;
        let digest = digest(&statement.to_payload()?);
        Ok(Self { statement, keys, digest })
    }

    /// Reads and checks a policy's text. Whether it counts here is another question: it is pinned in a
    /// configuration, or [`Policy::succeed`] says so.
    pub fn read(payload: &[u8]) -> Result<Self, Refusal> {
        Self::new(read_strict(payload).map_err(Refusal::PolicyFile)?)
    }

    /// The text that is signed, and whose digest names the policy.
    pub fn to_payload(&self) -> Result<Vec<u8>, Refusal> {
        self.statement.to_payload()
    }

    pub fn statement(&self) -> &PolicyStatement {
        &self.statement
    }

    pub fn version(&self) -> u32 {
        self.statement.version
    }

    pub fn environment(&self) -> &str {
        &self.statement.environment
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Names and keys of the approvers.
    pub fn approvers(&self) -> impl Iterator<Item = (&str, &VerifyingKey)> {
        self.statement.approvers.iter().map(|approver| approver.name.as_str()).zip(&self.keys)
    }

    /// The next policy: signed by everybody of this one and everybody of that one, in time, not cancelled.
    ///
    /// Revoking a policy's digest cancels a draft. On a server that has taken it over nothing changes,
    /// and such servers no longer agree with the others; whoever runs them then pins a higher version.
    pub fn succeed(&self, envelope: &[u8], revocations: &Revocations, now: i64) -> Result<Self, Refusal> {
        let next = self.follow(envelope)?;
        let Some(until) = next.statement.adopt_before else {
            let message = "a policy that follows another says until when it may be taken over";
            return Err(refused("adopt_before", message));
        };
        if now > until {
            return Err(Refusal::PolicyTooLate { until: moment(until), now: moment(now) });
        }
        next.check_time(now)?;
        match revocations.policy(&next.digest) {
            true => Err(Refusal::Revoked(format!("the policy {}", next.digest))),
            false => Ok(next),
        }
    }

    /// The same without the clock and without revocations: for policies that a server took over in their time
    /// and reads again from its disk.
    pub fn follow(&self, envelope: &[u8]) -> Result<Self, Refusal> {
        let sealed = Sealed::open(envelope, POLICY_PAYLOAD)?;
        self.check_signed_by_all(&sealed)?;
        let next = Self::read(sealed.payload())?;
        if next.environment() != self.environment() {
            let (signed, here) = (next.statement.environment, self.environment().to_owned());
            return Err(Refusal::Environment { signed, here });
        }
        if Some(next.version()) != self.version().checked_add(1) {
            return Err(Refusal::PolicyVersionJump { here: self.version(), got: next.version() });
        }
        next.check_signed_by_all(&sealed)?;
        Ok(next)
    }

    pub fn check_time(&self, now: i64) -> Result<(), Refusal> {
        match self.statement.expires {
            Some(at) if now > at => Err(Refusal::PolicyExpired { at: moment(at), now: moment(now) }),
            _ => Ok(()),
        }
    }

    /// Who of the approvers signed, if that is enough. A revoked key counts as one that did not.
    pub(crate) fn signers(
        &self,
        revocations: &Revocations,
        signed: impl Fn(&VerifyingKey) -> bool,
    ) -> Result<Vec<VerifyingKey>, Refusal> {
        let counts = |key: &&VerifyingKey| !revocations.approver(key) && signed(key);
        let signers: Vec<VerifyingKey> = self.keys.iter().filter(counts).cloned().collect();
        if self.is_met(&signers) {
            return Ok(signers);
        }
        let (there, missing): (Vec<_>, Vec<_>) = self.approvers().partition(|(_, key)| signers.contains(key));
        Err(Refusal::RuleUnmet {
            rule: self.rule_in_words(),
            signed: named(&there),
            missing: named(&missing),
        })
    }

    /// Whether an approval that was given under `version` holds under this policy.
    pub(crate) fn check_covers(&self, version: u32) -> Result<(), Refusal> {
        let here = self.statement.approvals_since..=self.version();
        match here.contains(&version) {
            true => Ok(()),
            false => {
                Err(Refusal::PolicyVersion { approved: version, since: *here.start(), here: *here.end() })
            }
        }
    }

    fn is_met(&self, signers: &[VerifyingKey]) -> bool {
        let count = |members: &dyn Fn(&str) -> bool| {
            self.approvers().filter(|(name, key)| members(name) && signers.contains(key)).count()
        };
        match &self.statement.rule {
            Rule::All => count(&|_| true) == self.keys.len(),
            Rule::AtLeast(least) => count(&|_| true) >= *least as usize,
            Rule::Groups(groups) => groups.iter().all(|group| {
                count(&|name| group.members.iter().any(|member| member == name)) >= group.at_least as usize
            }),
        }
    }

    /// `2 of 3`, `1 of hospitals and 2 of patients`.
    pub fn rule_in_words(&self) -> String {
        let of = self.keys.len();
        match &self.statement.rule {
            Rule::All => format!("all {of}"),
            Rule::AtLeast(least) => format!("{least} of {of}"),
            Rule::Groups(groups) => {
                let each = groups.iter().map(|group| format!("{} of {}", group.at_least, group.name));
                each.collect::<Vec<_>>().join(" and ")
            }
        }
    }

    fn check_signed_by_all(&self, sealed: &Sealed) -> Result<(), Refusal> {
        let missing: Vec<_> = self.approvers().filter(|(_, key)| !sealed.is_signed_by(key)).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Refusal::PolicyUnsigned { version: self.version(), missing: named(&missing) }),
        }
    }
}

/// What a file says, believed by nobody yet: a policy as it is pinned, or in its envelope.
pub fn read_policy(bytes: &[u8]) -> Result<Policy, Refusal> {
    match is_envelope(bytes) {
        true => Policy::read(Sealed::open(bytes, POLICY_PAYLOAD)?.payload()),
        false => Policy::read(bytes),
    }
}

/// A policy without signatures, in an envelope that takes them.
pub fn draft_policy(policy: &Policy) -> Result<Vec<u8>, Refusal> {
    unsigned(POLICY_PAYLOAD, &policy.to_payload()?)
}

/// Names and fingerprints, or `nobody`.
fn named(approvers: &[(&str, &VerifyingKey)]) -> String {
    let each = approvers.iter().map(|(name, key)| format!("{name} ({})", key.fingerprint()));
    match approvers.is_empty() {
        true => "nobody".to_owned(),
        false => each.collect::<Vec<_>>().join(", "),
    }
}

fn refused(path: &str, message: &str) -> Refusal {
    Refusal::PolicyFile(ReadError::In { message: message.to_owned(), path: path.to_owned() })
}

/// Plain letters only, so that no two names look alike.
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b" _.-".contains(&b);
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && name.trim() == name
}

impl PolicyStatement {
    fn to_payload(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self).map_err(|error| Refusal::PolicyFile(ReadError::from(error)))
    }

    /// Gives the approvers' keys.
    fn check(&self) -> Result<Vec<VerifyingKey>, Refusal> {
        if self.kind != POLICY_TYPE {
            return Err(refused("type", "this version reads `vdl-policy/1` only"));
        }
        if self.environment.is_empty() || self.environment.len() > 200 {
            return Err(refused("environment", "an environment has a name of at most 200 characters"));
        }
        if self.version == 0 {
            return Err(refused("version", "versions count from 1"));
        }
        if self.approvals_since == 0 || self.approvals_since > self.version {
            return Err(refused("approvals_since", "a version from 1 to the policy's own"));
        }
        let keys = self.check_approvers()?;
        self.check_rule()?;
        Ok(keys)
    }

    fn check_approvers(&self) -> Result<Vec<VerifyingKey>, Refusal> {
        if self.approvers.is_empty() {
            return Err(Refusal::NoApprovers);
        }
        if self.approvers.len() > MOST_APPROVERS {
            return Err(refused("approvers", "a policy has at most 32 approvers"));
        }
        let mut keys: Vec<VerifyingKey> = Vec::new();
        for (at, approver) in self.approvers.iter().enumerate() {
            let place = format!("approvers[{at}]");
            if !is_name(&approver.name) {
                return Err(refused(
                    &place,
                    "a name has 1 to 64 of the characters a-z, 0-9, space, `_`, `.`, `-`",
                ));
            }
            if self.approvers.iter().take(at).any(|earlier| earlier.name == approver.name) {
                return Err(refused(&place, "two approvers have this name"));
            }
            let key = VerifyingKey::from_written(&approver.key).map_err(Refusal::ApproverKey)?;
            if keys.contains(&key) {
                return Err(Refusal::SameApproverTwice(key.fingerprint()));
            }
            keys.push(key);
        }
        Ok(keys)
    }

    fn check_rule(&self) -> Result<(), Refusal> {
        let possible = |least: u32, of: usize| least >= 1 && least as usize <= of;
        match &self.rule {
            Rule::All => Ok(()),
            Rule::AtLeast(least) if possible(*least, self.approvers.len()) => Ok(()),
            Rule::AtLeast(_) => Err(refused("rule", "at least one, and no more than there are approvers")),
            Rule::Groups(groups) => {
                let named = groups.iter().all(|group| is_name(&group.name));
                if !named || !groups.iter().all(|group| possible(group.at_least, group.members.len())) {
                    return Err(refused("rule", "each group has a name and needs one to all of its members"));
                }
                let mut grouped: Vec<&String> = groups.iter().flat_map(|group| &group.members).collect();
                let mut there: Vec<&String> = self.approvers.iter().map(|approver| &approver.name).collect();
                grouped.sort();
                there.sort();
                match grouped == there {
                    true => Ok(()),
                    false => Err(refused("rule", "every approver stands in one group, and in no other")),
                }
            }
        }
    }
}

//! The approved file: a DSSE envelope (version 1) around the exact bytes of a statement. Policies and
//! revocations come in the same form, each with a payload type of its own.
//!
//! Rules kept here: verify, then parse the bytes that were verified; loop over the approvers of the policy,
//! never over the signatures that came; key ids are hints and decide nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use vdl_command::{Command, Digest, Handle, ReadError, Tree, read_script, read_strict};

use crate::keys::{SigningKey, VerifyingKey, decode_base64};
use crate::policy::{POLICY_PAYLOAD, Policy};
use crate::refusal::Refusal;
use crate::revocation::{REVOCATION_PAYLOAD, Revocation, Revocations};
use crate::statement::{Statement, Terms, moment};

pub const PAYLOAD_TYPE: &str = "application/vnd.vdl.approval.v1+json";
/// More signatures than any collaboration has approvers.
const MOST_SIGNATURES: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

/// Signs a script: the first approver decides the terms. Gives the bytes of an `.approved` file.
pub fn approve_script(
    script: &[u8],
    analyst: &VerifyingKey,
    terms: &Terms,
    approver: &SigningKey,
) -> Result<Vec<u8>, Refusal> {
    let script = read_script(script).map_err(Refusal::Statement)?;
    let statement = Statement::new(script, analyst, terms).map_err(Refusal::AnalystKey)?;
    let payload = serde_json::to_vec(&statement).map_err(|e| Refusal::Statement(ReadError::from(e)))?;
    Statement::read(&payload).map_err(Refusal::Statement)?;
    signed_once(PAYLOAD_TYPE, &payload, approver)
}

/// Whether a file looks like an approved one rather than a script.
pub fn is_envelope(bytes: &[u8]) -> bool {
    Tree::read(bytes).is_ok_and(|tree| tree.get("payloadType").is_some())
}

/// Adds one more signature over the same bytes, be it an approval, a policy or a revocation. What was read
/// and understood is what is signed; a file this version does not understand is not signed.
pub fn add_signature(envelope: &[u8], approver: &SigningKey) -> Result<Vec<u8>, Refusal> {
    let mut sealed = Sealed::read(envelope)?;
    match sealed.envelope.payload_type.as_str() {
        PAYLOAD_TYPE => drop(Statement::read(&sealed.payload).map_err(Refusal::Statement)?),
        POLICY_PAYLOAD => drop(Policy::read(&sealed.payload)?),
        REVOCATION_PAYLOAD => drop(Revocation::read(&sealed.payload)?),
        _ => return Err(Refusal::PayloadType),
    }
    if sealed.is_signed_by(&approver.verifying_key()) {
        return Err(Refusal::AlreadySigned);
    }
    let signature = signature(approver, &sealed.envelope.payload_type, &sealed.payload);
    sealed.envelope.signatures.push(signature);
    write(&sealed.envelope)
}

/// Whether a signature that was made elsewhere (base64) is this key's, over a payload of this type.
pub fn fits(key: &VerifyingKey, payload_type: &str, payload: &[u8], signature: &str) -> bool {
    key.verifies(&pae(payload_type, payload), signature)
}

/// The file that `vdl approve` would have written, put together from signatures that were made elsewhere, in
/// their order. Every one of them has to fit.
pub fn assemble(
    payload_type: &str,
    payload: &[u8],
    signatures: &[(VerifyingKey, String)],
) -> Result<Vec<u8>, Refusal> {
    let mut made = Vec::new();
    for (key, sig) in signatures {
        if !fits(key, payload_type, payload, sig) {
            return Err(Refusal::WrongSignature(key.fingerprint()));
        }
        made.push(EnvelopeSignature { keyid: Some(key.fingerprint()), sig: sig.clone() });
    }
    sealed(payload_type, payload, made)
}

/// Whether a key's signature is in the file and fits it, of whatever kind it is. Decides nothing else.
pub fn is_signed_by(envelope: &[u8], key: &VerifyingKey) -> Result<bool, Refusal> {
    Ok(Sealed::read(envelope)?.is_signed_by(key))
}

/// What a file says, believed by nobody yet: for showing it, and for the client's own order of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    pub statement: Statement,
    /// Digest of the statement's exact bytes.
    pub digest: Digest,
    /// Signatures that came, whoever made them.
    pub signatures: usize,
}

/// Reads an `.approved` file without deciding anything.
pub fn read_envelope(envelope: &[u8]) -> Result<Unverified, Refusal> {
    let Sealed { envelope, payload } = Sealed::open(envelope, PAYLOAD_TYPE)?;
    let statement = Statement::read(&payload).map_err(Refusal::Statement)?;
    Ok(Unverified { statement, digest: digest(&payload), signatures: envelope.signatures.len() })
}

/// A statement that the approvers signed as the policy demands, for its environment and this moment.
/// Only [`verify_envelope`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    statement: Statement,
    analyst: VerifyingKey,
    digest: Digest,
    /// Approvers whose signatures are under it, in the order of the policy.
    signers: Vec<VerifyingKey>,
}

/// Decides whether what the file says is approved under `policy`, at `now` (Unix seconds).
///
/// In this order: the form of the file, its payload type, the number of signatures; then each approver of the
/// policy, is theirs there; is that enough; then the signed bytes are read: environment, version of the
/// policy, its end, the dates, and whether approval or analyst were revoked.
pub fn verify_envelope(
    envelope: &[u8],
    policy: &Policy,
    revocations: &Revocations,
    now: i64,
) -> Result<Approval, Refusal> {
    let sealed = Sealed::open(envelope, PAYLOAD_TYPE)?;
    let signers = policy.signers(revocations, |key| sealed.is_signed_by(key))?;
    let statement = Statement::read(&sealed.payload).map_err(Refusal::Statement)?;
    let analyst = VerifyingKey::from_base64(&statement.analyst).map_err(Refusal::AnalystKey)?;
    let approval = Approval { statement, analyst, digest: digest(&sealed.payload), signers };
    approval.check_terms(policy, revocations, now)?;
    Ok(approval)
}

impl Approval {
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Whose signature every command of a run needs.
    pub fn analyst(&self) -> &VerifyingKey {
        &self.analyst
    }

    /// Names the approval in journals and in the analyst's signatures.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether an approval verified earlier would be verified now: revocations came since, or dates passed.
    pub(crate) fn check_holds(
        &self,
        policy: &Policy,
        revocations: &Revocations,
        now: i64,
    ) -> Result<(), Refusal> {
        policy.signers(revocations, |key| self.signers.contains(key))?;
        self.check_terms(policy, revocations, now)
    }

    fn check_terms(&self, policy: &Policy, revocations: &Revocations, now: i64) -> Result<(), Refusal> {
        if self.statement.environment != policy.environment() {
            let (signed, here) = (self.statement.environment.clone(), policy.environment().to_owned());
            return Err(Refusal::Environment { signed, here });
        }
        policy.check_covers(self.statement.policy_version)?;
        policy.check_time(now)?;
        self.check_time(now)?;
        revocations.check(self)
    }

    fn check_time(&self, now: i64) -> Result<(), Refusal> {
        if now < self.statement.not_before {
            let from = moment(self.statement.not_before);
            return Err(Refusal::NotYetValid { from, now: moment(now) });
        }
        match self.statement.expires {
            Some(expires) if now > expires => Err(Refusal::Expired { at: moment(expires), now: moment(now) }),
            _ => Ok(()),
        }
    }

    /// Whether a command may read what it names: handles and names, as far as the approval lists them.
    pub(crate) fn check_inputs(&self, command: &Command) -> Result<(), Refusal> {
        for input in command.inputs() {
            if let Some(table) = self.statement.forbidden_table(input) {
                return Err(Refusal::TableNotAllowed { table });
            }
            if let Some(name) = self.statement.forbidden_name(input) {
                return Err(Refusal::NameNotAllowed { name: name.to_owned() });
            }
        }
        Ok(())
    }

    /// Whether a name may mean the table that has it now, where this server remembers that it was `pinned` to
    /// one earlier. The server asks when it looks the name up. Where the name has left the table that it was
    /// pinned to, the approval ends for good.
    pub fn check_resolved(
        &self,
        name: &str,
        table: Handle,
        pinned: Option<Handle>,
    ) -> Result<Resolution, Refusal> {
        let rule = self.statement.names.iter().find(|rule| rule.name == name);
        let rule = rule.ok_or_else(|| Refusal::NameNotAllowed { name: name.to_owned() })?;
        match rule.table.or(pinned) {
            _ if rule.may_change => Ok(Resolution::Known),
            Some(expected) if expected == table => Ok(Resolution::Known),
            Some(_) => Err(Refusal::NameRebound { name: name.to_owned() }),
            None => Ok(Resolution::First),
        }
    }

    /// Whether one more command may run after so many were used, in all runs together.
    pub fn check_uses(&self, used: u64) -> Result<(), Refusal> {
        match self.statement.max_uses {
            Some(allowed) if used >= allowed => Err(Refusal::UsesUsedUp { allowed }),
            _ => Ok(()),
        }
    }

    /// Whether one more run may start after so many were started.
    pub fn check_runs(&self, started: u64) -> Result<(), Refusal> {
        match self.statement.max_runs {
            Some(allowed) if started >= allowed => Err(Refusal::RunsUsedUp { allowed }),
            _ => Ok(()),
        }
    }
}

/// What a name that may be used stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// What the approval, or the first use, says; or whatever it stands for now.
    Known,
    /// It is used for the first time: from now on this table and no other.
    First,
}

/// DSSE's pre-authentication encoding: type and body cannot run into each other.
pub(crate) fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// An envelope and the bytes inside, which nobody has believed yet.
pub(crate) struct Sealed {
    envelope: Envelope,
    payload: Vec<u8>,
}

impl Sealed {
    /// Opens an envelope that has to be of one kind.
    pub(crate) fn open(bytes: &[u8], payload_type: &str) -> Result<Self, Refusal> {
        let sealed = Self::read(bytes)?;
        match sealed.envelope.payload_type == payload_type {
            true => Ok(sealed),
            false => Err(Refusal::PayloadType),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let envelope: Envelope = read_strict(bytes).map_err(Refusal::Envelope)?;
        if envelope.signatures.len() > MOST_SIGNATURES {
            let message = format!("more than {MOST_SIGNATURES} signatures");
            return Err(Refusal::Envelope(ReadError::In { message, path: "signatures".into() }));
        }
        let payload = decode_base64(&envelope.payload).ok_or(Refusal::Base64)?;
        Ok(Self { envelope, payload })
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Tries the signatures whose hint fits first, and then all others.
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let message = pae(&self.envelope.payload_type, &self.payload);
        let hint = key.fingerprint();
        let (hinted, others): (Vec<_>, Vec<_>) =
            self.envelope.signatures.iter().partition(|signature| signature.keyid.as_ref() == Some(&hint));
        hinted.into_iter().chain(others).any(|signature| key.verifies(&message, &signature.sig))
    }
}

fn signature(key: &SigningKey, payload_type: &str, payload: &[u8]) -> EnvelopeSignature {
    EnvelopeSignature {
        keyid: Some(key.verifying_key().fingerprint()),
        sig: key.sign(&pae(payload_type, payload)),
    }
}

pub(crate) fn signed_once(payload_type: &str, payload: &[u8], key: &SigningKey) -> Result<Vec<u8>, Refusal> {
    sealed(payload_type, payload, vec![signature(key, payload_type, payload)])
}

pub(crate) fn unsigned(payload_type: &str, payload: &[u8]) -> Result<Vec<u8>, Refusal> {
    sealed(payload_type, payload, Vec::new())
}

fn sealed(
    payload_type: &str,
    payload: &[u8],
    signatures: Vec<EnvelopeSignature>,
) -> Result<Vec<u8>, Refusal> {
    write(&Envelope { payload_type: payload_type.to_owned(), payload: STANDARD.encode(payload), signatures })
}

fn write(envelope: &Envelope) -> Result<Vec<u8>, Refusal> {
    let mut bytes = serde_json::to_vec_pretty(envelope).map_err(|e| Refusal::Envelope(ReadError::from(e)))?;
    bytes.push(b'\n');
    Ok(bytes)
}

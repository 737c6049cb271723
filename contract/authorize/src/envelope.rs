//! The approved file: a DSSE envelope (version 1) around the exact bytes of a statement.
//!
//! Rules kept here: verify, then parse the bytes that were verified; loop over the approvers that are
//! configured, never over the signatures that came; key ids are hints and decide nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use vdl_command::{Digest, ReadError, Tree, read_script, read_strict};

use crate::keys::{SigningKey, VerifyingKey, decode_base64};
use crate::refusal::Refusal;
use crate::statement::{POLICY_VERSION, Statement, Terms, moment};

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
    let envelope = Envelope {
        payload_type: PAYLOAD_TYPE.to_owned(),
        payload: STANDARD.encode(&payload),
        signatures: vec![signature(approver, &payload)],
    };
    write(&envelope)
}

/// Whether a file looks like an approved one rather than a script.
pub fn is_envelope(bytes: &[u8]) -> bool {
    Tree::read(bytes).is_ok_and(|tree| tree.get("payloadType").is_some())
}

/// Adds one more approver's signature over the same bytes. What was read and understood is what is
/// signed; a file this version does not understand is not signed.
pub fn add_signature(envelope: &[u8], approver: &SigningKey) -> Result<Vec<u8>, Refusal> {
    let (mut envelope, payload) = open(envelope)?;
    Statement::read(&payload).map_err(Refusal::Statement)?;
    if is_signed_by(&envelope, &payload, &approver.verifying_key()) {
        return Err(Refusal::AlreadySigned);
    }
    envelope.signatures.push(signature(approver, &payload));
    write(&envelope)
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
    let (envelope, payload) = open(envelope)?;
    let statement = Statement::read(&payload).map_err(Refusal::Statement)?;
    Ok(Unverified { statement, digest: digest(&payload), signatures: envelope.signatures.len() })
}

/// A statement that every configured approver signed, for this environment and this moment.
/// Only [`verify_envelope`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    statement: Statement,
    analyst: VerifyingKey,
    digest: Digest,
}

/// Decides whether all `approvers` approved what the file says, for `environment`, at `now` (Unix seconds).
pub fn verify_envelope(
    envelope: &[u8],
    approvers: &[VerifyingKey],
    environment: &str,
    now: i64,
) -> Result<Approval, Refusal> {
    check_approvers(approvers)?;
    let (envelope, payload) = open(envelope)?;
    let missing: Vec<String> = approvers
        .iter()
        .filter(|approver| !is_signed_by(&envelope, &payload, approver))
        .map(VerifyingKey::fingerprint)
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::MissingApprovers(missing));
    }
    let statement = Statement::read(&payload).map_err(Refusal::Statement)?;
    let analyst = VerifyingKey::from_base64(&statement.analyst).map_err(Refusal::AnalystKey)?;
    if statement.environment != environment {
        let approved = statement.environment;
        return Err(Refusal::Environment { approved, here: environment.to_owned() });
    }
    if statement.policy_version != POLICY_VERSION {
        return Err(Refusal::PolicyVersion { approved: statement.policy_version, here: POLICY_VERSION });
    }
    let approval = Approval { statement, analyst, digest: digest(&payload) };
    approval.check_time(now)?;
    Ok(approval)
}

/// One key each, and at least one: two seats with one key would be one person saying yes twice.
pub(crate) fn check_approvers(approvers: &[VerifyingKey]) -> Result<(), Refusal> {
    if approvers.is_empty() {
        return Err(Refusal::NoApprovers);
    }
    for (at, approver) in approvers.iter().enumerate() {
        if approvers.iter().take(at).any(|earlier| earlier.to_bytes() == approver.to_bytes()) {
            return Err(Refusal::SameApproverTwice(approver.fingerprint()));
        }
    }
    Ok(())
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

    pub fn check_time(&self, now: i64) -> Result<(), Refusal> {
        if now < self.statement.not_before {
            let from = moment(self.statement.not_before);
            return Err(Refusal::NotYetValid { from, now: moment(now) });
        }
        match self.statement.expires {
            Some(expires) if now > expires => Err(Refusal::Expired { at: moment(expires), now: moment(now) }),
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

/// DSSE's pre-authentication encoding: type and body cannot run into each other.
pub(crate) fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

fn open(bytes: &[u8]) -> Result<(Envelope, Vec<u8>), Refusal> {
    let envelope: Envelope = read_strict(bytes).map_err(Refusal::Envelope)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Refusal::PayloadType);
    }
    if envelope.signatures.len() > MOST_SIGNATURES {
        let message = format!("more than {MOST_SIGNATURES} signatures");
        return Err(Refusal::Envelope(ReadError::In { message, path: "signatures".into() }));
    }
    let payload = decode_base64(&envelope.payload).ok_or(Refusal::Base64)?;
    Ok((envelope, payload))
}

fn is_signed_by(envelope: &Envelope, payload: &[u8], key: &VerifyingKey) -> bool {
    let message = pae(PAYLOAD_TYPE, payload);
    envelope.signatures.iter().any(|signature| key.verifies(&message, &signature.sig))
}

fn signature(key: &SigningKey, payload: &[u8]) -> EnvelopeSignature {
    EnvelopeSignature {
        keyid: Some(key.verifying_key().fingerprint()),
        sig: key.sign(&pae(PAYLOAD_TYPE, payload)),
    }
}

fn write(envelope: &Envelope) -> Result<Vec<u8>, Refusal> {
    let mut bytes = serde_json::to_vec_pretty(envelope).map_err(|e| Refusal::Envelope(ReadError::from(e)))?;
    bytes.push(b'\n');
    Ok(bytes)
}

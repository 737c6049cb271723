//! A small collaboration: two approvers, an analyst, and a script.

#![allow(dead_code, clippy::unwrap_used)]

use vdl_authorize::{
    Gatekeeper, NameRule, Policy, Revocations, SigningKey, Terms, VerifyingKey, add_signature, approve_script,
};
use vdl_command::{Authority, Digest, JobId, Nonce};

pub const NOW: i64 = 1_795_000_000;
pub const HERE: &str = "production";

pub const SCRIPT: &str = include_str!("../../../../vectors/scripts/mean-stroke-age.json");

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

pub fn alice() -> SigningKey {
    key(1)
}

pub fn bob() -> SigningKey {
    key(2)
}

pub fn analyst() -> SigningKey {
    key(3)
}

pub fn approvers() -> Vec<VerifyingKey> {
    vec![alice().verifying_key(), bob().verifying_key()]
}

/// What servers follow that were just given the approvers' keys.
pub fn policy() -> Policy {
    Policy::pinned(&approvers(), HERE).unwrap()
}

pub fn gate() -> Gatekeeper {
    Gatekeeper::authorized(policy(), Revocations::default())
}

pub fn terms() -> Terms {
    Terms {
        environment: HERE.into(),
        not_before: NOW - 60,
        expires: Some(NOW + 60),
        max_runs: Some(2),
        ..Terms::default()
    }
}

/// A name that may mean one table today and another tomorrow.
pub fn changing(name: &str) -> NameRule {
    NameRule { name: name.into(), table: None, may_change: true }
}

pub fn signed_by(script: &str, terms: &Terms, signers: &[SigningKey]) -> Vec<u8> {
    let first = approve_script(script.as_bytes(), &analyst().verifying_key(), terms, &signers[0]).unwrap();
    signers[1..].iter().fold(first, |envelope, signer| add_signature(&envelope, signer).unwrap())
}

pub fn envelope() -> Vec<u8> {
    signed_by(SCRIPT, &terms(), &[alice(), bob()])
}

pub fn nonces() -> [Nonce; 3] {
    [Nonce([10; 32]), Nonce([11; 32]), Nonce([12; 32])]
}

pub fn job(number: u8) -> JobId {
    JobId([number; 32])
}

/// What a client would send.
pub fn sign(approval: Digest, step: u32, command: &str, number: u8) -> Authority {
    vdl_authorize::sign_command(&analyst(), approval, nonces(), step, command, job(number))
}

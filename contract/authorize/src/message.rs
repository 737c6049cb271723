//! The analyst's signature under the start of a run, each command in it, and its end.

use vdl_command::{Authority, CloseRun, Digest, JobId, Nonce, StartRun};

use crate::envelope::{digest, pae};
use crate::keys::{SigningKey, VerifyingKey};

const START_TYPE: &str = "application/vnd.vdl.start.v1";
const COMMAND_TYPE: &str = "application/vnd.vdl.command.v1";
const CLOSE_TYPE: &str = "application/vnd.vdl.close.v1";

/// Names a run: all three servers put something fresh into it, so no recording fits another run.
pub fn run_id(nonces: &[Nonce; 3]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("vdl 2026 run id from three nonces");
    for nonce in nonces {
        hasher.update(&nonce.0);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// Names a command by its exact JSON text.
pub fn command_digest(command: &str) -> Digest {
    digest(command.as_bytes())
}

/// Signs the start of a run. `start` must be fresh.
pub fn sign_start(analyst: &SigningKey, approval: Digest, start: Nonce) -> StartRun {
    let signature = analyst.sign(&start_message(&approval, &start));
    StartRun { approval, start, signature }
}

/// Signs one attempt at one step. For an authorization in any order, `step` is the matching pattern's number.
pub fn sign_command(
    analyst: &SigningKey,
    approval: Digest,
    nonces: [Nonce; 3],
    step: u32,
    command: &str,
    job: JobId,
) -> Authority {
    let signature = analyst.sign(&command_message(&approval, &nonces, step, command, &job));
    Authority { approval, nonces, step, signature }
}

/// Signs the end of a run.
pub fn sign_close(analyst: &SigningKey, approval: Digest, nonces: [Nonce; 3]) -> CloseRun {
    let signature = analyst.sign(&close_message(&approval, &nonces));
    CloseRun { approval, nonces, signature }
}

pub(crate) fn verify_start(analyst: &VerifyingKey, start: &StartRun) -> bool {
    analyst.verifies(&start_message(&start.approval, &start.start), &start.signature)
}

pub(crate) fn verify_command(
    analyst: &VerifyingKey,
    authority: &Authority,
    command: &str,
    job: &JobId,
) -> bool {
    let Authority { approval, nonces, step, signature } = authority;
    analyst.verifies(&command_message(approval, nonces, *step, command, job), signature)
}

pub(crate) fn verify_close(analyst: &VerifyingKey, close: &CloseRun) -> bool {
    analyst.verifies(&close_message(&close.approval, &close.nonces), &close.signature)
}

fn start_message(approval: &Digest, start: &Nonce) -> Vec<u8> {
    let body = format!(r#"{{"approval":"{approval}","start":"{start}"}}"#);
    pae(START_TYPE, body.as_bytes())
}

fn command_message(approval: &Digest, nonces: &[Nonce; 3], step: u32, command: &str, job: &JobId) -> Vec<u8> {
    let (run, command) = (run_id(nonces), command_digest(command));
    let whose = format!(r#""approval":"{approval}","run":"{run}","step":{step}"#);
    let body = format!(r#"{{{whose},"command_digest":"{command}","job":"{job}"}}"#);
    pae(COMMAND_TYPE, body.as_bytes())
}

fn close_message(approval: &Digest, nonces: &[Nonce; 3]) -> Vec<u8> {
    let body = format!(r#"{{"approval":"{approval}","run":"{}"}}"#, run_id(nonces));
    pae(CLOSE_TYPE, body.as_bytes())
}

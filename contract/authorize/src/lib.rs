//! Who said yes, and to what. The only maker of [`Authorized`] commands.
//!
//! Pure: no disk, clock or network; time comes in as Unix seconds, randomness as bytes.
//!
//! | who | calls |
//! | --- | --- |
//! | keygen | [`SigningKey::from_seed`], `write_pem`, `read_pem` of both key types, `fingerprint` |
//! | approver | [`approve_script`]`(script bytes, analyst, `[`Terms`]`, key)`, then [`add_signature`]`(envelope, key)` for each further one; [`is_envelope`] tells the files apart; [`end_of_day`] for `--expires` |
//! | reader | [`read_envelope`] -> [`Unverified`], [`verify_envelope`]`(bytes, approvers, environment, now)` -> [`Approval`], [`template_any_upload`], [`explain_statement`] (scripts: `vdl_command::explain_script`) |
//! | server | [`Gatekeeper`]: `admit_unapproved(command text)` in design mode; `check_envelope(bytes, now)` -> [`Approval`], `approval.check_runs(started)`, journal, [`Run::start`]`(approval, node, nonce)`; per command `run.check_step(&authority, job, command text, now)` -> [`Admitted`]` { command, run }`: journal `run.state()` **before** computing, then keep `run.succeeded(job)` or `run.failed(job)`; `run.check_close(&close)`; [`Run::restore`] after a restart |
//! | client | [`match_step`] (before sending, in order) and [`find_pattern`] (authorizations in any order: the number it gives is the `step` to sign), [`Mismatch::side_by_side`], [`sign_command`], [`sign_close`], [`run_id`] |
//!
//! A server should tell its peers the run id with the first frame of a job and stop if they differ.

mod envelope;
mod gatekeeper;
mod keys;
mod matching;
mod message;
mod refusal;
mod run;
mod statement;
mod template;

pub use envelope::{
    Approval, PAYLOAD_TYPE, Unverified, add_signature, approve_script, is_envelope, read_envelope,
    verify_envelope,
};
pub use gatekeeper::{Authorized, Gatekeeper};
pub use keys::{KeyError, SigningKey, VerifyingKey};
pub use matching::{Bindings, Mismatch, find_pattern, match_step};
pub use message::{command_digest, run_id, sign_close, sign_command};
pub use refusal::Refusal;
pub use run::{Admitted, MOST_COMMANDS, Run, RunState};
pub use statement::{POLICY_VERSION, STATEMENT_TYPE, Statement, Terms, end_of_day, explain_statement};
pub use template::template_any_upload;

//! Who said yes, and to what. The only maker of [`Authorized`] commands.
//!
//! Pure: no disk, clock or network; time comes in as Unix seconds, randomness as bytes.
//!
//! **Making keys:** [`SigningKey::from_seed`]; `read_pem`, `write_pem` and `fingerprint` of both kinds.
//!
//! **Approving:** [`approve_script`] with [`Terms`], then [`add_signature`] for each further approver;
//! [`assemble`] makes the same file of signatures that were made elsewhere;
//! [`is_envelope`] tells the two kinds of file apart; [`template_any_upload`] is ready to be approved.
//!
//! **Reading:** [`read_envelope`] believes nothing, [`verify_envelope`] decides; [`explain_statement`].
//!
//! **Whose signatures count:** a [`Policy`], pinned in a configuration or following another by everybody's
//! signatures ([`draft_policy`], `add_signature`, [`Policy::succeed`]); [`Revocations`] only grow. Servers
//! compare their [`Standing`].
//!
//! **Server:** one [`Gatekeeper`]. In design mode `admit_unapproved`. Otherwise `check_start`, then
//! `approval.check_runs`, the journal, [`Run::start`]. Each command goes through `run.check_step`, which
//! gives [`Admitted`]: the command, and the run to journal **before** computing; after it
//! `run.succeeded(job)` or `run.failed(job)`. `run.check_close` ends a run, [`Run::restore`] takes it up
//! after a restart.
//!
//! **Client:** [`match_step`] before sending; [`find_pattern`] for authorizations in any order, whose
//! number is then the step that is signed; [`Mismatch::side_by_side`]; [`sign_start`], [`sign_command`],
//! [`sign_close`].
//!
//! **Auditing:** [`audit`] has the lines of a server's log, and finds what was done to them.
//!
//! A server should tell its peers the run id with the first frame of a job and stop if they differ.

pub mod audit;
mod envelope;
mod gatekeeper;
mod keys;
mod matching;
mod message;
mod policy;
mod refusal;
mod revocation;
mod run;
mod standing;
mod statement;
mod template;

pub use envelope::{
    Approval, PAYLOAD_TYPE, Resolution, Unverified, add_signature, approve_script, assemble, fits,
    is_envelope, is_signed_by, read_envelope, verify_envelope,
};
pub use gatekeeper::{Authorized, Gatekeeper};
pub use keys::{KeyError, SigningKey, VerifyingKey};
pub use matching::{Bindings, Mismatch, find_pattern, match_step};
pub use message::{command_digest, run_id, sign_close, sign_command, sign_start};
pub use policy::{
    Approver, Group, POLICY_PAYLOAD, POLICY_TYPE, Policy, PolicyStatement, Rule, draft_policy, read_policy,
};
pub use refusal::Refusal;
pub use revocation::{
    REVOCATION_PAYLOAD, REVOCATION_TYPE, Revocation, Revocations, Revoked, read_revocation, sign_revocation,
};
pub use run::{Admitted, MOST_COMMANDS, Run, RunState};
pub use standing::{DocumentKind, Policies, Standing, document_kind};
pub use statement::{
    NameRule, POLICY_VERSION, STATEMENT_TYPE, Statement, Terms, end_of_day, explain_statement,
};
pub use template::{template_any_upload, template_guarded_upload};

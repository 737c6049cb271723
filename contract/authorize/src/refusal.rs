//! Every reason to say no. Denying is the default: what is not named here as allowed is refused.

use thiserror::Error;
use vdl_command::{Handle, ReadError};

use crate::keys::KeyError;
use crate::matching::Mismatch;

/// Why something may not run. Messages hold names, places and fingerprints, never data.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("the approved file is not understood: {0}")]
    Envelope(ReadError),
    #[error("the approved file is not understood: its base64 is malformed")]
    Base64,
    #[error("this file is of another kind than is asked for here; its payload type says so")]
    PayloadType,
    #[error("the approval is not understood: {0}")]
    Statement(ReadError),
    #[error("the approval names an analyst key that cannot be used: {0}")]
    AnalystKey(KeyError),
    #[error("signatures of {rule} are needed; signed: {signed}; missing, or not fitting the file: {missing}")]
    RuleUnmet { rule: String, signed: String, missing: String },
    #[error("no approvers are configured")]
    NoApprovers,
    #[error("two approvers have the same key {0}")]
    SameApproverTwice(String),
    #[error("what should be the signature of the key {0} does not fit the bytes it is under")]
    WrongSignature(String),
    #[error("this key has already signed the file")]
    AlreadySigned,
    #[error("this was signed for the environment `{signed}`; here it is `{here}`")]
    Environment { signed: String, here: String },
    #[error("the approval was made under policy version {approved}; here it takes one of {since} to {here}")]
    PolicyVersion { approved: u32, since: u32, here: u32 },
    #[error("the policy is not understood: {0}")]
    PolicyFile(ReadError),
    #[error("the policy names an approver key that cannot be used: {0}")]
    ApproverKey(KeyError),
    #[error("the policy expired {at}; the clock here says {now}")]
    PolicyExpired { at: String, now: String },
    #[error("the policy could be taken over until {until}; the clock here says {now}")]
    PolicyTooLate { until: String, now: String },
    #[error("policy version {here} is followed by the next one only, not by version {got}")]
    PolicyVersionJump { here: u32, got: u32 },
    #[error("all approvers of old and new policy sign a change; of version {version} is missing: {missing}")]
    PolicyUnsigned { version: u32, missing: String },
    #[error("the revocation is not understood: {0}")]
    RevocationFile(ReadError),
    #[error("no approver of the policy it names signed this revocation")]
    NotAnApprover,
    #[error("{0} was revoked")]
    Revoked(String),
    #[error("the approval is not valid before {from}; the clock here says {now}")]
    NotYetValid { from: String, now: String },
    #[error("the approval expired {at}; the clock here says {now}")]
    Expired { at: String, now: String },
    #[error("the approval allows {allowed} run(s), and so many have been started")]
    RunsUsedUp { allowed: u64 },
    #[error("this is a design environment, where everything runs without approval")]
    DesignMode,
    #[error("this environment runs approved commands only")]
    NeedsApproval,
    #[error("the command belongs to another approval")]
    OtherApproval,
    #[error("the command belongs to another run")]
    OtherRun,
    #[error("this was not signed by the analyst the script is approved for, whose key is {analyst}")]
    NotTheAnalyst { analyst: String },
    #[error("this attempt was already made; a retry is signed anew")]
    Replayed,
    #[error("the run has been closed")]
    Closed,
    #[error("the run has taken {0} commands, the most a run may")]
    TooManyCommands(usize),
    #[error("step {} of {of} is next, not step {}", .next + 1, .got + 1)]
    OutOfOrder { next: u32, got: u32, of: u32 },
    #[error("all {of} steps of the script have been run")]
    ScriptEnded { of: u32 },
    #[error("step {} is still running", .step + 1)]
    StillRunning { step: u32 },
    #[error("step {} was tried before with other content; a retry must be the same", .step + 1)]
    RetryDiffers { step: u32 },
    #[error("step {} has been run and would change something if it ran again", .step + 1)]
    RepeatChanges { step: u32 },
    #[error("the command is not understood: {0}")]
    Command(ReadError),
    #[error("{0}")]
    Mismatch(Box<Mismatch>),
    #[error("the approval does not allow the table {table}")]
    TableNotAllowed { table: Handle },
    #[error("the approval does not allow the name `{name}`")]
    NameNotAllowed { name: String },
    #[error("the name `{name}` means another table than the one this approval is for")]
    NameRebound { name: String },
    #[error(
        "the approval has ended for good: the name `{name}` was given to another table after it was used"
    )]
    Void { name: String },
    #[error("the approval allows {allowed} command(s) in all, and so many have been run")]
    UsesUsedUp { allowed: u64 },
    #[error("none of the commands of the authorization has the number {}", .step + 1)]
    NoSuchPattern { step: u32 },
}

impl Refusal {
    /// Stable; listed in docs/errors.md.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Envelope(_) | Refusal::Base64 | Refusal::PayloadType => "approval_unreadable",
            Refusal::Statement(_) | Refusal::AnalystKey(_) => "approval_unreadable",
            Refusal::RuleUnmet { .. } => "approver_missing",
            Refusal::NoApprovers | Refusal::SameApproverTwice(_) => "approvers_misconfigured",
            Refusal::WrongSignature(_) => "wrong_signature",
            Refusal::AlreadySigned => "already_signed",
            Refusal::Environment { .. } => "wrong_environment",
            Refusal::PolicyVersion { .. } => "wrong_policy",
            Refusal::PolicyFile(_) | Refusal::ApproverKey(_) => "policy_unreadable",
            Refusal::PolicyExpired { .. } | Refusal::PolicyTooLate { .. } => "policy_expired",
            Refusal::PolicyVersionJump { .. } => "policy_not_next",
            Refusal::PolicyUnsigned { .. } => "policy_unsigned",
            Refusal::RevocationFile(_) => "revocation_unreadable",
            Refusal::NotAnApprover => "not_an_approver",
            Refusal::Revoked(_) => "revoked",
            Refusal::NotYetValid { .. } => "approval_not_yet_valid",
            Refusal::Expired { .. } => "approval_expired",
            Refusal::RunsUsedUp { .. } => "runs_used_up",
            Refusal::DesignMode => "design_mode",
            Refusal::NeedsApproval => "not_approved",
            Refusal::OtherApproval | Refusal::OtherRun => "other_run",
            Refusal::NotTheAnalyst { .. } => "wrong_analyst",
            Refusal::Replayed => "replayed",
            Refusal::Closed => "run_closed",
            Refusal::TooManyCommands(_) => "run_too_long",
            Refusal::OutOfOrder { .. } => "step_out_of_order",
            Refusal::ScriptEnded { .. } => "script_ended",
            Refusal::StillRunning { .. } => "step_running",
            Refusal::RetryDiffers { .. } | Refusal::RepeatChanges { .. } => "step_repeated",
            Refusal::Command(_) => "command_unreadable",
            Refusal::Mismatch(_) | Refusal::NoSuchPattern { .. } => "step_mismatch",
            Refusal::TableNotAllowed { .. } => "table_not_approved",
            Refusal::NameNotAllowed { .. } => "name_not_approved",
            Refusal::NameRebound { .. } => "name_rebound",
            Refusal::Void { .. } => "approval_void",
            Refusal::UsesUsedUp { .. } => "uses_used_up",
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Refusal::Envelope(_) | Refusal::Base64 | Refusal::PayloadType | Refusal::Statement(_) => {
                "Download or make the approved file again; it must not be edited."
            }
            Refusal::AnalystKey(_) => "Have the script approved for a key made by `vdl keygen`.",
            Refusal::RuleUnmet { .. } => "Let the approvers named sign the file with `vdl approve`.",
            Refusal::NoApprovers | Refusal::SameApproverTwice(_) => {
                "Configure one verification key for each approver, each with a key of their own."
            }
            Refusal::WrongSignature(_) => "Have it signed again, over exactly these bytes.",
            Refusal::AlreadySigned => "Pass the file on to the next approver.",
            Refusal::Environment { .. } => {
                "Connect to the environment that was approved, or have the script approved for this one."
            }
            Refusal::PolicyVersion { .. } => "Have the script approved again.",
            Refusal::PolicyFile(_) | Refusal::ApproverKey(_) | Refusal::RevocationFile(_) => {
                "Fetch the file again, or have it made and signed anew; it must not be edited."
            }
            Refusal::PolicyExpired { .. } | Refusal::PolicyTooLate { .. } => {
                "Have all approvers sign the next policy; no script runs until it is published."
            }
            Refusal::PolicyVersionJump { .. } => "Make the next policy from the one that holds now.",
            Refusal::PolicyUnsigned { .. } => "Let everybody named sign the policy, then publish it again.",
            Refusal::NotAnApprover => {
                "Have an approver sign the revocation, under the policy that holds now."
            }
            Refusal::Revoked(_) => "Ask the approvers why; what was revoked never holds again.",
            Refusal::NotYetValid { .. } => "Wait until then, or compare the clocks.",
            Refusal::Expired { .. } | Refusal::RunsUsedUp { .. } => "Have the script approved again.",
            Refusal::DesignMode => "Leave out the approved script, or connect to the production environment.",
            Refusal::NeedsApproval => {
                "Record the analysis, have it approved, and load it with crandas.script.load(...)."
            }
            Refusal::OtherApproval | Refusal::OtherRun | Refusal::Closed | Refusal::TooManyCommands(_) => {
                "Load the approved script again, which starts a new run."
            }
            Refusal::NotTheAnalyst { .. } => {
                "Set crandas.base.session.analyst_key to the signing key of the approved analyst."
            }
            Refusal::Replayed => "Send the command again through the client.",
            Refusal::OutOfOrder { .. } | Refusal::ScriptEnded { .. } => {
                "Run exactly the recorded commands, from top to bottom; to start over, load the script again."
            }
            Refusal::StillRunning { .. } => "Wait for it to end, or cancel it.",
            Refusal::RetryDiffers { .. } | Refusal::RepeatChanges { .. } => {
                "Load the approved script again to start over."
            }
            Refusal::Command(_) => "Use a client of the same version as the servers.",
            Refusal::Mismatch(_) | Refusal::NoSuchPattern { .. } => {
                "Run the command as it was recorded, or record and have approved what you want to run."
            }
            Refusal::TableNotAllowed { .. } | Refusal::NameNotAllowed { .. } => {
                "Use what the approval lists, or have the script approved for this as well."
            }
            Refusal::Void { .. } => {
                "Ask whoever stored the other table why, then have the script approved again, for a handle."
            }
            Refusal::UsesUsedUp { .. } => "Have the authorization approved again.",
            Refusal::NameRebound { .. } => {
                "Ask whoever stored the table under this name; another table needs an approval of its own."
            }
        }
    }
}

//! The one gate of a server. Nothing runs that is not `Authorized`, and only this crate makes that.

use vdl_command::{Command, Mode, StartRun, read_command};

use crate::envelope::{Approval, check_approvers, verify_envelope};
use crate::keys::VerifyingKey;
use crate::message::verify_start;
use crate::refusal::Refusal;

/// A value that may run. There is no way to make one but through the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    pub(crate) fn admit(value: T) -> Self {
        Self(value)
    }

    pub fn get(&self) -> &T {
        &self.0
    }

    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A server's rule: everything (design), or what all approvers signed (authorized).
#[derive(Clone, Debug)]
pub struct Gatekeeper(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Design,
    Authorized { approvers: Vec<VerifyingKey>, environment: String },
}

impl Gatekeeper {
    /// Lets every command through. For dummy data only.
    pub fn design() -> Self {
        Self(Rule::Design)
    }

    /// Lets through what all of `approvers` signed for `environment`. At least one, no key twice.
    pub fn authorized(approvers: Vec<VerifyingKey>, environment: &str) -> Result<Self, Refusal> {
        check_approvers(&approvers)?;
        Ok(Self(Rule::Authorized { approvers, environment: environment.to_owned() }))
    }

    pub fn mode(&self) -> Mode {
        match self.0 {
            Rule::Design => Mode::Design,
            Rule::Authorized { .. } => Mode::Authorized,
        }
    }

    /// A command without authority: only a design environment runs it.
    pub fn admit_unapproved(&self, command: &str) -> Result<Authorized<Command>, Refusal> {
        match self.0 {
            Rule::Design => read_command(command).map(Authorized::admit).map_err(Refusal::Command),
            Rule::Authorized { .. } => Err(Refusal::NeedsApproval),
        }
    }

    /// A run that is to start: the approval must hold, and its analyst must ask for the run. Then:
    /// `approval.check_runs(started so far)`, journal, and [`crate::Run::start`].
    pub fn check_start(&self, start: &StartRun, envelope: &[u8], now: i64) -> Result<Approval, Refusal> {
        let approval = self.check_envelope(envelope, now)?;
        if start.approval != approval.digest() {
            return Err(Refusal::OtherApproval);
        }
        if !verify_start(approval.analyst(), start) {
            return Err(Refusal::NotTheAnalyst { analyst: approval.analyst().fingerprint() });
        }
        Ok(approval)
    }

    /// An envelope whose run was started before.
    pub fn check_envelope(&self, envelope: &[u8], now: i64) -> Result<Approval, Refusal> {
        match &self.0 {
            Rule::Design => Err(Refusal::DesignMode),
            Rule::Authorized { approvers, environment } => {
                verify_envelope(envelope, approvers, environment, now)
            }
        }
    }
}

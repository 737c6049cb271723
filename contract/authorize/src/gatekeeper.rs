//! The one gate of a server. Nothing runs that is not `Authorized`, and only this crate makes that.

use vdl_command::{Command, Mode, StartRun, read_command};

use crate::envelope::{Approval, verify_envelope};
use crate::message::verify_start;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::revocation::Revocations;
use crate::standing::Standing;

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

/// A server's rule: everything (design), or what a policy lets through (authorized).
#[derive(Clone, Debug)]
pub struct Gatekeeper(Gate);

#[derive(Clone, Debug)]
enum Gate {
    Design,
    Authorized { policy: Box<Policy>, revocations: Revocations },
}

impl Gatekeeper {
    /// Lets every command through. For dummy data only.
    pub fn design() -> Self {
        Self(Gate::Design)
    }

    /// Lets through what is approved under `policy` and not revoked.
    pub fn authorized(policy: Policy, revocations: Revocations) -> Self {
        Self(Gate::Authorized { policy: Box::new(policy), revocations })
    }

    pub fn mode(&self) -> Mode {
        match self.0 {
            Gate::Design => Mode::Design,
            Gate::Authorized { .. } => Mode::Authorized,
        }
    }

    /// A command without authority: only a design environment runs it.
    pub fn admit_unapproved(&self, command: &str) -> Result<Authorized<Command>, Refusal> {
        match self.0 {
            Gate::Design => read_command(command).map(Authorized::admit).map_err(Refusal::Command),
            Gate::Authorized { .. } => Err(Refusal::NeedsApproval),
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
        let (policy, revocations) = self.rules()?;
        verify_envelope(envelope, policy, revocations, now)
    }

    /// Whether an approval that passed earlier still does: its signers, policy, dates and revocations.
    pub fn check_holds(&self, approval: &Approval, now: i64) -> Result<(), Refusal> {
        let (policy, revocations) = self.rules()?;
        approval.check_holds(policy, revocations, now)
    }

    /// The gate under the policy that follows. Runs that are under way are checked under it by their next
    /// command; an approver who is new in it may have signed them too, so verify their envelopes anew.
    pub fn adopt(&self, envelope: &[u8], now: i64) -> Result<Self, Refusal> {
        let (policy, revocations) = self.rules()?;
        Ok(Self::authorized(policy.succeed(envelope, revocations, now)?, revocations.clone()))
    }

    /// Takes in one more revocation, signed by an approver of this policy or an `older` one. `false` if it was
    /// known. One that is refused leaves everything as it was.
    pub fn revoke(&mut self, envelope: &[u8], older: &[Policy]) -> Result<bool, Refusal> {
        match &mut self.0 {
            Gate::Design => Err(Refusal::DesignMode),
            Gate::Authorized { policy, revocations } => {
                let policies: Vec<&Policy> = older.iter().chain([&**policy]).collect();
                revocations.add(envelope, &policies)
            }
        }
    }

    /// `None` in design mode.
    pub fn standing(&self) -> Option<Standing> {
        let (policy, revocations) = self.rules().ok()?;
        Some(Standing {
            policy: policy.version(),
            policy_digest: policy.digest(),
            revocations: revocations.count(),
            revocations_digest: revocations.digest(),
        })
    }

    /// `None` in design mode.
    pub fn policy(&self) -> Option<&Policy> {
        self.rules().ok().map(|(policy, _)| policy)
    }

    /// `None` in design mode.
    pub fn revocations(&self) -> Option<&Revocations> {
        self.rules().ok().map(|(_, revocations)| revocations)
    }

    fn rules(&self) -> Result<(&Policy, &Revocations), Refusal> {
        match &self.0 {
            Gate::Design => Err(Refusal::DesignMode),
            Gate::Authorized { policy, revocations } => Ok((policy, revocations)),
        }
    }
}

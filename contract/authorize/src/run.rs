//! One run of an approved script on one server: which command may come next.
//!
//! A `Run` is a value. Admitting a command gives the next value, which the server journals *before* it
//! computes; the end of the job gives the one after. Nothing here waits, stores or reads a clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vdl_command::{Authority, CloseRun, Command, Digest, JobId, Nonce, TableRef, read_command};

use crate::envelope::Approval;
use crate::gatekeeper::{Authorized, Gatekeeper};
use crate::matching::{Bindings, match_step};
use crate::message::{command_digest, verify_close, verify_command};
use crate::refusal::Refusal;

/// The most commands, retries included, that one run takes.
pub const MOST_COMMANDS: usize = 10_000;

/// A started run. Made from an [`Approval`] only, so it cannot exist without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    approval: Arc<Approval>,
    state: RunState,
    /// Every attempt that was admitted; none is admitted twice. Journalled one by one.
    jobs: Arc<BTreeSet<JobId>>,
    /// Not journalled: a restart ends every job.
    running: Option<JobId>,
}

/// What a server writes into its journal; with the attempts, everything a run remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunState {
    /// This server's place among the three, and its contribution to the run id.
    node: usize,
    nonce: Nonce,
    /// All three; known from the first command on and fixed from then.
    nonces: Option<[Nonce; 3]>,
    /// In a script: how many steps are done.
    next: u32,
    /// The latest step that was admitted, and its content.
    tried: Option<(u32, Digest)>,
    bindings: Bindings,
    closed: bool,
}

/// A command that may run now, and the run as it is from now on.
#[derive(Clone, Debug)]
pub struct Admitted {
    pub command: Authorized<Command>,
    pub run: Run,
}

impl Run {
    /// Starts a run on server `node` with its fresh `nonce`. The caller has journalled that one more run
    /// of this approval is used.
    pub fn start(approval: Approval, node: usize, nonce: Nonce) -> Self {
        let state = RunState {
            node,
            nonce,
            nonces: None,
            next: 0,
            tried: None,
            bindings: Bindings::new(),
            closed: false,
        };
        Self { approval: Arc::new(approval), state, jobs: Arc::default(), running: None }
    }

    /// Takes a run up again after a restart, with the attempts that were journalled beside its state; the
    /// approval is the one verified anew from its envelope.
    pub fn restore(approval: Approval, state: RunState, jobs: BTreeSet<JobId>) -> Self {
        Self { approval: Arc::new(approval), state, jobs: Arc::new(jobs), running: None }
    }

    pub fn approval(&self) -> &Arc<Approval> {
        &self.approval
    }

    /// The same run under its approval as verified anew: who signed may count otherwise in a new policy.
    pub fn renewed(&self, approval: Approval) -> Self {
        match approval.digest() == self.approval.digest() {
            true => Self { approval: Arc::new(approval), ..self.clone() },
            false => self.clone(),
        }
    }

    /// For the journal.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// For the journal: every attempt that was admitted.
    pub fn jobs(&self) -> &BTreeSet<JobId> {
        &self.jobs
    }

    /// This server's nonce, by which a request finds its run.
    pub fn nonce(&self) -> Nonce {
        self.state.nonce
    }

    /// Decides about one command: exact bytes first, then whether the attempt is new, whether the approval
    /// still holds at this gate, and what the bytes mean.
    ///
    /// In a script it must be the next step, or the latest one again: with the same content after a
    /// failure, or after a success whose answer was lost, if running it twice changes nothing. In an
    /// authorization for any order it must match the pattern whose number it names.
    pub fn check_step(
        &self,
        gate: &Gatekeeper,
        authority: &Authority,
        job: JobId,
        command: &str,
        now: i64,
    ) -> Result<Admitted, Refusal> {
        self.check_belongs(&authority.approval, &authority.nonces)?;
        if !verify_command(self.approval.analyst(), authority, command, &job) {
            return Err(self.not_the_analyst());
        }
        // Whoever holds a recording can send it for ever: it is not worth another word than this one.
        if self.jobs.contains(&job) {
            return Err(Refusal::Replayed);
        }
        gate.check_holds(&self.approval, now)?;
        if self.jobs.len() >= MOST_COMMANDS {
            return Err(Refusal::TooManyCommands(MOST_COMMANDS));
        }
        let digest = command_digest(command);
        let parsed = read_command(command).map_err(Refusal::Command)?;
        let script = &self.approval.statement().script;
        let bindings = if script.ordered {
            self.check_position(authority.step, digest, &parsed)?;
            match_step(script, authority.step, &parsed, &self.state.bindings)
        } else if (authority.step as usize) < script.steps.len() {
            match_step(script, authority.step, &parsed, &Bindings::new())
        } else {
            return Err(Refusal::NoSuchPattern { step: authority.step });
        };
        let bindings = bindings.map_err(Refusal::Mismatch)?;
        self.approval.check_inputs(&parsed)?;
        let mut run = self.clone();
        run.state.nonces = Some(authority.nonces);
        Arc::make_mut(&mut run.jobs).insert(job);
        if script.ordered {
            run.state.bindings = bindings;
            run.state.tried = Some((authority.step, digest));
            run.running = Some(job);
        }
        Ok(Admitted { command: Authorized::admit(parsed), run })
    }

    /// The run after `job` ended well.
    pub fn succeeded(&self, job: JobId) -> Run {
        let mut run = self.clone();
        if run.running.take_if(|running| *running == job).is_some() {
            let done = run.state.tried.filter(|(step, _)| *step == run.state.next);
            run.state.next += u32::from(done.is_some());
        }
        run
    }

    /// The run after `job` failed or was cancelled: the step may be tried again as it was.
    pub fn failed(&self, job: JobId) -> Run {
        let mut run = self.clone();
        run.running.take_if(|running| *running == job);
        run
    }

    /// Ends the run, if the analyst says so.
    pub fn check_close(&self, close: &CloseRun) -> Result<Run, Refusal> {
        self.check_belongs(&close.approval, &close.nonces)?;
        if !verify_close(self.approval.analyst(), close) {
            return Err(self.not_the_analyst());
        }
        let mut run = self.clone();
        run.state.closed = true;
        Ok(run)
    }

    /// Whether it goes on: what was let in before it was closed, and has not begun, does not begin.
    pub fn check_open(&self) -> Result<(), Refusal> {
        match self.state.closed {
            true => Err(Refusal::Closed),
            false => Ok(()),
        }
    }

    fn check_belongs(&self, approval: &Digest, nonces: &[Nonce; 3]) -> Result<(), Refusal> {
        self.check_open()?;
        if *approval != self.approval.digest() {
            return Err(Refusal::OtherApproval);
        }
        let mine = nonces.get(self.state.node) == Some(&self.state.nonce);
        match self.state.nonces.as_ref().is_none_or(|fixed| fixed == nonces) && mine {
            true => Ok(()),
            false => Err(Refusal::OtherRun),
        }
    }

    fn check_position(&self, step: u32, digest: Digest, command: &Command) -> Result<(), Refusal> {
        let RunState { next, tried, .. } = &self.state;
        let of = u32::try_from(self.approval.statement().script.steps.len()).unwrap_or(u32::MAX);
        if self.running.is_some() {
            return Err(Refusal::StillRunning { step: tried.map_or(*next, |(step, _)| step) });
        }
        let same = tried.is_none_or(|(earlier, content)| earlier != step || content == digest);
        if step == *next && step < of {
            return if same { Ok(()) } else { Err(Refusal::RetryDiffers { step }) };
        }
        if step.checked_add(1) == Some(*next) && tried.is_some_and(|(earlier, _)| earlier == step) {
            return match (same, changes_nothing(command)) {
                (true, true) => Ok(()),
                (true, false) => Err(Refusal::RepeatChanges { step }),
                (false, _) => Err(Refusal::RetryDiffers { step }),
            };
        }
        if *next >= of {
            return Err(Refusal::ScriptEnded { of });
        }
        Err(Refusal::OutOfOrder { next: *next, got: step, of })
    }

    fn not_the_analyst(&self) -> Refusal {
        Refusal::NotTheAnalyst { analyst: self.approval.analyst().fingerprint() }
    }
}

/// Whether a command gives the same answer again and leaves nothing behind. Names may mean another
/// table by now, so what goes by name is not repeated.
fn changes_nothing(command: &Command) -> bool {
    let by_name = command.inputs().iter().any(|input| matches!(input, TableRef::Name(_)));
    match command {
        Command::Upload { .. } | Command::Save { .. } | Command::Remove { .. } => false,
        Command::Get { .. }
        | Command::Filter { .. }
        | Command::Project { .. }
        | Command::Assign { .. }
        | Command::Merge { .. }
        | Command::Concat { .. }
        | Command::Aggregate { .. }
        | Command::GroupBy { .. }
        | Command::Sort { .. }
        | Command::Open { .. } => !by_name,
    }
}

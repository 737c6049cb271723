//! A recording being made, or a loaded script being followed.

use vdl_authorize::{Bindings, match_step};
use vdl_command::{Command, Handle, Script, Step};

use crate::approval::Run;
use crate::error::ClientError;
use crate::links::{Links, Outputs};
use crate::report;

/// What the commands of a session belong to.
#[derive(Default)]
pub(crate) enum Active {
    #[default]
    Nothing,
    Recording(Recording),
    Loaded(Box<Loaded>),
}

/// Steps so far. Only commands that succeeded are steps.
pub(crate) struct Recording {
    pub(crate) name: Option<String>,
    steps: Vec<Step>,
    outputs: Outputs,
}

impl Recording {
    pub(crate) fn new(name: Option<String>) -> Self {
        Self { name, steps: Vec::new(), outputs: Outputs::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The command as it will be recorded.
    pub(crate) fn prepare(&self, command: &Command, links: &Links) -> Command {
        self.outputs.as_recorded(command, links, None)
    }

    pub(crate) fn push(&mut self, command: Command, source: Option<String>, output: Option<Handle>) {
        self.steps.push(Step { command, source });
        self.outputs.push(output);
    }

    pub(crate) fn script(&self) -> Script {
        Script::new(self.name.clone(), self.steps.clone())
    }
}

/// A script that is followed step by step.
pub(crate) struct Loaded {
    script: Script,
    outputs: Outputs,
    holes: Bindings,
    /// In an authorized environment.
    pub(crate) run: Option<Run>,
}

/// A command that is the next step.
pub(crate) struct NextStep {
    pub(crate) command: Command,
    pub(crate) number: u32,
    /// What the holes are bound to once it has succeeded.
    pub(crate) holes: Bindings,
}

impl Loaded {
    pub(crate) fn new(script: Script, run: Option<Run>) -> Self {
        Self { script, outputs: Outputs::default(), holes: Bindings::default(), run }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.script.name.as_deref()
    }

    pub(crate) fn done(&self) -> usize {
        self.outputs.len()
    }

    pub(crate) fn steps(&self) -> usize {
        self.script.steps.len()
    }

    pub(crate) fn expected(&self) -> Option<&Step> {
        self.script.steps.get(self.done())
    }

    /// The command in the script's words if it is the next step; otherwise both side by side.
    pub(crate) fn follow(
        &self,
        command: &Command,
        source: Option<&str>,
        links: &Links,
    ) -> Result<NextStep, ClientError> {
        let Some(expected) = self.expected() else {
            let actual = self.outputs.as_recorded(command, links, None);
            let hint = self.hint(command, links);
            return Err(report::beyond(self.steps(), &actual, source, hint).into());
        };
        let recorded = self.outputs.as_recorded(command, links, Some(&expected.command));
        let number = u32::try_from(self.done()).unwrap_or(u32::MAX);
        match match_step(&self.script, number, &recorded, &self.holes) {
            Ok(holes) => Ok(NextStep { command: recorded, number, holes }),
            Err(mismatch) => {
                let hint = self.hint(command, links);
                Err(report::mismatch(self.steps(), &mismatch, source, hint).into())
            }
        }
    }

    /// Whether the command is another step of the script: the nearest one that was left out or repeated.
    fn hint(&self, command: &Command, links: &Links) -> Option<String> {
        let due = self.done();
        let is_step = |at: &usize| {
            let Some(step) = self.script.steps.get(*at) else { return false };
            let command = self.outputs.before(*at).as_recorded(command, links, Some(&step.command));
            u32::try_from(*at).is_ok_and(|at| match_step(&self.script, at, &command, &self.holes).is_ok())
        };
        let repeated = (0..due).rev().find(is_step);
        let ahead = || (due + 1..self.steps()).find(is_step);
        repeated.or_else(ahead).map(|is| report::out_of_place(due, is))
    }

    /// Steps become handles, for servers that keep no run.
    pub(crate) fn resolve(&self, command: &mut Command) -> Result<(), ClientError> {
        self.outputs.resolve(command)
    }

    pub(crate) fn advance(&mut self, holes: Bindings, output: Option<Handle>) {
        self.holes = holes;
        self.outputs.push(output);
    }

    /// The first step that was not run.
    pub(crate) fn left(&self) -> Option<ClientError> {
        let expected = self.expected()?;
        Some(ClientError::StepsLeft(report::missing(self.done() + 1, self.steps(), expected)))
    }
}

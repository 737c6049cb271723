//! A script: commands in the order in which they will be run, as an approver reads them.

use serde::{Deserialize, Serialize};

use crate::command::{Command, TableRef};
use crate::holes::{HoleDomain, check_holes};
use crate::json::{ReadError, read_strict, write_strict};

/// The only format this version reads and writes.
pub const SCRIPT_FORMAT: &str = "vdl-script/1";
const MOST_STEPS: usize = 10_000;

/// Recorded on dummy data, signed, then run on the real data. Holds nothing that depends on data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// False: an authorization outside scripts; its commands may be used in any order and number.
    pub ordered: bool,
    /// What may be filled into a hole; a hole without a domain takes anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holes: Vec<HoleDomain>,
    pub steps: Vec<Step>,
}

/// One command and the Python line it came from. Inputs from earlier steps are step references.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub command: Command,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Script {
    /// An ordered script without declared holes, as a recording makes it.
    pub fn new(name: Option<String>, steps: Vec<Step>) -> Self {
        Self { format: SCRIPT_FORMAT.to_owned(), name, ordered: true, holes: Vec::new(), steps }
    }

    /// What reading cannot see field by field: the format, and that every reference leads somewhere.
    pub fn check(&self) -> Result<(), ReadError> {
        if self.format != SCRIPT_FORMAT {
            return Err(ReadError::within("format", format!("this version reads `{SCRIPT_FORMAT}` only")));
        }
        if self.steps.is_empty() || self.steps.len() > MOST_STEPS {
            return Err(ReadError::within("steps", format!("a script has 1 to {MOST_STEPS} steps")));
        }
        let mut used = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let place = format!("steps[{at}].command");
            used.extend(check_holes(&step.command, &place)?);
            self.check_references(at, &step.command, &place)?;
        }
        for (at, declared) in self.holes.iter().enumerate() {
            let place = format!("holes[{at}]");
            if !used.contains(&declared.hole) {
                return Err(ReadError::within(place, "no step has this hole"));
            }
            if self.holes.iter().take(at).any(|earlier| earlier.hole == declared.hole) {
                return Err(ReadError::within(place, "this hole is declared twice"));
            }
            declared.domain.check().map_err(|why| ReadError::within(place, why))?;
        }
        Ok(())
    }

    fn check_references(&self, at: usize, command: &Command, place: &str) -> Result<(), ReadError> {
        for input in command.inputs() {
            let TableRef::Step(step) = input else { continue };
            let refused = |message: &str| Err(ReadError::within(place, message));
            if !self.ordered {
                return refused("steps that come in any order cannot refer to each other");
            }
            match self.steps.get(*step as usize).filter(|_| (*step as usize) < at) {
                Some(earlier) if earlier.command.makes_table() => {}
                Some(_) => return refused("it refers to a step that makes no table"),
                None => return refused("it refers to a step that does not come before it"),
            }
        }
        Ok(())
    }
}

/// Reads a script file.
pub fn read_script(bytes: &[u8]) -> Result<Script, ReadError> {
    let script: Script = read_strict(bytes)?;
    script.check()?;
    Ok(script)
}

/// Writes a script file, indented, with a newline at its end.
pub fn write_script(script: &Script) -> Result<String, ReadError> {
    script.check()?;
    write_strict(script, true)
}

/// Reads one command from its exact JSON text.
pub fn read_command(text: &str) -> Result<Command, ReadError> {
    let command: Command = read_strict(text.as_bytes())?;
    check_holes(&command, "the command")?;
    Ok(command)
}

/// Writes one command on one line.
pub fn write_command(command: &Command) -> Result<String, ReadError> {
    write_strict(command, false)
}

//! A script: commands in the order in which they will be run, as an approver reads them.

use serde::{Deserialize, Serialize};

use crate::command::Command;

/// The only format this version reads and writes.
pub const SCRIPT_FORMAT: &str = "vdl-script/1";

/// Recorded on dummy data, signed, then run on the real data. Holds nothing that depends on data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// False: an authorization outside scripts; its commands may be used in any order and number.
    pub ordered: bool,
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

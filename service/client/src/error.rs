//! What can go wrong between an analyst and three servers.

use thiserror::Error;
use vdl_command::ErrorAnswer;

use crate::report::Mismatched;

/// Every variant has a stable code (docs/errors.md); no message holds a value of a table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientError {
    #[error("{0}")]
    ConnectionFile(String),
    #[error("server {node} at {endpoint} cannot be reached: {cause}")]
    Unreachable { node: u8, endpoint: String, cause: String },
    #[error("server {node} at {endpoint} gave an answer that cannot be read: {what}")]
    Garbled { node: u8, endpoint: String, what: String },
    #[error("the servers disagree about {0}")]
    Disagreement(String),
    #[error("servers {first} and {second} hold different copies of one share; the result was discarded")]
    Inconsistent { first: u8, second: u8 },
    /// As a server reported it.
    #[error("{}", .0.message)]
    Node(ErrorAnswer),
    #[error("column \"{column}\", row {row}: {reason}")]
    Value { column: String, row: usize, reason: String },
    #[error("column \"{column}\": {reason}")]
    Column { column: String, reason: String },
    /// A written type that is none.
    #[error("{0}")]
    Type(String),
    #[error("{0}")]
    Command(String),
    #[error("{message}")]
    Authorization { message: String, remedy: String },
    #[error("{message}")]
    KeyFile { message: String, remedy: String },
    #[error("{message}")]
    Script { message: String, remedy: String },
    /// Expected and actual side by side.
    #[error("{0}")]
    Mismatch(Box<Mismatched>),
    #[error("the script was closed with steps left undone: {0}")]
    StepsLeft(String),
    #[error("cancelled")]
    Cancelled,
    #[error("{0}")]
    System(String),
}

impl ClientError {
    pub fn code(&self) -> &str {
        match self {
            Self::ConnectionFile(_) => "connection_file",
            Self::Unreachable { .. } => "node_unreachable",
            Self::Garbled { .. } => "garbled_answer",
            Self::Disagreement(_) => "servers_disagree",
            Self::Inconsistent { .. } => "inconsistent_shares",
            Self::Node(answer) => &answer.code,
            Self::Value { .. } => "value_out_of_bounds",
            Self::Column { .. } => "column_type",
            Self::Type(_) => "bad_type",
            Self::Command(_) => "command",
            Self::Authorization { .. } => "not_authorized",
            Self::KeyFile { .. } => "key_file",
            Self::Script { .. } => "script",
            Self::Mismatch(_) => "script_mismatch",
            Self::StepsLeft(_) => "steps_left",
            Self::Cancelled => "cancelled",
            Self::System(_) => "system",
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Node(answer) => return answer.remedy.clone(),
            Self::Authorization { remedy, .. }
            | Self::KeyFile { remedy, .. }
            | Self::Script { remedy, .. } => remedy.as_str(),
            Self::ConnectionFile(_) => {
                "get the connection file from whoever runs the servers; `vdl up` writes DIR/default.vdlconn"
            }
            Self::Unreachable { .. } => {
                "check that this server runs and that its address in the connection file is right, then try \
                 again; nothing was changed"
            }
            Self::Garbled { .. } => "check that client and servers have the same version",
            Self::Disagreement(_) => "ask the operators of the servers to bring them to the same state",
            Self::Inconsistent { .. } => {
                "tell the operators: a server gave a wrong answer; do not use results of it"
            }
            Self::Value { .. } => "correct the value, or give the column a wider type with ctype",
            Self::Column { .. } => "give the column a type with ctype, or convert it first",
            Self::Mismatch(_) => {
                "run the commands exactly as they were recorded; the session goes on at the same step"
            }
            Self::StepsLeft(_) => "the run is closed; to run the missing steps, load the script again",
            Self::Cancelled => "run the command again",
            Self::Type(_) | Self::Command(_) | Self::System(_) => return None,
        };
        Some(text.to_owned())
    }

    /// The server it came from.
    pub fn node(&self) -> Option<u8> {
        match self {
            Self::Unreachable { node, .. } | Self::Garbled { node, .. } => Some(*node),
            Self::Node(answer) => answer.node,
            _ => None,
        }
    }

    pub(crate) fn script(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Script { message: message.into(), remedy: remedy.into() }
    }

    pub(crate) fn authorization(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Authorization { message: message.into(), remedy: remedy.into() }
    }
}

impl From<Mismatched> for ClientError {
    fn from(mismatched: Mismatched) -> Self {
        Self::Mismatch(Box::new(mismatched))
    }
}

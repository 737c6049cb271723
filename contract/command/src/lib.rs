//! The language: what may be asked of the three servers.
//!
//! A [`Command`] is recorded, shown to approvers, signed and sent; there is no second vocabulary.
//! Reading is strict: [`read_script`], [`read_command`] (exact JSON text), [`wire::decode`] for what
//! travels; [`write_script`], [`write_command`], [`wire::encode`] are their inverses. Types are read
//! with `text.parse::<ColumnType>()`, in short forms too; inside JSON only the canonical form stands.
//!
//! This crate decides nothing, touches no disk, clock or network, and depends on nothing of ours.

mod command;
mod diff;
pub mod encoding;
mod expression;
mod handle;
mod holes;
mod json;
mod rules;
mod script;
mod sentences;
mod slot;
mod types;
pub mod wire;

pub use command::{
    Aggregate, Aggregation, Command, How, NamedExpression, Projection, SortKey, TableRef, Validate,
};
pub use diff::{
    FieldDiff, ScriptDiff, StepDiff, common_subsequence, diff_scripts, diff_values, near_identical,
};
pub use expression::{BinaryOp, Expression, Integer};
pub use handle::{Digest, Handle, JobId, Nonce};
pub use holes::{Domain, HoleDomain, holes};
pub use json::{DEEPEST_JSON, LARGEST_JSON, ReadError, Tree, read_strict, write_strict};
pub use rules::{Guard, Rules, TableRules};
pub use script::{SCRIPT_FORMAT, Script, Step, read_command, read_script, write_command, write_script};
pub use sentences::{
    Explained, Level, OpenedThing, Opens, REPORT_FORMAT, Report, ReportHole, ReportStep, Risk, RiskCode,
    explain_risks, explain_script, explain_steps, report, sentence, sort_risks,
};
pub use slot::{HoleName, Slot};
pub use types::{ColumnMeta, ColumnType, Kind, LARGEST, LARGEST_NARROW, LONGEST_TEXT, TypeError};
pub use wire::{
    Answer, AskLog, AskUsed, Authority, CloseRun, DEFAULT_ENVIRONMENT, ErrorAnswer, Info, LONGEST_LOG_PART,
    LogPart, MOST_ASKED, Mode, Opened, Outcome, Progress, Request, Route, StartRun, StartedRun, TableMeta,
    Used, WireError,
};

//! What an approver should think about twice.

use serde::Serialize;

use super::trace::{Trace, Traces, least_rows};
use super::words::{domain, quoted, slot_text};
use crate::command::{Aggregate, Aggregation, Command, TableRef};
use crate::holes::{Domain, holes};
use crate::script::Script;
use crate::slot::Slot;
use crate::types::ColumnType;

/// A minimum below this is remarked on.
const USUAL_MINIMUM: u64 = 10;
/// A hole for more values than this lets the analyst look for the one that tells most.
const WIDE: i128 = 1_000;

/// How much an approver should mind, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    High,
    Medium,
    Note,
}

/// What kind of risk. The names stand in reports, so they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskCode {
    RowLevel,
    NoMinimum,
    DifferencingWithin,
    OwnRows,
    Name,
    OpenHole,
    NearIdentical,
    NameMayChange,
    NoRunLimit,
    GroupLevel,
    BareCount,
    SmallMinimum,
    Extreme,
    SelfJoin,
    NamesTable,
    WideHole,
    BoundHole,
    Deletes,
    NoEnd,
}

/// One of them, at one step of a script or about the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Risk {
    pub code: RiskCode,
    pub level: Level,
    /// From 1, as in texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    pub text: String,
}

impl Risk {
    /// About a step, counted from 0, or about the whole.
    pub fn new(code: RiskCode, step: Option<usize>, text: impl Into<String>) -> Self {
        let step = step.map(|step| u32::try_from(step + 1).unwrap_or(u32::MAX));
        Self { code, level: code.level(), step, text: text.into() }
    }
}

impl RiskCode {
    pub fn level(self) -> Level {
        match self {
            RiskCode::RowLevel
            | RiskCode::NoMinimum
            | RiskCode::DifferencingWithin
            | RiskCode::OwnRows
            | RiskCode::Name
            | RiskCode::OpenHole
            | RiskCode::NearIdentical
            | RiskCode::NameMayChange => Level::High,
            RiskCode::GroupLevel
            | RiskCode::BareCount
            | RiskCode::SmallMinimum
            | RiskCode::Extreme
            | RiskCode::SelfJoin
            | RiskCode::NamesTable
            | RiskCode::NoRunLimit => Level::Medium,
            RiskCode::WideHole | RiskCode::BoundHole | RiskCode::Deletes | RiskCode::NoEnd => Level::Note,
        }
    }

    /// In a few words, for lists.
    pub fn title(self) -> &'static str {
        match self {
            RiskCode::RowLevel => "single rows are opened",
            RiskCode::NoMinimum => "a value may describe a single row",
            RiskCode::DifferencingWithin => "two results together may tell of a single row",
            RiskCode::OwnRows => "rows the analyst chose stand beside those of others",
            RiskCode::Name => "a name decides which table is used",
            RiskCode::OpenHole => "the analyst may fill in anything",
            RiskCode::NearIdentical => "an earlier script asked nearly the same",
            RiskCode::NameMayChange => "a name may be given to another table between runs",
            RiskCode::NoRunLimit => "it can be run again whenever the data has changed",
            RiskCode::GroupLevel => "each group is opened, those of one row as well",
            RiskCode::BareCount => "a count may be 0 or 1, and tells that",
            RiskCode::SmallMinimum => "the minimum number of rows is small",
            RiskCode::Extreme => "a smallest or largest value belongs to one row",
            RiskCode::SelfJoin => "a table is joined with itself",
            RiskCode::NamesTable => "a name is given to a table",
            RiskCode::WideHole => "the analyst fills in one of very many values",
            RiskCode::BoundHole => "the analyst fills in one of a few values",
            RiskCode::Deletes => "a table is deleted",
            RiskCode::NoEnd => "the approval never ends",
        }
    }
}

/// The risks of one step by itself, in the order in which they are told.
pub(super) fn risks_of(script: &Script, step: usize, command: &Command, traces: &Traces) -> Vec<Risk> {
    let mut told: Vec<(RiskCode, String)> = Vec::new();
    about_opening(command, traces, &mut told);
    about_sources(command, traces, &mut told);
    about_names(command, &mut told);
    for hole in holes(command) {
        told.push(match script.holes.iter().find(|declared| declared.hole == hole) {
            Some(declared) => {
                let code = if is_wide(&declared.domain) { RiskCode::WideHole } else { RiskCode::BoundHole };
                (code, format!("Left open: the analyst fills in {hole}, {}.", domain(&declared.domain)))
            }
            None => (RiskCode::OpenHole, format!("Left open: the analyst may fill in ANYTHING for {hole}.")),
        });
    }
    told.into_iter().map(|(code, text)| Risk::new(code, Some(step), text)).collect()
}

fn about_opening(command: &Command, traces: &Traces, told: &mut Vec<(RiskCode, String)>) {
    match command {
        Command::Open { table } if traces.of(table).groups => {
            if let Some(least) = traces.of(table).kept {
                return about_minimum(least, told);
            }
            let text = "Row-level opening of groups: a group of one is a single person or thing.";
            told.push((RiskCode::GroupLevel, text.to_owned()));
        }
        Command::Open { .. } => {
            let text = "Row-level opening: nothing is aggregated, single persons or things can be read.";
            told.push((RiskCode::RowLevel, text.to_owned()));
        }
        Command::Aggregate { table, aggregations, threshold } => {
            let trace = traces.of(table);
            match (least_rows(threshold).max(trace.kept), trace.least) {
                (Some(least), _) => about_minimum(least, told),
                (None, Some(_)) => {}
                (None, None) => {
                    let text = "No minimum number of rows: the result may describe a single row.";
                    told.push((RiskCode::NoMinimum, text.to_owned()));
                }
            }
            about_extremes(aggregations, told);
        }
        Command::GroupBy { aggregations, .. } => about_extremes(aggregations, told),
        Command::Filter { table, threshold, .. } => match least_rows(threshold).max(traces.of(table).kept) {
            Some(least) => about_minimum(least, told),
            None => {
                let text = "No minimum number of rows: the count may be 0 or 1, and tells that.";
                told.push((RiskCode::BareCount, text.to_owned()));
            }
        },
        Command::Upload { .. }
        | Command::Get { .. }
        | Command::Project { .. }
        | Command::Assign { .. }
        | Command::Merge { .. }
        | Command::Concat { .. }
        | Command::Sort { .. }
        | Command::Save { .. }
        | Command::Remove { .. } => {}
    }
}

fn about_minimum(least: u64, told: &mut Vec<(RiskCode, String)>) {
    if least < USUAL_MINIMUM {
        let text = format!("The minimum of {least} rows is small; {USUAL_MINIMUM} is usual.");
        told.push((RiskCode::SmallMinimum, text));
    }
}

fn about_extremes(aggregations: &[Aggregation], told: &mut Vec<(RiskCode, String)>) {
    if aggregations.iter().any(|one| matches!(one.aggregate, Aggregate::Min | Aggregate::Max)) {
        let text = "A smallest or largest value is the value of one row.";
        told.push((RiskCode::Extreme, text.to_owned()));
    }
}

/// Whose rows come together.
fn about_sources(command: &Command, traces: &Traces, told: &mut Vec<(RiskCode, String)>) {
    let inputs: Vec<Trace> = match command {
        Command::Merge { left, right, .. } => vec![traces.of(left), traces.of(right)],
        Command::Concat { tables } => tables.iter().map(|table| traces.of(table)).collect(),
        Command::Upload { .. }
        | Command::Get { .. }
        | Command::Filter { .. }
        | Command::Project { .. }
        | Command::Assign { .. }
        | Command::Aggregate { .. }
        | Command::GroupBy { .. }
        | Command::Sort { .. }
        | Command::Open { .. }
        | Command::Save { .. }
        | Command::Remove { .. } => return,
    };
    let all_own = |input: &Trace| input.own && !input.foreign;
    if inputs.iter().any(all_own) && inputs.iter().any(|input| input.foreign) {
        let text = "Rows that this script uploads stand beside those of others: whoever chooses the ones can \
                    find out about single ones of the others.";
        told.push((RiskCode::OwnRows, text.to_owned()));
    }
    if let (Command::Merge { .. }, [left, right]) = (command, inputs.as_slice())
        && !left.sources.is_disjoint(&right.sources)
    {
        let text = "A table is joined with itself or with what was made of it: a row can stand many times in \
                    the result, and a minimum number of rows then means less.";
        told.push((RiskCode::SelfJoin, text.to_owned()));
    }
}

fn about_names(command: &Command, told: &mut Vec<(RiskCode, String)>) {
    for input in command.inputs() {
        if let TableRef::Name(name) = input {
            let text = format!(
                "Which table {} is, is decided when the script runs: whoever may store under that name can \
                 swap the data between runs and compare the results. A handle cannot be swapped.",
                slot_text(name)
            );
            told.push((RiskCode::Name, text));
        }
    }
    match command {
        Command::Upload { name: Some(name), .. } | Command::Save { name: Some(name), .. } => {
            let text = format!(
                "The name {} can be given to several tables in turn, and other scripts that use it will not \
                 notice. A handle is safer.",
                slot_text(name)
            );
            told.push((RiskCode::NamesTable, text));
        }
        Command::Remove { table } => {
            let what = match table {
                TableRef::Name(name) => slot_text(name),
                TableRef::Handle(handle) => handle.to_string(),
                TableRef::Step(step) => quoted(&format!("step {}", u64::from(*step) + 1)),
            };
            told.push((RiskCode::Deletes, format!("What is deleted ({what}) cannot be brought back.")));
        }
        Command::Upload { name: None, .. }
        | Command::Save { name: None, .. }
        | Command::Get { .. }
        | Command::Filter { .. }
        | Command::Project { .. }
        | Command::Assign { .. }
        | Command::Merge { .. }
        | Command::Concat { .. }
        | Command::Aggregate { .. }
        | Command::GroupBy { .. }
        | Command::Sort { .. }
        | Command::Open { .. } => {}
    }
}

fn is_wide(domain: &Domain) -> bool {
    match domain {
        Domain::Integer { min, max } => max.0.saturating_sub(min.0) > WIDE,
        Domain::Date { min, max } => match (ColumnType::days_of(min), ColumnType::days_of(max)) {
            (Some(first), Some(last)) => i128::from(last) - i128::from(first) > WIDE,
            _ => true,
        },
        Domain::Pattern(_) | Domain::Text { .. } => true,
        Domain::OneOf(_) | Domain::Handles(_) => false,
    }
}

/// The minimum an aggregate or a filter asks for itself, for reports.
pub(super) fn own_minimum(command: &Command) -> Option<u64> {
    match command {
        Command::Aggregate { threshold, .. } | Command::Filter { threshold, .. } => {
            threshold.as_ref().and_then(Slot::value).copied()
        }
        _ => None,
    }
}

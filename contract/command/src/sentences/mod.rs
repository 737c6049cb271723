//! Scripts in plain words, for those who must say yes or no to them.

mod differencing;
mod report;
mod risks;
mod trace;
mod words;

pub use report::{
    OpenedThing, REPORT_FORMAT, Report, ReportHole, ReportStep, explain_risks, report, sort_risks,
};
pub use risks::{Level, Risk, RiskCode};

use crate::command::{Command, How, Validate};
use crate::rules::Rules;
use crate::script::{Script, Step};
use crate::slot::Slot;
use differencing::differencing;
use risks::risks_of;
use trace::Traces;
use words::{aggregation, column, expression, list, names, quoted, slot_text, table, visible};

/// What becomes readable when a command runs, smallest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opens {
    Nothing,
    /// How many rows or groups there are.
    Count,
    /// So many single values, to the analyst.
    Values(usize),
    /// Every row of a table of groups, to the analyst.
    Groups,
    /// Every row of a table about whoever the data is about, to the analyst.
    Rows,
}

/// One step in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub sentence: String,
    pub opens: Opens,
    /// What is opened, to whom, of which size.
    pub opening: String,
    /// What an approver should think about twice.
    pub risks: Vec<Risk>,
}

/// What the provider of an upload asks, to go on with after the columns.
fn asked(rules: &Option<Slot<Rules>>) -> String {
    let rules = match rules {
        None => return String::new(),
        Some(Slot::Hole(hole)) => return format!("; rules are up to the provider ({hole})"),
        Some(Slot::Value(rules)) => rules,
    };
    let mut text = rules.min_rows.map_or(String::new(), |rows| {
        format!("; nothing is opened of fewer than {rows} of its rows, and no row by itself")
    });
    if let Some(to) = rules.round_counts {
        text += &format!(
            "; counts are told as multiples of {to} only, rounded down, sums as coarsely, means not at all, \
             and nothing is opened of fewer than {to} of its rows"
        );
    }
    if !rules.join_only.is_empty() {
        let names: Vec<String> = rules.join_only.iter().map(|name| quoted(name)).collect();
        text += &format!("; {} serve(s) for joining only, neither opened nor computed with", list(&names));
    }
    text
}

/// What a command does, in one sentence.
pub fn sentence(command: &Command) -> String {
    match command {
        Command::Upload { columns, name, rules } => {
            let named =
                name.as_ref().map_or(String::new(), |name| format!(" under the name {}", slot_text(name)));
            match columns {
                Slot::Value(columns) if columns.is_empty() => {
                    format!("Uploads a table{named} without columns{}.", asked(rules))
                }
                Slot::Value(columns) => {
                    let columns: Vec<String> = columns.iter().map(column).collect();
                    format!("Uploads a table{named} with the column(s) {}{}.", list(&columns), asked(rules))
                }
                Slot::Hole(hole) => {
                    format!("Uploads a table{named} of any structure ({hole}){}.", asked(rules))
                }
            }
        }
        Command::Get { table: of } => format!("Looks up {}.", table(of)),
        Command::Filter { table: of, condition, .. } => {
            format!("Keeps the rows of {} where {}.", table(of), expression(condition))
        }
        Command::Project { table: of, columns } => {
            let columns: Vec<String> = columns
                .iter()
                .map(|kept| match &kept.rename {
                    Some(name) => format!("{} as {}", quoted(&kept.column), quoted(name)),
                    None => quoted(&kept.column),
                })
                .collect();
            format!("Keeps the column(s) {} of {}.", list(&columns), table(of))
        }
        Command::Assign { table: of, columns } => {
            let set: Vec<String> = columns
                .iter()
                .map(|set| format!("{} to {}", quoted(&set.name), expression(&set.value)))
                .collect();
            format!("Sets, in {}, the column(s) {}.", table(of), list(&set))
        }
        Command::Merge { .. } => merge_sentence(command),
        Command::Concat { tables } => {
            let tables: Vec<String> = tables.iter().map(table).collect();
            format!("Puts the rows of {} one after the other.", list(&tables))
        }
        Command::Aggregate { table: of, aggregations, .. } => {
            let values: Vec<String> = aggregations.iter().map(aggregation).collect();
            format!("Computes over {}: {}.", table(of), list(&values))
        }
        Command::GroupBy { table: of, by, aggregations } => {
            let values: Vec<String> = aggregations.iter().map(aggregation).collect();
            format!("Groups {} by {} and computes for each group: {}.", table(of), names(by), list(&values))
        }
        Command::Sort { table: of, by } => {
            let keys: Vec<String> = by
                .iter()
                .map(|key| {
                    format!("{} {}", quoted(&key.column), if key.ascending { "upwards" } else { "downwards" })
                })
                .collect();
            format!("Sorts {} by {}.", table(of), list(&keys))
        }
        Command::Open { table: of } => format!("OPENS every row of {}.", table(of)),
        Command::Save { table: of, name: None } => format!("Keeps {} on the servers.", table(of)),
        Command::Save { table: of, name: Some(name) } => {
            format!("Keeps {} on the servers under the name {}.", table(of), slot_text(name))
        }
        Command::Remove { table: of } => format!("Deletes {} from the servers.", table(of)),
    }
}

fn merge_sentence(command: &Command) -> String {
    let Command::Merge { left, right, how, left_on, right_on, validate, .. } = command else {
        return String::new();
    };
    let kept = match how {
        How::Inner => "keeping only rows with a partner",
        How::Left => "keeping every row of the first",
        How::Right => "keeping every row of the second",
        How::Outer => "keeping every row of both",
    };
    let promise = match validate {
        Validate::OneToOne => "a key that comes twice in either stops it and tells just that",
        Validate::ManyToOne => "a key that comes twice in the second stops it and tells just that",
        Validate::OneToMany => "a key that comes twice in the first stops it and tells just that",
        Validate::ManyToMany => "a key may come any number of times, and every pair makes a row",
    };
    let keys: Vec<String> =
        left_on.iter().zip(right_on).map(|(a, b)| format!("{} = {}", quoted(a), quoted(b))).collect();
    format!("Joins {} with {} where {}, {kept}; {promise}.", table(left), table(right), list(&keys))
}

impl Opens {
    /// For programs.
    pub fn word(&self) -> &'static str {
        match self {
            Opens::Nothing => "nothing",
            Opens::Count => "count",
            Opens::Values(_) => "values",
            Opens::Groups => "groups",
            Opens::Rows => "rows",
        }
    }
}

/// Explains every step of a script, with what earlier steps say about its tables.
pub fn explain_steps(script: &Script) -> Vec<Explained> {
    let traces = Traces::new(script);
    let explain = |(at, step): (usize, &Step)| {
        let (opens, opening) = opening(&traces, &step.command);
        let risks = risks_of(script, at, &step.command, &traces);
        Explained { sentence: sentence(&step.command), opens, opening, risks }
    };
    let mut explained: Vec<Explained> = script.steps.iter().enumerate().map(explain).collect();
    for (step, risk) in differencing(script, &traces) {
        if let Some(one) = explained.get_mut(step) {
            one.risks.push(risk);
        }
    }
    explained
}

/// What a command opens, and in which words.
fn opening(traces: &Traces, command: &Command) -> (Opens, String) {
    let nothing = (Opens::Nothing, "nothing".to_owned());
    let least = |threshold: &Option<_>| match threshold {
        Some(least) => format!("; if the rows are fewer than {least}, only that they are too few"),
        None => String::new(),
    };
    match command {
        Command::Upload { .. }
        | Command::Get { .. }
        | Command::Project { .. }
        | Command::Assign { .. }
        | Command::Concat { .. }
        | Command::Sort { .. }
        | Command::Save { .. }
        | Command::Remove { .. } => nothing,
        Command::Filter { threshold, .. } => {
            (Opens::Count, format!("how many rows remain{}", least(threshold)))
        }
        Command::Merge { how, validate, .. } => match (how, validate) {
            (How::Left, Validate::OneToOne | Validate::ManyToOne)
            | (How::Right, Validate::OneToOne | Validate::OneToMany) => nothing,
            (How::Inner, Validate::OneToOne | Validate::ManyToOne) => {
                (Opens::Count, "how many rows found a partner".to_owned())
            }
            _ => (Opens::Count, "how many rows the result has".to_owned()),
        },
        Command::GroupBy { .. } => (Opens::Count, "how many groups there are".to_owned()),
        Command::Aggregate { aggregations, threshold, .. } => {
            let count = aggregations.len();
            let what = if count == 1 { "ONE VALUE".to_owned() } else { format!("{count} VALUES") };
            (Opens::Values(count), format!("{what} to the analyst{}", least(threshold)))
        }
        Command::Open { table } => {
            let trace = traces.of(table);
            let columns = match &trace.columns {
                Some(columns) => format!("the column(s) {}", names(columns)),
                None => "all its columns".to_owned(),
            };
            match trace.groups {
                true => {
                    (Opens::Groups, format!("EVERY GROUP to the analyst: one row for each, with {columns}"))
                }
                false => (Opens::Rows, format!("EVERY ROW to the analyst, with {columns}")),
            }
        }
    }
}

/// A whole script as `vdl explain` shows it.
pub fn explain_script(script: &Script) -> String {
    let explained = explain_steps(script);
    let mut lines = heading(script);
    for (at, (step, explained)) in script.steps.iter().zip(&explained).enumerate() {
        lines.push(String::new());
        lines.push(format!("{} {}", if script.ordered { "Step" } else { "Command" }, at + 1));
        lines.push(format!("  {}", explained.sentence));
        lines.push(format!("  Opens: {}.", explained.opening));
        lines.extend(explained.risks.iter().map(|risk| format!("  ! {}", risk.text)));
        if let Some(source) = &step.source {
            lines.push(format!("  The analyst's own line, which decides nothing: {}", visible(source)));
        }
    }
    lines.push(String::new());
    lines.extend(summary(&explained));
    let risks: Vec<Risk> = explained.into_iter().flat_map(|one| one.risks).collect();
    format!("{}\n\n{}", lines.join("\n"), explain_risks(&risks))
}

fn heading(script: &Script) -> Vec<String> {
    let name = script.name.as_ref().map_or("without a name".to_owned(), |name| quoted(name));
    let count = script.steps.len();
    match script.ordered {
        true => vec![
            format!("Script {name}"),
            format!("{count} step(s), in this order, each once, none left out."),
        ],
        false => vec![
            format!("Authorization {name}"),
            format!("{count} command(s), in any order, each as often as the analyst likes."),
        ],
    }
}

/// The whole of what becomes readable, largest first.
fn summary(explained: &[Explained]) -> Vec<String> {
    let steps = |wanted: &dyn Fn(&Opens) -> bool| -> Vec<String> {
        let numbered = explained.iter().enumerate().filter(|(_, one)| wanted(&one.opens));
        numbered.map(|(at, _)| (at + 1).to_string()).collect()
    };
    let kinds: [(&str, Vec<String>); 4] = [
        ("EVERY ROW of a table", steps(&|opens| *opens == Opens::Rows)),
        ("every group of a table", steps(&|opens| *opens == Opens::Groups)),
        ("single values", steps(&|opens| matches!(opens, Opens::Values(_)))),
        ("numbers of rows or groups", steps(&|opens| *opens == Opens::Count)),
    ];
    let mut lines = vec!["In all it opens:".to_owned()];
    for (what, steps) in kinds.iter().filter(|(_, steps)| !steps.is_empty()) {
        lines.push(format!("  {what}, in step(s) {}", list(steps)));
    }
    if lines.len() == 1 {
        lines.push("  nothing".to_owned());
    }
    lines.push(
        "Public in any case: names, types and row counts of the tables, and the script itself.".to_owned(),
    );
    lines
}

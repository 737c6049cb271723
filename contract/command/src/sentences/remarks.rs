//! What an approver should think about twice.

use super::trace::{Trace, rules_out_single_rows};
use super::words::{domain, quoted, slot_text};
use crate::command::{Aggregate, Aggregation, Command, TableRef};
use crate::holes::holes;
use crate::script::Script;

pub(super) fn remarks(script: &Script, command: &Command) -> Vec<String> {
    let mut remarks = Vec::new();
    about_opening(script, command, &mut remarks);
    about_names(command, &mut remarks);
    for hole in holes(command) {
        remarks.push(match script.holes.iter().find(|declared| declared.hole == hole) {
            Some(declared) => {
                format!("Left open: the analyst fills in {hole}, {}.", domain(&declared.domain))
            }
            None => format!("Left open: the analyst may fill in ANYTHING for {hole}."),
        });
    }
    remarks
}

fn about_opening(script: &Script, command: &Command, remarks: &mut Vec<String>) {
    match command {
        Command::Open { table } => {
            remarks.push(match Trace::of(script, table).groups {
                true => "Row-level opening of groups: a group of one is a single person or thing.".to_owned(),
                false => "Row-level opening: nothing is aggregated, single persons or things can be read."
                    .to_owned(),
            });
        }
        Command::Aggregate { table, aggregations, threshold } => {
            if !rules_out_single_rows(threshold) && !Trace::of(script, table).guarded {
                remarks.push("No minimum number of rows: the result may describe a single row.".to_owned());
            }
            about_extremes(aggregations, remarks);
        }
        Command::GroupBy { aggregations, .. } => about_extremes(aggregations, remarks),
        Command::Filter { threshold, .. } if !rules_out_single_rows(threshold) => {
            remarks.push("No minimum number of rows: the count may be 0 or 1, and tells that.".to_owned());
        }
        Command::Filter { .. }
        | Command::Upload { .. }
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

fn about_extremes(aggregations: &[Aggregation], remarks: &mut Vec<String>) {
    if aggregations.iter().any(|one| matches!(one.aggregate, Aggregate::Min | Aggregate::Max)) {
        remarks.push("A smallest or largest value is the value of one row.".to_owned());
    }
}

fn about_names(command: &Command, remarks: &mut Vec<String>) {
    for input in command.inputs() {
        if let TableRef::Name(name) = input {
            remarks.push(format!(
                "Which table {} is, is decided when the script runs: whoever may store under that name can \
                 swap the data between runs and compare the results. A handle cannot be swapped.",
                slot_text(name)
            ));
        }
    }
    match command {
        Command::Upload { name: Some(name), .. } | Command::Save { name: Some(name), .. } => {
            remarks.push(format!(
                "The name {} can be given to several tables in turn, and other scripts that use it will not \
                 notice. A handle is safer.",
                slot_text(name)
            ));
        }
        Command::Remove { table } => {
            let what = match table {
                TableRef::Name(name) => slot_text(name),
                TableRef::Handle(handle) => handle.to_string(),
                TableRef::Step(step) => quoted(&format!("step {}", u64::from(*step) + 1)),
            };
            remarks.push(format!("What is deleted ({what}) cannot be brought back."));
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

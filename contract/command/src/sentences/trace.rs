//! What earlier steps say about a table: its columns, whether its rows are groups, whether few rows
//! were ruled out.

use crate::command::{Command, TableRef};
use crate::script::Script;
use crate::slot::Slot;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// Where they can be known from the script.
    pub columns: Option<Vec<String>>,
    /// One row stands for a group.
    pub groups: bool,
    /// The last condition that chose rows had a threshold.
    pub guarded: bool,
}

impl Trace {
    pub fn of(script: &Script, table: &TableRef) -> Trace {
        let TableRef::Step(step) = table else { return Trace::default() };
        // Every step is looked at once, from the first on: references only lead backwards.
        let mut known: Vec<Trace> = Vec::new();
        for earlier in script.steps.iter().take(*step as usize + 1) {
            let trace = after(&earlier.command, &|input| match input {
                TableRef::Step(step) => known.get(*step as usize).cloned().unwrap_or_default(),
                TableRef::Handle(_) | TableRef::Name(_) => Trace::default(),
            });
            known.push(trace);
        }
        known.pop().unwrap_or_default()
    }
}

/// A threshold left open rules out nothing, nor does one of a single row.
pub(super) fn rules_out_single_rows(threshold: &Option<Slot<u64>>) -> bool {
    threshold.as_ref().and_then(Slot::value).is_some_and(|least| *least > 1)
}

fn after(command: &Command, look_up: &dyn Fn(&TableRef) -> Trace) -> Trace {
    match command {
        Command::Upload { columns: Slot::Value(columns), .. } => Trace {
            columns: Some(columns.iter().map(|meta| meta.name.clone()).collect()),
            ..Trace::default()
        },
        Command::Upload { columns: Slot::Hole(_), .. } => Trace::default(),
        Command::Get { table } | Command::Sort { table, .. } | Command::Save { table, .. } => look_up(table),
        Command::Filter { table, threshold, .. } => {
            Trace { guarded: rules_out_single_rows(threshold), ..look_up(table) }
        }
        Command::Project { table, columns } => {
            let names = columns.iter().map(|kept| kept.rename.as_ref().unwrap_or(&kept.column).clone());
            Trace { columns: Some(names.collect()), ..look_up(table) }
        }
        Command::Assign { table, columns } => {
            let mut trace = look_up(table);
            if let Some(known) = &mut trace.columns {
                for set in columns {
                    if !known.contains(&set.name) {
                        known.push(set.name.clone());
                    }
                }
            }
            trace
        }
        Command::GroupBy { by, aggregations, .. } => {
            let values = aggregations.iter().map(|aggregation| aggregation.name.clone());
            let columns = Some(by.iter().cloned().chain(values).collect());
            Trace { columns, groups: true, guarded: false }
        }
        Command::Merge { left, right, .. } => {
            Trace { columns: None, groups: look_up(left).groups && look_up(right).groups, guarded: false }
        }
        Command::Concat { tables } => {
            let traces: Vec<Trace> = tables.iter().map(look_up).collect();
            let columns = traces.first().and_then(|trace| trace.columns.clone());
            Trace { columns, groups: traces.iter().all(|trace| trace.groups), guarded: false }
        }
        Command::Aggregate { .. } | Command::Open { .. } | Command::Remove { .. } => Trace::default(),
    }
}

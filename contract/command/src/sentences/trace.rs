//! What earlier steps say about a table: its columns, whether its rows are groups, whether few rows
//! were ruled out, where its rows come from and by which conditions they were chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::differencing::condition_keys;
use super::words::table as shown;
use crate::command::{Aggregation, Command, TableRef};
use crate::expression::{BinaryOp, Expression};
use crate::rules::Rules;
use crate::script::Script;
use crate::slot::Slot;

/// Conditions and sources beyond these are not followed; each is remarked on by itself anyway.
const MOST: usize = 256;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// Where they can be known from the script.
    pub columns: Option<Vec<String>>,
    /// One row stands for a group.
    pub groups: bool,
    /// The minimum that the last condition that chose rows asked for, if it rules out single rows.
    pub least: Option<u64>,
    /// What the uploads of this script ask for by rules, if all that its rows come from do: of fewer rows
    /// nothing is opened, whatever is made of them, and no group stays.
    pub kept: Option<u64>,
    /// Some rows were uploaded by the script.
    pub own: bool,
    /// Some rows were there before.
    pub foreign: bool,
    /// The tables its rows come from.
    pub sources: BTreeSet<Rc<str>>,
    /// What holds for its rows, each comparison for itself: its key, and the one without its constants.
    pub conditions: BTreeMap<u128, Option<u128>>,
    /// Of a table of groups: by what, and what is computed for each.
    pub grouped: Option<Rc<(Vec<String>, Vec<Aggregation>)>>,
}

/// Of every step of a script, in order.
pub(super) struct Traces(Vec<Trace>);

impl Traces {
    /// Every step is looked at once, from the first on: references only lead backwards.
    pub fn new(script: &Script) -> Self {
        let mut known = Traces(Vec::new());
        for (step, earlier) in script.steps.iter().enumerate() {
            known.0.push(known.after(step, &earlier.command));
        }
        known
    }

    pub fn of(&self, table: &TableRef) -> Trace {
        match table {
            TableRef::Step(step) => self.0.get(*step as usize).cloned().unwrap_or_default(),
            TableRef::Handle(_) | TableRef::Name(_) => {
                Trace { foreign: true, sources: [shown(table).into()].into(), ..Trace::default() }
            }
        }
    }

    /// What is known of the result of a command.
    fn after(&self, step: usize, command: &Command) -> Trace {
        match command {
            Command::Upload { columns, rules, .. } => {
                let kept = rules.as_ref().and_then(Slot::value).and_then(Rules::fewest).filter(rules_out_one);
                let names = columns.value().map(|metas| metas.iter().map(|meta| meta.name.clone()).collect());
                let sources = [format!("step {step}").into()].into();
                Trace { columns: names, kept, own: true, sources, ..Trace::default() }
            }
            Command::Get { table } | Command::Sort { table, .. } | Command::Save { table, .. } => {
                self.of(table)
            }
            Command::Filter { table, threshold, condition } => {
                let mut trace = Trace { least: least_rows(threshold), ..self.of(table) };
                add_conditions(condition, &mut trace.conditions);
                trace
            }
            Command::Project { table, columns } => {
                let names = columns.iter().map(|kept| kept.rename.as_ref().unwrap_or(&kept.column).clone());
                Trace { columns: Some(names.collect()), ..self.of(table) }
            }
            Command::Assign { table, columns } => {
                let mut trace = self.of(table);
                if let Some(known) = &mut trace.columns {
                    for set in columns {
                        if !known.contains(&set.name) {
                            known.push(set.name.clone());
                        }
                    }
                }
                trace
            }
            Command::GroupBy { table, by, aggregations } => {
                let values = aggregations.iter().map(|aggregation| aggregation.name.clone());
                let columns = Some(by.iter().cloned().chain(values).collect());
                let grouped = Some(Rc::new((by.clone(), aggregations.clone())));
                Trace { columns, groups: true, least: None, grouped, ..self.of(table) }
            }
            Command::Merge { left, right, .. } => {
                Trace { columns: None, ..together(&[self.of(left), self.of(right)]) }
            }
            Command::Concat { tables } => {
                together(&tables.iter().map(|table| self.of(table)).collect::<Vec<_>>())
            }
            Command::Aggregate { .. } | Command::Open { .. } | Command::Remove { .. } => Trace::default(),
        }
    }
}

/// Rows of several tables in one.
fn together(traces: &[Trace]) -> Trace {
    let mut all = Trace {
        columns: traces.first().and_then(|trace| trace.columns.clone()),
        groups: traces.iter().all(|trace| trace.groups),
        // `None` is the least: a single row of a table without a rule may be told of.
        kept: traces.iter().map(|trace| trace.kept).min().flatten(),
        own: traces.iter().any(|trace| trace.own),
        foreign: traces.iter().any(|trace| trace.foreign),
        ..Trace::default()
    };
    for trace in traces {
        let room = MOST.saturating_sub(all.sources.len());
        all.sources.extend(trace.sources.iter().take(room).cloned());
        let room = MOST.saturating_sub(all.conditions.len());
        all.conditions.extend(trace.conditions.iter().take(room));
    }
    all
}

/// A threshold left open rules out nothing, nor does one of a single row.
pub(super) fn least_rows(threshold: &Option<Slot<u64>>) -> Option<u64> {
    threshold.as_ref().and_then(Slot::value).copied().filter(rules_out_one)
}

fn rules_out_one(least: &u64) -> bool {
    *least > 1
}

/// What is joined by `and` are several conditions.
fn add_conditions(condition: &Expression, found: &mut BTreeMap<u128, Option<u128>>) {
    match condition {
        Expression::Binary { op: BinaryOp::And, left, right } => {
            add_conditions(left, found);
            add_conditions(right, found);
        }
        _ if found.len() < MOST => found.extend([condition_keys(condition)]),
        _ => {}
    }
}

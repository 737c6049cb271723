//! Two results over nearly the same rows: what lies between them can be the value of one.

use std::collections::{BTreeMap, BTreeSet};

use super::risks::{Risk, RiskCode};
use super::trace::{Trace, Traces};
use crate::command::{Aggregation, Command};
use crate::expression::{BinaryOp, Expression, Integer};
use crate::script::Script;
use crate::slot::Slot;

/// Finds pairs of openings of the same value, by the same groups and from the same tables, whose
/// conditions differ in one comparison: one side has it and the other not, or they differ in its constants.
pub(super) fn differencing(script: &Script, traces: &Traces) -> Vec<(usize, Risk)> {
    let mut exact: BTreeMap<(u128, u128), usize> = BTreeMap::new();
    let mut apart_from_one: BTreeMap<(u128, u128), usize> = BTreeMap::new();
    let mut without_constant: BTreeMap<(u128, u128, u128), (usize, u128)> = BTreeMap::new();
    let mut pairs = BTreeSet::new();
    for (step, opening) in script.steps.iter().map(|step| opened(&step.command, traces)).enumerate() {
        let Some(Opening { bases, trace }) = opening else { continue };
        let all = trace.conditions.keys().fold(0, |sum: u128, key| sum.wrapping_add(*key));
        for base in bases {
            pairs.extend(apart_from_one.get(&(base, all)).map(|earlier| (*earlier, step)));
            for (key, shape) in &trace.conditions {
                let rest = all.wrapping_sub(*key);
                pairs.extend(exact.get(&(base, rest)).map(|earlier| (*earlier, step)));
                apart_from_one.entry((base, rest)).or_insert(step);
                let Some(shape) = shape else { continue };
                let first = *without_constant.entry((base, rest, *shape)).or_insert((step, *key));
                if first.1 != *key {
                    pairs.insert((first.0, step));
                }
            }
            exact.entry((base, all)).or_insert(step);
        }
    }
    pairs.into_iter().map(|(earlier, step)| (step, risk(earlier, step))).collect()
}

fn risk(earlier: usize, step: usize) -> Risk {
    let text = format!(
        "With step {} it opens one value over nearly the same rows: what lies between the two can be the \
         value of a single row.",
        earlier + 1
    );
    Risk::new(RiskCode::DifferencingWithin, Some(step), text)
}

/// What is opened of which rows.
struct Opening {
    /// For each value: what it is, by which groups and from which tables.
    bases: BTreeSet<u128>,
    trace: Trace,
}

fn opened(command: &Command, traces: &Traces) -> Option<Opening> {
    let (trace, by, aggregations) = match command {
        Command::Aggregate { table, aggregations, .. } => (traces.of(table), vec![], aggregations.clone()),
        Command::Open { table } => {
            let trace = traces.of(table);
            let (by, aggregations) = trace.grouped.as_deref()?.clone();
            (trace, by, aggregations)
        }
        Command::Upload { .. }
        | Command::Get { .. }
        | Command::Filter { .. }
        | Command::Project { .. }
        | Command::Assign { .. }
        | Command::Merge { .. }
        | Command::Concat { .. }
        | Command::GroupBy { .. }
        | Command::Sort { .. }
        | Command::Save { .. }
        | Command::Remove { .. } => return None,
    };
    let base = |one: &Aggregation| key_of(&format!("{:?} {by:?} {:?}", trace.sources, one.value));
    let bases = aggregations.iter().map(base).collect();
    Some(Opening { bases, trace })
}

/// Names a comparison, and the one that is the same but for its constants. Two tests for equality with
/// different constants choose rows that have nothing in common, so they have no such name.
pub(super) fn condition_keys(condition: &Expression) -> (u128, Option<u128>) {
    let whole = format!("{condition:?}");
    let mut bare = condition.clone();
    clear_constants(&mut bare);
    let shape = format!("{bare:?}");
    let disjoint = matches!(condition, Expression::Binary { op: BinaryOp::Equal, .. });
    (key_of(&whole), (!disjoint && shape != whole).then(|| key_of(&shape)))
}

fn clear_constants(expression: &mut Expression) {
    match expression {
        Expression::Integer(slot) => *slot = Slot::Value(Integer(i128::MIN)),
        Expression::Text(slot) | Expression::Date(slot) => *slot = Slot::Value(String::new()),
        Expression::Column(_) | Expression::Boolean(_) => {}
        Expression::Binary { left, right, .. } | Expression::FillNull { value: left, with: right } => {
            clear_constants(left);
            clear_constants(right);
        }
        Expression::Not(of) | Expression::Negate(of) | Expression::IsNull(of) => clear_constants(of),
    }
}

/// Keys of conditions are added up, so that one can be taken out again.
fn key_of(text: &str) -> u128 {
    let digest = blake3::hash(text.as_bytes());
    digest.as_bytes().first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes))
}

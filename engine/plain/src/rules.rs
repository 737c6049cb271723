//! How many different original rows are behind something.

use std::collections::HashSet;

use vdl_plan::vdl_command::Aggregate;
use vdl_plan::{Added, Plan, Reduction};

use crate::expression::evaluate;
use crate::{Column, Value};

/// The inputs with the columns that the plan gives them.
pub(crate) fn numbered(plan: &Plan, inputs: &[Vec<Column>]) -> Vec<Vec<Column>> {
    let mut inputs = inputs.to_vec();
    for (columns, added) in inputs.iter_mut().zip(&plan.added) {
        let rows = columns.first().map_or(0, Vec::len) as i128;
        for added in added {
            let number = |row| (*added == Added::Numbers).then_some(Value::Integer(row));
            columns.push((0..rows).map(number).collect());
        }
    }
    inputs
}

/// Whether these rows are of enough originals.
pub(crate) fn met(plan: &Plan, columns: &[&Column], rows: &[usize]) -> bool {
    plan.checks.iter().all(|check| {
        let originals = match check.rows_in {
            None => rows.len(),
            Some(at) => {
                rows.iter().filter_map(|&row| columns[at][row].as_ref()).collect::<HashSet<_>>().len()
            }
        };
        originals as u64 >= check.min_rows
    })
}

/// The rows behind one value: those where it is there, and of a total those that add to it.
pub(crate) fn behind(reduction: &Reduction, columns: &[&Column], rows: &[usize]) -> Vec<usize> {
    let adds = matches!(reduction.aggregate, Aggregate::Sum | Aggregate::Mean);
    let counts = |row: &&usize| {
        evaluate(&reduction.value, columns, **row).is_some_and(|value| !adds || value.number() != 0)
    };
    rows.iter().filter(counts).copied().collect()
}

//! From a plan and shares to its outcome.

use std::sync::OnceLock;

use vdl_plan::vdl_command::ColumnMeta;
use vdl_plan::{Added, Assigned, Operation, Plan, PlanOutput};
use vdl_protocol::{Party, rerandomize_planes, rerandomize_ring};
use vdl_share::{ColumnShares, Planes, TableShares};

use crate::aggregate::aggregate;
use crate::check::check;
use crate::column::{Bits, of_bits};
use crate::concat::concat;
use crate::error::TableError;
use crate::expression::{Form, evaluate};
use crate::filter::{compact, filter};
use crate::group::group_by;
use crate::merge::Merge;
use crate::sort::sort;
use crate::steps::Steps;

/// What a plan gives.
#[derive(Debug)]
pub enum Outcome {
    /// A new table; `rows` is the public number of its rows, of which `shares` may carry more.
    Table { columns: Vec<ColumnMeta>, rows: u64, shares: TableShares },
    /// Shares for the analyst, fresh and independent of everything before.
    Opened { columns: Vec<ColumnMeta>, rows: u64, shares: Vec<ColumnShares> },
    /// Nothing to compute: the node does what is to be done.
    Nothing,
}

/// Carries out `plan` on the shares of its inputs, in their order. `progress` hears how many steps of
/// how many are done.
///
/// Upload, get, save and remove are [`Outcome::Nothing`] here. Every party must hold the same forms
/// of each column (see [`ColumnShares`]); a conversion is left beside the column it was made from.
pub fn run(
    party: &mut Party,
    plan: &Plan,
    inputs: &[&TableShares],
    progress: &mut dyn FnMut(u32, u32),
) -> Result<Outcome, TableError> {
    if inputs.len() != plan.inputs.len() {
        return Err(TableError::Shape("another number of tables"));
    }
    let mut extended = Vec::with_capacity(inputs.len());
    for (table, added) in inputs.iter().zip(&plan.added) {
        extended.push(if added.is_empty() { None } else { Some(with_added(party.id(), table, added)?) });
    }
    let inputs: Vec<&TableShares> =
        inputs.iter().zip(&extended).map(|(table, extended)| extended.as_ref().unwrap_or(table)).collect();
    let inputs = inputs.as_slice();
    for (input, table) in plan.inputs.iter().zip(inputs) {
        check(input, table)?;
    }
    let total = match &plan.operation {
        Operation::Aggregate { reductions, .. } => reductions.len() + 1,
        Operation::GroupBy { .. } => 3,
        Operation::Assign { columns } => columns.len(),
        Operation::Merge { .. } => 6,
        Operation::Sort { .. } => 3,
        _ => 1,
    };
    let mut steps = Steps::new(total, progress);
    let outcome = match &plan.output {
        PlanOutput::Nothing => Outcome::Nothing,
        PlanOutput::Table { columns } => match table(party, plan, inputs, columns, &mut steps)? {
            Some((shares, rows)) => Outcome::Table { columns: columns.clone(), rows, shares },
            None => Outcome::Nothing,
        },
        PlanOutput::Opened { columns } => {
            let (shares, rows) = opened(party, plan, inputs, &mut steps)?;
            Outcome::Opened { columns: columns.clone(), rows, shares: fresh(party, shares)? }
        }
    };
    steps.finish();
    Ok(outcome)
}

/// The table with columns of public values behind its own. Local.
fn with_added(id: usize, table: &TableShares, added: &[Added]) -> Result<TableShares, TableError> {
    let mut table = table.clone();
    let rows = table.rows;
    if u32::try_from(rows).is_ok_and(|rows| rows < 1 << 31) {
        table.columns.extend(added.iter().map(|added| match added {
            Added::Numbers => {
                let numbers: Vec<u64> = (0..rows as u64).collect();
                let numbers = Bits::public(id, &Planes::from_values(&numbers, 31));
                of_bits(numbers, Some(Bits::public(id, &Planes::ones(rows, 1))))
            }
            Added::Nothing => of_bits(Bits::zeros(rows, 31), Some(Bits::zeros(rows, 1))),
        }));
        return Ok(table);
    }
    Err(TableError::Shape("too many rows"))
}

/// Operations that give a table; `None` for those that are the node's.
fn table(
    party: &mut Party,
    plan: &Plan,
    inputs: &[&TableShares],
    columns: &[ColumnMeta],
    steps: &mut Steps<'_>,
) -> Result<Option<(TableShares, u64)>, TableError> {
    let one = |position: usize| match (inputs.get(position), plan.inputs.get(position)) {
        (Some(table), Some(input)) => Ok((*table, input)),
        _ => Err(TableError::Shape("another number of tables")),
    };
    Ok(Some(match &plan.operation {
        Operation::Upload | Operation::Get | Operation::Save | Operation::Remove => return Ok(None),
        Operation::Open | Operation::Aggregate { .. } => return Ok(None),
        Operation::Filter { condition, threshold } => {
            let (table, input) = one(0)?;
            filter(party, table, input, condition, *threshold, &plan.checks)?
        }
        Operation::Project { columns } => {
            let (table, input) = one(0)?;
            let chosen = columns.iter().map(|&position| table.columns.get(position).cloned());
            let columns = chosen.collect::<Option<_>>().ok_or(TableError::Shape("a column is not there"))?;
            (TableShares { rows: table.rows, columns, selected: table.selected.clone() }, input.rows)
        }
        Operation::Assign { columns } => {
            let (table, input) = one(0)?;
            (assign(party, table, columns, steps)?, input.rows)
        }
        Operation::Merge { how, validate, keys, columns } => {
            let ((left, _), (right, _)) = (one(0)?, one(1)?);
            Merge { plan, how: *how, validate: *validate, keys, columns }.run(party, [left, right], steps)?
        }
        Operation::Concat { columns: places } => {
            let rows = plan.inputs.iter().map(|input| input.rows).sum();
            (concat(party, inputs, &plan.inputs, places, columns)?, rows)
        }
        Operation::GroupBy { keys, reductions } => {
            let (table, input) = one(0)?;
            let groups = group_by(party, table, input, keys, (reductions, &plan.checks), steps)?;
            let rows = groups.rows as u64;
            (groups, rows)
        }
        Operation::Sort { keys } => {
            let (table, input) = one(0)?;
            (sort(party, table, input, keys, steps)?, input.rows)
        }
    }))
}

fn assign(
    party: &mut Party,
    table: &TableShares,
    columns: &[Assigned],
    steps: &mut Steps<'_>,
) -> Result<TableShares, TableError> {
    let mut made = Vec::with_capacity(columns.len());
    for source in columns {
        made.push(match source {
            Assigned::Keep(position) => {
                table.columns.get(*position).cloned().ok_or(TableError::Shape("a column is not there"))?
            }
            Assigned::Compute(value) => evaluate(party, value, table, Form::Bits)?.into_shares(),
        });
        steps.done();
    }
    Ok(TableShares { rows: table.rows, columns: made, selected: table.selected.clone() })
}

/// Operations whose result goes to the analyst.
fn opened(
    party: &mut Party,
    plan: &Plan,
    inputs: &[&TableShares],
    steps: &mut Steps<'_>,
) -> Result<(Vec<ColumnShares>, u64), TableError> {
    let (Some(table), Some(input)) = (inputs.first(), plan.inputs.first()) else {
        return Err(TableError::Shape("another number of tables"));
    };
    match &plan.operation {
        Operation::Aggregate { reductions, threshold } => {
            Ok((aggregate(party, table, input, reductions, (*threshold, &plan.checks), steps)?, 1))
        }
        _ => Ok((compact(party, table, input.rows)?.columns, input.rows)),
    }
}

/// Shares that say nothing but the values. Each column leaves in one form: bits unless it is a mean.
fn fresh(party: &mut Party, columns: Vec<ColumnShares>) -> Result<Vec<ColumnShares>, TableError> {
    columns
        .into_iter()
        .map(|column| {
            let mut out = ColumnShares::default();
            match (column.bits.get(), column.ring.get()) {
                (Some(bits), _) => out.bits = OnceLock::from(rerandomize_planes(party, bits)?),
                (None, Some(ring)) => out.ring = OnceLock::from(rerandomize_ring(party, ring)?),
                (None, None) => return Err(TableError::Shape("a column without values")),
            }
            if let Some(count) = &column.count {
                out.count = Some(rerandomize_ring(party, count)?);
            }
            if let Some(valid) = &column.valid {
                out.valid = Some(rerandomize_planes(party, valid)?);
            }
            Ok(out)
        })
        .collect()
}

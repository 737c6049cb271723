//! From a command to its plan.

use std::collections::HashSet;

use vdl_command::{
    Aggregate, Aggregation, ColumnMeta, ColumnType, Command, Kind, NamedExpression, Projection, Slot,
    SortKey, TableRules,
};

use crate::bounds::{self, written};
use crate::error::PlanError;
use crate::expression::{Node, filled, truth, typed, wrong};
use crate::kinds::{check, number};
use crate::merge::{Join, concat, key_type, merge};
use crate::names::{distinct, find};
use crate::operation::{Assigned, Input, Operation, Ordering, Plan, PlanOutput, Reduction};
use crate::rounding::{self, Rounding};
use crate::rules;
use crate::sorted::sorted;

/// Rows that one computation may see.
const MOST_ROWS: u64 = 1 << 31;

/// The plan of `command` on tables of these shapes, given in the order of [`Command::inputs`].
/// All holes must have been filled in. Says why where there is none.
pub fn plan(command: &Command, inputs: &[Input]) -> Result<Plan, PlanError> {
    let expected = command.inputs().len();
    if inputs.len() != expected {
        return Err(PlanError::WrongInputs { expected, given: inputs.len() });
    }
    let rows = inputs.iter().fold(0, |sum: u64, input| sum.saturating_add(input.rows));
    if rows > MOST_ROWS {
        return Err(PlanError::TooManyRows { limit: MOST_ROWS });
    }
    rules::allowed(command, inputs)?;
    let (inputs, added) = rules::prepared(command, inputs)?;
    let (mut operation, mut output) = match inputs.as_slice() {
        [input] => single(command, input)?,
        _ => several(command, &inputs)?,
    };
    let mut rules = TableRules::default();
    if let PlanOutput::Table { columns } = &mut output {
        rules = rules::follow(command, (&inputs, &added), &mut operation, columns)?;
    }
    let checks = rules::checks(&operation, &inputs, (&rules, output.columns().len()));
    let sorted = sorted(&operation, &inputs);
    Ok(Plan { operation, inputs, added, output, sorted, rules, checks })
}

/// Commands that read one table.
fn single(command: &Command, input: &Input) -> Result<(Operation, PlanOutput), PlanError> {
    let table = |columns: &[ColumnMeta]| PlanOutput::Table { columns: columns.to_vec() };
    Ok(match command {
        Command::Get { .. } => (Operation::Get, table(input.visible())),
        Command::Save { .. } => (Operation::Save, table(input.visible())),
        Command::Remove { .. } => (Operation::Remove, PlanOutput::Nothing),
        Command::Open { .. } => (Operation::Open, PlanOutput::Opened { columns: input.visible().to_vec() }),
        Command::Filter { condition, threshold, .. } => {
            let condition = truth(condition, input.visible())?;
            let threshold = least(threshold, input)?;
            (Operation::Filter { condition, threshold }, table(input.visible()))
        }
        Command::Project { columns, .. } => {
            let (positions, columns) = project(columns, input)?;
            (Operation::Project { columns: positions }, PlanOutput::Table { columns })
        }
        Command::Assign { columns, .. } => {
            let (sources, columns) = assign(columns, input)?;
            (Operation::Assign { columns: sources }, PlanOutput::Table { columns })
        }
        Command::Aggregate { aggregations, threshold, .. } => {
            let (reductions, columns) = aggregate(aggregations, input)?;
            let threshold = least(threshold, input)?;
            (Operation::Aggregate { reductions, threshold }, PlanOutput::Opened { columns })
        }
        Command::GroupBy { by, aggregations, .. } => {
            let (operation, columns) = group_by(by, aggregations, input)?;
            (operation, PlanOutput::Table { columns })
        }
        Command::Sort { by, .. } => (sort(by, input)?, table(input.visible())),
        Command::Upload { .. } | Command::Merge { .. } | Command::Concat { .. } => {
            return several(command, std::slice::from_ref(input));
        }
    })
}

/// The threshold of a command; where counts are rounded a multiple, which tells no more than a count.
fn least(threshold: &Option<Slot<u64>>, input: &Input) -> Result<Option<u64>, PlanError> {
    let threshold = threshold.as_ref().map(filled).transpose()?;
    Ok(threshold.map(|least| rounding::up(*least, input.rules.round_counts)))
}

/// Commands that read none, two or any number of tables.
fn several(command: &Command, inputs: &[Input]) -> Result<(Operation, PlanOutput), PlanError> {
    let (operation, columns) = match (command, inputs) {
        (Command::Upload { columns, .. }, _) => {
            let columns = filled(columns)?;
            if columns.is_empty() {
                return Err(PlanError::Nothing("the list of columns"));
            }
            columns.iter().try_for_each(check)?;
            distinct(columns)?;
            (Operation::Upload, columns.clone())
        }
        (Command::Merge { how, left_on, right_on, validate, suffixes, .. }, [left, right]) => {
            merge(&Join { left, right, how: *how, left_on, right_on, validate: *validate, suffixes })?
        }
        (Command::Concat { .. }, _) => concat(inputs)?,
        _ => return Err(PlanError::WrongInputs { expected: command.inputs().len(), given: inputs.len() }),
    };
    Ok((operation, PlanOutput::Table { columns }))
}

fn project(columns: &[Projection], input: &Input) -> Result<(Vec<usize>, Vec<ColumnMeta>), PlanError> {
    if columns.is_empty() {
        return Err(PlanError::Nothing("the list of columns"));
    }
    let mut positions = Vec::with_capacity(columns.len());
    let mut chosen = Vec::with_capacity(columns.len());
    for projection in columns {
        let position = find(input.visible(), &projection.column)?;
        let Some(column) = input.visible().get(position) else { continue };
        let name = projection.rename.as_ref().unwrap_or(&column.name).clone();
        positions.push(position);
        chosen.push(ColumnMeta { name, ctype: column.ctype.clone() });
    }
    distinct(&chosen)?;
    Ok((positions, chosen))
}

fn assign(columns: &[NamedExpression], input: &Input) -> Result<(Vec<Assigned>, Vec<ColumnMeta>), PlanError> {
    if columns.is_empty() {
        return Err(PlanError::Nothing("the list of columns"));
    }
    let mut schema = input.visible().to_vec();
    let mut sources: Vec<Assigned> = (0..schema.len()).map(Assigned::Keep).collect();
    let mut named = HashSet::new();
    for NamedExpression { name, value } in columns {
        if !named.insert(name) {
            return Err(PlanError::DuplicateColumn { name: name.clone() });
        }
        let value = typed(value, input.visible())?;
        let column = ColumnMeta { name: name.clone(), ctype: value.ctype.clone() };
        check(&column)?;
        let source = match value.node {
            Node::Column(position) => Assigned::Keep(position),
            _ => Assigned::Compute(value),
        };
        let place = schema.iter().position(|old| old.name == *name);
        match place.and_then(|place| Some((schema.get_mut(place)?, sources.get_mut(place)?))) {
            Some((old, from)) => (*old, *from) = (column, source),
            None => {
                schema.push(column);
                sources.push(source);
            }
        }
    }
    Ok((sources, schema))
}

fn sort(by: &[SortKey], input: &Input) -> Result<Operation, PlanError> {
    if by.is_empty() {
        return Err(PlanError::Nothing("the list of columns to sort by"));
    }
    let keys = by
        .iter()
        .map(|key| {
            let column = find(input.visible(), &key.column)?;
            key_type(input.visible(), column)?;
            Ok(Ordering { column, ascending: key.ascending })
        })
        .collect::<Result<_, PlanError>>()?;
    Ok(Operation::Sort { keys })
}

fn aggregate(
    aggregations: &[Aggregation],
    input: &Input,
) -> Result<(Vec<Reduction>, Vec<ColumnMeta>), PlanError> {
    if aggregations.is_empty() {
        return Err(PlanError::Nothing("the list of aggregations"));
    }
    let reduced: Vec<(Reduction, ColumnMeta)> = aggregations
        .iter()
        .map(|aggregation| reduction(aggregation, input, input.row_bounds()))
        .collect::<Result<_, _>>()?;
    let (reductions, columns): (Vec<_>, Vec<_>) = reduced.into_iter().unzip();
    distinct(&columns)?;
    Ok((reductions, columns))
}

fn group_by(
    by: &[String],
    aggregations: &[Aggregation],
    input: &Input,
) -> Result<(Operation, Vec<ColumnMeta>), PlanError> {
    if by.is_empty() {
        return Err(PlanError::Nothing("the list of columns to group by"));
    }
    let mut keys = Vec::with_capacity(by.len());
    let mut columns = Vec::with_capacity(by.len() + aggregations.len());
    for name in by {
        let position = find(input.visible(), name)?;
        let ctype = ColumnType::required(key_type(input.visible(), position)?.kind.clone());
        keys.push(position);
        columns.push(ColumnMeta { name: name.clone(), ctype });
    }
    let mut reductions = Vec::with_capacity(aggregations.len());
    for aggregation in aggregations {
        // A group has at least one row; if there are no rows, there are no groups.
        let (reduction, column) = reduction(aggregation, input, (1, input.row_bounds().1.max(1)))?;
        reductions.push(reduction);
        columns.push(column);
    }
    distinct(&columns)?;
    Ok((Operation::GroupBy { keys, reductions }, columns))
}

/// One aggregation over a number of rows that is between `rows.0` and `rows.1`.
fn reduction(
    aggregation: &Aggregation,
    input: &Input,
    rows: (u64, u64),
) -> Result<(Reduction, ColumnMeta), PlanError> {
    let Aggregation { name, aggregate, value: expression } = aggregation;
    let value = typed(expression, input.visible())?;
    let (fewest, most) = (if value.ctype.nullable { 0 } else { rows.0 }, rows.1);
    let place = || format!("{name} = {}({})", verb(*aggregate), written(expression));
    let numbers = || number(&value.ctype.kind).ok_or_else(|| wrong(expression, "a number", &value));
    let mut rounding = None;
    if let Some(to) = input.rules.round_counts {
        let value = if *aggregate == Aggregate::Sum { numbers()? } else { (0, 0) };
        rounding = Some(Rounding::of(to, *aggregate, value, bounds::sum(value, fewest, most))?);
    }
    let down = |(min, max)| (rounding.map_or(min, |rounding| rounding.down(min)), max);
    let ctype = match aggregate {
        Aggregate::Count => {
            ColumnType::required(bounds::integer(down((fewest.into(), most.into())), &place)?)
        }
        Aggregate::Sum => {
            let sum = down(bounds::sum(numbers()?, fewest, most));
            ColumnType::required(bounds::total(sum, &place)?)
        }
        Aggregate::Mean => {
            let (min, max) = numbers()?;
            bounds::total(bounds::sum((min, max), fewest, most), &place)?;
            ColumnType::required(Kind::Mean { min, max })
        }
        Aggregate::Min | Aggregate::Max => {
            ColumnType { kind: value.ctype.kind.clone(), nullable: value.ctype.nullable || rows.0 == 0 }
        }
    };
    let column = ColumnMeta { name: name.clone(), ctype };
    Ok((Reduction { aggregate: *aggregate, value, rounding }, column))
}

fn verb(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Count => "count",
        Aggregate::Sum => "sum",
        Aggregate::Mean => "mean",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
    }
}

//! Whole tables.

use std::cmp::Ordering;
use std::collections::HashMap;

use vdl_plan::vdl_command::{Aggregate, How, Kind, Validate};
use vdl_plan::{Assigned, KeyPair, MergeSource, Operation, Plan, Reduction};

use crate::expression::{evaluate, order};
use crate::{Column, Value, rules};

/// What a plan gives on clear data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Table(Vec<Column>),
    Opened(Vec<Column>),
    Nothing,
}

/// What a plan refuses once it sees the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    TooFewRows,
    KeyNotUnique,
}

/// Runs a plan on the columns of its inputs.
pub fn run(plan: &Plan, inputs: &[Vec<Column>]) -> Result<Outcome, Refused> {
    let inputs = &rules::numbered(plan, inputs);
    let first: Vec<&Column> = inputs.first().map(|columns| columns.iter().collect()).unwrap_or_default();
    let rows = first.first().map_or(0, |column| column.len());
    Ok(Outcome::Table(match &plan.operation {
        Operation::Upload | Operation::Get | Operation::Save => return Ok(Outcome::Nothing),
        Operation::Remove => return Ok(Outcome::Nothing),
        Operation::Open => return Ok(Outcome::Opened(first.into_iter().cloned().collect())),
        Operation::Filter { condition, threshold } => {
            let kept: Vec<usize> = (0..rows)
                .filter(|&row| evaluate(condition, &first, row).is_some_and(|value| value.truth()))
                .collect();
            if threshold.is_some_and(|least| (kept.len() as u64) < least) || !rules::met(plan, &first, &kept)
            {
                return Err(Refused::TooFewRows);
            }
            take(&first, &kept)
        }
        Operation::Project { columns } => columns.iter().map(|&position| first[position].clone()).collect(),
        Operation::Assign { columns } => columns
            .iter()
            .map(|source| match source {
                Assigned::Keep(position) => first[*position].clone(),
                Assigned::Compute(value) => (0..rows).map(|row| evaluate(value, &first, row)).collect(),
            })
            .collect(),
        Operation::Merge { how, validate, keys, columns } => {
            let right: Vec<&Column> = inputs[1].iter().collect();
            let mut merged = merge(plan, *how, *validate, keys, columns, [&first, &right])?;
            let all: Vec<usize> = (0..merged[0].len()).collect();
            if !rules::met(plan, &merged.iter().collect::<Vec<_>>(), &all) {
                return Err(Refused::TooFewRows);
            }
            for (column, meta) in merged.iter_mut().zip(plan.columns()) {
                column.iter_mut().for_each(|value| match (&value, &meta.ctype.kind) {
                    // A mean of nothing is how a missing mean is held.
                    (None, Kind::Mean { .. }) => *value = Some(Value::Mean { sum: 0, count: 0 }),
                    // A key that is a truth value on one side and a number on the other.
                    (Some(Value::Boolean(truth)), Kind::Integer { .. }) => {
                        *value = Some(Value::Integer(i128::from(*truth)));
                    }
                    _ => {}
                });
            }
            merged
        }
        Operation::Concat { columns } => (0..columns[0].len())
            .map(|column| {
                columns.iter().zip(inputs).flat_map(|(places, table)| table[places[column]].clone()).collect()
            })
            .collect(),
        Operation::Aggregate { reductions, threshold } => {
            let all: Vec<usize> = (0..rows).collect();
            let counted = |reduction: &Reduction| present(reduction, &first, &all).len() as u64;
            let few = threshold.is_some_and(|least| reductions.iter().any(|r| counted(r) < least));
            if few || !reductions.iter().all(|r| rules::met(plan, &first, &rules::behind(r, &first, &all))) {
                return Err(Refused::TooFewRows);
            }
            return Ok(Outcome::Opened(
                reductions.iter().map(|reduction| vec![reduce(reduction, &first, &all)]).collect(),
            ));
        }
        Operation::GroupBy { keys, reductions } => group_by(plan, keys, reductions, &first, rows),
        Operation::Sort { keys } => {
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_by(|&a, &b| {
                keys.iter()
                    .map(|key| nulls_last(&first[key.column][a], &first[key.column][b], key.ascending))
                    .find(|ordering| ordering.is_ne())
                    .unwrap_or(Ordering::Equal)
            });
            take(&first, &order)
        }
    }))
}

fn take(columns: &[&Column], rows: &[usize]) -> Vec<Column> {
    columns.iter().map(|column| rows.iter().map(|&row| column[row].clone()).collect()).collect()
}

fn nulls_last(a: &Option<Value>, b: &Option<Value>, ascending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if ascending => order(a, b),
        (Some(a), Some(b)) => order(b, a),
        _ => a.is_none().cmp(&b.is_none()),
    }
}

/// A key in a form in which equal values are equal; `None` where part of it is missing.
fn key(columns: &[&Column], positions: impl Iterator<Item = usize>, row: usize) -> Option<Vec<Value>> {
    positions
        .map(|position| {
            columns[position][row].as_ref().map(|value| match value {
                Value::Boolean(truth) => Value::Integer(i128::from(*truth)),
                other => other.clone(),
            })
        })
        .collect()
}

/// The rows of a table by key, and the key of every row.
struct Keyed {
    keys: Vec<Option<Vec<Value>>>,
    places: HashMap<Vec<Value>, Vec<usize>>,
}

impl Keyed {
    fn of(columns: &[&Column], positions: &[usize]) -> Self {
        let rows = columns[0].len();
        let keys: Vec<_> = (0..rows).map(|row| key(columns, positions.iter().copied(), row)).collect();
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for (row, found) in keys.iter().enumerate() {
            if let Some(found) = found {
                places.entry(found.clone()).or_default().push(row);
            }
        }
        Self { keys, places }
    }

    fn is_unique(&self) -> bool {
        self.places.values().all(|rows| rows.len() == 1)
    }

    fn partners<'a>(&'a self, of: &Option<Vec<Value>>) -> &'a [usize] {
        of.as_ref().and_then(|key| self.places.get(key)).map_or(&[], Vec::as_slice)
    }
}

fn merge(
    plan: &Plan,
    how: How,
    validate: Validate,
    keys: &[KeyPair],
    sources: &[MergeSource],
    [left, right]: [&[&Column]; 2],
) -> Result<Vec<Column>, Refused> {
    let on_left = Keyed::of(left, &keys.iter().map(|pair| pair.left).collect::<Vec<_>>());
    let on_right = Keyed::of(right, &keys.iter().map(|pair| pair.right).collect::<Vec<_>>());
    let (left_unique, right_unique) = match validate {
        Validate::OneToOne => (true, true),
        Validate::OneToMany => (true, false),
        Validate::ManyToOne => (false, true),
        Validate::ManyToMany => (false, false),
    };
    for (at, (side, unique)) in [(&on_left, left_unique), (&on_right, right_unique)].into_iter().enumerate() {
        let least = plan.inputs[at].keyed().filter(|_| unique).unwrap_or(0);
        if (side.keys.iter().flatten().count() as u64) < least {
            return Err(Refused::TooFewRows);
        }
    }
    if left_unique && !on_left.is_unique() || right_unique && !on_right.is_unique() {
        return Err(Refused::KeyNotUnique);
    }
    let rows = matched(how, &on_left, &on_right);
    let cell = |column: &Column, row: Option<usize>| row.and_then(|row| column[row].clone());
    Ok(sources
        .iter()
        .map(|source| {
            let of = |&(l, r): &(Option<usize>, Option<usize>)| match *source {
                MergeSource::Left(position) => cell(left[position], l),
                MergeSource::Right(position) => cell(right[position], r),
                MergeSource::Both(pair) if l.is_some() => cell(left[pair.left], l),
                MergeSource::Both(pair) => cell(right[pair.right], r),
            };
            rows.iter().map(of).collect()
        })
        .collect())
}

/// The rows of the result: which row of either table stands in them.
fn matched(how: How, on_left: &Keyed, on_right: &Keyed) -> Vec<(Option<usize>, Option<usize>)> {
    let mut rows = Vec::new();
    if how == How::Right {
        for (row, key) in on_right.keys.iter().enumerate() {
            let found = on_left.partners(key);
            rows.extend(found.iter().map(|other| (Some(*other), Some(row))));
            rows.extend(found.is_empty().then_some((None, Some(row))));
        }
        return rows;
    }
    for (row, key) in on_left.keys.iter().enumerate() {
        let found = on_right.partners(key);
        rows.extend(found.iter().map(|other| (Some(row), Some(*other))));
        rows.extend((found.is_empty() && how != How::Inner).then_some((Some(row), None)));
    }
    if how == How::Outer {
        let alone = |(_, key): &(usize, &Option<Vec<Value>>)| on_left.partners(key).is_empty();
        rows.extend(on_right.keys.iter().enumerate().filter(alone).map(|(row, _)| (None, Some(row))));
    }
    rows
}

fn group_by(
    plan: &Plan,
    keys: &[usize],
    reductions: &[Reduction],
    columns: &[&Column],
    rows: usize,
) -> Vec<Column> {
    let mut groups: HashMap<Vec<Value>, Vec<usize>> = HashMap::new();
    for row in 0..rows {
        if let Some(found) = key(columns, keys.iter().copied(), row) {
            groups.entry(found).or_default().push(row);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.retain(|group| {
        rules::met(plan, columns, group)
            && reductions.iter().all(|r| rules::met(plan, columns, &rules::behind(r, columns, group)))
    });
    groups.sort_by(|a, b| {
        keys.iter()
            .map(|&position| nulls_last(&columns[position][a[0]], &columns[position][b[0]], true))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    let named = keys.iter().map(|&position| groups.iter().map(|g| columns[position][g[0]].clone()).collect());
    let reduced = reductions
        .iter()
        .map(|reduction| groups.iter().map(|group| reduce(reduction, columns, group)).collect());
    named.chain(reduced).collect()
}

fn present(reduction: &Reduction, columns: &[&Column], rows: &[usize]) -> Vec<Value> {
    rows.iter().filter_map(|&row| evaluate(&reduction.value, columns, row)).collect()
}

fn reduce(reduction: &Reduction, columns: &[&Column], rows: &[usize]) -> Option<Value> {
    let values = present(reduction, columns, rows);
    let count = values.len() as i128;
    let sum = || values.iter().map(Value::number).sum();
    let down = |exact| reduction.rounding.map_or(exact, |rounding| rounding.down(exact));
    match reduction.aggregate {
        Aggregate::Count => Some(Value::Integer(down(count))),
        Aggregate::Sum => Some(Value::Integer(down(sum()))),
        Aggregate::Mean => Some(Value::Mean { sum: sum(), count }),
        Aggregate::Min => values.into_iter().min_by(order),
        Aggregate::Max => values.into_iter().max_by(order),
    }
}

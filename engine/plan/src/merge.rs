//! Schemas of what combines two or more tables.

use std::collections::HashSet;

use vdl_command::{ColumnMeta, ColumnType, How, Kind, Validate};

use crate::error::PlanError;
use crate::kinds::{common_kind, spoken};
use crate::names::{distinct, find};
use crate::operation::{Input, KeyPair, MergeSource, Operation};

/// A `merge` as it is asked for.
pub(crate) struct Join<'a> {
    pub left: &'a Input,
    pub right: &'a Input,
    pub how: How,
    pub left_on: &'a [String],
    pub right_on: &'a [String],
    pub validate: Validate,
    pub suffixes: &'a (String, String),
}

/// Key columns of one name appear once, with the values of the side whose rows are kept; other columns
/// that both tables have get the suffixes.
pub(crate) fn merge(join: &Join<'_>) -> Result<(Operation, Vec<ColumnMeta>), PlanError> {
    let (left, right) = (join.left.visible(), join.right.visible());
    let keys = key_pairs(join)?;
    let shared: HashSet<usize> = keys
        .iter()
        .filter(|pair| name(left, pair.left) == name(right, pair.right))
        .map(|pair| pair.right)
        .collect();
    let kept: Vec<usize> = (0..right.len()).filter(|position| !shared.contains(position)).collect();
    let on_right: HashSet<&str> = kept.iter().filter_map(|&position| name(right, position)).collect();
    let on_left: HashSet<&str> = left.iter().map(|column| column.name.as_str()).collect();

    let mut sources = Vec::with_capacity(left.len() + kept.len());
    let mut columns = Vec::with_capacity(left.len() + kept.len());
    for (position, column) in left.iter().enumerate() {
        let named = |pair: &&KeyPair| pair.left == position && name(right, pair.right) == Some(&column.name);
        if let Some(pair) = keys.iter().find(named) {
            let (source, column) = shared_key(join, *pair, column)?;
            sources.push(source);
            columns.push(column);
            continue;
        }
        let clash = on_right.contains(column.name.as_str());
        sources.push(MergeSource::Left(position));
        let missing = matches!(join.how, How::Right | How::Outer);
        columns.push(may_miss(renamed(column, clash, &join.suffixes.0), missing));
    }
    for position in kept {
        let Some(column) = right.get(position) else { continue };
        let clash = on_left.contains(column.name.as_str());
        sources.push(MergeSource::Right(position));
        let missing = matches!(join.how, How::Left | How::Outer);
        columns.push(may_miss(renamed(column, clash, &join.suffixes.1), missing));
    }
    distinct(&columns)?;
    Ok((Operation::Merge { how: join.how, validate: join.validate, keys, columns: sources }, columns))
}

/// The one column that two keys of one name become.
fn shared_key(
    join: &Join<'_>,
    pair: KeyPair,
    left: &ColumnMeta,
) -> Result<(MergeSource, ColumnMeta), PlanError> {
    let right = join.right.visible().get(pair.right).ok_or(PlanError::Nothing("the table"))?;
    Ok(match join.how {
        How::Inner | How::Left => (MergeSource::Left(pair.left), left.clone()),
        How::Right => (MergeSource::Right(pair.right), right.clone()),
        How::Outer => {
            let kind = common_kind(&left.ctype.kind, &right.ctype.kind).ok_or(PlanError::Nothing("a key"))?;
            let nullable = left.ctype.nullable || right.ctype.nullable;
            let ctype = ColumnType { kind, nullable };
            (MergeSource::Both(pair), ColumnMeta { name: left.name.clone(), ctype })
        }
    })
}

/// The column of a side whose rows may find no partner. A mean says by its count that it is missing.
fn may_miss(mut column: ColumnMeta, missing: bool) -> ColumnMeta {
    column.ctype.nullable |= missing && !matches!(column.ctype.kind, Kind::Mean { .. });
    column
}

fn key_pairs(join: &Join<'_>) -> Result<Vec<KeyPair>, PlanError> {
    if join.left_on.len() != join.right_on.len() {
        return Err(PlanError::UnequalKeys { left: join.left_on.len(), right: join.right_on.len() });
    }
    if join.left_on.is_empty() {
        return Err(PlanError::Nothing("the list of key columns"));
    }
    let (left, right) = (join.left.visible(), join.right.visible());
    join.left_on
        .iter()
        .zip(join.right_on)
        .map(|(a, b)| {
            let pair = KeyPair { left: find(left, a)?, right: find(right, b)? };
            let (x, y) = (key_type(left, pair.left)?, key_type(right, pair.right)?);
            match common_kind(&x.kind, &y.kind) {
                Some(_) => Ok(pair),
                None => Err(PlanError::Incomparable {
                    left: format!("`{a}` on the left"),
                    right: format!("`{b}` on the right"),
                    left_type: spoken(x),
                    right_type: spoken(y),
                }),
            }
        })
        .collect()
}

/// The type of a column that rows are matched, grouped or sorted by.
pub(crate) fn key_type(columns: &[ColumnMeta], position: usize) -> Result<&ColumnType, PlanError> {
    match columns.get(position) {
        Some(ColumnMeta { ctype, name }) => match ctype.kind {
            Kind::Mean { .. } => Err(PlanError::MeanInExpression { name: name.clone() }),
            _ => Ok(ctype),
        },
        None => Err(PlanError::Nothing("the table")),
    }
}

fn name(columns: &[ColumnMeta], position: usize) -> Option<&str> {
    columns.get(position).map(|column| column.name.as_str())
}

fn renamed(column: &ColumnMeta, clash: bool, suffix: &str) -> ColumnMeta {
    let name = if clash { format!("{}{suffix}", column.name) } else { column.name.clone() };
    ColumnMeta { name, ctype: column.ctype.clone() }
}

/// Columns are matched by name; the first table gives their order.
pub(crate) fn concat(inputs: &[Input]) -> Result<(Operation, Vec<ColumnMeta>), PlanError> {
    let first = inputs.first().ok_or(PlanError::Nothing("the list of tables"))?;
    let mut columns = first.visible().to_vec();
    let mut positions = Vec::with_capacity(inputs.len());
    for (table, input) in inputs.iter().enumerate() {
        if let Some(extra) = input.visible().iter().find(|c| find(first.visible(), &c.name).is_err()) {
            return Err(PlanError::ExtraColumn { name: extra.name.clone(), table });
        }
        let mut places = Vec::with_capacity(columns.len());
        for (column, original) in columns.iter_mut().zip(first.visible()) {
            let place = find(input.visible(), &column.name)?;
            let Some(other) = input.visible().get(place) else { continue };
            let alike =
                matches!(original.ctype.kind, Kind::Boolean) == matches!(other.ctype.kind, Kind::Boolean);
            match common_kind(&column.ctype.kind, &other.ctype.kind).filter(|_| alike) {
                Some(kind) => column.ctype.kind = kind,
                None => {
                    return Err(PlanError::UnlikeColumns {
                        name: column.name.clone(),
                        first: spoken(&original.ctype),
                        other: spoken(&other.ctype),
                        table,
                    });
                }
            }
            column.ctype.nullable |= other.ctype.nullable;
            places.push(place);
        }
        positions.push(places);
    }
    Ok((Operation::Concat { columns: positions }, columns))
}

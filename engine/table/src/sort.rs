//! `sort_values`: one stable sort over all keys together, then every column moves once; nothing at all
//! where the rows are known to be in that order. Nothing is opened but the sort's own uniformly random
//! positions.

use vdl_plan::{Input, Ordering};
use vdl_protocol::{Party, sort as sort_rows};
use vdl_share::TableShares;

use crate::column::{self, Bits};
use crate::error::TableError;
use crate::filter::{compact, sparse, truncate};
use crate::moving::Bundle;
use crate::steps::Steps;

pub(crate) fn sort(
    party: &mut Party,
    table: &TableShares,
    input: &Input,
    keys: &[Ordering],
    steps: &mut Steps<'_>,
) -> Result<TableShares, TableError> {
    if input.sorted.starts_with(keys) {
        return Ok(table.clone());
    }
    let rows = input.rows;
    let compacted = if sparse(table, input) { Some(compact(party, table, rows)?) } else { None };
    let table = compacted.as_ref().unwrap_or(table);
    let id = party.id();
    steps.done();

    // Least significant first; rows that are not selected, and missing values, come last.
    let mut planes: Vec<Bits> = Vec::new();
    for key in keys.iter().rev() {
        let (Some(found), Some(meta)) = (table.columns.get(key.column), input.columns.get(key.column)) else {
            return Err(TableError::Shape("a key is not there"));
        };
        let bits = column::bits(party, found, &meta.ctype)?;
        planes.push(if key.ascending { bits.clone() } else { bits.not(id) });
        planes.extend(found.valid.as_ref().map(|valid| valid.not(id)));
    }
    planes.extend(table.selected.as_ref().map(|selected| selected.not(id)));
    let all: Vec<&Bits> = planes.iter().collect();
    let order = sort_rows(party, &Bits::stack(table.rows, &all))?;

    steps.done();
    let (mut bundle, manifest) = Bundle::of(table.columns.iter());
    // How many rows belong may be known roughly only: then which they are moves along.
    let roughly = table.selected.as_ref().filter(|_| input.rules.round_counts.is_some());
    bundle.planes.extend(roughly.cloned());
    let mut moved = bundle.moved(table.rows, |blocks| Ok(order.apply(party, blocks)?))?;
    let selected = if roughly.is_some() { moved.planes.pop() } else { None };
    let sorted = TableShares { rows: table.rows, columns: manifest.unpack(&mut moved)?, selected };
    if sorted.selected.is_some() {
        return Ok(sorted);
    }
    Ok(truncate(sorted, usize::try_from(rows).unwrap_or(usize::MAX)))
}

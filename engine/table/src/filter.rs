//! Choosing rows. A filter moves nothing: it narrows the plane that says which rows belong to the
//! table. Only when rows must really move does [`compact`] drop the others.

use std::sync::OnceLock;

use vdl_plan::{Check, Input, Typed};
use vdl_protocol::{
    Block, Party, Shuffle, and, less_than_public, open_bit, open_planes, open_ring, ring_to_planes,
};
use vdl_share::{ColumnShares, Planes, Rows, Shared, TableShares};

use crate::column::{Bits, count, flags_to_ranks};
use crate::distinct::{Counted, Need, enough};
use crate::error::TableError;
use crate::expression::{Form, evaluate};
use crate::moving::Bundle;
use crate::rounding::count_rounded;

/// The table with fewer rows selected, and how many those are.
///
/// Opens the number of rows; with a threshold or checks first whether they are enough, and nothing more if
/// not.
pub(crate) fn filter(
    party: &mut Party,
    table: &TableShares,
    input: &Input,
    condition: &Typed,
    threshold: Option<u64>,
    checks: &[Check],
) -> Result<(TableShares, u64), TableError> {
    let (rows, round) = (input.rows, input.rules.round_counts);
    let threshold = checks.iter().map(|check| check.min_rows).chain(threshold).max().unwrap_or(0);
    if threshold > rows {
        return Err(TableError::TooFewRows { threshold });
    }
    let value = evaluate(party, condition, table, Form::Bits)?;
    let chosen = value.bits(party, condition)?;
    let selected = match &table.selected {
        Some(selected) => and(party, chosen, selected)?,
        None => chosen.clone(),
    };
    let count = if threshold == 0 {
        count_rows(party, &selected, round)?
    } else if round.is_some() || checks.iter().any(|check| check.rows_in.is_some()) {
        let need = |least, rows_in| Need { least, flags: Some(selected.clone()), rows_in };
        let mut needs = vec![need(threshold, None)];
        needs.extend(checks.iter().map(|check| need(check.min_rows, check.rows_in)));
        enough(party, Counted { columns: &table.columns, selected: None, rows }, &needs)?;
        count_rows(party, &selected, round)?
    } else {
        let count = count::<u32>(party, &selected)?;
        let bits = ring_to_planes(party, &count, 32)?;
        let few = less_than_public(party, &bits, &[threshold])?;
        if open_bit(party, &few)? {
            return Err(TableError::TooFewRows { threshold });
        }
        plausible(first(open_ring(party, &count)?)?, &selected)?
    };
    let columns = table.columns.clone();
    Ok((TableShares { rows: table.rows, columns, selected: Some(selected) }, count))
}

/// How many flags are set, as a multiple of `round`. Opens that number.
pub(crate) fn count_rows(party: &mut Party, flags: &Bits, round: Option<u64>) -> Result<u64, TableError> {
    if let Some(to) = round {
        return count_rounded(party, flags, to);
    }
    if flags.rows() == 0 {
        return Ok(0);
    }
    let count = count(party, flags)?;
    plausible(first(open_ring(party, &count)?)?, flags)
}

/// A count that can be true.
fn plausible(count: u32, flags: &Bits) -> Result<u64, TableError> {
    let count = count.into();
    if count <= flags.rows() as u64 { Ok(count) } else { Err(TableError::Shape("another number of rows")) }
}

fn first<R: Copy>(opened: Vec<R>) -> Result<R, TableError> {
    opened.first().copied().ok_or(TableError::Shape("nothing was opened"))
}

/// Whether so few rows are left that dropping the others pays for itself. Public facts only. Never where
/// counts are rounded: what is left could be counted.
pub(crate) fn sparse(table: &TableShares, input: &Input) -> bool {
    let few = input.rows.saturating_mul(3) / 2 <= table.rows as u64;
    table.selected.is_some() && input.rules.round_counts.is_none() && few
}

/// The same table without the rows that are not selected, in the same order.
///
/// Shuffles everything, opens which shuffled rows are selected (as many as are known to be) and, of
/// those, the position each belongs to: under a shuffle that nobody knows both are random.
pub(crate) fn compact(party: &mut Party, table: &TableShares, rows: u64) -> Result<TableShares, TableError> {
    let Some(selected) = &table.selected else {
        return Ok(table.clone());
    };
    let (mut bundle, manifest) = Bundle::of(table.columns.iter());
    let count = pack(party, &mut bundle, table.rows, selected)?;
    if count as u64 != rows {
        return Err(TableError::Shape("another number of rows"));
    }
    let columns = manifest.unpack(&mut bundle)?;
    Ok(TableShares { rows: count, columns, selected: None })
}

/// Keeps the rows of a bundle that are flagged, in order; returns how many. Opens as [`compact`] does.
pub(crate) fn pack(
    party: &mut Party,
    bundle: &mut Bundle,
    rows: usize,
    flags: &Bits,
) -> Result<usize, TableError> {
    if rows == 0 {
        return Ok(0);
    }
    let ranks = flags_to_ranks(party, flags)?.prefix_sums().add_constant(party.id(), u32::MAX);
    let mut moving = std::mem::take(bundle);
    let flag = moving.planes.iter().map(Bits::width).sum();
    moving.planes.push(flags.clone());
    moving.ranks.push(ranks);
    let shuffle = Shuffle::random(party, rows)?;
    let mut count = 0;
    *bundle = moving.moved(rows, |blocks| {
        shuffle.apply(party, blocks)?;
        let (Some(Block::Rows(packed)), Some(ranks)) = (blocks.first(), blocks.last()) else {
            return Err(TableError::Shape("rows lost on the way"));
        };
        let shuffled = packed.map(|rows| plane_of(rows, flag));
        let kept = positions(open_planes(party, &shuffled)?.plane(0))?;
        let ranks = ranks.gather(&kept)?.into_ring32()?;
        let order = inverse(&open_ring(party, &ranks)?, &kept)?;
        count = kept.len();
        for block in blocks.iter_mut() {
            *block = block.gather(&order)?;
        }
        Ok(())
    })?;
    bundle.planes.pop();
    bundle.ranks.pop();
    Ok(count)
}

/// One plane of rows that are packed row by row.
fn plane_of(rows: &Rows, at: usize) -> Planes {
    let words = rows.words().iter().skip(at / 64).step_by(rows.stride().max(1));
    Planes::from_bools(words.map(|word| word >> (at % 64) & 1 == 1))
}

/// Which bits are set.
fn positions(words: &[u64]) -> Result<Vec<u32>, TableError> {
    let mut found = Vec::with_capacity(words.iter().map(|word| word.count_ones() as usize).sum());
    for (index, word) in words.iter().enumerate() {
        let start = u32::try_from(index * 64).map_err(|_| TableError::Shape("too many rows"))?;
        let mut rest = *word;
        while rest != 0 {
            found.push(start + rest.trailing_zeros());
            rest &= rest - 1;
        }
    }
    Ok(found)
}

/// The sources in the order of their ranks, which must be `0..`, each once.
fn inverse(ranks: &[u32], sources: &[u32]) -> Result<Vec<u32>, TableError> {
    let no_order = || TableError::Shape("opened positions are no order");
    let mut order = vec![u32::MAX; sources.len()];
    for (rank, source) in ranks.iter().zip(sources) {
        match order.get_mut(*rank as usize) {
            Some(place) if *place == u32::MAX => *place = *source,
            _ => return Err(no_order()),
        }
    }
    if ranks.len() == sources.len() { Ok(order) } else { Err(no_order()) }
}

/// The first rows of a table, which are all selected.
pub(crate) fn truncate(table: TableShares, rows: usize) -> TableShares {
    if rows >= table.rows {
        return TableShares { selected: None, ..table };
    }
    let cut = |ring: &Shared<Vec<u64>>| ring.slice_rows(0, rows);
    let columns = table
        .columns
        .iter()
        .map(|column| {
            let mut short = ColumnShares {
                count: column.count.as_ref().map(cut),
                valid: column.valid.as_ref().map(|valid| valid.slice_rows(0, rows)),
                ..Default::default()
            };
            if let Some(bits) = column.bits.get() {
                short.bits = OnceLock::from(bits.slice_rows(0, rows));
            }
            if let Some(ring) = column.ring.get() {
                short.ring = OnceLock::from(cut(ring));
            }
            short
        })
        .collect();
    TableShares { rows, columns, selected: None }
}

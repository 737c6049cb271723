//! Rows of several tables, one after the other, re-encoded to bounds that hold them all.
//! Local but for one addition of a constant per column whose minimum differs. Nothing is opened.

use std::sync::OnceLock;

use vdl_plan::vdl_command::{ColumnMeta, Kind};
use vdl_plan::{Input, narrow, span};
use vdl_protocol::{Party, ring_to_planes};
use vdl_share::{ColumnShares, Planes, Shared, TableShares};

use crate::column::{self, Bits, Numbers, recode};
use crate::error::TableError;

pub(crate) fn concat(
    party: &mut Party,
    tables: &[&TableShares],
    inputs: &[Input],
    places: &[Vec<usize>],
    output: &[ColumnMeta],
) -> Result<TableShares, TableError> {
    let rows = tables.iter().map(|table| table.rows).sum();
    let mut columns = Vec::with_capacity(output.len());
    for (position, meta) in output.iter().enumerate() {
        let mut parts = Vec::with_capacity(tables.len());
        for ((table, input), places) in tables.iter().zip(inputs).zip(places) {
            let part = places.get(position).and_then(|&place| {
                Some(Part {
                    shares: table.columns.get(place)?,
                    meta: input.columns.get(place)?,
                    rows: table.rows,
                })
            });
            parts.push(part.ok_or(TableError::Shape("a column is not there"))?);
        }
        columns.push(append(party, &parts, meta)?);
    }
    let flags: Vec<(Option<&Bits>, usize)> =
        tables.iter().map(|table| (table.selected.as_ref(), table.rows)).collect();
    Ok(TableShares { rows, columns, selected: append_flags(party.id(), &flags) })
}

/// One table's share of a column.
pub(crate) struct Part<'a> {
    pub shares: &'a ColumnShares,
    pub meta: &'a ColumnMeta,
    pub rows: usize,
}

/// The rows of all parts as one column of the type `output`.
pub(crate) fn append(
    party: &mut Party,
    parts: &[Part<'_>],
    output: &ColumnMeta,
) -> Result<ColumnShares, TableError> {
    let flags: Vec<(Option<&Bits>, usize)> =
        parts.iter().map(|part| (part.shares.valid.as_ref(), part.rows)).collect();
    let mut column = ColumnShares { valid: append_flags(party.id(), &flags), ..Default::default() };
    if let Kind::Mean { .. } = output.ctype.kind {
        let counts = parts.iter().map(|part| part.shares.count.as_ref()).collect::<Option<Vec<_>>>();
        let counts = counts.ok_or(TableError::Shape("a mean without a count"))?;
        column.count = Some(Numbers::append_rows(&counts));
        if parts.iter().any(|part| part.shares.bits.get().is_some()) {
            column.bits = OnceLock::from(wide_sums(party, parts)?);
            return Ok(column);
        }
    }
    // Ring elements hold the value itself, whatever the bounds, as long as 64 bits hold it.
    let wide = span(&output.ctype.kind).is_some_and(|bounds| !narrow(bounds));
    if wide || parts.iter().all(|part| part.shares.bits.get().is_some()) {
        let mut recoded = Vec::with_capacity(parts.len());
        for part in parts {
            let bits = column::bits(party, part.shares, &part.meta.ctype)?;
            let valid = part.shares.valid.as_ref();
            recoded.push(recode(party, bits, valid, &part.meta.ctype.kind, &output.ctype.kind)?);
        }
        let all: Vec<&Bits> = recoded.iter().collect();
        column.bits = OnceLock::from(Shared::<Planes>::append_rows(output.ctype.width() as usize, &all));
    } else {
        let mut rings = Vec::with_capacity(parts.len());
        for part in parts {
            rings.push(column::ring(party, part.shares, &part.meta.ctype)?);
        }
        column.ring = OnceLock::from(Numbers::append_rows(&rings));
    }
    Ok(column)
}

/// The sums of means, some of which are held in bits: all of them as 128 bits in two's complement.
fn wide_sums(party: &mut Party, parts: &[Part<'_>]) -> Result<Bits, TableError> {
    let mut all = Vec::with_capacity(parts.len());
    for part in parts {
        all.push(match (part.shares.bits.get(), part.shares.ring.get()) {
            (Some(bits), _) => bits.clone(),
            (None, Some(ring)) => {
                let narrow = ring_to_planes(party, ring, 64)?;
                Bits::stack(part.rows, &[&narrow, &narrow.plane(63).repeat(64)])
            }
            (None, None) => return Err(TableError::Shape("a column without values")),
        });
    }
    Ok(Bits::append_rows(128, &all.iter().collect::<Vec<_>>()))
}

/// Planes of flags one after the other; an absent one means that all are set. `None` if all are absent.
pub(crate) fn append_flags(id: usize, parts: &[(Option<&Bits>, usize)]) -> Option<Bits> {
    if parts.iter().all(|(flags, _)| flags.is_none()) {
        return None;
    }
    let filled: Vec<Bits> = parts
        .iter()
        .map(|(flags, rows)| match flags {
            Some(flags) => (*flags).clone(),
            None => Bits::public(id, &Planes::ones(*rows, 1)),
        })
        .collect();
    Some(Bits::append_rows(1, &filled.iter().collect::<Vec<_>>()))
}

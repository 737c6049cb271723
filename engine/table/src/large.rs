//! Groups that have enough original rows for the rules of their providers. The others vanish before anything
//! of them is opened, their number included.

use vdl_plan::{Check, Reduction};
use vdl_protocol::{Party, and, bits_to_ring, less_than_public, multiply, ring_to_planes};
use vdl_share::{Planes, TableShares};

use crate::column::{Bits, Numbers, flags_to_ring};
use crate::distinct::{Need, needs, originals_by};
use crate::error::TableError;
use crate::expression::both;
use crate::group::{Keys, Sorted, Totals};
use crate::moving::Bundle;
use crate::segment::{fill_down, starts_first};

/// What every group must have: so many flags of each of the last columns of the totals.
pub(crate) struct Large {
    least: Vec<u64>,
}

impl Large {
    /// Puts what is to be counted behind the flags of the totals: rows, and for each value those behind it.
    pub fn asked(
        party: &mut Party,
        table: &TableShares,
        keys: &Keys,
        reductions: &[Reduction],
        checks: &[Check],
        totals: &mut Totals,
    ) -> Result<Self, TableError> {
        let mut asked = Vec::new();
        // The keys of a group, and that there is one, are opened as well: all its rows are behind them.
        asked.extend(checks.iter().map(|check| Need {
            least: check.min_rows,
            flags: None,
            rows_in: check.rows_in,
        }));
        let of_values = needs(party, table, reductions, checks)?;
        asked.extend(of_values.into_iter().filter(|need| need.flags.is_some()));
        let planes = Bits::stack(table.rows, &keys.columns.iter().collect::<Vec<_>>());
        let mut least = Vec::with_capacity(asked.len());
        for need in asked {
            let flags = both(party, need.flags.as_ref(), keys.alive.as_ref())?;
            totals.flags.push(match need.rows_in {
                Some(position) => originals_by(party, &table.columns, position, &planes, flags.as_ref())?,
                None => flags.unwrap_or_else(|| Bits::public(party.id(), &Planes::ones(table.rows, 1))),
            });
            least.push(need.least);
        }
        Ok(Self { least })
    }

    /// Takes the counts off the totals; unflags the last rows of groups that have too few, and lets their
    /// rows count for nothing. The flags of rows that are left as numbers, if anything was asked.
    ///
    /// Rounds: those of `fill_down`, a comparison of 32 bits and a product. Opens: a uniformly random order.
    pub fn only(
        self,
        party: &mut Party,
        sorted: &Sorted,
        last: &mut Bits,
        totals: &mut Totals,
    ) -> Result<Option<Numbers>, TableError> {
        let counted = totals.rings.split_off(totals.rings.len().saturating_sub(self.least.len()));
        if counted.is_empty() || last.rows() == 0 {
            return Ok(None);
        }
        let mut kept: Option<Bits> = sorted.alive.clone();
        for (counts, least) in per_group(party, last, &counted)?.iter().zip(&self.least) {
            let counts = ring_to_planes(party, counts, 32)?;
            let enough = less_than_public(party, &counts, &[*least])?.not(party.id());
            kept = both(party, kept.as_ref(), Some(&enough))?;
        }
        let kept = kept.ok_or(TableError::Shape("nothing was counted"))?;
        *last = and(party, last, &kept)?;
        let ring = flags_to_ring(party, &kept)?;
        for total in &mut totals.rings {
            *total = multiply(party, total, &ring)?;
        }
        if !totals.wides.is_empty() {
            let wide = bits_to_ring(party, &kept)?.pop().ok_or(TableError::Shape("no flags"))?;
            for total in &mut totals.wides {
                *total = multiply(party, total, &wide)?;
            }
        }
        Ok(Some(ring))
    }
}

/// In every row the totals of its group: what came before the next group, less what came before this one.
fn per_group(party: &mut Party, last: &Bits, flags: &[Numbers]) -> Result<Vec<Numbers>, TableError> {
    let (id, rows) = (party.id(), last.rows());
    // A row after a group's last one begins the next, and one behind all of them ends the last.
    let first = starts_first(id, last.shift_down(1));
    let end = Bits::public(id, &Planes::ones(1, 1));
    let first = Bits::append_rows(1, &[&first, &end]);
    let before: Vec<Numbers> =
        flags.iter().map(|ring| Numbers::append_rows(&[&Numbers::zeros(1), ring]).prefix_sums()).collect();
    let rings = before.iter().chain(&before).cloned().collect();
    let bundle = Bundle { rings, ..Bundle::default() };
    let filled = fill_down(party, &first, bundle, before.len())?.rings;
    let (own, next) = filled.split_at(before.len().min(filled.len()));
    Ok(own.iter().zip(next).map(|(own, next)| next.sub(own).slice_rows(0, rows)).collect())
}

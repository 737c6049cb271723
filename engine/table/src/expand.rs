//! A merge in which a base row may have several partners: every pair is a row of the result.
//!
//! In the order of the keys a base row learns how many partners it has and where they begin; the running
//! total of those numbers, in the base's own order, says which rows of the result are its own. Rows of the
//! result are asked for by number: first their base row, then the partner that base row points to.
//! (Krastnikov et al., VLDB 2020, with sorts instead of networks.)
//!
//! Opens how many rows the result has, and nothing else; rows without partner are counted in.

use vdl_plan::vdl_command::{How, Kind};
use vdl_protocol::{Party, Permutation, multiply, open_ring, place, ring_to_planes, sort};
use vdl_share::{ColumnShares, Planes, TableShares};

use crate::carry::{carry, differences};
use crate::column::{Bits, Numbers, flags_to_ring, lean};
use crate::error::TableError;
use crate::expression::both;
use crate::merge::{Merge, Side, Sorted, Source, with_alone};
use crate::moving::{Bundle, Ranks};
use crate::segment::fill_down;
use crate::steps::Steps;

/// Rows that the result of a merge may have.
const MOST_ROWS: u64 = 1 << 26;

/// What the order of the keys tells, the other's rows first and then the base's.
struct Met {
    /// Of an other's row its place in sorted order, counted from 1; of a base row where its partners end.
    place: Numbers,
    /// How many of the other's rows come before those of this key.
    before: Numbers,
    /// One plane: the other table has this key. Where rows without partner are kept.
    found: Option<Bits>,
    /// 1 where the base has this key. In an outer merge.
    wanted: Option<Numbers>,
}

/// Rows that go into the result: the base's, and in an outer merge the other's after them.
struct Giving {
    columns: Vec<ColumnShares>,
    /// How many rows of the result each of them gives.
    sizes: Numbers,
    /// The place of the first partner, from 1; 0 for none.
    partner: Numbers,
    found: Option<Bits>,
}

impl Merge<'_> {
    pub(crate) fn expand(
        &self,
        party: &mut Party,
        base: &Side<'_>,
        other: &Side<'_>,
        sorted: &Sorted,
        steps: &mut Steps<'_>,
    ) -> Result<(TableShares, u64), TableError> {
        let met = self.met(party, sorted)?;
        let giving = self.giving(party, base, other, &met)?;
        let total = open_ring(party, &giving.sizes.sum())?.first().copied().unwrap_or(0);
        if total > MOST_ROWS {
            return Err(TableError::ResultTooLarge { rows: total, limit: MOST_ROWS });
        }
        let rows = usize::try_from(total).map_err(|_| TableError::Shape("too many rows"))?;
        steps.done();
        let (given, found, partner) = distribute(party, giving, rows)?;
        steps.done();
        let places = met.place.slice_rows(0, other.rows());
        let fetched = self.fetch(party, other, &places, &partner)?;
        steps.done();
        let (mut given, mut fetched) = (given.into_iter(), fetched.into_iter());
        let mut columns = Vec::with_capacity(self.columns.len());
        for (source, meta) in self.sources() {
            let column = match source {
                Source::Other(_) => fetched.next(),
                Source::Base(_) | Source::Key { .. } => given.next(),
            };
            let mut column = column.ok_or(TableError::Shape("a column is not there"))?;
            if meta.ctype.nullable && column.valid.is_none() && !matches!(meta.ctype.kind, Kind::Mean { .. })
            {
                column.valid.clone_from(&found);
            }
            columns.push(column);
        }
        Ok((TableShares { rows, columns, selected: None }, total))
    }

    fn met(&self, party: &mut Party, sorted: &Sorted) -> Result<Met, TableError> {
        let (id, rows) = (party.id(), sorted.other.rows());
        let outer = self.how == How::Outer;
        let flags = flags_to_ring(party, &sorted.other)?;
        let place = flags.prefix_sums();
        let mut first = sorted.same.not(id);
        let mut bundle = Bundle::default();
        bundle.rings.push(place.sub(&flags));
        bundle.planes.extend((self.how != How::Inner).then(|| sorted.other.clone()));
        if outer {
            // Whether a key is in the base, its last row tells: it lies before the next key's first one, and
            // the last key has a row of ours after it.
            let end = Bits::public(id, &Planes::ones(1, 1));
            first = Bits::append_rows(1, &[&first, &end]);
            bundle.planes = vec![Bits::append_rows(1, &[&sorted.other, &Bits::zeros(1, 1)])];
            bundle.rings[0] = Numbers::append_rows(&[&bundle.rings[0], &Numbers::zeros(1)]);
            let from_base = flags.negate().add_constant(id, 1);
            bundle.rings.push(Numbers::append_rows(&[&Numbers::zeros(1), &from_base]));
        }
        let mut filled = fill_down(party, &first, bundle, usize::from(outer))?;
        for ring in &mut filled.rings {
            *ring = ring.slice_rows(0, rows);
        }
        for planes in &mut filled.planes {
            *planes = planes.slice_rows(0, rows);
        }
        filled.rings.push(place);
        let mut back = filled.moved(rows, |blocks| Ok(sorted.order.undo(party, blocks)?))?;
        let lost = || TableError::Shape("rows lost on the way");
        let place = back.rings.pop().ok_or_else(lost)?;
        let wanted = if outer { back.rings.pop() } else { None };
        let before = back.rings.pop().ok_or_else(lost)?;
        Ok(Met { place, before, found: back.planes.pop(), wanted })
    }

    fn giving(
        &self,
        party: &mut Party,
        base: &Side<'_>,
        other: &Side<'_>,
        met: &Met,
    ) -> Result<Giving, TableError> {
        let (id, start) = (party.id(), other.rows());
        let of_base = |ring: &Numbers| ring.slice_rows(start, base.rows());
        let (end, before) = (of_base(&met.place), of_base(&met.before));
        let mut sizes = end.sub(&before);
        let mut partner = before.add_constant(id, 1);
        let mut found = None;
        if let Some(flags) = &met.found {
            let flags = flags.slice_rows(start, base.rows());
            let alone = both(party, Some(&flags.not(id)), base.table.selected.as_ref())?;
            let alone = flags_to_ring(party, &alone.unwrap_or_else(|| flags.not(id)))?;
            sizes = sizes.add(&alone);
            partner = partner.sub(&multiply(party, &partner, &alone)?);
            found = Some(flags);
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for (source, meta) in self.sources() {
            let (Source::Base(at) | Source::Key { base: at, .. }) = source else { continue };
            let column = lean(base.column(at)?);
            columns.push(match self.how {
                How::Outer => with_alone(party, column, source, base, other, meta)?,
                _ => column,
            });
        }
        if let Some(wanted) = &met.wanted {
            let mut alone = wanted.slice_rows(0, start).negate().add_constant(id, 1);
            if let Some(selected) = &other.table.selected {
                let selected = flags_to_ring(party, selected)?;
                alone = multiply(party, &alone, &selected)?;
            }
            sizes = Numbers::append_rows(&[&sizes, &alone]);
            partner = Numbers::append_rows(&[&partner, &met.place.slice_rows(0, start)]);
            let all = Bits::public(id, &Planes::ones(start, 1));
            found = found.map(|found| Bits::append_rows(1, &[&found, &all]));
        }
        Ok(Giving { columns, sizes, partner, found })
    }

    /// The other table's columns in the rows that ask for a place, counted from 1; nothing for place 0.
    fn fetch(
        &self,
        party: &mut Party,
        other: &Side<'_>,
        places: &Numbers,
        asked: &Numbers,
    ) -> Result<Vec<ColumnShares>, TableError> {
        let wanted = self.other_columns(other)?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let (rows, asking) = (other.rows(), asked.rows());
        let numbers: Vec<u64> = (1..=rows as u64).collect();
        let order = merged_order(party, &numbers, asked, true)?;
        let (bundle, manifest) = Bundle::of(wanted.into_iter());
        let mut bundle = bundle.moved(rows, |blocks| {
            if !other.in_order {
                let ranks: Ranks = places.map(|places| places.iter().map(|place| *place as u32).collect());
                place(party, ranks.add_constant(party.id(), u32::MAX), blocks)?;
            }
            blocks.iter_mut().for_each(differences);
            carry(party, &order, asking, blocks)
        })?;
        manifest.unpack(&mut bundle)
    }
}

/// The columns of the rows that give, as often as they give; which of these rows found a partner, and the
/// place of that partner.
fn distribute(
    party: &mut Party,
    giving: Giving,
    rows: usize,
) -> Result<(Vec<ColumnShares>, Option<Bits>, Numbers), TableError> {
    let Giving { columns, sizes, partner, found } = giving;
    let starts = sizes.prefix_sums().sub(&sizes);
    let numbers: Vec<u64> = (0..rows as u64).collect();
    let order = merged_order(party, &numbers, &starts, false)?;
    let (mut bundle, manifest) = Bundle::of(columns.iter());
    // Row `j` of the result asks for the partner that is `j - start` rows after the first one.
    bundle.rings.push(partner.sub(&starts));
    let kept = found.is_some();
    bundle.planes.extend(found);
    let mut bundle = bundle.moved(sizes.rows(), |blocks| {
        blocks.iter_mut().for_each(differences);
        carry(party, &order, rows, blocks)
    })?;
    let columns = manifest.unpack(&mut bundle)?;
    let partner = bundle.rings.pop().ok_or(TableError::Shape("rows lost on the way"))?;
    let partner = partner.add(&Numbers::public(party.id(), &numbers));
    Ok((columns, if kept { bundle.planes.pop() } else { None }, partner))
}

/// The order of giving and then asking rows by the numbers of both, givers first where they are equal. One of
/// them has public numbers, which do not pass how many they are; nor do the secret ones.
fn merged_order(
    party: &mut Party,
    public: &[u64],
    secret: &Numbers,
    public_gives: bool,
) -> Result<Permutation, TableError> {
    let width = (usize::BITS - public.len().leading_zeros()).max(1) as usize;
    let known = Bits::public(party.id(), &Planes::from_values(public, width));
    let hidden = ring_to_planes(party, secret, width)?;
    let parts = if public_gives { [&known, &hidden] } else { [&hidden, &known] };
    Ok(sort(party, &Bits::append_rows(width, &parts))?)
}

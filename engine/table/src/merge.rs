//! `merge`: sort the rows of both tables together by key, right before left, and hand every left row
//! what the latest right row before it carries. No row is compared with more than one other.
//!
//! Carrying is local: what is moved are the differences between neighbouring right rows, zero for left
//! rows, so that running totals along the sorted order give each row the latest right row's payload.
//! Opens whether a key occurs twice where it must not, and how many rows matched (inner).

use std::sync::OnceLock;

use vdl_plan::vdl_command::{How, Validate};
use vdl_plan::{KeyPair, MergeSource, Plan, common_kind};
use vdl_protocol::{Block, Party, Permutation, and, bits_to_ring, equal, multiply, open_bit, place, sort};
use vdl_share::{ColumnShares, Planes, Rows, Shared, TableShares};

use crate::aggregate::any_row;
use crate::column::{self, Bits, Numbers, flags_to_ring, recode};
use crate::concat::append_flags;
use crate::error::TableError;
use crate::expression::both;
use crate::filter::{compact, count_rows, sparse};
use crate::moving::Bundle;
use crate::steps::Steps;

/// The parts of a merge that its plan spells out.
pub(crate) struct Merge<'a> {
    pub plan: &'a Plan,
    pub how: How,
    pub validate: Validate,
    pub keys: &'a [KeyPair],
    pub columns: &'a [MergeSource],
}

/// One table's keys, in the encoding common to both.
struct Side {
    rows: usize,
    keys: Bits,
    /// Selected and no key missing; `None` means every row.
    alive: Option<Bits>,
}

impl Merge<'_> {
    pub fn run(
        &self,
        party: &mut Party,
        left: &TableShares,
        right: &TableShares,
        steps: &mut Steps<'_>,
    ) -> Result<(TableShares, u64), TableError> {
        let [left_rows, right_rows] = [0, 1].map(|n| self.plan.inputs.get(n).map_or(0, |input| input.rows));
        let dense_left = if sparse(left, left_rows) { Some(compact(party, left, left_rows)?) } else { None };
        let dense_right =
            if sparse(right, right_rows) { Some(compact(party, right, right_rows)?) } else { None };
        let (left, right) = (dense_left.as_ref().unwrap_or(left), dense_right.as_ref().unwrap_or(right));

        let from_left = self.side(party, left, 0)?;
        let from_right = self.side(party, right, 1)?;
        steps.done();
        let order = self.order(party, &from_right, &from_left)?;
        steps.done();
        let ranks = self.ranks(party, &from_right, &from_left, &order)?;
        steps.done();
        let taken: Vec<&ColumnShares> = self.right_columns(right)?;
        let (carried, found) = carry(party, &from_right, &from_left, &order, ranks, &taken)?;
        steps.done();
        self.assemble(party, left, left_rows, carried, found)
    }

    fn side(&self, party: &mut Party, table: &TableShares, which: usize) -> Result<Side, TableError> {
        let missing = || TableError::Shape("a key is not there");
        let mut alive = table.selected.clone();
        let mut parts = Vec::with_capacity(self.keys.len());
        for pair in self.keys {
            let meta = |input: usize, position: usize| self.plan.inputs.get(input)?.columns.get(position);
            let metas = [meta(0, pair.left).ok_or_else(missing)?, meta(1, pair.right).ok_or_else(missing)?];
            let [own, other] = if which == 0 { metas } else { [metas[1], metas[0]] };
            let kind = common_kind(&own.ctype.kind, &other.ctype.kind).ok_or_else(missing)?;
            let position = if which == 0 { pair.left } else { pair.right };
            let found = table.columns.get(position).ok_or_else(missing)?;
            let bits = column::bits(party, found, &own.ctype)?;
            parts.push(recode(party, bits, None, &own.ctype.kind, &kind)?);
            alive = both(party, alive.as_ref(), found.valid.as_ref())?;
        }
        let keys = Bits::stack(table.rows, &parts.iter().collect::<Vec<_>>());
        Ok(Side { rows: table.rows, keys, alive })
    }

    /// Right rows before left ones where keys are equal; rows without a key, or not selected, last,
    /// so that none of them stands between a row and its partner.
    fn order(&self, party: &mut Party, right: &Side, left: &Side) -> Result<Permutation, TableError> {
        let keys = Bits::append_rows(right.keys.width(), &[&right.keys, &left.keys]);
        let dead = alive(party, right, left).map(|alive| alive.not(party.id()));
        let all: Vec<&Bits> = std::iter::once(&keys).chain(&dead).collect();
        Ok(sort(party, &Bits::stack(right.rows + left.rows, &all))?)
    }

    /// Checks the promised uniqueness, and tells every right row its place among the sorted right rows.
    fn ranks(
        &self,
        party: &mut Party,
        right: &Side,
        left: &Side,
        order: &Permutation,
    ) -> Result<Shared<Vec<u32>>, TableError> {
        let rows = right.rows + left.rows;
        let id = party.id();
        let side = [Planes::ones(right.rows, 1), Planes::zeros(left.rows, 1)];
        let side = Bits::public(id, &Planes::append_rows(1, &[&side[0], &side[1]]));
        let keys = Bits::append_rows(right.keys.width(), &[&right.keys, &left.keys]);
        let mut bundle = Bundle::default();
        bundle.planes.extend([side, keys]);
        bundle.planes.extend(alive(party, right, left));
        let bundle = bundle.moved(rows, |blocks| Ok(order.apply(party, blocks)?))?;
        let [side, keys, ..] = &bundle.planes[..] else {
            return Err(TableError::Shape("rows lost on the way"));
        };
        // Alive rows come first, so what precedes an alive row is alive too.
        let before = side.shift_down(1);
        let alike = match self.validate {
            Validate::ManyToOne => and(party, side, &before)?,
            Validate::OneToOne => side.xor(&before).not(id),
            Validate::OneToMany | Validate::ManyToMany => {
                return Err(TableError::Shape("this merge is not carried out yet"));
            }
        };
        let same = equal(party, keys, &keys.shift_down(1))?;
        let mut twice = and(party, &same, &alike)?;
        if let Some(alive) = bundle.planes.get(2) {
            twice = and(party, &twice, alive)?;
        }
        // Nothing comes before the first row.
        let twice = twice.slice_rows(rows.min(1), rows.saturating_sub(1));
        let any = any_row(party, &twice)?;
        if open_bit(party, &any)? {
            return Err(TableError::KeyNotUnique);
        }
        let places = bits_to_ring::<u32>(party, side)?.pop().ok_or(TableError::Shape("no flags"))?;
        let places = places.prefix_sums().add_constant(id, u32::MAX);
        let mut blocks = vec![Block::Ring32(places)];
        order.undo(party, &mut blocks)?;
        match blocks.pop() {
            Some(Block::Ring32(places)) => Ok(places.slice_rows(0, right.rows)),
            _ => Err(TableError::Shape("rows lost on the way")),
        }
    }

    /// The right table's columns that the result has, in the result's order.
    fn right_columns<'a>(&self, right: &'a TableShares) -> Result<Vec<&'a ColumnShares>, TableError> {
        let wanted = self.columns.iter().filter_map(|source| match source {
            MergeSource::Right(position) => Some(*position),
            MergeSource::Left(_) | MergeSource::Both(_) => None,
        });
        wanted.map(|at| right.columns.get(at).ok_or(TableError::Shape("a column is not there"))).collect()
    }

    fn assemble(
        &self,
        party: &mut Party,
        left: &TableShares,
        left_rows: u64,
        carried: Vec<ColumnShares>,
        found: Bits,
    ) -> Result<(TableShares, u64), TableError> {
        let mut from_right = carried.into_iter();
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut mask: Option<Numbers> = None;
        for source in self.columns {
            let column = match source {
                MergeSource::Left(position) => left.columns.get(*position).cloned(),
                MergeSource::Right(_) => match (from_right.next(), self.how) {
                    (Some(column), How::Left) => Some(cleared(party, column, &found, &mut mask)?),
                    (column, _) => column,
                },
                MergeSource::Both(_) => None,
            };
            columns.push(column.ok_or(TableError::Shape("a column is not there"))?);
        }
        let (selected, rows) = match self.how {
            How::Inner => {
                let rows = count_rows(party, &found)?;
                (Some(found), rows)
            }
            How::Left => (left.selected.clone(), left_rows),
            How::Right | How::Outer => {
                return Err(TableError::Shape("this merge is not carried out yet"));
            }
        };
        Ok((TableShares { rows: left.rows, columns, selected }, rows))
    }
}

fn alive(party: &Party, right: &Side, left: &Side) -> Option<Bits> {
    append_flags(party.id(), &[(right.alive.as_ref(), right.rows), (left.alive.as_ref(), left.rows)])
}

/// The right columns as the left rows get them, and which left rows found a partner.
fn carry(
    party: &mut Party,
    right: &Side,
    left: &Side,
    order: &Permutation,
    ranks: Shared<Vec<u32>>,
    columns: &[&ColumnShares],
) -> Result<(Vec<ColumnShares>, Bits), TableError> {
    let (mut bundle, manifest) = Bundle::of(columns.iter().copied());
    let live = match &right.alive {
        Some(alive) => alive.clone(),
        None => Bits::public(party.id(), &Planes::ones(right.rows, 1)),
    };
    bundle.planes.extend([right.keys.clone(), live]);
    let mut bundle = bundle.moved(right.rows, |blocks| {
        let placement = place(party, ranks, blocks)?;
        blocks.iter_mut().for_each(differences);
        placement.undo(party, blocks)?;
        blocks.iter_mut().for_each(|block| lengthen(block, left.rows));
        order.apply(party, blocks)?;
        blocks.iter_mut().for_each(running);
        order.undo(party, blocks)?;
        blocks.iter_mut().for_each(|block| drop_first(block, right.rows, left.rows));
        Ok(())
    })?;
    let carried = manifest.unpack(&mut bundle)?;
    let [keys, live] = &bundle.planes[..] else {
        return Err(TableError::Shape("rows lost on the way"));
    };
    let same = equal(party, &left.keys, keys)?;
    let mut found = and(party, &same, live)?;
    if let Some(alive) = &left.alive {
        found = and(party, &found, alive)?;
    }
    Ok((carried, found))
}

/// A right column with nothing in the rows that found no partner.
fn cleared(
    party: &mut Party,
    column: ColumnShares,
    found: &Bits,
    mask: &mut Option<Numbers>,
) -> Result<ColumnShares, TableError> {
    let mut out = ColumnShares::default();
    if let Some(bits) = column.bits.get() {
        out.bits = OnceLock::from(and(party, bits, found)?);
    }
    if column.count.is_none() {
        out.valid = Some(match &column.valid {
            Some(valid) => and(party, valid, found)?,
            None => found.clone(),
        });
    }
    if column.ring.get().is_some() && mask.is_none() {
        *mask = Some(flags_to_ring(party, found)?);
    }
    if let (Some(ring), Some(mask)) = (column.ring.get(), mask.as_ref()) {
        out.ring = OnceLock::from(multiply(party, ring, mask)?);
        if let Some(count) = &column.count {
            out.count = Some(multiply(party, count, mask)?);
        }
    }
    Ok(out)
}

fn differences(block: &mut Block) {
    match block {
        Block::Rows(rows) => rows.difference_xor(),
        Block::Ring32(ring) => *ring = ring.differences(),
        Block::Ring64(ring) => *ring = ring.differences(),
    }
}

fn running(block: &mut Block) {
    match block {
        Block::Rows(rows) => rows.prefix_xor(),
        Block::Ring32(ring) => *ring = ring.prefix_sums(),
        Block::Ring64(ring) => *ring = ring.prefix_sums(),
    }
}

/// Zero rows at the end.
fn lengthen(block: &mut Block, more: usize) {
    match block {
        Block::Rows(rows) => {
            let stride = rows.own.stride();
            let zeros = Shared::new(Rows::zeros(more, stride), Rows::zeros(more, stride));
            *rows = Shared::<Rows>::append_rows(stride, &[rows, &zeros]);
        }
        Block::Ring32(ring) => ring.each(|values| values.resize(values.len() + more, 0)),
        Block::Ring64(ring) => ring.each(|values| values.resize(values.len() + more, 0)),
    }
}

/// Only the `rows` rows after the first `from`.
fn drop_first(block: &mut Block, from: usize, rows: usize) {
    match block {
        Block::Rows(all) => *all = all.slice_rows(from, rows),
        Block::Ring32(ring) => *ring = ring.slice_rows(from, rows),
        Block::Ring64(ring) => *ring = ring.slice_rows(from, rows),
    }
}

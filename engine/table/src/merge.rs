//! `merge`: sort the rows of both tables together by key, those of one table before those of the other.
//! No row is compared with more than one other.
//!
//! The `base` is the table whose rows lead the result (the left one, or the right one of a right merge),
//! the `other` is looked up. Where the other's keys are unique every base row has at most one partner and
//! takes its payload along (here); where they are not, see `expand`.
//!
//! Opens whether a key occurs twice where it must not, and how many rows the result has unless that
//! follows from the base.

use std::sync::OnceLock;

use vdl_plan::vdl_command::{ColumnMeta, How, Validate};
use vdl_plan::{Check, Input, KeyPair, MergeSource, Plan, common_kind};
use vdl_protocol::{Party, Permutation, and, bits_to_ring, equal, multiply, open_bit, place, sort_carrying};
use vdl_share::{ColumnShares, Planes, TableShares};

use crate::aggregate::any_row;
use crate::carry::{carry, carry_one, differences};
use crate::column::{self, Bits, Numbers, flags_to_ring, lean, recode};
use crate::concat::{Part, append, append_flags};
use crate::distinct::{Counted, Need, enough};
use crate::error::TableError;
use crate::expression::both;
use crate::filter::{compact, count_rows, sparse};
use crate::moving::{Bundle, Ranks};
use crate::segment::{running_max, starts_first};
use crate::steps::Steps;

/// The parts of a merge that its plan spells out.
pub(crate) struct Merge<'a> {
    pub plan: &'a Plan,
    pub how: How,
    pub validate: Validate,
    pub keys: &'a [KeyPair],
    pub columns: &'a [MergeSource],
}

/// Where a column of the result comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    Base(usize),
    Other(usize),
    /// The base's key, or the other's in rows that only the other has.
    Key {
        base: usize,
        other: usize,
    },
}

/// One table, its public description, and its keys in the encoding common to both.
pub(crate) struct Side<'a> {
    pub table: &'a TableShares,
    pub input: &'a Input,
    pub keys: Bits,
    /// Selected and no key missing; `None` means every row.
    pub alive: Option<Bits>,
    /// Its rows, dead ones last, are in the order of the keys already.
    pub in_order: bool,
}

/// Rows of both tables in the order of their keys, the other's before the base's, dead ones last.
pub(crate) struct Sorted {
    pub order: Permutation,
    /// One plane: set in rows of the other table.
    pub other: Bits,
    /// One plane: alive, and of the same key as the row before.
    pub same: Bits,
}

/// What the sorted order tells, in the order of the tables.
struct Told {
    /// Of the base's rows: which found a partner.
    found: Bits,
    /// Of the other's rows, in an outer merge: which did not.
    alone: Option<Bits>,
}

impl Side<'_> {
    pub fn rows(&self) -> usize {
        self.table.rows
    }
}

impl Merge<'_> {
    pub fn run(
        &self,
        party: &mut Party,
        tables: [&TableShares; 2],
        steps: &mut Steps<'_>,
    ) -> Result<(TableShares, u64), TableError> {
        let mut dense = [None, None];
        for ((dense, table), input) in dense.iter_mut().zip(tables).zip(&self.plan.inputs) {
            if sparse(table, input) {
                *dense = Some(compact(party, table, input.rows)?);
            }
        }
        let [left, right] = [0, 1].map(|at: usize| dense[at].as_ref().unwrap_or(tables[at]));
        let (left, right) = (self.side(party, left, 0)?, self.side(party, right, 1)?);
        let (base, other) = if self.how == How::Right { (right, left) } else { (left, right) };
        steps.done();
        self.keyed(party, &base, &other)?;
        let sorted = self.sorted(party, &base, &other, steps)?;
        if self.unique().1 {
            self.look_up(party, &base, &other, &sorted, steps)
        } else {
            self.expand(party, &base, &other, &sorted, steps)
        }
    }

    /// Whether the keys of the base, and those of the other, must be unique.
    fn unique(&self) -> (bool, bool) {
        let (left, right) = match self.validate {
            Validate::OneToOne => (true, true),
            Validate::OneToMany => (true, false),
            Validate::ManyToOne => (false, true),
            Validate::ManyToMany => (false, false),
        };
        if self.how == How::Right { (right, left) } else { (left, right) }
    }

    /// The result's columns with their types.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (Source, &ColumnMeta)> {
        let swapped = self.how == How::Right;
        let source = move |source: &MergeSource| match *source {
            MergeSource::Left(at) if swapped => Source::Other(at),
            MergeSource::Right(at) if swapped => Source::Base(at),
            MergeSource::Left(at) => Source::Base(at),
            MergeSource::Right(at) => Source::Other(at),
            MergeSource::Both(pair) => Source::Key { base: pair.left, other: pair.right },
        };
        self.columns.iter().map(source).zip(self.plan.columns())
    }

    fn side<'a>(
        &'a self,
        party: &mut Party,
        table: &'a TableShares,
        which: usize,
    ) -> Result<Side<'a>, TableError> {
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
        // The first key counts most, as in a sort.
        let keys = Bits::stack(table.rows, &parts.iter().rev().collect::<Vec<_>>());
        let input = self.plan.inputs.get(which).ok_or_else(missing)?;
        let positions = self.keys.iter().map(|pair| if which == 0 { pair.left } else { pair.right });
        // Missing keys come last in one key column, but in between in several.
        let dead_last = alive.is_none() || (table.selected.is_none() && self.keys.len() == 1);
        let in_order = dead_last && input.is_sorted_by(positions);
        Ok(Side { table, input, keys, alive, in_order })
    }

    /// Whether so many rows have a key that it may be told of them whether it is unique.
    fn keyed(&self, party: &mut Party, base: &Side<'_>, other: &Side<'_>) -> Result<(), TableError> {
        let (base_unique, other_unique) = self.unique();
        let need = |(side, unique): (&Side<'_>, bool)| {
            let least = side.input.keyed().filter(|_| unique)?;
            side.alive.clone().map(|alive| Need { least, flags: Some(alive), rows_in: None })
        };
        let needs: Vec<Need> =
            [(base, base_unique), (other, other_unique)].into_iter().filter_map(need).collect();
        let rows = (base.rows() + other.rows()) as u64;
        enough(party, Counted { columns: &[], selected: None, rows }, &needs)
    }

    /// Sorts the rows of both together and checks what was promised of their keys. Rows without a key, or
    /// not selected, come last, so that none of them stands between a row and its partner.
    fn sorted(
        &self,
        party: &mut Party,
        base: &Side<'_>,
        other: &Side<'_>,
        steps: &mut Steps<'_>,
    ) -> Result<Sorted, TableError> {
        let (id, rows) = (party.id(), base.rows() + other.rows());
        let keys = Bits::append_rows(base.keys.width(), &[&other.keys, &base.keys]);
        let parts = [(other.alive.as_ref(), other.rows()), (base.alive.as_ref(), base.rows())];
        let alive = append_flags(id, &parts);
        let dead = alive.as_ref().map(|alive| alive.not(id));
        let all: Vec<&Bits> = std::iter::once(&keys).chain(&dead).collect();
        let from_other = [Planes::ones(other.rows(), 1), Planes::zeros(base.rows(), 1)];
        let from_other = Bits::public(id, &Planes::append_rows(1, &[&from_other[0], &from_other[1]]));
        let (order, sorted) = sort_carrying(party, &Bits::stack(rows, &all), &from_other)?;
        steps.done();

        let (keys, other) = (sorted.select(0..keys.width()), sorted.plane(sorted.width() - 1));
        let mut same = equal(party, &keys, &keys.shift_down(1))?;
        if dead.is_some() {
            same = and(party, &same, &sorted.plane(keys.width()).not(id))?;
        }
        // Nothing comes before the first row.
        let same = starts_first(id, same.not(id)).not(id);
        let before = other.shift_down(1);
        // Alive rows come first, so what precedes an alive row is alive too.
        let alike = match self.unique() {
            (true, true) => Some(other.xor(&before).not(id)),
            (false, true) => Some(and(party, &other, &before)?),
            (true, false) => Some(and(party, &other.not(id), &before.not(id))?),
            (false, false) => None,
        };
        if let Some(alike) = alike {
            let twice = and(party, &same, &alike)?;
            let any = any_row(party, &twice)?;
            if open_bit(party, &any)? {
                return Err(TableError::KeyNotUnique);
            }
        }
        steps.done();
        Ok(Sorted { order, other, same })
    }

    fn look_up(
        &self,
        party: &mut Party,
        base: &Side<'_>,
        other: &Side<'_>,
        sorted: &Sorted,
        steps: &mut Steps<'_>,
    ) -> Result<(TableShares, u64), TableError> {
        let (Told { found, alone }, carried) = if self.unique().0 {
            self.beside(party, base, other, sorted)?
        } else {
            self.before(party, base, other, sorted)?
        };
        let mut carried = carried.into_iter();
        steps.done();
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut mask: Option<Numbers> = None;
        for (source, meta) in self.sources() {
            let column = match source {
                Source::Base(at) => base.column(at)?.clone(),
                Source::Key { base: at, .. } => base.column(at)?.clone(),
                Source::Other(_) => {
                    let column = carried.next().ok_or(TableError::Shape("a column is not there"))?;
                    if self.how == How::Inner { column } else { cleared(party, column, &found, &mut mask)? }
                }
            };
            columns.push(match &alone {
                Some(_) => with_alone(party, column, source, base, other, meta)?,
                None => column,
            });
        }
        let rows = base.rows() + if alone.is_some() { other.rows() } else { 0 };
        let (selected, count) = match (self.how, alone) {
            (How::Inner, _) => {
                self.enough(party, &columns, &found, base.input.rows)?;
                let count = count_rows(party, &found, self.plan.rules.round_counts)?;
                (Some(found), count)
            }
            (_, None) => (base.table.selected.clone(), base.input.rows),
            (_, Some(alone)) => {
                let count = base.input.rows + count_rows(party, &alone, None)?;
                let parts = [(base.table.selected.as_ref(), base.rows()), (Some(&alone), other.rows())];
                (append_flags(party.id(), &parts), count)
            }
        };
        Ok((TableShares { rows, columns, selected }, count))
    }

    /// Whether the rows that found a partner are enough for the rules of both tables.
    fn enough(
        &self,
        party: &mut Party,
        columns: &[ColumnShares],
        found: &Bits,
        rows: u64,
    ) -> Result<(), TableError> {
        let need = |check: &Check| Need {
            least: check.min_rows,
            flags: Some(found.clone()),
            rows_in: check.rows_in,
        };
        let needs: Vec<Need> = self.plan.checks.iter().map(need).collect();
        enough(party, Counted { columns, selected: Some(found), rows }, &needs)
    }

    /// One to one: a row's partner is right beside it. And the other's columns as the base's rows get them;
    /// without a partner anything may stand there.
    fn beside(
        &self,
        party: &mut Party,
        base: &Side<'_>,
        other: &Side<'_>,
        sorted: &Sorted,
    ) -> Result<(Told, Vec<ColumnShares>), TableError> {
        let mut told = vec![sorted.same.clone()];
        told.extend(self.has_partner(sorted));
        let told = Bits::stack(sorted.same.rows(), &told.iter().collect::<Vec<_>>());
        let (bundle, manifest) = Bundle::of(self.other_columns(other)?.into_iter());
        let mut back = Bits::zeros(0, 0);
        let mut bundle = bundle.moved(other.rows(), |blocks| {
            back = carry_one(party, &sorted.order, base.rows(), blocks, &told)?;
            Ok(())
        })?;
        let told = told_apart(party, base, other, &back)?;
        Ok((told, manifest.unpack(&mut bundle)?))
    }

    /// Many to one: a row's partner is the latest row of the other table before it. The same otherwise.
    fn before(
        &self,
        party: &mut Party,
        base: &Side<'_>,
        other: &Side<'_>,
        sorted: &Sorted,
    ) -> Result<(Told, Vec<ColumnShares>), TableError> {
        let (id, rows) = (party.id(), sorted.other.rows());
        let mut bundle = Bundle::default();
        if !other.in_order {
            let flags = bits_to_ring::<u32>(party, &sorted.other)?.pop();
            let flags = flags.ok_or(TableError::Shape("no flags"))?;
            bundle.ranks.push(flags.prefix_sums().add_constant(id, u32::MAX));
        }
        // The other's row comes first among those of its key: is there one so far?
        bundle.planes.push(running_max(party, &sorted.same.not(id), &sorted.other)?);
        bundle.planes.extend(self.has_partner(sorted));
        let bundle = bundle.moved(rows, |blocks| Ok(sorted.order.undo(party, blocks)?))?;
        let back = Bits::stack(rows, &bundle.planes.iter().collect::<Vec<_>>());
        let told = told_apart(party, base, other, &back)?;
        // The place of each of the other's rows among them in sorted order, if they are not in that order.
        let ranks = bundle.ranks.first().map(|ranks| ranks.slice_rows(0, other.rows()));
        Ok((told, self.carried(party, base, other, sorted, ranks)?))
    }

    /// In an outer merge, which of the other's rows have a partner. Their keys are unique, so a row of the
    /// same key after one is of the base.
    fn has_partner(&self, sorted: &Sorted) -> Option<Bits> {
        (self.how == How::Outer).then(|| sorted.same.shift_up(1))
    }

    fn carried(
        &self,
        party: &mut Party,
        base: &Side<'_>,
        other: &Side<'_>,
        sorted: &Sorted,
        ranks: Option<Ranks>,
    ) -> Result<Vec<ColumnShares>, TableError> {
        let columns = self.other_columns(other)?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let (bundle, manifest) = Bundle::of(columns.into_iter());
        let mut bundle = bundle.moved(other.rows(), |blocks| {
            match ranks {
                Some(ranks) => {
                    let placement = place(party, ranks, blocks)?;
                    blocks.iter_mut().for_each(differences);
                    placement.undo(party, blocks)?;
                }
                None => blocks.iter_mut().for_each(differences),
            }
            carry(party, &sorted.order, base.rows(), blocks)
        })?;
        manifest.unpack(&mut bundle)
    }

    /// The other table's columns that the result has, in the result's order.
    pub(crate) fn other_columns<'a>(&self, other: &'a Side<'_>) -> Result<Vec<&'a ColumnShares>, TableError> {
        let wanted = self.sources().filter_map(|(source, _)| match source {
            Source::Other(at) => Some(at),
            Source::Base(_) | Source::Key { .. } => None,
        });
        wanted.map(|at| other.column(at)).collect()
    }
}

/// Who found a partner, as the rows of the other table and then those of the base know it.
fn told_apart(party: &mut Party, base: &Side<'_>, other: &Side<'_>, told: &Bits) -> Result<Told, TableError> {
    let found = told.plane(0).slice_rows(other.rows(), base.rows());
    let mut alone = None;
    if told.width() > 1 {
        let not_met = told.plane(1).slice_rows(0, other.rows()).not(party.id());
        alone = both(party, Some(&not_met), other.table.selected.as_ref())?;
    }
    Ok(Told { found, alone })
}

impl Side<'_> {
    pub fn column(&self, at: usize) -> Result<&ColumnShares, TableError> {
        self.table.columns.get(at).ok_or(TableError::Shape("a column is not there"))
    }

    pub fn part(&self, at: usize) -> Result<Part<'_>, TableError> {
        let meta = self.input.columns.get(at).ok_or(TableError::Shape("a column is not there"))?;
        Ok(Part { shares: self.column(at)?, meta, rows: self.rows() })
    }
}

/// A column of the result for the base's rows, and then for the rows that only the other table has.
pub(crate) fn with_alone(
    party: &mut Party,
    column: ColumnShares,
    source: Source,
    base: &Side<'_>,
    other: &Side<'_>,
    meta: &ColumnMeta,
) -> Result<ColumnShares, TableError> {
    let first = |column| Part { shares: column, meta, rows: base.rows() };
    match source {
        Source::Base(_) => {
            let nothing = nothing_like(&column, other.rows(), meta.ctype.nullable);
            let rest = Part { shares: &nothing, meta, rows: other.rows() };
            append(party, &[first(&column), rest], meta)
        }
        Source::Other(at) => {
            let same = lean(other.column(at)?);
            append(party, &[first(&column), Part { shares: &same, meta, rows: other.rows() }], meta)
        }
        Source::Key { base: at, other: to } => append(party, &[base.part(at)?, other.part(to)?], meta),
    }
}

/// Rows without a value, in the forms of another column.
fn nothing_like(column: &ColumnShares, rows: usize, nullable: bool) -> ColumnShares {
    let mut out = ColumnShares {
        count: column.count.as_ref().map(|_| Numbers::zeros(rows)),
        valid: nullable.then(|| Bits::zeros(rows, 1)),
        ..Default::default()
    };
    if let Some(bits) = column.bits.get() {
        out.bits = OnceLock::from(Bits::zeros(rows, bits.width()));
    }
    if column.ring.get().is_some() {
        out.ring = OnceLock::from(Numbers::zeros(rows));
    }
    out
}

/// A column of the other table with nothing in the rows that found no partner.
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
    if mask.is_none() && (column.ring.get().is_some() || column.count.is_some()) {
        *mask = Some(flags_to_ring(party, found)?);
    }
    if let (Some(ring), Some(mask)) = (column.ring.get(), mask.as_ref()) {
        out.ring = OnceLock::from(multiply(party, ring, mask)?);
    }
    if let (Some(count), Some(mask)) = (&column.count, mask.as_ref()) {
        out.count = Some(multiply(party, count, mask)?);
    }
    Ok(out)
}

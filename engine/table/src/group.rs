//! `groupby`: sort by key, unless the rows are known to be in that order. Sums are differences of running
//! totals between the last rows of neighbouring groups, which is local; smallest and greatest values are
//! running maxima within the groups. Opens the number of groups, through random positions; where rules ask
//! for rows behind them, only of those that have so many.

use vdl_plan::vdl_command::{Aggregate, ColumnMeta};
use vdl_plan::{Check, Input, Reduction, Typed, narrow};
use vdl_protocol::{Party, and, equal, sort_carrying};
use vdl_share::{ColumnShares, Planes, TableShares};

use crate::column::{self, Bits, Numbers, WideNumbers, flags_to_ring, of_bits, of_ring, of_total, to_ring};
use crate::error::TableError;
use crate::expression::{Form, both, evaluate, validity};
use crate::filter::{compact, pack, sparse};
use crate::large::Large;
use crate::moving::{Bundle, unstack};
use crate::rounding::rounded;
use crate::segment::{running_max, starts_first};
use crate::steps::Steps;

/// The keys of every row, and which rows belong to a group at all.
pub(crate) struct Keys {
    /// One entry per key column, the first one most significant.
    pub columns: Vec<Bits>,
    /// Selected and no key missing; `None` means every row.
    pub alive: Option<Bits>,
}

/// One column of smallest or greatest values to be found.
struct Extreme {
    /// The first reduction that asks for it.
    reduction: usize,
    /// The value so that the greatest is wanted, missing ones least: with a validity plane on top if there
    /// can be missing ones.
    turned: Bits,
}

/// One table of groups: the key columns, then one column per reduction.
pub(crate) fn group_by(
    party: &mut Party,
    table: &TableShares,
    input: &Input,
    by: &[usize],
    (reductions, checks): (&[Reduction], &[Check]),
    steps: &mut Steps<'_>,
) -> Result<TableShares, TableError> {
    // Rows of a known order need not be sorted, but those that do not belong must be out of the way.
    let rough = table.selected.is_some() && input.rules.round_counts.is_some();
    let known = input.is_sorted_by(by.iter().copied()) && !rough;
    let crowded = sparse(table, input) || known && table.selected.is_some();
    let compacted = if crowded { Some(compact(party, table, input.rows)?) } else { None };
    let table = compacted.as_ref().unwrap_or(table);
    let keys = keys(party, table, &input.columns, by)?;
    // Missing keys come last in one sorted column, but in between in several.
    let known = known && (keys.alive.is_none() || by.len() == 1);
    steps.done();

    let extremes = extremes(party, table, reductions)?;
    // A group has at least one row.
    let mut totals = Totals::of(party, table, reductions, (1, input.row_bounds().1.max(1)))?;
    let counted = Large::asked(party, table, &keys, reductions, checks, &mut totals)?;
    let sorted = if known {
        totals.flags_to_rings(party)?;
        let extremes = extremes.iter().map(|extreme| extreme.turned.clone()).collect();
        Sorted { keys: keys.columns, alive: keys.alive, extremes }
    } else {
        sorted(party, table.rows, &keys, &extremes, &mut totals)?
    };
    steps.done();
    let mut last = last_of_group(party, table.rows, &sorted)?;
    let sizes = counted.only(party, &sorted, &mut last, &mut totals)?;
    let greatest = greatest_so_far(party, table.rows, &last, &sorted.extremes)?;

    // What the last row of a group knows: its key, the running totals, how many rows there were so far,
    // and its group's greatest values.
    let mut bundle = Bundle::default();
    bundle.planes.extend(sorted.keys);
    bundle.planes.push(counting(party, table.rows));
    bundle.planes.extend(greatest);
    bundle.rings = totals.rings.iter().chain(&sizes).map(Numbers::prefix_sums).collect();
    bundle.wides = totals.wides.iter().map(WideNumbers::prefix_sums).collect();
    let groups = pack(party, &mut bundle, table.rows, &last)?;

    let mut planes = bundle.planes.into_iter();
    let mut columns: Vec<ColumnShares> =
        planes.by_ref().take(by.len()).map(|bits| of_bits(bits, None)).collect();
    let counted = planes.next().ok_or(TableError::Shape("rows lost on the way"))?;
    totals.rings = bundle.rings.iter().map(Numbers::differences).collect();
    let sizes = if sizes.is_some() { totals.rings.pop() } else { None };
    totals.wides = bundle.wides.iter().map(WideNumbers::differences).collect();
    let mut results: Vec<Option<ColumnShares>> = vec![None; reductions.len()];
    totals.give(party, reductions, (sizes, &counted), &mut results)?;
    for (extreme, found) in extremes.iter().zip(planes) {
        let Some(reduction) = reductions.get(extreme.reduction) else { continue };
        let column = turned_back(party, reduction, &found)?;
        for (other, result) in reductions.iter().zip(&mut results) {
            if other == reduction {
                *result = Some(column.clone());
            }
        }
    }
    for result in results {
        columns.push(result.ok_or(TableError::Shape("an aggregation was left out"))?);
    }
    Ok(TableShares { rows: groups, columns, selected: None })
}

fn keys(
    party: &mut Party,
    table: &TableShares,
    schema: &[ColumnMeta],
    by: &[usize],
) -> Result<Keys, TableError> {
    let mut alive = table.selected.clone();
    let mut columns = Vec::with_capacity(by.len());
    for &position in by {
        let (Some(found), Some(meta)) = (table.columns.get(position), schema.get(position)) else {
            return Err(TableError::Shape("a key is not there"));
        };
        columns.push(column::bits(party, found, &meta.ctype)?.clone());
        alive = both(party, alive.as_ref(), found.valid.as_ref())?;
    }
    Ok(Keys { columns, alive })
}

/// The values whose smallest or greatest are wanted, each once.
fn extremes(
    party: &mut Party,
    table: &TableShares,
    reductions: &[Reduction],
) -> Result<Vec<Extreme>, TableError> {
    let mut found = Vec::new();
    for (position, reduction) in reductions.iter().enumerate() {
        let known = reductions.iter().take(position).any(|other| other == reduction);
        if known || !matches!(reduction.aggregate, Aggregate::Min | Aggregate::Max) {
            continue;
        }
        let value = evaluate(party, &reduction.value, table, Form::Bits)?;
        let bits = value.bits(party, &reduction.value)?;
        let greatest = reduction.aggregate == Aggregate::Max;
        let turned = if greatest { bits.clone() } else { bits.not(party.id()) };
        let turned = match value.valid() {
            // Missing values are zero as they are, but not turned.
            Some(valid) if greatest => Bits::stack(table.rows, &[&turned, valid]),
            Some(valid) => Bits::stack(table.rows, &[&and(party, &turned, valid)?, valid]),
            None => turned,
        };
        found.push(Extreme { reduction: position, turned });
    }
    Ok(found)
}

/// The value that a group's greatest stands for.
fn turned_back(party: &mut Party, reduction: &Reduction, found: &Bits) -> Result<ColumnShares, TableError> {
    let width = reduction.value.ctype.width() as usize;
    let mut bits = found.select(0..width);
    let valid = (found.width() > width).then(|| found.select(width..width + 1));
    if reduction.aggregate == Aggregate::Min {
        bits = bits.not(party.id());
        if let Some(valid) = &valid {
            bits = and(party, &bits, valid)?;
        }
    }
    Ok(of_bits(bits, valid))
}

/// The columns in sorted order.
pub(crate) struct Sorted {
    keys: Vec<Bits>,
    pub alive: Option<Bits>,
    extremes: Vec<Bits>,
}

/// Sorts by key, rows that belong to no group last.
fn sorted(
    party: &mut Party,
    rows: usize,
    keys: &Keys,
    extremes: &[Extreme],
    totals: &mut Totals,
) -> Result<Sorted, TableError> {
    let id = party.id();
    let dead = keys.alive.as_ref().map(|alive| alive.not(id));
    let by: Vec<&Bits> = keys.columns.iter().rev().chain(&dead).collect();
    let carried: Vec<&Bits> = extremes.iter().map(|extreme| &extreme.turned).chain(&totals.flags).collect();
    let widths: Vec<usize> = by.iter().chain(&carried).map(|planes| planes.width()).collect();
    let (order, planes) = sort_carrying(party, &Bits::stack(rows, &by), &Bits::stack(rows, &carried))?;
    let mut planes = unstack(&planes, &widths).into_iter();
    let mut columns: Vec<Bits> = planes.by_ref().take(keys.columns.len()).collect();
    columns.reverse();
    let alive = dead.and_then(|_| planes.next()).map(|dead| dead.not(id));
    let extremes = planes.by_ref().take(extremes.len()).collect();
    totals.flags = planes.collect();

    let (rings, wides) = (std::mem::take(&mut totals.rings), std::mem::take(&mut totals.wides));
    let bundle = Bundle { rings, wides, ..Bundle::default() };
    let moved = bundle.moved(rows, |blocks| Ok(order.apply(party, blocks)?))?;
    (totals.rings, totals.wides) = (moved.rings, moved.wides);
    totals.flags_to_rings(party)?;
    Ok(Sorted { keys: columns, alive, extremes })
}

/// Of each value the greatest of its group so far, in every row. All values go together, one below the other.
fn greatest_so_far(
    party: &mut Party,
    rows: usize,
    last: &Bits,
    values: &[Bits],
) -> Result<Vec<Bits>, TableError> {
    let Some(width) = values.iter().map(Bits::width).max() else { return Ok(Vec::new()) };
    // A row after a group's last one begins the next. Rows of no group mean nothing.
    let first = starts_first(party.id(), last.shift_down(1));
    let first = Bits::append_rows(1, &vec![&first; values.len()]);
    let wide: Vec<Bits> = values.iter().map(|value| value.resize(width)).collect();
    let all = Bits::append_rows(width, &wide.iter().collect::<Vec<_>>());
    let all = running_max(party, &first, &all)?;
    let own = |(at, value): (usize, &Bits)| all.slice_rows(at * rows, rows).resize(value.width());
    Ok(values.iter().enumerate().map(own).collect())
}

/// Set in the last row of every group: the next row has another key, or belongs to none.
fn last_of_group(party: &mut Party, rows: usize, sorted: &Sorted) -> Result<Bits, TableError> {
    let all: Vec<&Bits> = sorted.keys.iter().collect();
    let keys = Bits::stack(rows, &all);
    let mut goes_on = equal(party, &keys, &keys.shift_up(1))?;
    let id = party.id();
    match &sorted.alive {
        Some(alive) => {
            goes_on = and(party, &goes_on, &alive.shift_up(1))?;
            Ok(and(party, alive, &goes_on.not(id))?)
        }
        None => {
            // The last row of all has nothing after it.
            goes_on = goes_on.slice_rows(0, rows.saturating_sub(1));
            let end = Bits::zeros(rows.min(1), 1);
            Ok(Bits::append_rows(1, &[&goes_on, &end]).not(id))
        }
    }
}

/// Row `r` holds `r + 1`, in as few bits as that takes.
fn counting(party: &Party, rows: usize) -> Bits {
    let width = (usize::BITS - rows.leading_zeros()).max(1) as usize;
    let numbers: Vec<u64> = (1..=rows as u64).collect();
    Bits::public(party.id(), &Planes::from_values(&numbers, width))
}

/// Sums and counts of present values, one entry per different value.
#[derive(Default)]
pub(crate) struct Totals {
    summed: Vec<Typed>,
    /// Those whose sums 64 bits may not hold.
    wide: Vec<Typed>,
    counted: Vec<Typed>,
    /// How many rows a group has, at least and at most.
    sizes: (u64, u64),
    /// The columns to add up: first the sums, then the counts.
    pub rings: Vec<Numbers>,
    pub wides: Vec<WideNumbers>,
    /// Validity planes, not yet in the ring, and behind them flags that are to be counted for the rules.
    pub flags: Vec<Bits>,
}

impl Totals {
    fn of(
        party: &mut Party,
        table: &TableShares,
        reductions: &[Reduction],
        sizes: (u64, u64),
    ) -> Result<Self, TableError> {
        let mut totals = Self { sizes, ..Self::default() };
        for reduction @ Reduction { aggregate, value, .. } in reductions {
            let sums = matches!(aggregate, Aggregate::Sum | Aggregate::Mean);
            if sums && !narrow(reduction.total(sizes)) {
                if !totals.wide.contains(value) {
                    let column = evaluate(party, value, table, Form::Bits)?;
                    totals.wides.push(column.wide(party, value)?);
                    totals.wide.push(value.clone());
                }
            } else if sums && !totals.summed.contains(value) {
                let column = evaluate(party, value, table, Form::Ring)?;
                totals.rings.push(column.ring(party, value)?.clone());
                totals.summed.push(value.clone());
            }
            let counts = matches!(aggregate, Aggregate::Count | Aggregate::Mean) && value.ctype.nullable;
            if counts && !totals.counted.contains(value) {
                totals.flags.extend(validity(party, value, table)?);
                totals.counted.push(value.clone());
            }
        }
        Ok(totals)
    }

    /// Takes the validity planes to the ring, after the sums.
    fn flags_to_rings(&mut self, party: &mut Party) -> Result<(), TableError> {
        for flags in std::mem::take(&mut self.flags) {
            self.rings.push(flags_to_ring(party, &flags)?);
        }
        Ok(())
    }

    /// The reductions that these totals answer. `counted` is how many rows there were so far, which makes the
    /// sizes of the groups where they are not known.
    fn give(
        &self,
        party: &mut Party,
        reductions: &[Reduction],
        (mut sizes, counted): (Option<Numbers>, &Bits),
        results: &mut [Option<ColumnShares>],
    ) -> Result<(), TableError> {
        for (reduction, result) in reductions.iter().zip(results) {
            let Reduction { aggregate, value, rounding } = reduction;
            if matches!(aggregate, Aggregate::Min | Aggregate::Max) {
                continue;
            }
            let sum = self.summed.iter().position(|other| other == value).and_then(|at| self.rings.get(at));
            let place = self.counted.iter().position(|other| other == value);
            let mut count = place.and_then(|at| self.rings.get(self.summed.len() + at)).cloned();
            if count.is_none() && *aggregate != Aggregate::Sum {
                if sizes.is_none() {
                    sizes = Some(to_ring(party, counted)?.differences());
                }
                count = sizes.clone();
            }
            let main = if *aggregate == Aggregate::Count { count.as_ref() } else { sum };
            let wide = self.wide.iter().position(|other| other == value).and_then(|at| self.wides.get(at));
            let main = match (main, wide) {
                (Some(main), _) => match rounding {
                    Some(rounding) => of_ring(rounded(party, main, rounding)?, None),
                    None => of_ring(main.clone(), None),
                },
                (None, Some(wide)) => of_total(party, wide, *aggregate, reduction.total(self.sizes))?,
                (None, None) => return Err(TableError::Shape("an aggregation was left out")),
            };
            let count = count.filter(|_| *aggregate == Aggregate::Mean);
            *result = Some(ColumnShares { count, ..main });
        }
        Ok(())
    }
}

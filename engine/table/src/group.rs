//! `groupby`: sort by key, then sums are differences of running totals between the last rows of
//! neighbouring groups, which is local. Opens the number of groups, through random positions.

use vdl_plan::vdl_command::{Aggregate, ColumnMeta};
use vdl_plan::{Reduction, Typed};
use vdl_protocol::{Party, Permutation, and, equal, sort};
use vdl_share::{ColumnShares, Planes, TableShares};

use crate::column::{self, Bits, Numbers, flags_to_ring, of_bits, of_ring, to_ring};
use crate::error::TableError;
use crate::expression::{Form, Value, both, evaluate, validity};
use crate::filter::{compact, pack, sparse};
use crate::moving::Bundle;
use crate::steps::Steps;

/// The keys of every row, and which rows belong to a group at all.
struct Keys {
    /// One entry per key column, the first one most significant.
    columns: Vec<Bits>,
    /// Selected and no key missing; `None` means every row.
    alive: Option<Bits>,
}

/// Smallest and greatest of one value need the rows of a group sorted by it.
#[derive(Clone, Copy, PartialEq)]
struct Extreme {
    /// Which reduction's value.
    value: usize,
    /// Missing values first, so that the last row of a group has the greatest; else last.
    nulls_first: bool,
}

/// One table of groups: the key columns, then one column per reduction.
pub(crate) fn group_by(
    party: &mut Party,
    table: &TableShares,
    rows: u64,
    schema: &[ColumnMeta],
    by: &[usize],
    reductions: &[Reduction],
    steps: &mut Steps<'_>,
) -> Result<TableShares, TableError> {
    let compacted = if sparse(table, rows) { Some(compact(party, table, rows)?) } else { None };
    let table = compacted.as_ref().unwrap_or(table);
    let keys = keys(party, table, schema, by)?;
    steps.done();

    // A group is the same in every sort, so each further one only finds its own extremes.
    let extremes = extremes(reductions);
    let base = extremes.first().copied();
    let mut results: Vec<Option<ColumnShares>> = vec![None; reductions.len()];
    let grouped = pass(party, table, &keys, reductions, base, true, &mut results)?;
    steps.done();
    for extreme in extremes.iter().skip(1) {
        pass(party, table, &keys, reductions, Some(*extreme), false, &mut results)?;
        steps.done();
    }
    let mut columns: Vec<ColumnShares> = grouped.keys.into_iter().map(|bits| of_bits(bits, None)).collect();
    for result in results {
        columns.push(result.ok_or(TableError::Shape("an aggregation was left out"))?);
    }
    Ok(TableShares { rows: grouped.rows, columns, selected: None })
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

/// How many steps [`group_by`] will tell.
pub(crate) fn steps(reductions: &[Reduction]) -> usize {
    1 + extremes(reductions).len().max(1)
}

/// The sorts that are needed beside the keys, each once.
fn extremes(reductions: &[Reduction]) -> Vec<Extreme> {
    let mut found: Vec<Extreme> = Vec::new();
    for reduction in reductions {
        if let Some(extreme) = extreme_of(reductions, reduction)
            && !found.contains(&extreme)
        {
            found.push(extreme);
        }
    }
    found
}

fn extreme_of(reductions: &[Reduction], reduction: &Reduction) -> Option<Extreme> {
    let greatest = match reduction.aggregate {
        Aggregate::Min => false,
        Aggregate::Max => true,
        Aggregate::Count | Aggregate::Sum | Aggregate::Mean => return None,
    };
    let is_extreme = |other: &Reduction| matches!(other.aggregate, Aggregate::Min | Aggregate::Max);
    let value = reductions.iter().position(|other| is_extreme(other) && other.value == reduction.value)?;
    Some(Extreme { value, nulls_first: greatest && reduction.value.ctype.nullable })
}

struct Grouped {
    rows: usize,
    keys: Vec<Bits>,
}

/// One sort and what it tells: with `totals` all sums and counts, with `extreme` its extremes.
fn pass(
    party: &mut Party,
    table: &TableShares,
    keys: &Keys,
    reductions: &[Reduction],
    extreme: Option<Extreme>,
    totals: bool,
    results: &mut [Option<ColumnShares>],
) -> Result<Grouped, TableError> {
    let value = match extreme.and_then(|extreme| reductions.get(extreme.value)) {
        Some(reduction) => {
            let value = evaluate(party, &reduction.value, table, Form::Bits)?;
            value.bits(party, &reduction.value)?;
            Some(value)
        }
        None => None,
    };
    let order = order(party, table.rows, keys, value.as_ref().zip(extreme))?;
    let mut sums = if totals { Totals::of(party, table, reductions)? } else { Totals::default() };
    let sorted = sorted(party, table.rows, keys, value.as_ref(), &mut sums, &order)?;
    let last = last_of_group(party, table.rows, &sorted)?;

    // What the last row of a group knows: its key, the running totals, how many rows so far, its own
    // value and the next row's, which is the first of the next group.
    let mut bundle = Bundle::default();
    bundle.planes.extend(sorted.keys.iter().cloned());
    if totals {
        bundle.planes.push(counting(party, table.rows));
    }
    for part in sorted.value.iter().flatten() {
        bundle.planes.extend([part.clone(), part.shift_up(1)]);
    }
    bundle.rings = sums.rings.iter().map(Numbers::prefix_sums).collect();
    let groups = pack(party, &mut bundle, table.rows, &last)?;

    let mut planes = bundle.planes.into_iter();
    let grouped = Grouped { rows: groups, keys: planes.by_ref().take(keys.columns.len()).collect() };
    if totals {
        let counted = planes.next().ok_or(TableError::Shape("rows lost on the way"))?;
        sums.rings = bundle.rings.iter().map(Numbers::differences).collect();
        sums.give(party, reductions, &counted, results)?;
    }
    if let (Some(extreme), [bits, valid]) = (extreme, &sorted.value) {
        let mut take = |first: &Option<Bits>| -> Option<(Bits, Bits)> {
            let (first, last, next) = (first.as_ref()?, planes.next()?, planes.next()?);
            Some((first_of_groups(first, &next, groups), last))
        };
        let (bits, valid) = (take(bits), take(valid));
        for (reduction, result) in reductions.iter().zip(results.iter_mut()) {
            if extreme_of(reductions, reduction) != Some(extreme) {
                continue;
            }
            let greatest = reduction.aggregate == Aggregate::Max;
            let chosen = |pair: &(Bits, Bits)| if greatest { pair.1.clone() } else { pair.0.clone() };
            let bits = bits.as_ref().ok_or(TableError::Shape("rows lost on the way"))?;
            *result = Some(of_bits(chosen(bits), valid.as_ref().map(chosen)));
        }
    }
    Ok(grouped)
}

/// Rows that belong to no group last, then by key, then by value.
fn order(
    party: &mut Party,
    rows: usize,
    keys: &Keys,
    by: Option<(&Value<'_>, Extreme)>,
) -> Result<Permutation, TableError> {
    let id = party.id();
    let mut planes: Vec<Bits> = Vec::new();
    if let Some((value, extreme)) = by {
        planes.extend(value.shares().bits.get().cloned());
        planes.extend(value.valid().map(|v| if extreme.nulls_first { v.clone() } else { v.not(id) }));
    }
    planes.extend(keys.columns.iter().rev().cloned());
    planes.extend(keys.alive.as_ref().map(|alive| alive.not(id)));
    Ok(sort(party, &Bits::stack(rows, &planes.iter().collect::<Vec<_>>()))?)
}

/// The columns of a pass in sorted order.
struct Sorted {
    keys: Vec<Bits>,
    alive: Option<Bits>,
    /// Bits and validity of the value sorted by.
    value: [Option<Bits>; 2],
}

fn sorted(
    party: &mut Party,
    rows: usize,
    keys: &Keys,
    value: Option<&Value<'_>>,
    sums: &mut Totals,
    order: &Permutation,
) -> Result<Sorted, TableError> {
    let bits = value.and_then(|value| value.shares().bits.get());
    let valid = value.and_then(Value::valid);
    let mut bundle = Bundle { rings: std::mem::take(&mut sums.rings), ..Default::default() };
    bundle.planes.extend(keys.columns.iter().cloned());
    bundle.planes.extend(keys.alive.iter().chain(bits).chain(valid).cloned());
    bundle.planes.append(&mut sums.flags);
    let mut moved = bundle.moved(rows, |blocks| Ok(order.apply(party, blocks)?))?;
    let mut planes = std::mem::take(&mut moved.planes).into_iter();
    let sorted = Sorted {
        keys: planes.by_ref().take(keys.columns.len()).collect(),
        alive: keys.alive.as_ref().and_then(|_| planes.next()),
        value: [bits.and_then(|_| planes.next()), valid.and_then(|_| planes.next())],
    };
    sums.rings = moved.rings;
    for flags in planes {
        sums.rings.push(flags_to_ring(party, &flags)?);
    }
    Ok(sorted)
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

/// The first row of every group: the first row of all, then what follows each last row but the last.
fn first_of_groups(sorted: &Bits, next: &Bits, groups: usize) -> Bits {
    let first = sorted.slice_rows(0, groups.min(1));
    let others = next.slice_rows(0, groups.saturating_sub(1));
    Bits::append_rows(sorted.width(), &[&first, &others])
}

/// Sums and counts of present values, one entry per different value.
#[derive(Default)]
struct Totals {
    summed: Vec<Typed>,
    counted: Vec<Typed>,
    /// The columns to add up: first the sums, then the counts.
    rings: Vec<Numbers>,
    /// Validity planes, not yet in the ring.
    flags: Vec<Bits>,
}

impl Totals {
    fn of(party: &mut Party, table: &TableShares, reductions: &[Reduction]) -> Result<Self, TableError> {
        let mut totals = Self::default();
        for Reduction { aggregate, value } in reductions {
            if matches!(aggregate, Aggregate::Sum | Aggregate::Mean) && !totals.summed.contains(value) {
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

    /// The reductions that these totals answer. `counted` is how many rows there were so far.
    fn give(
        &self,
        party: &mut Party,
        reductions: &[Reduction],
        counted: &Bits,
        results: &mut [Option<ColumnShares>],
    ) -> Result<(), TableError> {
        let mut sizes: Option<Numbers> = None;
        for (Reduction { aggregate, value }, result) in reductions.iter().zip(results) {
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
            let main = main.cloned().ok_or(TableError::Shape("an aggregation was left out"))?;
            let count = count.filter(|_| *aggregate == Aggregate::Mean);
            *result = Some(ColumnShares { count, ..of_ring(main, None) });
        }
        Ok(())
    }
}

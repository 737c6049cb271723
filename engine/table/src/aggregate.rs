//! One value from a column. Sums are local once the column is in the ring, and made in bits where to bring it
//! there costs more; smallest and greatest are a tournament of comparisons. The selected rows are masked, no
//! row moves.
//!
//! Opens nothing to the servers, but with a threshold one bit: whether the rows are enough.

use vdl_plan::vdl_command::Aggregate;
use vdl_plan::{Check, Input, Reduction, Typed, narrow};
use vdl_protocol::{Party, and, any_one, bits_to_ring, dot, less_than, mux, planes_to_ring, sum_rows};
use vdl_share::{ColumnShares, Planes, Ring, Shared, TableShares};

use crate::column::{self, Bits, Numbers, WideNumbers, flags_to_ring, of_bits, of_ring, of_total};
use crate::distinct::{Counted, Need, enough, needs};
use crate::error::TableError;
use crate::expression::{Form, both, evaluate, validity};
use crate::rounding::rounded;
use crate::steps::Steps;

/// Up to this many rows a round costs more than the bits it saves.
const FEW_ROWS: usize = 1 << 15;

/// What all aggregations of one command share.
struct Source<'a> {
    table: &'a TableShares,
    /// How many rows belong, at least and at most.
    rows: (u64, u64),
    /// The selection as 0 and 1, made when first needed.
    mask: Option<Numbers>,
    wide_mask: Option<WideNumbers>,
}

pub(crate) fn aggregate(
    party: &mut Party,
    table: &TableShares,
    input: &Input,
    reductions: &[Reduction],
    (threshold, checks): (Option<u64>, &[Check]),
    steps: &mut Steps<'_>,
) -> Result<Vec<ColumnShares>, TableError> {
    let rows = input.rows;
    let mut source = Source { table, rows: input.row_bounds(), mask: None, wide_mask: None };
    let mut needs = needs(party, table, reductions, checks)?;
    if let Some(least) = threshold {
        // Of the analyst's own threshold, whether a value is there counts, not what it adds.
        needs.push(Need { least, flags: None, rows_in: None });
        for reduction in reductions.iter().filter(|reduction| reduction.value.ctype.nullable) {
            needs.push(Need { least, flags: source.present(party, &reduction.value)?, rows_in: None });
        }
    }
    enough(party, Counted { columns: &table.columns, selected: table.selected.as_ref(), rows }, &needs)?;
    let mut results = Vec::with_capacity(reductions.len());
    for reduction in reductions {
        let value = &reduction.value;
        results.push(match reduction.aggregate {
            Aggregate::Count => {
                let counted = count(party, &source, value)?;
                of_ring(down(party, counted, reduction)?, None)
            }
            Aggregate::Sum => total(party, &mut source, reduction)?,
            Aggregate::Mean => {
                let total = total(party, &mut source, reduction)?;
                ColumnShares { count: Some(count(party, &source, value)?), ..total }
            }
            Aggregate::Min => extreme(party, &source, value, false)?,
            Aggregate::Max => extreme(party, &source, value, true)?,
        });
        steps.done();
    }
    Ok(results)
}

impl Source<'_> {
    /// The rows in which a value is there; `None` means every row that belongs.
    fn present(&self, party: &mut Party, value: &Typed) -> Result<Option<Bits>, TableError> {
        match validity(party, value, self.table)? {
            Some(valid) if self.table.rows > 0 => both(party, Some(&valid), self.table.selected.as_ref()),
            _ => Ok(None),
        }
    }
}

fn count<R: Ring>(
    party: &mut Party,
    source: &Source<'_>,
    value: &Typed,
) -> Result<Shared<Vec<R>>, TableError> {
    let (fewest, most) = source.rows;
    match (source.present(party, value)?, &source.table.selected) {
        (Some(present), _) => column::count(party, &present),
        // How many rows belong is known roughly only.
        (None, Some(selected)) if fewest < most => column::count(party, selected),
        (None, _) => Ok(Shared::<Vec<R>>::public(party.id(), &[R::of_wide(fewest.into())])),
    }
}

/// The value as it may be told.
fn down(party: &mut Party, value: Numbers, reduction: &Reduction) -> Result<Numbers, TableError> {
    match &reduction.rounding {
        Some(rounding) => rounded(party, &value, rounding),
        None => Ok(value),
    }
}

/// A sum in the narrowest ring that holds every possible one.
fn total(
    party: &mut Party,
    source: &mut Source<'_>,
    reduction: &Reduction,
) -> Result<ColumnShares, TableError> {
    let bounds = reduction.total(source.rows);
    if narrow(bounds) {
        let sum = sum(party, source, &reduction.value)?;
        return Ok(of_ring(down(party, sum, reduction)?, None));
    }
    let sum = wide_sum(party, source, &reduction.value)?;
    of_total(party, &sum, reduction.aggregate, bounds)
}

fn wide_sum(party: &mut Party, source: &mut Source<'_>, value: &Typed) -> Result<WideNumbers, TableError> {
    let column = evaluate(party, value, source.table, Form::Bits)?;
    if let Some(sum) = sum_of_bits(party, source, value, column.shares())? {
        return Ok(sum);
    }
    let wide = column.wide(party, value)?;
    let Some(selected) = &source.table.selected else {
        return Ok(wide.sum());
    };
    if source.wide_mask.is_none() {
        source.wide_mask = bits_to_ring(party, selected)?.pop();
    }
    match &source.wide_mask {
        Some(mask) => Ok(dot(party, &[(&wide, mask)])?),
        None => Err(TableError::Shape("no mask")),
    }
}

fn sum(party: &mut Party, source: &mut Source<'_>, value: &Typed) -> Result<Numbers, TableError> {
    if source.table.rows == 0 {
        return Ok(Numbers::zeros(1));
    }
    let column = evaluate(party, value, source.table, Form::Ring)?;
    if let Some(sum) = sum_of_bits(party, source, value, column.shares())? {
        return Ok(sum);
    }
    let ring = column.ring(party, value)?;
    let Some(selected) = &source.table.selected else {
        return Ok(ring.sum());
    };
    if source.mask.is_none() {
        source.mask = Some(flags_to_ring(party, selected)?);
    }
    match &source.mask {
        Some(mask) => Ok(dot(party, &[(ring, mask)])?),
        None => Err(TableError::Shape("no mask")),
    }
}

/// The sum of a column that has many rows and is not in the ring: it stays in bits, its sum is converted.
/// Bits per row and party: about twice the width, where the ring takes its own size three times.
fn sum_of_bits<R: Ring>(
    party: &mut Party,
    source: &Source<'_>,
    value: &Typed,
    column: &ColumnShares,
) -> Result<Option<Shared<Vec<R>>>, TableError> {
    let (Some(bits), None) = (column.bits.get(), column.ring.get()) else {
        return Ok(None);
    };
    if bits.rows() <= party.few_rows(FEW_ROWS) {
        return Ok(None);
    }
    let selected = source.table.selected.as_ref();
    let offsets = match selected {
        Some(selected) => and(party, bits, selected)?,
        None => bits.clone(),
    };
    let offsets = sum_rows(party, offsets)?;
    let sum = planes_to_ring::<R>(party, &offsets)?;
    // Every value that is there is the minimum and its offset.
    let min = R::of_wide(column::minimum(&value.ctype).cast_unsigned());
    if min == R::ZERO {
        return Ok(Some(sum));
    }
    Ok(Some(sum.add(&count(party, source, value)?.scale(min))))
}

/// The greatest value, or the smallest, which is the greatest with all bits flipped.
fn extreme(
    party: &mut Party,
    source: &Source<'_>,
    value: &Typed,
    greatest: bool,
) -> Result<ColumnShares, TableError> {
    let rows = source.table.rows;
    let width = value.ctype.width() as usize;
    if rows == 0 || source.rows.1 == 0 {
        return Ok(of_bits(Bits::zeros(1, width), Some(Bits::zeros(1, 1))));
    }
    let column = evaluate(party, value, source.table, Form::Bits)?;
    let bits = column.bits(party, value)?;
    let turned = |bits: &Bits, id: usize| if greatest { bits.clone() } else { bits.not(id) };
    let mut candidates = turned(bits, party.id());
    let present = both(party, column.valid(), source.table.selected.as_ref())?;
    if let Some(present) = &present {
        candidates = and(party, &candidates, present)?;
    }
    let winner = tournament(party, candidates)?;
    let winner = turned(&winner, party.id());
    match present.filter(|_| value.ctype.nullable) {
        Some(present) => {
            let any = any_row(party, &present)?;
            Ok(of_bits(and(party, &winner, &any)?, Some(any)))
        }
        None => Ok(of_bits(winner, None)),
    }
}

/// The greatest row, as one row. Halves the rows again and again: about one comparison per row and
/// `log2(rows)` comparisons deep.
fn tournament(party: &mut Party, mut rows: Bits) -> Result<Bits, TableError> {
    while rows.rows() > 1 {
        let (count, width) = (rows.rows(), rows.width());
        // Full words pair with full words as long as there are some; the odd one out waits.
        let half = if count > 64 { count.div_ceil(2).next_multiple_of(64) } else { count.div_ceil(2) };
        let first = rows.slice_rows(0, half);
        let second = rows.slice_rows(half, count - half);
        let missing = Bits::zeros(half - (count - half), width);
        let second = Bits::append_rows(width, &[&second, &missing]);
        let less = less_than(party, &first, &second)?;
        rows = mux(party, &less, &second, &first)?;
    }
    Ok(rows)
}

/// One row: is some row's flag set? The flags are looked at as 64 rows of many planes, then as one row.
/// Bits per row and party: 1. Rounds: log2 of the rows.
pub(crate) fn any_row(party: &mut Party, flags: &Bits) -> Result<Bits, TableError> {
    let mut folded = flags.clone();
    folded.each(Planes::mask_tail);
    let stride = Planes::stride(flags.rows());
    let fold = |planes: Planes| Planes::from_raw(64, stride, planes.into_words());
    let (Some(own), Some(next)) = (fold(folded.own), fold(folded.next)) else {
        return Err(TableError::Shape("flags of more than one plane"));
    };
    let column = any_one(party, &Bits::new(own, next))?;
    let row = column.map(|planes| Planes::from_values(planes.words().get(..1).unwrap_or(&[0]), 64));
    Ok(any_one(party, &row)?)
}

//! Counts as multiples of a number only. A count is rounded before it is opened; no server sees it exactly.

use vdl_plan::Rounding;
use vdl_protocol::{Party, open_ring, planes_to_ring, ring_to_planes};

use crate::column::{Bits, Numbers, count};
use crate::error::TableError;

/// Bits of a count, once the steps that do not matter are dropped.
const COUNT_BITS: usize = 32;

/// Bits behind the point of the factor that stands for a division.
const POINT: usize = 44;

/// Every value, rounded down. Opens nothing.
///
/// Dividing `t` by a number `n` of up to 1000 is multiplying by `(2^44 + e) / n`, where `e < n` makes that
/// whole, and dropping 44 bits: exact, because `t e` stays below 2^44 for every `t` below 2^32. Four
/// conversions, whatever the number of values.
pub(crate) fn rounded(
    party: &mut Party,
    values: &Numbers,
    rounding: &Rounding,
) -> Result<Numbers, TableError> {
    if values.rows() == 0 {
        return Ok(values.clone());
    }
    let id = party.id();
    let shift = rounding.shift as usize;
    let width = (shift + COUNT_BITS).min(64);
    let bits = ring_to_planes(party, &values.add_constant(id, rounding.offset), width)?;
    let counts = planes_to_ring::<u128>(party, &bits.select(shift..width))?;
    let factor = (1u128 << POINT).div_ceil(u128::from(rounding.to.max(1)));
    let quotients = ring_to_planes(party, &counts.scale(factor), POINT + COUNT_BITS)?;
    let quotients = planes_to_ring::<u64>(party, &quotients.select(POINT..POINT + COUNT_BITS))?;
    let step = rounding.to.wrapping_shl(rounding.shift);
    Ok(quotients.scale(step).add_constant(id, rounding.offset.wrapping_neg()))
}

/// How many flags are set, as a multiple. Opens that.
pub(crate) fn count_rounded(party: &mut Party, flags: &Bits, to: u64) -> Result<u64, TableError> {
    if flags.rows() == 0 {
        return Ok(0);
    }
    let exact = count(party, flags)?;
    let down = rounded(party, &exact, &Rounding::of_counts(to))?;
    match open_ring(party, &down)?.as_slice() {
        [count] if *count <= flags.rows() as u64 && count.is_multiple_of(to) => Ok(*count),
        _ => Err(TableError::Shape("another number of rows")),
    }
}

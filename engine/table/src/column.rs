//! One column's two forms, and the ways between them and between encodings.
//!
//! A missing value is zero in both forms. Shifting an encoding by a public number leaves that number
//! in the missing rows, so it is taken out again there: locally, because it is public.

use std::sync::OnceLock;

use vdl_plan::vdl_command::{Aggregate, ColumnType, Kind};
use vdl_plan::{Bounds, span};
use vdl_protocol::{Party, add_public, bits_to_ring, planes_to_ring, ring_to_planes, shift_right, sum_rows};
use vdl_share::{ColumnShares, Planes, Ring, Shared};

use crate::error::TableError;
use crate::text;

pub(crate) type Bits = Shared<Planes>;
pub(crate) type Numbers = Shared<Vec<u64>>;

/// Numbers whose totals 64 bits may not hold.
pub(crate) type WideNumbers = Shared<Vec<u128>>;

pub(crate) fn minimum(ctype: &ColumnType) -> i128 {
    span(&ctype.kind).map_or(0, |(min, _)| min)
}

/// The column as offsets in bits; converts and remembers if it must.
pub(crate) fn bits<'a>(
    party: &mut Party,
    column: &'a ColumnShares,
    ctype: &ColumnType,
) -> Result<&'a Bits, TableError> {
    if let Some(bits) = column.bits.get() {
        return Ok(bits);
    }
    let ring = column.ring.get().ok_or(TableError::Shape("a column without values"))?;
    let width = ctype.width() as usize;
    if width > 64 {
        return Err(TableError::Shape("a wide column without bits"));
    }
    let shift = low_word(minimum(ctype).wrapping_neg());
    let mut planes = ring_to_planes(party, &ring.add_constant(party.id(), shift), width)?;
    if let Some(valid) = &column.valid {
        xor_where(&mut planes, &valid.not(party.id()), &[shift]);
    }
    Ok(column.bits.get_or_init(|| planes))
}

/// The column as ring elements, modulo 2^64; converts and remembers if it must.
pub(crate) fn ring<'a>(
    party: &mut Party,
    column: &'a ColumnShares,
    ctype: &ColumnType,
) -> Result<&'a Numbers, TableError> {
    if let Some(ring) = column.ring.get() {
        return Ok(ring);
    }
    let ring = in_ring(party, column, ctype)?;
    Ok(column.ring.get_or_init(|| ring))
}

/// The column in the ring of 128 bits, for totals that 64 may not hold.
pub(crate) fn wide(
    party: &mut Party,
    column: &ColumnShares,
    ctype: &ColumnType,
) -> Result<WideNumbers, TableError> {
    // Numbers of at most 62 bits keep their signs on the way from one ring to the other.
    let small = span(&ctype.kind).is_some_and(|(min, max)| min >= -(1 << 62) && max < 1 << 62);
    match column.ring.get() {
        Some(ring) if small => Ok(shift_right(party, ring, 0)?),
        _ => {
            bits(party, column, ctype)?;
            in_ring(party, column, ctype)
        }
    }
}

/// The values behind the bits, as elements of any ring.
fn in_ring<R: Ring>(
    party: &mut Party,
    column: &ColumnShares,
    ctype: &ColumnType,
) -> Result<Shared<Vec<R>>, TableError> {
    let bits = column.bits.get().ok_or(TableError::Shape("a column without values"))?;
    let min = minimum(ctype);
    let ring = match &column.valid {
        Some(valid) if min != 0 => {
            // Missing rows get the offset of zero: what becomes zero when the minimum is added.
            let zero = R::of_wide(min.wrapping_neg().cast_unsigned()).wide();
            let width = bits.width().max(128 - zero.leading_zeros() as usize);
            let mut offsets = bits.resize(width);
            xor_where(&mut offsets, &valid.not(party.id()), &words(zero));
            planes_to_ring(party, &offsets)?
        }
        _ => planes_to_ring(party, bits)?,
    };
    Ok(ring.add_constant(party.id(), R::of_wide(min.cast_unsigned())))
}

/// Up to this many rows a round costs more than the bits it saves.
const FEW_FLAGS: usize = 1 << 17;

/// How many flags are set.
pub(crate) fn count<R: Ring>(party: &mut Party, flags: &Bits) -> Result<Shared<Vec<R>>, TableError> {
    if flags.rows() <= party.few_rows(FEW_FLAGS) {
        let ones = bits_to_ring::<R>(party, flags)?.pop().ok_or(TableError::Shape("no flags"))?;
        return Ok(ones.sum());
    }
    let count = sum_rows(party, flags.clone())?;
    Ok(planes_to_ring(party, &count)?)
}

/// A sum of 128 bits in the form of its result: offsets within these bounds, or all bits in two's
/// complement where it is to be divided.
pub(crate) fn of_total(
    party: &mut Party,
    total: &WideNumbers,
    aggregate: Aggregate,
    (min, max): Bounds,
) -> Result<ColumnShares, TableError> {
    if aggregate == Aggregate::Mean {
        return Ok(of_bits(ring_to_planes(party, total, 128)?, None));
    }
    let width = ColumnType::required(Kind::Integer { min, max }).width() as usize;
    let offsets = total.add_constant(party.id(), min.wrapping_neg().cast_unsigned());
    Ok(of_bits(ring_to_planes(party, &offsets, width)?, None))
}

fn low_word(number: i128) -> u64 {
    number.cast_unsigned() as u64
}

/// Least significant word first.
pub(crate) fn words(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

/// The unsigned value of planes.
pub(crate) fn to_ring(party: &mut Party, planes: &Bits) -> Result<Numbers, TableError> {
    Ok(planes_to_ring(party, planes)?)
}

/// One plane as 0 and 1 in the ring.
pub(crate) fn flags_to_ring(party: &mut Party, flags: &Bits) -> Result<Numbers, TableError> {
    bits_to_ring(party, flags)?.pop().ok_or(TableError::Shape("no flags"))
}

/// The same as row positions.
pub(crate) fn flags_to_ranks(party: &mut Party, flags: &Bits) -> Result<Shared<Vec<u32>>, TableError> {
    bits_to_ring(party, flags)?.pop().ok_or(TableError::Shape("no flags"))
}

/// XORs a public pattern (least significant word first) into the rows where `flag` is set. Local.
pub(crate) fn xor_where(target: &mut Bits, flag: &Bits, pattern: &[u64]) {
    let width = target.width();
    let set = |j: usize| pattern.get(j / 64).is_some_and(|word| word >> (j % 64) & 1 == 1);
    for (planes, flag) in [(&mut target.own, &flag.own), (&mut target.next, &flag.next)] {
        for j in (0..width).filter(|&j| set(j)) {
            planes.plane_mut(j).iter_mut().zip(flag.plane(0)).for_each(|(word, flag)| *word ^= flag);
        }
    }
}

/// The same values as offsets in a kind that holds them all.
pub(crate) fn recode(
    party: &mut Party,
    bits: &Bits,
    valid: Option<&Bits>,
    from: &Kind,
    to: &Kind,
) -> Result<Bits, TableError> {
    if let (Kind::Text { length: m, ascii: a }, Kind::Text { length: n, ascii: b }) = (from, to) {
        return Ok(text::recode(bits, (*m, *a), (*n, *b)));
    }
    let (Some((low, _)), Some((lower, _))) = (span(from), span(to)) else {
        return Err(TableError::Shape("a value that cannot be written in another type"));
    };
    let width = ColumnType::required(to.clone()).width() as usize;
    let shift = low.wrapping_sub(lower).cast_unsigned();
    if shift == 0 {
        return Ok(bits.resize(width));
    }
    let mut shifted = add_public(party, bits, shift, width)?;
    if let Some(valid) = valid {
        xor_where(&mut shifted, &valid.not(party.id()), &words(shift));
    }
    Ok(shifted)
}

pub(crate) fn of_bits(bits: Bits, valid: Option<Bits>) -> ColumnShares {
    ColumnShares { bits: OnceLock::from(bits), valid, ..Default::default() }
}

pub(crate) fn of_ring(ring: Numbers, valid: Option<Bits>) -> ColumnShares {
    ColumnShares { ring: OnceLock::from(ring), valid, ..Default::default() }
}

/// The forms of a column that are worth moving: bits if there are any, because they are narrow.
pub(crate) fn lean(column: &ColumnShares) -> ColumnShares {
    let mut lean =
        ColumnShares { count: column.count.clone(), valid: column.valid.clone(), ..Default::default() };
    match (column.bits.get(), column.ring.get()) {
        (Some(bits), _) => lean.bits = OnceLock::from(bits.clone()),
        (None, Some(ring)) => lean.ring = OnceLock::from(ring.clone()),
        (None, None) => {}
    }
    lean
}

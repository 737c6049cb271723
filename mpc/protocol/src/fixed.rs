//! Fixed-point numbers: a value times 2^precision, as a ring element in two's complement.

use vdl_share::{Planes, Shared};

use crate::arithmetic::{self, Column};
use crate::convert::{add, planes_to_ring, ring_to_planes};
use crate::logic::and;
use crate::normalise::{constants, decode, leading, shifted};
use crate::party::Party;
use crate::truncate::shift_right;
use crate::{ProtocolError, Result};

pub use crate::functions::{exp, log, sqrt};

/// A column and what everybody knows of it: every element is below 2^bits in size. What breaks its bounds
/// gives wrong results, never an error: the bounds are checked when values are uploaded.
#[derive(Clone, Copy)]
pub struct Number<'a> {
    pub column: &'a Column<u64>,
    pub bits: usize,
}

/// Elements below 2^62 in size can be shifted in the ring of 64 bits.
pub(crate) const NARROW: usize = 62;

/// Row by row product, rounded down: exactly the floor of a b / 2^precision.
///
/// A product and a shift, in the ring of 64 bits where the bounds allow (sizes of at most 62 bits together),
/// else in the ring of 128 bits, for sizes up to 62 bits each and 63 for the result. Rounds: 1 and the
/// shift's; in the wide ring 4 more. Bits per row and party: 64 and the shift's; in the wide ring 128, the
/// shift's, and 341 1/3 to get there. Opens: nothing.
pub fn multiply(party: &mut Party, a: Number, b: Number, precision: usize) -> Result<Column<u64>> {
    product(party, a, b, a.bits + b.bits, precision, Rounding::Down)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    Down,
    Nearest,
}

/// The product, below 2^bits in size, divided by 2^shift.
pub(crate) fn product(
    party: &mut Party,
    a: Number,
    b: Number,
    bits: usize,
    shift: usize,
    rounding: Rounding,
) -> Result<Column<u64>> {
    let half = if rounding == Rounding::Nearest && shift > 0 { 1u128 << (shift - 1) } else { 0 };
    if bits <= NARROW {
        let product = arithmetic::multiply(party, a.column, b.column)?;
        return shift_right(party, &product.add_constant(party.id(), half as u64), shift);
    }
    if a.bits.max(b.bits) > NARROW || bits > 63 + shift {
        return Err(ProtocolError::Bounds { step: "product" });
    }
    let (a, b) = (shift_right::<u64, u128>(party, a.column, 0)?, shift_right(party, b.column, 0)?);
    let product = arithmetic::multiply(party, &a, &b)?;
    shift_right(party, &product.add_constant(party.id(), half), shift)
}

/// Fractional bits of what is computed on the way to a quotient, a root and so on.
pub(crate) const WORKING: usize = 33;
/// Bits below the leading one that choose the first approximation.
pub(crate) const DEPTH: usize = 7;
/// Fractional bits of the first approximation.
pub(crate) const FIRST: usize = DEPTH + 3;

/// Row by row a / b, for |b| below 2^51, where all quotients stay below 2^bits in size (as numbers of this
/// precision) and bits is at most 62. The error is at most 1.01 2^-precision and 2^-30 of the quotient. Where
/// b is zero, the quotient is zero.
///
/// The sizes' leading bits and the 7 that follow choose from a public table a first approximation y of 1 /
/// |b| good to 7.9 bits; shifted by the secret distance and with its sign it becomes one ring element r, so
/// that b r = 1 - e exactly; and a / b = a r (1 + e + e^2 + e^3 + ...) (Goldschmidt, 1964; normalising:
/// Catrina and Saxena, FC 2010). Rounds and bits per row and party: see docs/protocols.md; about 1.5 kbit
/// where everything fits the ring of 64 bits, that is where the bits of the quotient and of b less the
/// precision are at most 51. Opens: nothing.
pub fn divide(party: &mut Party, a: Number, b: Number, precision: usize, bits: usize) -> Result<Column<u64>> {
    let scale = b.bits + FIRST;
    if scale >= NARROW || bits > NARROW || precision > bits {
        return Err(ProtocolError::Bounds { step: "divide" });
    }
    let r = reciprocal(party, b)?;
    let r = Number { column: &r, bits: scale + 1 };
    // b r is 1 - e, in units of 2^-scale: exact in any ring that holds 2^scale.
    let near_one = scaled(party, b, r, scale + 1, scale as isize - WORKING as isize)?;
    let e = near_one.negate().add_constant(party.id(), 1 << WORKING);
    let (square, cube) = powers(party, &e)?;
    let more = e.add(&square).add(&cube);
    let first =
        scaled(party, a, r, bits + 1 + scale.saturating_sub(precision), scale as isize - precision as isize)?;
    let first = Number { column: &first, bits };
    improved(party, first, &more, 0)
}

/// A product divided by 2^shift and rounded, or multiplied where the shift is negative.
pub(crate) fn scaled(
    party: &mut Party,
    a: Number,
    b: Number,
    bits: usize,
    shift: isize,
) -> Result<Column<u64>> {
    let product = product(party, a, b, bits, shift.max(0) as usize, Rounding::Nearest)?;
    Ok(if shift < 0 { product.scale(1 << -shift) } else { product })
}

/// e^2 and e^3, for e below 2^-7 in size, in working bits.
pub(crate) fn powers(party: &mut Party, e: &Column<u64>) -> Result<(Column<u64>, Column<u64>)> {
    let bits = WORKING - DEPTH;
    let e = Number { column: e, bits };
    let square = product(party, e, e, 2 * bits, WORKING, Rounding::Nearest)?;
    let small = Number { column: &square, bits: WORKING - 2 * DEPTH };
    let cube = product(party, e, small, 2 * WORKING - 3 * DEPTH, WORKING, Rounding::Nearest)?;
    Ok((square, cube))
}

/// The value times 1 + more, where `more` is below 2^-7 in size and has `finer` bits beyond the working ones.
pub(crate) fn improved(
    party: &mut Party,
    value: Number,
    more: &Column<u64>,
    finer: usize,
) -> Result<Column<u64>> {
    let more = Number { column: more, bits: WORKING + finer - DEPTH };
    let part = product(party, value, more, value.bits + more.bits, WORKING + finer, Rounding::Nearest)?;
    Ok(value.column.add(&part))
}

/// 2^(bits + 10) / b within 7.9 bits, with its sign; zero for zero.
fn reciprocal(party: &mut Party, b: Number) -> Result<Column<u64>> {
    let planes = ring_to_planes(party, b.column, b.bits + 1)?;
    let sign = planes.plane(b.bits);
    let flipped = planes.select(0..b.bits).xor(&sign.repeat(b.bits));
    let size = add(party, &flipped, &sign, b.bits)?;
    let leading = leading(party, &size, DEPTH)?;
    let index = decode(party, &leading.index)?;
    let (positive, negative) = reciprocals();
    let width = FIRST + 2;
    let positive = constants(&index, &positive, width);
    let choices = positive.xor(&constants(&index, &negative, width));
    let first = and(party, &sign, &choices)?.xor(&positive);
    let width = b.bits + FIRST + 1;
    let shifted = shifted(party, &leading.shifts, Some(&leading.within), &first, 0, width)?;
    signed_to_ring(party, &shifted)
}

/// The value of planes in two's complement.
pub(crate) fn signed_to_ring(party: &mut Party, planes: &Shared<Planes>) -> Result<Column<u64>> {
    // The sign as an offset: what is negative becomes what is below it.
    let (rows, rest) = (planes.rows(), planes.width().saturating_sub(1));
    let offset = Planes::stack(rows, &[&Planes::zeros(rows, rest), &Planes::ones(rows, 1)]);
    let column = planes_to_ring(party, &planes.xor_public(party.id(), &offset))?;
    Ok(column.add_constant(party.id(), (1u64 << rest).wrapping_neg()))
}

/// 2^10 / d and its negative, for the middle of each 128th of d from 1/2 to 1.
pub(crate) fn reciprocals() -> (Vec<u64>, Vec<u64>) {
    (0..1u64 << DEPTH)
        .map(|i| {
            // d = (2 (128 + i) + 1) / 512
            let twice = 2 * ((1 << DEPTH) + i) + 1;
            let y = ((1u64 << (FIRST + DEPTH + 3)) / twice).div_ceil(2);
            (y, y.wrapping_neg())
        })
        .unzip()
}

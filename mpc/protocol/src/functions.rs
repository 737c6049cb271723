//! Square root, exponential and logarithm of fixed-point numbers, within stated errors.
//!
//! Each starts from a public table at the bits that follow the leading one, and ends with a few powers of the
//! exactly known rest. The tables are made with the operations that IEEE 754 defines to the last bit, so that
//! all three parties have the same ones.

use std::f64::consts::{LN_2, LOG2_E};

use vdl_share::{Planes, Shared};

use crate::arithmetic::Column;
use crate::convert::{add, planes_to_ring, ring_to_planes};
use crate::fixed::{
    DEPTH, FIRST, NARROW, Number, Rounding, WORKING, improved, powers, product, reciprocals, scaled,
    signed_to_ring,
};
use crate::logic::{and, any_one, not};
use crate::normalise::{constants, decode, leading, shifted};
use crate::party::Party;
use crate::truncate::shift_right;
use crate::{ProtocolError, Result};

/// Row by row square root of numbers from 0 to below 2^50 (as ring elements). The error is at most 1.01
/// 2^-precision and 2^-30 of the root. What is negative gives a number without meaning.
///
/// A table gives y near 1 / sqrt(x), good to 7.6 bits, which is shifted by half the secret distance; x y^2 is
/// 1 - e, and sqrt(x) = x y (1 + e/2 + 3/8 e^2 + 5/16 e^3 + ...). Opens: nothing.
pub fn sqrt(party: &mut Party, x: Number, precision: usize) -> Result<Column<u64>> {
    // sqrt(x 2^precision), with an even power of two.
    let odd = precision % 2;
    let (column, bits) = (x.column.scale(1 << odd), x.bits + odd);
    let x = Number { column: &column, bits };
    let half = bits.div_ceil(2);
    let scale = FIRST + half;
    if FIRST + 2 * half >= NARROW || precision > NARROW {
        return Err(ProtocolError::Bounds { step: "square root" });
    }
    let r = inverse_root(party, x, half)?;
    let r = Number { column: &r, bits: scale };
    let root = product(party, x, r, scale + half + 1, 0, Rounding::Down)?;
    let root = Number { column: &root, bits: scale + half + 1 };
    let near_one = scaled(party, root, r, 2 * scale + 1, 2 * scale as isize - WORKING as isize)?;
    let e = near_one.negate().add_constant(party.id(), 1 << WORKING);
    let (square, cube) = powers(party, &e)?;
    let more = e.scale(8).add(&square.scale(6)).add(&cube.scale(5));
    let first = rounded(party, root.column, scale as isize - (precision / 2) as isize)?;
    improved(party, Number { column: &first, bits: half + precision / 2 + 1 }, &more, 4)
}

/// 2^(10 + half) / sqrt(x) within 7.6 bits, for x below 4^half; zero for zero.
fn inverse_root(party: &mut Party, x: Number, half: usize) -> Result<Column<u64>> {
    let rows = x.column.rows();
    let planes = ring_to_planes(party, x.column, x.bits)?;
    let leading = leading(party, &planes, DEPTH)?;
    let index = decode(party, &leading.index)?;
    // x = d 2^k with d from 1/2 to 1, k = bits - shift; for odd k take half of d and k + 1.
    let of = |keep: &dyn Fn(usize) -> bool| {
        let mut sum = Shared::<Planes>::zeros(rows, 1);
        for t in (0..x.bits).filter(|t| keep(*t)) {
            sum = sum.xor(&leading.shifts.plane(t));
        }
        sum
    };
    let odd = of(&|t| (x.bits - t) % 2 == 1);
    let distances: Vec<Shared<Planes>> =
        (0..half).map(|u| of(&|t| half - (x.bits - t).div_ceil(2) == u)).collect();
    let distances = Shared::<Planes>::stack(rows, &distances.iter().collect::<Vec<_>>());
    let (even_roots, odd_roots) = inverse_roots();
    let even = constants(&index, &even_roots, FIRST + 1);
    let choices = even.xor(&constants(&index, &odd_roots, FIRST + 1));
    let first = and(party, &odd, &choices)?.xor(&even);
    let shifted = shifted(party, &distances, None, &first, 0, FIRST + half)?;
    planes_to_ring(party, &shifted)
}

/// 2^10 / sqrt(d) and 2^10 / sqrt(d / 2), for the middle of each 128th of d from 1/2 to 1.
fn inverse_roots() -> (Vec<u64>, Vec<u64>) {
    let root = |d: f64| ((1 << FIRST) as f64 / d.sqrt()).round() as u64;
    middles().map(|d| (root(d), root(d / 2.0))).unzip()
}

fn middles() -> impl Iterator<Item = f64> {
    (0..1 << DEPTH).map(|i| (f64::from((1 << DEPTH) + i) + 0.5) / f64::from(2 << DEPTH))
}

/// Row by row natural logarithm of numbers from 1 to below 2^51 (as ring elements). The error is at most 0.51
/// 2^-precision and 2^-31. Precision at most 30. What is zero or negative gives a number without meaning.
///
/// As in division, x r = 1 - e with r a shifted number y of a table; the logarithm is the exponent's part and
/// - ln y, both from tables and added as bits, less e + e^2/2 + e^3/3 + ... . Opens: nothing.
pub fn log(party: &mut Party, x: Number, precision: usize) -> Result<Column<u64>> {
    let scale = x.bits + FIRST;
    if scale >= NARROW || precision + 3 > WORKING {
        return Err(ProtocolError::Bounds { step: "logarithm" });
    }
    let planes = ring_to_planes(party, x.column, x.bits)?;
    let leading = leading(party, &planes, DEPTH)?;
    let index = decode(party, &leading.index)?;
    let (first, _) = reciprocals();
    let logs: Vec<u64> = first.iter().map(|y| working(-ln(*y as f64 / f64::from(1 << FIRST)))).collect();
    let exponent = |t: usize| x.bits as f64 - t as f64 - precision as f64;
    let exponents: Vec<u64> = (0..x.bits).map(|t| working(exponent(t) * LN_2)).collect();
    // Six bits before the point, and the sign.
    let width = WORKING + 7;
    let sum = {
        let (logs, exponents) =
            (constants(&index, &logs, width), constants(&leading.shifts, &exponents, width));
        add(party, &logs, &exponents, width)?
    };
    let sum = signed_to_ring(party, &sum)?;
    let first = constants(&index, &first, FIRST + 1);
    let r = shifted(party, &leading.shifts, None, &first, 0, scale)?;
    let r = planes_to_ring(party, &r)?;
    let near_one =
        scaled(party, x, Number { column: &r, bits: scale }, scale + 1, scale as isize - WORKING as isize)?;
    let e = near_one.negate().add_constant(party.id(), 1 << WORKING);
    let (square, cube) = powers(party, &e)?;
    const FINER: usize = 20;
    let sixth = ((1u64 << FINER) + 3) / 6;
    let powers = square.scale(3).add(&cube.scale(2)).scale(sixth);
    let all = sum.sub(&e).scale(1 << FINER).sub(&powers);
    rounded(party, &all, (FINER + WORKING - precision) as isize)
}

/// Row by row exponential, where all results stay below 2^bits (as ring elements). The error is at most 1.6
/// 2^-precision and 2^-30 of the result. Precision at most 30, the argument's bits at most 27 more.
///
/// exp(x) = 2^(i + f): the integer i becomes a secret distance, the upper 7 bits of f choose a number of a
/// table, and the rest g of f is below 2^-8 in size, so that 2^g is 1 and a few powers. What rounds to zero
/// is zero. Opens: nothing.
pub fn exp(party: &mut Party, x: Number, precision: usize, bits: usize) -> Result<Column<u64>> {
    if precision + 3 > WORKING || x.bits > precision + 27 || bits > NARROW || bits < precision {
        return Err(ProtocolError::Bounds { step: "exponential" });
    }
    let rows = x.column.rows();
    // i from -(precision + 2), whose results round to zero, becomes a distance from 0.
    let lowest = precision + 2;
    let z = in_twos(party, x, precision)?.add_constant(party.id(), (lowest as u64) << WORKING);
    let width = WORKING + x.bits.saturating_sub(precision).max(lowest.ilog2() as usize + 1) + 3;
    let planes = ring_to_planes(party, &z, width)?;
    let distances = distances(party, &planes.select(WORKING..width), bits + 2)?;
    let index = decode(party, &planes.select(WORKING - DEPTH..WORKING))?;
    let table = constants(&index, &powers_of_two(), WORKING + 1);
    let first = shifted(party, &distances, None, &table, lowest + WORKING - precision, bits)?;
    let rest = planes.select(0..WORKING - DEPTH);
    // Both become ring elements in the same rounds.
    let both = bits.max(rest.width());
    let both = Shared::<Planes>::append_rows(both, &[&first.resize(both), &rest.resize(both)]);
    let both: Column<u64> = planes_to_ring(party, &both)?;
    let (first, rest) = (both.slice_rows(0, rows), both.slice_rows(rows, rows));
    let middle = 1u64 << (WORKING - DEPTH - 1);
    let rest = rest.add_constant(party.id(), middle.wrapping_neg());
    let (square, cube) = powers(party, &rest)?;
    const FINER: usize = 26;
    let [one, two, three] = [LN_2, LN_2 * LN_2 / 2.0, LN_2 * LN_2 * LN_2 / 6.0]
        .map(|factor| (factor * f64::from(1 << FINER)).round() as u64);
    let more = rest.scale(one).add(&square.scale(two)).add(&cube.scale(three));
    let more = rounded(party, &more, FINER as isize)?;
    improved(party, Number { column: &first, bits }, &more, 0)
}

/// x log2(e), in working bits.
fn in_twos(party: &mut Party, x: Number, precision: usize) -> Result<Column<u64>> {
    const FINER: usize = 39;
    let factor = (LOG2_E * (1u64 << FINER) as f64).round() as u64;
    let shift = FINER + precision - WORKING;
    if x.bits + FINER < NARROW {
        return rounded(party, &x.column.scale(factor), shift as isize);
    }
    let wide: Column<u128> = shift_right(party, x.column, 0)?;
    let product = wide.scale(factor.into()).add_constant(party.id(), 1 << (shift - 1));
    shift_right(party, &product, shift)
}

/// One plane per distance below `count`: is the number this one?
fn distances(party: &mut Party, number: &Shared<Planes>, count: usize) -> Result<Shared<Planes>> {
    let bits = (count.ilog2() as usize + 1).min(number.width());
    let all = decode(party, &number.select(0..bits))?;
    let all = all.resize(count.min(all.width()));
    if number.width() == bits {
        return Ok(all);
    }
    let beyond = any_one(party, &number.select(bits..number.width()))?;
    and(party, &not(party, &beyond), &all)
}

/// 2^f in working bits, for the middle of each 128th of f from 0 to 1.
fn powers_of_two() -> Vec<u64> {
    // 2^(1/2), 2^(1/4), ... by square roots, multiplied by the bits of f.
    let mut roots = [2f64; DEPTH + 2];
    for k in 1..roots.len() {
        roots[k] = roots[k - 1].sqrt();
    }
    (0..1usize << DEPTH)
        .map(|i| {
            let twice = 2 * i + 1;
            let bits = (0..=DEPTH).filter(|j| twice >> j & 1 == 1);
            working(bits.map(|j| roots[DEPTH + 1 - j]).product())
        })
        .collect()
}

/// A real number in working bits, in two's complement.
fn working(x: f64) -> u64 {
    (x * (1u64 << WORKING) as f64).round() as i64 as u64
}

/// The natural logarithm of a number from 1/2 to 4, by its area function.
fn ln(x: f64) -> f64 {
    let t = (x - 1.0) / (x + 1.0);
    let (mut sum, mut power) = (0.0, t);
    for k in 0..60 {
        sum += power / f64::from(2 * k + 1);
        power *= t * t;
    }
    2.0 * sum
}

/// A column divided by 2^shift and rounded, or multiplied where the shift is negative.
fn rounded(party: &mut Party, column: &Column<u64>, shift: isize) -> Result<Column<u64>> {
    match shift {
        1.. => shift_right(party, &column.add_constant(party.id(), 1 << (shift - 1)), shift as usize),
        _ => Ok(column.scale(1 << -shift)),
    }
}

//! The leading bit of a value, tables of public numbers at secret places, and shifts by secret distances: how
//! functions of real numbers start.

use vdl_share::{Planes, Shared, Xor};

use crate::convert::FEW_ROWS;
use crate::logic::{and, not, planes};
use crate::party::{Party, add_in};
use crate::{ProtocolError, Result};

/// Where a value of w bits has its leading one, and what follows it.
pub(crate) struct Leading {
    /// Plane t is 1 where the value needs to be shifted up by t to fill its w bits; none is for zero.
    pub shifts: Shared<Planes>,
    /// Plane t is 1 where the value needs to be shifted by t or less.
    pub within: Shared<Planes>,
    /// The bits below the leading one, as many as asked for, as a number.
    pub index: Shared<Planes>,
}

/// Finds the leading one of an unsigned value and the `depth` bits below it.
///
/// Prefixes of ORs from the top; then each bit below the leading one is an inner product of bits, which costs
/// one bit for any width. Rounds: the prefixes' and 1. Bits per row and party: the prefixes' and the depth.
/// Opens: nothing.
pub(crate) fn leading(party: &mut Party, value: &Shared<Planes>, depth: usize) -> Result<Leading> {
    let width = value.width();
    let downwards = value.pick((0..width).rev());
    let within = prefix_or(party, &downwards)?;
    let rows = value.rows();
    let before = Shared::<Planes>::stack(rows, &[&Shared::<Planes>::zeros(rows, 1), &within]).resize(width);
    let shifts = within.xor(&before);
    let below = |bit: usize| (0..width.saturating_sub(depth - bit)).map(|t| (t, t + depth - bit)).collect();
    let sums: Vec<Vec<(usize, usize)>> = (0..depth).map(below).collect();
    let index = sums_of_ands(party, &shifts, &downwards, &sums)?;
    Ok(Leading { shifts, within, index })
}

/// Plane j becomes the OR of planes 0 to j.
///
/// Many rows: one after the other; rounds, and bits per row and party: width - 1. Few rows: Sklansky's
/// prefixes; rounds: log2 of the width, rounded up; bits: about half the width times that. Opens: nothing.
fn prefix_or(party: &mut Party, bits: &Shared<Planes>) -> Result<Shared<Planes>> {
    let mut out = bits.clone();
    let width = bits.width();
    if bits.rows() > party.few_rows(FEW_ROWS) {
        for j in 1..width {
            let (before, bit) = (out.plane(j - 1), out.plane(j));
            let either = and(party, &before, &bit)?.xor(&before);
            xor_in(&mut out, &[j], &either);
        }
        return Ok(out);
    }
    let mut block = 1;
    while block < width {
        let joined: Vec<usize> = (0..width).filter(|j| j & block != 0).collect();
        let below: Vec<usize> = joined.iter().map(|j| (j & !(block - 1)) - 1).collect();
        let right = out.pick(below.iter().copied());
        let both = and(party, &out.pick(joined.iter().copied()), &right)?.xor(&right);
        xor_in(&mut out, &joined, &both);
        block *= 2;
    }
    Ok(out)
}

/// Adds the planes of `more` to the named ones.
fn xor_in(out: &mut Shared<Planes>, to: &[usize], more: &Shared<Planes>) {
    for (k, j) in to.iter().enumerate() {
        for (out, more) in [(&mut out.own, &more.own), (&mut out.next, &more.next)] {
            add_in(out.plane_mut(*j), more.plane(k), |x, y| x ^ y);
        }
    }
}

/// Each result plane is the XOR of the ANDs of the named pairs of planes of `a` and `b`.
///
/// Araki et al., CCS 2016: the terms are added before they are sent. Rounds: 1. Bits per row and party: one
/// per result plane, for any number of pairs. Opens: nothing.
pub(crate) fn sums_of_ands(
    party: &mut Party,
    a: &Shared<Planes>,
    b: &Shared<Planes>,
    sums: &[Vec<(usize, usize)>],
) -> Result<Shared<Planes>> {
    let (rows, stride) = (a.rows(), Planes::stride(a.rows()));
    let fits = |(k, l): &(usize, usize)| *k < a.width() && *l < b.width();
    if b.rows() != rows || !sums.iter().flatten().all(fits) {
        return Err(ProtocolError::Shape { step: "sums of ands" });
    }
    let mut summand = vec![Xor(0); sums.len() * stride];
    // A few words of all planes at a time, so that they stay in the nearest cache.
    for start in (0..stride).step_by(128) {
        let range = start..stride.min(start + 128);
        for (j, pairs) in sums.iter().enumerate() {
            let out = &mut summand[j * stride..][range.clone()];
            for (k, l) in pairs {
                let left = a.own.plane(*k)[range.clone()].iter().zip(&a.next.plane(*k)[range.clone()]);
                let right = b.own.plane(*l)[range.clone()].iter().zip(&b.next.plane(*l)[range.clone()]);
                for (sum, ((x0, x1), (y0, y1))) in out.iter_mut().zip(left.zip(right)) {
                    sum.0 ^= (x0 & (y0 ^ y1)) ^ (x1 & y0);
                }
            }
        }
    }
    planes(rows, sums.len(), party.reshare("sums of ands", summand)?)
}

/// One plane per value of the index: is it this one?
///
/// Each half of the bits, then every pair of the two, less what the others tell. Rounds: log2 of the width w,
/// rounded up. Bits per row and party: 2^w - w - 1. Opens: nothing.
pub(crate) fn decode(party: &mut Party, index: &Shared<Planes>) -> Result<Shared<Planes>> {
    let rows = index.rows();
    match index.width() {
        0 => return Ok(Shared::<Planes>::public(party.id(), &Planes::ones(rows, 1))),
        1 => return Ok(Shared::<Planes>::stack(rows, &[&not(party, index), index])),
        _ => {}
    }
    let mut factors: Vec<Shared<Planes>> = Vec::new();
    for j in 0..index.width() {
        let bit = index.plane(j);
        factors.push(Shared::<Planes>::stack(rows, &[&not(party, &bit), &bit]));
    }
    while factors.len() > 1 {
        factors = join_pairs(party, rows, factors)?;
    }
    factors.pop().ok_or(ProtocolError::Shape { step: "decode" })
}

/// One level of `decode`: neighbours are multiplied, all in one round.
fn join_pairs(party: &mut Party, rows: usize, factors: Vec<Shared<Planes>>) -> Result<Vec<Shared<Planes>>> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for pair in factors.chunks_exact(2) {
        for high in 0..pair[1].width() - 1 {
            left.push(pair[0].select(0..pair[0].width() - 1));
            right.push(pair[1].pick(std::iter::repeat_n(high, pair[0].width() - 1)));
        }
    }
    let left = Shared::<Planes>::stack(rows, &left.iter().collect::<Vec<_>>());
    let right = Shared::<Planes>::stack(rows, &right.iter().collect::<Vec<_>>());
    let products = and(party, &left, &right)?;
    let mut joined = Vec::new();
    let mut at = 0;
    for pair in factors.chunks(2) {
        let [low, high] = pair else {
            joined.extend(pair.iter().cloned());
            continue;
        };
        joined.push(Shared {
            own: all_products(&low.own, &high.own, &products.own, at),
            next: all_products(&low.next, &high.next, &products.next, at),
        });
        at += (low.width() - 1) * (high.width() - 1);
    }
    Ok(joined)
}

/// All products of two decoded numbers, from those without the last of either (from plane `at` on): each row
/// and column of products adds up to the one it belongs to.
fn all_products(low: &Planes, high: &Planes, products: &Planes, at: usize) -> Planes {
    let (lows, highs) = (low.width() - 1, high.width() - 1);
    let mut out = Planes::zeros(low.rows(), (lows + 1) * (highs + 1));
    let xor = |to: &mut [u64], from: &[u64]| add_in(to, from, |x, y| x ^ y);
    let place = |i: usize, j: usize| j * (lows + 1) + i;
    for j in 0..highs {
        xor(out.plane_mut(place(lows, j)), high.plane(j));
        for i in 0..lows {
            let product = products.plane(at + j * lows + i);
            out.plane_mut(place(i, j)).copy_from_slice(product);
            xor(out.plane_mut(place(lows, j)), product);
            xor(out.plane_mut(place(i, highs)), product);
        }
    }
    xor(out.plane_mut(place(lows, highs)), high.plane(highs));
    for i in 0..lows {
        xor(out.plane_mut(place(i, highs)), low.plane(i));
        let part = out.plane(place(i, highs)).to_vec();
        xor(out.plane_mut(place(lows, highs)), &part);
    }
    out
}

/// The public number that belongs to the one plane that is 1, or zero where none is. Costs nothing.
pub(crate) fn constants(one_hot: &Shared<Planes>, table: &[u64], width: usize) -> Shared<Planes> {
    one_hot.map(|one_hot| {
        let mut out = Planes::zeros(one_hot.rows(), width);
        for j in 0..width.min(64) {
            for (i, number) in table.iter().enumerate().take(one_hot.width()) {
                if number >> j & 1 == 1 {
                    add_in(out.plane_mut(j), one_hot.plane(i), |x, y| x ^ y);
                }
            }
        }
        out
    })
}

/// The value shifted up by the secret distance, `width` planes from plane `first` of the result on.
///
/// With `within`, the value's uppermost plane is its sign and is repeated upwards. Rounds: 1. Bits per row
/// and party: the result's width. Opens: nothing.
pub(crate) fn shifted(
    party: &mut Party,
    shifts: &Shared<Planes>,
    within: Option<&Shared<Planes>>,
    value: &Shared<Planes>,
    first: usize,
    width: usize,
) -> Result<Shared<Planes>> {
    let (rows, distances, top) = (shifts.rows(), shifts.width(), value.width());
    let sums: Vec<Vec<(usize, usize)>> = (first..first + width)
        .map(|j| {
            let signs =
                (within.is_some() && j >= top).then(|| (distances + (j - top).min(distances - 1), top - 1));
            let bits = (0..distances).filter(|t| *t <= j && j - t < top).map(|t| (t, j - t));
            bits.chain(signs).collect()
        })
        .collect();
    let all = match within {
        Some(within) => Shared::<Planes>::stack(rows, &[shifts, within]),
        None => shifts.clone(),
    };
    sums_of_ands(party, &all, value, &sums)
}

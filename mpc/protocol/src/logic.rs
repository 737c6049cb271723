//! Boolean circuits on bit planes.

use std::borrow::Cow;
use std::ops::Range;

use vdl_share::{Planes, Shared, Xor, vectorised};

use crate::party::Party;
use crate::{ProtocolError, Result};

/// Row by row, plane by plane AND. A single plane is taken against every plane of the other operand.
///
/// Araki et al., CCS 2016. Rounds: 1. Bits per row and party: the width. Opens: nothing.
pub fn and(party: &mut Party, a: &Shared<Planes>, b: &Shared<Planes>) -> Result<Shared<Planes>> {
    let rows = a.rows();
    let width = a.width().max(b.width()).min(a.width() * b.width());
    let fits = |x: &Shared<Planes>| x.rows() == rows && (x.width() == width || x.width() == 1);
    if !fits(a) || !fits(b) {
        return Err(ProtocolError::Shape { step: "and" });
    }
    let stride = Planes::stride(rows);
    // A single plane is read again for every plane of the other.
    let run = if a.width() == b.width() { width * stride } else { stride };
    let made = party.reshare_made("and", width * stride, |range, out: &mut [Xor]| {
        let first = range.start;
        for (plane, within) in runs(range, run) {
            let at = plane * run + within.start;
            let words = |x: &Planes| {
                let from = if x.width() == width { at } else { within.start };
                from..from + within.len()
            };
            let (k, l) = (words(&a.own), words(&b.own));
            let (x0, x1) = (&a.own.words()[k.clone()], &a.next.words()[k]);
            let (y0, y1) = (&b.own.words()[l.clone()], &b.next.words()[l]);
            products(&mut out[at - first..][..within.len()], (x0, x1), (y0, y1));
        }
    })?;
    planes(rows, width, made)
}

/// The part of a range of words that lies in each plane it reaches: the plane, and the words within it.
pub(crate) fn runs(range: Range<usize>, stride: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let planes = range.start / stride.max(1)..range.end.div_ceil(stride.max(1));
    planes.map(move |plane| {
        let start = plane * stride;
        (plane, range.start.max(start) - start..range.end.min(start + stride) - start)
    })
}

/// This party's summands of the products.
pub(crate) fn products(out: &mut [Xor], (x0, x1): (&[u64], &[u64]), (y0, y1): (&[u64], &[u64])) {
    vectorised(
        #[inline(always)]
        move || {
            let (left, right) = (x0.iter().zip(x1), y0.iter().zip(y1));
            for (to, ((x0, x1), (y0, y1))) in out.iter_mut().zip(left.zip(right)) {
                *to = Xor((x0 & (y0 ^ y1)) ^ (x1 & y0));
            }
        },
    );
}

/// Shares of words as planes of `rows` rows.
pub(crate) fn planes(rows: usize, width: usize, words: Shared<Vec<Xor>>) -> Result<Shared<Planes>> {
    let take = |words: Vec<Xor>| {
        Planes::from_raw(rows, width, bytemuck::allocation::cast_vec(words))
            .ok_or(ProtocolError::Shape { step: "planes" })
    };
    Ok(Shared { own: take(words.own)?, next: take(words.next)? })
}

pub fn not(party: &Party, a: &Shared<Planes>) -> Shared<Planes> {
    a.not(party.id())
}

/// Row by row OR. Costs one `and`.
pub fn or(party: &mut Party, a: &Shared<Planes>, b: &Shared<Planes>) -> Result<Shared<Planes>> {
    let (not_a, not_b) = (not(party, a), not(party, b));
    let neither = and(party, &not_a, &not_b)?;
    Ok(not(party, &neither))
}

/// Row by row `if_true` where the one plane `choice` is 1, else `if_false`. Costs one `and` of their width.
pub fn mux(
    party: &mut Party,
    choice: &Shared<Planes>,
    if_true: &Shared<Planes>,
    if_false: &Shared<Planes>,
) -> Result<Shared<Planes>> {
    if if_true.width() != if_false.width() || if_true.rows() != if_false.rows() || choice.width() != 1 {
        return Err(ProtocolError::Shape { step: "mux" });
    }
    let differs = if_true.xor(if_false);
    Ok(and(party, choice, &differs)?.xor(if_false))
}

/// One plane: is every plane of the row 1? True for no planes.
///
/// A tree of ANDs. Rounds: log2 of the width, rounded up. Bits per row and party: width - 1. Opens: nothing.
pub fn all_ones(party: &mut Party, a: &Shared<Planes>) -> Result<Shared<Planes>> {
    if a.width() == 0 {
        return Ok(Shared::<Planes>::public(party.id(), &Planes::ones(a.rows(), 1)));
    }
    let mut left = Cow::Borrowed(a);
    while left.width() > 1 {
        left = Cow::Owned(halved(party, &left)?);
    }
    Ok(left.into_owned())
}

/// The lower half of the planes ANDed with the upper half; an odd plane is kept.
fn halved(party: &mut Party, a: &Shared<Planes>) -> Result<Shared<Planes>> {
    let (rows, width, stride) = (a.rows(), a.width(), Planes::stride(a.rows()));
    let half = width / 2;
    let (own, next) = (a.own.words(), a.next.words());
    let mut made = party.reshare_made("and", half * stride, |range, out: &mut [Xor]| {
        let upper = range.start + half * stride..range.end + half * stride;
        let (left, right) = ((&own[range.clone()], &next[range]), (&own[upper.clone()], &next[upper]));
        products(out, left, right);
    })?;
    made.own.extend(own[2 * half * stride..].iter().map(|word| Xor(*word)));
    made.next.extend(next[2 * half * stride..].iter().map(|word| Xor(*word)));
    planes(rows, half + width % 2, made)
}

/// One plane: is some plane of the row 1? False for no planes. Costs like `all_ones`.
pub fn any_one(party: &mut Party, a: &Shared<Planes>) -> Result<Shared<Planes>> {
    let none = all_ones(party, &not(party, a))?;
    Ok(not(party, &none))
}

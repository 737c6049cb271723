//! Equality and order of unsigned values held as bit planes.

use std::borrow::Cow;

use vdl_share::{Group, Planes, Shared, Xor, vectorised};

use crate::logic::{all_ones, and, not, planes, products};
use crate::party::{Party, add_in};
use crate::{ProtocolError, Result};

/// Up to this many rows a round costs more than the bits it saves.
const FEW_ROWS: usize = 1 << 17;

/// One plane: is `a` equal to `b`? The narrower one counts as padded with zeros.
///
/// Rounds: log2 of the width, rounded up. Bits per row and party: width - 1. Opens: nothing.
pub fn equal(party: &mut Party, a: &Shared<Planes>, b: &Shared<Planes>) -> Result<Shared<Planes>> {
    let [a, b] = same_width(a, b)?;
    let mut same = a.xor(&b);
    same.not_in(party.id());
    all_ones(party, &same)
}

/// One plane: is `a` equal to the public number `constant`, given in words, least significant first?
/// Costs like `equal`.
pub fn equal_public(party: &mut Party, a: &Shared<Planes>, constant: &[u64]) -> Result<Shared<Planes>> {
    if beyond(constant, a.width()) {
        return Ok(Shared::<Planes>::zeros(a.rows(), 1));
    }
    let same = a.xor_public(party.id(), &flip_zeros(a.rows(), a.width(), constant));
    all_ones(party, &same)
}

/// One plane: is `a` less than `b`? The narrower one counts as padded with zeros.
///
/// Pairs of positions are merged upwards: the upper one decides unless equal. Rounds: 1 + log2 of the width,
/// rounded up. Bits per row and party: about 3 times the width (184 for 64). Opens: nothing.
pub fn less_than(party: &mut Party, a: &Shared<Planes>, b: &Shared<Planes>) -> Result<Shared<Planes>> {
    let [a, b] = same_width(a, b)?;
    if a.rows() > party.few_rows(FEW_ROWS) {
        return ripple(party, &a, &b);
    }
    let differs = a.xor(&b);
    let less = and(party, &differs, &b)?;
    let same = not(party, &differs);
    merge(party, less, same)
}

/// From the lowest position up, the uppermost difference decides: there `b` says whether it is the greater.
fn ripple(party: &mut Party, a: &Shared<Planes>, b: &Shared<Planes>) -> Result<Shared<Planes>> {
    let (rows, stride) = (a.rows(), Planes::stride(a.rows()));
    let mut less = Shared::new(vec![Xor(0); stride], vec![Xor(0); stride]);
    for j in 0..a.width() {
        let (a, b) = ((a.own.plane(j), a.next.plane(j)), (b.own.plane(j), b.next.plane(j)));
        less = party.reshare_made("less than", stride, |range, out: &mut [Xor]| {
            let so_far = (&less.own[range.clone()], &less.next[range.clone()]);
            let [a, b] = [a, b].map(|(own, next)| (&own[range.clone()], &next[range.clone()]));
            deciding(out, so_far, a, b);
        })?;
    }
    planes(rows, 1, less)
}

/// One plane: is `a` less than the public number `constant`, given in words, least significant first?
///
/// Many rows: a ripple from below; rounds, and bits per row and party: width - 1, less the zeros below the
/// constant's lowest one. Few rows: as `less_than` without its first round; bits: about twice the width (120
/// for 64). Opens: nothing.
pub fn less_than_public(party: &mut Party, a: &Shared<Planes>, constant: &[u64]) -> Result<Shared<Planes>> {
    if beyond(constant, a.width()) {
        return Ok(Shared::<Planes>::public(party.id(), &Planes::ones(a.rows(), 1)));
    }
    if a.rows() > party.few_rows(FEW_ROWS) {
        let mut at_least = ripple_public(party, a, constant, true)?;
        at_least.not_in(party.id());
        return Ok(at_least);
    }
    let mut less = not(party, a);
    keep_planes(&mut less, |j| bit(constant, j));
    let same = a.xor_public(party.id(), &flip_zeros(a.rows(), a.width(), constant));
    merge(party, less, same)
}

/// One plane: is `a` greater than the public number `constant`? Costs like `less_than_public` of the next
/// number.
pub fn greater_public(party: &mut Party, a: &Shared<Planes>, constant: &[u64]) -> Result<Shared<Planes>> {
    if beyond(constant, a.width()) {
        return Ok(Shared::<Planes>::zeros(a.rows(), 1));
    }
    if a.rows() > party.few_rows(FEW_ROWS) {
        return ripple_public(party, a, constant, false);
    }
    let mut greater = a.clone();
    keep_planes(&mut greater, |j| !bit(constant, j));
    let same = a.xor_public(party.id(), &flip_zeros(a.rows(), a.width(), constant));
    merge(party, greater, same)
}

/// Is `a` greater than the constant, or at least as great where `equal` says that equals are?
///
/// From the lowest position up: where the constant has a one, `a` must have it too and be great below; where
/// it has a zero, either will do. As long as nothing is known but `equal` itself, that costs nothing.
fn ripple_public(
    party: &mut Party,
    a: &Shared<Planes>,
    constant: &[u64],
    equal: bool,
) -> Result<Shared<Planes>> {
    let (rows, stride) = (a.rows(), Planes::stride(a.rows()));
    let Some(first) = (0..a.width()).find(|j| bit(constant, *j) == equal) else {
        return Ok(Shared::<Planes>::public(party.id(), &Planes::constant(rows, 1, equal.into())));
    };
    let mut great = a.plane(first);
    for j in first + 1..a.width() {
        let (x, y) = (a.own.plane(j), a.next.plane(j));
        let made = party.reshare_made("compare public", stride, |range, out: &mut [Xor]| {
            let so_far = (&great.own.words()[range.clone()], &great.next.words()[range.clone()]);
            let bits = (&x[range.clone()], &y[range]);
            products(out, so_far, bits);
            if !bit(constant, j) {
                // One or the other: their product and both of them, of which everybody adds its component.
                add_in(out, bytemuck::cast_slice(so_far.0), Xor::plus);
                add_in(out, bytemuck::cast_slice(bits.0), Xor::plus);
            }
        })?;
        great = planes(rows, 1, made)?;
    }
    Ok(great)
}

/// This party's summands of: `b` where the position differs, else what was found so far.
fn deciding(
    out: &mut [Xor],
    (l, m): (&[Xor], &[Xor]),
    (a0, a1): (&[u64], &[u64]),
    (b0, b1): (&[u64], &[u64]),
) {
    vectorised(
        #[inline(always)]
        move || {
            let (a, b) = (a0.iter().zip(a1), b0.iter().zip(b1));
            for (to, ((l, m), ((a0, a1), (b0, b1)))) in out.iter_mut().zip(l.iter().zip(m).zip(a.zip(b))) {
                let (own, next) = (l.0 ^ b0, m.0 ^ b1);
                *to = Xor(l.0 ^ ((a0 ^ b0) & (own ^ next)) ^ ((a1 ^ b1) & own));
            }
        },
    );
}

/// `decided` and `same` say for each position which way it decides, or that it does not. The result is the
/// decision of the uppermost position that decides. The lowest position's `same` is never needed.
pub(crate) fn merge(
    party: &mut Party,
    mut decided: Shared<Planes>,
    mut same: Shared<Planes>,
) -> Result<Shared<Planes>> {
    let rows = decided.rows();
    if decided.width() == 0 {
        return Ok(Shared::<Planes>::zeros(rows, 1));
    }
    while decided.width() > 1 {
        let width = decided.width();
        let pairs = width / 2;
        let (low, high) = ((0..pairs).map(|k| 2 * k), (0..pairs).map(|k| 2 * k + 1));
        let high_same = same.pick(high.clone());
        // Below: does the lower one's decision stand? Above: are both the same? (not for the lowest pair)
        let left = Shared::<Planes>::stack(rows, &[&high_same, &high_same.select(1..pairs)]);
        let right = Shared::<Planes>::stack(rows, &[&decided.pick(low.clone()), &same.pick(low.skip(1))]);
        let both = and(party, &left, &right)?;
        let merged = decided.pick(high).xor(&both.select(0..pairs));
        let top = width - width % 2..width;
        let lowest = Shared::<Planes>::zeros(rows, 1);
        same = Shared::<Planes>::stack(
            rows,
            &[&lowest, &both.select(pairs..2 * pairs - 1), &same.select(top.clone())],
        );
        decided = Shared::<Planes>::stack(rows, &[&merged, &decided.select(top)]);
    }
    Ok(decided)
}

fn same_width<'a>(a: &'a Shared<Planes>, b: &'a Shared<Planes>) -> Result<[Cow<'a, Shared<Planes>>; 2]> {
    if a.rows() != b.rows() {
        return Err(ProtocolError::Shape { step: "compare" });
    }
    let width = a.width().max(b.width());
    Ok([a, b].map(|x| if x.width() == width { Cow::Borrowed(x) } else { Cow::Owned(x.resize(width)) }))
}

fn bit(constant: &[u64], j: usize) -> bool {
    constant.get(j / 64).is_some_and(|word| word >> (j % 64) & 1 == 1)
}

/// Does the constant need more than `width` bits?
fn beyond(constant: &[u64], width: usize) -> bool {
    (width..constant.len() * 64).any(|j| bit(constant, j))
}

/// Ones in the planes where the constant has a zero.
fn flip_zeros(rows: usize, width: usize, constant: &[u64]) -> Planes {
    let mut out = Planes::zeros(rows, width);
    for j in (0..width).filter(|j| !bit(constant, *j)) {
        out.plane_mut(j).fill(!0);
    }
    out
}

fn keep_planes(a: &mut Shared<Planes>, keep: impl Fn(usize) -> bool) {
    let width = a.width();
    a.each(|planes| (0..width).filter(|j| !keep(*j)).for_each(|j| planes.plane_mut(j).fill(0)));
}

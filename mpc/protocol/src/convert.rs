//! Between bit planes and rings, and the binary adders both ways need.

use vdl_share::{Planes, Ring, Rows, Shared, Xor};
use vdl_transport::Peer;

use crate::compare::merge;
use crate::logic::{and, planes};
use crate::open::masked_words;
use crate::party::{Party, add_in};
use crate::{ProtocolError, Result};

/// Up to this many rows a round costs more than the bits it saves.
pub(crate) const FEW_ROWS: usize = 1 << 15;

/// Every plane as a ring column of zeros and ones.
///
/// Party 0 knows the bit but for component 2, which parties 1 and 2 know: party 0 shares its part, the other
/// two complement their components of it where component 2 is 1, and reshare. Rounds: 2. Bits per row, plane
/// and party: the ring's. Opens: nothing.
pub fn bits_to_ring<R: Ring>(party: &mut Party, bits: &Shared<Planes>) -> Result<Vec<Shared<Vec<R>>>> {
    let (rows, width) = (bits.rows(), bits.width());
    let spread = |planes: &Planes| {
        let mut out = Vec::with_capacity(rows * width);
        for j in 0..width {
            let words = planes.plane(j);
            out.extend((0..rows).map(|r| if words[r / 64] >> (r % 64) & 1 == 1 { R::ONE } else { R::ZERO }));
        }
        out
    };
    let known = (party.id() == 0).then(|| spread(&bits.own.xor(&bits.next)));
    let part: Shared<Vec<R>> = party.input("bits to ring", 0, rows * width, known)?;
    // x xor c = x (1 - 2c) + c: the summand with the constant is party 2's.
    let summand = match party.id() {
        0 => None,
        1 => Some(complement(part.own, &spread(&bits.next), R::ZERO)),
        _ => Some(complement(part.next, &spread(&bits.own), R::ONE)),
    };
    let mut all = party.reshare_two("bits to ring", rows * width, summand)?;
    if width == 1 {
        return Ok(vec![all]);
    }
    let mut columns = Vec::with_capacity(width);
    for j in (0..width).rev() {
        let at = j * rows;
        columns.push(Shared { own: all.own.split_off(at), next: all.next.split_off(at) });
    }
    columns.reverse();
    Ok(columns)
}

fn complement<R: Ring>(mut part: Vec<R>, choice: &[R], one: R) -> Vec<R> {
    for (x, c) in part.iter_mut().zip(choice) {
        *x = if *c == R::ZERO { *x } else { one.sub(*x) };
    }
    part
}

/// The unsigned value of the planes, modulo the ring's size.
///
/// Components 0 and 1 of the result are fresh randomness whose negated sum party 0 shares in binary; the
/// planes plus that sum are component 2, revealed to parties 1 and 2 only (after ABY3, CCS 2018). Rounds: 2
/// and an addition of the ring's bits k. Bits per row and party: k and the addition's k - 1 (ripple); one or
/// two planes go as `bits_to_ring`. Opens: nothing.
pub fn planes_to_ring<R: Ring>(party: &mut Party, bits: &Shared<Planes>) -> Result<Shared<Vec<R>>> {
    let rows = bits.rows();
    if bits.width() <= 2 {
        let columns = bits_to_ring::<R>(party, bits)?;
        let mut sum = Shared::<Vec<R>>::zeros(rows);
        for (j, column) in columns.iter().enumerate() {
            sum = sum.add(&column.scale(R::of_wide(1 << j)));
        }
        return Ok(sum);
    }
    let step = party.begin("planes to ring");
    let (zero, one) = match party.id() {
        0 => (Some(Peer::Previous), Some(Peer::Next)),
        1 => (None, Some(Peer::Previous)),
        _ => (Some(Peer::Next), None),
    };
    let mut component = |peer: Option<Peer>| -> Option<Vec<R>> {
        peer.map(|peer| party.stream(step, peer, "component").words(rows))
    };
    let (zero, one) = (component(zero), component(one));
    let negated = zero.as_ref().zip(one.as_ref()).map(|(zero, one)| {
        let sums: Vec<R> = zero.iter().zip(one).map(|(a, b)| R::ZERO.sub(a.add(*b))).collect();
        words(planes_of(&sums, R::BITS))
    });
    let mask = party.input("planes to ring", 0, R::BITS * Planes::stride(rows), negated)?;
    let bits = bits.resize(bits.width().min(R::BITS));
    let hidden = add(party, &bits, &planes(rows, R::BITS, mask)?, R::BITS)?;
    let two = match party.open_to_two("planes to ring", &masked_words(&hidden))? {
        Some(hidden) => Planes::from_raw(rows, R::BITS, bytemuck::allocation::cast_vec(hidden))
            .map(|planes| values_of(&planes))
            .ok_or(ProtocolError::Shape { step: "planes to ring" })?,
        None => Vec::new(),
    };
    match (zero, one) {
        (Some(own), Some(next)) => Ok(Shared { own, next }),
        (None, Some(own)) => Ok(Shared { own, next: two }),
        (Some(next), None) => Ok(Shared { own: two, next }),
        (None, None) => Err(ProtocolError::Shape { step: "planes to ring" }),
    }
}

/// The value modulo 2^width as planes.
///
/// Party 0 knows the sum of components 0 and 1 and shares it in binary; component 2 is known to the two
/// others and so is a sharing already (after ABY3, CCS 2018). Rounds: 1 and an addition. Bits per row and
/// party: a third of the width, and the addition's width (ripple). Opens: nothing.
pub fn ring_to_planes<R: Ring>(
    party: &mut Party,
    column: &Shared<Vec<R>>,
    width: usize,
) -> Result<Shared<Planes>> {
    let known = known_sum(party, column);
    let [first, second] = share_known(party, "ring to planes", &known, width)?;
    add(party, &first, &second, width)
}

/// The sum of components 0 and 1 at party 0, component 2 at the others: together the value.
pub(crate) fn known_sum<R: Ring>(party: &Party, column: &Shared<Vec<R>>) -> Vec<R> {
    match party.id() {
        0 => column.own.iter().zip(&column.next).map(|(a, b)| a.add(*b)).collect(),
        1 => column.next.clone(),
        _ => column.own.clone(),
    }
}

/// Sharings in binary of what party 0 knows and of what the two others know. Rounds: 1. Bits per row: the
/// width, at party 0 only.
pub(crate) fn share_known<R: Ring>(
    party: &mut Party,
    name: &'static str,
    known: &[R],
    width: usize,
) -> Result<[Shared<Planes>; 2]> {
    let rows = known.len();
    let mut known = Some(planes_of(known, width));
    let first = if party.id() == 0 { known.take().map(words) } else { None };
    let first = party.input(name, 0, width * Planes::stride(rows), first)?;
    let mut second = Shared::<Planes>::zeros(rows, width);
    match known {
        Some(component) if party.id() == 1 => second.next = component,
        Some(component) => second.own = component,
        None => {}
    }
    Ok([planes(rows, width, first)?, second])
}

/// The lowest `width` bits of the values, for rings of whole words.
fn planes_of<R: Ring>(values: &[R], width: usize) -> Planes {
    match bytemuck::try_cast_slice(values) {
        Ok(words) if R::BITS == 64 => Planes::from_values(words, width),
        _ => {
            let words: Vec<u64> =
                values.iter().flat_map(|x| [x.wide() as u64, (x.wide() >> 64) as u64]).collect();
            let rows = Rows::from_raw(values.len(), 2, words).unwrap_or_else(|| Rows::zeros(0, 2));
            rows.to_planes(width)
        }
    }
}

fn values_of<R: Ring>(planes: &Planes) -> Vec<R> {
    let low = planes.select(0..planes.width().min(64)).to_values();
    if R::BITS <= 64 {
        return low.into_iter().map(|x| R::of_wide(x.into())).collect();
    }
    let high = planes.select(64..planes.width()).to_values();
    low.into_iter()
        .zip(high)
        .map(|(low, high)| R::of_wide(u128::from(high) << 64 | u128::from(low)))
        .collect()
}

fn words(planes: Planes) -> Vec<Xor> {
    bytemuck::allocation::cast_vec(planes.into_words())
}

/// The sum modulo 2^out_width of two unsigned values.
///
/// Many rows: a ripple of full adders with one AND each; rounds, and bits per row and party:
/// out_width - 1. Few rows: Sklansky's parallel prefixes; rounds: 1 + log2 of out_width, rounded up;
/// bits: about out_width times that. Opens: nothing.
pub fn add(
    party: &mut Party,
    a: &Shared<Planes>,
    b: &Shared<Planes>,
    out_width: usize,
) -> Result<Shared<Planes>> {
    if a.rows() != b.rows() {
        return Err(ProtocolError::Shape { step: "add" });
    }
    let (a, b) = (a.resize(out_width), b.resize(out_width));
    if out_width < 2 {
        return Ok(a.xor(&b));
    }
    if a.rows() > party.few_rows(FEW_ROWS) {
        return ripple(party, &a, &b);
    }
    let lower = 0..out_width - 1;
    let generate = and(party, &a.select(lower.clone()), &b.select(lower.clone()))?;
    let propagate = a.xor(&b);
    let carries = prefixes(party, generate, propagate.select(lower))?;
    Ok(propagate.xor(&carried(&carries)))
}

/// The sum modulo 2^out_width of an unsigned value and a public number below 2^128.
///
/// As `add`, without the first round where rows are few, and without the planes below the number's lowest
/// one.
pub fn add_public(
    party: &mut Party,
    a: &Shared<Planes>,
    constant: u128,
    out_width: usize,
) -> Result<Shared<Planes>> {
    let skipped = (constant.trailing_zeros() as usize).min(out_width);
    if constant == 0 || skipped == out_width {
        return Ok(a.resize(out_width));
    }
    let all = a.resize(out_width);
    let (rows, width) = (a.rows(), out_width - skipped);
    let (lowest, a) = (all.select(0..skipped), all.select(skipped..out_width));
    let other = {
        let (word, low) = (constant >> skipped, width.min(64));
        let low = Planes::constant(rows, low, word as u64);
        let high = Planes::constant(rows, width - low.width(), (word >> 64) as u64);
        Planes::stack(rows, &[&low, &high])
    };
    let sum = if width < 2 {
        a.xor_public(party.id(), &other)
    } else if rows > party.few_rows(FEW_ROWS) {
        ripple(party, &a, &Shared::<Planes>::public(party.id(), &other))?
    } else {
        let mut generate = a.select(0..width - 1);
        generate.each(|planes| {
            let zeros =
                (0..width - 1).filter(|j| constant.checked_shr((j + skipped) as u32).unwrap_or(0) & 1 == 0);
            zeros.for_each(|j| planes.plane_mut(j).fill(0));
        });
        let propagate = a.xor_public(party.id(), &other);
        let carries = prefixes(party, generate, propagate.select(0..width - 1))?;
        propagate.xor(&carried(&carries))
    };
    Ok(Shared::<Planes>::stack(rows, &[&lowest, &sum]))
}

/// One plane: the carry out of the uppermost position.
///
/// Many rows: a ripple; rounds, and bits per row and party: the width. Few rows: pairs of positions are
/// merged upwards; rounds: 1 + log2 of the width, rounded up; bits: about 3 times the width. Opens: nothing.
pub(crate) fn carry_out(party: &mut Party, a: &Shared<Planes>, b: &Shared<Planes>) -> Result<Shared<Planes>> {
    if a.rows() <= party.few_rows(FEW_ROWS) {
        let generate = and(party, a, b)?;
        return merge(party, generate, a.xor(b));
    }
    let mut carry = Shared::<Planes>::zeros(a.rows(), 1);
    for j in 0..a.width() {
        let (a, b) = (a.plane(j), b.plane(j));
        carry = and(party, &a.xor(&carry), &b.xor(&carry))?.xor(&carry);
    }
    Ok(carry)
}

/// Carries out of each position as carries into the next.
fn carried(carries: &Shared<Planes>) -> Shared<Planes> {
    let rows = carries.rows();
    Shared::<Planes>::stack(rows, &[&Shared::<Planes>::zeros(rows, 1), carries])
}

fn ripple(party: &mut Party, a: &Shared<Planes>, b: &Shared<Planes>) -> Result<Shared<Planes>> {
    let mut carry = Shared::<Planes>::zeros(a.rows(), 1);
    let mut sum = a.xor(b);
    for j in 0..a.width() {
        let (a, b) = (a.plane(j), b.plane(j));
        for (sum, carry) in [(&mut sum.own, &carry.own), (&mut sum.next, &carry.next)] {
            add_in(sum.plane_mut(j), carry.words(), |x, y| x ^ y);
        }
        if j + 1 < sum.width() {
            carry = and(party, &a.xor(&carry), &b.xor(&carry))?.xor(&carry);
        }
    }
    Ok(sum)
}

/// The carry out of each position, from generate and propagate bits (Sklansky, 1960).
///
/// In round `d` each position whose bit `d` is set joins the block that ends just below its own block.
fn prefixes(
    party: &mut Party,
    mut generate: Shared<Planes>,
    mut propagate: Shared<Planes>,
) -> Result<Shared<Planes>> {
    let (rows, width) = (generate.rows(), generate.width());
    let mut block = 1;
    while block < width {
        let joined: Vec<usize> = (0..width).filter(|j| j & block != 0).collect();
        let below = |j: &usize| (j & !(block - 1)) - 1;
        // A block that reaches down to position 0 is final: nothing can propagate into it.
        let open: Vec<usize> = joined.iter().copied().filter(|j| j & !(2 * block - 1) != 0).collect();
        let left = propagate.pick(joined.iter().chain(&open).copied());
        let right = [generate.pick(joined.iter().map(below)), propagate.pick(open.iter().map(below))];
        let both = and(party, &left, &Shared::<Planes>::stack(rows, &[&right[0], &right[1]]))?;
        for (k, j) in joined.iter().enumerate() {
            for (to, from) in [(&mut generate.own, &both.own), (&mut generate.next, &both.next)] {
                add_in(to.plane_mut(*j), from.plane(k), |x, y| x ^ y);
            }
        }
        for (k, j) in open.iter().enumerate() {
            for (to, from) in [(&mut propagate.own, &both.own), (&mut propagate.next, &both.next)] {
                to.plane_mut(*j).copy_from_slice(from.plane(joined.len() + k));
            }
        }
        block *= 2;
    }
    Ok(generate)
}

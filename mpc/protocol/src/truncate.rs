//! Dividing ring columns by powers of two, and changing their ring.

use vdl_share::{Planes, Ring, Shared};

use crate::arithmetic::Column;
use crate::convert::{carry_out, known_sum, share_known};
use crate::party::Party;
use crate::{ProtocolError, Result};

/// Row by row the value divided by 2^shift and rounded down (towards minus infinity), as a column of another
/// ring or the same one. Exact, for values from -2^(k-2) to below 2^(k-2) in a ring of k bits. Shifting by 0
/// into a wider ring keeps the value.
///
/// The value plus 2^(k-2), which is not negative, is a + b modulo 2^k, where party 0 knows a and the two
/// others b. Its quotient is (a >> shift) + (b >> shift) + carry - wrap 2^(k-shift): the carry out of the low
/// bits comes from a binary adder; the sum wraps where a or b has its top bit, as the value itself has none.
/// Party 0 shares what it knows; the others choose by their bits and reshare the sum of all four (the idea of
/// a known wrap: Escudero et al., CRYPTO 2020; the two known summands: ABY3, CCS 2018). Nothing is guessed.
/// Rounds: 2, and with a shift 1 and those of its carry. Bits per row and party: 5/3 of the new ring's, and
/// shift 4/3 (ripple); 1/3 less without a shift or where the wrap falls out of the new ring. Into a ring no
/// wider and without a shift: nothing at all. Opens: nothing.
pub fn shift_right<R: Ring, S: Ring>(
    party: &mut Party,
    column: &Column<R>,
    shift: usize,
) -> Result<Column<S>> {
    if shift + 2 > R::BITS {
        return Err(ProtocolError::Bounds { step: "shift right" });
    }
    if shift == 0 && S::BITS <= R::BITS {
        return Ok(column.map(|words| words.iter().map(|x| S::of_wide(x.wide())).collect()));
    }
    let rows = column.rows();
    let mut known = known_sum(party, column);
    if party.id() == 0 {
        let offset = R::of_wide(1 << (R::BITS - 2));
        known.iter_mut().for_each(|a| *a = a.add(offset));
    }
    let carry = match shift {
        0 => None,
        _ => {
            let [a, b] = share_known(party, "shift right", &known, shift)?;
            Some(carry_out(party, &a, &b)?)
        }
    };
    let wrap = S::of_wide(1u128.checked_shl((R::BITS - shift) as u32).unwrap_or(0));
    let parts = 1 + usize::from(carry.is_some()) + usize::from(wrap != S::ZERO);
    let quotient = Quotient { known, shift, carry, wrap };
    let terms = (party.id() == 0).then(|| quotient.terms());
    let terms = party.input("shift right", 0, parts * rows, terms)?;
    let summand = match party.id() {
        0 => None,
        1 => Some(quotient.choose(terms.own, |carry| carry.next.plane(0), false)),
        _ => Some(quotient.choose(terms.next, |carry| carry.own.plane(0), true)),
    };
    party.reshare_two("shift right", rows, summand)
}

/// What one party knows of the sum that makes the quotient.
struct Quotient<R, S> {
    known: Vec<R>,
    shift: usize,
    carry: Option<Shared<Planes>>,
    /// What the quotient has too much where the sum wraps.
    wrap: S,
}

impl<R: Ring, S: Ring> Quotient<R, S> {
    /// Party 0: a >> shift less the offset, plus its part of the carry; that part twice; the wrap by a alone.
    fn terms(&self) -> Vec<S> {
        let rows = self.known.len();
        let offset = S::of_wide(1 << (R::BITS - 2 - self.shift));
        let mut terms: Vec<S> =
            self.known.iter().map(|a| S::of_wide(a.shr(self.shift).wide()).sub(offset)).collect();
        if let Some(carry) = &self.carry {
            let bits = carry.own.xor(&carry.next);
            let bits = bits.plane(0);
            terms.extend((0..rows).map(|r| if bit(bits, r) { S::of_wide(2) } else { S::ZERO }));
            let (quotients, twice) = terms.split_at_mut(rows);
            for (quotient, twice) in quotients.iter_mut().zip(twice) {
                *quotient = quotient.add(if *twice == S::ZERO { S::ZERO } else { S::ONE });
            }
        }
        if self.wrap != S::ZERO {
            terms.extend(self.known.iter().map(|a| if top(*a) { self.wrap } else { S::ZERO }));
        }
        terms
    }

    /// Parties 1 and 2, on their component of the terms: x xor c = x + c - 2 x c for the carry, and x or b
    /// for the wrap. What both know is party 2's to add.
    fn choose(&self, terms: Vec<S>, side: fn(&Shared<Planes>) -> &[u64], constant: bool) -> Vec<S> {
        let rows = self.known.len();
        let mut sum = terms;
        let mut rest = sum.split_off(rows.min(sum.len()));
        let wraps = rest.split_off(if self.carry.is_some() { rows.min(rest.len()) } else { 0 });
        if let Some(carry) = &self.carry {
            let bits = side(carry);
            for (r, (sum, twice)) in sum.iter_mut().zip(&rest).enumerate() {
                let chosen = if bit(bits, r) { *twice } else { S::ZERO };
                *sum = sum.sub(chosen);
                if constant && bit(bits, r) {
                    *sum = sum.add(S::ONE);
                }
            }
        }
        for ((sum, wrap), b) in sum.iter_mut().zip(&wraps).zip(&self.known) {
            *sum = sum.sub(if top(*b) { S::ZERO } else { *wrap });
        }
        if constant {
            for (sum, b) in sum.iter_mut().zip(&self.known) {
                let wrap = if top(*b) { self.wrap } else { S::ZERO };
                *sum = sum.add(S::of_wide(b.shr(self.shift).wide())).sub(wrap);
            }
        }
        sum
    }
}

fn bit(words: &[u64], row: usize) -> bool {
    words[row / 64] >> (row % 64) & 1 == 1
}

fn top<R: Ring>(value: R) -> bool {
    value.shr(R::BITS - 1) == R::ONE
}

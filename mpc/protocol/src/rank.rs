//! Where rows belong when they are ordered by one digit.

use vdl_share::Shared;

use crate::party::Party;
use crate::{ProtocolError, Result};

/// Bits of a digit. Three cost as many bits per bit of key as two, and a third fewer rounds and shuffles.
pub const MAX_DIGIT: usize = 3;

/// The rank of every row in the stable order by a digit of `bits` bits, whose XOR components are given.
///
/// Party 0 knows the digit but for component 2, which parties 1 and 2 know. Party 0 shares a vector with
/// a one at its part; the other two read the flag of digit `d` at `d` XOR component 2 and reshare.
/// Running sums of the flags are local; one sum of products picks each row's own. Rounds: 3. Bits per row
/// and party: 32 for each digit but zero, and 32. Opens: nothing.
pub fn ranks(party: &mut Party, digits: &Shared<Vec<u8>>, bits: usize) -> Result<Shared<Vec<u32>>> {
    match bits {
        1 => ranks_of::<2>(party, digits),
        2 => ranks_of::<4>(party, digits),
        3 => ranks_of::<8>(party, digits),
        _ => Err(ProtocolError::Shape { step: "ranks" }),
    }
}

fn ranks_of<const D: usize>(party: &mut Party, digits: &Shared<Vec<u8>>) -> Result<Shared<Vec<u32>>> {
    let flags = flags::<D>(party, digits)?;
    let rows = digits.own.len();
    // Public numbers enter component 0, which parties 0 and 2 hold.
    let constant = |holder: usize, value: usize| if party.id() == holder { value as u32 } else { 0 };
    let mut own = starts::<D>(&flags.own, constant(0, rows), rows);
    let mut next = starts::<D>(&flags.next, constant(2, rows), rows);
    let one = Shared { own: constant(0, 1), next: constant(2, 1) };
    let mut summand = Vec::with_capacity(rows);
    for row in 0..rows {
        let (f, g) = (
            row_flags::<D>(&flags.own, row, rows, one.own),
            row_flags::<D>(&flags.next, row, rows, one.next),
        );
        let mut sum = 0u32;
        for d in 0..D {
            // The rank of this row if it has digit d: rows of it before this one.
            sum = sum.wrapping_add(f[d].wrapping_mul(own[d].wrapping_add(next[d])));
            sum = sum.wrapping_add(g[d].wrapping_mul(own[d]));
            own[d] = own[d].wrapping_add(f[d]);
            next[d] = next[d].wrapping_add(g[d]);
        }
        summand.push(sum);
    }
    party.reshare("ranks", summand)
}

/// Flags of digits 1 .. D, digit after digit.
fn flags<const D: usize>(party: &mut Party, digits: &Shared<Vec<u8>>) -> Result<Shared<Vec<u32>>> {
    let rows = digits.own.len();
    let count = (D - 1) * rows;
    let known = (party.id() == 0).then(|| {
        let mut out = vec![0u32; count];
        for (e, column) in out.chunks_exact_mut(rows).enumerate() {
            for (flag, (a, b)) in column.iter_mut().zip(digits.own.iter().zip(&digits.next)) {
                *flag = u32::from(usize::from(a ^ b) == e + 1);
            }
        }
        out
    });
    let part = party.input("digit", 0, count, known)?;
    let summand = match party.id() {
        0 => None,
        1 => Some(select::<D>(&part.own, &digits.next, 1)),
        _ => Some(select::<D>(&part.next, &digits.own, 0)),
    };
    party.reshare_two("digit", count, summand)
}

/// For each digit but zero the flag at the digit XOR `choice`; the flag of zero is `one` less all others.
fn select<const D: usize>(part: &[u32], choice: &[u8], one: u32) -> Vec<u32> {
    let rows = choice.len();
    let mut out = vec![0u32; part.len()];
    for (row, choice) in choice.iter().enumerate() {
        let all = row_flags::<D>(part, row, rows, one);
        for d in 1..D {
            out[(d - 1) * rows + row] = all[(d ^ usize::from(*choice)) % D];
        }
    }
    out
}

#[inline(always)]
fn row_flags<const D: usize>(flags: &[u32], row: usize, rows: usize, one: u32) -> [u32; D] {
    let mut out = [0; D];
    out[0] = one;
    for d in 1..D {
        out[d] = flags[(d - 1) * rows + row];
        out[0] = out[0].wrapping_sub(out[d]);
    }
    out
}

/// The rank of the first row of each digit: rows of all lower digits.
fn starts<const D: usize>(flags: &[u32], all: u32, rows: usize) -> [u32; D] {
    let mut totals = [0u32; D];
    totals[0] = all;
    for (d, column) in flags.chunks_exact(rows).enumerate() {
        totals[d + 1] = column.iter().fold(0, |sum, x| sum.wrapping_add(*x));
        totals[0] = totals[0].wrapping_sub(totals[d + 1]);
    }
    let mut before = 0u32;
    totals.map(|total| {
        let start = before;
        before = before.wrapping_add(total);
        start
    })
}

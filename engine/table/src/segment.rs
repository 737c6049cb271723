//! Runs of neighbouring rows that belong together, told by a flag in the first row of each.

use vdl_protocol::{Block, Party, and, less_than, multiply, mux, place};
use vdl_share::Planes;

use crate::carry::differences;
use crate::column::{Bits, Numbers, flags_to_ring};
use crate::error::TableError;
use crate::moving::{Bundle, Ranks};

/// Every row gets what the first row of its run holds. The last `following` ring columns are read from the
/// first row of the next run instead; what the last run then gets means nothing.
///
/// The first rows are brought side by side (`place`, by ranks that are running totals of the flags) and
/// replaced by their differences; back in their places, running totals copy them down. Rounds: 10, and 2
/// for the flags. Bits per row and party: the flags' ring, two for placing, 8/3 of the row and a product of
/// it. Opens: a uniformly random order.
pub(crate) fn fill_down(
    party: &mut Party,
    first: &Bits,
    bundle: Bundle,
    following: usize,
) -> Result<Bundle, TableError> {
    let rows = first.rows();
    let flags = flags_to_ring(party, first)?;
    let ranks = partition(party, &flags)?;
    let own = bundle.rings.len() - following;
    let planes = usize::from(!bundle.planes.is_empty());
    let mut bundle = bundle.moved(rows, |blocks| {
        let placement = place(party, ranks, blocks)?;
        for (position, block) in blocks.iter_mut().enumerate() {
            if let Block::Ring64(ring) = block
                && position >= planes + own
            {
                *ring = next_row(ring);
            }
            differences(block);
        }
        Ok(placement.undo(party, blocks)?)
    })?;
    for planes in &mut bundle.planes {
        *planes = prefix_xor(&and(party, planes, first)?);
    }
    for ring in &mut bundle.rings {
        *ring = multiply(party, ring, &flags)?.prefix_sums();
    }
    Ok(bundle)
}

/// Where each row goes when the flagged ones come first, otherwise in order.
fn partition(party: &mut Party, flags: &Numbers) -> Result<Ranks, TableError> {
    let id = party.id();
    let narrow = |words: &Vec<u64>| -> Vec<u32> { words.iter().map(|word| *word as u32).collect() };
    let flags = flags.map(narrow);
    let places: Vec<u32> = (0..flags.rows() as u32).collect();
    let before = flags.prefix_sums();
    let total = flags.sum();
    // A row without flag: all flagged ones and those without before it.
    let mut other = Ranks::public(id, &places).sub(&before);
    other = other.zip(&total, |other, total| {
        let total = total.first().copied().unwrap_or(0);
        other.iter().map(|rank| rank.wrapping_add(total)).collect()
    });
    let flagged = before.add_constant(id, u32::MAX);
    Ok(multiply(party, &flags, &flagged.sub(&other))?.add(&other))
}

/// What the next row holds.
fn next_row(ring: &Numbers) -> Numbers {
    ring.map(|values| values.iter().skip(1).copied().chain([0]).take(values.len()).collect())
}

/// Row `r` becomes the XOR of rows `0 ..= r`, plane by plane. Local.
pub(crate) fn prefix_xor(planes: &Bits) -> Bits {
    let stride = Planes::stride(planes.rows()).max(1);
    let mut out = planes.clone();
    out.each(|planes| {
        for plane in planes.words_mut().chunks_mut(stride) {
            let mut carry = 0u64;
            for word in plane {
                for shift in [1, 2, 4, 8, 16, 32] {
                    *word ^= *word << shift;
                }
                *word ^= carry;
                carry = 0u64.wrapping_sub(*word >> 63);
            }
        }
    });
    out
}

/// Up to this many rows every step looks twice as far back; above, pairs are joined first.
const FEW_ROWS: usize = 1 << 15;

/// Every row gets the greatest value of its run so far.
///
/// Pairs of neighbours are joined, the running maxima of the pairs found in the same way, and the rows in
/// between joined once more (Brent and Kung, 1982): two comparisons and choices per row. Few rows take the
/// shorter way of Hillis and Steele (1986). Rounds: 3 and the width's logarithm for every halving, twice
/// where rows are many. Bits per row and party: about 8 times the width. Opens: nothing.
pub(crate) fn running_max(party: &mut Party, first: &Bits, values: &Bits) -> Result<Bits, TableError> {
    let rows = values.rows();
    if rows <= party.few_rows(FEW_ROWS) {
        return doubling(party, first, values);
    }
    let half = rows / 2;
    let [even_first, odd_first] = unzip(first);
    let [even, odd] = unzip(values);
    let joined = greater(party, &even.slice_rows(0, half), &odd, &odd_first)?;
    let apart = and(party, &even_first.slice_rows(0, half).not(party.id()), &odd_first.not(party.id()))?;
    let joined = running_max(party, &apart.not(party.id()), &joined)?;
    // An even row but the first comes after the pairs before it.
    let before = Bits::append_rows(values.width(), &[&joined, &Bits::zeros(rows - 2 * half, values.width())]);
    let before = before.shift_down(1);
    let even = greater(party, &before, &even, &starts_first(party.id(), even_first))?;
    Ok(zip(&even, &joined))
}

fn doubling(party: &mut Party, first: &Bits, values: &Bits) -> Result<Bits, TableError> {
    let (id, rows) = (party.id(), values.rows());
    let mut values = values.clone();
    let mut goes_on = starts_first(id, first.clone()).not(id);
    let mut back = 1;
    while back < rows {
        let ends = goes_on.not(id);
        values = greater(party, &values.shift_down(back), &values, &ends)?;
        back *= 2;
        if back < rows {
            goes_on = and(party, &goes_on, &goes_on.shift_down(back / 2))?;
        }
    }
    Ok(values)
}

/// The greater of the two, or the later one where it begins a run.
fn greater(party: &mut Party, earlier: &Bits, later: &Bits, first: &Bits) -> Result<Bits, TableError> {
    let less = less_than(party, later, earlier)?;
    let taken = and(party, &less, &first.not(party.id()))?;
    Ok(mux(party, &taken, earlier, later)?)
}

/// The same flags; nothing comes before the first row.
pub(crate) fn starts_first(id: usize, mut first: Bits) -> Bits {
    first.each(|planes| {
        if let Some(word) = planes.words_mut().first_mut() {
            *word &= !1;
        }
    });
    let mut only = Planes::zeros(first.rows(), 1);
    if let Some(word) = only.words_mut().first_mut() {
        *word = 1;
    }
    first.xor_public(id, &only)
}

/// Rows 0, 2, 4 ... and rows 1, 3, 5 ...
fn unzip(planes: &Bits) -> [Bits; 2] {
    [0, 1].map(|odd| planes.map(|planes| every_other(planes, odd)))
}

fn every_other(planes: &Planes, odd: usize) -> Planes {
    let rows = (planes.rows() + 1 - odd) / 2;
    let mut out = Planes::zeros(rows, planes.width());
    for j in 0..planes.width() {
        for (to, from) in out.plane_mut(j).iter_mut().zip(planes.plane(j).chunks(2)) {
            let low = from.first().map_or(0, |word| squeeze(word >> odd));
            let high = from.get(1).map_or(0, |word| squeeze(word >> odd));
            *to = low | high << 32;
        }
    }
    out
}

/// Undoes [`unzip`].
fn zip(even: &Bits, odd: &Bits) -> Bits {
    even.zip(odd, |even, odd| {
        let mut out = Planes::zeros(even.rows() + odd.rows(), even.width());
        for j in 0..even.width() {
            for (at, to) in out.plane_mut(j).iter_mut().enumerate() {
                let half =
                    |planes: &Planes| planes.plane(j).get(at / 2).map_or(0, |word| word >> (at % 2 * 32));
                *to = spread(half(even)) | spread(half(odd)) << 1;
            }
        }
        out
    })
}

/// Every other bit, side by side.
fn squeeze(word: u64) -> u64 {
    let mut x = word & 0x5555_5555_5555_5555;
    x = (x | x >> 1) & 0x3333_3333_3333_3333;
    x = (x | x >> 2) & 0x0F0F_0F0F_0F0F_0F0F;
    x = (x | x >> 4) & 0x00FF_00FF_00FF_00FF;
    x = (x | x >> 8) & 0x0000_FFFF_0000_FFFF;
    (x | x >> 16) & 0x0000_0000_FFFF_FFFF
}

/// The low 32 bits, apart from each other by one.
fn spread(word: u64) -> u64 {
    let mut x = word & 0x0000_0000_FFFF_FFFF;
    x = (x | x << 16) & 0x0000_FFFF_0000_FFFF;
    x = (x | x << 8) & 0x00FF_00FF_00FF_00FF;
    x = (x | x << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    x = (x | x << 2) & 0x3333_3333_3333_3333;
    (x | x << 1) & 0x5555_5555_5555_5555
}

//! The order of rows by a secret key, digit by digit.

use vdl_share::{Planes, Rows, Shared, Xor};

use crate::blocks::Block;
use crate::party::Party;
use crate::permutation::Permutation;
use crate::place::place;
use crate::rank::{MAX_DIGIT, ranks};
use crate::shuffle::Shuffle;
use crate::{ProtocolError, Result};

/// The bits of a moved row that say where the row is under the final shuffle.
const POSITION_BITS: usize = 32;

/// The stable ascending order of the rows by an unsigned key.
///
/// Radix sort from the least significant digit, of three bits, after Hamada et al. (2012), Chida et al.
/// (2019) and Asharov et al. (CCS 2022). What moves is the key's remaining bits and the row's position
/// under a fresh shuffle, not the columns; at the end the positions are opened in sorted order. Per
/// digit: ranks (3 rounds), then `place` (3 rounds). Rounds: 3 and 6 per digit. Bits per row and party
/// and digit: 256 for the ranks and, for placing, 32, 4/3 of 32 and 4/3 of the position and the key that
/// is left. Opens: a uniformly random order per digit, and one at the end.
pub fn radix_sort(party: &mut Party, keys: &Shared<Planes>) -> Result<Permutation> {
    let (rows, width) = (keys.rows(), keys.width());
    if rows < 2 || width == 0 {
        return Ok(Permutation::identity());
    }
    let shuffle = Shuffle::random(party, rows)?;
    let mut moving = pack(keys, &positions(party, &shuffle)?);
    let mut left = width;
    while left > 0 {
        // The key's lowest remaining bits are the uppermost of the row, so used words fall off the end.
        let digit = left.min(MAX_DIGIT);
        let values = moving.map(|rows| digits(rows, POSITION_BITS + left, digit));
        let rank = ranks(party, &values, digit)?;
        left -= digit;
        let mut block = [Block::Rows(moving.map(|rows| keep_bits(rows, POSITION_BITS + left)))];
        place(party, rank, &mut block)?;
        let [block] = block;
        moving = block.into_rows()?;
    }
    // Only the position may be opened: `keep_bits` has cleared the key.
    let position = moving.map(|rows| rows.words().iter().map(|word| Xor(*word as u32)).collect());
    let opened = party.open("sort", &position)?.into_iter().map(|word| word.0).collect();
    Permutation::new(shuffle, opened, "sort")
}

/// Where each row is under the shuffle.
fn positions(party: &mut Party, shuffle: &Shuffle) -> Result<Shared<Rows>> {
    let rows = shuffle.rows();
    let identity = Rows::from_raw(rows, 1, (0..rows as u64).collect());
    let identity = identity.ok_or(ProtocolError::Shape { step: "sort" })?;
    let mut shares = Shared::new(Rows::zeros(rows, 1), Rows::zeros(rows, 1));
    match party.id() {
        0 => shares.own = identity,
        2 => shares.next = identity,
        _ => {}
    }
    let mut block = [Block::Rows(shares.map(|rows| rows.clone().narrowed(POSITION_BITS)))];
    shuffle.unapply(party, &mut block)?;
    let [block] = block;
    block.into_rows()
}

/// Row by row: the position, and above it the key from its most to its least significant bit.
fn pack(keys: &Shared<Planes>, positions: &Shared<Rows>) -> Shared<Rows> {
    let space = Planes::zeros(keys.rows(), POSITION_BITS);
    keys.zip(positions, |keys, positions| {
        let reversed = keys.pick((0..keys.width()).rev());
        let mut packed = Planes::stack(keys.rows(), &[&space, &reversed]).to_rows();
        let stride = packed.stride();
        for (row, position) in packed.words_mut().chunks_exact_mut(stride).zip(positions.words()) {
            // All 64 bits: the upper ones are zero as a secret, not in each component.
            row[0] ^= position;
        }
        packed
    })
}

/// The digit made of the `count` bits below bit `end` of every row, the uppermost one least significant.
fn digits(rows: &Rows, end: usize, count: usize) -> Vec<u8> {
    let (stride, lowest) = (rows.stride(), end - count);
    let (word, shift) = (lowest / 64, lowest % 64);
    let mask = (1u64 << count) - 1;
    let reversed: [u8; 1 << MAX_DIGIT] = std::array::from_fn(|x| (x as u8).reverse_bits() >> (8 - count));
    let read =
        |low: u64, high: u64| reversed[(((low >> shift) | (high << 1 << (63 - shift))) & mask) as usize];
    if stride == 1 {
        return rows.words().iter().map(|word| read(*word, 0)).collect();
    }
    let next = (word + 1).min(stride - 1);
    rows.words().chunks_exact(stride).map(|row| read(row[word], row[next])).collect()
}

/// The rows' first `bits` bits, in as few words as hold them.
fn keep_bits(rows: &Rows, bits: usize) -> Rows {
    let (from, to) = (rows.stride(), bits.div_ceil(64));
    let mask = if bits.is_multiple_of(64) { !0 } else { (1 << (bits % 64)) - 1 };
    if (from, to) == (1, 1) {
        let words = rows.words().iter().map(|word| word & mask).collect();
        return Rows::from_raw(rows.rows(), 1, words).unwrap_or_else(|| Rows::zeros(0, 1)).narrowed(bits);
    }
    let mut words = Vec::with_capacity(rows.rows() * to);
    for row in rows.words().chunks_exact(from) {
        words.extend_from_slice(&row[..to - 1]);
        words.push(row[to - 1] & mask);
    }
    Rows::from_raw(rows.rows(), to, words).unwrap_or_else(|| Rows::zeros(0, to)).narrowed(bits)
}

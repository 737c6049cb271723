//! Runs of bits inside words, at any offset.

use crate::simd::vectorised;

/// Copies `len` bits from bit `from` of `source` to bit `to` of `target`, whose bits there must be zero.
/// Bits of the last word past the run are left as they were.
pub fn copy_bits(target: &mut [u64], to: usize, source: &[u64], from: usize, len: usize) {
    let head = (to.next_multiple_of(64) - to).min(len);
    if head > 0 {
        target[to / 64] |= word_at(source, from, head) << (to % 64);
    }
    let (to, from, len) = ((to + head) / 64, from + head, len - head);
    let (whole, tail) = (len / 64, len % 64);
    if whole > 0 {
        shift_words(&mut target[to..to + whole], &source[from / 64..], from % 64);
    }
    if tail > 0 {
        target[to + whole] |= word_at(source, from + 64 * whole, tail);
    }
}

/// Whole words from bit `shift < 64` of `source` on.
fn shift_words(target: &mut [u64], source: &[u64], shift: usize) {
    let count = target.len();
    if shift == 0 {
        return target.copy_from_slice(&source[..count]);
    }
    let (low, high, shift) = (&source[..count], &source[1..=count], shift as u32);
    vectorised(
        #[inline(always)]
        move || {
            for (to, (low, high)) in target.iter_mut().zip(low.iter().zip(high)) {
                *to = low.wrapping_shr(shift) | high.wrapping_shl(64 - shift);
            }
        },
    );
}

/// `count <= 64` bits from bit `from`, the rest zero.
fn word_at(source: &[u64], from: usize, count: usize) -> u64 {
    let (at, shift) = (from / 64, from % 64);
    let mut word = source[at] >> shift;
    if shift + count > 64 {
        word |= source[at + 1] << (64 - shift);
    }
    if count < 64 { word & ((1 << count) - 1) } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_bits_goes_from_any_place_to_any_other() {
        let source: Vec<u64> = (1..8).map(|w: u64| w.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let bit = |words: &[u64], at: usize| words[at / 64] >> (at % 64) & 1;
        for to in [0, 1, 63, 64, 100] {
            for from in [0, 1, 37, 63, 64, 129] {
                for len in [0, 1, 27, 63, 64, 65, 128, 200, 300] {
                    let mut target = vec![0; 8];
                    copy_bits(&mut target, to, &source, from, len);
                    for at in 0..512 {
                        let inside = (to..to + len).contains(&at);
                        let expected = if inside { bit(&source, at - to + from) } else { 0 };
                        assert_eq!(bit(&target, at), expected, "bit {at}, {len} from {from} to {to}");
                    }
                }
            }
        }
    }
}

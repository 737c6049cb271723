//! Pseudorandom bytes from a short key.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use bytemuck::Pod;

use crate::simd::vectorised;

/// Made at a time: whole blocks, and few enough to stay in the nearest cache.
const PIECE_BYTES: usize = 8192;

/// AES-128 in counter mode; the counter block starts at zero and is big-endian.
///
/// Every call starts at a fresh block, so reads of whole blocks may be cut anywhere.
pub struct Keystream {
    cipher: Aes128,
    block: u64,
}

impl Keystream {
    pub fn new(key: &[u8; 16]) -> Self {
        Self { cipher: Aes128::new(&Array::from(*key)), block: 0 }
    }

    /// Overwrites `out` with keystream.
    pub fn fill<T: Pod>(&mut self, out: &mut [T]) {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(out);
        // Counter blocks are written in place and encrypted a few kilobytes at a time, inside the cache.
        for piece in bytes.chunks_mut(PIECE_BYTES) {
            let (whole, rest) = piece.split_at_mut(piece.len() & !15);
            self.count(whole);
            self.cipher.encrypt_blocks(Array::slice_as_chunks_mut(whole).0);
            if !rest.is_empty() {
                let mut last = [0; 16];
                self.count(&mut last);
                let mut last = Array::from(last);
                self.cipher.encrypt_block(&mut last);
                rest.copy_from_slice(&last[..rest.len()]);
            }
        }
    }

    /// The next counter blocks.
    fn count(&mut self, blocks: &mut [u8]) {
        let mut first = self.block;
        self.block += (blocks.len() / 16) as u64;
        let Ok(mut blocks) = bytemuck::try_cast_slice_mut::<u8, [u64; 2]>(blocks) else {
            for (block, number) in blocks.chunks_exact_mut(16).zip(first..) {
                block.copy_from_slice(&u128::from(number).to_be_bytes());
            }
            return;
        };
        // Up to 256 blocks differ in their last byte only.
        while !blocks.is_empty() {
            let lowest = first % 256;
            let (run, rest) = blocks.split_at_mut(blocks.len().min((256 - lowest) as usize));
            let word = (first - lowest).to_be() | lowest << 56;
            first += run.len() as u64;
            blocks = rest;
            vectorised(
                #[inline(always)]
                move || {
                    let mut word = word;
                    for block in run {
                        *block = [0, word];
                        word = word.wrapping_add(1 << 56);
                    }
                },
            );
        }
    }

    /// Combines every word with the next of the stream: what `fill` would write, without its memory.
    pub fn combine<T: Pod>(&mut self, words: &mut [T], step: impl Fn(T, T) -> T + Copy) {
        let mut piece = [0u128; PIECE_BYTES / 16];
        let piece: &mut [T] = bytemuck::cast_slice_mut(&mut piece);
        for words in words.chunks_mut(piece.len()) {
            let mask = &mut piece[..words.len()];
            self.fill(mask);
            vectorised(
                #[inline(always)]
                move || words.iter_mut().zip(mask).for_each(|(word, mask)| *word = step(*word, *mask)),
            );
        }
    }

    /// `combine` with two streams in one pass.
    pub fn combine_both<T: Pod>(
        streams: [&mut Self; 2],
        words: &mut [T],
        step: impl Fn(T, T, T) -> T + Copy,
    ) {
        let [first, second] = streams;
        let mut pieces = [[0u128; PIECE_BYTES / 16]; 2];
        let [a, b] = &mut pieces;
        let (a, b): (&mut [T], &mut [T]) = (bytemuck::cast_slice_mut(a), bytemuck::cast_slice_mut(b));
        for words in words.chunks_mut(a.len()) {
            let (a, b) = (&mut a[..words.len()], &mut b[..words.len()]);
            first.fill(a);
            second.fill(b);
            vectorised(
                #[inline(always)]
                move || {
                    for (word, (a, b)) in words.iter_mut().zip(a.iter().zip(b)) {
                        *word = step(*word, *a, *b);
                    }
                },
            );
        }
    }

    pub fn words<T: Pod>(&mut self, count: usize) -> Vec<T> {
        let mut out = vec![T::zeroed(); count];
        self.fill(&mut out);
        out
    }
}

impl std::fmt::Debug for Keystream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keystream(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_aes_in_counter_mode_from_zero() {
        // AES-128 of the zero block under the zero key (FIPS 197 implementations agree on it).
        let mut out = [0u8; 16];
        Keystream::new(&[0; 16]).fill(&mut out);
        assert_eq!(out[..4], [0x66, 0xe9, 0x4b, 0xd4]);
    }

    #[test]
    fn cutting_at_blocks_changes_nothing() {
        let whole: Vec<u8> = Keystream::new(&[7; 16]).words(20_011);
        for (number, block) in whole.chunks_exact(16).enumerate() {
            let mut expected = Array::from((number as u128).to_be_bytes());
            Aes128::new(&Array::from([7; 16])).encrypt_block(&mut expected);
            assert_eq!(block, expected.as_slice());
        }
        let mut unaligned = vec![0u8; 20_012];
        Keystream::new(&[7; 16]).fill(&mut unaligned[1..]);
        assert_eq!(whole, unaligned[1..]);
        let mut stream = Keystream::new(&[7; 16]);
        let mut parts: Vec<u8> = stream.words(16 * 700);
        parts.extend(stream.words::<u8>(20_011 - 16 * 700));
        assert_eq!(whole, parts);
        let mut combined: Vec<u128> = vec![5; 1200];
        Keystream::new(&[7; 16]).combine(&mut combined, u128::wrapping_add);
        let words = whole.chunks_exact(16).map(bytemuck::pod_read_unaligned::<u128>);
        assert!(combined.iter().zip(words).all(|(got, mask)| *got == mask.wrapping_add(5)));
        let (mut one, mut other) = (Keystream::new(&[7; 16]), Keystream::new(&[8; 16]));
        let mut both: Vec<u64> = vec![5; 2401];
        let step = |x: u64, a: u64, b: u64| x.wrapping_add(a).wrapping_sub(b);
        Keystream::combine_both([&mut one, &mut other], &mut both, step);
        let [a, b]: [Vec<u64>; 2] = [7, 8].map(|key| Keystream::new(&[key; 16]).words(2401));
        assert!(both.iter().zip(a.iter().zip(&b)).all(|(got, (a, b))| *got == step(5, *a, *b)));
    }
}

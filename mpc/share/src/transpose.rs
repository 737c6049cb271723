//! 64 x 64 bit transposition.

use fearless_simd::Level;

use crate::simd::at;

/// Blocks transposed in one go: as many words of a plane as one line of the cache holds.
pub const BLOCKS: usize = 8;

/// Eight blocks of 64 x 64 bits, as 64 lines of planes or as 512 rows.
///
/// As planes, word `8 j + k` is plane `j` of block `k`; as rows, word `64 k + r` is row `r` of block `k`.
pub type Tile = [u64; 64 * BLOCKS];

pub fn planes_to_rows(tile: &mut Tile) {
    planes_to_rows_at(Level::new(), tile);
}

pub fn rows_to_planes(tile: &mut Tile) {
    rows_to_planes_at(Level::new(), tile);
}

fn planes_to_rows_at(level: Level, tile: &mut Tile) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = level.as_avx512() {
        return affine::planes_to_rows(avx512, tile);
    }
    at(
        level,
        #[inline(always)]
        || {
            let planes = *tile;
            for (k, block) in tile.as_chunks_mut::<64>().0.iter_mut().enumerate() {
                block.iter_mut().zip(planes[k..].iter().step_by(BLOCKS)).for_each(|(to, from)| *to = *from);
                halving(block);
            }
        },
    );
}

fn rows_to_planes_at(level: Level, tile: &mut Tile) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = level.as_avx512() {
        return affine::rows_to_planes(avx512, tile);
    }
    at(
        level,
        #[inline(always)]
        || {
            let mut rows = *tile;
            for (k, block) in rows.as_chunks_mut::<64>().0.iter_mut().enumerate() {
                halving(block);
                tile[k..].iter_mut().step_by(BLOCKS).zip(block).for_each(|(to, from)| *to = *from);
            }
        },
    );
}

/// By halving blocks (Warren, Hacker's Delight 7-3).
#[inline(always)]
fn halving(block: &mut [u64; 64]) {
    halve::<32>(block, 0x0000_0000_ffff_ffff);
    halve::<16>(block, 0x0000_ffff_0000_ffff);
    halve::<8>(block, 0x00ff_00ff_00ff_00ff);
    halve::<4>(block, 0x0f0f_0f0f_0f0f_0f0f);
    halve::<2>(block, 0x3333_3333_3333_3333);
    halve::<1>(block, 0x5555_5555_5555_5555);
}

/// Swaps the upper right with the lower left quarter of every block of `2 * HALF` rows.
#[inline(always)]
fn halve<const HALF: usize>(block: &mut [u64; 64], mask: u64) {
    for pair in block.chunks_exact_mut(2 * HALF) {
        let (low, high) = pair.split_at_mut(HALF);
        for (low, high) in low.iter_mut().zip(high) {
            let swapped = ((*low >> HALF) ^ *high) & mask;
            *low ^= swapped << HALF;
            *high ^= swapped;
        }
    }
}

/// One instruction transposes eight blocks of 8 x 8 bits: an affine map applied to the unit vectors.
#[cfg(target_arch = "x86_64")]
mod affine {
    use std::arch::x86_64::{
        __m512i, _mm512_gf2p8affine_epi64_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi64,
        _mm512_shuffle_i64x2, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    };

    use fearless_simd::{SimdBase, SimdFrom, kernel, u8x64, u64x8};

    use super::Tile;

    /// Bytes (row, column) of eight words to (column, 7 - row): the affine map takes its rows in that order.
    const COLUMNS_UP: [u8; 64] = bytes(true);
    /// Bytes (row, column) of eight words to (column, row).
    const COLUMNS: [u8; 64] = bytes(false);
    /// The unit vectors of eight bits.
    const UNITS: i64 = 0x8040_2010_0804_0201_u64 as i64;

    const fn bytes(up: bool) -> [u8; 64] {
        let mut out = [0; 64];
        let mut at = 0;
        while at < 64 {
            let (column, row) = (at / 8, if up { 7 - at % 8 } else { at % 8 });
            out[at] = (row * 8 + column) as u8;
            at += 1;
        }
        out
    }

    kernel!(
        pub fn planes_to_rows(token: Avx512, tile: &mut Tile) {
            let up: __m512i = u8x64::from_slice(token, &COLUMNS_UP).into();
            let columns: __m512i = u8x64::from_slice(token, &COLUMNS).into();
            let units = _mm512_set1_epi64(UNITS);
            let mut between = [[units; 8]; 8];
            for (a, lines) in tile.as_chunks::<64>().0.iter().enumerate() {
                let z = std::array::from_fn(|i| u64x8::from_slice(token, &lines[8 * i..8 * i + 8]).into());
                for (k, words) in exchange(z).into_iter().enumerate() {
                    let bytes = _mm512_permutexvar_epi8(up, words);
                    between[k][a] = _mm512_gf2p8affine_epi64_epi8::<0>(units, bytes);
                }
            }
            for (z, rows) in between.iter().zip(tile.as_chunks_mut::<64>().0) {
                for (words, rows) in exchange(*z).into_iter().zip(rows.as_chunks_mut::<8>().0) {
                    let words = _mm512_permutexvar_epi8(columns, words);
                    u64x8::simd_from(token, words).store_slice(rows);
                }
            }
        }
    );

    kernel!(
        pub fn rows_to_planes(token: Avx512, tile: &mut Tile) {
            let up: __m512i = u8x64::from_slice(token, &COLUMNS_UP).into();
            let columns: __m512i = u8x64::from_slice(token, &COLUMNS).into();
            let units = _mm512_set1_epi64(UNITS);
            let mut between = [[units; 8]; 8];
            for (k, rows) in tile.as_chunks::<64>().0.iter().enumerate() {
                let mut z = [units; 8];
                for (z, words) in z.iter_mut().zip(rows.as_chunks::<8>().0) {
                    let words: __m512i = u64x8::from_slice(token, words).into();
                    *z = _mm512_gf2p8affine_epi64_epi8::<0>(units, _mm512_permutexvar_epi8(up, words));
                }
                for (j, words) in exchange(z).into_iter().enumerate() {
                    between[j][k] = _mm512_permutexvar_epi8(columns, words);
                }
            }
            for (z, lines) in between.iter().zip(tile.as_chunks_mut::<64>().0) {
                for (words, line) in exchange(*z).into_iter().zip(lines.as_chunks_mut::<8>().0) {
                    u64x8::simd_from(token, words).store_slice(line);
                }
            }
        }
    );

    /// Swaps word `j` of `z[g]` with word `g` of `z[j]`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn exchange(z: [__m512i; 8]) -> [__m512i; 8] {
        let mut out = z;
        for parity in 0..2 {
            let pair = |k: usize| {
                if parity == 0 {
                    _mm512_unpacklo_epi64(z[2 * k], z[2 * k + 1])
                } else {
                    _mm512_unpackhi_epi64(z[2 * k], z[2 * k + 1])
                }
            };
            let lanes = [pair(0), pair(1), pair(2), pair(3)];
            let even = [0, 2].map(|k| _mm512_shuffle_i64x2::<0x88>(lanes[k], lanes[k + 1]));
            let odd = [0, 2].map(|k| _mm512_shuffle_i64x2::<0xdd>(lanes[k], lanes[k + 1]));
            out[parity] = _mm512_shuffle_i64x2::<0x88>(even[0], even[1]);
            out[parity + 2] = _mm512_shuffle_i64x2::<0x88>(odd[0], odd[1]);
            out[parity + 4] = _mm512_shuffle_i64x2::<0xdd>(even[0], even[1]);
            out[parity + 6] = _mm512_shuffle_i64x2::<0xdd>(odd[0], odd[1]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::levels;

    #[test]
    fn planes_become_rows_and_back_on_every_path() {
        let planes: Tile = std::array::from_fn(|w| (w as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for level in levels() {
            let mut tile = planes;
            planes_to_rows_at(level, &mut tile);
            for (row, bits) in tile.iter().enumerate() {
                for j in 0..64 {
                    assert_eq!(bits >> j & 1, planes[8 * j + row / 64] >> (row % 64) & 1, "{level:?}");
                }
            }
            rows_to_planes_at(level, &mut tile);
            assert_eq!(tile, planes, "{level:?}");
        }
    }
}

//! Bits of a column, one plane per bit position.

use std::ops::Range;
use std::sync::Arc;

use crate::bits::copy_bits;
use crate::rows::Rows;
use crate::simd::{zip_in, zipped};
use crate::transpose::{BLOCKS, Tile, planes_to_rows, rows_to_planes};

/// `width` planes of `rows` bits. Plane `j` holds bit `j` (least significant first) of every row;
/// row `r` is bit `r % 64` of word `r / 64` of the plane. Planes lie one after the other, so that an
/// operation on all of them is one pass over `words`. Bits past the last row mean nothing: every
/// reader ignores them. Clones share their words until one of them is changed, as tables keep many a
/// column of those they are made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Planes {
    rows: usize,
    width: usize,
    words: Arc<Vec<u64>>,
}

impl Planes {
    /// Words one plane takes.
    pub fn stride(rows: usize) -> usize {
        rows.div_ceil(64)
    }

    pub fn zeros(rows: usize, width: usize) -> Self {
        Self::of(rows, width, vec![0; width * Self::stride(rows)])
    }

    pub fn ones(rows: usize, width: usize) -> Self {
        let mut ones = Self::of(rows, width, vec![!0; width * Self::stride(rows)]);
        ones.mask_tail();
        ones
    }

    /// The same value in every row; bits past the 64th are zero.
    pub fn constant(rows: usize, width: usize, value: u64) -> Self {
        let mut out = Self::zeros(rows, width);
        for j in 0..width.min(64) {
            if value >> j & 1 == 1 {
                out.plane_mut(j).fill(!0);
            }
        }
        out.mask_tail();
        out
    }

    fn of(rows: usize, width: usize, words: Vec<u64>) -> Self {
        Self { rows, width, words: Arc::new(words) }
    }

    /// `None` where `words` is not `width` planes of `rows` bits.
    pub fn from_raw(rows: usize, width: usize, words: Vec<u64>) -> Option<Self> {
        let fits = Some(words.len()) == width.checked_mul(Self::stride(rows));
        fits.then(|| Self::of(rows, width, words))
    }

    /// One row per value; bits from `width` on are dropped, missing ones are zero.
    pub fn from_values(values: &[u64], width: usize) -> Self {
        let mut out = Self::zeros(values.len(), width);
        if width > 0 {
            out.transpose_in(values, 1, 0);
        }
        out
    }

    /// One plane, one bit per row.
    pub fn from_bools(values: impl ExactSizeIterator<Item = bool>) -> Self {
        let mut out = Self::zeros(values.len(), 1);
        let words = out.words_mut();
        for (r, bit) in values.enumerate() {
            words[r / 64] |= u64::from(bit) << (r % 64);
        }
        out
    }

    /// One value per row; planes from the 64th on are dropped.
    pub fn to_values(&self) -> Vec<u64> {
        self.select(0..self.width.min(64)).to_rows_of(1).into_words()
    }

    pub fn to_bools(&self) -> Vec<bool> {
        (0..self.rows).map(|r| self.get(r, 0)).collect()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn words(&self) -> &[u64] {
        &self.words
    }

    pub fn words_mut(&mut self) -> &mut [u64] {
        Arc::make_mut(&mut self.words).as_mut_slice()
    }

    pub fn into_words(self) -> Vec<u64> {
        Arc::unwrap_or_clone(self.words)
    }

    pub fn plane(&self, j: usize) -> &[u64] {
        let stride = Self::stride(self.rows);
        &self.words[j * stride..(j + 1) * stride]
    }

    pub fn plane_mut(&mut self, j: usize) -> &mut [u64] {
        let stride = Self::stride(self.rows);
        &mut self.words_mut()[j * stride..(j + 1) * stride]
    }

    pub fn get(&self, row: usize, j: usize) -> bool {
        self.plane(j)[row / 64] >> (row % 64) & 1 == 1
    }

    /// Clears the bits past the last row, as whoever reveals or compares planes must.
    pub fn mask_tail(&mut self) {
        let used = self.rows % 64;
        if used == 0 {
            return;
        }
        let stride = Self::stride(self.rows);
        for last in self.words_mut().iter_mut().skip(stride - 1).step_by(stride) {
            *last &= (1 << used) - 1;
        }
    }

    /// Planes `range`, in order.
    pub fn select(&self, range: Range<usize>) -> Self {
        let stride = Self::stride(self.rows);
        let words = self.words[range.start * stride..range.end * stride].to_vec();
        Self::of(self.rows, range.len(), words)
    }

    /// The planes named, in the order named.
    pub fn pick(&self, planes: impl IntoIterator<Item = usize>) -> Self {
        let mut words = Vec::new();
        let mut width = 0;
        for j in planes {
            words.extend_from_slice(self.plane(j));
            width += 1;
        }
        Self::of(self.rows, width, words)
    }

    /// All planes of `parts` on top of each other, the first part least significant.
    pub fn stack(rows: usize, parts: &[&Self]) -> Self {
        let mut words = Vec::with_capacity(parts.iter().map(|p| p.words.len()).sum());
        for part in parts {
            assert_eq!(part.rows, rows, "only planes of as many rows can be stacked");
            words.extend_from_slice(&part.words);
        }
        Self::of(rows, parts.iter().map(|p| p.width).sum(), words)
    }

    /// The planes of `self`, `times` over.
    pub fn repeat(&self, times: usize) -> Self {
        Self::of(self.rows, self.width * times, self.words.repeat(times))
    }

    /// Zero planes added on top, or the uppermost ones dropped.
    pub fn resize(&self, width: usize) -> Self {
        if width == self.width {
            return self.clone();
        }
        let size = width * Self::stride(self.rows);
        let mut words = Vec::with_capacity(size);
        words.extend_from_slice(&self.words[..size.min(self.words.len())]);
        words.resize(size, 0);
        Self::of(self.rows, width, words)
    }

    pub fn xor(&self, other: &Self) -> Self {
        assert_eq!((self.rows, self.width), (other.rows, other.width), "planes of different shape");
        Self::of(self.rows, self.width, zipped(&self.words, &other.words, |a, b| a ^ b))
    }

    pub fn xor_in(&mut self, other: &Self) {
        assert_eq!((self.rows, self.width), (other.rows, other.width), "planes of different shape");
        zip_in(self.words_mut(), &other.words, |a, b| a ^ b);
    }

    /// Rows `start .. start + len`.
    pub fn slice_rows(&self, start: usize, len: usize) -> Self {
        let mut out = Self::zeros(len, self.width);
        for j in 0..self.width {
            copy_bits(out.plane_mut(j), 0, self.plane(j), start, len);
        }
        out
    }

    /// The rows of `parts` one after the other.
    pub fn append_rows(width: usize, parts: &[&Self]) -> Self {
        let mut out = Self::zeros(parts.iter().map(|p| p.rows).sum(), width);
        let mut start = 0;
        for part in parts {
            assert_eq!(part.width, width, "only planes of the same width can be appended");
            for j in 0..width {
                copy_bits(out.plane_mut(j), start, part.plane(j), 0, part.rows);
            }
            start += part.rows;
        }
        out
    }

    /// Row `r` gets what row `r - by` had; the first `by` rows are zero.
    pub fn shift_down(&self, by: usize) -> Self {
        let mut out = Self::zeros(self.rows, self.width);
        if by < self.rows {
            for j in 0..self.width {
                copy_bits(out.plane_mut(j), by, self.plane(j), 0, self.rows - by);
            }
        }
        out
    }

    /// Row `r` gets what row `r + by` had; the last `by` rows are zero.
    pub fn shift_up(&self, by: usize) -> Self {
        let mut out = Self::zeros(self.rows, self.width);
        if by < self.rows {
            for j in 0..self.width {
                copy_bits(out.plane_mut(j), 0, self.plane(j), by, self.rows - by);
            }
        }
        out
    }

    /// The same bits row by row, in as few words per row as hold them.
    pub fn to_rows(&self) -> Rows {
        self.to_rows_of(self.width.div_ceil(64))
    }

    fn to_rows_of(&self, stride: usize) -> Rows {
        let mut words = vec![0; self.rows * stride];
        let mut tile: Tile = [0; 512];
        for (word, first) in (0..self.width).step_by(64).enumerate() {
            let count = (self.width - first).min(64);
            for (g, rows) in words.chunks_mut(64 * BLOCKS * stride.max(1)).enumerate() {
                let start = g * BLOCKS;
                let blocks = (Self::stride(self.rows) - start).min(BLOCKS);
                // Where there are no planes, the transposition before has left rows.
                tile[count * BLOCKS..].fill(0);
                for (j, line) in tile.as_chunks_mut().0.iter_mut().take(count).enumerate() {
                    copy_line(line, &self.plane(first + j)[start..start + blocks]);
                }
                planes_to_rows(&mut tile);
                if stride == 1 {
                    rows.copy_from_slice(&tile[..rows.len()]);
                    continue;
                }
                for (row, value) in rows.chunks_exact_mut(stride).zip(&tile) {
                    row[word] = *value;
                }
            }
        }
        Rows::from_raw(self.rows, stride, words)
            .unwrap_or_else(|| Rows::zeros(self.rows, stride))
            .narrowed(self.width)
    }

    pub(crate) fn from_rows(rows: &Rows, width: usize) -> Self {
        let mut out = Self::zeros(rows.rows(), width);
        for word in 0..width.div_ceil(64).min(rows.stride()) {
            out.transpose_in(rows.words(), rows.stride(), word);
        }
        out
    }

    /// Writes the planes (at most 64) of one word of each row, whose words lie `stride` apart.
    fn transpose_in(&mut self, rows: &[u64], stride: usize, word: usize) {
        let first = 64 * word;
        let count = (self.width - first).min(64);
        let plane_words = Self::stride(self.rows);
        let planes = self.words_mut();
        let mut tile: Tile = [0; 512];
        for (g, rows) in rows.chunks(64 * BLOCKS * stride).enumerate() {
            let start = g * BLOCKS;
            let blocks = (plane_words - start).min(BLOCKS);
            let used = rows.len() / stride;
            if stride == 1 {
                tile[..used].copy_from_slice(rows);
            } else {
                let words = rows.chunks_exact(stride).map(|row| row[word]);
                tile.iter_mut().zip(words).for_each(|(slot, row)| *slot = row);
            }
            tile[used..].fill(0);
            rows_to_planes(&mut tile);
            for (j, line) in tile.as_chunks::<BLOCKS>().0.iter().take(count).enumerate() {
                let at = (first + j) * plane_words + start;
                match planes[at..at + blocks].first_chunk_mut() {
                    Some(to) => *to = *line,
                    None => planes[at..at + blocks].copy_from_slice(&line[..blocks]),
                }
            }
        }
    }
}

/// Copies the words of a plane; nearly always a whole line, which needs no call.
fn copy_line(line: &mut [u64; BLOCKS], from: &[u64]) {
    match from.first_chunk() {
        Some(from) => *line = *from,
        None => line[..from.len()].copy_from_slice(from),
    }
}

impl std::fmt::Debug for Planes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Planes({} rows, {} wide)", self.rows, self.width)
    }
}

//! Bits of a column, one plane per bit position.

use std::ops::Range;

use crate::bits::copy_bits;
use crate::rows::Rows;
use crate::transpose::transpose;

/// `width` planes of `rows` bits. Plane `j` holds bit `j` (least significant first) of every row;
/// row `r` is bit `r % 64` of word `r / 64` of the plane. Planes lie one after the other, so that an
/// operation on all of them is one pass over `words`. Bits past the last row mean nothing: every
/// reader ignores them.
#[derive(Clone, PartialEq, Eq)]
pub struct Planes {
    rows: usize,
    width: usize,
    words: Vec<u64>,
}

impl Planes {
    /// Words one plane takes.
    pub fn stride(rows: usize) -> usize {
        rows.div_ceil(64)
    }

    pub fn zeros(rows: usize, width: usize) -> Self {
        Self { rows, width, words: vec![0; width * Self::stride(rows)] }
    }

    pub fn ones(rows: usize, width: usize) -> Self {
        let mut ones = Self { rows, width, words: vec![!0; width * Self::stride(rows)] };
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

    /// `None` where `words` is not `width` planes of `rows` bits.
    pub fn from_raw(rows: usize, width: usize, words: Vec<u64>) -> Option<Self> {
        (Some(words.len()) == width.checked_mul(Self::stride(rows))).then_some(Self { rows, width, words })
    }

    /// One row per value; bits from `width` on are dropped, missing ones are zero.
    pub fn from_values(values: &[u64], width: usize) -> Self {
        let mut out = Self::zeros(values.len(), width);
        transpose_in(&mut out, 0, values.chunks(64).map(|rows| (rows, 1)));
        out
    }

    /// One plane, one bit per row.
    pub fn from_bools(values: impl ExactSizeIterator<Item = bool>) -> Self {
        let mut out = Self::zeros(values.len(), 1);
        for (r, bit) in values.enumerate() {
            out.words[r / 64] |= u64::from(bit) << (r % 64);
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
        &mut self.words
    }

    pub fn into_words(self) -> Vec<u64> {
        self.words
    }

    pub fn plane(&self, j: usize) -> &[u64] {
        let stride = Self::stride(self.rows);
        &self.words[j * stride..(j + 1) * stride]
    }

    pub fn plane_mut(&mut self, j: usize) -> &mut [u64] {
        let stride = Self::stride(self.rows);
        &mut self.words[j * stride..(j + 1) * stride]
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
        for last in self.words.iter_mut().skip(stride - 1).step_by(stride) {
            *last &= (1 << used) - 1;
        }
    }

    /// Planes `range`, in order.
    pub fn select(&self, range: Range<usize>) -> Self {
        let stride = Self::stride(self.rows);
        let words = self.words[range.start * stride..range.end * stride].to_vec();
        Self { rows: self.rows, width: range.len(), words }
    }

    /// The planes named, in the order named.
    pub fn pick(&self, planes: impl IntoIterator<Item = usize>) -> Self {
        let mut words = Vec::new();
        let mut width = 0;
        for j in planes {
            words.extend_from_slice(self.plane(j));
            width += 1;
        }
        Self { rows: self.rows, width, words }
    }

    /// All planes of `parts` on top of each other, the first part least significant.
    pub fn stack(rows: usize, parts: &[&Self]) -> Self {
        let mut words = Vec::with_capacity(parts.iter().map(|p| p.words.len()).sum());
        for part in parts {
            assert_eq!(part.rows, rows, "only planes of as many rows can be stacked");
            words.extend_from_slice(&part.words);
        }
        Self { rows, width: parts.iter().map(|p| p.width).sum(), words }
    }

    /// The planes of `self`, `times` over.
    pub fn repeat(&self, times: usize) -> Self {
        Self { rows: self.rows, width: self.width * times, words: self.words.repeat(times) }
    }

    /// Zero planes added on top, or the uppermost ones dropped.
    pub fn resize(&self, width: usize) -> Self {
        let size = width * Self::stride(self.rows);
        let mut words = Vec::with_capacity(size);
        words.extend_from_slice(&self.words[..size.min(self.words.len())]);
        words.resize(size, 0);
        Self { rows: self.rows, width, words }
    }

    pub fn xor(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.xor_in(other);
        out
    }

    pub fn xor_in(&mut self, other: &Self) {
        assert_eq!((self.rows, self.width), (other.rows, other.width), "planes of different shape");
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a ^= b;
        }
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
        let mut block = [0u64; 64];
        for (word, first) in (0..self.width).step_by(64).enumerate() {
            let count = (self.width - first).min(64);
            for (g, rows) in words.chunks_mut(64 * stride.max(1)).enumerate() {
                block.fill(0);
                for (j, slot) in block[..count].iter_mut().enumerate() {
                    *slot = self.plane(first + j)[g];
                }
                transpose(&mut block);
                for (row, value) in rows.chunks_exact_mut(stride).zip(&block) {
                    row[word] = *value;
                }
            }
        }
        Rows::from_parts(self.rows, stride, words)
    }

    pub(crate) fn from_rows(rows: &Rows, width: usize) -> Self {
        let mut out = Self::zeros(rows.rows(), width);
        let stride = rows.stride();
        for word in 0..width.div_ceil(64).min(stride) {
            let groups = rows.words().chunks(64 * stride).map(|group| (&group[word..], stride));
            transpose_in(&mut out, word * 64, groups);
        }
        out
    }
}

/// Writes planes `first ..` (at most 64) from groups of 64 rows, whose words lie `stride` apart.
fn transpose_in<'a>(out: &mut Planes, first: usize, groups: impl Iterator<Item = (&'a [u64], usize)>) {
    let count = (out.width - first).min(64);
    let plane_words = Planes::stride(out.rows);
    let mut block = [0u64; 64];
    for (g, (rows, stride)) in groups.enumerate() {
        block.fill(0);
        for (slot, row) in block.iter_mut().zip(rows.iter().step_by(stride)) {
            *slot = *row;
        }
        transpose(&mut block);
        for (j, word) in block[..count].iter().enumerate() {
            out.words[(first + j) * plane_words + g] = *word;
        }
    }
}

impl std::fmt::Debug for Planes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Planes({} rows, {} wide)", self.rows, self.width)
    }
}

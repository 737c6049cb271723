//! Bits of a table laid out row by row, which is how rows are moved.

use crate::planes::Planes;

/// `rows` rows of `stride` 64-bit words, of which the first `width` bits mean something.
#[derive(Clone, PartialEq, Eq)]
pub struct Rows {
    rows: usize,
    stride: usize,
    width: usize,
    words: Vec<u64>,
}

impl Rows {
    pub fn zeros(rows: usize, stride: usize) -> Self {
        Self { rows, stride, width: 64 * stride, words: vec![0; rows * stride] }
    }

    pub fn from_raw(rows: usize, stride: usize, words: Vec<u64>) -> Option<Self> {
        (Some(words.len()) == rows.checked_mul(stride)).then_some(Self {
            rows,
            stride,
            width: 64 * stride,
            words,
        })
    }

    /// The same rows, of which only the first `width` bits mean something: the others need not be moved.
    pub fn narrowed(self, width: usize) -> Self {
        Self { width: width.min(64 * self.stride), ..self }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn stride(&self) -> usize {
        self.stride
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

    pub fn row(&self, r: usize) -> &[u64] {
        &self.words[r * self.stride..(r + 1) * self.stride]
    }

    /// The first `width` bits of every row as planes.
    pub fn to_planes(&self, width: usize) -> Planes {
        Planes::from_rows(self, width)
    }

    /// Row `r` becomes the XOR of rows `0 ..= r`.
    pub fn prefix_xor(&mut self) {
        for at in self.stride..self.words.len() {
            self.words[at] ^= self.words[at - self.stride];
        }
    }

    /// Row `r` becomes the XOR of rows `r - 1` and `r`; the first row stays. Undoes `prefix_xor`.
    pub fn difference_xor(&mut self) {
        for at in (self.stride..self.words.len()).rev() {
            self.words[at] ^= self.words[at - self.stride];
        }
    }

    pub fn slice_rows(&self, start: usize, len: usize) -> Self {
        let words = self.words[start * self.stride..(start + len) * self.stride].to_vec();
        Self { rows: len, words, ..*self }
    }

    pub fn append_rows(stride: usize, parts: &[&Self]) -> Self {
        let mut words = Vec::with_capacity(parts.iter().map(|p| p.words.len()).sum());
        for part in parts {
            assert_eq!(part.stride, stride, "only rows of the same width can be appended");
            words.extend_from_slice(&part.words);
        }
        let width = parts.iter().map(|p| p.width).max().unwrap_or(64 * stride);
        Self { rows: parts.iter().map(|p| p.rows).sum(), stride, width, words }
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({} rows of {} words)", self.rows, self.stride)
    }
}

//! Bits of a table laid out row by row, which is how rows are moved.

/// `rows` rows of `stride` 64-bit words.
#[derive(Clone, PartialEq, Eq)]
pub struct Rows {
    rows: usize,
    stride: usize,
    words: Vec<u64>,
}

impl Rows {
    pub fn from_raw(rows: usize, stride: usize, words: Vec<u64>) -> Option<Self> {
        (Some(words.len()) == rows.checked_mul(stride)).then_some(Self { rows, stride, words })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn stride(&self) -> usize {
        self.stride
    }

    pub fn words(&self) -> &[u64] {
        &self.words
    }

    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({} rows of {} words)", self.rows, self.stride)
    }
}

//! Bits of a column, one plane per bit position.

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

    /// `None` where `words` is not `width` planes of `rows` bits.
    pub fn from_raw(rows: usize, width: usize, words: Vec<u64>) -> Option<Self> {
        (Some(words.len()) == width.checked_mul(Self::stride(rows))).then_some(Self { rows, width, words })
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

    pub fn plane(&self, j: usize) -> &[u64] {
        let stride = Self::stride(self.rows);
        &self.words[j * stride..(j + 1) * stride]
    }
}

impl std::fmt::Debug for Planes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Planes({} rows, {} wide)", self.rows, self.width)
    }
}

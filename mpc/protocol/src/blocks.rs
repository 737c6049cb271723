//! Columns as they are moved: many of them, in any form, in the same rounds.

use vdl_share::{Planes, Rows, Shared};

use crate::{ProtocolError, Result};

/// Rows to be moved together with the rows of other blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    Rows(Shared<Rows>),
    Ring32(Shared<Vec<u32>>),
    Ring64(Shared<Vec<u64>>),
    Ring128(Shared<Vec<u128>>),
}

impl Default for Block {
    /// No rows: what is left of a block while it is being moved.
    fn default() -> Self {
        Block::Ring32(Shared::new(Vec::new(), Vec::new()))
    }
}

impl Block {
    /// All planes, packed into as few words per row as hold them.
    pub fn planes(planes: &Shared<Planes>) -> Self {
        Block::Rows(planes.to_rows())
    }

    pub fn rows(&self) -> usize {
        match self {
            Block::Rows(rows) => rows.rows(),
            Block::Ring32(column) => column.rows(),
            Block::Ring64(column) => column.rows(),
            Block::Ring128(column) => column.rows(),
        }
    }

    pub fn into_rows(self) -> Result<Shared<Rows>> {
        match self {
            Block::Rows(rows) => Ok(rows),
            _ => Err(ProtocolError::Shape { step: "rows of a block" }),
        }
    }

    pub fn into_planes(self, width: usize) -> Result<Shared<Planes>> {
        Ok(self.into_rows()?.to_planes(width))
    }

    pub fn into_ring32(self) -> Result<Shared<Vec<u32>>> {
        match self {
            Block::Ring32(column) => Ok(column),
            _ => Err(ProtocolError::Shape { step: "ring column of a block" }),
        }
    }

    pub fn into_ring64(self) -> Result<Shared<Vec<u64>>> {
        match self {
            Block::Ring64(column) => Ok(column),
            _ => Err(ProtocolError::Shape { step: "ring column of a block" }),
        }
    }

    /// Row `k` of the result is row `from[k]`: how rows are kept, dropped or doubled by public positions.
    pub fn gather(&self, from: &[u32]) -> Result<Self> {
        if from.iter().any(|row| *row as usize >= self.rows()) {
            return Err(ProtocolError::Shape { step: "gather" });
        }
        Ok(self.gathered(from))
    }

    /// Row `to[k]` of the result is row `k`. `to` must name every row once.
    pub fn scatter(&self, to: &[u32]) -> Result<Self> {
        if to.len() != self.rows() || !is_order(to) {
            return Err(ProtocolError::NotAnOrder { step: "scatter" });
        }
        Ok(self.scattered(to))
    }

    pub(crate) fn gathered(&self, from: &[u32]) -> Self {
        match self {
            Block::Rows(rows) => Block::Rows(rows.map(|rows| {
                let words = gather(rows.words(), rows.stride(), from);
                let moved = Rows::from_raw(from.len(), rows.stride(), words);
                moved.unwrap_or_else(|| Rows::zeros(0, rows.stride())).narrowed(rows.width())
            })),
            Block::Ring32(column) => Block::Ring32(column.map(|words| gather(words, 1, from))),
            Block::Ring64(column) => Block::Ring64(column.map(|words| gather(words, 1, from))),
            Block::Ring128(column) => Block::Ring128(column.map(|words| gather(words, 1, from))),
        }
    }

    /// Row `to[k]` of the result is row `k`, for an order that was checked.
    pub(crate) fn scattered(&self, to: &[u32]) -> Self {
        // Both components read by one inverse: reading from many places is quicker than writing to them.
        self.gathered(&inverse(to))
    }
}

fn inverse(order: &[u32]) -> Vec<u32> {
    let mut out = vec![0; order.len()];
    for (from, to) in (0..).zip(order) {
        out[*to as usize] = from;
    }
    out
}

/// Does `order` name each of its positions once?
pub fn is_order(order: &[u32]) -> bool {
    let mut seen = vec![0u64; order.len().div_ceil(64)];
    order.iter().all(|at| {
        let at = *at as usize;
        let fresh = at < order.len() && seen[at / 64] >> (at % 64) & 1 == 0;
        if fresh {
            seen[at / 64] |= 1 << (at % 64);
        }
        fresh
    })
}

/// Row `k` of the result is row `from[k]`.
pub fn gather<G: bytemuck::Pod>(words: &[G], stride: usize, from: &[u32]) -> Vec<G> {
    // Short rows are copied in registers.
    match stride {
        1 => from.iter().map(|row| words[*row as usize]).collect(),
        2 => gather_short::<G, 2>(words, from),
        3 => gather_short::<G, 3>(words, from),
        _ => {
            let mut out = Vec::with_capacity(from.len() * stride);
            for row in from {
                let at = *row as usize * stride;
                out.extend_from_slice(&words[at..at + stride]);
            }
            out
        }
    }
}

fn gather_short<G: Copy, const STRIDE: usize>(words: &[G], from: &[u32]) -> Vec<G> {
    let rows = words.as_chunks::<STRIDE>().0;
    from.iter().map(|row| rows[*row as usize]).collect::<Vec<_>>().into_flattened()
}

/// Row `to[k]` of the result is row `k`.
pub fn scatter<G: bytemuck::Pod>(words: &[G], stride: usize, to: &[u32]) -> Vec<G> {
    let mut out = vec![G::zeroed(); words.len()];
    if stride == 1 {
        for (word, row) in words.iter().zip(to) {
            out[*row as usize] = *word;
        }
        return out;
    }
    if stride > 0 {
        for (row, to) in words.chunks_exact(stride).zip(to) {
            let at = *to as usize * stride;
            out[at..at + stride].copy_from_slice(row);
        }
    }
    out
}

//! Whole rows on the move: every column of a table, packed into as few blocks as carry it.

use std::sync::OnceLock;

use vdl_protocol::Block;
use vdl_share::{ColumnShares, Shared};

use crate::column::{Bits, Numbers, WideNumbers, lean};
use crate::error::TableError;

/// Row positions, one per row.
pub(crate) type Ranks = Shared<Vec<u32>>;

/// Columns of shares of one length that move together.
#[derive(Clone, Default)]
pub(crate) struct Bundle {
    pub planes: Vec<Bits>,
    pub rings: Vec<Numbers>,
    pub wides: Vec<WideNumbers>,
    pub ranks: Vec<Ranks>,
}

/// Which parts a column has put into a bundle.
struct Parts {
    bits: bool,
    ring: bool,
    count: bool,
    valid: bool,
}

/// How to get columns out of a bundle again.
pub(crate) struct Manifest(Vec<Parts>);

impl Bundle {
    /// Puts columns in; other parts may be added behind them.
    pub fn of<'a>(columns: impl Iterator<Item = &'a ColumnShares>) -> (Self, Manifest) {
        let mut bundle = Self::default();
        let parts = columns
            .map(|column| {
                let ColumnShares { bits, ring, count, valid } = lean(column);
                let parts = Parts {
                    bits: bits.get().is_some(),
                    ring: ring.get().is_some(),
                    count: count.is_some(),
                    valid: valid.is_some(),
                };
                bundle.planes.extend(bits.into_inner());
                bundle.planes.extend(valid);
                bundle.rings.extend(ring.into_inner());
                bundle.rings.extend(count);
                parts
            })
            .collect();
        (bundle, Manifest(parts))
    }

    /// Moves everything by what `step` does to the blocks, in one go.
    pub fn moved(
        self,
        rows: usize,
        step: impl FnOnce(&mut Vec<Block>) -> Result<(), TableError>,
    ) -> Result<Self, TableError> {
        let widths: Vec<usize> = self.planes.iter().map(Bits::width).collect();
        let others = self.rings.len() + self.wides.len() + self.ranks.len();
        let mut blocks = Vec::with_capacity(1 + others);
        if !self.planes.is_empty() {
            let all: Vec<&Bits> = self.planes.iter().collect();
            blocks.push(Block::Rows(Bits::stack(rows, &all).to_rows()));
        }
        drop(self.planes);
        blocks.extend(self.rings.into_iter().map(Block::Ring64));
        blocks.extend(self.wides.into_iter().map(Block::Ring128));
        blocks.extend(self.ranks.into_iter().map(Block::Ring32));
        step(&mut blocks)?;
        let mut bundle = Self::default();
        for block in blocks {
            match block {
                Block::Rows(moved) => {
                    bundle.planes = unstack(&moved.to_planes(widths.iter().sum()), &widths);
                }
                Block::Ring64(ring) => bundle.rings.push(ring),
                Block::Ring128(wide) => bundle.wides.push(wide),
                Block::Ring32(ranks) => bundle.ranks.push(ranks),
            }
        }
        Ok(bundle)
    }
}

/// Planes of so many columns, taken apart.
pub(crate) fn unstack(all: &Bits, widths: &[usize]) -> Vec<Bits> {
    let mut start = 0;
    widths
        .iter()
        .map(|width| {
            start += width;
            all.select(start - width..start)
        })
        .collect()
}

impl Manifest {
    /// Takes the columns out of the front of the bundle; what was added behind them stays.
    pub fn unpack(&self, bundle: &mut Bundle) -> Result<Vec<ColumnShares>, TableError> {
        let planes: usize = self.0.iter().map(|p| usize::from(p.bits) + usize::from(p.valid)).sum();
        let rings: usize = self.0.iter().map(|p| usize::from(p.ring) + usize::from(p.count)).sum();
        if planes > bundle.planes.len() || rings > bundle.rings.len() {
            return Err(TableError::Shape("columns lost on the way"));
        }
        let mut planes = bundle.planes.drain(..planes);
        let mut rings = bundle.rings.drain(..rings);
        let mut columns = Vec::with_capacity(self.0.len());
        for parts in &self.0 {
            let mut column = ColumnShares::default();
            if let Some(bits) = parts.bits.then(|| planes.next()).flatten() {
                column.bits = OnceLock::from(bits);
            }
            column.valid = parts.valid.then(|| planes.next()).flatten();
            if let Some(ring) = parts.ring.then(|| rings.next()).flatten() {
                column.ring = OnceLock::from(ring);
            }
            column.count = parts.count.then(|| rings.next()).flatten();
            columns.push(column);
        }
        Ok(columns)
    }
}

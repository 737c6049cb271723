//! From some rows to others in one order: what a giving row holds reaches the asking rows after it.
//!
//! Carrying is local: what is moved are the differences between neighbouring giving rows, zero for
//! asking rows, so that running totals along the order give each row what the latest giver holds.

use vdl_protocol::{Block, Party, Permutation};
use vdl_share::{Rows, Shared};

use crate::error::TableError;

/// Every asking row gets what the latest giving row before it in `order` holds, or nothing. The order is
/// of the giving rows and then `asking` more; blocks are differences between neighbouring givers.
pub(crate) fn carry(
    party: &mut Party,
    order: &Permutation,
    asking: usize,
    blocks: &mut [Block],
) -> Result<(), TableError> {
    let giving = blocks.first().map_or(0, Block::rows);
    blocks.iter_mut().for_each(|block| lengthen(block, asking));
    order.apply(party, blocks)?;
    blocks.iter_mut().for_each(running);
    order.undo(party, blocks)?;
    blocks.iter_mut().for_each(|block| drop_first(block, giving, asking));
    Ok(())
}

/// Every row less the one before it.
pub(crate) fn differences(block: &mut Block) {
    match block {
        Block::Rows(rows) => rows.difference_xor(),
        Block::Ring32(ring) => *ring = ring.differences(),
        Block::Ring64(ring) => *ring = ring.differences(),
        Block::Ring128(ring) => *ring = ring.differences(),
    }
}

/// Undoes [`differences`].
fn running(block: &mut Block) {
    match block {
        Block::Rows(rows) => rows.prefix_xor(),
        Block::Ring32(ring) => *ring = ring.prefix_sums(),
        Block::Ring64(ring) => *ring = ring.prefix_sums(),
        Block::Ring128(ring) => *ring = ring.prefix_sums(),
    }
}

/// Zero rows at the end.
fn lengthen(block: &mut Block, more: usize) {
    match block {
        Block::Rows(rows) => {
            let (stride, width) = (rows.own.stride(), rows.own.width());
            let zeros = || Rows::zeros(more, stride).narrowed(width);
            let zeros = Shared::new(zeros(), zeros());
            *rows = Shared::<Rows>::append_rows(stride, &[rows, &zeros]);
        }
        Block::Ring32(ring) => ring.each(|values| values.resize(values.len() + more, 0)),
        Block::Ring64(ring) => ring.each(|values| values.resize(values.len() + more, 0)),
        Block::Ring128(ring) => ring.each(|values| values.resize(values.len() + more, 0)),
    }
}

/// Only the `rows` rows after the first `from`.
fn drop_first(block: &mut Block, from: usize, rows: usize) {
    match block {
        Block::Rows(all) => *all = all.slice_rows(from, rows),
        Block::Ring32(ring) => *ring = ring.slice_rows(from, rows),
        Block::Ring64(ring) => *ring = ring.slice_rows(from, rows),
        Block::Ring128(ring) => *ring = ring.slice_rows(from, rows),
    }
}

//! From some rows to others in one order: what a giving row holds reaches the asking rows after it.
//!
//! Carrying is local: what is moved are the differences between neighbouring giving rows, zero for
//! asking rows, so that running totals along the order give each row what the latest giver holds.

use vdl_protocol::{Block, Party, Permutation};
use vdl_share::{Rows, Shared};

use crate::column::Bits;
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

/// Every asking row gets what the row right before it in `order` holds, or anything where that is no giving
/// row. Brings back what `told` says of each row in that order, too.
pub(crate) fn carry_one(
    party: &mut Party,
    order: &Permutation,
    asking: usize,
    blocks: &mut Vec<Block>,
    told: &Bits,
) -> Result<Bits, TableError> {
    let giving = told.rows() - asking;
    blocks.iter_mut().for_each(|block| lengthen(block, asking));
    order.apply(party, blocks)?;
    blocks.iter_mut().for_each(next_row);
    blocks.push(Block::planes(told));
    order.undo(party, blocks)?;
    let back = blocks.pop().ok_or(TableError::Shape("rows lost on the way"))?;
    blocks.iter_mut().for_each(|block| drop_first(block, giving, asking));
    Ok(back.into_planes(told.width())?)
}

/// Every row becomes the one before it; the first, the last.
fn next_row(block: &mut Block) {
    fn turn<T>(words: &mut [T], by: usize) {
        words.rotate_right(by.min(words.len()));
    }
    match block {
        Block::Rows(rows) => rows.each(|rows| {
            let stride = rows.stride();
            turn(rows.words_mut(), stride);
        }),
        Block::Ring32(ring) => ring.each(|values| turn(values, 1)),
        Block::Ring64(ring) => ring.each(|values| turn(values, 1)),
        Block::Ring128(ring) => ring.each(|values| turn(values, 1)),
    }
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

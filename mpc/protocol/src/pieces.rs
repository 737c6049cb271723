//! Blocks cut into columns of one group each, and put together again: a row moves in no more bits than the
//! word lengths of the machine need, so narrow rows are cheap.

use vdl_share::{Rows, Shared, Xor};

use crate::blocks::Block;
use crate::{ProtocolError, Result};

/// Elements of one group, a fixed number for every row.
pub enum Piece {
    Words(Shared<Vec<Xor>>, usize),
    Xor32(Shared<Vec<Xor<u32>>>),
    Xor16(Shared<Vec<Xor<u16>>>),
    Xor8(Shared<Vec<Xor<u8>>>),
    Ring32(Shared<Vec<u32>>),
    Ring64(Shared<Vec<u64>>),
    Ring128(Shared<Vec<u128>>),
}

/// What a block was before it was cut.
#[derive(Clone, Copy)]
pub struct Shape {
    rows: usize,
    width: usize,
    pub pieces: usize,
}

/// Whole words of the rows, then what is left over in the shortest element that holds it.
pub fn cut(block: Block) -> (Vec<Piece>, Shape) {
    let rows = block.rows();
    let (pieces, width) = match block {
        Block::Ring32(shares) => (vec![Piece::Ring32(shares)], u32::BITS),
        Block::Ring64(shares) => (vec![Piece::Ring64(shares)], u64::BITS),
        Block::Ring128(shares) => (vec![Piece::Ring128(shares)], u128::BITS),
        Block::Rows(table) => return cut_rows(table),
    };
    (pieces, Shape { rows, width: width as usize, pieces: 1 })
}

fn cut_rows(table: Shared<Rows>) -> (Vec<Piece>, Shape) {
    let (rows, width, stride) = (table.rows(), table.own.width(), table.own.stride());
    let used = width.div_ceil(64);
    let rest = match width % 64 {
        1..=8 => Some(Piece::Xor8(column(&table, used, |word| word as u8))),
        9..=16 => Some(Piece::Xor16(column(&table, used, |word| word as u16))),
        17..=32 => Some(Piece::Xor32(column(&table, used, |word| word as u32))),
        _ => None,
    };
    let whole = used - usize::from(rest.is_some());
    let words = if whole == stride {
        Some(table.map_into(|rows| bytemuck::allocation::cast_vec(rows.into_words())))
    } else {
        (whole > 0).then(|| {
            table.map(|rows| {
                let rows = rows.words().chunks_exact(stride).flat_map(|row| &row[..whole]);
                rows.map(|word| Xor(*word)).collect()
            })
        })
    };
    let words = words.filter(|_| whole > 0).map(|words| Piece::Words(words, whole));
    let pieces: Vec<Piece> = words.into_iter().chain(rest).collect();
    let shape = Shape { rows, width, pieces: pieces.len() };
    (pieces, shape)
}

/// The last used word of every row, shortened.
fn column<W>(table: &Shared<Rows>, used: usize, shorten: fn(u64) -> W) -> Shared<Vec<Xor<W>>> {
    table.map(|rows| {
        let words = rows.words().iter().skip(used - 1).step_by(rows.stride());
        words.map(|word| Xor(shorten(*word))).collect()
    })
}

/// Undoes `cut`.
pub fn join(pieces: Vec<Piece>, shape: Shape) -> Result<Block> {
    let broken = ProtocolError::Shape { step: "shuffle" };
    let Shape { rows, width, .. } = shape;
    let stride = width.div_ceil(64);
    let (mut words, mut rest) = (None, None);
    for piece in pieces {
        match piece {
            Piece::Ring32(shares) => return Ok(Block::Ring32(shares)),
            Piece::Ring64(shares) => return Ok(Block::Ring64(shares)),
            Piece::Ring128(shares) => return Ok(Block::Ring128(shares)),
            Piece::Words(shares, _) => words = Some(shares),
            Piece::Xor32(shares) => rest = Some(shares.map(|all| widened(all))),
            Piece::Xor16(shares) => rest = Some(shares.map(|all| widened(all))),
            Piece::Xor8(shares) => rest = Some(shares.map(|all| widened(all))),
        }
    }
    let table = |words: Vec<u64>| {
        let table = Rows::from_raw(rows, stride, words).map(|rows| rows.narrowed(width));
        table.ok_or(broken.clone())
    };
    let own_and_next = match (words, rest) {
        (Some(words), None) => words.map_into(bytemuck::allocation::cast_vec),
        (None, Some(rest)) => rest,
        (Some(words), Some(rest)) => words.zip(&rest, |words, rest| {
            let mut out = Vec::with_capacity(rows * stride);
            for (words, rest) in words.chunks_exact(stride - 1).zip(rest) {
                out.extend(words.iter().map(|word| word.0));
                out.push(*rest);
            }
            out
        }),
        (None, None) => Shared::new(Vec::new(), Vec::new()),
    };
    Ok(Block::Rows(Shared { own: table(own_and_next.own)?, next: table(own_and_next.next)? }))
}

fn widened<W: Copy + Into<u64>>(all: &[Xor<W>]) -> Vec<u64> {
    all.iter().map(|word| word.0.into()).collect()
}

impl Piece {
    /// Elements of a row.
    pub fn stride(&self) -> usize {
        match self {
            Piece::Words(_, stride) => *stride,
            _ => 1,
        }
    }
}

//! Moving rows to secret places.

use vdl_share::Shared;

use crate::blocks::{Block, is_order};
use crate::party::Party;
use crate::shuffle::Shuffle;
use crate::{ProtocolError, Result};

/// How rows were placed; takes blocks in placed order back to the original order.
#[derive(Debug)]
pub struct Placement {
    shuffle: Shuffle,
    /// The rank of each shuffled row.
    opened: Vec<u32>,
}

/// Moves row `i` of every block to row `rank[i]`; the ranks must be an order of the rows.
///
/// Shuffles ranks and blocks, opens the shuffled ranks, moves locally (Chida et al., 2019, in the form of
/// Asharov et al., CCS 2022). Rounds: 3. Bits per row and party: 32 for the opened rank, 4/3 of 32 and of
/// the row. Opens: the shuffled ranks, a uniformly random order.
pub fn place(party: &mut Party, rank: Shared<Vec<u32>>, blocks: &mut [Block]) -> Result<Placement> {
    let shuffle = Shuffle::random(party, rank.rows())?;
    let mut moved = vec![Block::Ring32(rank)];
    moved.extend(blocks.iter_mut().map(std::mem::take));
    shuffle.apply(party, &mut moved)?;
    let mut moved = moved.into_iter();
    let rank = moved.next().unwrap_or_default().into_ring32()?;
    let opened = open_order(party, "place", &rank)?;
    for (block, moved) in blocks.iter_mut().zip(moved) {
        *block = moved.scattered(&opened);
    }
    Ok(Placement { shuffle, opened })
}

impl Placement {
    /// What all three servers saw: a uniformly random order, whatever the ranks.
    pub fn opened(&self) -> &[u32] {
        &self.opened
    }

    /// Takes blocks in placed order back to the original order. Rounds: 2. Bits per row and party: 4/3 of the
    /// row. Opens: nothing.
    pub fn undo(&self, party: &mut Party, blocks: &mut [Block]) -> Result<()> {
        check_rows(blocks, self.opened.len(), "undo placement")?;
        for block in blocks.iter_mut() {
            *block = block.gathered(&self.opened);
        }
        self.shuffle.unapply(party, blocks)
    }
}

/// Opens shuffled ranks. What is no order of the rows comes from a caller's error or from cheating.
pub fn open_order(party: &mut Party, step: &'static str, rank: &Shared<Vec<u32>>) -> Result<Vec<u32>> {
    let opened = party.open(step, rank)?;
    if is_order(&opened) { Ok(opened) } else { Err(ProtocolError::NotAnOrder { step }) }
}

pub fn check_rows(blocks: &[Block], rows: usize, step: &'static str) -> Result<()> {
    if blocks.iter().all(|block| block.rows() == rows) { Ok(()) } else { Err(ProtocolError::Shape { step }) }
}

//! An order of rows as a value: applied, undone, inverted, composed.

use vdl_share::Shared;

use crate::blocks::{Block, is_order};
use crate::open::open_ring;
use crate::party::Party;
use crate::place::check_rows;
use crate::shuffle::Shuffle;
use crate::{ProtocolError, Result};

/// An order of rows, known to nobody. Takes any number of blocks into it and back, each in one go, so that
/// wide tables move every column once.
#[derive(Debug)]
pub struct Permutation {
    /// `None`: every row stays where it is.
    shuffled: Option<Shuffled>,
    inverted: bool,
}

#[derive(Debug)]
struct Shuffled {
    shuffle: Shuffle,
    /// Where, in shuffled order, the row is that comes at each place of the order.
    opened: Vec<u32>,
}

impl Permutation {
    pub fn identity() -> Self {
        Self { shuffled: None, inverted: false }
    }

    /// The order in which row `opened[k]` of the shuffled rows comes at place `k`.
    pub(crate) fn new(shuffle: Shuffle, opened: Vec<u32>, step: &'static str) -> Result<Self> {
        if opened.len() != shuffle.rows() || !is_order(&opened) {
            return Err(ProtocolError::NotAnOrder { step });
        }
        Ok(Self { shuffled: Some(Shuffled { shuffle, opened }), inverted: false })
    }

    /// What all three servers saw when it was made: a uniformly random order, whatever the rows. `None` where
    /// nothing had to be opened.
    pub fn opened(&self) -> Option<&[u32]> {
        self.shuffled.as_ref().map(|shuffled| shuffled.opened.as_slice())
    }

    /// The opposite order. Local.
    pub fn invert(self) -> Self {
        Self { inverted: !self.inverted, ..self }
    }

    /// Takes blocks from the original order into this one. Rounds: 2. Bits per row and party: 4/3 of the row.
    /// Opens: nothing.
    pub fn apply(&self, party: &mut Party, blocks: &mut [Block]) -> Result<()> {
        self.carry(party, blocks, self.inverted)
    }

    /// Takes blocks from this order back into the original one. Costs like `apply`.
    pub fn undo(&self, party: &mut Party, blocks: &mut [Block]) -> Result<()> {
        self.carry(party, blocks, !self.inverted)
    }

    fn carry(&self, party: &mut Party, blocks: &mut [Block], back: bool) -> Result<()> {
        let Some(Shuffled { shuffle, opened }) = &self.shuffled else { return Ok(()) };
        check_rows(blocks, opened.len(), "permutation")?;
        if back {
            for block in blocks.iter_mut() {
                *block = block.scattered(opened);
            }
            return shuffle.unapply(party, blocks);
        }
        shuffle.apply(party, blocks)?;
        for block in blocks.iter_mut() {
            *block = block.gathered(opened);
        }
        Ok(())
    }

    /// This order and then `other`, as one.
    ///
    /// Carries the positions under a fresh shuffle through both and opens them. Rounds: 7. Bits per row and
    /// party: 4 times 32 for carrying, 32 for opening. Opens: a uniformly random order.
    pub fn then(self, party: &mut Party, other: Self) -> Result<Self> {
        let rows = match (&self.shuffled, &other.shuffled) {
            (None, _) => return Ok(other),
            (_, None) => return Ok(self),
            (Some(first), Some(second)) if first.opened.len() == second.opened.len() => first.opened.len(),
            _ => return Err(ProtocolError::Shape { step: "then" }),
        };
        let shuffle = Shuffle::random(party, rows)?;
        let rows = u32::try_from(rows).map_err(|_| ProtocolError::TooManyRows { rows })?;
        let identity: Vec<u32> = (0..rows).collect();
        let mut positions = [Block::Ring32(Shared::<Vec<u32>>::public(party.id(), &identity))];
        shuffle.unapply(party, &mut positions)?;
        self.apply(party, &mut positions)?;
        other.apply(party, &mut positions)?;
        let [positions] = positions;
        let opened = open_ring(party, &positions.into_ring32()?)?;
        Self::new(shuffle, opened, "then")
    }
}

//! Moving rows in an order that nobody knows.

use vdl_share::Keystream;
use vdl_transport::Peer;

use crate::blocks::Block;
use crate::party::{LANE_ROWS, Party};
use crate::pass::{Orders, Role, Way, pass};
use crate::{ProtocolError, Result};

/// Positions are counted in 32 bits.
const MAX_ROWS: usize = 1 << 31;

/// A secret order of rows: the composition of one uniformly random permutation per pair of parties. Each
/// party knows the two of its pairs, so to each of them the whole is uniformly random.
pub struct Shuffle {
    rows: usize,
    /// The party that plays the first role; differs from shuffle to shuffle to spread the load.
    first: usize,
    with_next: Vec<u32>,
    with_previous: Vec<u32>,
}

impl Shuffle {
    /// A fresh secret order. Rounds: 0. Opens: nothing.
    pub fn random(party: &mut Party, rows: usize) -> Result<Self> {
        if rows > MAX_ROWS {
            return Err(ProtocolError::TooManyRows { rows });
        }
        let step = party.begin("permutation");
        let with_next = permutation(party.stream(step, Peer::Next, "permutation"), rows);
        let with_previous = permutation(party.stream(step, Peer::Previous, "permutation"), rows);
        Ok(Self { rows, first: step.turn(), with_next, with_previous })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Moves the rows of all blocks into the secret order.
    ///
    /// Araki et al., CCS 2021, section 5.2: four messages in two rounds, see `pass`. Rounds: 2. Bits per
    /// row and party: 4/3 of the row, twice the row at the busiest. Opens: nothing.
    pub fn apply(&self, party: &mut Party, blocks: &mut [Block]) -> Result<()> {
        self.pass(party, blocks, Way::There)
    }

    /// Moves the rows of all blocks back from the secret order. Costs like `apply`.
    pub fn unapply(&self, party: &mut Party, blocks: &mut [Block]) -> Result<()> {
        self.pass(party, blocks, Way::Back)
    }

    fn pass(&self, party: &mut Party, blocks: &mut [Block], way: Way) -> Result<()> {
        if blocks.iter().any(|block| block.rows() != self.rows) {
            return Err(ProtocolError::Shape { step: "shuffle" });
        }
        let role = Role::of(self.first, party, way);
        let orders = Orders { next: &self.with_next, previous: &self.with_previous, way };
        if self.rows < LANE_ROWS || blocks.len() < 2 {
            return pass(party, blocks, role, &orders);
        }
        let parts = blocks.chunks_mut(blocks.len().div_ceil(party.lanes())).collect();
        party.side_by_side(parts, |party, blocks| pass(party, blocks, role, &orders)).map(drop)
    }
}

impl std::fmt::Debug for Shuffle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shuffle({} rows)", self.rows)
    }
}

/// A uniformly random permutation: Fisher and Yates, with Lemire's unbiased numbers below a bound.
fn permutation(mut stream: Keystream, rows: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let mut draws = [0u32; 2048];
    let mut left = 0;
    let mut draw = || {
        if left == 0 {
            stream.fill(&mut draws);
            left = draws.len();
        }
        left -= 1;
        draws[left]
    };
    for at in (1..rows).rev() {
        order.swap(at, below(at as u32 + 1, &mut draw) as usize);
    }
    order
}

/// Uniform in `0 .. bound`: the upper half of a product, drawn again where the lower half falls into the
/// part that would make some numbers likelier than others (Lemire, 2019).
#[inline(always)]
fn below(bound: u32, draw: &mut impl FnMut() -> u32) -> u32 {
    let mut product = u64::from(draw()) * u64::from(bound);
    if (product as u32) < bound {
        let uneven = bound.wrapping_neg() % bound;
        while (product as u32) < uneven {
            product = u64::from(draw()) * u64::from(bound);
        }
    }
    (product >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chi-square with 23 degrees of freedom stays below 65 in all but one of a million uniform samples.
    #[test]
    fn every_order_of_four_rows_is_equally_likely() {
        let mut counts = std::collections::HashMap::<Vec<u32>, u32>::new();
        let samples = 24_000;
        for sample in 0..samples as u32 {
            let mut key = [0; 16];
            key[..4].copy_from_slice(&sample.to_le_bytes());
            *counts.entry(permutation(Keystream::new(&key), 4)).or_default() += 1;
        }
        let expected = f64::from(samples) / 24.0;
        assert_eq!(counts.len(), 24);
        let chi: f64 = counts.values().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        assert!(chi < 65.0, "chi-square {chi}");
    }

    #[test]
    fn numbers_that_would_bias_are_drawn_again() {
        // With bound 3 exactly one of 2^32 draws is uneven: zero.
        let mut draws = [0, 0, u32::MAX].into_iter();
        assert_eq!(below(3, &mut || draws.next().unwrap()), 2);
        assert_eq!(draws.next(), None);
    }
}

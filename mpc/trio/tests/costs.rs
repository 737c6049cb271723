//! Rounds and bytes of every protocol are those its comment states.

#![allow(clippy::unwrap_used)]

use vdl_protocol::*;
use vdl_share::{Planes, Shared};
use vdl_trio::Trio;

/// Few rows: additions take few rounds. A multiple of 64, so that planes have no unused bits.
const FEW: usize = 640;
/// Many rows: additions send few bits.
const MANY: usize = 64 * 600;
/// What opening adds whatever is opened: three digests.
const DIGESTS: f64 = 3.0 * 32.0;

struct Inputs {
    narrow: Shared<Planes>,
    wide: Shared<Planes>,
    ring: Shared<Vec<u64>>,
    rank: Shared<Vec<u32>>,
}

/// Checks the rounds and the bits per row and party, `extra` bytes of all parties aside.
fn costs<T: Send>(
    rows: usize,
    rounds: u64,
    bits: f64,
    extra: f64,
    work: impl Fn(&mut Party, &Inputs) -> Result<T> + Sync,
) {
    let mut trio = Trio::new(1);
    let values: Vec<u64> = (0..rows as u64).collect();
    let (narrow, wide) = (trio.share_values(&values, 32), trio.share_values(&values, 64));
    let (ring, rank) = (trio.share_ring(&values), trio.share_ring(&(0..rows as u32).collect::<Vec<_>>()));
    let ends = trio.run(|party| {
        let id = party.id();
        let (narrow, wide) = (narrow[id].clone(), wide[id].clone());
        let inputs = Inputs { narrow, wide, ring: ring[id].clone(), rank: rank[id].clone() };
        work(party, &inputs).map(drop)
    });
    assert_eq!(ends, [Ok(()), Ok(()), Ok(())]);
    assert!(trio.last.costs.iter().all(|costs| costs.rounds == rounds), "{:?}", trio.last.costs);
    let expected = bits * 3.0 / 8.0 * rows as f64 + extra;
    assert!((trio.last.bytes() as f64 - expected).abs() < 0.5, "{} bytes, not {expected}", trio.last.bytes());
    let on_the_wire: usize = trio.last.messages.iter().map(|message| message.length).sum();
    assert_eq!(on_the_wire as u64, trio.last.bytes(), "what is counted is what is sent");
}

#[test]
fn logic() {
    costs(FEW, 1, 64.0, 0.0, |p, i| and(p, &i.wide, &i.wide));
    costs(FEW, 1, 64.0, 0.0, |p, i| or(p, &i.wide, &i.wide));
    costs(FEW, 1, 64.0, 0.0, |p, i| mux(p, &i.wide.plane(0), &i.wide, &i.wide));
    costs(FEW, 6, 63.0, 0.0, |p, i| all_ones(p, &i.wide));
    costs(FEW, 6, 63.0, 0.0, |p, i| any_one(p, &i.wide));
}

#[test]
fn comparison() {
    costs(FEW, 6, 63.0, 0.0, |p, i| equal(p, &i.wide, &i.wide));
    costs(FEW, 6, 63.0, 0.0, |p, i| equal_public(p, &i.wide, &[9]));
    costs(FEW, 7, 184.0, 0.0, |p, i| less_than(p, &i.wide, &i.wide));
    costs(FEW, 6, 120.0, 0.0, |p, i| less_than_public(p, &i.wide, &[9]));
    costs(FEW, 6, 120.0, 0.0, |p, i| greater_public(p, &i.wide, &[9]));
    costs(FEW, 6, 31.0 + 26.0 + 32.0, 0.0, |p, i| less_than(p, &i.narrow, &i.narrow));
}

#[test]
fn addition() {
    costs(MANY, 63, 63.0, 0.0, |p, i| add(p, &i.wide, &i.wide, 64));
    costs(MANY, 63, 63.0, 0.0, |p, i| add_public(p, &i.wide, 7, 64));
    costs(FEW, 7, 63.0 + prefix_bits(63), 0.0, |p, i| add(p, &i.wide, &i.wide, 64));
    costs(FEW, 6, prefix_bits(63), 0.0, |p, i| add_public(p, &i.wide, 7, 64));
    costs(FEW, 0, 0.0, 0.0, |p, i| add_public(p, &i.wide, 1 << 63, 64));
}

/// ANDs of a parallel prefix over `width` positions.
fn prefix_bits(width: usize) -> f64 {
    let mut bits = 0;
    for level in 0.. {
        let block = 1 << level;
        if block >= width {
            break;
        }
        let joined = (0..width).filter(|j| j & block != 0);
        bits += joined.map(|j| if j < 2 * block { 1 } else { 2 }).sum::<usize>();
    }
    bits as f64
}

#[test]
fn conversion() {
    costs(FEW, 2, 64.0, 0.0, |p, i| bits_to_ring::<u64>(p, &i.wide.plane(0)));
    costs(FEW, 2, 32.0 * 64.0, 0.0, |p, i| bits_to_ring::<u32>(p, &i.wide));
    costs(FEW, 2, 128.0, 0.0, |p, i| planes_to_ring::<u64>(p, &i.wide.select(0..2)));
    costs(MANY, 2 + 63, 64.0 + 63.0, DIGESTS * 2.0 / 3.0, |p, i| planes_to_ring::<u64>(p, &i.narrow));
    costs(MANY, 1 + 63, 64.0 / 3.0 + 63.0, 0.0, |p, i| ring_to_planes(p, &i.ring, 64));
    costs(MANY, 1 + 31, 32.0 / 3.0 + 31.0, 0.0, |p, i| ring_to_planes(p, &i.ring, 32));
}

#[test]
fn arithmetic() {
    costs(FEW, 1, 64.0, 0.0, |p, i| multiply(p, &i.ring, &i.ring));
    costs(FEW, 1, 64.0, 0.0, |p, i| sum_of_products(p, &[(&i.ring, &i.ring), (&i.ring, &i.ring)]));
    costs(FEW, 1, 0.0, 2.0 * 3.0 * 8.0, |p, i| dot(p, &[(&i.ring, &i.ring), (&i.ring, &i.ring)]));
}

#[test]
fn opening() {
    costs(FEW, 1, 64.0, DIGESTS, |p, i| open_planes(p, &i.wide));
    costs(FEW, 1, 64.0, DIGESTS, |p, i| open_ring(p, &i.ring));
    costs(FEW, 1, 64.0, 0.0, |p, i| rerandomize_planes(p, &i.wide));
    costs(FEW, 1, 64.0, 0.0, |p, i| rerandomize_ring(p, &i.ring));
    costs(FEW, 1, 0.0, 3.0 * 512.0 / 8.0, |p, _| p.coin());
}

#[test]
fn moving() {
    let word = 4.0 / 3.0 * 64.0;
    let rank = 4.0 / 3.0 * 32.0 + 32.0;
    costs(FEW, 2, word, 0.0, |p, i| {
        let shuffle = Shuffle::random(p, FEW)?;
        shuffle.apply(p, &mut [Block::Ring64(i.ring.clone())])
    });
    costs(FEW, 4, 2.0 * word, 0.0, |p, i| {
        let shuffle = Shuffle::random(p, FEW)?;
        let mut blocks = [Block::planes(&i.narrow)];
        shuffle.apply(p, &mut blocks)?;
        shuffle.unapply(p, &mut blocks)
    });
    costs(FEW, 5, rank + 2.0 * word, DIGESTS, |p, i| {
        let mut blocks = [Block::planes(&i.wide)];
        place(p, i.rank.clone(), &mut blocks)?.undo(p, &mut blocks)
    });
}

#[test]
fn sorting() {
    let word = 4.0 / 3.0 * 64.0;
    // Ten digits of three bits, one of two; finding positions and opening them.
    let sort32 = 10.0 * (256.0 + 160.0) + (128.0 + 160.0) + word + 64.0;
    costs(FEW, 3 + 11 * 6, sort32, 12.0 * DIGESTS, |p, i| sort(p, &i.narrow));
    // 64 bits: 21 digits of three bits, one of one. The second word is needed until 32 bits are left.
    let sort64 = 21.0 * (256.0 + 160.0) + (64.0 + 160.0) + 10.0 * word + word + 64.0;
    costs(FEW, 3 + 22 * 6, sort64, 23.0 * DIGESTS, |p, i| sort(p, &i.wide));
    costs(FEW, 3 + 6 + 4, 64.0 + 160.0 + 3.0 * word + 64.0, 2.0 * DIGESTS, |p, i| {
        let permutation = sort(p, &i.wide.plane(0))?;
        let mut blocks = [Block::planes(&i.wide)];
        permutation.apply(p, &mut blocks)?;
        permutation.undo(p, &mut blocks)
    });
}

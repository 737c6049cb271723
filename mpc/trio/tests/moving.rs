//! Shuffle, place and sort against plain orders.

#![allow(clippy::unwrap_used)]

use vdl_protocol::*;
use vdl_share::{Planes, Rows, Shared};
use vdl_trio::{Trio, planes_of, ring_of};

const SIZES: [usize; 8] = [0, 1, 2, 3, 63, 64, 65, 1000];

/// A column in all three forms, row `r` holding `r` in each.
fn blocks(trio: &mut Trio, rows: usize) -> [Vec<Block>; 3] {
    let numbers: Vec<u64> = (0..rows as u64).collect();
    let small: Vec<u32> = (0..rows as u32).collect();
    let wide = Planes::from_values(&numbers, 64);
    let wide = trio.share_planes(&Planes::stack(rows, &[&wide, &wide, &wide]).resize(150));
    let (ring, small) = (trio.share_ring(&numbers), trio.share_ring(&small));
    [0, 1, 2].map(|id| {
        vec![
            Block::planes(&wide[id].select(0..20)),
            Block::planes(&wide[id]),
            Block::Ring64(ring[id].clone()),
            Block::Ring32(small[id].clone()),
            Block::Rows(Shared::new(Rows::zeros(rows, 0), Rows::zeros(rows, 0))),
        ]
    })
}

/// The order all blocks are in.
fn order(blocks: [Vec<Block>; 3]) -> Vec<u64> {
    let part = |k: usize| [0, 1, 2].map(|id| blocks[id][k].clone());
    let ring = ring_of(&part(2).map(|block| block.into_ring64().unwrap()));
    let narrow = planes_of(&part(0).map(|block| block.into_planes(20).unwrap()));
    let wide = planes_of(&part(1).map(|block| block.into_planes(150).unwrap()));
    let small = ring_of(&part(3).map(|block| block.into_ring32().unwrap()));
    assert_eq!(narrow.to_values(), ring);
    assert_eq!(wide.to_values(), ring);
    assert_eq!(wide.select(128..150).to_values(), ring);
    assert!(small.iter().map(|row| u64::from(*row)).eq(ring.iter().copied()));
    ring
}

#[test]
fn a_shuffle_moves_all_blocks_alike_and_back() {
    let mut trio = Trio::new(1);
    for rows in SIZES {
        let mine = blocks(&mut trio, rows);
        let ends = trio.run(|party| {
            let mut mine = mine[party.id()].clone();
            let shuffle = Shuffle::random(party, rows).unwrap();
            shuffle.apply(party, &mut mine).unwrap();
            let there = mine.clone();
            shuffle.unapply(party, &mut mine).unwrap();
            (there, mine)
        });
        let [a, b, c] = ends;
        let there = order([a.0, b.0, c.0]);
        let mut sorted = there.clone();
        sorted.sort_unstable();
        let before: Vec<u64> = (0..rows as u64).collect();
        assert_eq!(sorted, before);
        assert!(rows < 60 || there != before);
        assert_eq!(order([a.1, b.1, c.1]), before);
    }
}

#[test]
fn rows_go_to_their_rank_and_back() {
    let mut trio = Trio::new(3);
    for rows in SIZES {
        let mine = blocks(&mut trio, rows);
        let rank: Vec<u32> = (0..rows as u32).rev().collect();
        let shared = trio.share_ring(&rank);
        let [a, b, c] = trio.run(|party| {
            let mut mine = mine[party.id()].clone();
            let placement = place(party, shared[party.id()].clone(), &mut mine).unwrap();
            let placed = mine.clone();
            placement.undo(party, &mut mine).unwrap();
            (placed, mine)
        });
        assert_eq!(order([a.0, b.0, c.0]), (0..rows as u64).rev().collect::<Vec<_>>());
        assert_eq!(order([a.1, b.1, c.1]), (0..rows as u64).collect::<Vec<_>>());
    }
}

#[test]
fn ranks_that_are_no_order_are_refused() {
    let mut trio = Trio::new(4);
    for ranks in [[0, 1, 1], [0, 1, 3]] {
        let shared = trio.share_ring::<u32>(&ranks);
        for end in trio.run(|party| place(party, shared[party.id()].clone(), &mut []).map(|_| ())) {
            assert_eq!(end, Err(ProtocolError::NotAnOrder { step: "place" }));
        }
    }
}

/// Sorts `keys` of `width` bits and checks every row, stability included, and the way back.
fn check_sort(trio: &mut Trio, keys: &[u128], width: usize) {
    let rows = keys.len();
    let low: Vec<u64> = keys.iter().map(|key| *key as u64).collect();
    let high: Vec<u64> = keys.iter().map(|key| (key >> 64) as u64).collect();
    let planes = [Planes::from_values(&low, 64), Planes::from_values(&high, 64)];
    let shared = trio.share_planes(&Planes::stack(rows, &[&planes[0], &planes[1]]).resize(width));
    let mine = blocks(trio, rows);
    let [a, b, c] = trio.run(|party| {
        let permutation = sort(party, &shared[party.id()]).unwrap();
        let mut mine = mine[party.id()].clone();
        permutation.apply(party, &mut mine).unwrap();
        let sorted = mine.clone();
        permutation.undo(party, &mut mine).unwrap();
        (sorted, mine)
    });
    let mut expected: Vec<u64> = (0..rows as u64).collect();
    expected.sort_by_key(|row| keys[*row as usize]);
    assert_eq!(order([a.0, b.0, c.0]), expected, "{rows} rows of {width} bits");
    assert_eq!(order([a.1, b.1, c.1]), (0..rows as u64).collect::<Vec<_>>());
}

#[test]
fn sorting_is_stable_and_ascending() {
    let mut trio = Trio::new(5);
    for rows in SIZES {
        for width in [0, 1, 2, 3, 5, 31, 32, 33, 64, 100, 128] {
            let keys: Vec<u128> = (0..rows as u128)
                .map(|r| {
                    let x = (r + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                    // Few different keys in the lower bits, so that there are ties.
                    let x = if r % 3 == 0 { x % 5 } else { x.rotate_left(41) };
                    if width == 0 { 0 } else { x & (u128::MAX >> (128 - width)) }
                })
                .collect();
            check_sort(&mut trio, &keys, width);
        }
    }
}

#[test]
fn sorting_what_is_sorted_reversed_or_all_alike() {
    let mut trio = Trio::new(6);
    check_sort(&mut trio, &(0..500).collect::<Vec<_>>(), 9);
    check_sort(&mut trio, &(0..500).rev().collect::<Vec<_>>(), 9);
    check_sort(&mut trio, &[7; 500], 9);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn any_keys_are_sorted(
        keys in proptest::collection::vec(proptest::prelude::any::<u64>(), 0..150),
        width in 1usize..=64,
    ) {
        let keys: Vec<u128> = keys.iter().map(|key| u128::from(key >> (64 - width))).collect();
        check_sort(&mut Trio::new(7), &keys, width);
    }
}

#[test]
fn public_positions_keep_and_drop_rows() {
    let column = Shared::new(vec![10u64, 11, 12], vec![20u64, 21, 22]);
    let block = Block::Ring64(column);
    let kept = block.gather(&[2, 0]).unwrap().into_ring64().unwrap();
    assert_eq!((kept.own, kept.next), (vec![12, 10], vec![22, 20]));
    let moved = block.scatter(&[1, 2, 0]).unwrap().into_ring64().unwrap();
    assert_eq!(moved.own, [12, 10, 11]);
    assert!(block.gather(&[3]).is_err());
    assert!(block.scatter(&[0, 0, 1]).is_err());
    assert!(block.scatter(&[0, 1]).is_err());
}

//! Both ways of sorting against plain orders, and orders as values.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::time::Duration;

use vdl_protocol::*;
use vdl_share::{Planes, Shared};
use vdl_trio::{Trio, ring_of, values_of};

type Sort = fn(&mut Party, &Shared<Planes>) -> Result<Permutation>;

const WAYS: [(&str, Sort); 2] = [("radix", radix_sort), ("quick", quicksort)];

fn random(rows: usize, seed: u64) -> Vec<u64> {
    let mut state = seed;
    let mut step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ (state >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    (0..rows).map(|_| step()).collect()
}

/// Two words of key per row; wider keys are these words again.
fn keys_of(trio: &mut Trio, words: [&[u64]; 2], width: usize) -> [Shared<Planes>; 3] {
    let [low, high] = words.map(|word| Planes::from_values(word, 64));
    trio.share_planes(&Planes::stack(low.rows(), &[&low, &high, &low]).resize(width))
}

/// The rows in the order that `work` brings them in.
fn order_by(trio: &mut Trio, rows: usize, work: impl Fn(&mut Party, &mut [Block]) + Sync) -> Vec<u32> {
    let numbers = trio.share_ring(&(0..rows as u32).collect::<Vec<_>>());
    ring_of(&trio.run(|party| {
        let mut blocks = [Block::Ring32(numbers[party.id()].clone())];
        work(party, &mut blocks);
        let [block] = blocks;
        block.into_ring32().unwrap()
    }))
}

fn check(low: &[u64], high: &[u64], width: usize) {
    let rows = low.len();
    let mask = |bits: usize| if bits >= 64 { !0 } else { (1 << bits) - 1 };
    let key = |row: u32| {
        let (low, high) = (low[row as usize], high[row as usize]);
        let third = low & mask(width.saturating_sub(128));
        (third, high & mask(width.saturating_sub(64)), low & mask(width))
    };
    let mut expected: Vec<u32> = (0..rows as u32).collect();
    expected.sort_by_key(|row| key(*row));
    for (name, sort) in WAYS {
        let mut trio = Trio::new(11);
        let keys = keys_of(&mut trio, [low, high], width);
        let sorted = order_by(&mut trio, rows, |party, blocks| {
            sort(party, &keys[party.id()]).unwrap().apply(party, blocks).unwrap();
        });
        assert_eq!(sorted, expected, "{name}, {rows} rows of {width} bits");
    }
}

#[test]
fn both_ways_are_stable_and_ascending() {
    for rows in [0, 1, 2, 3, 4, 63, 64, 65, 511, 512, 513, 1500] {
        for width in [0, 1, 2, 8, 33, 64, 100, 140] {
            // Every third row has one of five keys, so that there are ties.
            let few = |(at, word): (usize, u64)| if at % 3 == 0 { word % 5 } else { word };
            let low: Vec<u64> = random(rows, 1).into_iter().enumerate().map(few).collect();
            let high: Vec<u64> = random(rows, 2).into_iter().enumerate().map(few).collect();
            check(&low, &high, width);
        }
    }
}

#[test]
fn what_is_carried_comes_in_the_order_of_the_keys() {
    for (rows, width) in [(0, 20), (1, 20), (100, 20), (5000, 20), (5000, 2), (5000, 0)] {
        let (keys, carried) = (random(rows, 21), random(rows, 22));
        let mask = (1u64 << width) - 1;
        let mut expected: Vec<(u64, u64)> =
            keys.iter().zip(&carried).map(|(key, other)| (key & mask, other >> 14)).collect();
        expected.sort_by_key(|(key, _)| *key);
        let mut trio = Trio::new(18);
        let keys = keys_of(&mut trio, [&keys, &keys], width);
        let others: Vec<u64> = carried.iter().map(|other| other >> 14).collect();
        let others = trio.share_values(&others, 50);
        let sorted =
            trio.run(|party| sort_carrying(party, &keys[party.id()], &others[party.id()]).unwrap().1);
        let part =
            |range: std::ops::Range<usize>| values_of(&sorted.clone().map(|all| all.select(range.clone())));
        assert_eq!(part(0..width), expected.iter().map(|row| row.0).collect::<Vec<_>>());
        assert_eq!(part(width..width + 50), expected.iter().map(|row| row.1).collect::<Vec<_>>());
    }
}

#[test]
fn large_columns_with_a_sample_of_a_sample_are_sorted() {
    // 16 * 4096 rows and more: the sample is itself sampled; the pivots of a segment may be all that is left of it.
    let rows = 70_000;
    check(&random(rows, 3), &random(rows, 4), 32);
    check(&vec![7; rows], &vec![7; rows], 8);
    let descending: Vec<u64> = (0..rows as u64).rev().collect();
    check(&descending, &descending, 17);
}

#[test]
fn lanes_side_by_side_find_the_same_order_and_share_no_randomness() {
    let rows = 250_000;
    let keys = random(rows, 9);
    let mut expected: Vec<u32> = (0..rows as u32).collect();
    expected.sort_by_key(|row| keys[*row as usize] & 0xffff);
    let mut trio = Trio::new(15).lanes(3).record_contexts();
    let shared = keys_of(&mut trio, [&keys, &keys], 16);
    let sorted = order_by(&mut trio, rows, |party, blocks| {
        quicksort(party, &shared[party.id()]).unwrap().apply(party, blocks).unwrap();
    });
    assert_eq!(sorted, expected);
    assert!(trio.last.messages.iter().any(|message| message.lane == 2), "all three lanes were used");
    for contexts in &trio.last.contexts {
        let different: HashSet<_> = contexts.iter().collect();
        assert_eq!(different.len(), contexts.len());
    }
}

#[test]
fn orders_are_inverted_and_composed() {
    let rows = 300;
    let (first, second) = (random(rows, 5), random(rows, 6));
    let mut trio = Trio::new(12);
    let keys = [&first, &second].map(|words| keys_of(&mut trio, [words, words], 64));
    let by = |party: &mut Party, which: usize| quicksort(party, &keys[which][party.id()]).unwrap();
    let one_after_the_other = order_by(&mut trio, rows, |party, blocks| {
        by(party, 0).apply(party, blocks).unwrap();
        by(party, 1).apply(party, blocks).unwrap();
    });
    let at_once = order_by(&mut trio, rows, |party, blocks| {
        let (first, second) = (by(party, 0), by(party, 1));
        first.then(party, second).unwrap().apply(party, blocks).unwrap();
    });
    assert_eq!(one_after_the_other, at_once);
    let there_and_back = order_by(&mut trio, rows, |party, blocks| {
        let order = by(party, 0);
        order.apply(party, blocks).unwrap();
        order.invert().apply(party, blocks).unwrap();
        let order = by(party, 1).invert();
        order.apply(party, blocks).unwrap();
        order.undo(party, blocks).unwrap();
        let nothing = Permutation::identity().then(party, Permutation::identity()).unwrap();
        nothing.invert().apply(party, blocks).unwrap();
    });
    assert!(there_and_back.iter().copied().eq(0..rows as u32));
    let inverse_first = order_by(&mut trio, rows, |party, blocks| {
        let (first, second) = (by(party, 0).invert(), by(party, 1));
        first.then(party, second).unwrap().undo(party, blocks).unwrap();
        by(party, 0).undo(party, blocks).unwrap();
        by(party, 1).apply(party, blocks).unwrap();
    });
    assert!(inverse_first.iter().copied().eq(0..rows as u32));
}

#[test]
fn orders_of_different_tables_are_not_composed() {
    let mut trio = Trio::new(13);
    let (few, many) = (trio.share_values(&[2, 1], 8), trio.share_values(&[3, 2, 1], 8));
    let ends = trio.run(|party| {
        let few = quicksort(party, &few[party.id()])?;
        let many = quicksort(party, &many[party.id()])?;
        few.then(party, many).map(drop)
    });
    assert!(ends.into_iter().all(|end| end == Err(ProtocolError::Shape { step: "then" })));
}

#[test]
fn comparisons_of_many_rows_are_those_of_few() {
    let rows = (1 << 17) + 77;
    let (a, b) = (random(rows, 7), random(rows, 8));
    // Often equal in all but a few bits, and sometimes altogether.
    let b: Vec<u64> = a.iter().zip(b).map(|(a, b)| if b % 4 == 0 { b } else { a ^ (b & 0x11) }).collect();
    let mut trio = Trio::new(14);
    let shared = [trio.share_values(&a, 64), trio.share_values(&b, 64)];
    let less = trio.run(|party| less_than(party, &shared[0][party.id()], &shared[1][party.id()]).unwrap());
    assert!(values_of(&less).iter().zip(a.iter().zip(&b)).all(|(less, (a, b))| *less == u64::from(a < b)));
}

#[test]
fn on_a_long_line_rounds_are_saved_and_the_result_is_the_same() {
    let rows = 1500;
    let keys = random(rows, 10);
    let run = |round_trip: Duration| {
        let mut trio = Trio::new(17).round_trip(round_trip);
        let shared = keys_of(&mut trio, [&keys, &keys], 32);
        let sorted = order_by(&mut trio, rows, |party, blocks| {
            sort(party, &shared[party.id()]).unwrap().apply(party, blocks).unwrap();
        });
        (sorted, trio.last.rounds())
    };
    let (near, far) = (run(Duration::from_micros(300)), run(Duration::from_millis(20)));
    assert_eq!(near.0, far.0);
    assert!(2 * far.1 < near.1, "{} rounds where {} are too many", far.1, near.1);
}

#[test]
fn blocks_that_are_shuffled_on_different_lanes_stay_together() {
    let rows = 70_000;
    let mut trio = Trio::new(16).lanes(2);
    let numbers = trio.share_ring(&(0..rows as u32).collect::<Vec<_>>());
    let ends = trio.run(|party| {
        let mut blocks = vec![Block::Ring32(numbers[party.id()].clone()); 3];
        Shuffle::random(party, rows).unwrap().apply(party, &mut blocks).unwrap();
        blocks.into_iter().map(|block| block.into_ring32().unwrap()).collect::<Vec<_>>()
    });
    assert!(trio.last.messages.iter().any(|message| message.lane == 1));
    let [first, second, third] = [0, 1, 2].map(|at| ring_of(&[0, 1, 2].map(|id| ends[id][at].clone())));
    assert!(first == second && second == third && !first.is_sorted());
}

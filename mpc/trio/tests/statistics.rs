//! What must be random is: orders, shares, and all that is sent. The seeds are fixed, so a test that passes
//! always passes; its bound says how unlikely it would be for uniform randomness to miss it.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use vdl_protocol::*;
use vdl_share::{Planes, Shared};
use vdl_trio::registry::{FEW, names};
use vdl_trio::{Trio, ring_of};

fn chi_square(counts: impl Iterator<Item = f64>, expected: f64) -> f64 {
    counts.map(|count| (count - expected).powi(2) / expected).sum()
}

/// All 24 orders of four rows, each as often. Chi-square with 23 degrees of freedom stays below 65 in all
/// but about one of 100,000 uniform samples.
#[track_caller]
fn assert_uniform(what: &str, orders: &[Vec<u32>]) {
    let mut counts = HashMap::<&[u32], f64>::new();
    orders.iter().for_each(|order| *counts.entry(order).or_default() += 1.0);
    assert_eq!(counts.len(), 24, "{what}");
    let chi = chi_square(counts.into_values(), orders.len() as f64 / 24.0);
    assert!(chi < 65.0, "{what}: chi-square {chi}");
}

#[test]
fn a_shuffle_makes_every_order_of_four_rows_as_often() {
    let mut trio = Trio::new(2);
    let column = trio.share_ring(&[0u32, 1, 2, 3]);
    for back in [false, true] {
        let [a, b, c] = trio.run(|party| {
            let shuffled = (0..4800).map(|_| {
                let mut block = [Block::Ring32(column[party.id()].clone())];
                let shuffle = Shuffle::random(party, 4).unwrap();
                if back {
                    shuffle.unapply(party, &mut block).unwrap();
                } else {
                    shuffle.apply(party, &mut block).unwrap();
                }
                let [block] = block;
                block.into_ring32().unwrap()
            });
            shuffled.collect::<Vec<_>>()
        });
        let all = a.into_iter().zip(b).zip(c);
        assert_uniform("shuffle", &all.map(|((a, b), c)| ring_of(&[a, b, c])).collect::<Vec<_>>());
    }
}

/// What all servers see of keys that are all equal, sorted, reversed, and mixed.
fn opened_by(sort: fn(&mut Party, &Shared<Planes>) -> Result<Permutation>) {
    let mut trio = Trio::new(12);
    for keys in [[5u64, 5, 5, 5], [0, 1, 2, 3], [3, 2, 1, 0], [6, 2, 7, 2]] {
        let shared = trio.share_values(&keys, 3);
        let [seen, ..] = trio.run(|party| {
            let sorted = (0..1200).map(|_| sort(party, &shared[party.id()]).unwrap());
            sorted.map(|permutation| permutation.opened().unwrap().to_vec()).collect::<Vec<_>>()
        });
        assert_uniform(&format!("{keys:?}"), &seen);
    }
}

#[test]
fn what_a_radix_sort_opens_is_uniform_whatever_the_keys() {
    opened_by(radix_sort);
}

#[test]
fn what_a_quicksort_opens_is_uniform_whatever_the_keys() {
    opened_by(quicksort);
}

#[test]
fn what_placing_opens_is_uniform_whatever_the_ranks() {
    let mut trio = Trio::new(13);
    for ranks in [[0u32, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let shared = trio.share_ring(&ranks);
        let [seen, ..] = trio.run(|party| {
            let placed = (0..2400).map(|_| place(party, shared[party.id()].clone(), &mut []).unwrap());
            placed.map(|placement| placement.opened().to_vec()).collect::<Vec<_>>()
        });
        assert_uniform(&format!("{ranks:?}"), &seen);
    }
}

/// Chi-square with 255 degrees of freedom stays below 420 in all but about one of a billion uniform samples.
#[track_caller]
fn assert_uniform_bytes(what: &str, bytes: &[u8]) {
    let mut counts = [0.0; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1.0);
    let chi = chi_square(counts.into_iter(), bytes.len() as f64 / 256.0);
    assert!(chi < 420.0, "{what}: chi-square {chi} of {} bytes", bytes.len());
}

/// Fewer bytes say nothing.
const ENOUGH: usize = 4096;

#[test]
fn every_byte_that_is_sent_is_as_likely_as_any_other() {
    let mut checked = 0;
    for secret in [|_| 0, |row: u64| row] {
        for entry in names() {
            let mut trio = Trio::new(14).record_payloads();
            let inputs = entry.inputs(&mut trio, 4 * FEW, secret);
            let ends = trio.run(|party| (entry.run)(party, &inputs[party.id()]));
            assert_eq!(ends, [Ok(()), Ok(()), Ok(())], "{}", entry.name);
            for party in 0..3 {
                // Opened planes end in cleared bits where rows do not fill a word.
                let sent = trio.last.messages.iter().filter(|message| message.from == party);
                let masked = sent.filter(|message| message.step != "open planes");
                let bytes: Vec<u8> = masked.flat_map(|message| message.payload.iter().copied()).collect();
                if bytes.len() >= ENOUGH {
                    assert_uniform_bytes(&format!("{} by {party}", entry.name), &bytes);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 150, "only {checked}");
}

#[test]
fn every_byte_of_a_component_is_as_likely_as_any_other() {
    let mut trio = Trio::new(15);
    let rows = 64 * 20;
    let (planes, ring) = (trio.share_values(&vec![0; rows], 64), trio.share_ring(&vec![0u64; rows]));
    let results = trio.run(|party| {
        let (a, x) = (&planes[party.id()], &ring[party.id()]);
        let mut moved = [Block::Ring64(x.clone())];
        let shuffle = Shuffle::random(party, rows).unwrap();
        shuffle.apply(party, &mut moved).unwrap();
        let [moved] = moved;
        let words = |planes: Shared<Planes>| planes.map(|planes| planes.words().to_vec());
        let results: Vec<(&str, Shared<Vec<u64>>)> = vec![
            ("planes", words(a.clone())),
            ("ring", x.clone()),
            ("and", words(and(party, a, a).unwrap())),
            ("multiply", multiply(party, x, x).unwrap()),
            ("bits_to_ring", bits_to_ring(party, &a.plane(0)).unwrap().remove(0)),
            ("planes_to_ring", planes_to_ring(party, a).unwrap()),
            ("ring_to_planes", words(ring_to_planes(party, x, 64).unwrap())),
            ("shift_right", shift_right(party, x, 7).unwrap()),
            ("rerandomize", rerandomize_ring(party, x).unwrap()),
            ("shuffle", moved.into_ring64().unwrap()),
        ];
        results
    });
    for (party, results) in results.into_iter().enumerate() {
        for (name, shares) in results {
            for component in [shares.own, shares.next] {
                let bytes: Vec<u8> = component.iter().flat_map(|word| word.to_le_bytes()).collect();
                assert_uniform_bytes(&format!("{name} at {party}"), &bytes);
            }
        }
    }
}

//! What the wires show, what the randomness is used for, and what a party that cheats on the wire gets.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use vdl_protocol::*;
use vdl_share::{Planes, Shared};
use vdl_transport::{Peer, TransportError};
use vdl_trio::{Message, Tamper, Trick, Trio};

struct Inputs {
    a: [Shared<Planes>; 3],
    b: [Shared<Planes>; 3],
    ring: [Shared<Vec<u64>>; 3],
    rank: [Shared<Vec<u32>>; 3],
}

fn inputs(trio: &mut Trio, rows: usize, value: impl Fn(u64) -> u64) -> Inputs {
    let values: Vec<u64> = (0..rows as u64).map(value).collect();
    let other: Vec<u64> = values.iter().map(|x| x.wrapping_mul(3)).collect();
    let mut rank: Vec<u32> = (0..rows as u32).collect();
    rank.sort_by_key(|row| values[*row as usize]);
    Inputs {
        a: trio.share_values(&values, 12),
        b: trio.share_values(&other, 12),
        ring: trio.share_ring(&values),
        rank: trio.share_ring(&rank),
    }
}

type Work = fn(&mut Party, &Inputs) -> Result<()>;

/// Every protocol once. What each opens is random or a digest, so no view may depend on the secret.
const ALL: [(&str, Work); 25] = [
    ("and", |p, i| and(p, &i.a[p.id()], &i.b[p.id()]).map(drop)),
    ("or", |p, i| or(p, &i.a[p.id()], &i.b[p.id()]).map(drop)),
    ("mux", |p, i| mux(p, &i.a[p.id()].plane(0), &i.a[p.id()], &i.b[p.id()]).map(drop)),
    ("all_ones", |p, i| all_ones(p, &i.a[p.id()]).map(drop)),
    ("any_one", |p, i| any_one(p, &i.a[p.id()]).map(drop)),
    ("equal", |p, i| equal(p, &i.a[p.id()], &i.b[p.id()]).map(drop)),
    ("equal_public", |p, i| equal_public(p, &i.a[p.id()], &[77]).map(drop)),
    ("less_than", |p, i| less_than(p, &i.a[p.id()], &i.b[p.id()]).map(drop)),
    ("less_than_public", |p, i| less_than_public(p, &i.a[p.id()], &[77]).map(drop)),
    ("greater_public", |p, i| greater_public(p, &i.a[p.id()], &[77]).map(drop)),
    ("add", |p, i| add(p, &i.a[p.id()], &i.b[p.id()], 13).map(drop)),
    ("add_public", |p, i| add_public(p, &i.a[p.id()], 77, 13).map(drop)),
    ("multiply", |p, i| multiply(p, &i.ring[p.id()], &i.ring[p.id()]).map(drop)),
    ("dot", |p, i| dot(p, &[(&i.ring[p.id()], &i.ring[p.id()])]).map(drop)),
    ("bits_to_ring", |p, i| bits_to_ring::<u64>(p, &i.a[p.id()]).map(drop)),
    ("planes_to_ring", |p, i| planes_to_ring::<u64>(p, &i.a[p.id()]).map(drop)),
    ("ring_to_planes", |p, i| ring_to_planes(p, &i.ring[p.id()], 12).map(drop)),
    ("open_planes", |p, i| open_planes(p, &i.a[p.id()]).map(drop)),
    ("open_ring", |p, i| open_ring(p, &i.ring[p.id()]).map(drop)),
    ("rerandomize_planes", |p, i| rerandomize_planes(p, &i.a[p.id()]).map(drop)),
    ("rerandomize_ring", |p, i| rerandomize_ring(p, &i.ring[p.id()]).map(drop)),
    ("coin", |p, _| p.coin().map(drop)),
    ("shuffle", |p, i| {
        let shuffle = Shuffle::random(p, i.ring[0].rows())?;
        let mut blocks = [Block::Ring64(i.ring[p.id()].clone()), Block::planes(&i.a[p.id()])];
        shuffle.apply(p, &mut blocks)?;
        shuffle.unapply(p, &mut blocks)
    }),
    ("place", |p, i| {
        let mut blocks = [Block::planes(&i.a[p.id()])];
        place(p, i.rank[p.id()].clone(), &mut blocks)?.undo(p, &mut blocks)
    }),
    ("sort", |p, i| {
        let permutation = sort(p, &i.a[p.id()])?;
        let mut blocks = [Block::planes(&i.a[p.id()])];
        permutation.apply(p, &mut blocks)?;
        permutation.undo(p, &mut blocks)
    }),
];

#[test]
fn sizes_and_order_of_messages_do_not_depend_on_secrets() {
    for (name, work) in ALL {
        let view = |seed: u64, value: fn(u64) -> u64| -> Vec<Message> {
            let mut trio = Trio::new(seed);
            let inputs = inputs(&mut trio, 70, value);
            assert_eq!(trio.run(|party| work(party, &inputs)), [Ok(()), Ok(()), Ok(())], "{name}");
            trio.last.messages
        };
        let first = view(1, |_| 0);
        assert!(!first.is_empty());
        assert_eq!(first, view(1, |r| r * 55 % 4096), "{name}");
        assert_eq!(first, view(2, |r| 4095 - r), "{name}");
    }
}

#[test]
fn no_context_of_randomness_is_used_twice_and_each_by_both_of_a_pair() {
    let mut trio = Trio::new(3).record_contexts();
    let inputs = inputs(&mut trio, 70, |r| r * 55 % 4096);
    let all = |party: &mut Party| ALL.iter().try_for_each(|(_, work)| work(party, &inputs));
    // Twice over: the same work again must not meet the same contexts.
    assert_eq!(trio.run(|party| all(party).and_then(|()| all(party))), [Ok(()), Ok(()), Ok(())]);
    let seen = |party: usize, peer: Peer| -> HashSet<(u64, &str, &str)> {
        let all: Vec<_> = trio.last.contexts[party]
            .iter()
            .filter(|context| context.peer == peer)
            .map(|context| (context.number, context.step, context.purpose))
            .collect();
        let different: HashSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), different.len(), "party {party} used a context twice");
        different
    };
    for party in 0..3 {
        assert_eq!(seen(party, Peer::Next), seen((party + 1) % 3, Peer::Previous));
    }
}

/// Masked values look random: the bytes on the wire of an all-zero column are not all zero.
#[test]
fn what_is_sent_is_masked() {
    let mut trio = Trio::new(4);
    let inputs = inputs(&mut trio, 640, |_| 0);
    let ends = trio.run(|party| {
        let product = and(party, &inputs.a[party.id()], &inputs.b[party.id()]).unwrap();
        product.own.words().iter().map(|word| word.count_ones()).sum::<u32>()
    });
    // 7680 fair coins: within eight standard deviations of one half.
    assert!(ends.iter().all(|ones| ones.abs_diff(3840) < 8 * 44), "{ends:?}");
}

fn cheat(party: usize, number: Option<usize>, trick: Trick) -> Trio {
    let tamper = Tamper { party, step: None, number, trick };
    Trio::new(5).timeout(Duration::from_millis(200)).tamper(tamper)
}

fn messages_of(work: Work, party: usize) -> usize {
    let mut trio = Trio::new(5);
    let inputs = inputs(&mut trio, 70, |r| r * 55 % 4096);
    assert_eq!(trio.run(|party| work(party, &inputs)), [Ok(()), Ok(()), Ok(())]);
    trio.last.messages.iter().filter(|message| message.from == party).count()
}

fn run(mut trio: Trio, work: Work) -> [Result<()>; 3] {
    let inputs = inputs(&mut trio, 70, |r| r * 55 % 4096);
    trio.run(|party| work(party, &inputs))
}

#[test]
fn frames_that_are_not_what_must_come_end_the_protocol_at_once() {
    let tricks = [Trick::Truncate, Trick::Lengthen, Trick::Rename, Trick::Drop, Trick::Replay];
    for (name, work) in ALL {
        for party in 0..3 {
            for trick in tricks {
                let started = Instant::now();
                let ends = run(cheat(party, Some(0), trick), work);
                assert!(started.elapsed() < Duration::from_secs(20), "{name} hangs");
                // A repeated last frame that nobody waits for does no harm.
                if trick != Trick::Replay && messages_of(work, party) > 0 {
                    let noticed = ends.iter().any(|end| matches!(end, Err(ProtocolError::Transport(_))));
                    assert!(noticed, "{name}: {trick:?} by {party} gives {ends:?}");
                }
            }
        }
    }
}

#[test]
fn a_repeated_frame_is_not_taken_for_the_next_one() {
    let work: Work = |p, i| {
        let once = and(p, &i.a[p.id()], &i.b[p.id()])?;
        and(p, &once, &i.b[p.id()]).map(drop)
    };
    for party in 0..3 {
        let ends = run(cheat(party, Some(0), Trick::Replay), work);
        let refused = |end: &Result<()>| {
            matches!(end, Err(ProtocolError::Transport(TransportError::WrongFrame { .. })))
        };
        assert!(ends.iter().any(refused), "{ends:?}");
    }
}

/// One changed message anywhere before an opening leaves two copies of a component that differ.
#[test]
fn a_changed_message_is_noticed_before_anything_is_released() {
    let works: [(&str, Work); 5] = [
        ("and", |p, i| {
            let both = and(p, &i.a[p.id()], &i.b[p.id()])?;
            open_planes(p, &both).map(drop)
        }),
        ("multiply", |p, i| {
            let product = multiply(p, &i.ring[p.id()], &i.ring[p.id()])?;
            open_ring(p, &product).map(drop)
        }),
        ("rerandomize", |p, i| {
            let fresh = rerandomize_ring(p, &i.ring[p.id()])?;
            open_ring(p, &fresh).map(drop)
        }),
        ("open", |p, i| open_planes(p, &i.a[p.id()]).map(drop)),
        ("coin", |p, _| p.coin().map(drop)),
    ];
    for (name, work) in works {
        for party in 0..3 {
            for number in 0..messages_of(work, party) {
                for trick in [Trick::Flip, Trick::Add] {
                    let ends = run(cheat(party, Some(number), trick), work);
                    let noticed = |end: &Result<()>| matches!(end, Err(ProtocolError::Inconsistent { .. }));
                    assert!(ends.iter().any(noticed), "{name}: message {number} of {party} gives {ends:?}");
                }
            }
        }
    }
}

#[test]
fn an_opened_copy_that_differs_is_noticed_by_whoever_gets_it() {
    let mut trio = Trio::new(6);
    let mut ring = trio.share_ring(&[1u64, 2, 3]);
    // Party 1's copy of component 2 differs from party 2's own: party 0, who lacks it, gets both.
    ring[1].next[1] += 1;
    let ends = trio.run(|party| open_ring(party, &ring[party.id()]).map(drop));
    assert_eq!(ends[0], Err(ProtocolError::Inconsistent { step: "open ring" }));
}

#[test]
fn no_change_to_any_message_makes_a_party_panic_or_hang() {
    for (name, work) in ALL {
        for party in 0..3 {
            let count = messages_of(work, party);
            let some = [0, 1, count / 2, count.saturating_sub(1)];
            for number in some.into_iter().filter(|number| *number < count) {
                for trick in [Trick::Flip, Trick::Add, Trick::Swap] {
                    let started = Instant::now();
                    let _ = run(cheat(party, Some(number), trick), work);
                    assert!(started.elapsed() < Duration::from_secs(20), "{name} hangs");
                }
            }
        }
    }
}

#[test]
fn a_late_message_is_waited_for_and_a_too_late_one_is_named() {
    let work = ALL[0].1;
    let late = cheat(1, None, Trick::Delay(Duration::from_millis(20)));
    assert_eq!(run(late, work), [Ok(()), Ok(()), Ok(())]);
    let ends = run(cheat(1, None, Trick::Delay(Duration::from_millis(600))), work);
    let named = |end: &Result<()>| {
        matches!(end, Err(ProtocolError::Transport(TransportError::TimedOut { from: Peer::Next, .. })))
    };
    assert!(named(&ends[0]), "{ends:?}");
}

#[test]
fn bits_past_the_last_row_are_never_opened() {
    let mut trio = Trio::new(7);
    let mut planes = Planes::from_values(&[1, 2, 3], 2);
    planes.words_mut()[0] |= 1 << 40;
    let shared = trio.share_planes(&planes);
    for opened in trio.run(|party| open_planes(party, &not(party, &shared[party.id()])).unwrap()) {
        assert!(opened.words().iter().all(|word| word >> 3 == 0));
    }
}

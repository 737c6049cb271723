//! What a party that cheats on the wire gets, whatever the protocol.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use vdl_protocol::*;
use vdl_share::Planes;
use vdl_transport::{Peer, TransportError};
use vdl_trio::registry::{Entry, Work, names};
use vdl_trio::{Tamper, Trick, Trio};

/// Not a multiple of 64, so that planes end in the middle of a word.
const ROWS: usize = 70;

fn mixed(row: u64) -> u64 {
    row * 55 % 4096
}

fn cheat(party: usize, number: Option<usize>, trick: Trick) -> Trio {
    let tamper = Tamper { party, step: None, number, trick };
    // What never comes is given up soon; what is only late, on a slow machine as well, is not.
    let patience = match trick {
        Trick::Delay(_) => Duration::from_secs(60),
        _ => Duration::from_millis(200),
    };
    Trio::new(5).timeout(patience).tamper(tamper)
}

/// Runs an entry's protocol, or another one on its inputs, while one party cheats.
fn run(mut trio: Trio, entry: &Entry, work: Work) -> [Result<()>; 3] {
    let inputs = entry.inputs(&mut trio, ROWS, mixed);
    trio.run(|party| work(party, &inputs[party.id()]))
}

fn messages_of(entry: &Entry, work: Work, party: usize) -> usize {
    let mut trio = Trio::new(5);
    let inputs = entry.inputs(&mut trio, ROWS, mixed);
    assert_eq!(trio.run(|party| work(party, &inputs[party.id()])), [Ok(()), Ok(()), Ok(())]);
    trio.last.messages.iter().filter(|message| message.from == party).count()
}

fn named(name: &str) -> &'static Entry {
    names().find(|entry| entry.name == name).unwrap()
}

/// Every protocol, every party, some messages from its first to its last; `check` gets how the three end.
fn each(trick: Trick, some: fn(usize) -> Vec<usize>, check: impl Fn(&str, [Result<()>; 3])) {
    let mut tried = 0;
    for entry in names() {
        for party in 0..3 {
            let count = messages_of(entry, entry.run, party);
            for number in some(count).into_iter().filter(|number| *number < count) {
                let started = Instant::now();
                let ends = run(cheat(party, Some(number), trick), entry, entry.run);
                assert!(started.elapsed() < Duration::from_secs(20), "{} hangs", entry.name);
                check(&format!("{}: {trick:?} of message {number} by {party}", entry.name), ends);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "only {tried}");
}

fn first_and_last(count: usize) -> Vec<usize> {
    let mut all = vec![0, count.saturating_sub(1)];
    all.dedup();
    all
}

fn spread_out(count: usize) -> Vec<usize> {
    let mut all = vec![0, 1, count / 2, count.saturating_sub(1)];
    all.sort_unstable();
    all.dedup();
    all
}

fn ends_at_once(what: &str, ends: [Result<()>; 3]) {
    let noticed = ends.iter().any(|end| matches!(end, Err(ProtocolError::Transport(_))));
    assert!(noticed, "{what} gives {ends:?}");
}

#[test]
fn a_cut_frame_ends_every_protocol() {
    each(Trick::Truncate, first_and_last, ends_at_once);
}

#[test]
fn a_longer_frame_ends_every_protocol() {
    each(Trick::Lengthen, first_and_last, ends_at_once);
}

#[test]
fn a_frame_of_another_step_ends_every_protocol() {
    each(Trick::Rename, first_and_last, ends_at_once);
}

#[test]
fn a_frame_that_never_comes_ends_every_protocol() {
    each(Trick::Drop, |_| vec![0], ends_at_once);
}

#[test]
fn a_repeated_frame_ends_a_protocol_or_does_nothing() {
    // A repeated last frame that nobody waits for does no harm.
    each(Trick::Replay, first_and_last, |what, ends| {
        let only_the_wire = |end: &Result<()>| matches!(end, Ok(()) | Err(ProtocolError::Transport(_)));
        assert!(ends.iter().all(only_the_wire), "{what} gives {ends:?}");
    });
}

#[test]
fn a_late_frame_changes_nothing() {
    each(
        Trick::Delay(Duration::from_millis(5)),
        |_| vec![0],
        |what, ends| {
            assert_eq!(ends, [Ok(()), Ok(()), Ok(())], "{what}");
        },
    );
}

#[test]
fn a_flipped_bit_makes_no_party_panic_or_hang() {
    each(Trick::Flip, spread_out, |_, _| {});
}

#[test]
fn changed_bytes_make_no_party_panic_or_hang() {
    each(Trick::Add, spread_out, |_, _| {});
}

#[test]
fn an_exchanged_message_makes_no_party_panic_or_hang() {
    each(Trick::Swap, spread_out, |_, _| {});
}

#[test]
fn a_repeated_frame_is_not_taken_for_the_next_one() {
    let work: Work = |p, i| {
        let once = and(p, &i.a, &i.b)?;
        and(p, &once, &i.b).map(drop)
    };
    for party in 0..3 {
        let ends = run(cheat(party, Some(0), Trick::Replay), named("and"), work);
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
            let both = and(p, &i.a, &i.b)?;
            open_planes(p, &both).map(drop)
        }),
        ("multiply", |p, i| {
            let product = multiply(p, &i.x, &i.y)?;
            open_ring(p, &product).map(drop)
        }),
        ("rerandomize", |p, i| {
            let fresh = rerandomize_ring(p, &i.x)?;
            open_ring(p, &fresh).map(drop)
        }),
        ("open", |p, i| open_planes(p, &i.a).map(drop)),
        ("coin", |p, _| p.coin().map(drop)),
    ];
    for (name, work) in works {
        for party in 0..3 {
            for number in 0..messages_of(named("and"), work, party) {
                for trick in [Trick::Flip, Trick::Add] {
                    let ends = run(cheat(party, Some(number), trick), named("and"), work);
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
fn a_late_message_is_waited_for_and_a_too_late_one_is_named() {
    let and = named("and");
    let late = cheat(1, None, Trick::Delay(Duration::from_millis(20)));
    assert_eq!(run(late, and, and.run), [Ok(()), Ok(()), Ok(())]);
    let too_late = cheat(1, None, Trick::Delay(Duration::from_secs(3))).timeout(Duration::from_secs(1));
    let ends = run(too_late, and, and.run);
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

//! Servers that sign how far the logs of others go: peers that lie, that come too often, and full disks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use vdl_authorize::audit::{Event, Head, LogEntry, compare_logs, sign_head};
use vdl_authorize::{SigningKey, Terms};
use vdl_command::Digest;
use vdl_store::Store;
use vdl_transport::{Frame, Peer, TransportError};

use super::audit::{Full, head_of_first_run, key, log, wait_for_witnesses};
use super::runs::{approvers, begin, envelope, terms, world};
use super::{World, job, wait_until};
use crate::net::{Wire, control, step};
use crate::node::Node;

/// A head that server 0 never had, shown to server 1 as by server 0.
fn show(world: &World, shown_with: &SigningKey, signed_by: &SigningKey, head: Head) {
    let signature = sign_head(signed_by, "production", 0, head);
    let key = shown_with.verifying_key().to_base64().unwrap();
    let shown = serde_json::json!({"head": head, "key": key, "signature": signature}).to_string();
    let frame = control(job(), step::HEAD, shown.into_bytes());
    world.nodes[1].hear_of_log(Peer::Previous, &frame);
}

/// Heads from 1000 on that server 1 signed of server 0, in their order.
fn made_up(world: &World) -> Vec<Head> {
    let made_up = |line: &LogEntry| match line.entry.event {
        Event::Countersigned { node: 0, sequence: sequence @ 1000.., head } => {
            Some(Head { sequence, digest: head })
        }
        _ => None,
    };
    log(&world.nodes[1]).entries.iter().filter_map(made_up).collect()
}

fn wait_until_signed(world: &World, head: Head) {
    wait_until(|| made_up(world).last() == Some(&head));
}

fn head(sequence: u64, digest: u8) -> Head {
    Head { sequence, digest: Digest([digest; 32]) }
}

#[test]
fn a_peer_does_not_countersign_two_histories() {
    let world = world();
    begin(&world, &envelope(&terms()));
    wait_for_witnesses(&world);
    let [mine, _, other] = world.nodes.each_ref().map(|node| key(node));
    // Whether the first one is written down already or still waits for that.
    for wait in [false, true] {
        show(&world, &mine, &mine, head(1000, 1));
        if wait {
            wait_until_signed(&world, head(1000, 1));
        }
        // Another history, an older one, one under another key, and one that is not signed.
        show(&world, &mine, &mine, head(1000, 2));
        show(&world, &mine, &mine, head(999, 3));
        show(&world, &other, &other, head(1001, 4));
        show(&world, &mine, &other, head(1001, 5));
    }
    show(&world, &mine, &mine, head(1002, 6));
    wait_until_signed(&world, head(1002, 6));
    assert_eq!(made_up(&world), [head(1000, 1), head(1002, 6)]);
}

#[test]
fn a_peer_that_shows_heads_without_end_gets_a_line_a_second_and_its_last_head_signed() {
    let world = world();
    begin(&world, &envelope(&terms()));
    wait_for_witnesses(&world);
    let (mine, began) = (key(&world.nodes[0]), Instant::now());
    let last = head(1499, 7);
    (1000..=last.sequence).for_each(|sequence| show(&world, &mine, &mine, head(sequence, 7)));
    // One that was overtaken on its way.
    show(&world, &mine, &mine, head(1400, 7));
    wait_until_signed(&world, last);
    let lines = made_up(&world).len() as u64;
    assert!(lines <= began.elapsed().as_secs() + 1, "{lines} lines in {:?}", began.elapsed());
}

/// Brings no signatures under heads.
struct Unwitnessed(Arc<dyn Wire>);

impl Wire for Unwitnessed {
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        match frame.step == step::WITNESS {
            true => Ok(()),
            false => self.0.send(to, frame),
        }
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        self.0.wait_until_up(patience)
    }

    fn close(&self) {
        self.0.close();
    }
}

fn unwitnessed(first: Store) -> World {
    let stores = [first, Store::in_memory().unwrap(), Store::in_memory().unwrap()];
    World::with(&approvers(), stores, |_, wire| Arc::new(Unwitnessed(wire)))
}

/// What a peer says to server 0: that it signed this head of its log.
fn sign(node: &Node, from: Peer, key: &SigningKey, head: Head) {
    let signature = sign_head(key, "production", 0, head);
    let key = key.verifying_key().to_base64().unwrap();
    let word = serde_json::json!({"signed": {"head": head, "key": key, "signature": signature}});
    node.hear_of_log(from, &control(job(), step::WITNESS, word.to_string().into_bytes()));
}

/// Who signed which head of a log, as it says itself.
fn witnessed(node: &Node) -> Vec<(u8, Head)> {
    let witnessed = |line: &LogEntry| match line.entry.event {
        Event::Witnessed { by, sequence, head, .. } => Some((by, Head { sequence, digest: head })),
        _ => None,
    };
    log(node).entries.iter().filter_map(witnessed).collect()
}

#[test]
fn a_peer_signs_nothing_but_what_it_was_shown_and_that_once() {
    let world = unwitnessed(Store::in_memory().unwrap());
    begin(&world, &envelope(&Terms { max_runs: None, ..terms() }));
    let node = &world.nodes[0];
    let [_, peer, third] = world.nodes.each_ref().map(|node| key(node));
    let shown = head_of_first_run(node);
    let far = Head { sequence: 1_000_000_000, digest: Digest([7; 32]) };
    let former = Head { sequence: 1, digest: log(node).entries[0].digest };
    let eve = SigningKey::from_seed([66; 32]);
    let said = |from: Peer, key: &SigningKey, head: Head| {
        sign(node, from, key, head);
        witnessed(node)
    };
    // What would frame server 0, and what it never asked about.
    assert_eq!(said(Peer::Next, &peer, far), []);
    assert_eq!(said(Peer::Next, &peer, former), []);
    assert_eq!(said(Peer::Next, &peer, shown), [(1, shown)]);
    // Again, and with a key that is not the one it came with.
    assert_eq!(said(Peer::Next, &peer, shown), [(1, shown)]);
    assert_eq!(said(Peer::Next, &eve, shown), [(1, shown)]);
    assert_eq!(said(Peer::Previous, &third, shown), [(1, shown), (2, shown)]);
    assert_eq!(said(Peer::Previous, &eve, shown), [(1, shown), (2, shown)]);
    assert_eq!(compare_logs(&world.nodes.each_ref().map(|node| log(node))), []);
}

#[test]
fn a_signature_that_a_full_disk_kept_out_of_the_log_is_written_down_when_it_comes_again() {
    let tape = Full::default();
    let full = tape.full.clone();
    let world = unwitnessed(tape.store());
    begin(&world, &envelope(&terms()));
    let (node, peer) = (&world.nodes[0], key(&world.nodes[1]));
    let shown = head_of_first_run(node);
    full.store(true, Ordering::SeqCst);
    sign(node, Peer::Next, &peer, shown);
    assert_eq!(witnessed(node), []);
    full.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        sign(node, Peer::Next, &peer, shown);
        assert_eq!(witnessed(node), [(1, shown)]);
    }
}

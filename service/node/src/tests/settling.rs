//! Tables in doubt while peers keep a server busy, and names that moved meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use vdl_command::Handle;
use vdl_store::State;
use vdl_transport::Peer;

use super::{World, job, wait_until};
use crate::net::{Limits, Order, Post, control, step};

/// Server 0 was about to remove a table when it lost the others; they never were.
fn leave_in_doubt(world: &World, handle: Handle) {
    world.nodes[0].store.leave(handle).unwrap();
    world.nodes[0].settling.doubt(handle);
}

fn wait_until_settled(world: &World, handle: Handle) {
    wait_until(|| world.nodes[0].store.state(handle).unwrap() == Some(State::Live));
}

#[test]
fn a_peer_that_never_stops_asking_keeps_no_table_in_doubt() {
    let world = World::new();
    let meta = world.upload(&[("a", "int[min=0,max=15]", &[1, 5])], None);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                world.nodes[0].post.deliver(Peer::Next, control(job(), step::ASK, vec![7; 32]));
                thread::sleep(Duration::from_millis(20));
            }
        });
        // Whatever becomes of it, the other thread ends.
        struct End<'a>(&'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let _end = End(&over);
        leave_in_doubt(&world, meta.handle);
        wait_until_settled(&world, meta.handle);
    });
}

#[test]
fn a_peer_that_asks_faster_than_it_is_heard_fills_no_memory_and_keeps_nobody_else_out() {
    let (post, line) = Post::new(Limits::default(), Order::new(0, 1));
    let ask = |from: Peer, bytes: usize| {
        post.deliver(from, control(job(), step::HEAD, vec![b' '; bytes]));
    };
    for bytes in [0, 1000, 100_000] {
        (0..5000).for_each(|_| ask(Peer::Next, bytes));
        ask(Peer::Previous, bytes);
        let waiting: Vec<_> = line.try_iter().collect();
        let of_peer = waiting.iter().filter(|(from, _)| *from == Peer::Next).count();
        assert_eq!(waiting.len(), of_peer + 1, "the other peer is heard");
        assert!((100..=512).contains(&of_peer), "{of_peer} of {bytes} bytes");
        // What was heard makes room.
        waiting.iter().for_each(|inquiry| post.heard(inquiry));
    }
    // However long it is, one is heard when none is waiting.
    ask(Peer::Next, 40 << 20);
    ask(Peer::Next, 0);
    assert_eq!(line.try_iter().count(), 1);
}

#[test]
fn a_name_stays_where_it_is_on_all_three_when_an_earlier_table_is_settled() {
    let world = World::new();
    let named = |values: &[u64]| world.upload(&[("a", "int[min=0,max=15]", values)], Some("survey"));
    let earlier = named(&[1, 5]);
    world.nodes[0].store.leave(earlier.handle).unwrap();
    let later = named(&[1, 5, 9]);
    world.nodes[0].settling.doubt(earlier.handle);
    wait_until_settled(&world, earlier.handle);
    for node in &world.nodes {
        assert_eq!(node.store.named("survey").unwrap(), Some(later.handle));
        assert_eq!(node.store.table(earlier.handle).unwrap().unwrap().name, None);
    }
}

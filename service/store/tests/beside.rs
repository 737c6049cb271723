//! The log beside the database: what others do while one of the two is being synced.

#![allow(clippy::unwrap_used)]

mod machine;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use machine::Machine;
use vdl_command::Digest;

/// Does `work` beside the caller, and waits until it is done or held up.
fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> thread::JoinHandle<T> {
    let (done, is_done) = mpsc::channel();
    let working = thread::spawn(move || {
        let made = work();
        // Whoever waited too long has gone on.
        let _ = done.send(());
        made
    });
    let _ = is_done.recv_timeout(Duration::from_millis(300));
    working
}

#[test]
fn what_is_durable_has_its_line_whoever_writes_at_the_same_time() {
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = Arc::new(machine.open().unwrap());
    store.append_log(b"one\n").unwrap();
    let (other, (workers, worker)) = (store.clone(), mpsc::channel());
    // Between the sync of the log and that of the database somebody writes a line, and what it is about.
    machine.meanwhile(move || {
        let write = move || {
            other.append_log(b"two\n").unwrap();
            other.keep_witness(1, b"two").unwrap();
        };
        workers.send(beside(write)).unwrap();
    });
    store.end(Digest([7; 32]), "survey").unwrap();
    worker.recv().unwrap().join().unwrap();
    machine.alive_for(0);
    drop(store);
    let store = machine.restart(true);
    let log = store.log_end(100).unwrap();
    assert!(store.ended(Digest([7; 32])).unwrap().is_some() && log.starts_with(b"one\n"));
    assert!(store.witness(1).unwrap().is_none() || log.ends_with(b"two\n"), "there is no line about it");
}

#[test]
fn what_is_shown_of_the_log_is_on_the_disk_when_it_is_flushed() {
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = Arc::new(machine.open().unwrap());
    store.append_log(b"one\n").unwrap();
    let (other, disk, (readers, reader)) = (store.clone(), machine.clone(), mpsc::channel());
    // The line is in the file, and the one who wrote it has not said so yet.
    machine.meanwhile(move || {
        let read = move || {
            let part = other.log_part(0, 100).unwrap();
            other.flush().unwrap();
            (part, disk.synced_log())
        };
        readers.send(beside(read)).unwrap();
    });
    store.append_log(b"two\n").unwrap();
    let (shown, synced) = reader.recv().unwrap().join().unwrap();
    assert!(synced.starts_with(&shown), "{shown:?} was shown, and {synced:?} is what a crash leaves");
}

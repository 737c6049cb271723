//! A store killed between any two of its steps: what was confirmed is there, what was not is not.

#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;
use vdl_command::{Digest, Handle, Nonce, TableMeta};
use vdl_share::{ColumnShares, Planes, Shared, TableShares};
use vdl_store::{Disk, DiskError, KeptRun, RunKey, Started, State, Store, StoreError, Tape};

/// The machine below a store: after so many calls it is dead, and stays so until it is restarted.
#[derive(Clone, Default)]
struct Machine {
    left: Arc<AtomicUsize>,
    files: Arc<Mutex<Files>>,
    database: Arc<Mutex<Cells>>,
    log: Arc<Mutex<Cells>>,
}

/// A file that changes in place.
#[derive(Default)]
struct Cells {
    now: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Default)]
struct Files {
    now: std::collections::BTreeMap<String, Vec<u8>>,
    /// What a loss of power leaves: the folder as it was when it was last synced.
    synced: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Machine {
    fn step(&self) -> io::Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| io::Error::other("the power is off"))
    }

    fn alive_for(&self, calls: usize) {
        self.left.store(calls, Ordering::SeqCst);
    }

    /// Starts again, with or without what had not been synced.
    fn restart(&self, power_lost: bool) -> Store {
        self.alive_for(usize::MAX);
        if power_lost {
            let mut files = self.files.lock().unwrap();
            files.now = files.synced.clone();
            for file in [&self.database, &self.log] {
                let cells = &mut *file.lock().unwrap();
                cells.now.clone_from(&cells.synced);
            }
        }
        self.open().unwrap()
    }

    fn open(&self) -> Result<Store, StoreError> {
        Store::with(Backend(self.clone()), Box::new(self.clone()), Box::new(self.clone()))
    }
}

impl Disk for Machine {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        // Killed in the middle of a write: half of it is there.
        if let Err(error) = self.step() {
            self.files.lock().unwrap().now.insert(name.into(), bytes[..bytes.len() / 2].to_vec());
            return Err(error.into());
        }
        self.files.lock().unwrap().now.insert(name.into(), bytes.to_vec());
        self.step().map_err(DiskError::Sync)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        let mut files = self.files.lock().unwrap();
        let bytes = files.now.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.now.insert(to.into(), bytes);
        Ok(())
    }

    fn sync_folder(&self) -> Result<(), DiskError> {
        self.step().map_err(DiskError::Sync)?;
        let mut files = self.files.lock().unwrap();
        files.synced = files.now.clone();
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.step()?;
        self.files.lock().unwrap().now.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        self.files.lock().unwrap().now.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.step()?;
        Ok(self.files.lock().unwrap().now.keys().cloned().collect())
    }
}

impl Tape for Machine {
    fn end(&self, most: u64) -> io::Result<Vec<u8>> {
        self.step()?;
        let log = self.log.lock().unwrap();
        Ok(log.now.iter().skip(log.now.len().saturating_sub(most as usize)).copied().collect())
    }

    fn append(&self, bytes: &[u8]) -> Result<(), DiskError> {
        // Killed in the middle: half of the line is there.
        if let Err(error) = self.step() {
            self.log.lock().unwrap().now.extend_from_slice(&bytes[..bytes.len() / 2]);
            return Err(error.into());
        }
        self.log.lock().unwrap().now.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.step()?;
        let log = &mut *self.log.lock().unwrap();
        log.synced.clone_from(&log.now);
        Ok(())
    }

    fn cut(&self, bytes: u64) -> Result<(), DiskError> {
        self.step()?;
        let mut log = self.log.lock().unwrap();
        let left = log.now.len() - bytes as usize;
        log.now.truncate(left);
        Ok(())
    }
}

/// The database's file on the same machine.
struct Backend(Machine);

impl Backend {
    fn cells(&self) -> MutexGuard<'_, Cells> {
        self.0.database.lock().unwrap()
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Backend")
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.cells().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (cells, start) = (self.cells(), offset as usize);
        out.copy_from_slice(cells.now.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.step()?;
        self.cells().now.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.step()?;
        let cells = &mut *self.cells();
        cells.synced.clone_from(&cells.now);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.step()?;
        let (mut cells, start) = (self.cells(), offset as usize);
        cells.now[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

fn handle(n: u8) -> Handle {
    Handle([n; 32])
}

fn meta(n: u8) -> TableMeta {
    let column = vdl_command::ColumnMeta { name: "a".into(), ctype: "int[min=0,max=255]".parse().unwrap() };
    TableMeta {
        handle: handle(n),
        name: Some("survey".into()),
        rows: 3,
        columns: vec![column.clone(), column],
        sorted: Vec::new(),
        rules: None,
    }
}

fn planes(values: &[u64]) -> Shared<Planes> {
    Shared { own: Planes::from_values(values, 8), next: Planes::from_values(values, 8) }
}

fn shares(n: u64) -> TableShares {
    let column = || ColumnShares { bits: planes(&[n, n + 1, n + 2]).into(), ..ColumnShares::default() };
    let selected =
        Shared { own: Planes::from_values(&[1, 0, 1], 1), next: Planes::from_values(&[0, 1, 1], 1) };
    TableShares { rows: 3, columns: vec![column(), column()], selected: Some(selected) }
}

fn first_value(shares: &TableShares) -> u64 {
    shares.columns[1].bits.get().unwrap().own.to_values()[0]
}

#[test]
fn an_upload_killed_between_any_two_steps_is_there_whole_or_not_at_all() {
    for power_lost in [false, true] {
        let mut acknowledged = 0;
        for calls in 0..200 {
            let machine = Machine::default();
            machine.alive_for(usize::MAX);
            let store = machine.open().unwrap();
            store.prepare(&meta(1), &shares(10)).unwrap();
            store.commit(handle(1)).unwrap();
            machine.alive_for(calls);
            let prepared = store.prepare(&meta(2), &shares(20));
            let committed = prepared.is_ok() && store.commit(handle(2)).is_ok();
            drop(store);
            let store = machine.restart(power_lost);
            // What was there stays, whatever happens.
            assert_eq!(first_value(&store.load(handle(1)).unwrap()), 10, "killed after {calls}");
            let state = store.state(handle(2)).unwrap();
            if committed {
                acknowledged += 1;
                assert_eq!(state, Some(State::Live), "an acknowledged upload is gone, killed after {calls}");
                assert_eq!(store.named("survey").unwrap(), Some(handle(2)));
            } else {
                assert!(store.named("survey").unwrap().is_some());
            }
            match state {
                Some(_) => assert_eq!(first_value(&store.load(handle(2)).unwrap()), 20),
                None => assert!(matches!(store.load(handle(2)), Err(StoreError::Unknown(_)))),
            }
            // And it goes on working.
            store.prepare(&meta(3), &shares(30)).unwrap();
            store.commit(handle(3)).unwrap();
            assert_eq!(store.table(handle(3)).unwrap().unwrap().name, Some("survey".into()));
            assert_eq!(store.table(handle(1)).unwrap().unwrap().name, None);
        }
        assert!(acknowledged > 0, "no crash point lay behind the end");
    }
}

fn run(n: u8) -> RunKey {
    RunKey { approval: Digest([7; 32]), nonce: Nonce([n; 32]) }
}

/// Start `name` with nonce `n`, of an approval for `limit` runs.
fn start(store: &Store, name: u8, n: u8, limit: Option<u64>) -> Result<Started, StoreError> {
    store.start_run(run(n), Nonce([name; 32]), limit, b"envelope", &[0])
}

#[test]
fn a_run_that_was_answered_stays_used_whenever_the_kill_comes() {
    let mut answered = 0;
    for calls in 0..80 {
        let machine = Machine::default();
        machine.alive_for(usize::MAX);
        let store = machine.open().unwrap();
        machine.alive_for(calls);
        let started = start(&store, 1, 1, Some(1));
        drop(store);
        let store = machine.restart(true);
        if started.is_ok() {
            answered += 1;
            assert_eq!(store.runs_used(run(1).approval).unwrap(), 1, "killed after {calls}");
            let another = start(&store, 2, 2, Some(1));
            assert!(matches!(another, Err(StoreError::RunsUsedUp { limit: 1 })));
            let kept = KeptRun { envelope: b"envelope".to_vec(), state: vec![0] };
            assert_eq!(store.run(run(1)).unwrap(), Some(kept));
        }
    }
    assert!(answered > 0);
}

#[test]
fn a_run_is_counted_once_however_often_its_start_is_sent() {
    for power_lost in [false, true] {
        for calls in 0..80 {
            let machine = Machine::default();
            machine.alive_for(usize::MAX);
            let store = machine.open().unwrap();
            machine.alive_for(calls);
            let first = start(&store, 1, 1, Some(2)).ok();
            drop(store);
            let store = machine.restart(power_lost);
            let again = start(&store, 1, 2, Some(2)).unwrap();
            assert_eq!(again.run, 1, "killed after {calls}");
            assert_eq!(first.unwrap_or(again), again, "another run under the same name");
            assert_eq!(start(&store, 1, 3, Some(2)).unwrap(), again);
            assert_eq!(store.started(run(1).approval, Nonce([1; 32])).unwrap(), Some(again));
            // Another one gets the run that is left, and the first is still known after that.
            assert_eq!(start(&store, 2, 4, Some(2)).unwrap().run, 2);
            assert_eq!(start(&store, 1, 5, Some(2)).unwrap(), again);
            assert!(matches!(start(&store, 3, 6, Some(2)), Err(StoreError::RunsUsedUp { limit: 2 })));
            assert_eq!(store.runs_used(run(1).approval).unwrap(), 2);
        }
    }
}

/// How far run `n` has come, or nothing if it was never started.
fn state(store: &Store, n: u8) -> Option<u8> {
    store.run(run(n)).unwrap().map(|kept| kept.state[0])
}

#[test]
fn what_was_written_soon_is_whole_or_gone_and_never_out_of_order() {
    for power_lost in [false, true] {
        let mut flushed = 0;
        for calls in 0..60 {
            let machine = Machine::default();
            machine.alive_for(usize::MAX);
            let store = machine.open().unwrap();
            for n in [1, 2] {
                start(&store, n, n, None).unwrap();
            }
            machine.alive_for(calls);
            let first = (1..=3).take_while(|step| store.keep_run(run(1), &[*step]).is_ok()).count();
            let sure = first == 3 && store.flush().is_ok();
            let second = (1..=3).take_while(|step| store.keep_run(run(2), &[*step]).is_ok()).count();
            drop(store);
            let store = machine.restart(power_lost);
            let kept = [1, 2].map(|n| usize::from(state(&store, n).unwrap()));
            assert!(kept[0] <= first && kept[1] <= second, "{kept:?} was never written");
            assert!(kept[1] == 0 || kept[0] == 3, "the later write is there without the earlier one");
            if sure {
                flushed += 1;
                assert_eq!(kept[0], 3, "flushed and gone, killed after {calls}");
            }
        }
        assert!(flushed > 0, "no crash point lay behind the end");
    }
}

#[test]
fn a_durable_write_takes_along_what_was_written_soon() {
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = machine.open().unwrap();
    start(&store, 1, 1, None).unwrap();
    store.keep_run(run(1), &[1]).unwrap();
    store.prepare(&meta(1), &shares(1)).unwrap();
    // Nothing is left to do: a machine that is off does not matter.
    machine.alive_for(0);
    store.flush().unwrap();
    drop(store);
    assert_eq!(state(&machine.restart(true), 1), Some(1));
}

#[test]
fn a_logged_line_is_on_the_tape_before_the_run_counts() {
    for power_lost in [false, true] {
        let mut counted = 0;
        for calls in 0..80 {
            let machine = Machine::default();
            machine.alive_for(usize::MAX);
            let store = machine.open().unwrap();
            machine.alive_for(calls);
            let _ = store.append_log(b"a run\n").and_then(|()| start(&store, 1, 1, None));
            drop(store);
            let store = machine.restart(power_lost);
            if store.runs_used(run(1).approval).unwrap() == 1 {
                counted += 1;
                assert_eq!(store.log_end(100).unwrap(), b"a run\n", "killed after {calls}");
            }
        }
        assert!(counted > 0);
    }
}

#[test]
fn what_was_logged_is_durable_after_a_flush_and_grows_at_its_end_only() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = machine.open().unwrap();
    store.append_log(b"one\n").unwrap();
    store.flush().unwrap();
    store.append_log(b"two\n").unwrap();
    drop(store);
    assert!(machine.restart(true).log_end(100).unwrap().starts_with(b"one\n"));
    let file = Store::open(folder.path()).unwrap();
    ["one\n", "two\n", "thr"].iter().for_each(|line| file.append_log(line.as_bytes()).unwrap());
    assert_eq!(file.log_end(5).unwrap(), b"o\nthr");
    file.cut_log(3).unwrap();
    file.append_log(b"three\n").unwrap();
    drop(file);
    assert_eq!(std::fs::read(folder.path().join("audit.log")).unwrap(), b"one\ntwo\nthree\n");
}

#[test]
fn no_more_than_some_writes_wait_and_none_after_the_end() {
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = machine.open().unwrap();
    start(&store, 1, 1, None).unwrap();
    (0..300u16).for_each(|step| store.keep_run(run(1), &[(step / 2) as u8]).unwrap());
    machine.alive_for(0);
    drop(store);
    let kept = state(&machine.restart(true), 1).unwrap();
    assert!(kept >= 127, "only {kept} of 149");
    let store = machine.open().unwrap();
    store.keep_run(run(1), &[200]).unwrap();
    drop(store);
    assert_eq!(state(&machine.restart(true), 1), Some(200));
}

#[test]
fn a_failed_sync_is_fatal_and_a_full_disk_is_not() {
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = machine.open().unwrap();
    machine.alive_for(0);
    let full = store.prepare(&meta(1), &shares(1)).unwrap_err();
    assert!(!full.is_fatal(), "{full}");
    machine.alive_for(1);
    let unsynced = store.prepare(&meta(1), &shares(1)).unwrap_err();
    assert!(unsynced.is_fatal(), "{unsynced}");
}

#[test]
fn a_folder_whose_making_was_cut_off_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let unfinished = folder.path().join("catalogue.new");
    std::fs::write(&unfinished, b"half a database").unwrap();
    drop(Store::open(folder.path()).unwrap());
    assert!(!unfinished.exists());
    Store::open(folder.path()).unwrap();
}

#[test]
fn damaged_and_swapped_segments_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.prepare(&meta(1), &shares(1)).unwrap();
    store.commit(handle(1)).unwrap();
    let file = |part: &str| folder.path().join("segments").join(format!("{}.{part}", handle(1)));
    let [first, second] = ["0", "1"].map(|part| std::fs::read(file(part)).unwrap());
    assert_eq!(first, second, "the same column twice");
    let mut flipped = first.clone();
    *flipped.last_mut().unwrap() ^= 1;
    std::fs::write(file("0"), &flipped).unwrap();
    assert!(matches!(store.load(handle(1)), Err(StoreError::Damaged(_))));
    std::fs::write(file("0"), std::fs::read(file("selected")).unwrap()).unwrap();
    assert!(matches!(store.load(handle(1)), Err(StoreError::Damaged(_))));
    std::fs::remove_file(file("0")).unwrap();
    assert!(matches!(store.load(handle(1)), Err(StoreError::Damaged(_))));
    std::fs::write(file("0"), &first).unwrap();
    assert_eq!(first_value(&store.load(handle(1)).unwrap()), 1);
    assert!(matches!(Store::open(folder.path()), Err(StoreError::InUse)));
}

#[test]
fn what_no_row_mentions_is_swept_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.prepare(&meta(1), &shares(1)).unwrap();
    drop(store);
    let stray = folder.path().join("segments").join(format!("{}.0.new", handle(9)));
    std::fs::write(&stray, b"half").unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert!(!stray.exists());
    assert_eq!(store.in_doubt().unwrap(), [(handle(1), State::Pending)]);
    store.remove(handle(1)).unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("segments")).unwrap().count(), 0);
}

#[test]
fn a_memory_store_keeps_and_forgets_alike() {
    let store = Store::in_memory().unwrap();
    store.prepare(&meta(1), &shares(1)).unwrap();
    assert_eq!(store.table(handle(1)).unwrap(), None, "pending is not there yet");
    store.commit(handle(1)).unwrap();
    store.leave(handle(1)).unwrap();
    assert_eq!(store.table(handle(1)).unwrap(), None, "leaving is not there any more");
    store.remove(handle(1)).unwrap();
    assert_eq!(store.named("survey").unwrap(), None);
}

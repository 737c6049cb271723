//! The journal is on the disk before an answer is out, and its failures do not outlive it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use redb::StorageBackend;
use vdl_command::{Command, HoleName, Integer, Projection, Slot, TableRef};
use vdl_store::{Memory, MemoryTape, Store};

use super::runs::{approvers, begin, envelope_of, filter, keys, steps, terms};
use super::{World, codes, table};

/// The file below a journal: it can be held up at a sync, and forgets what was not synced.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    cells: Arc<Mutex<Cells>>,
    held: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Cells {
    now: Vec<u8>,
    synced: Vec<u8>,
}

impl Ground {
    fn cells(&self) -> MutexGuard<'_, Cells> {
        self.cells.lock().unwrap()
    }

    pub fn store(&self) -> Store {
        let (disk, tape) = (Box::new(Memory::default()), Box::new(MemoryTape::default()));
        Store::with(self.clone(), disk, tape).unwrap()
    }

    /// What a loss of power leaves.
    pub fn after_power_loss(&self) -> Ground {
        let synced = self.cells().synced.clone();
        let cells = Cells { now: synced.clone(), synced };
        Ground { cells: Arc::new(Mutex::new(cells)), ..Ground::default() }
    }
}

impl StorageBackend for Ground {
    fn len(&self) -> io::Result<u64> {
        Ok(self.cells().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = offset as usize;
        out.copy_from_slice(&self.cells().now[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.cells().now.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        while self.held.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        let cells = &mut *self.cells();
        cells.synced.clone_from(&cells.now);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = offset as usize;
        self.cells().now[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

pub(super) fn world_on(grounds: &[Ground; 3]) -> World {
    World::with(&approvers(), grounds.each_ref().map(Ground::store), |_, wire| wire)
}

/// Upload, project, filter.
fn short() -> Vec<Command> {
    let columns = vec![Projection { column: "a".into(), rename: None }];
    let upload = steps().remove(0);
    let project = Command::Project { table: TableRef::Step(0), columns };
    vec![upload, project, filter(TableRef::Step(1), Integer(4).into())]
}

#[test]
fn no_answer_leaves_before_the_journal_is_on_disk() {
    let grounds = [0, 1, 2].map(|_| Ground::default());
    let world = world_on(&grounds);
    let run = begin(&world, &envelope_of(&short(), &terms()));
    table(run.upload(&world, &keys().analyst));
    let slow = &grounds[1];
    slow.held.store(true, Ordering::SeqCst);
    // A projection opens nothing: it may be done again, so nobody waits for the disk.
    table(run.ask(&world, &run.signed(&keys().analyst, 1, &short()[1])));
    // A filter opens a count.
    let request = run.signed(&keys().analyst, 2, &short()[2]);
    thread::scope(|scope| {
        let answers = scope.spawn(|| run.ask(&world, &request));
        thread::sleep(Duration::from_millis(200));
        assert!(!answers.is_finished(), "an answer is out before its record is durable");
        slow.held.store(false, Ordering::SeqCst);
        table(answers.join().unwrap());
    });
    // What was answered is known after a loss of power: the step is not the next one any more.
    let after = grounds.each_ref().map(Ground::after_power_loss);
    drop(world);
    let world = world_on(&after);
    let other = run.signed(&keys().analyst, 2, &filter(TableRef::Step(1), Integer(5).into()));
    super::runs::refused_by_each(&world, &other, "step_repeated");
    super::runs::refused_by_each(&world, &request, "replayed");
}

#[test]
fn a_failed_journal_leaves_the_run_free() {
    let grounds = [0, 1, 2].map(|_| Ground::default());
    let world = world_on(&grounds);
    let run = begin(&world, &envelope_of(&short(), &terms()));
    table(run.upload(&world, &keys().analyst));
    // The disk of one server goes away; from then on its database refuses to write.
    table(run.ask(&world, &run.signed(&keys().analyst, 1, &short()[1])));
    grounds[1].broken.store(true, Ordering::SeqCst);
    world.nodes[1].store.flush().unwrap_err();
    for _ in 0..2 {
        let request = super::body(&run.signed(&keys().analyst, 2, &short()[2]), &[]);
        let refused = world.nodes[1].answer(vdl_command::Route::Command, &request).unwrap_err();
        assert_eq!(refused.code, "storage_failed", "a step that never began is not running: {refused:?}");
    }
}

#[test]
fn a_hole_bound_before_a_crash_is_not_bound_otherwise_after_it() {
    let hole = Slot::Hole(HoleName::parse("##limit##").unwrap());
    let script = vec![short().remove(0), filter(TableRef::Step(0), hole)];
    let with = |limit: i128| filter(TableRef::Step(0), Integer(limit).into());
    for crashed in 1..8u8 {
        let grounds = [0, 1, 2].map(|_| Ground::default());
        let world = world_on(&grounds);
        let run = begin(&world, &envelope_of(&script, &terms()));
        table(run.upload(&world, &keys().analyst));
        table(run.ask(&world, &run.signed(&keys().analyst, 1, &with(4))));
        let lost: [Ground; 3] = grounds.each_ref().map(Ground::after_power_loss);
        drop(world);
        let grounds: Vec<Ground> = (0..3)
            .map(|node| if crashed >> node & 1 == 1 { lost[node].clone() } else { grounds[node].clone() })
            .collect();
        let world = world_on(&grounds.try_into().unwrap());
        let answers = codes(&run.ask(&world, &run.signed(&keys().analyst, 1, &with(5))));
        assert!(answers.iter().all(|code| code == "step_repeated"), "{crashed:03b}: {answers:?}");
    }
}

//! A store killed between any two of its steps: what was confirmed is there, what was not is not.

#![allow(clippy::unwrap_used)]

mod machine;

use machine::Machine;
use vdl_command::{Digest, Handle, JobId, Nonce, TableMeta};
use vdl_share::{ColumnShares, Planes, Shared, TableShares};
use vdl_store::{KeptRun, RunKey, Started, State, Store, StoreError};

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

/// On servers that were in no doubt the first table had the name first and the last one has it.
#[test]
fn a_table_that_was_in_doubt_takes_no_name_from_one_that_came_after_it() {
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = machine.open().unwrap();
    let upload = |n: u8| {
        store.prepare(&meta(n), &shares(10)).unwrap();
        store.commit(handle(n)).unwrap();
    };
    // In doubt when it came, and when it was to go.
    store.prepare(&meta(1), &shares(10)).unwrap();
    upload(2);
    store.commit(handle(1)).unwrap();
    assert_eq!(store.named("survey").unwrap(), Some(handle(2)));
    store.leave(handle(2)).unwrap();
    upload(3);
    store.commit(handle(2)).unwrap();
    assert_eq!(store.named("survey").unwrap(), Some(handle(3)));
    // Nor when the later one, or the earlier one, is gone again.
    store.prepare(&meta(4), &shares(10)).unwrap();
    upload(5);
    store.remove(handle(5)).unwrap();
    store.commit(handle(4)).unwrap();
    assert_eq!(store.named("survey").unwrap(), None);
    // Whoever asks for it gets it, also back; and a doubt about who has it takes it from nobody.
    store.rename(handle(1), Some("survey")).unwrap();
    store.rename(handle(4), Some("survey")).unwrap();
    store.rename(handle(1), Some("survey")).unwrap();
    store.rename(handle(4), None).unwrap();
    assert_eq!(store.named("survey").unwrap(), Some(handle(1)));
    store.prepare(&meta(6), &shares(10)).unwrap();
    store.leave(handle(1)).unwrap();
    store.commit(handle(1)).unwrap();
    assert_eq!(store.named("survey").unwrap(), Some(handle(1)));
    store.commit(handle(6)).unwrap();
    assert_eq!(store.named("survey").unwrap(), Some(handle(6)));
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
            let (envelope, state) = (b"envelope".to_vec(), vec![0]);
            let (jobs, outputs) = Default::default();
            let kept = KeptRun { envelope, state, jobs, outputs };
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

#[test]
fn a_policy_and_a_revocation_that_were_answered_are_never_replaced_and_never_gone() {
    let mut answered = 0;
    for power_lost in [false, true] {
        for calls in 0..60 {
            let machine = Machine::default();
            machine.alive_for(usize::MAX);
            let store = machine.open().unwrap();
            let keep = |store: &Store, policy: u32, text: &[u8]| {
                store.keep_rules(&[(policy, text.to_vec())], &[(Digest([policy as u8; 32]), text.to_vec())])
            };
            keep(&store, 1, b"first").unwrap();
            machine.alive_for(calls);
            let kept = keep(&store, 2, b"second").is_ok();
            drop(store);
            let store = machine.restart(power_lost);
            let both = |store: &Store| {
                let revocations = store.revocations().unwrap();
                let policies = store.policies().unwrap();
                assert_eq!(revocations.len(), policies.len(), "half of it is there, killed after {calls}");
                assert!(policies.iter().zip(&revocations).all(|(one, other)| one.1 == other.1));
                policies.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
            };
            let found = both(&store);
            assert_eq!(found[0], b"first");
            assert!(!kept || found.len() == 2, "what was answered is gone, killed after {calls}");
            answered += usize::from(kept);
            keep(&store, 1, b"another first").unwrap();
            keep(&store, 2, b"second").unwrap();
            assert_eq!(both(&store), [b"first".to_vec(), b"second".to_vec()]);
        }
    }
    assert!(answered > 0, "no crash point lay behind the end");
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
            let first = (1..=3).take_while(|step| store.keep_run(run(1), &[*step], &[], &[]).is_ok()).count();
            let sure = first == 3 && store.flush().is_ok();
            let second =
                (1..=3).take_while(|step| store.keep_run(run(2), &[*step], &[], &[]).is_ok()).count();
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
fn attempts_and_tables_come_to_a_run_one_by_one_and_each_with_its_state() {
    let (job, table) = (|n: u8| JobId([n; 32]), |n: u8| Handle([n; 32]));
    for power_lost in [false, true] {
        for calls in 0..60 {
            let machine = Machine::default();
            machine.alive_for(usize::MAX);
            let store = machine.open().unwrap();
            for n in [1, 2] {
                start(&store, n, n, None).unwrap();
            }
            machine.alive_for(calls);
            let keep = |n: u8| store.keep_run(run(1), &[n], &[job(n)], &[(n.into(), table(n))]);
            let kept = (1..=3).take_while(|n| keep(*n).is_ok()).count() as u8;
            drop(store);
            let store = machine.restart(power_lost);
            let found = store.run(run(1)).unwrap().unwrap();
            let last = found.state[0];
            assert!(last <= kept, "killed after {calls}");
            assert!(found.jobs.iter().copied().eq((1..=last).map(job)));
            assert!(found.outputs.into_iter().eq((1..=last).map(|n| (n.into(), table(n)))));
            let other = store.run(run(2)).unwrap().unwrap();
            assert!(other.jobs.is_empty() && other.outputs.is_empty(), "they belong to one run");
        }
    }
}

#[test]
fn what_an_approval_fixed_survives_whenever_the_kill_comes() {
    let (mut fixed, mut ended) = (0, 0);
    for power_lost in [false, true] {
        for calls in 0..60 {
            let machine = Machine::default();
            machine.alive_for(usize::MAX);
            let store = machine.open().unwrap();
            machine.alive_for(calls);
            let names = [("survey", handle(1)), ("medical", handle(2))];
            let first = store.fix(Digest([7; 32]), &names, Some(2)).is_ok();
            let end = first && store.end(Digest([7; 32]), "survey").is_ok();
            drop(store);
            let store = machine.restart(power_lost);
            let found = ["survey", "medical"].map(|name| store.fixed(Digest([7; 32]), name).unwrap());
            let used = store.uses(Digest([7; 32])).unwrap();
            let whole = (found == [Some(handle(1)), Some(handle(2))] && used == 1)
                || (found == [None; 2] && used == 0);
            assert!(whole, "killed after {calls}: {found:?}, {used}");
            assert!(!first || used == 1, "fixed and gone, killed after {calls}");
            assert!(!end || store.ended(Digest([7; 32])).unwrap() == Some("survey".into()));
            assert_eq!(store.fixed(Digest([8; 32]), "survey").unwrap(), None, "another approval");
            fixed += u32::from(first);
            ended += u32::from(end);
        }
    }
    assert!(fixed > 0 && ended > 0, "no crash point lay behind the end");
}

#[test]
fn no_use_is_counted_beyond_the_limit_and_no_name_fixed_twice() {
    let store = Store::in_memory().unwrap();
    let approval = Digest([7; 32]);
    store.fix(approval, &[("survey", handle(1))], Some(2)).unwrap();
    let rebound = store.fix(approval, &[("other", handle(3)), ("survey", handle(2))], Some(2));
    assert_eq!(rebound.unwrap_err().code(), "name_rebound");
    assert_eq!((store.fixed(approval, "other").unwrap(), store.uses(approval).unwrap()), (None, 1));
    assert_eq!(store.fixed(approval, "survey").unwrap(), Some(handle(1)));
    let used = std::thread::scope(|scope| {
        let asked = [0; 8].map(|_| scope.spawn(|| store.fix(approval, &[], Some(2)).is_ok()));
        asked.into_iter().filter_map(|asked| asked.join().unwrap().then_some(())).count()
    });
    assert_eq!((used, store.uses(approval).unwrap()), (1, 2));
    assert_eq!(store.fix(approval, &[], Some(2)).unwrap_err().code(), "uses_used_up");
}

#[test]
fn a_durable_write_takes_along_what_was_written_soon() {
    let machine = Machine::default();
    machine.alive_for(usize::MAX);
    let store = machine.open().unwrap();
    start(&store, 1, 1, None).unwrap();
    store.keep_run(run(1), &[1], &[], &[]).unwrap();
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
    (0..300u16).for_each(|step| store.keep_run(run(1), &[(step / 2) as u8], &[], &[]).unwrap());
    machine.alive_for(0);
    drop(store);
    let kept = state(&machine.restart(true), 1).unwrap();
    assert!(kept >= 127, "only {kept} of 149");
    let store = machine.open().unwrap();
    store.keep_run(run(1), &[200], &[], &[]).unwrap();
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

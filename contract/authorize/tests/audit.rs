//! Three logs as three servers write them, and what is done to them afterwards.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use vdl_authorize::audit::{
    Event, Finding, Head, LONGEST_ENTRY, Log, MOST_LISTED, compare_logs, job_digest, read_log, sign_head,
    tables_digest, verify_head,
};
use vdl_authorize::{Revoked, SigningKey};
use vdl_command::{Digest, Handle, Nonce};

/// A server that keeps a log.
struct Server {
    node: u8,
    key: SigningKey,
    head: Head,
    lines: Vec<Vec<u8>>,
}

impl Server {
    fn new(node: u8) -> Self {
        let key = key(40 + node);
        let mut server = Server { node, key, head: Head::START, lines: Vec::new() };
        let key = server.public();
        server.note(Event::Opened { node, environment: HERE.into(), version: "0.1.0".into(), key });
        server.note(Event::Policy { version: 1, digest: Digest([6; 32]), pinned: true });
        server
    }

    fn public(&self) -> String {
        public(&self.key)
    }

    fn note(&mut self, event: Event) {
        let (line, head) = self.head.follow(NOW, event).unwrap();
        self.lines.push(line);
        self.head = head;
    }

    fn bytes(&self) -> Vec<u8> {
        self.lines.concat()
    }
}

/// Everybody signs everybody's head, as after the start and the end of a run.
fn countersign(servers: &mut [Server; 3]) {
    for of in 0..3 {
        let head = servers[of].head;
        for by in [(of + 1) % 3, (of + 2) % 3] {
            let node = servers[of].node;
            servers[by].note(Event::Countersigned { node, sequence: head.sequence, head: head.digest });
            let signature = sign_head(&servers[by].key, HERE, node, head);
            let (by, key) = (servers[by].node, servers[by].public());
            let sequence = head.sequence;
            servers[of].note(Event::Witnessed { by, key, sequence, head: head.digest, signature });
        }
    }
}

fn public(key: &SigningKey) -> String {
    key.verifying_key().to_base64().unwrap()
}

fn a_run(server: &mut Server, run: u64) {
    let (approval, nonce) = (Digest([7; 32]), Nonce([run as u8; 32]));
    let (script, purpose) = (Some("mean age".into()), Some("a study of \"strokes\"".into()));
    let (analyst, start) = (public(&analyst()), Nonce([1; 32]));
    server.note(Event::Run { approval, analyst, script, purpose, start, nonce, run });
    server.note(Event::Resolved { approval, name: "survey".into(), table: Handle([0; 32]) });
    for step in 0..3 {
        // The number itself, as in logs of before: they are read as ever.
        let job = Digest(job(10 * run as u8 + step as u8).0);
        let tables = vec![Handle([step as u8; 32])];
        let command = Digest([step as u8; 32]);
        server.note(Event::Step { approval, nonce, step, job, command, tables, all_tables: None });
        server.note(Event::Done { job, outcome: "table".into(), table: Some(Handle([9; 32])) });
    }
    if run == 2 {
        server.note(Event::Void { approval, name: "survey".into() });
        server.note(Event::Refused { approval, code: "approval_void".into() });
    }
    server.note(Event::Closed { approval, nonce });
    let revokes = Revoked::Analyst(public(&bob()));
    server.note(Event::Revoked { digest: Digest([8; 32]), revokes });
}

/// Two runs, countersigned before, between and after.
fn three() -> [Server; 3] {
    let mut servers = [0, 1, 2].map(Server::new);
    countersign(&mut servers);
    for run in 1..=2 {
        servers.iter_mut().for_each(|server| a_run(server, run));
        countersign(&mut servers);
    }
    servers
}

/// What is found when server 0 shows these lines instead of its own.
fn shown(lines: &[Vec<u8>]) -> Vec<(usize, Finding)> {
    let servers = three();
    let (mine, mut findings) = numbered(0, &lines.concat());
    let (first, second) = (numbered(1, &servers[1].bytes()), numbered(2, &servers[2].bytes()));
    findings.extend(first.1.into_iter().chain(second.1));
    findings.extend(compare_logs(&[mine, first.0, second.0]));
    findings
}

fn numbered(at: usize, bytes: &[u8]) -> (Log, Vec<(usize, Finding)>) {
    let (log, findings) = read_log(bytes);
    (log, findings.into_iter().map(|finding| (at, finding)).collect())
}

/// The last entry of server 0 that a peer has signed.
fn last_signed(servers: &[Server; 3]) -> u64 {
    read_log(&servers[0].bytes()).0.witnessed_by(1).unwrap()
}

#[test]
fn three_honest_logs_are_whole() {
    let servers = three();
    assert_eq!(shown(&servers[0].lines), []);
    let (log, _) = read_log(&servers[0].bytes());
    assert_eq!((log.node, log.head()), (Some(0), servers[0].head));
    assert_eq!(log.witnessed_by(1), log.witnessed_by(2));
    assert_eq!(log.witnessed_by(0), None);
    assert_eq!(read_log(b""), (Log::default(), vec![]));
}

#[test]
fn logs_are_written_as_before() {
    for server in three() {
        let path = format!("{}/../../vectors/audit/node{}.log", env!("CARGO_MANIFEST_DIR"), server.node);
        if std::env::var_os("VDL_WRITE_VECTORS").is_some() {
            std::fs::write(&path, server.bytes()).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == server.bytes(), "{path} has changed; see vectors/README.md");
    }
}

#[test]
fn an_altered_entry_is_named() {
    let servers = three();
    let last = servers[0].lines.len() as u64;
    for at in 0..servers[0].lines.len() {
        let mut lines = servers[0].lines.clone();
        lines[at] = String::from_utf8(lines[at].clone()).unwrap().replace("179500", "179501").into();
        let sequence = at as u64 + 1;
        let found = shown(&lines);
        // Nobody has seen the last line yet; whoever writes it last may write it otherwise.
        assert_eq!(found.is_empty(), sequence == last, "entry {sequence}: {found:?}");
        for (log, finding) in found {
            let named = match finding {
                Finding::Altered { sequence } | Finding::Rewritten { sequence, .. } => sequence,
                other => panic!("entry {sequence}: {other:?}"),
            };
            assert_eq!((log, named), (0, sequence));
        }
    }
}

#[test]
fn a_deleted_entry_is_named() {
    let servers = three();
    for at in 0..servers[0].lines.len() - 1 {
        let mut lines = servers[0].lines.clone();
        lines.remove(at);
        let number = at as u64 + 1;
        let found = shown(&lines);
        assert!(found.contains(&(0, Finding::Missing { from: number, to: number })), "{number}: {found:?}");
    }
    let mut lines = servers[0].lines.clone();
    lines.drain(4..9);
    assert!(shown(&lines).contains(&(0, Finding::Missing { from: 5, to: 9 })));
}

#[test]
fn an_entry_swapped_with_its_neighbour_is_named() {
    let servers = three();
    for at in 0..servers[0].lines.len() - 1 {
        let mut lines = servers[0].lines.clone();
        lines.swap(at, at + 1);
        assert_eq!(shown(&lines), [(0, Finding::Reordered { sequence: at as u64 + 1 })]);
    }
    let mut lines = servers[0].lines.clone();
    lines.insert(9, lines[3].clone());
    assert_eq!(shown(&lines), [(0, Finding::Reordered { sequence: 4 })]);
}

#[test]
fn a_line_made_unreadable_hides_no_other() {
    let servers = three();
    for at in 1..servers[0].lines.len() - 3 {
        let mut lines = servers[0].lines.clone();
        lines[at] = b"{}\n".to_vec();
        assert!(shown(&lines).contains(&(0, Finding::Unreadable { line: at + 1 })));
        assert!(!shown(&lines).iter().any(|(_, found)| matches!(found, Finding::Missing { .. })));
        lines.remove(at + 1);
        let gone = at as u64 + 2;
        assert!(shown(&lines).contains(&(0, Finding::Missing { from: gone, to: gone })));
    }
}

#[test]
fn a_log_cut_off_is_known_by_what_the_others_signed() {
    let servers = three();
    let witnessed = last_signed(&servers);
    for kept in 1..servers[0].lines.len() {
        let found = shown(&servers[0].lines[..kept]);
        let last = kept as u64;
        for by in [1, 2] {
            let cut = (0, Finding::CutOff { last, witnessed, by });
            assert_eq!(found.contains(&cut), last < witnessed, "{kept}: {found:?}");
        }
    }
    let everything_gone = shown(&[]);
    assert_eq!(everything_gone, [], "an empty log says not even whose it is");
}

#[test]
fn a_chain_recomputed_after_a_change_is_not_the_one_that_was_signed() {
    let servers = three();
    let witnessed = last_signed(&servers);
    let (log, _) = read_log(&servers[0].bytes());
    for at in 1..usize::try_from(witnessed).unwrap() {
        let mut head = Head::START;
        let mut lines = Vec::new();
        for (place, found) in log.entries.iter().enumerate() {
            let time = found.entry.time + i64::from(place == at);
            let (line, next) = head.follow(time, found.entry.event.clone()).unwrap();
            lines.push(line);
            head = next;
        }
        let sequence = at as u64 + 1;
        let found = shown(&lines);
        assert!(!found.is_empty());
        for (log, finding) in found {
            let Finding::Rewritten { after, sequence: signed, .. } = finding else { panic!("{finding:?}") };
            assert_eq!(log, 0);
            assert!(after < sequence && sequence <= signed, "{sequence} is not within {after}..={signed}");
        }
    }
}

#[test]
fn a_server_alone_cannot_make_a_witness_up() {
    let mut servers = three();
    let head = servers[0].head;
    let honest = servers[0].lines.clone();
    let by_itself = sign_head(&servers[0].key, HERE, 0, head);
    let of_another_log = sign_head(&servers[1].key, HERE, 2, head);
    let elsewhere = sign_head(&servers[1].key, "design", 0, head);
    let (mine, theirs) = (servers[0].public(), servers[1].public());
    let forged = [(mine, by_itself), (theirs.clone(), of_another_log), (theirs, elsewhere)];
    for (key, signature) in forged {
        servers[0].lines = honest.clone();
        servers[0].head = head;
        let (sequence, digest) = (head.sequence, head.digest);
        servers[0].note(Event::Witnessed { by: 1, key, sequence, head: digest, signature });
        let bad = Finding::BadWitness { sequence: sequence + 1, by: 1 };
        assert!(shown(&servers[0].lines).contains(&(0, bad)));
    }
}

#[test]
fn a_server_cannot_forget_what_it_signed() {
    let servers = three();
    let (log, _) = read_log(&servers[1].bytes());
    let mut head = Head::START;
    let mut bytes = Vec::new();
    let forgotten = |event: &Event| matches!(event, Event::Countersigned { node: 0, .. });
    for found in log.entries.iter().filter(|found| !forgotten(&found.entry.event)) {
        let (line, next) = head.follow(found.entry.time, found.entry.event.clone()).unwrap();
        bytes.extend(line);
        head = next;
    }
    let logs = [read_log(&servers[0].bytes()).0, read_log(&bytes).0];
    assert!(compare_logs(&logs).contains(&(1, Finding::Forgotten { of: 0, sequence: 2 })));
}

#[test]
fn a_restored_backup_says_so_and_is_nothing_worse() {
    let mut servers = three();
    let known = servers[0].head;
    countersign(&mut servers);
    // The folder of server 0 is put back to the middle of the second run; it writes two more lines
    // before it shows its head, and server 1 knows a later one.
    let kept = 20;
    servers[0].lines.truncate(kept);
    servers[0].head = read_log(&servers[0].bytes()).0.head();
    servers[0].note(Event::Recovered { cut: 3 });
    let (missing_from, missing_to) = (kept as u64 + 1, known.sequence);
    servers[0].note(Event::Restored { missing_from, missing_to, head: known.digest });
    a_run(&mut servers[0], 3);
    countersign(&mut servers);

    let logs: Vec<_> = servers.iter().map(|server| read_log(&server.bytes())).collect();
    assert_eq!(logs[0].1, [Finding::Restored { from: missing_from, to: missing_to }]);
    assert_eq!((&logs[1].1, &logs[2].1), (&vec![], &vec![]));
    let read: Vec<Log> = logs.into_iter().map(|(log, _)| log).collect();
    assert_eq!(compare_logs(&read), []);
}

#[test]
fn damage_of_any_kind_ends_nobody() {
    let servers = three();
    let whole = servers[0].bytes();
    for (at, flip) in (0..whole.len()).step_by(7).zip([1_u8, 0x80, 0xFF, 0x20].into_iter().cycle()) {
        let mut bytes = whole.clone();
        bytes[at] ^= flip;
        let (log, findings) = read_log(&bytes);
        assert!(!findings.is_empty() || log.head().digest != servers[0].head.digest, "byte {at}");
        compare_logs(&[log]);
        let (log, _) = read_log(&whole[..at]);
        compare_logs(&[log]);
    }
    let far = r#"{"sequence":9007199254740992,"time":0,"previous":"00","event":{"recovered":{"cut":0}}}"#;
    read_log(far.replace("00", &"0".repeat(64)).as_bytes());
}

#[test]
fn an_entry_that_is_too_long_is_not_written() {
    let code = "x".repeat(LONGEST_ENTRY);
    assert!(Head::START.follow(NOW, Event::Refused { approval: Digest([0; 32]), code }).is_err());
    assert!(Head::START.follow(i64::MAX, Event::Recovered { cut: 0 }).is_err());
}

#[test]
fn a_step_that_reads_more_tables_than_fit_in_an_entry_names_them_all_by_a_digest() {
    let tables: Vec<Handle> = (0..MOST_LISTED + 1).map(|at| Handle([at as u8; 32])).collect();
    let digest = tables_digest(&tables);
    let (approval, nonce, command) = (Digest([7; 32]), Nonce([1; 32]), Digest([2; 32]));
    let listed = tables[..MOST_LISTED].to_vec();
    let step = Event::Step {
        approval,
        nonce,
        step: 0,
        job: job_digest(job(1)),
        command,
        tables: listed,
        all_tables: Some(digest),
    };
    let (line, _) = Head::START.follow(NOW, step.clone()).unwrap();
    assert!(line.len() <= LONGEST_ENTRY / 2 + 2000, "{}", line.len());
    let (log, findings) = read_log(&line);
    assert_eq!((&log.entries[0].entry.event, findings), (&step, Vec::new()));
    assert!(step.to_string().ends_with(&format!("{} and more, all together {digest}", Handle([243; 32]))));
    // Another order, one fewer or one more is another list.
    let mut other = tables.clone();
    other.swap(0, 1);
    assert!(
        ![&other[..], &tables[1..], &[&tables[..], &tables[..1]].concat()]
            .map(tables_digest)
            .contains(&digest)
    );
}

#[test]
fn a_log_names_a_job_by_a_digest_that_everybody_can_compute_who_knows_its_number() {
    let mut hasher = blake3::Hasher::new_derive_key("vdl audit job 1");
    hasher.update(&[7; 32]);
    let named = job_digest(job(7));
    assert_eq!(named, Digest(*hasher.finalize().as_bytes()));
    assert_ne!(named, Digest([7; 32]));
    assert_ne!(named, job_digest(job(8)));
}

#[test]
fn a_head_is_signed_for_one_server_one_place_and_one_entry() {
    let (key, head) = (alice(), Head { sequence: 5, digest: Digest([3; 32]) });
    let public = key.verifying_key();
    let signature = sign_head(&key, HERE, 1, head);
    assert!(verify_head(&public, HERE, 1, head, &signature));
    let later = Head { sequence: 6, ..head };
    let other = Head { digest: Digest([4; 32]), ..head };
    assert!(!verify_head(&public, HERE, 2, head, &signature));
    assert!(!verify_head(&public, "here\",\"node\":1", 1, head, &signature));
    assert!(!verify_head(&public, HERE, 1, later, &signature));
    assert!(!verify_head(&public, HERE, 1, other, &signature));
    assert!(!verify_head(&bob().verifying_key(), HERE, 1, head, &signature));
}

#[test]
fn the_sentences_say_what_happened_and_cannot_be_painted_on() {
    let servers = three();
    let (log, _) = read_log(&servers[0].bytes());
    let said: Vec<String> = log.entries.iter().map(|found| found.entry.event.to_string()).collect();
    assert!(said[0].starts_with("server 0 of \"production\" starts, version 0.1.0, key "));
    assert!(said.iter().any(|line| line.contains("purpose \"a study of \\\"strokes\\\"\"")));
    let void = Event::Void { approval: Digest([0; 32]), name: "a\n\u{202e}b".into() };
    assert!(void.to_string().contains(r#""a\n\u{202e}b""#));
}

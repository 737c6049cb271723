//! `vdl audit` as an auditor uses it: the real binary, three logs in a folder.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;
use vdl_authorize::SigningKey;
use vdl_authorize::audit::{Event, Head, job_digest, sign_head};
use vdl_command::{Digest, Handle, JobId, Nonce};

const APPROVAL: Digest = Digest([0xA1; 32]);

/// `node0.log`, `node1.log` and `node2.log`: one run, then every head signed by the next server.
struct Logs {
    folder: TempDir,
}

impl Logs {
    fn new() -> Self {
        let logs = Self { folder: TempDir::new().unwrap() };
        let keys = [1, 2, 3].map(|seed| SigningKey::from_seed([seed; 32]));
        let public = |node: usize| keys[node].verifying_key().to_base64().unwrap();
        let mut heads = [Head::START; 3];
        let mut note = |node: usize, event: Event| {
            let (line, head) = heads[node].follow(1_795_305_600, event).unwrap();
            heads[node] = head;
            let mut log = fs::read(logs.path(node)).unwrap_or_default();
            log.extend(line);
            fs::write(logs.path(node), log).unwrap();
            head
        };
        let environment = || "production".to_owned();
        for node in 0..3 {
            let version = "0.1.0".to_owned();
            let key = public(node);
            note(node, Event::Opened { node: node as u8, environment: environment(), version, key });
            let head = a_run(|event| note(node, event));
            let by = (node + 1) % 3;
            let signature = sign_head(&keys[by], "production", node as u8, head);
            let (sequence, digest) = (head.sequence, head.digest);
            note(node, Event::Witnessed { by: by as u8, key: public(by), sequence, head: digest, signature });
        }
        logs
    }

    fn path(&self, node: usize) -> std::path::PathBuf {
        self.folder.path().join(format!("node{node}.log"))
    }

    fn vdl(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let run = Command::new(env!("CARGO_BIN_EXE_vdl"));
        let Output { status, stdout, stderr } =
            { run }.arg("audit").args(arguments).current_dir(self.folder.path()).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

fn a_run(mut note: impl FnMut(Event) -> Head) -> Head {
    let (nonce, job) = (Nonce([2; 32]), job_digest(JobId([3; 32])));
    let analyst = SigningKey::from_seed([9; 32]).verifying_key().to_base64().unwrap();
    let (script, start) = (Some("Mean age".to_owned()), Nonce([4; 32]));
    note(Event::Run { approval: APPROVAL, analyst, script, purpose: None, start, nonce, run: 1 });
    let (command, tables, all_tables) = (Digest([5; 32]), vec![Handle([6; 32])], None);
    note(Event::Step { approval: APPROVAL, nonce, step: 0, job, command, tables, all_tables });
    note(Event::Done { job, outcome: "opened".to_owned(), table: None });
    note(Event::Refused { approval: Digest([0xB2; 32]), code: "wrong_analyst".to_owned() })
}

#[test]
fn a_whole_log_ends_with_0_and_says_who_signed_it() {
    let logs = Logs::new();
    let (code, said, _) = logs.vdl(&["verify", "node0.log"]);
    assert_eq!(code, Some(0));
    assert_eq!(said, "server 0: 6 entries, whole; countersigned by server 1 up to 5\n");
}

#[test]
fn one_changed_character_ends_with_1_and_names_the_entry() {
    let logs = Logs::new();
    let text = fs::read_to_string(logs.path(0)).unwrap();
    fs::write(logs.path(0), text.replace(":\"opened\"", ":\"table\"")).unwrap();
    let (code, said, _) = logs.vdl(&["verify", "node0.log"]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("server 0: 6 entries, NOT WHOLE"), "{said}");
    assert!(
        said.contains("server 0: entry 4 was altered: the one behind it names another digest\n"),
        "{said}"
    );

    let (code, said, _) = logs.vdl(&["verify", "--json", "node0.log"]);
    assert_eq!(code, Some(1));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["format"], "vdl-audit/1");
    assert_eq!(said["logs"][0]["findings"][0]["altered"]["sequence"], 4);
    let (code, shown, error) = logs.vdl(&["show", "node0.log"]);
    assert_eq!(code, Some(1), "what was altered is shown, and not as if nothing were wrong");
    assert!(shown.contains("run 1 of approval") && error.contains("vdl audit verify"));
}

#[test]
fn logs_that_say_nothing_of_each_other_are_not_compared() {
    let logs = Logs::new();
    assert!(logs.vdl(&["verify", "node1.log", "node1.log"]).2.contains("a log of server 1, and so is one"));
    fs::write(logs.path(2), "").unwrap();
    assert!(logs.vdl(&["verify", "node1.log", "node2.log"]).2.contains("whose log it is"));
    // Server 1's log does not know that it signed the log of server 0.
    let (code, said, _) = logs.vdl(&["verify", "node0.log", "node1.log"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("server 1: it does not say that it signed entry 5 of server 0"), "{said}");
}

#[test]
fn one_sentence_an_entry_and_only_those_of_one_approval() {
    let logs = Logs::new();
    let (code, said, _) = logs.vdl(&["show", "node0.log"]);
    assert_eq!((code, said.lines().count()), (Some(0), 6));
    assert!(said.contains("refused under approval B2B2"), "{said}");
    let (_, said, _) = logs.vdl(&["show", "node0.log", "--approval", &APPROVAL.to_string()]);
    let ends: Vec<&str> = said.lines().filter_map(|line| line.split("UTC  ").nth(1)).collect();
    assert_eq!(ends.len(), 3, "{said}");
    assert!(ends[0].starts_with("run 1 of approval A1A1") && ends[2].ends_with(": opened"), "{said}");
}

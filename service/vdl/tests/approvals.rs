//! The command line as people use it: the real binary, real files.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const SCRIPT: &str = r###"{
  "format": "vdl-script/1",
  "name": "Mean stroke age",
  "ordered": true,
  "steps": [
    {"command": {"get": {"table": {"handle":
      "180A662EC91BFABEB3FAD7B32DE9BDF1A3B8FA3EB2D5F2EAD3E0B6C4A0B6B9F1"}}}, "source": "analysis.py:3: survey = cd.get_table(\"180A66...\")"},
    {"command": {"filter": {"table": {"step": 0},
      "condition": {"binary": {"op": "equal", "left": {"column": "Stroke"}, "right": {"integer": 1}}}}}},
    {"command": {"aggregate": {"table": {"step": 1},
      "aggregations": [{"name": "Age", "aggregate": "mean", "value": {"column": "Age"}}]}}}
  ]
}"###;

/// A folder with keys of three approvers and an analyst, and a script.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: TempDir::new().unwrap() };
        for name in ["alice", "bob", "carol", "analyst"] {
            world.succeeds(&["keygen", &format!("{name}.sk"), &format!("{name}.pk")]);
        }
        world.write("script.json", SCRIPT);
        world
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn vdl(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_vdl")).args(arguments).current_dir(self.path()).output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.vdl(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "vdl {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Gives what was said on standard error; standard output must not pretend that it worked.
    fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.vdl(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "vdl {arguments:?}: {errors}");
        assert!(!errors.is_empty(), "vdl {arguments:?} says nothing");
        errors
    }

    fn approved_by_alice(&self) {
        self.succeeds(&["approve", "script.json", "--key", "alice.sk", "--analyst", "analyst.pk"]);
    }
}

#[test]
fn a_signing_key_is_readable_by_its_owner_only() {
    let world = World::new();
    let mode = fs::metadata(world.path().join("alice.sk")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(world.read("alice.sk").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(world.read("alice.pk").starts_with("-----BEGIN PUBLIC KEY-----"));
}

#[test]
fn keygen_overwrites_neither_file() {
    let world = World::new();
    let secret = world.read("alice.sk");
    let public = world.read("bob.pk");
    assert!(world.fails(1, &["keygen", "alice.sk", "new.pk"]).contains("not overwritten"));
    assert!(world.fails(1, &["keygen", "new.sk", "bob.pk"]).contains("not overwritten"));
    assert_eq!(world.read("alice.sk"), secret);
    assert_eq!(world.read("bob.pk"), public);
    assert!(!world.path().join("new.sk").exists() && !world.path().join("new.pk").exists());
}

#[test]
fn two_approvers_sign_one_after_the_other() {
    let world = World::new();
    let said = world.succeeds(&[
        "approve",
        "script.json",
        "--key",
        "alice.sk",
        "--analyst",
        "analyst.pk",
        "--expires",
        "2999-12-31",
        "--max-runs",
        "3",
    ]);
    assert!(said.contains("Mean stroke age") && said.contains("3 times at most"), "{said}");
    assert!(said.contains("2999-12-31 23:59:59 UTC") && said.contains("production"), "{said}");
    let one = ["verify", "script.approved", "--approver", "alice.pk"];
    let both = ["verify", "script.approved", "--approver", "alice.pk", "--approver", "bob.pk"];
    world.succeeds(&one);
    assert!(world.fails(1, &both).contains("missing"));

    world.succeeds(&["approve", "script.approved", "--key", "bob.sk", "--analyst", "analyst.pk"]);
    assert!(world.succeeds(&both).contains("approved by all 2"));
    let three = [&both[..], &["--approver", "carol.pk"]].concat();
    assert!(world.fails(1, &three).contains("missing"));
}

#[test]
fn one_person_cannot_sign_for_two() {
    let world = World::new();
    world.approved_by_alice();
    let before = world.read("script.approved");
    assert!(world.fails(1, &["approve", "script.approved", "--key", "alice.sk"]).contains("already signed"));
    assert_eq!(world.read("script.approved"), before);
    let twice = ["verify", "script.approved", "--approver", "alice.pk", "--approver", "alice.pk"];
    assert!(world.fails(1, &twice).contains("same key"));
}

#[test]
fn the_second_approver_signs_the_terms_of_the_first_or_nothing() {
    let world = World::new();
    world.approved_by_alice();
    let before = world.read("script.approved");
    for other in [
        ["--analyst", "carol.pk"],
        ["--environment", "elsewhere"],
        ["--expires", "2999-01-01"],
        ["--not-before", "2020-01-01"],
        ["--max-runs", "7"],
    ] {
        let arguments = ["approve", "script.approved", "--key", "bob.sk", other[0], other[1]];
        assert!(world.fails(1, &arguments).contains("first approver"), "{other:?}");
    }
    assert_eq!(world.read("script.approved"), before);
}

#[test]
fn a_new_approval_never_overwrites_one_that_holds_signatures() {
    let world = World::new();
    world.approved_by_alice();
    let before = world.read("script.approved");
    let again = ["approve", "script.json", "--key", "bob.sk", "--analyst", "analyst.pk"];
    assert!(world.fails(1, &again).contains("vdl approve script.approved"));
    assert_eq!(world.read("script.approved"), before);
    let elsewhere = [&again[..], &["--output", "bob.approved"]].concat();
    world.succeeds(&elsewhere);
    world.succeeds(&["verify", "bob.approved", "--approver", "bob.pk"]);
}

#[test]
fn a_changed_approval_verifies_for_nobody() {
    let world = World::new();
    world.approved_by_alice();
    let approved = world.read("script.approved");
    let start = approved.find("\"payload\": \"").unwrap() + 40;
    let mut changed = approved.clone().into_bytes();
    changed[start] = if changed[start] == b'A' { b'B' } else { b'A' };
    world.write("changed.approved", &String::from_utf8(changed).unwrap());
    world.fails(1, &["verify", "changed.approved", "--approver", "alice.pk"]);
    world.fails(1, &["verify", "script.json", "--approver", "alice.pk"]);
}

#[test]
fn an_approval_that_does_not_hold_today_is_not_verified() {
    let world = World::new();
    let approve = ["approve", "script.json", "--key", "alice.sk", "--analyst", "analyst.pk"];
    world.succeeds(&[&approve[..], &["--not-before", "2999-01-01"]].concat());
    let verify = ["verify", "script.approved", "--approver", "alice.pk"];
    assert!(world.fails(1, &verify).contains("not valid before"));
    let past = [&approve[..], &["--output", "past.approved", "--expires", "2020-01-01"]].concat();
    assert!(world.fails(1, &past).contains("before it begins"));
    let other = [&verify[..], &["--environment", "elsewhere"]].concat();
    assert!(world.fails(1, &other).contains("elsewhere"));
}

/// The handle in the script.
const SURVEY: &str = "180A662EC91BFABEB3FAD7B32DE9BDF1A3B8FA3EB2D5F2EAD3E0B6C4A0B6B9F1";

#[test]
fn a_name_is_signed_only_with_what_it_may_mean() {
    let world = World::new();
    world.write("named.json", &SCRIPT.replace("\"handle\"", "\"name\"").replace(SURVEY, "survey"));
    let approve = ["approve", "named.json", "--key", "alice.sk", "--analyst", "analyst.pk"];
    let said = world.fails(1, &approve);
    assert!(
        said.contains("step 1 uses the name \"survey\"") && said.contains("--name survey=HANDLE"),
        "{said}"
    );
    assert!(world.fails(1, &[&approve[..], &["--name-may-change", "other"]].concat()).contains("survey"));
    let first = world.succeeds(&[&approve[..], &["--name", "survey", "--output", "first.approved"]].concat());
    assert!(first.contains("\"survey\" means the table that has it when it is first used"), "{first}");
    assert!(
        world
            .fails(1, &[&approve[..], &["--name", "survey", "--max-uses", "2"]].concat())
            .contains("--max-runs")
    );
    world.fails(2, &[&approve[..], &["--name", "survey=180A"]].concat());
    let both = ["--name-may-change", "survey", "--name", &format!("survey={SURVEY}")];
    assert!(world.fails(1, &[&approve[..], &both].concat()).contains("none comes twice"));
    assert!(!world.path().join("named.approved").exists());
    let said = world.succeeds(&[&approve[..], &both[2..]].concat());
    assert!(said.contains(&format!("\"survey\" means {SURVEY} and nothing else")), "{said}");
    let other = ["approve", "named.approved", "--key", "bob.sk", "--name-may-change", "survey"];
    assert!(world.fails(1, &other).contains("list of names"));
    world.succeeds(&["approve", "named.approved", "--key", "bob.sk", "--name", both[3]]);
}

#[test]
fn purpose_and_tables_are_shown_and_signed() {
    let world = World::new();
    let approve = ["approve", "script.json", "--key", "alice.sk", "--analyst", "analyst.pk"];
    let other = SURVEY.replace('1', "2");
    assert!(
        world.fails(1, &[&approve[..], &["--table", &other]].concat()).contains("step 1 takes the table")
    );
    let terms = ["--purpose", "Stroke ages, study 7", "--table", SURVEY];
    let said = world.succeeds(&[&approve[..], &terms].concat());
    assert!(said.contains("purpose      Stroke ages, study 7") && said.contains(SURVEY), "{said}");
    let second = ["approve", "script.approved", "--key", "bob.sk"];
    assert!(world.fails(1, &[&second[..], &["--purpose", "another"]].concat()).contains("purpose"));
    assert!(world.fails(1, &[&second[..], &["--table", &other]].concat()).contains("list of tables"));
    world.succeeds(&[&second[..], &terms].concat());
}

#[test]
fn the_same_script_approved_again_is_another_approval() {
    let world = World::new();
    let digest = |output: &str| {
        let said = world.succeeds(&[
            "approve",
            "script.json",
            "--key",
            "alice.sk",
            "--analyst",
            "analyst.pk",
            "--output",
            output,
        ]);
        said.lines().find(|line| line.starts_with("approval ")).unwrap().to_owned()
    };
    assert_ne!(digest("one.approved"), digest("two.approved"));
}

#[test]
fn key_files_of_the_wrong_kind_are_named_as_such() {
    let world = World::new();
    let approve = |key, analyst| ["approve", "script.json", "--key", key, "--analyst", analyst];
    assert!(world.fails(1, &approve("alice.pk", "analyst.pk")).contains("signing key (.sk) is needed"));
    assert!(world.fails(1, &approve("alice.sk", "analyst.sk")).contains("verification key (.pk) is needed"));
    assert!(world.fails(1, &approve("script.json", "analyst.pk")).contains("no key file"));
    assert!(world.fails(1, &approve("nobody.sk", "analyst.pk")).contains("nobody.sk"));
    assert!(world.fails(1, &["approve", "script.json", "--key", "alice.sk"]).contains("--analyst"));
    assert!(!world.path().join("script.approved").exists());
}

#[test]
fn wrong_usage_is_two() {
    let world = World::new();
    world.fails(2, &["approve"]);
    world.fails(2, &["verify", "script.approved"]);
    world.fails(2, &["template", "no-such-template"]);
    world.fails(2, &["approve", "script.json", "--key", "alice.sk", "--expires", "tomorrow"]);
    world.fails(2, &["approve", "script.json", "--key", "alice.sk", "--max-runs", "0"]);
}

#[test]
fn explain_tells_what_is_opened_and_hides_nothing_that_is_written() {
    let world = World::new();
    let said = world.succeeds(&["explain", "script.json"]);
    assert!(said.contains("ONE VALUE to the analyst") && said.contains("Stroke"), "{said}");
    world.write("sly.json", &SCRIPT.replace("Mean stroke age", "harmless\\u001b[2J\\u202e"));
    let said = world.succeeds(&["explain", "sly.json"]);
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
    world.write("broken.json", &SCRIPT.replace("\"ordered\"", "\"orderly\""));
    assert!(world.fails(1, &["explain", "broken.json"]).contains("orderly"));
}

#[test]
fn the_upload_template_is_ready_to_be_approved() {
    let world = World::new();
    world.write("uploads.json", &world.succeeds(&["template", "any-upload"]));
    assert!(world.succeeds(&["explain", "uploads.json"]).contains("any structure"));
    world.succeeds(&["approve", "uploads.json", "--key", "alice.sk", "--analyst", "analyst.pk"]);
    world.succeeds(&["verify", "uploads.approved", "--approver", "alice.pk"]);
}

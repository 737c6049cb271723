//! `vdl explain --json`, `vdl explain --against` and `vdl diff`: the real binary, real files.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const SCRIPT: &str = include_str!("../../../vectors/scripts/mean-stroke-age.json");
const APPROVED: &str = include_str!("../../../vectors/approvals/mean-stroke-age.approved");

struct Files(TempDir);

impl Files {
    /// `old.json`, `other.json` with another constant, and an approved file.
    fn new() -> Self {
        let files = Self(TempDir::new().unwrap());
        let changed = SCRIPT.replace(r#""integer": 1"#, r#""integer": 0"#);
        assert_ne!(changed, SCRIPT);
        for (name, text) in [("old.json", SCRIPT), ("other.json", &changed), ("old.approved", APPROVED)] {
            fs::write(files.0.path().join(name), text).unwrap();
        }
        files
    }

    fn vdl(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output =
            Command::new(env!("CARGO_BIN_EXE_vdl")).args(arguments).current_dir(self.0.path()).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.vdl(arguments).1).unwrap()
    }
}

#[test]
fn an_earlier_script_that_asked_nearly_the_same_is_named_with_the_difference() {
    let files = Files::new();
    let (code, said) = files.vdl(&["explain", "other.json", "--against", "old.json", "other.json"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("! old.json asks nearly the same"), "{said}");
    assert!(!said.contains("! other.json"), "the same script again asks nothing new: {said}");
    assert!(said.contains("filter.condition.binary.right.integer   1  ->  0"), "{said}");

    let report = files.json(&["explain", "--json", "other.json", "--against", "old.approved"]);
    assert_eq!(report["similar"][0]["file"], "old.approved");
    assert_eq!(report["risks"][0]["code"], "near_identical");
    assert_eq!(report["approval"], Value::Null);
}

#[test]
fn the_report_of_an_approved_file_has_its_terms_and_what_is_risky_in_them() {
    let files = Files::new();
    let report = files.json(&["explain", "--json", "old.approved"]);
    assert_eq!(report["format"], "vdl-report/1");
    assert_eq!(report["steps"].as_array().unwrap().len(), 5);
    let digest = report["approval"]["digest"].as_str().unwrap();
    assert!(files.vdl(&["explain", "old.approved"]).1.contains(digest));
    let risky = |code: &str| report["risks"].as_array().unwrap().iter().any(|risk| risk["code"] == code);
    assert_eq!(risky("no_run_limit"), report["approval"]["max_runs"].is_null());
    assert_eq!(risky("no_end"), report["approval"]["expires"].is_null());
}

#[test]
fn diff_ends_with_0_for_the_same_and_3_for_another() {
    let files = Files::new();
    assert_eq!(files.vdl(&["diff", "old.json", "old.json"]), (Some(0), String::new()));
    let (code, said) = files.vdl(&["diff", "old.json", "other.json"]);
    assert_eq!(code, Some(3));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("step 4 = step 4   changed   Keeps the rows of"), "{said}");
    assert_eq!(lines[1..], ["  filter.condition.binary.right.integer   1  ->  0"]);

    let json = files.json(&["diff", "--json", "old.json", "other.json"]);
    assert_eq!((&json["format"], &json["same"]), (&"vdl-diff/1".into(), &false.into()));
    assert_eq!(json["steps"][3]["changed"]["fields"][0]["right"], "0");
    assert_eq!(files.vdl(&["diff", "old.json", "nowhere.json"]).0, Some(1));
}

//! The benchmark as a program: three processes, figures on the terminal and in a file.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vdl")).arg("bench").args(arguments).output().unwrap()
}

const NAMES: [&str; 14] = [
    "and",
    "multiply",
    "less-than",
    "equality",
    "dot",
    "fixed-multiply",
    "divide",
    "sort",
    "sort-narrow",
    "merge",
    "merge-many-to-one",
    "groupby",
    "filter-mean",
    "like",
];

#[test]
fn every_workload_is_measured_between_three_processes_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let output = bench(&["--rows", "300", "--repeat", "2", "--json", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let measured: Vec<&str> = rows.iter().map(|row| row["workload"].as_str().unwrap()).collect();
    assert_eq!(measured, NAMES);
    for row in &rows {
        assert_eq!(row["rows"], 300);
        assert_eq!(row["repeats"].as_array().unwrap().len(), 2);
        assert!(row["rounds"].as_u64().unwrap() > 0);
        for key in ["seconds", "floor_seconds", "ratio", "link_bytes_per_second", "link_round_seconds"] {
            assert!(row[key].as_f64().unwrap() > 0.0, "{key}");
        }
        for key in ["bytes_sent", "peak_memory_bytes"] {
            assert!(row[key].as_array().unwrap().iter().all(|of_party| of_party.as_u64().unwrap() > 0));
        }
    }
}

#[test]
fn a_wide_area_link_slows_every_round() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let far = ["--workload", "equality", "--rows", "64", "--repeat", "1", "--delay", "20", "--rate", "100"];
    let output = bench(&[&far[..], &["--json", file.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    // Six rounds on the way one after the other; no more than the line lets through.
    assert!(row["seconds"].as_f64().unwrap() >= 6.0 * 0.02);
    assert!(row["link_bytes_per_second"].as_f64().unwrap() <= 3.0 * 100e6 / 8.0);
}

#[test]
fn an_unknown_workload_is_named_with_those_there_are() {
    let output = bench(&["--workload", "sorting"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`sorting`") && said.contains("sort-narrow"), "{said}");
}

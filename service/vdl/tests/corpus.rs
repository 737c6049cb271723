//! What the fuzzers have found worth keeping, put through the same functions without a fuzzer: a decoder
//! that changes meets every odd input again.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/src/lib.rs"]
mod decoders;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use decoders::TARGETS;

/// Of each target; more would be in the way of everybody who clones this.
const MOST_FILES: usize = 200;
const MOST_BYTES: u64 = 256 << 10;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_committed_input_is_read_or_refused_and_nothing_crashes() {
    for (target, decode) in TARGETS {
        let entries: Vec<_> =
            fs::read_dir(fuzz().join("corpus").join(target)).unwrap().map(Result::unwrap).collect();
        let bytes: u64 = entries.iter().map(|entry| entry.metadata().unwrap().len()).sum();
        assert!((3..=MOST_FILES).contains(&entries.len()), "{target} has {} files", entries.len());
        assert!(bytes <= MOST_BYTES, "{target} has {bytes} bytes");
        for entry in entries {
            let input = fs::read(entry.path()).unwrap();
            assert!(catch_unwind(|| decode(&input)).is_ok(), "{}", entry.path().display());
        }
    }
}

#[test]
fn every_fuzz_target_has_a_corpus_and_a_function_here() {
    let here: BTreeSet<String> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), here);
    assert_eq!(names("corpus"), here);
    let listed = fs::read_to_string(fuzz().join("../Makefile")).unwrap();
    let listed = listed.lines().find_map(|line| line.strip_prefix("FUZZ_TARGETS ?= ")).unwrap();
    assert_eq!(listed.split(' ').map(str::to_owned).collect::<BTreeSet<_>>(), here);
}

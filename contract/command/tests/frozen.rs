//! Reading, reporting and comparing, frozen: whoever writes this in another language is held to these files.
//! What is asked stands in the files themselves; what comes out is written anew with `VDL_WRITE_VECTORS=1`.

#![allow(clippy::unwrap_used)]

use std::fs;

use serde::{Deserialize, Serialize};
use vdl_command::{
    Domain, HoleDomain, HoleName, Report, Script, ScriptDiff, Tree, diff_scripts, near_identical,
    read_script, report,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors");

fn read<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    serde_json::from_str(&fs::read_to_string(format!("{FOLDER}/{file}")).unwrap()).unwrap()
}

/// Compares with the frozen file, an entry a line, or writes it anew when asked to.
fn compare<T: Serialize>(file: &str, entries: &[T]) {
    let lines: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let (path, now) = (format!("{FOLDER}/{file}"), format!("[\n{}\n]\n", lines.join(",\n")));
    if std::env::var_os("VDL_WRITE_VECTORS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let frozen = fs::read_to_string(&path).unwrap();
    for (line, (mine, theirs)) in now.lines().zip(frozen.lines()).enumerate() {
        assert_eq!(mine, theirs, "line {} of {file} has changed", line + 1);
    }
    assert!(now == frozen, "{file} has changed; vectors/README.md says how to write it anew");
}

#[test]
fn reports_are_made_as_before() {
    #[derive(Deserialize)]
    struct Asked {
        says: String,
        script: Script,
    }
    #[derive(Serialize)]
    struct Entry {
        says: String,
        script: Script,
        report: Report,
    }
    let asked: Vec<Asked> = read("reports.json");
    let made = asked.into_iter().map(|Asked { says, script }| {
        script.check().unwrap();
        Entry { says, report: report(&script), script }
    });
    compare("reports.json", &made.collect::<Vec<_>>());
}

#[test]
fn scripts_are_compared_as_before() {
    #[derive(Deserialize)]
    struct Asked {
        says: String,
        left: Script,
        right: Script,
    }
    #[derive(Serialize)]
    struct Entry {
        says: String,
        left: Script,
        right: Script,
        diff: ScriptDiff,
        near: bool,
    }
    let asked: Vec<Asked> = read("diffs.json");
    let made = asked.into_iter().map(|Asked { says, left, right }| {
        let (diff, near) = (diff_scripts(&left, &right), near_identical(&left, &right).is_some());
        Entry { says, left, right, diff, near }
    });
    compare("diffs.json", &made.collect::<Vec<_>>());
}

#[test]
fn texts_are_read_or_refused_as_before() {
    #[derive(Deserialize)]
    struct Asked {
        text: String,
    }
    #[derive(Serialize)]
    struct Entry {
        text: String,
        /// As it is written on one line; `null` for what is refused.
        read: Option<String>,
    }
    let asked: Vec<Asked> = read("strict.json");
    let made = asked.into_iter().map(|Asked { text }| {
        let read = read_script(text.as_bytes()).ok().map(|script| serde_json::to_string(&script).unwrap());
        Entry { text, read }
    });
    compare("strict.json", &made.collect::<Vec<_>>());
}

#[test]
fn patterns_are_read_and_match_as_before() {
    #[derive(Serialize, Deserialize)]
    struct Entry {
        pattern: String,
        usable: bool,
        matches: Vec<String>,
        others: Vec<String>,
    }
    let asked: Vec<Entry> = read("patterns.json");
    let made = asked.into_iter().map(|Entry { pattern, matches, others, .. }| {
        let domain = Domain::Pattern(pattern.clone());
        let usable = is_usable(domain.clone());
        let fits = |text: &String| usable && domain.contains(&Tree::Text(text.clone()));
        let mut texts: Vec<String> = matches.into_iter().chain(others).collect();
        texts.sort();
        let (matches, others) = texts.into_iter().partition(fits);
        Entry { pattern, usable, matches, others }
    });
    compare("patterns.json", &made.collect::<Vec<_>>());
}

fn is_usable(domain: Domain) -> bool {
    let command = r###"{"get":{"table":{"name":"##t##"}}}"###;
    let text = format!(r#"{{"format":"vdl-script/1","ordered":true,"steps":[{{"command":{command}}}]}}"#);
    let script = read_script(text.as_bytes()).unwrap();
    let hole = HoleName::parse("##t##").unwrap();
    Script { holes: vec![HoleDomain { hole, domain }], ..script }.check().is_ok()
}

/// Scripts with one byte changed, left out or put in, each time at a place drawn from the same numbers.
#[test]
fn damaged_scripts_are_read_or_refused_as_before() {
    #[derive(Serialize, Deserialize)]
    struct Entry {
        script: String,
        rounds: usize,
        /// One bit a round, the first on the left: whether it was read.
        read: String,
        /// Of all that was read, each written on one line, and a newline behind each.
        digest: String,
    }
    let mut state = 5_u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % end
    };
    let asked: Vec<Entry> = read("damaged.json");
    let made = asked.into_iter().map(|Entry { script, rounds, .. }| {
        let original = fs::read(format!("{FOLDER}/{script}")).unwrap();
        let (mut bits, mut hasher) = (String::new(), blake3::Hasher::new());
        for _ in 0..rounds {
            let mut damaged = original.clone();
            let (at, from) = (below(damaged.len()), below(damaged.len()));
            match below(3) {
                0 => damaged[at] ^= 1 << below(8),
                1 => drop(damaged.remove(at)),
                _ => damaged.insert(at, damaged[from]),
            }
            let script = read_script(&damaged).ok();
            bits.push(if script.is_some() { '1' } else { '0' });
            if let Some(script) = script {
                hasher.update(&serde_json::to_vec(&script).unwrap());
                hasher.update(b"\n");
            }
        }
        Entry { script, rounds, read: bits, digest: hasher.finalize().to_hex().to_uppercase() }
    });
    compare("damaged.json", &made.collect::<Vec<_>>());
}

/// Which characters texts show spelled out: wherever they stand, or only where nothing is before them.
#[test]
fn characters_that_cannot_be_seen_are_those_of_before() {
    #[derive(Serialize)]
    struct Entry {
        shown: &'static str,
        /// First and last code point of each range.
        ranges: Vec<(u32, u32)>,
    }
    let ranges = |wanted: &dyn Fn(char) -> bool| {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for code in (0..=u32::from(char::MAX)).filter(|code| char::from_u32(*code).is_some_and(wanted)) {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == code => *last = code,
                _ => ranges.push((code, code)),
            }
        }
        ranges
    };
    let plain = |c: char| matches!(c, '"' | '\'' | '\\');
    let behind = |c: char| !plain(c) && format!("a{c}").escape_debug().count() > 2;
    let alone = |c: char| !plain(c) && !behind(c) && c.escape_debug().count() > 1;
    let entries = [
        Entry { shown: "spelled out", ranges: ranges(&behind) },
        Entry { shown: "spelled out at the start", ranges: ranges(&alone) },
    ];
    compare("visible.json", &entries);
}

//! Rounds and bytes of every protocol are those that docs/protocols.md states, and every protocol is there.

#![allow(clippy::unwrap_used)]

mod formula;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use formula::{Functions, Numbers};
use vdl_protocol::Costs;
use vdl_trio::Trio;
use vdl_trio::registry::{Entry, Work, all};

/// What the document says of one protocol.
struct Row {
    name: String,
    rounds: String,
    bits: String,
    once: String,
    /// Formulas preceded by `about` are right within a fifth.
    about: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The cells of the table rows that have `columns` of them, without the marks of code.
fn table(text: &str, columns: usize) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let line = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let cells: Vec<String> = line.split(" | ").map(|cell| cell.trim().replace('`', "")).collect();
        (cells.len() == columns).then_some(cells)
    };
    text.lines().filter_map(cells).collect()
}

fn document() -> (Vec<Row>, Functions) {
    let text = fs::read_to_string(root().join("docs/protocols.md")).unwrap();
    let mut functions = Functions::default();
    for cells in table(&text, 3) {
        functions.define(&cells[0], &cells[1]);
    }
    let rows = table(&text, 6).into_iter().map(|cells| {
        let formula = |k: usize| cells[k].trim_start_matches("about ").to_owned();
        let about = cells.iter().any(|cell| cell.starts_with("about "));
        Row { name: cells[0].clone(), rounds: formula(1), bits: formula(2), once: formula(3), about }
    });
    (rows.collect(), functions)
}

/// What three parties spend on `work` over a line as long as this.
fn spent(entry: &Entry, work: Work, line: Duration) -> [Costs; 3] {
    let mut trio = Trio::new(1).round_trip(line);
    let inputs = entry.inputs(&mut trio, entry.n, |row| row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7);
    let ends = trio.run(|party| work(party, &inputs[party.id()]));
    assert_eq!(ends, [Ok(()), Ok(()), Ok(())], "{}", entry.name);
    let on_the_wire: usize = trio.last.messages.iter().map(|message| message.length).sum();
    assert_eq!(on_the_wire as u64, trio.last.bytes(), "what is counted is what is sent");
    trio.last.costs
}

/// Rounds, and bits per party on average.
fn measured(entry: &Entry, line: Duration) -> (f64, f64) {
    let mut costs = spent(entry, entry.run, line);
    if let Some(after) = entry.after {
        for (costs, before) in costs.iter_mut().zip(spent(entry, after, line)) {
            costs.rounds -= before.rounds;
            costs.bytes_sent -= before.bytes_sent;
        }
    }
    assert!(costs.iter().all(|party| party.rounds == costs[0].rounds), "{}: {costs:?}", entry.name);
    let bytes: u64 = costs.iter().map(|costs| costs.bytes_sent).sum();
    (costs[0].rounds as f64, bytes as f64 * 8.0 / 3.0)
}

/// What the document says of an entry and is not so.
fn wrong(entry: &Entry, row: &Row, functions: &Functions, f: u64) -> Option<String> {
    let mut numbers = Numbers::from([("n", entry.n), ("w", entry.w), ("f", f as usize)].map(named));
    numbers.extend(entry.numbers.iter().copied().map(named));
    let value = |formula: &str| functions.evaluate(formula, &numbers);
    let (rounds, bits) = measured(entry, Duration::from_micros(100 * f));
    let expected = (value(&row.rounds), value(&row.bits) * entry.n as f64 + value(&row.once));
    let fits = |is: f64, should: f64| {
        if row.about { (is - should).abs() <= should / 5.0 } else { (is - should).abs() < 1.0 }
    };
    let per_row = |bits: f64| bits / entry.n as f64;
    (!fits(rounds, expected.0) || !fits(bits, expected.1)).then(|| {
        let (name, is, should) = (entry.name, per_row(bits), per_row(expected.1));
        format!(
            "{name} with {numbers:?}: {rounds} rounds and {is} bits per row, not {} and {should}",
            expected.0
        )
    })
}

fn named((name, number): (&str, usize)) -> (String, f64) {
    (name.to_owned(), number as f64)
}

#[test]
fn every_protocol_costs_what_the_document_says_on_short_lines_and_on_long_ones() {
    let (rows, functions) = document();
    let mut all_wrong = Vec::new();
    for f in [1, 200] {
        for entry in all() {
            let row = rows.iter().find(|row| row.name == entry.name);
            all_wrong.extend(row.and_then(|row| wrong(entry, row, &functions, f)));
        }
    }
    assert!(all_wrong.is_empty(), "docs/protocols.md is wrong:\n{}", all_wrong.join("\n"));
}

/// They run what they are given on other lanes and send nothing themselves.
const NO_PROTOCOLS: [&str; 1] = ["Party::split"];

/// What `pub use` takes from a module, and under which prefix outsiders find it.
struct Exports(Vec<(String, String)>);

impl Exports {
    fn read(folder: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        let library = text("lib");
        let mut all = vec![(String::new(), library.clone())];
        for line in library.lines() {
            if let Some(module) = line.strip_prefix("pub mod ").and_then(|line| line.strip_suffix(';')) {
                all.push((format!("{module}::"), text(module)));
            }
        }
        Self(all)
    }

    /// The name outsiders use, if they can use it.
    fn name(&self, module: &str, item: &str) -> Option<String> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        for (prefix, text) in &self.0 {
            if *prefix == format!("{module}::") {
                return Some(format!("{prefix}{item}"));
            }
            for used in text.split(';').filter_map(|item| item.trim().strip_prefix("pub use ")) {
                let used = used.trim_start_matches("crate::").strip_prefix(&format!("{module}::"));
                if used.is_some_and(|names| names.split(|c| !is_word(c)).any(|name| name == item)) {
                    return Some(format!("{prefix}{item}"));
                }
            }
        }
        None
    }
}

/// The type whose functions follow.
fn subject(line: &str) -> Option<String> {
    let rest = line.strip_prefix("impl")?;
    let rest = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest.trim_start() };
    let subject = rest.split(" for ").last()?;
    Some(subject.split(['<', ' ']).next()?.to_owned())
}

/// Names of all functions that outsiders may call with a party that can send, as they call them.
fn exported() -> BTreeSet<String> {
    let folder = root().join("mpc/protocol/src");
    let exports = Exports::read(&folder);
    let mut found = BTreeSet::new();
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let module = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
        let mut of = None;
        for (at, line) in lines.iter().enumerate() {
            of = if *line == "}" { None } else { subject(line).or(of) };
            let Some(rest) = line.trim_start().strip_prefix("pub fn ") else { continue };
            let name = rest.split(['<', '(']).next().unwrap();
            let end = at + lines[at..].iter().position(|line| line.ends_with('{')).unwrap();
            let signature = lines[at..=end].concat();
            let of_party = of.as_deref() == Some("Party") && signature.contains("Result<");
            if !(signature.contains("&mut Party") || signature.contains("&mut self") && of_party) {
                continue;
            }
            found.extend(match &of {
                Some(of) => exports.name(&module, of).map(|of| format!("{of}::{name}")),
                None => exports.name(&module, name),
            });
        }
    }
    found.retain(|name| !NO_PROTOCOLS.contains(&name.as_str()));
    found
}

#[test]
fn every_protocol_is_in_the_registry_and_in_the_document() {
    let exported = exported();
    assert!(exported.len() > 25, "the sources were not understood: {exported:?}");
    let (rows, _) = document();
    let documented: BTreeSet<String> = rows.into_iter().map(|row| row.name).collect();
    let registered: BTreeSet<String> = all().map(|entry| entry.name.to_owned()).collect();
    let missing = |from: &BTreeSet<String>| exported.difference(from).cloned().collect::<Vec<_>>();
    assert_eq!(missing(&documented), Vec::<String>::new(), "have no row in docs/protocols.md");
    assert_eq!(missing(&registered), Vec::<String>::new(), "have no entry in mpc/trio/src/registry.rs");
    let gone: Vec<_> = documented.union(&registered).filter(|name| !exported.contains(*name)).collect();
    assert!(gone.is_empty(), "there is no protocol {gone:?}");
}

//! Texts of statements, frozen: what servers refuse, and what approvers are told of the others. What is asked
//! stands in the file itself; what comes out is written anew with `VDL_WRITE_VECTORS=1`.

#![allow(clippy::unwrap_used)]

use std::fs;

use serde::{Deserialize, Serialize};
use vdl_authorize::{Statement, explain_statement};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/statements.json");

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    says: String,
    statement: String,
    /// `null` for what is refused.
    #[serde(default)]
    explained: Option<String>,
}

#[test]
fn statements_are_refused_or_explained_as_before() {
    let asked: Vec<Entry> = serde_json::from_slice(&fs::read(FILE).unwrap()).unwrap();
    let judged = asked.into_iter().map(|Entry { says, statement, .. }| {
        let read = Statement::read(statement.as_bytes()).ok();
        Entry { says, statement, explained: read.as_ref().map(explain_statement) }
    });
    let lines: Vec<String> = judged.map(|entry| serde_json::to_string(&entry).unwrap()).collect();
    let now = format!("[\n{}\n]\n", lines.join(",\n"));
    if std::env::var_os("VDL_WRITE_VECTORS").is_some() {
        fs::write(FILE, &now).unwrap();
    }
    let frozen = fs::read_to_string(FILE).unwrap();
    for (mine, theirs) in now.lines().zip(frozen.lines()) {
        assert_eq!(mine, theirs);
    }
    assert!(now == frozen, "{FILE} has changed; vectors/README.md says how to write it anew");
}

//! The vectors of `vectors/authorization`, judged by the command that anybody can run.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// A file, and whether it holds under a policy with these revocations at this second.
#[derive(Deserialize)]
struct Case {
    name: String,
    file: String,
    kind: String,
    policy: String,
    #[serde(default)]
    revocations: Vec<String>,
    now: i64,
    signed_by: Vec<String>,
    verdict: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/authorization")
}

impl Case {
    /// What `vdl verify --json` prints, and how it ends.
    fn judged(&self) -> (Value, Option<i32>) {
        let at = jiff::Timestamp::from_second(self.now).unwrap().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_vdl"));
        command.current_dir(folder()).args(["verify", &self.file, "--policy", &self.policy]);
        command.args(["--json", "--at", &at]);
        for revocation in &self.revocations {
            command.args(["--revocations", revocation]);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let verdict = serde_json::from_slice(&output.stdout);
        (verdict.unwrap_or_else(|_| panic!("{}: {said}", self.name)), output.status.code())
    }
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn anybody_comes_to_the_verdict_of_a_server() {
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(folder().join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 30);
    for case in &cases {
        let (said, code) = case.judged();
        assert_eq!(said["verdict"], case.verdict, "{}: {said}", case.name);
        assert_eq!(said["kind"], case.kind, "{}", case.name);
        assert_eq!(code, Some(i32::from(case.verdict != "ok")), "{}", case.name);
        assert_eq!(said["message"] == "", case.verdict == "ok", "{}", case.name);

        let (signed, missing) = (names(&said["signed"]), names(&said["missing"]));
        let revoked = |name: &str| case.revocations.contains(&format!("{name}.revocation"));
        let did_sign = |name: &str| case.signed_by.iter().any(|signer| signer == name);
        assert!(signed.iter().all(|name| did_sign(name) && !revoked(name)), "{}: {said}", case.name);
        assert!(missing.iter().all(|name| !did_sign(name) || revoked(name)), "{}: {said}", case.name);
        assert!(signed.len() + missing.len() >= 3, "{}: {said}", case.name);
    }
}

//! `vectors/authorization`: files of every kind, and what each is worth under which policy. Frozen, and read
//! by whoever writes another reader.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use common::*;
use serde::{Deserialize, Serialize};
use vdl_authorize::{
    Approver, NameRule, Policy, PolicyStatement, Refusal, Revocation, Revocations, Revoked, Rule, SigningKey,
    Terms, add_signature, draft_policy, is_signed_by, read_envelope, read_policy, sign_revocation,
    verify_envelope,
};
use vdl_command::{Handle, Nonce};

/// Everybody who signs anything here, by the seed of their key (every byte of it).
const PEOPLE: [(&str, u8); 6] =
    [("alice", 1), ("bob", 2), ("analyst", 3), ("carol", 4), ("dan", 5), ("stranger", 9)];
const LATER: i64 = NOW + 1_000;
const UPLOADS: &str = include_str!("../../../vectors/scripts/guarded-upload.json");
const BY_NAME: &str = include_str!("../../../vectors/scripts/risky.json");

/// A file, and whether it holds under a policy with these revocations at this second.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    file: String,
    /// `approval`, `policy` or `revocation`.
    kind: String,
    policy: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    revocations: Vec<String>,
    now: i64,
    /// Whose signatures are in the file and fit it, whether they count or not.
    signed_by: Vec<String>,
    /// `ok`, or the code of the refusal.
    verdict: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/authorization")
}

fn read(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap()
}

fn seed(name: &str) -> SigningKey {
    key(PEOPLE.iter().find(|(person, _)| *person == name).unwrap().1)
}

fn policy_of(version: u32, names: &[&str], rule: Rule) -> PolicyStatement {
    let approver =
        |name: &&str| Approver { name: (*name).into(), key: seed(name).verifying_key().to_base64().unwrap() };
    PolicyStatement {
        kind: "vdl-policy/1".into(),
        environment: HERE.into(),
        version,
        expires: Some(LATER),
        adopt_before: (version > 1).then_some(NOW + 100),
        approvers: names.iter().map(approver).collect(),
        rule,
        approvals_since: 1,
    }
}

fn signed(policy: &PolicyStatement, signers: &[&str]) -> Vec<u8> {
    let draft = draft_policy(&Policy::new(policy.clone()).unwrap()).unwrap();
    signers.iter().fold(draft, |envelope, name| add_signature(&envelope, &seed(name)).unwrap())
}

fn approved(terms: &Terms, signers: &[&str]) -> Vec<u8> {
    let signers: Vec<SigningKey> = signers.iter().map(|name| seed(name)).collect();
    signed_by(SCRIPT, terms, &signers)
}

/// Uploads with rules, of which so many are allowed in all.
fn uploads() -> Vec<u8> {
    let terms = Terms { max_runs: None, max_uses: Some(3), ..terms() };
    signed_by(UPLOADS, &terms, &[seed("alice"), seed("bob")])
}

/// A script that goes by a name, which means the table that it means first.
fn by_name() -> Vec<u8> {
    let terms =
        Terms { names: vec![NameRule { name: "survey".into(), table: None, may_change: false }], ..terms() };
    signed_by(BY_NAME, &terms, &[seed("alice"), seed("bob")])
}

fn revoked(revokes: Revoked, signer: &str) -> Vec<u8> {
    let revocation = Revocation {
        kind: "vdl-revocation/1".into(),
        environment: HERE.into(),
        policy_version: 1,
        revokes,
        reason: Some("for this test".into()),
        time: NOW,
    };
    sign_revocation(&revocation, &seed(signer)).unwrap()
}

/// Every file, as this version makes it.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let trio = ["alice", "bob", "carol"];
    let first = policy_of(1, &trio, Rule::AtLeast(2));
    let next = policy_of(2, &["alice", "bob", "dan"], Rule::All);
    let everybody = ["alice", "bob", "carol", "dan"];
    let cancelled = PolicyStatement { expires: None, ..next.clone() };
    let handles = vdl_command::read_script(SCRIPT.as_bytes()).unwrap();
    let used = handles.steps.iter().flat_map(|step| step.command.inputs()).filter_map(|input| match input {
        vdl_command::TableRef::Handle(handle) => handle.value().copied(),
        _ => None,
    });
    let used: std::collections::BTreeSet<Handle> = used.collect();
    let limited = Terms {
        purpose: Some("Ages of patients with a stroke".into()),
        tables: Some(used.into_iter().collect()),
        names: vec![
            NameRule { name: "survey".into(), table: Some(Handle([7; 32])), may_change: false },
            changing("latest"),
        ],
        nonce: Some(Nonce([8; 32])),
        policy_version: Some(2),
        ..terms()
    };
    let mean = approved(&terms(), &["alice", "bob"]);
    let digest = read_envelope(&mean).unwrap().digest;
    let written = |name: &str| seed(name).verifying_key().to_base64().unwrap();
    let draft = Policy::new(cancelled.clone()).unwrap().digest();
    vec![
        ("policy-1.json", Policy::new(first.clone()).unwrap().to_payload().unwrap()),
        ("policy-2.policy", signed(&next, &everybody)),
        ("policy-2-without-carol.policy", signed(&next, &["alice", "bob", "dan"])),
        ("policy-2-without-dan.policy", signed(&next, &trio)),
        (
            "policy-2-elsewhere.policy",
            signed(&PolicyStatement { environment: "test".into(), ..next.clone() }, &everybody),
        ),
        ("policy-3.policy", signed(&PolicyStatement { version: 3, ..next.clone() }, &everybody)),
        ("cancelled.policy", signed(&cancelled, &everybody)),
        ("mean.approved", mean),
        ("mean-by-alice.approved", approved(&terms(), &["alice"])),
        ("mean-by-strangers.approved", approved(&terms(), &["stranger", "dan", "analyst"])),
        ("mean-and-stranger.approved", approved(&terms(), &["stranger", "carol", "alice"])),
        (
            "mean-elsewhere.approved",
            approved(&Terms { environment: "test".into(), ..terms() }, &["alice", "bob"]),
        ),
        ("mean-limited.approved", approved(&limited, &["alice", "bob", "dan"])),
        ("uploads.approved", uploads()),
        ("by-name.approved", by_name()),
        ("approval.revocation", revoked(Revoked::Approval(digest), "carol")),
        ("analyst.revocation", revoked(Revoked::Analyst(written("analyst")), "bob")),
        ("alice.revocation", revoked(Revoked::Approver(written("alice")), "bob")),
        ("stranger.revocation", revoked(Revoked::Analyst(written("analyst")), "stranger")),
        ("cancelled.revocation", revoked(Revoked::Policy(draft), "alice")),
    ]
}

/// What is asked: name, file, policy, revocations, when.
const ASKED: &[(&str, &str, &str, &[&str], i64)] = &[
    ("two of three", "mean.approved", "policy-1.json", &[], NOW),
    ("one of three", "mean-by-alice.approved", "policy-1.json", &[], NOW),
    ("nobody who counts", "mean-by-strangers.approved", "policy-1.json", &[], NOW),
    ("a stranger beside two", "mean-and-stranger.approved", "policy-1.json", &[], NOW),
    ("another environment", "mean-elsewhere.approved", "policy-1.json", &[], NOW),
    ("a second too early", "mean.approved", "policy-1.json", &[], NOW - 61),
    ("the first second", "mean.approved", "policy-1.json", &[], NOW - 60),
    ("the last second", "mean.approved", "policy-1.json", &[], NOW + 60),
    ("a second too late", "mean.approved", "policy-1.json", &[], NOW + 61),
    ("after the policy's end", "mean.approved", "policy-1.json", &[], LATER + 1),
    ("the approval is revoked", "mean.approved", "policy-1.json", &["approval.revocation"], NOW),
    (
        "another approval is revoked",
        "mean-and-stranger.approved",
        "policy-1.json",
        &["cancelled.revocation"],
        NOW,
    ),
    ("the analyst is revoked", "mean.approved", "policy-1.json", &["analyst.revocation"], NOW),
    ("an approver is revoked", "mean.approved", "policy-1.json", &["alice.revocation"], NOW),
    ("a policy of a later version", "mean-limited.approved", "policy-1.json", &[], NOW),
    ("names, tables and purpose", "mean-limited.approved", "policy-2.policy", &[], NOW),
    ("so many uploads with rules", "uploads.approved", "policy-1.json", &[], NOW),
    ("a name that means what it means first", "by-name.approved", "policy-1.json", &[], NOW),
    ("all of the next policy", "mean.approved", "policy-2.policy", &[], NOW),
    ("the next policy", "policy-2.policy", "policy-1.json", &[], NOW),
    ("the next policy in its last second", "policy-2.policy", "policy-1.json", &[], NOW + 100),
    ("the next policy a second later", "policy-2.policy", "policy-1.json", &[], NOW + 101),
    ("without somebody of the old one", "policy-2-without-carol.policy", "policy-1.json", &[], NOW),
    ("without somebody of the new one", "policy-2-without-dan.policy", "policy-1.json", &[], NOW),
    ("for another environment", "policy-2-elsewhere.policy", "policy-1.json", &[], NOW),
    ("a version left out", "policy-3.policy", "policy-1.json", &[], NOW),
    ("from version 2 to 3", "policy-3.policy", "policy-2.policy", &[], NOW),
    ("the same version again", "policy-2.policy", "policy-2.policy", &[], NOW),
    ("a draft before it was cancelled", "cancelled.policy", "policy-1.json", &[], NOW),
    ("a cancelled draft", "cancelled.policy", "policy-1.json", &["cancelled.revocation"], NOW),
    (
        "a revoked approver signs the next policy",
        "policy-2.policy",
        "policy-1.json",
        &["alice.revocation"],
        NOW,
    ),
    ("a revocation", "approval.revocation", "policy-1.json", &[], NOW),
    ("a revocation by a stranger", "stranger.revocation", "policy-1.json", &[], NOW),
    ("a revocation under another version", "approval.revocation", "policy-2.policy", &[], NOW),
];

fn kind_of(file: &str) -> &'static str {
    match Path::new(file).extension().unwrap().to_str().unwrap() {
        "approved" => "approval",
        "revocation" => "revocation",
        _ => "policy",
    }
}

/// Decides as a server does.
fn verdict(
    kind: &str,
    bytes: &[u8],
    policy: &Policy,
    revocations: &Revocations,
    now: i64,
) -> Result<(), Refusal> {
    match kind {
        "approval" => verify_envelope(bytes, policy, revocations, now).map(drop),
        "policy" => policy.succeed(bytes, revocations, now).map(drop),
        _ => Revocations::default().add(bytes, &[policy]).map(drop),
    }
}

fn judged(case: &Case) -> Case {
    let (bytes, policy) = (read(&case.file), read_policy(&read(&case.policy)).unwrap());
    let mut revocations = Revocations::default();
    for file in &case.revocations {
        revocations.add(&read(file), &[&policy]).unwrap();
    }
    let verdict = verdict(&case.kind, &bytes, &policy, &revocations, case.now);
    let signed = |(name, _): &&(&str, u8)| is_signed_by(&bytes, &seed(name).verifying_key()).unwrap();
    Case {
        name: case.name.clone(),
        file: case.file.clone(),
        kind: case.kind.clone(),
        policy: case.policy.clone(),
        revocations: case.revocations.clone(),
        now: case.now,
        signed_by: PEOPLE.iter().filter(signed).map(|(name, _)| (*name).to_owned()).collect(),
        verdict: verdict.map_or_else(|refusal| refusal.code(), |()| "ok").to_owned(),
    }
}

fn write_vectors() {
    fs::create_dir_all(folder()).unwrap();
    for (name, bytes) in files() {
        fs::write(folder().join(name), bytes).unwrap();
    }
    let case = |(name, file, policy, revocations, now): &(&str, &str, &str, &[&str], i64)| {
        judged(&Case {
            name: (*name).into(),
            file: (*file).into(),
            kind: kind_of(file).into(),
            policy: (*policy).into(),
            revocations: revocations.iter().map(|file| (*file).to_owned()).collect(),
            now: *now,
            signed_by: vec![],
            verdict: String::new(),
        })
    };
    let lines: Vec<String> = ASKED.iter().map(|asked| serde_json::to_string(&case(asked)).unwrap()).collect();
    fs::write(folder().join("cases.json"), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

#[test]
fn every_case_gets_its_verdict() {
    if std::env::var_os("VDL_WRITE_VECTORS").is_some() {
        write_vectors();
    }
    let cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).unwrap();
    assert_eq!(cases.len(), ASKED.len());
    for case in &cases {
        assert_eq!(*case, judged(case));
    }
    let verdicts: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.verdict.as_str()).collect();
    assert!(verdicts.len() >= 11, "{verdicts:?}");
}

#[test]
fn the_files_are_written_as_they_were() {
    for (name, bytes) in files() {
        assert!(read(name) == bytes, "{name}");
    }
}

fn good() -> [(&'static str, &'static str, &'static str); 4] {
    [
        ("approval", "mean.approved", "policy-1.json"),
        ("approval", "mean-limited.approved", "policy-2.policy"),
        ("policy", "policy-2.policy", "policy-1.json"),
        ("revocation", "alice.revocation", "policy-1.json"),
    ]
}

/// What is believed of a file, or nothing.
fn believed(kind: &str, bytes: &[u8], policy: &Policy) -> Option<String> {
    let none = Revocations::default();
    match kind {
        "approval" => {
            let approval = verify_envelope(bytes, policy, &none, NOW).ok()?;
            Some(format!("{} {:?}", approval.digest(), approval.statement()))
        }
        "policy" => policy.succeed(bytes, &none, NOW).ok().map(|it| format!("{it:?}")),
        _ => {
            let mut more = none;
            more.add(bytes, &[policy]).ok().map(|_| format!("{} {more:?}", more.digest()))
        }
    }
}

/// Whatever bit is changed: nothing is believed, or the same under the same digest.
fn no_changed_bit_is_believed(kind: &str, file: &str, policy: &str, bits: fn(usize) -> Range<usize>) {
    let (bytes, policy) = (read(file), read_policy(&read(policy)).unwrap());
    let same = believed(kind, &bytes, &policy);
    let mut changed = bytes.clone();
    for at in 0..bytes.len() {
        for bit in bits(at) {
            changed[at] ^= 1 << bit;
            let now = believed(kind, &changed, &policy);
            assert!(now.is_none() || now == same, "{file}, byte {at}, bit {bit}");
            changed[at] = bytes[at];
        }
    }
}

fn every_bit(_: usize) -> Range<usize> {
    0..8
}

/// Of every byte one, by its place.
fn one_bit(at: usize) -> Range<usize> {
    at % 8..at % 8 + 1
}

#[test]
fn no_changed_bit_of_an_approval_is_believed() {
    no_changed_bit_is_believed("approval", "mean.approved", "policy-1.json", every_bit);
}

#[test]
fn no_changed_bit_of_an_approval_with_limits_is_believed() {
    no_changed_bit_is_believed("approval", "mean-limited.approved", "policy-2.policy", every_bit);
}

#[test]
fn no_changed_bit_of_a_policy_is_believed() {
    no_changed_bit_is_believed("policy", "policy-2.policy", "policy-1.json", every_bit);
}

#[test]
fn no_changed_bit_of_a_revocation_is_believed() {
    no_changed_bit_is_believed("revocation", "alice.revocation", "policy-1.json", every_bit);
}

/// The other files, refused ones among them: no change makes them good.
#[test]
fn no_changed_byte_of_any_file_is_believed() {
    for file in files().into_iter().map(|(name, _)| name).filter(|name| *name != "policy-1.json") {
        if good().iter().all(|(_, other, _)| *other != file) {
            no_changed_bit_is_believed(kind_of(file), file, "policy-1.json", one_bit);
        }
    }
}

/// Signatures and payload of a file as they stand there.
fn taken_apart(file: &str) -> serde_json::Value {
    serde_json::from_slice(&read(file)).unwrap()
}

/// In all of these every signature is needed.
#[test]
fn signatures_removed_repeated_or_swapped_make_nobody_sign_more() {
    for (kind, file, policy) in good() {
        let policy = read_policy(&read(policy)).unwrap();
        let whole = taken_apart(file);
        let signatures = whole["signatures"].as_array().unwrap().clone();
        let with = |signatures: &[serde_json::Value]| {
            let mut changed = whole.clone();
            changed["signatures"] = signatures.to_vec().into();
            believed(kind, &serde_json::to_vec(&changed).unwrap(), &policy)
        };
        let same = with(&signatures);
        assert!(same.is_some() && with(&[]).is_none(), "{file}");
        for one in 0..signatures.len() {
            let mut fewer = signatures.clone();
            let removed = fewer.remove(one);
            assert_eq!(with(&fewer), None, "{file} without signature {one}");
            let more = [&signatures[..], &[removed.clone(), removed.clone()]].concat();
            assert_eq!(with(&more), same, "{file}, signature {one} three times");
            for other in (0..signatures.len()).filter(|other| *other != one) {
                let mut swapped = signatures.clone();
                swapped.swap(one, other);
                assert_eq!(with(&swapped), same, "{file}, in any order");
                let mut exchanged = signatures.clone();
                exchanged[one]["sig"] = signatures[other]["sig"].clone();
                assert_eq!(with(&exchanged), None, "{file}, {other} signs for {one}");
                exchanged[other]["sig"] = signatures[one]["sig"].clone();
                assert_eq!(with(&exchanged), same, "{file}, key ids are hints");
            }
        }
    }
}

#[test]
fn no_payload_is_believed_under_the_signatures_of_another_file() {
    let policies = ["policy-1.json", "policy-2.policy"].map(|policy| read_policy(&read(policy)).unwrap());
    let names = files().into_iter().map(|(name, _)| name).filter(|name| *name != "policy-1.json");
    let all: Vec<(&str, serde_json::Value)> = names.map(|name| (name, taken_apart(name))).collect();
    for (name, file) in &all {
        for (from, other) in all.iter().filter(|(_, other)| other["payload"] != file["payload"]) {
            let mut mixed = file.clone();
            mixed["payload"] = other["payload"].clone();
            for payload_type in [&file["payloadType"], &other["payloadType"]] {
                mixed["payloadType"] = payload_type.clone();
                let bytes = serde_json::to_vec(&mixed).unwrap();
                for (kind, policy) in ["approval", "policy", "revocation"]
                    .iter()
                    .flat_map(|kind| policies.iter().map(move |p| (kind, p)))
                {
                    assert_eq!(believed(kind, &bytes, policy), None, "{from} in {name}");
                }
            }
        }
    }
}

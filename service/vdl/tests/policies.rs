//! Policies and revocations on the command line: the real binary, real files, a ceremony from end to end.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with keys of four people, an analyst's, and a script.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(TempDir::new().unwrap());
        for name in ["alice", "bob", "carol", "dan", "analyst"] {
            world.succeeds(&format!("keygen {name}.sk {name}.pk"));
        }
        fs::write(
            world.0.path().join("script.json"),
            include_str!("../../../vectors/scripts/mean-stroke-age.json"),
        )
        .unwrap();
        world.succeeds(
            "policy new --approver alice=alice.pk --approver bob=bob.pk --approver carol=carol.pk --at-least 2 \
             --output policy.json",
        );
        world
    }

    fn vdl(&self, arguments: &str) -> Output {
        let words = arguments.split_whitespace();
        Command::new(env!("CARGO_BIN_EXE_vdl")).args(words).current_dir(self.0.path()).output().unwrap()
    }

    fn succeeds(&self, arguments: &str) -> String {
        let output = self.vdl(arguments);
        assert!(output.status.success(), "vdl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What was said on either.
    fn fails(&self, code: i32, arguments: &str) -> String {
        let output = self.vdl(arguments);
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert_eq!(output.status.code(), Some(code), "vdl {arguments}: {said}");
        said
    }

    fn signed_by(&self, names: &[&str]) {
        for name in names {
            self.succeeds(&format!("policy sign next.policy --key {name}.sk --from policy.json"));
        }
    }

    fn approved_by(&self, names: &[&str], more: &str) {
        let [first, rest @ ..] = names else { return };
        let terms = format!("--analyst analyst.pk {more} --output script.approved");
        self.succeeds(&format!("approve script.json --key {first}.sk {terms}"));
        for name in rest {
            self.succeeds(&format!("approve script.approved --key {name}.sk"));
        }
    }
}

#[test]
fn two_of_three_approve() {
    let world = World::new();
    world.approved_by(&["carol"], "--policy policy.json");
    let verify = "verify script.approved --policy policy.json";
    let said = world.fails(1, verify);
    assert!(said.contains("signatures of 2 of 3") && said.contains("alice ("), "{said}");
    world.succeeds("approve script.approved --key alice.sk --policy policy.json");
    let said = world.succeeds(verify);
    assert!(said.contains("approved by 2 of 3, policy version 1") && said.contains("MISSING"), "{said}");
    assert!(world.fails(1, &format!("{verify} --environment elsewhere")).contains("another environment"));
    assert!(world.fails(1, &format!("{verify} --at 2999-01-01")).contains("expired"));
}

#[test]
fn a_key_is_replaced_when_everybody_has_signed() {
    let world = World::new();
    let said = world.succeeds("policy next --from policy.json --replace carol=dan.pk --output next.policy");
    assert!(said.contains("version      2") && said.contains("+            carol"), "{said}");
    let verify = "verify next.policy --policy policy.json";
    world.signed_by(&["alice", "bob", "dan"]);
    assert!(world.fails(1, verify).contains("of version 1 is missing: carol"), "the old key signs too");
    let said = world.succeeds("policy sign next.policy --key carol.sk --from policy.json");
    assert!(!said.contains("MISSING"), "{said}");
    assert!(world.succeeds(verify).contains("follows version 1"));
    assert!(world.fails(1, "policy sign next.policy --key dan.sk").contains("already signed"));

    // What was approved before is approved anew, under the new policy.
    world.approved_by(&["alice", "bob"], "--policy next.policy");
    assert!(world.succeeds("verify script.approved --policy next.policy").contains("policy version 2"));
    assert!(world.fails(1, "verify script.approved --policy policy.json").contains("policy version 2"));
}

#[test]
fn a_transfer_is_cancelled_half_way() {
    let world = World::new();
    world.succeeds("policy next --from policy.json --remove carol --keep-approvals --output next.policy");
    world.signed_by(&["alice", "bob"]);
    world.succeeds("revoke --draft next.policy --key carol.sk --policy policy.json --output no.revocation");
    world.signed_by(&["carol"]);
    world.succeeds("verify next.policy --policy policy.json");
    world.succeeds("verify no.revocation --policy policy.json");
    let cancelled = "verify next.policy --policy policy.json --revocations no.revocation";
    assert!(world.fails(1, cancelled).contains("was revoked"));
}

#[test]
fn a_revoked_approval_analyst_or_approver_verifies_no_longer() {
    let world = World::new();
    world.approved_by(&["alice", "bob"], "--policy policy.json");
    let verify = "verify script.approved --policy policy.json";
    for (number, (what, code)) in [
        ("--approval script.approved", "revoked"),
        ("--analyst analyst.pk", "revoked"),
        ("--approver bob.pk", "approver_missing"),
    ]
    .into_iter()
    .enumerate()
    {
        let output = format!("{number}.revocation");
        world.succeeds(&format!(
            "revoke {what} --key carol.sk --policy policy.json --reason stolen --output {output}"
        ));
        let verdict = world.fails(1, &format!("{verify} --revocations {output} --json"));
        assert!(verdict.contains(&format!("\"verdict\": \"{code}\"")), "{verdict}");
    }
    assert!(world.succeeds(&format!("{verify} --json")).contains("\"verdict\": \"ok\""));
    world.fails(1, "revoke --analyst analyst.pk --key dan.sk --policy policy.json --output x.revocation");
    world.succeeds("revoke --analyst analyst.pk --key dan.sk --output dan.revocation");
    assert!(world.fails(1, &format!("{verify} --revocations dan.revocation")).contains("no approver"));
}

#[test]
fn a_changed_byte_is_no_policy() {
    let world = World::new();
    world.succeeds("policy next --from policy.json --add dan=dan.pk --at-least 3 --output next.policy");
    world.signed_by(&["alice", "bob", "carol", "dan"]);
    let path = world.0.path().join("next.policy");
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find("\"payload\": \"").unwrap() + 200;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    fs::write(&path, [&text[..at], other, &text[at + 1..]].concat()).unwrap();
    world.fails(1, "verify next.policy --policy policy.json");
    let pinned = fs::read_to_string(world.0.path().join("policy.json")).unwrap();
    fs::write(world.0.path().join("policy.json"), pinned.replace("\"at_least\": 2", "\"at_least\": 4"))
        .unwrap();
    assert!(world.fails(1, "policy show policy.json").contains("no more than there are approvers"));
}

#[test]
fn groups_are_shown_with_their_members() {
    let world = World::new();
    let people = "--approver alice=alice.pk --approver bob=bob.pk --approver carol=carol.pk";
    let groups = "--group hospitals=alice,bob:1 --group patients=carol:1";
    world.succeeds(&format!("policy new {people} {groups} --output groups.json"));
    let said = world.succeeds("policy show groups.json");
    assert!(
        said.contains("1 of hospitals and 1 of patients") && said.contains("hospitals: alice, bob"),
        "{said}"
    );
    let lost = "--group hospitals=alice,bob:1";
    let said = world.fails(1, &format!("policy new {people} {lost} --output lost.json"));
    assert!(said.contains("in one group"), "{said}");
}

#[test]
fn wrong_usage_is_two_and_writes_nothing() {
    let world = World::new();
    for wrong in [
        "policy",
        "policy new --output x",
        "policy new --approver alice --output x",
        "policy new --approver a=alice.pk --all --at-least 1 --output x",
        "policy new --approver a=alice.pk --group a:1 --output x",
        "policy next --output x",
        "policy sign next.policy",
        "revoke --key alice.sk --output x",
        "revoke --analyst analyst.pk --approver bob.pk --key alice.sk --output x",
        "revoke --analyst analyst.pk --key alice.sk --policy policy.json --environment e --output x",
        "verify script.json",
        "verify script.json --approver alice.pk --policy policy.json",
    ] {
        world.fails(2, wrong);
    }
    for refused in [
        "policy new --approver a=alice.pk --approver b=alice.pk --output x",
        "policy next --from policy.json --remove nobody --output x",
        "policy next --from policy.json --add dan=nobody.pk --output x",
        "policy next --from policy.json --remove bob --at-least 3 --output x",
        "policy new --approver a=alice.pk --output policy.json",
    ] {
        world.fails(1, refused);
    }
    assert!(!world.0.path().join("x").exists());
}

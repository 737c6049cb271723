//! Policies: each test is somebody who wants to change, or to be, those whose signatures count.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use vdl_authorize::{
    Approver, Gatekeeper, Group, Policy, PolicyStatement, Refusal, Revocations, Rule, SigningKey, Terms,
    add_signature, draft_policy, verify_envelope,
};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dan"];

/// A policy of the first approvers; keys 1, 2, 4, 5 (3 is the analyst's).
fn statement(approvers: usize, version: u32, rule: Rule) -> PolicyStatement {
    let keys = [1, 2, 4, 5];
    let approver = |at: usize| Approver {
        name: NAMES[at].into(),
        key: key(keys[at]).verifying_key().to_base64().unwrap(),
    };
    PolicyStatement {
        kind: "vdl-policy/1".into(),
        environment: HERE.into(),
        version,
        expires: None,
        adopt_before: Some(NOW + 10),
        approvers: (0..approvers).map(approver).collect(),
        rule,
        approvals_since: version,
    }
}

fn policy_of(approvers: usize, rule: Rule) -> Policy {
    Policy::new(statement(approvers, 1, rule)).unwrap()
}

fn signed(policy: &PolicyStatement, signers: &[u8]) -> Vec<u8> {
    let draft = draft_policy(&Policy::new(policy.clone()).unwrap()).unwrap();
    signers.iter().fold(draft, |envelope, signer| add_signature(&envelope, &key(*signer)).unwrap())
}

fn code<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> &'static str {
    answer.unwrap_err().code()
}

fn approved_by(policy: &Policy, signers: &[u8]) -> Result<(), Refusal> {
    approved_under(policy, 1, signers)
}

fn approved_under(policy: &Policy, version: u32, signers: &[u8]) -> Result<(), Refusal> {
    let signers: Vec<SigningKey> = signers.iter().map(|number| key(*number)).collect();
    let terms = Terms { policy_version: Some(version), ..terms() };
    verify_envelope(&signed_by(SCRIPT, &terms, &signers), policy, &Revocations::default(), NOW).map(|_| ())
}

#[test]
fn the_order_in_which_approvers_are_configured_does_not_count() {
    let mut turned = approvers();
    turned.reverse();
    assert_eq!(policy(), Policy::pinned(&turned, HERE).unwrap());
    assert_ne!(policy().digest(), Policy::pinned(&turned, "design").unwrap().digest());
}

#[test]
fn so_many_of_so_many_is_neither_fewer_nor_the_same_one_again() {
    let policy = policy_of(3, Rule::AtLeast(2));
    assert!(approved_by(&policy, &[1, 4]).is_ok() && approved_by(&policy, &[2, 4, 1]).is_ok());
    let Err(refusal @ Refusal::RuleUnmet { .. }) = approved_by(&policy, &[2, 3, 9]) else { unreachable!() };
    let said = refusal.to_string();
    assert!(said.contains("2 of 3") && said.contains("signed: bob") && said.contains("alice ("), "{said}");
}

#[test]
fn two_of_three_is_not_met_by_one_key_three_times() {
    let policy = policy_of(3, Rule::AtLeast(2));
    let one = String::from_utf8(signed_by(SCRIPT, &terms(), &[alice()])).unwrap();
    let (head, list) = one.split_once("\"signatures\": [").unwrap();
    let mine = list.rsplit_once(']').unwrap().0;
    let thrice = format!("{head}\"signatures\": [{mine},{mine},{mine}]}}");
    assert_eq!(
        code(verify_envelope(thrice.as_bytes(), &policy, &Revocations::default(), NOW)),
        "approver_missing"
    );
    let mut same = statement(3, 1, Rule::AtLeast(2));
    same.approvers[2].key = same.approvers[0].key.clone();
    assert_eq!(code(Policy::new(same)), "approvers_misconfigured");
}

fn groups(of: &[(&str, &[&str], u32)]) -> Rule {
    let group = |(name, members, at_least): &(&str, &[&str], u32)| Group {
        name: (*name).into(),
        members: members.iter().map(|member| (*member).to_owned()).collect(),
        at_least: *at_least,
    };
    Rule::Groups(of.iter().map(group).collect())
}

#[test]
fn every_group_says_yes_for_itself() {
    let rule = groups(&[("hospitals", &["alice", "bob"], 1), ("patients", &["carol", "dan"], 2)]);
    let policy = policy_of(4, rule);
    assert!(approved_by(&policy, &[2, 4, 5]).is_ok());
    for few in [&[1, 2, 4][..], &[4, 5], &[1, 2, 5]] {
        assert_eq!(code(approved_by(&policy, few)), "approver_missing", "{few:?}");
    }
    assert_eq!(policy.rule_in_words(), "1 of hospitals and 2 of patients");
}

#[test]
fn one_person_cannot_stand_in_two_groups_or_in_none() {
    for wrong in [
        groups(&[("a", &["alice", "bob"], 1), ("b", &["bob", "carol"], 1)]),
        groups(&[("a", &["alice", "alice"], 1), ("b", &["bob", "carol"], 1)]),
        groups(&[("a", &["alice"], 1), ("b", &["bob"], 1)]),
        groups(&[("a", &["alice", "bob", "mallory"], 1)]),
        groups(&[("a", &["alice", "bob", "carol"], 0)]),
        groups(&[("a", &["alice", "bob", "carol"], 4)]),
        groups(&[("a", &["alice", "bob", "carol"], 1), ("b", &[], 0)]),
        groups(&[]),
        Rule::AtLeast(0),
        Rule::AtLeast(4),
    ] {
        assert_eq!(code(Policy::new(statement(3, 1, wrong))), "policy_unreadable");
    }
}

#[test]
fn a_policy_that_makes_no_sense_is_none() {
    let good = statement(3, 2, Rule::All);
    let named = |name: &str| {
        let mut policy = good.clone();
        policy.approvers[0].name = name.into();
        policy
    };
    for wrong in [
        PolicyStatement { kind: "vdl-policy/2".into(), ..good.clone() },
        PolicyStatement { environment: String::new(), ..good.clone() },
        PolicyStatement { version: 0, approvals_since: 0, ..good.clone() },
        PolicyStatement { approvals_since: 3, ..good.clone() },
        PolicyStatement { approvals_since: 0, ..good.clone() },
        named("bob"),
        named("Alice"),
        named(""),
        named(" alice"),
        named("al\u{430}ce"),
    ] {
        assert_eq!(code(Policy::new(wrong)), "policy_unreadable");
    }
    let nobody = PolicyStatement { approvers: vec![], ..good.clone() };
    assert_eq!(code(Policy::new(nobody)), "approvers_misconfigured");
    let text = String::from_utf8(Policy::new(good).unwrap().to_payload().unwrap()).unwrap();
    for (from, to) in [("\"all\"", "{\"all\":null}"), ("\"version\":2", "\"version\":2,\"version\":2")] {
        assert_eq!(code(Policy::read(text.replacen(from, to, 1).as_bytes())), "policy_unreadable");
    }
}

#[test]
fn white_space_does_not_make_another_policy() {
    let policy = policy_of(3, Rule::AtLeast(2));
    let payload = policy.to_payload().unwrap();
    let spaced = String::from_utf8(payload.clone()).unwrap().replace(',', " ,\n ");
    assert_eq!(Policy::read(spaced.as_bytes()).unwrap(), policy);
    assert_eq!(Policy::read(&payload).unwrap(), policy);
}

#[test]
fn a_policy_signed_by_all_of_the_old_or_all_of_the_new_only_is_refused() {
    let old = policy_of(2, Rule::AtLeast(1));
    let mut next = statement(4, 2, Rule::AtLeast(1));
    next.approvers.remove(0);
    let none = Revocations::default();
    for few in [&[][..], &[1, 2], &[2, 4, 5], &[1, 4, 5], &[1, 2, 4], &[1, 2, 4, 9]] {
        assert_eq!(code(old.succeed(&signed(&next, few), &none, NOW)), "policy_unsigned", "{few:?}");
    }
    let adopted = old.succeed(&signed(&next, &[5, 1, 4, 2]), &none, NOW).unwrap();
    assert_eq!(adopted, Policy::new(next).unwrap());
}

#[test]
fn version_n_plus_2_is_refused_and_so_is_n_again() {
    let old = Policy::new(statement(2, 7, Rule::All)).unwrap();
    let at = |version| {
        let next = signed(&statement(2, version, Rule::AtLeast(1)), &[1, 2]);
        old.succeed(&next, &Revocations::default(), NOW).map(|next| next.version())
    };
    for wrong in [1, 6, 7, 9, u32::MAX] {
        assert_eq!(code(at(wrong)), "policy_not_next", "{wrong}");
    }
    assert_eq!(at(8), Ok(8));
    let last = Policy::new(statement(2, u32::MAX, Rule::All)).unwrap();
    let first = signed(&statement(2, 1, Rule::All), &[1, 2]);
    assert_eq!(code(last.succeed(&first, &Revocations::default(), NOW)), "policy_not_next");
}

#[test]
fn a_policy_of_another_environment_is_refused() {
    let elsewhere = PolicyStatement { environment: "test".into(), ..statement(2, 2, Rule::All) };
    let refused = policy_of(2, Rule::All).succeed(&signed(&elsewhere, &[1, 2]), &Revocations::default(), NOW);
    assert_eq!(code(refused), "wrong_environment");
}

#[test]
fn a_forgotten_draft_cannot_be_completed_later() {
    let (old, next) = (policy_of(2, Rule::All), statement(2, 2, Rule::All));
    let at = |policy: &PolicyStatement, now| {
        old.succeed(&signed(policy, &[1, 2]), &Revocations::default(), now).map(|next| next.version())
    };
    assert_eq!(at(&next, NOW + 10), Ok(2));
    assert_eq!(code(at(&next, NOW + 11)), "policy_expired");
    let for_ever = PolicyStatement { adopt_before: None, ..next.clone() };
    assert_eq!(code(at(&for_ever, NOW)), "policy_unreadable");
    let over = PolicyStatement { expires: Some(NOW - 1), ..next.clone() };
    assert_eq!(code(at(&over, NOW)), "policy_expired");
    assert!(
        old.follow(&signed(&next, &[1, 2])).is_ok(),
        "what was taken over in time is read again any time"
    );
}

#[test]
fn an_expired_policy_starts_nothing_and_can_still_be_followed() {
    let ended = PolicyStatement { expires: Some(NOW - 1), ..statement(2, 1, Rule::All) };
    let ended = Policy::new(ended).unwrap();
    assert_eq!(code(approved_by(&ended, &[1, 2])), "policy_expired");
    let renewed = signed(&statement(2, 2, Rule::All), &[1, 2]);
    assert!(ended.succeed(&renewed, &Revocations::default(), NOW).is_ok());
    let until_now = PolicyStatement { expires: Some(NOW), ..statement(2, 1, Rule::All) };
    assert!(approved_by(&Policy::new(until_now).unwrap(), &[1, 2]).is_ok());
}

#[test]
fn an_old_approval_holds_under_a_renewed_policy_only_if_that_says_so() {
    let since = |approvals_since| {
        Policy::new(PolicyStatement { approvals_since, ..statement(2, 3, Rule::All) }).unwrap()
    };
    assert_eq!(code(approved_under(&since(3), 2, &[1, 2])), "wrong_policy");
    assert!(approved_under(&since(2), 2, &[1, 2]).is_ok());
    assert_eq!(code(approved_under(&since(2), 1, &[1, 2])), "wrong_policy");
    assert_eq!(code(approved_under(&since(1), 4, &[1, 2])), "wrong_policy");
    // What holds on paper still needs those who count now.
    let with_carol = PolicyStatement { approvals_since: 1, ..statement(3, 3, Rule::All) };
    assert_eq!(code(approved_under(&Policy::new(with_carol).unwrap(), 2, &[1, 2])), "approver_missing");
}

#[test]
fn an_approval_is_no_policy_and_a_policy_no_approval() {
    let (old, none) = (policy_of(2, Rule::All), Revocations::default());
    let policy = signed(&statement(2, 2, Rule::All), &[1, 2]);
    assert_eq!(verify_envelope(&policy, &old, &none, NOW), Err(Refusal::PayloadType));
    assert_eq!(old.succeed(&envelope(), &none, NOW), Err(Refusal::PayloadType));
    let mut revocations = none.clone();
    assert_eq!(revocations.add(&policy, &[&old]), Err(Refusal::PayloadType));
    // The type is signed too: written over, it no longer fits.
    let types = ["approval", "policy", "revocation"];
    for (from, file) in [("policy", &policy), ("approval", &envelope())] {
        for to in types.iter().filter(|to| **to != from) {
            let text = String::from_utf8(file.clone()).unwrap();
            let swapped = text.replacen(&format!("vdl.{from}.v1"), &format!("vdl.{to}.v1"), 1);
            assert!(verify_envelope(swapped.as_bytes(), &old, &none, NOW).is_err());
            assert!(old.succeed(swapped.as_bytes(), &none, NOW).is_err());
            assert!(revocations.add(swapped.as_bytes(), &[&old]).is_err());
        }
    }
}

#[test]
fn nobody_signs_a_policy_that_is_not_understood() {
    let draft = draft_policy(&policy_of(2, Rule::All)).unwrap();
    let text = String::from_utf8(draft).unwrap();
    let other = text.replacen("vdl.policy.v1", "vdl.anything.v1", 1);
    assert_eq!(add_signature(other.as_bytes(), &alice()), Err(Refusal::PayloadType));
    let payload = text.split("\"payload\": \"").nth(1).unwrap().split('"').next().unwrap();
    let broken = text.replacen(payload, "e30=", 1);
    assert_eq!(code(add_signature(broken.as_bytes(), &alice())), "policy_unreadable");
}

#[test]
fn a_gate_goes_to_the_next_policy_and_says_where_it_stands() {
    let gate = Gatekeeper::authorized(policy_of(2, Rule::All), Revocations::default());
    let next = gate.adopt(&signed(&statement(3, 2, Rule::AtLeast(2)), &[1, 2, 4]), NOW).unwrap();
    let (old, new) = (gate.standing().unwrap(), next.standing().unwrap());
    assert_eq!([old.policy, new.policy], [1, 2]);
    assert_ne!(old.policy_digest, new.policy_digest);
    assert_eq!(old.revocations_digest, new.revocations_digest);
    assert_eq!(next.policy().unwrap().digest(), new.policy_digest);
    let terms = Terms { policy_version: Some(2), ..terms() };
    assert!(next.check_envelope(&signed_by(SCRIPT, &terms, &[key(4), bob()]), NOW).is_ok());
    assert_eq!(code(next.check_envelope(&envelope(), NOW)), "wrong_policy");
    let mut design = Gatekeeper::design();
    assert!(design.standing().is_none() && design.policy().is_none() && design.revocations().is_none());
    assert_eq!(code(design.adopt(b"", NOW)), "design_mode");
    assert_eq!(code(design.revoke(b"", &[])), "design_mode");
}

/// No flipped bit makes another policy out of one that everybody signed.
#[test]
fn no_changed_byte_changes_the_policy_that_follows() {
    let (old, good) = (policy_of(2, Rule::All), signed(&statement(3, 2, Rule::AtLeast(2)), &[1, 2, 4]));
    let next = old.follow(&good).unwrap();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1 << (at % 8);
        if let Ok(adopted) = old.follow(&changed) {
            assert_eq!(adopted, next, "byte {at}");
        }
    }
}

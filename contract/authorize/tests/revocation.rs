//! Revocations: each test is somebody who would like to go on, or to silence the others.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use vdl_authorize::{
    Gatekeeper, Policy, Refusal, Revocation, Revocations, Revoked, Run, SigningKey, add_signature,
    draft_policy, read_envelope, read_revocation, sign_revocation,
};
use vdl_command::Digest;

fn revocation(revokes: Revoked) -> Revocation {
    Revocation {
        kind: "vdl-revocation/1".into(),
        environment: HERE.into(),
        policy_version: 1,
        revokes,
        reason: Some("the laptop was stolen".into()),
        time: NOW,
    }
}

fn written(key: &SigningKey) -> String {
    key.verifying_key().to_base64().unwrap()
}

fn revoked_by(signer: &SigningKey, revokes: Revoked) -> Vec<u8> {
    sign_revocation(&revocation(revokes), signer).unwrap()
}

fn after(revocations: &[Vec<u8>]) -> Gatekeeper {
    let mut gate = gate();
    revocations.iter().for_each(|envelope| assert!(gate.revoke(envelope, &[]).unwrap()));
    gate
}

fn approval() -> Digest {
    read_envelope(&envelope()).unwrap().digest
}

fn code<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> &'static str {
    answer.unwrap_err().code()
}

#[test]
fn a_revoked_approval_and_a_revoked_analyst_start_nothing() {
    for (revokes, said) in [
        (Revoked::Approval(approval()), format!("the approval {}", approval())),
        (
            Revoked::Analyst(written(&analyst())),
            format!("the analyst's key {}", analyst().verifying_key().fingerprint()),
        ),
    ] {
        let refusal =
            after(&[revoked_by(&bob(), revokes.clone())]).check_envelope(&envelope(), NOW).unwrap_err();
        assert_eq!(refusal, Refusal::Revoked(said.clone()));
        assert_eq!(revokes.to_string(), said);
    }
    let other = after(&[revoked_by(&bob(), Revoked::Analyst(written(&key(9))))]);
    assert!(other.check_envelope(&envelope(), NOW).is_ok());
}

#[test]
fn what_is_revoked_stops_at_the_next_command() {
    let script = vdl_command::read_script(SCRIPT.as_bytes()).unwrap();
    let command = vdl_command::write_command(&script.steps[0].command).unwrap();
    let run = Run::start(gate().check_envelope(&envelope(), NOW).unwrap(), 1, nonces()[1]);
    let authority = sign(approval(), 0, &command, 1);
    let ask = |gate: &Gatekeeper| run.check_step(gate, &authority, job(1), &command, NOW).map(|_| ());
    assert_eq!(ask(&gate()), Ok(()));
    let alices = Revoked::Approver(written(&alice()));
    for (revokes, expected) in [
        (Revoked::Approval(approval()), "revoked"),
        (Revoked::Analyst(written(&analyst())), "revoked"),
        (alices, "approver_missing"),
    ] {
        assert_eq!(code(ask(&after(&[revoked_by(&bob(), revokes)]))), expected);
    }
    assert_eq!(code(ask(&Gatekeeper::design())), "design_mode");
}

#[test]
fn a_revoked_approvers_signature_counts_for_nothing() {
    let gate = after(&[revoked_by(&bob(), Revoked::Approver(written(&alice())))]);
    let Err(Refusal::RuleUnmet { missing, .. }) = gate.check_envelope(&envelope(), NOW) else {
        unreachable!()
    };
    assert!(missing.contains(&alice().verifying_key().fingerprint()));
}

#[test]
fn a_stranger_revokes_nothing_and_neither_does_the_analyst() {
    for stranger in [key(9), analyst()] {
        let envelope = revoked_by(&stranger, Revoked::Approval(approval()));
        assert_eq!(gate().revoke(&envelope, &[]).unwrap_err(), Refusal::NotAnApprover);
    }
    // Signed by nobody; named after somebody.
    let text = String::from_utf8(revoked_by(&key(9), Revoked::Approval(approval()))).unwrap();
    let claimed = text.replace(&key(9).verifying_key().fingerprint(), &alice().verifying_key().fingerprint());
    assert_eq!(gate().revoke(claimed.as_bytes(), &[]).unwrap_err(), Refusal::NotAnApprover);
}

#[test]
fn a_former_approver_revokes_only_under_a_policy_that_is_known() {
    let former = Policy::pinned(&[key(8).verifying_key()], HERE).unwrap();
    let envelope = revoked_by(&key(8), Revoked::Approval(approval()));
    assert!(gate().revoke(&envelope, &[]).is_err());
    assert!(gate().revoke(&envelope, std::slice::from_ref(&former)).unwrap());
    let another = Revocation { policy_version: 2, ..revocation(Revoked::Approval(approval())) };
    let envelope = sign_revocation(&another, &key(8)).unwrap();
    assert_eq!(gate().revoke(&envelope, &[former]).unwrap_err(), Refusal::NotAnApprover);
}

#[test]
fn a_revocation_of_another_environment_is_refused() {
    let elsewhere = Revocation { environment: "test".into(), ..revocation(Revoked::Approval(approval())) };
    let refused = gate().revoke(&sign_revocation(&elsewhere, &alice()).unwrap(), &[]);
    assert_eq!(code(refused), "wrong_environment");
}

#[test]
fn revocations_merge_alike_in_any_order() {
    let each = [
        revoked_by(&alice(), Revoked::Approval(approval())),
        revoked_by(&bob(), Revoked::Approver(written(&alice()))),
        revoked_by(&alice(), Revoked::Approver(written(&bob()))),
        revoked_by(&bob(), Revoked::Analyst(written(&analyst()))),
    ];
    let mut turned = each.to_vec();
    turned.reverse();
    let (one, other) = (after(&each).standing().unwrap(), after(&turned).standing().unwrap());
    assert_eq!(one, other);
    assert_eq!(one.revocations, 4);
    assert_ne!(after(&each[..3]).standing(), Some(one));
}

#[test]
fn the_same_revocation_signed_again_is_the_same() {
    let once = revoked_by(&alice(), Revoked::Approval(approval()));
    let mut gate = after(std::slice::from_ref(&once));
    for again in [
        once.clone(),
        add_signature(&once, &bob()).unwrap(),
        revoked_by(&bob(), Revoked::Approval(approval())),
    ] {
        assert!(!gate.revoke(&again, &[]).unwrap());
        assert_eq!(read_revocation(&again).unwrap().digest(), read_revocation(&once).unwrap().digest());
    }
}

fn next_policy(signers: &[SigningKey]) -> Vec<u8> {
    let mut next = policy().statement().clone();
    (next.version, next.adopt_before) = (2, Some(NOW + 10));
    let draft = draft_policy(&Policy::new(next).unwrap()).unwrap();
    signers.iter().fold(draft, |envelope, signer| add_signature(&envelope, signer).unwrap())
}

#[test]
fn a_cancelled_transfer_is_never_adopted() {
    let signed = next_policy(&[alice(), bob()]);
    let digest = gate().adopt(&signed, NOW).unwrap().standing().unwrap().policy_digest;
    let cancelled = after(&[revoked_by(&bob(), Revoked::Policy(digest))]);
    assert_eq!(cancelled.adopt(&signed, NOW).unwrap_err(), Refusal::Revoked(format!("the policy {digest}")));
}

#[test]
fn a_revoked_key_must_still_sign_the_transition() {
    let gate = after(&[revoked_by(&bob(), Revoked::Approver(written(&alice())))]);
    assert_eq!(code(gate.adopt(&next_policy(&[bob()]), NOW)), "policy_unsigned");
    assert!(gate.adopt(&next_policy(&[bob(), alice()]), NOW).is_ok());
}

#[test]
fn an_approver_who_revokes_all_others_gains_nothing() {
    let mut gate = after(&[revoked_by(&bob(), Revoked::Approver(written(&alice())))]);
    assert_eq!(code(gate.check_envelope(&signed_by(SCRIPT, &terms(), &[bob()]), NOW)), "approver_missing");
    let mut alone = policy().statement().clone();
    alone.approvers.retain(|approver| approver.key == written(&bob()));
    (alone.version, alone.adopt_before) = (2, Some(NOW + 10));
    let draft = draft_policy(&Policy::new(alone).unwrap()).unwrap();
    let taken = gate.adopt(&add_signature(&draft, &bob()).unwrap(), NOW);
    assert_eq!(code(taken), "policy_unsigned");
    // And the other one can still answer.
    assert!(gate.revoke(&revoked_by(&alice(), Revoked::Approver(written(&bob()))), &[]).unwrap());
}

#[test]
fn a_revocation_that_makes_no_sense_is_not_signed() {
    let good = revocation(Revoked::Approval(approval()));
    for wrong in [
        Revocation { kind: "vdl-revocation/2".into(), ..good.clone() },
        Revocation { environment: String::new(), ..good.clone() },
        Revocation { reason: Some(String::new()), ..good.clone() },
        Revocation { reason: Some("x".repeat(1001)), ..good.clone() },
        Revocation { revokes: Revoked::Analyst("no key".into()), ..good.clone() },
        Revocation { revokes: Revoked::Approver(String::new()), ..good },
    ] {
        assert_eq!(code(sign_revocation(&wrong, &alice())), "revocation_unreadable");
    }
    // A second way to write a key would be a way around its revocation.
    let loose = written(&alice()).replace('=', "");
    assert!(sign_revocation(&revocation(Revoked::Approver(loose)), &alice()).is_err());
}

#[test]
fn no_changed_byte_changes_what_is_revoked() {
    let good = revoked_by(&alice(), Revoked::Approval(approval()));
    let believed = after(std::slice::from_ref(&good)).standing();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1 << (at % 8);
        let mut gate = gate();
        match gate.revoke(&changed, &[]) {
            Ok(_) => assert_eq!(gate.standing(), believed, "byte {at}"),
            Err(_) => assert_eq!(gate.standing(), self::gate().standing(), "byte {at}"),
        }
    }
    let mut none = Revocations::default();
    assert!(none.add(&good[..good.len() / 2], &[&policy()]).is_err());
    assert_eq!((none.count(), none), (0, Revocations::default()));
}

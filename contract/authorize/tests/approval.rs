//! Approved files: each test is somebody who wants a server to believe what was not approved.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use vdl_authorize::{
    Gatekeeper, Policy, Refusal, Revocations, SigningKey, Terms, VerifyingKey, add_signature, approve_script,
    end_of_day, explain_statement, is_envelope, read_envelope, template_any_upload, template_guarded_upload,
    verify_envelope,
};
use vdl_command::{Mode, Rules, read_script, write_script};

fn verified(envelope: &[u8]) -> Result<vdl_authorize::Approval, Refusal> {
    verify_envelope(envelope, &policy(), &Revocations::default(), NOW)
}

/// The envelope with one text replaced by another.
fn with(envelope: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(envelope.to_vec()).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    text.replacen(from, to, 1).into_bytes()
}

/// Whose signatures are missing, where the rule is not met.
fn missing(envelope: &[u8]) -> Vec<String> {
    let Err(Refusal::RuleUnmet { missing, .. }) = verified(envelope) else { return vec![] };
    let mut found: Vec<String> =
        missing.split(", ").map(|one| one.split(['(', ')']).nth(1).unwrap().to_owned()).collect();
    found.sort();
    found
}

fn fingerprints(keys: &[SigningKey]) -> Vec<String> {
    let mut found: Vec<String> = keys.iter().map(|key| key.verifying_key().fingerprint()).collect();
    found.sort();
    found
}

/// The signatures as they stand in the file, one text each.
fn signatures(envelope: &[u8]) -> Vec<String> {
    let text = String::from_utf8(envelope.to_vec()).unwrap();
    let (_, list) = text.split_once("\"signatures\": [").unwrap();
    let list = list.rsplit_once(']').unwrap().0;
    list.split_inclusive('}')
        .map(|one| one.trim_start_matches(',').trim().to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}

fn with_signatures(envelope: &[u8], signatures: &[String]) -> Vec<u8> {
    let text = String::from_utf8(envelope.to_vec()).unwrap();
    let (head, _) = text.split_once("\"signatures\": [").unwrap();
    format!("{head}\"signatures\": [{}]}}", signatures.join(",")).into_bytes()
}

#[test]
fn what_all_approvers_signed_is_believed() {
    let approval = verified(&envelope()).unwrap();
    assert_eq!(approval.statement().script, read_script(SCRIPT.as_bytes()).unwrap());
    assert_eq!(*approval.analyst(), analyst().verifying_key());
    assert_eq!(read_envelope(&envelope()).unwrap().digest, approval.digest());
    assert!(is_envelope(&envelope()) && !is_envelope(SCRIPT.as_bytes()) && !is_envelope(b"no json"));
}

#[test]
fn every_approver_signs_the_same_bytes_in_any_order() {
    let (one, other) =
        (signed_by(SCRIPT, &terms(), &[alice(), bob()]), signed_by(SCRIPT, &terms(), &[bob(), alice()]));
    assert_eq!(verified(&one).unwrap().digest(), verified(&other).unwrap().digest());
}

#[test]
fn the_missing_approver_is_named() {
    let half = signed_by(SCRIPT, &terms(), &[alice()]);
    assert_eq!(missing(&half), fingerprints(&[bob()]));
    let foreign = signed_by(SCRIPT, &terms(), &[key(8), key(9)]);
    assert_eq!(missing(&foreign), fingerprints(&[alice(), bob()]));
    let none = with_signatures(&envelope(), &[]);
    assert_eq!(missing(&none), fingerprints(&[alice(), bob()]));
}

#[test]
fn a_repeated_signature_counts_once() {
    let half = signed_by(SCRIPT, &terms(), &[alice()]);
    let mine = signatures(&half)[0].clone();
    let twice = with_signatures(&half, &[mine.clone(), mine.clone(), mine]);
    assert_eq!(missing(&twice), fingerprints(&[bob()]));
    assert_eq!(add_signature(&half, &alice()), Err(Refusal::AlreadySigned));
}

#[test]
fn two_approvers_with_one_key_are_refused() {
    let same = vec![alice().verifying_key(), bob().verifying_key(), alice().verifying_key()];
    let refusal = Refusal::SameApproverTwice(alice().verifying_key().fingerprint());
    assert_eq!(Policy::pinned(&same, HERE).unwrap_err(), refusal);
}

#[test]
fn no_approvers_approve_nothing() {
    assert_eq!(Policy::pinned(&[], HERE).unwrap_err(), Refusal::NoApprovers);
}

#[test]
fn the_key_id_decides_nothing() {
    let half = signed_by(SCRIPT, &terms(), &[key(9), bob()]);
    let claimed = with(&half, &fingerprints(&[key(9)])[0], &fingerprints(&[alice()])[0]);
    assert_eq!(missing(&claimed), fingerprints(&[alice()]));

    let mislabelled = with(&envelope(), &fingerprints(&[alice()])[0], &fingerprints(&[bob()])[0]);
    assert_eq!(verified(&mislabelled), verified(&envelope()));
}

#[test]
fn a_foreign_signature_neither_helps_nor_hinders() {
    let more = signed_by(SCRIPT, &terms(), &[key(9), alice(), key(8), bob()]);
    assert_eq!(verified(&more), verified(&envelope()));
}

#[test]
fn a_signature_from_another_script_does_not_fit() {
    let other = SCRIPT.replacen("mean", "max", 1);
    assert_ne!(other, SCRIPT);
    let (mine, theirs) = (signatures(&envelope()), signatures(&signed_by(&other, &terms(), &[bob()])));
    let mixed = with_signatures(&envelope(), &[mine[0].clone(), theirs[0].clone()]);
    assert_eq!(missing(&mixed), fingerprints(&[bob()]));
}

#[test]
fn an_approval_for_one_environment_is_none_for_another() {
    let design = Policy::pinned(&approvers(), "design").unwrap();
    let refusal = verify_envelope(&envelope(), &design, &Revocations::default(), NOW).unwrap_err();
    assert_eq!(refusal, Refusal::Environment { signed: HERE.into(), here: "design".into() });
}

#[test]
fn an_approval_holds_from_its_first_to_its_last_second() {
    let at = |now| gate().check_envelope(&envelope(), now).map(|_| ()).map_err(|r| r.code());
    assert_eq!([at(NOW - 61), at(NOW - 60)], [Err("approval_not_yet_valid"), Ok(())]);
    assert_eq!([at(NOW + 60), at(NOW + 61)], [Ok(()), Err("approval_expired")]);
    assert_eq!([at(i64::MIN), at(i64::MAX)], [Err("approval_not_yet_valid"), Err("approval_expired")]);
    assert_eq!(end_of_day("1970-01-01"), Some(86_399));
    assert_eq!(end_of_day("tomorrow"), None);
}

#[test]
fn the_run_limit_is_what_was_signed() {
    let approval = verified(&envelope()).unwrap();
    assert_eq!([approval.check_runs(0), approval.check_runs(1)], [Ok(()), Ok(())]);
    assert_eq!(approval.check_runs(2), Err(Refusal::RunsUsedUp { allowed: 2 }));
    assert_eq!(approval.check_runs(u64::MAX), Err(Refusal::RunsUsedUp { allowed: 2 }));
}

#[test]
fn a_foreign_payload_type_is_refused_even_when_signed() {
    let foreign = with(&envelope(), "application/vnd.vdl.approval.v1+json", "application/vnd.in-toto+json");
    assert_eq!(verified(&foreign), Err(Refusal::PayloadType));
}

#[test]
fn terms_that_make_no_sense_are_not_signed() {
    let refused = |terms: Terms| {
        let made = approve_script(SCRIPT.as_bytes(), &analyst().verifying_key(), &terms, &alice());
        matches!(made, Err(Refusal::Statement(_)))
    };
    assert!(refused(Terms { environment: String::new(), ..terms() }));
    assert!(refused(Terms { expires: Some(NOW - 61), ..terms() }));
    assert!(refused(Terms { max_runs: Some(0), ..terms() }));
    assert!(refused(Terms { not_before: i64::MAX, expires: None, ..terms() }));
}

#[test]
fn a_script_that_is_not_understood_is_not_signed() {
    for broken in [
        SCRIPT.replace("vdl-script/1", "vdl-script/9"),
        SCRIPT.replacen('{', "{\"quiet\":1,", 1),
        String::new(),
    ] {
        let made = approve_script(broken.as_bytes(), &analyst().verifying_key(), &terms(), &alice());
        assert!(matches!(made, Err(Refusal::Statement(_))));
    }
}

/// Changing any byte either makes the file refused, or changes nothing that is believed: the
/// same statement by the same approvers. Only hints (key ids) and white space may come through.
#[test]
fn no_changed_byte_changes_what_is_believed() {
    let (good, believed) = (envelope(), verified(&envelope()).unwrap());
    let text = String::from_utf8(good.clone()).unwrap();
    let hint = |at: usize| {
        fingerprints(&[alice(), bob()]).iter().any(|id| {
            let start = text.find(id.as_str()).unwrap();
            (start..start + id.len()).contains(&at)
        })
    };
    let mut through = 0;
    for at in 0..good.len() {
        for flip in [0x01, 0x02, 0x20, 0xff] {
            let mut changed = good.clone();
            changed[at] ^= flip;
            if let Ok(approval) = verified(&changed) {
                assert_eq!(approval, believed, "byte {at}");
                assert!(hint(at) || good[at].is_ascii_whitespace(), "byte {at} ({})", char::from(good[at]));
                through += 1;
            }
        }
    }
    assert!(through > 0, "the hints themselves are not signed");
}

#[test]
fn no_cut_or_doubled_file_is_believed() {
    let good = envelope();
    let end = good.iter().rposition(|byte| *byte == b'}').unwrap() + 1;
    for cut in 0..end {
        assert!(verified(&good[..cut]).is_err());
    }
    assert!(verified(&[good.clone(), good.clone()].concat()).is_err());
    assert!(verified(&[b"\xEF\xBB\xBF".to_vec(), good].concat()).is_err());
}

#[test]
fn both_alphabets_of_base64_are_read_but_no_sloppy_one() {
    let good = String::from_utf8(envelope()).unwrap();
    let (head, rest) = good.split_once("\"payload\": \"").unwrap();
    let (payload, tail) = rest.split_once('"').unwrap();
    let rebuilt = |payload: &str| format!("{head}\"payload\": \"{payload}\"{tail}").into_bytes();
    let url_safe = payload.replace('+', "-").replace('/', "_");
    assert_eq!(verified(&rebuilt(&url_safe)), verified(good.as_bytes()));
    assert_eq!(verified(&rebuilt(&format!("{payload}\\n"))), Err(Refusal::Base64));
    assert_eq!(verified(&rebuilt(&format!("{payload}===="))), Err(Refusal::Base64));
}

#[test]
fn duplicate_keys_in_the_envelope_are_refused() {
    let doubled = with(&envelope(), "\"payload\":", "\"payload\": \"e30=\", \"payload\":");
    assert!(matches!(verified(&doubled), Err(Refusal::Envelope(_))));
}

#[test]
fn a_file_with_thousands_of_signatures_is_refused_before_they_are_checked() {
    let mine = signatures(&envelope())[0].clone();
    assert!(matches!(verified(&with_signatures(&envelope(), &vec![mine; 5000])), Err(Refusal::Envelope(_))));
}

#[test]
fn a_design_environment_starts_no_runs_and_an_authorized_one_runs_nothing_without() {
    let design = Gatekeeper::design();
    assert_eq!(design.mode(), Mode::Design);
    assert_eq!(design.check_envelope(&envelope(), NOW), Err(Refusal::DesignMode));
    let open = r#"{"upload":{"columns":[]}}"#;
    assert!(design.admit_unapproved(open).is_ok());
    assert!(matches!(design.admit_unapproved("{}"), Err(Refusal::Command(_))));

    let strict = gate();
    assert_eq!(strict.mode(), Mode::Authorized);
    assert_eq!(strict.admit_unapproved(open), Err(Refusal::NeedsApproval));
    assert!(strict.check_envelope(&envelope(), NOW).is_ok());
    assert!(strict.check_envelope(&signed_by(SCRIPT, &terms(), &[alice()]), NOW).is_err());
}

#[test]
fn the_template_for_guarded_uploads_says_its_rules() {
    let rules = Rules { min_rows: Some(10), join_only: vec!["id".into()], round_counts: None };
    let script = template_guarded_upload(rules);
    let written = write_script(&script).unwrap();
    assert_eq!(written, include_str!("../../../vectors/scripts/guarded-upload.json"));
    let said = vdl_command::explain_script(&script);
    for word in ["any structure", "fewer than 10 of its rows", "\"id\" serve(s) for joining only"] {
        assert!(said.contains(word), "{word} in\n{said}");
    }
    // An upload without these rules is not one of them.
    assert_ne!(written, write_script(&template_any_upload()).unwrap());
}

#[test]
fn the_template_for_uploads_can_be_approved_and_explained() {
    let script = write_script(&template_any_upload()).unwrap();
    assert_eq!(script, include_str!("../../../vectors/scripts/any-upload.json"));
    let envelope = signed_by(&script, &terms(), &[alice(), bob()]);
    let approval = verified(&envelope).unwrap();
    assert!(!approval.statement().script.ordered);
    let said = explain_statement(approval.statement());
    for word in ["any structure", "##columns##", "at most 2", "production", "until", "any order"] {
        assert!(said.contains(word), "{word} in\n{said}");
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let samples = [
        Refusal::Base64,
        Refusal::RuleUnmet { rule: "all 2".into(), signed: "nobody".into(), missing: "A".into() },
        Refusal::Expired { at: "a".into(), now: "b".into() },
        Refusal::OutOfOrder { next: 0, got: 2, of: 3 },
        Refusal::NeedsApproval,
    ];
    for refusal in samples {
        assert!(
            !refusal.code().is_empty() && refusal.remedy().ends_with('.') && !refusal.to_string().is_empty()
        );
    }
}

/// Frozen: a file approved by this version is believed by every later one that keeps its promise.
#[test]
fn a_file_of_the_past_is_still_believed() {
    let frozen = include_bytes!("../../../vectors/approvals/mean-stroke-age.approved");
    if std::env::var_os("VDL_WRITE_VECTORS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/approvals/mean-stroke-age.approved");
        std::fs::write(path, envelope()).unwrap();
        return;
    }
    let read = |text: &str| VerifyingKey::read_pem(text).unwrap();
    let enrolled = [
        read(include_str!("../../../vectors/keys/alice.pk")),
        read(include_str!("../../../vectors/keys/bob.pk")),
    ];
    let enrolled = Policy::pinned(&enrolled, HERE).unwrap();
    assert!(verify_envelope(frozen, &enrolled, &Revocations::default(), NOW).is_ok());
    assert_eq!(frozen.to_vec(), envelope());
}

//! Approved scripts and authorizations, on three nodes that believe two approvers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use serde_json::json;
use vdl_authorize::{NameRule, Terms, template_any_upload};
use vdl_client::{ClientError, OpenedValues, generate_key};
use vdl_command::write_script;
use world::{Analysis, Production, aggregate, design, filter, integers, open, terms};

/// Allows any upload, signed by both.
fn any_upload(production: &Production) -> std::path::PathBuf {
    let script = write_script(&template_any_upload()).unwrap();
    production.approve_with(script.as_bytes(), "allow-any-upload.approved", 2, &terms())
}

/// Real data in production; the analysis recorded on dummies and approved.
fn story(production: &Production) -> (String, std::path::PathBuf) {
    let provider = production.analyst();
    provider.load_authorization(&any_upload(production)).unwrap();
    let real = provider.upload(vec![integers("age", &[30, 50, 70, 90])]);
    let handle = real.handle.to_string();

    let session = design();
    session.try_upload(vec![integers("age", &[1, 2, 99])], Some(&handle)).unwrap();
    session.record(Some("Mean age")).unwrap();
    let table = session.get(&handle);
    let old = session.table(filter(&table, "age", 40));
    session.opened(aggregate(&old, "mean", "age"));
    let script = production.path("mean-age.json");
    session.save(&script).unwrap();
    let approved = production.approve(&script, "mean-age.approved");
    (handle, approved)
}

#[test]
fn an_approved_script_runs_on_the_real_data() {
    let production = Production::start();
    let (handle, approved) = story(&production);
    let analyst = production.analyst();
    analyst.load(&approved).unwrap();
    let table = analyst.get(&handle);
    assert_eq!(table.rows, 4);
    let old = analyst.table(filter(&table, "age", 40));
    let OpenedValues::Mean(mean) = &analyst.opened(aggregate(&old, "mean", "age"))[0].values else {
        panic!()
    };
    assert_eq!(mean, &[70.0]);
    analyst.close().unwrap();
}

#[test]
fn what_was_not_approved_is_refused_before_it_is_sent() {
    let production = Production::start();
    let (handle, approved) = story(&production);
    let analyst = production.analyst();
    let command = json!({"open": {"table": {"handle": handle}}});
    let alone = analyst.run(command.clone()).unwrap_err();
    assert!(matches!(alone, ClientError::Authorization { .. }));
    assert!(alone.to_string().contains("no script or authorization is loaded"), "{alone}");

    analyst.load(&approved).unwrap();
    assert!(matches!(analyst.run(command), Err(ClientError::Mismatch(_))));
    let table = analyst.get(&handle);
    let changed = analyst.run(filter(&table, "age", 80)).unwrap_err();
    assert!(matches!(changed, ClientError::Mismatch(_)), "{changed}");
    // The script goes on where it was.
    analyst.table(filter(&table, "age", 40));
    assert!(matches!(analyst.close(), Err(ClientError::StepsLeft(_))));
    assert!(analyst.script().is_none());
}

#[test]
fn a_failed_step_may_be_tried_again() {
    let production = Production::start();
    let provider = production.analyst();
    provider.load_authorization(&any_upload(&production)).unwrap();
    let handle = provider.upload(vec![integers("a", &[1, 2])]).handle.to_string();

    let session = design();
    session.try_upload(vec![integers("a", &[7, 8, 9])], Some(&handle)).unwrap();
    session.record(None).unwrap();
    let table = session.get(&handle);
    let mut three = filter(&table, "a", 0);
    three["filter"]["threshold"] = json!(3);
    session.table(three);
    let script = production.path("three.json");
    session.save(&script).unwrap();

    let analyst = production.analyst();
    analyst.load(&production.approve(&script, "three.approved")).unwrap();
    let table = analyst.get(&handle);
    let mut three = filter(&table, "a", 0);
    three["filter"]["threshold"] = json!(3);
    for _ in 0..2 {
        let error = analyst.run(three.clone()).unwrap_err();
        assert_eq!(error.code(), "too_few_rows", "{error}");
        assert_eq!(analyst.script().unwrap().done, 1);
    }
    analyst.close().unwrap_err();
}

#[test]
fn several_authorizations_are_all_searched() {
    let production = Production::start();
    let analyst = production.analyst();
    let other = r#"{"format":"vdl-script/1","ordered":false,"steps":[{"command":
        {"get":{"table":{"name":"survey"}}}}]}"#;
    let survey = NameRule { name: "survey".into(), table: None, may_change: true };
    let terms = Terms { names: vec![survey], ..terms() };
    analyst
        .load_authorization(&production.approve_with(other.as_bytes(), "get.approved", 2, &terms))
        .unwrap();
    let refused = analyst.try_upload(vec![integers("a", &[1])], None).unwrap_err();
    assert!(refused.to_string().contains("the one authorization that is loaded"), "{refused}");
    analyst.load_authorization(&any_upload(&production)).unwrap();
    for rows in [1, 2, 3] {
        assert_eq!(analyst.upload(vec![integers("a", &vec![5; rows])]).rows, rows as u64);
    }
    let table = analyst.upload(vec![integers("a", &[1])]);
    assert!(matches!(analyst.run(open(&table)), Err(ClientError::Authorization { .. })));
}

#[test]
fn a_half_signed_approval_is_refused_by_the_servers() {
    let production = Production::start();
    let (_, approved) = story(&production);
    let script = std::fs::read(production.path("mean-age.json")).unwrap();
    let half = production.approve_with(&script, "half.approved", 1, &terms());
    let error = production.analyst().load(&half).unwrap_err();
    assert_eq!(error.code(), "approver_missing", "{error}");
    production.analyst().load(&approved).unwrap();
}

#[test]
fn wrong_files_are_refused_in_plain_words() {
    let production = Production::start();
    let (_, approved) = story(&production);
    let script = std::fs::read(production.path("mean-age.json")).unwrap();
    let analyst = production.analyst();
    let refused = |path: &std::path::Path, words: &str| {
        let error = analyst.load(path).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.remedy().is_some());
    };
    let expired = Terms { expires: Some(1_000), ..terms() };
    refused(&production.approve_with(&script, "old.approved", 2, &expired), "expired");
    let elsewhere = Terms { environment: "elsewhere".into(), ..terms() };
    refused(&production.approve_with(&script, "there.approved", 2, &elsewhere), "\"elsewhere\"");
    refused(&production.path("mean-age.json"), "nobody has approved");
    refused(&any_upload(&production), "outside scripts");
    assert!(analyst.load_authorization(&approved).unwrap_err().to_string().contains("is a script"));

    analyst.set_analyst_key(&production.key_file("other.sk", [9; 32])).unwrap();
    refused(&approved, "approved for the analyst with key");
    let nobody = world::session(production.nodes.clone());
    assert!(nobody.load(&approved).unwrap_err().to_string().contains("no analyst key is set"));
}

#[test]
fn an_approval_for_one_run_allows_one_run() {
    let production = Production::start();
    let (handle, _) = story(&production);
    let script = std::fs::read(production.path("mean-age.json")).unwrap();
    let once = Terms { max_runs: Some(1), ..terms() };
    let approved = production.approve_with(&script, "once.approved", 2, &once);
    let analyst = production.analyst();
    analyst.load(&approved).unwrap();
    analyst.get(&handle);
    analyst.close().unwrap_err();
    assert_eq!(analyst.load(&approved).unwrap_err().code(), "runs_used_up");
}

#[test]
fn recording_belongs_in_a_design_environment() {
    let production = Production::start();
    let error = production.analyst().record(None).unwrap_err();
    assert!(error.to_string().contains("design environment"), "{error}");
}

#[test]
fn wrong_key_files_are_refused_with_the_remedy() {
    let production = Production::start();
    let (secret, public) = (production.path("a.sk"), production.path("a.pk"));
    generate_key(&secret, &public).unwrap();
    assert!(generate_key(&secret, &production.path("b.pk")).is_err(), "an existing key was overwritten");
    assert!(generate_key(&production.path("b.sk"), &public).is_err());
    assert!(!production.path("b.sk").exists());
    let session = production.analyst();
    session.set_analyst_key(&secret).unwrap();
    let refused = |path: &std::path::Path, words: &str| {
        let error = session.set_analyst_key(path).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.remedy().is_some());
    };
    refused(&public, "verification key");
    let written = |name: &str, text: &str| {
        let path = production.path(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    refused(&written("e.sk", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END"), "encrypted");
    refused(&written("r.sk", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"), "Ed25519");
    refused(&written("n.sk", "hello"), "no key file");
    refused(&production.path("none.sk"), "cannot be read");
    assert_eq!(session.analyst_key().unwrap(), secret, "the key that worked stays");
}

//! Terms of an approval beyond dates and runs: each test is an analyst who reaches for another table.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use vdl_authorize::{NameRule, Refusal, Resolution, Run, Statement, Terms, explain_statement, read_envelope};
use vdl_command::{Handle, Nonce};

const OPEN: &str = r###"{"format":"vdl-script/1","ordered":false,"steps":[
    {"command":{"get":{"table":{"handle":"##which##"}}}},{"command":{"get":{"table":{"name":"##name##"}}}}]}"###;

const BY_NAME: &str = r#"{"format":"vdl-script/1","ordered":true,"steps":[
    {"command":{"get":{"table":{"name":"survey"}}}}]}"#;

fn handle(digit: u8) -> Handle {
    Handle([digit; 32])
}

fn pinned(name: &str, table: Handle) -> NameRule {
    NameRule { name: name.into(), table: Some(table), may_change: false }
}

fn limited() -> Terms {
    Terms {
        tables: Some(vec![handle(2), handle(1)]),
        names: vec![pinned("survey", handle(7)), changing("latest")],
        ..terms()
    }
}

fn signed(script: &str, terms: &Terms) -> Vec<u8> {
    signed_by(script, terms, &[alice(), bob()])
}

fn started(script: &str, terms: &Terms) -> Run {
    Run::start(gate().check_envelope(&signed(script, terms), NOW).unwrap(), 1, nonces()[1])
}

fn ask(run: &Run, pattern: u32, table: &str) -> Result<(), Refusal> {
    let command = format!(r#"{{"get":{{"table":{table}}}}}"#);
    let authority = sign(run.approval().digest(), pattern, &command, 1);
    run.check_step(&gate(), &authority, job(1), &command, NOW).map(|_| ())
}

fn by_handle(handle: Handle) -> String {
    format!(r#"{{"handle":"{handle}"}}"#)
}

#[test]
fn a_handle_outside_the_allowed_tables_in_a_hole() {
    let run = started(OPEN, &limited());
    assert_eq!([ask(&run, 0, &by_handle(handle(1))), ask(&run, 0, &by_handle(handle(2)))], [Ok(()), Ok(())]);
    assert_eq!(ask(&run, 0, &by_handle(handle(3))), Err(Refusal::TableNotAllowed { table: handle(3) }));
    let free = started(OPEN, &Terms { tables: None, ..limited() });
    assert_eq!(ask(&free, 0, &by_handle(handle(3))), Ok(()));
    let none = started(OPEN, &Terms { tables: Some(vec![]), ..limited() });
    assert_eq!(ask(&none, 0, &by_handle(handle(1))).unwrap_err().code(), "table_not_approved");
}

#[test]
fn lists_nobody_reads_are_refused_and_long_ones_are_searched_whole() {
    let numbered = |number: u16| {
        let mut bytes = [0; 32];
        bytes[30..].copy_from_slice(&number.to_be_bytes());
        Handle(bytes)
    };
    let analyst = analyst().verifying_key();
    let statement = |tables: u16, names: u16| {
        let script = vdl_command::read_script(OPEN.as_bytes()).unwrap();
        let terms = Terms {
            tables: Some((0..tables).map(numbered).collect()),
            names: (0..names).map(|number| changing(&format!("n{number:05}"))).collect(),
            ..terms()
        };
        Statement::new(script, &analyst, &terms).unwrap().check()
    };
    statement(10_000, 10_000).unwrap();
    assert!(statement(10_001, 1).unwrap_err().to_string().contains("10000 tables"));
    assert!(statement(1, 10_001).unwrap_err().to_string().contains("10000 names"));
    let run = started(OPEN, &Terms { tables: Some((1..1000).map(numbered).collect()), ..limited() });
    for (number, allowed) in [(0, false), (1, true), (500, true), (999, true), (1000, false)] {
        assert_eq!(ask(&run, 0, &by_handle(numbered(number))).is_ok(), allowed, "{number}");
    }
}

#[test]
fn a_hole_for_a_name_resolves_only_listed_names() {
    let run = started(OPEN, &limited());
    assert_eq!(
        [ask(&run, 1, r#"{"name":"survey"}"#), ask(&run, 1, r#"{"name":"latest"}"#)],
        [Ok(()), Ok(())]
    );
    let refused = Err(Refusal::NameNotAllowed { name: "salaries".into() });
    assert_eq!(ask(&run, 1, r#"{"name":"salaries"}"#), refused);
    assert_eq!(
        ask(&started(OPEN, &terms()), 1, r#"{"name":"survey"}"#).unwrap_err().code(),
        "name_not_approved"
    );
}

#[test]
fn a_name_not_listed_resolves_nothing() {
    let refused = |terms: &Terms| {
        vdl_authorize::approve_script(BY_NAME.as_bytes(), &analyst().verifying_key(), terms, &alice())
    };
    let refusal = refused(&terms()).unwrap_err();
    assert_eq!(refusal.code(), "approval_unreadable");
    assert!(refusal.to_string().contains("step 1 uses the name \"survey\""), "{refusal}");
    assert!(refused(&Terms { names: vec![changing("surveys")], ..terms() }).is_err());
    let approval = gate().check_envelope(&signed(BY_NAME, &limited()), NOW).unwrap();
    let unlisted = Err(Refusal::NameNotAllowed { name: "salaries".into() });
    assert_eq!(approval.check_resolved("salaries", handle(1), None), unlisted);
}

#[test]
fn a_table_pinned_to_a_name_is_not_swapped() {
    let approval = gate().check_envelope(&signed(BY_NAME, &limited()), NOW).unwrap();
    for fixed in [None, Some(handle(7)), Some(handle(8))] {
        assert_eq!(approval.check_resolved("survey", handle(7), fixed), Ok(Resolution::Known));
    }
    let rebound = Err(Refusal::NameRebound { name: "survey".into() });
    assert_eq!(approval.check_resolved("survey", handle(8), None), rebound);
    assert_eq!(
        approval.check_resolved("survey", handle(8), Some(handle(8))),
        rebound,
        "the approvers decide"
    );
    let changing = approval.check_resolved("latest", handle(8), Some(handle(7)));
    assert_eq!(changing, Ok(Resolution::Known), "that one may change");
}

#[test]
fn a_name_means_what_it_meant_first() {
    let terms = Terms { names: vec![NameRule { table: None, ..pinned("survey", handle(7)) }], ..terms() };
    let approval = gate().check_envelope(&signed(BY_NAME, &terms), NOW).unwrap();
    assert_eq!(approval.check_resolved("survey", handle(7), None), Ok(Resolution::First));
    assert_eq!(approval.check_resolved("survey", handle(7), Some(handle(7))), Ok(Resolution::Known));
    let rebound = Err(Refusal::NameRebound { name: "survey".into() });
    assert_eq!(approval.check_resolved("survey", handle(8), Some(handle(7))), rebound);
    let said = explain_statement(approval.statement());
    assert!(said.contains("\"survey\" means the table that has it when it is first used"), "{said}");
}

#[test]
fn uses_are_limited_where_commands_come_in_any_order_only() {
    let limited = Terms { max_uses: Some(2), ..limited() };
    let approval = gate().check_envelope(&signed(OPEN, &limited), NOW).unwrap();
    assert_eq!([0, 1].map(|used| approval.check_uses(used)), [Ok(()), Ok(())]);
    assert_eq!(approval.check_uses(2), Err(Refusal::UsesUsedUp { allowed: 2 }));
    assert!(explain_statement(approval.statement()).contains("Uses         at most 2 commands"));
    let free = gate().check_envelope(&signed(OPEN, &terms()), NOW).unwrap();
    assert_eq!(free.check_uses(u64::MAX), Ok(()));
    for (script, uses) in [(OPEN, 0), (BY_NAME, 2)] {
        let terms = Terms { max_uses: Some(uses), ..limited.clone() };
        let made =
            vdl_authorize::approve_script(script.as_bytes(), &analyst().verifying_key(), &terms, &alice());
        assert!(made.unwrap_err().to_string().contains("max_uses"));
    }
}

#[test]
fn a_table_that_the_script_writes_out_must_be_among_the_allowed() {
    let script = OPEN.replace("##which##", &handle(9).to_string());
    let terms = limited();
    let made = vdl_authorize::approve_script(script.as_bytes(), &analyst().verifying_key(), &terms, &alice());
    assert!(made.unwrap_err().to_string().contains("step 1 takes the table 0909"));
}

#[test]
fn terms_have_one_way_to_be_written() {
    let statement = read_envelope(&signed(OPEN, &limited())).unwrap().statement;
    assert_eq!(statement.tables, Some(vec![handle(1), handle(2)]), "sorted when they are made");
    let check = |change: &dyn Fn(&mut Statement)| {
        let mut changed = statement.clone();
        change(&mut changed);
        changed.check().is_err()
    };
    assert!(!check(&|_| ()));
    assert!(check(&|s| s.tables = Some(vec![handle(2), handle(1)])));
    assert!(check(&|s| s.tables = Some(vec![handle(1), handle(1)])));
    assert!(check(&|s| s.names.reverse()));
    assert!(check(&|s| s.names = vec![changing("survey"), changing("survey")]));
    assert!(check(&|s| s.names[0].table = Some(handle(1))), "pinned and changing at once");
    assert!(check(&|s| s.max_uses = Some(0)));
    for purpose in ["", "a\u{7}b", &"x".repeat(1001)] {
        assert!(check(&|s| s.purpose = Some(purpose.into())));
    }
    let text = serde_json::to_string(&statement).unwrap();
    let loose = text.replacen("\"may_change\":true", "\"may_change\":true,\"table\":null", 1);
    assert!(loose != text && Statement::read(loose.as_bytes()).is_err());
}

#[test]
fn an_approval_without_purpose_shows_none() {
    let said = |terms: &Terms| explain_statement(&read_envelope(&signed(OPEN, terms)).unwrap().statement);
    let plain = said(&terms());
    assert!(!plain.contains("Purpose") && !plain.contains("Tables  "), "{plain}");
    let full = said(&Terms { purpose: Some("Stroke ages".into()), ..limited() });
    for line in
        ["Purpose      Stroke ages", "Tables       no other than 0101", "\"survey\" means 0707", "whichever"]
    {
        assert!(full.contains(line), "{line} in\n{full}");
    }
}

#[test]
fn another_nonce_is_another_approval() {
    let digest = |nonce| read_envelope(&signed(OPEN, &Terms { nonce, ..terms() })).unwrap().digest;
    assert_ne!(digest(Some(Nonce([1; 32]))), digest(Some(Nonce([2; 32]))));
    assert_eq!(digest(None), digest(None));
}

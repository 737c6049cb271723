//! Strict reading: each attack is a text that two readers could take for two things.

#![allow(clippy::unwrap_used)]

use vdl_command::{
    Command, DEEPEST_JSON, Domain, Expression, HoleDomain, HoleName, Integer, LARGEST_JSON, Nonce, ReadError,
    Request, SCRIPT_FORMAT, Script, Slot, Step, TableRef, Tree, holes, read_command, read_script, wire,
    write_command, write_script,
};

const HANDLE: &str = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E";

fn refused(text: &str, reason: &str) {
    let said = read_command(text).map_or_else(|e| e.to_string(), |c| format!("accepted {c:?}"));
    assert!(said.contains(reason), "{text}\n{said}");
}

fn filter(constant: &str) -> String {
    format!(
        r#"{{"filter":{{"table":{{"handle":"{HANDLE}"}},"condition":{{"binary":{{"op":"greater",
        "left":{{"column":"a"}},"right":{{"integer":{constant}}}}}}}}}}}"#
    )
}

#[test]
fn a_command_survives_writing_and_reading() {
    let command = read_command(&filter("3")).unwrap();
    assert_eq!(read_command(&write_command(&command).unwrap()), Ok(command));
}

#[test]
fn duplicate_keys_are_refused() {
    refused(r#"{"open":{"table":{"step":1},"table":{"step":2}}}"#, "the key `table` comes twice");
    refused(r#"{"open":{"table":{"step":1}},"open":{"table":{"step":2}}}"#, "the key `open` comes twice");
    refused(r#"{"open":{"table":{"step":1},"t\u0061ble":{"step":2}}}"#, "the key `table` comes twice");
}

#[test]
fn numbers_that_readers_disagree_on_are_refused() {
    for number in ["3.0", "3.5", "3e0", "-0", "9007199254740993", "-9007199254740993", "18446744073709551616"]
    {
        refused(&filter(number), "±2^53");
    }
    for text in
        [r#""9007199254740992""#, r#""3""#, r#""+9007199254740993""#, r#""09007199254740993""#, r#"" 1""#]
    {
        refused(&filter(text), "±2^53");
    }
    for fine in ["9007199254740992", "-9007199254740992", r#""9007199254740993""#, r#""-9007199254740993""#] {
        assert!(read_command(&filter(fine)).is_ok(), "{fine}");
    }
    let smallest = Expression::Integer(Slot::Value(Integer(i128::MIN)));
    assert!(serde_json::to_string(&smallest).unwrap().contains("\"-17014118346"));
}

#[test]
fn what_is_around_the_text_is_refused() {
    refused(&format!("\u{feff}{}", filter("1")), "byte-order mark");
    refused(&format!("{} {{}}", filter("1")), "trailing characters");
    refused("", "EOF");
    let huge = format!("{}{}", filter("1"), " ".repeat(LARGEST_JSON));
    assert_eq!(read_command(&huge), Err(ReadError::TooLarge));
}

#[test]
fn depth_is_limited_before_the_stack_is() {
    for levels in [DEEPEST_JSON + 1, 100_000] {
        refused(&format!("{}1{}", "[".repeat(levels), "]".repeat(levels)), "levels within each other");
    }
    let deepest = format!("{}1{}", "[".repeat(DEEPEST_JSON), "]".repeat(DEEPEST_JSON));
    assert!(Tree::read(deepest.as_bytes()).is_ok());
}

#[test]
fn one_meaning_has_one_written_form() {
    refused(r#"{"open":[{"step":0}]}"#, "not the way it is written (at open)");
    refused(r#"{"upload":{"columns":[],"name":null}}"#, "not the way it is written (at upload.name)");
    refused(r#"{"upload":{"columns":[{"name":"a","type":"int8"}]}}"#, "not the way it is written");
    refused(r#"{"upload":{"columns":[["a","bool"]]}}"#, "not the way it is written");
}

#[test]
fn unknown_and_missing_fields_are_refused_with_their_place() {
    refused(r#"{"open":{"table":{"step":0},"quietly":true}}"#, "unknown field `quietly`");
    refused("{\"open\":\n{\"table\":{\"stop\":0}}}", "(line 2, column 16)");
    refused(r#"{"open":{}}"#, "missing field `table`");
    refused(r#"{"launch":{}}"#, "unknown variant");
    refused(
        &format!(r#"{{"open":{{"table":{{"handle":"{}"}}}}}}"#, HANDLE.to_lowercase()),
        "64 upper-case hexadecimal",
    );
}

#[test]
fn holes_are_found_wherever_a_text_stands() {
    let text = r###"{"filter":{"table":{"handle":"##t##"},"threshold":"##n##","condition":{"binary":{
        "op":"equal",
        "left":{"column":"##c##"},"right":{"integer":"##t##"}}}}}"###;
    let names: Vec<String> = holes(&read_command(text).unwrap()).into_iter().map(String::from).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, ["##c##", "##n##", "##t##"]);
}

#[test]
fn a_misspelt_hole_does_not_pass_for_a_text() {
    refused(r###"{"get":{"table":{"name":"##my-table##"}}}"###, "`##my-table##` is no hole");
    refused(r######"{"get":{"table":{"name":"####"}}}"######, "`####` is no hole");
}

#[test]
fn a_text_that_would_read_back_as_a_hole_is_not_written() {
    let command = Command::Get { table: TableRef::Name(Slot::Value("##x##".into())) };
    assert!(write_command(&command).is_err());
}

fn script(ordered: bool, commands: &[&str]) -> Script {
    let steps =
        commands.iter().map(|text| Step { command: read_command(text).unwrap(), source: None }).collect();
    Script { ordered, ..Script::new(None, steps) }
}

fn script_refused(script: &Script, reason: &str) {
    let said = script.check().map_or_else(|e| e.to_string(), |()| "accepted".into());
    assert!(said.contains(reason), "{said}");
    let text = serde_json::to_vec(script).unwrap();
    assert!(read_script(&text).is_err() && write_script(script).is_err());
}

#[test]
fn a_script_survives_writing_and_reading() {
    let get = format!(r#"{{"get":{{"table":{{"handle":"{HANDLE}"}}}}}}"#);
    let written = script(true, &[&get, r#"{"open":{"table":{"step":0}}}"#]);
    let text = write_script(&written).unwrap();
    assert_eq!(read_script(text.as_bytes()), Ok(written));
}

#[test]
fn references_lead_to_earlier_tables_only() {
    let upload = r#"{"upload":{"columns":[]}}"#;
    script_refused(&script(true, &[r#"{"open":{"table":{"step":0}}}"#]), "does not come before it");
    script_refused(&script(true, &[r#"{"open":{"table":{"step":1}}}"#, upload]), "does not come before it");
    let opened = [upload, r#"{"open":{"table":{"step":0}}}"#, r#"{"open":{"table":{"step":1}}}"#];
    script_refused(&script(true, &opened), "makes no table");
    script_refused(&script(false, &[upload, r#"{"open":{"table":{"step":0}}}"#]), "in any order");
}

#[test]
fn other_formats_and_empty_scripts_are_refused() {
    script_refused(&script(true, &[]), "steps");
    let newer = Script { format: "vdl-script/2".into(), ..script(true, &[r#"{"upload":{"columns":[]}}"#]) };
    script_refused(&newer, SCRIPT_FORMAT);
}

#[test]
fn declared_holes_are_used_once_and_bound_what_fills_them() {
    let get = r###"{"get":{"table":{"name":"##t##"}}}"###;
    let hole = |name: &str, domain| HoleDomain { hole: HoleName::parse(name).unwrap(), domain };
    let one_of = Domain::OneOf(vec!["survey".into()]);
    let declared = |holes| Script { holes, ..script(true, &[get]) };
    assert!(declared(vec![hole("##t##", one_of.clone())]).check().is_ok());
    script_refused(&declared(vec![hole("##u##", one_of.clone())]), "no step has this hole");
    let twice = vec![hole("##t##", one_of.clone()), hole("##t##", one_of.clone())];
    script_refused(&declared(twice), "declared twice");

    assert!(one_of.contains(&Tree::Text("survey".into())) && !one_of.contains(&Tree::Text("medical".into())));
    let range = Domain::Integer { min: Integer(0), max: Integer(1 << 60) };
    for (value, inside) in
        [(Tree::Integer(0), true), (Tree::Integer(-1), false), (Tree::Boolean(true), false)]
    {
        assert_eq!(range.contains(&value), inside);
    }
    assert!(
        range.contains(&Tree::Text((1_i64 << 59).to_string())) && !range.contains(&Tree::Text("5".into()))
    );
    let handles = Domain::Handles(vec![HANDLE.parse().unwrap()]);
    assert!(handles.contains(&Tree::Text(HANDLE.into())) && !handles.contains(&Tree::Text("0".repeat(64))));
}

#[test]
fn patterns_days_and_short_texts_bound_what_fills_a_hole() {
    let fits = |domain: &Domain, text: &str| domain.contains(&Tree::Text(text.into()));
    let pattern = |text: &str| Domain::Pattern(text.into());
    let code = pattern(r"[A-Z]{2}(-|\.)?[0-9]+");
    assert!(fits(&code, "NL-7") && fits(&code, "NL.7") && fits(&code, "NL42"));
    for outside in ["nl-7", "xNL-7", "NL-7\n", "NL-7 or", "NL--7", ""] {
        assert!(!fits(&code, outside), "{outside:?}");
    }
    assert!(
        fits(&pattern("a|b"), "b") && !fits(&pattern("a|b"), "ab"),
        "the whole text, not its beginning or end"
    );
    assert!(!fits(&pattern("a*"), &"a".repeat(5000)) && !code.contains(&Tree::Integer(7)));

    let days = Domain::Date { min: "2024-02-28".into(), max: "2024-03-01".into() };
    assert!(fits(&days, "2024-02-29") && fits(&days, "2024-03-01"));
    assert!(!fits(&days, "2024-02-30") && !fits(&days, "2024-03-02") && !fits(&days, "2024-2-29"));
    let short = Domain::Text { most: 2 };
    assert!(fits(&short, "é€") && !fits(&short, "abc"));
}

#[test]
fn a_domain_that_allows_nothing_or_reads_differently_elsewhere_is_refused() {
    let get = r###"{"get":{"table":{"name":"##t##"}}}"###;
    let hole = |domain| HoleDomain { hole: HoleName::parse("##t##").unwrap(), domain };
    let refused = |domain: Domain, why: &str| {
        script_refused(&Script { holes: vec![hole(domain)], ..script(true, &[get]) }, why);
    };
    for text in ["a.", "^a", "a$", r"\d", r"\", r"\<a", r"[\>]", "(?i)a", "[[:alpha:]]", "[a&&b]", "a]", "é"]
    {
        refused(Domain::Pattern(text.into()), "pattern");
    }
    for text in ["(a", "a{2", "[b-a]", "*"] {
        refused(Domain::Pattern(text.into()), "is no pattern");
    }
    refused(Domain::Pattern("a".repeat(201)), "1 to 200");
    let days = |min: &str, max: &str| Domain::Date { min: min.into(), max: max.into() };
    refused(days("2024-03-01", "2024-02-28"), "no day lies between");
    refused(days("2024-02-30", "2024-03-01"), "2027-01-31");
    refused(Domain::Text { most: 0 }, "at most 0");
}

#[test]
fn a_body_comes_apart_as_it_was_put_together() {
    let request = Request {
        job: "A".repeat(64).parse().unwrap(),
        command: filter("1"),
        rows: Some(3),
        authority: None,
    };
    let body = wire::encode(&request, b"shares").unwrap();
    assert_eq!(wire::decode::<Request>(&body), Ok((request, &b"shares"[..])));
    for cut in 0..body.len() - b"shares".len() {
        assert!(wire::decode::<Request>(&body[..cut]).is_err());
    }
    assert!(wire::decode::<Request>(&[0xff; 64]).is_err());
    let twice = format!(r#"{{"job":"{}","command":"","command":"x"}}"#, Nonce([0; 32]));
    let mut body = u32::try_from(twice.len()).unwrap().to_le_bytes().to_vec();
    body.extend(twice.bytes());
    assert!(wire::decode::<Request>(&body).is_err());
}

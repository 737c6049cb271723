//! Every risk an approver is told of: a script that has it, and one that nearly has it and has it not.

#![allow(clippy::unwrap_used)]

use vdl_command::{Level, RiskCode, Script, explain_script, read_script, report};

const HANDLE: &str = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E";
const OTHER: &str = "EFC8A915781AE712856CA7F88AAED560A92D154BA6F78B90DCE36B287B9BC2AA";

/// The steps are commands in JSON; `@` is one table, `&` another.
fn script(steps: &[&str]) -> Script {
    with_holes("[]", steps)
}

fn with_holes(holes: &str, steps: &[&str]) -> Script {
    let steps: Vec<String> = steps.iter().map(|step| format!(r#"{{"command":{step}}}"#)).collect();
    let holes = if holes == "[]" { String::new() } else { format!(r#""holes":{holes},"#) };
    let text = format!(r#"{{"format":"vdl-script/1","ordered":true,{holes}"steps":[{}]}}"#, steps.join(","));
    let text = text.replace('@', &format!(r#"{{"handle":"{HANDLE}"}}"#));
    let text = text.replace('&', &format!(r#"{{"handle":"{OTHER}"}}"#));
    read_script(text.as_bytes()).unwrap()
}

fn has(script: &Script, code: RiskCode) -> bool {
    report(script).risks.iter().any(|risk| risk.code == code)
}

fn filter(table: &str, condition: &str, threshold: u64) -> String {
    format!(r#"{{"filter":{{"table":{table},"condition":{condition},"threshold":{threshold}}}}}"#)
}

fn compare(op: &str, column: &str, number: i64) -> String {
    format!(r#"{{"binary":{{"op":"{op}","left":{{"column":"{column}"}},"right":{{"integer":{number}}}}}}}"#)
}

fn both(left: &str, right: &str) -> String {
    format!(r#"{{"binary":{{"op":"and","left":{left},"right":{right}}}}}"#)
}

fn aggregate(table: &str, how: &str, column: &str) -> String {
    format!(
        r#"{{"aggregate":{{"table":{table},"aggregations":
            [{{"name":"x","aggregate":"{how}","value":{{"column":"{column}"}}}}],"threshold":10}}}}"#
    )
}

const UPLOAD: &str = r#"{"upload":{"columns":[{"name":"a","type":"int[min=0,max=9]"}]}}"#;

fn merge(left: &str, right: &str) -> String {
    format!(
        r#"{{"merge":{{"left":{left},"right":{right},"how":"inner","left_on":["a"],"right_on":["a"],
            "validate":"one_to_one","suffixes":["_x","_y"]}}}}"#
    )
}

#[test]
fn rows_and_groups_that_are_opened() {
    let grouped = r#"{"group_by":{"table":@,"by":["a"],"aggregations":[]}}"#;
    let rows = script(&[r#"{"open":{"table":@}}"#]);
    let groups = script(&[grouped, r#"{"open":{"table":{"step":0}}}"#]);
    assert!(has(&rows, RiskCode::RowLevel) && !has(&rows, RiskCode::GroupLevel));
    assert!(has(&groups, RiskCode::GroupLevel) && !has(&groups, RiskCode::RowLevel));
}

#[test]
fn minimums_that_are_missing_small_or_enough() {
    let at = |threshold| script(&[&filter("@", &compare("greater", "a", 3), threshold)]);
    assert!(has(&at(1), RiskCode::BareCount) && !has(&at(2), RiskCode::BareCount));
    assert!(has(&at(9), RiskCode::SmallMinimum) && !has(&at(10), RiskCode::SmallMinimum));
    let bare = aggregate("@", "mean", "a").replace(r#","threshold":10"#, "");
    assert!(has(&script(&[&bare]), RiskCode::NoMinimum));
    assert!(!has(&script(&[&aggregate("@", "mean", "a")]), RiskCode::NoMinimum));
    let after_filter =
        script(&[&filter("@", &compare("less", "a", 1), 10), &bare.replace('@', r#"{"step":0}"#)]);
    assert!(!has(&after_filter, RiskCode::NoMinimum));
}

#[test]
fn what_an_upload_of_the_script_asks_rules_out_few_rows_of_it_and_of_nothing_else() {
    let risks = |rules: &str, steps: &[&str]| {
        let upload =
            format!(r#"{{"upload":{{"columns":[{{"name":"a","type":"int[min=0,max=9]"}}]{rules}}}}}"#);
        let steps: Vec<&str> = [upload.as_str()].iter().chain(steps).copied().collect();
        let told = [RiskCode::NoMinimum, RiskCode::BareCount, RiskCode::GroupLevel, RiskCode::SmallMinimum];
        let script = script(&steps);
        told.into_iter().filter(|code| has(&script, *code)).collect::<Vec<_>>()
    };
    let of = |step: &str| format!(r#"{{"step":{step}}}"#);
    let bare = |step| aggregate(&of(step), "sum", "a").replace(r#","threshold":10"#, "");
    let kept = filter(&of("0"), &compare("less", "a", 1), 1);
    let groups = r#"{"group_by":{"table":{"step":0},"by":["a"],"aggregations":[]}}"#;
    let ten = r#","rules":{"min_rows":10}"#;
    let open = r#"{"open":{"table":{"step":1}}}"#;
    let joined = merge(&of("0"), "@");

    assert_eq!(risks(ten, &[&kept, &bare("1"), groups]), []);
    assert_eq!(risks(ten, &[groups, open, &bare("1")]), []);
    assert_eq!(risks(r#","rules":{"round_counts":7}"#, &[&kept]), [RiskCode::SmallMinimum]);
    assert_eq!(risks(r#","rules":{"min_rows":1}"#, &[&kept]), [RiskCode::BareCount]);
    assert_eq!(risks(r#","rules":{"min_rows":8,"round_counts":7}"#, &[&kept, &bare("1")]), []);
    for none in ["", r#","rules":{"join_only":["a"]}"#, r###","rules":"##rules##""###] {
        assert_eq!(risks(none, &[&kept, &bare("1")]), [RiskCode::NoMinimum, RiskCode::BareCount]);
    }
    // A single row of the other table may be behind ten of this one.
    assert_eq!(risks(ten, &[&joined, &bare("1")]), [RiskCode::NoMinimum]);
}

#[test]
fn extremes_names_and_deletions() {
    assert!(has(&script(&[&aggregate("@", "max", "a")]), RiskCode::Extreme));
    assert!(!has(&script(&[&aggregate("@", "sum", "a")]), RiskCode::Extreme));
    assert!(has(&script(&[r#"{"get":{"table":{"name":"survey"}}}"#]), RiskCode::Name));
    assert!(!has(&script(&[r#"{"get":{"table":@}}"#]), RiskCode::Name));
    assert!(has(&script(&[r#"{"save":{"table":@,"name":"survey"}}"#]), RiskCode::NamesTable));
    assert!(!has(&script(&[r#"{"save":{"table":@}}"#]), RiskCode::NamesTable));
    assert!(has(&script(&[r#"{"remove":{"table":@}}"#]), RiskCode::Deletes));
}

#[test]
fn holes_for_anything_for_much_and_for_little() {
    let step = r###"{"filter":{"table":@,"condition":{"binary":{"op":"equal","left":{"column":"a"},
        "right":{"text":"##h##"}}},"threshold":10}}"###;
    let with = |domain: &str| with_holes(&format!(r###"[{{"hole":"##h##","domain":{domain}}}]"###), &[step]);
    assert!(has(&script(&[step]), RiskCode::OpenHole));
    assert!(!has(&with(r#"{"one_of":["x"]}"#), RiskCode::OpenHole));
    for wide in [
        r#"{"integer":{"min":0,"max":1001}}"#,
        r#"{"pattern":"[A-Z]{2}"}"#,
        r#"{"text":{"most":3}}"#,
        r#"{"date":{"min":"2000-01-01","max":"2020-01-01"}}"#,
    ] {
        assert!(has(&with(wide), RiskCode::WideHole), "{wide}");
    }
    for narrow in [
        r#"{"integer":{"min":0,"max":1000}}"#,
        r#"{"one_of":["x"]}"#,
        r#"{"date":{"min":"2020-01-01","max":"2020-12-31"}}"#,
    ] {
        assert!(has(&with(narrow), RiskCode::BoundHole) && !has(&with(narrow), RiskCode::WideHole));
    }
}

#[test]
fn a_table_joined_with_itself_and_rows_of_the_analysts_own() {
    let with_itself = script(&[&filter("@", &compare("less", "a", 1), 10), &merge("@", r#"{"step":0}"#)]);
    assert!(has(&with_itself, RiskCode::SelfJoin));
    assert!(!has(&script(&[&merge("@", "&")]), RiskCode::SelfJoin));

    let concat =
        |other: &str| script(&[UPLOAD, &format!(r#"{{"concat":{{"tables":[{{"step":0}},{other}]}}}}"#)]);
    assert!(has(&concat("@"), RiskCode::OwnRows));
    assert!(!has(&concat(r#"{"step":0}"#), RiskCode::OwnRows));
    assert!(has(&script(&[UPLOAD, &merge("@", r#"{"step":0}"#)]), RiskCode::OwnRows));
}

/// Two means, each over the rows of a condition; the second may go through more steps.
fn two_means(first: &str, second: &str) -> Script {
    script(&[
        &filter("@", first, 10),
        &aggregate(r#"{"step":0}"#, "mean", "income"),
        &filter("@", second, 10),
        r#"{"sort":{"table":{"step":2},"by":[{"column":"a","ascending":true}]}}"#,
        &aggregate(r#"{"step":3}"#, "sum", "income"),
    ])
}

#[test]
fn two_results_over_nearly_the_same_rows() {
    let (old, woman) = (compare("greater", "age", 30), compare("equal", "sex", 1));
    let differ = |first: &str, second: &str| has(&two_means(first, second), RiskCode::DifferencingWithin);
    assert!(differ(&old, &compare("greater", "age", 31)), "another constant");
    assert!(differ(&old, &both(&old, &woman)), "one comparison more");
    assert!(differ(&both(&woman, &old), &old), "one comparison less");
    assert!(differ(&both(&old, &woman), &both(&woman, &compare("greater", "age", 0))), "in any order");
    assert!(!differ(&old, &old), "the same again tells nothing new");
    assert!(!differ(&woman, &compare("equal", "sex", 0)), "they have no row in common");
    assert!(!differ(&old, &both(&woman, &compare("less", "height", 3))), "other rows altogether");

    let whole = script(&[
        &aggregate("@", "mean", "income"),
        &filter("@", &old, 10),
        &aggregate(r#"{"step":1}"#, "mean", "income"),
    ]);
    assert_eq!(report(&whole).risks[0].step, Some(3), "all rows, and all but a few");
    let another_value = script(&[
        &aggregate("@", "mean", "age"),
        &filter("@", &old, 10),
        &aggregate(r#"{"step":1}"#, "mean", "income"),
    ]);
    assert!(!has(&another_value, RiskCode::DifferencingWithin));
    let another_table = script(&[
        &aggregate("&", "mean", "income"),
        &filter("@", &old, 10),
        &aggregate(r#"{"step":1}"#, "mean", "income"),
    ]);
    assert!(!has(&another_table, RiskCode::DifferencingWithin));
}

#[test]
fn groups_over_nearly_the_same_rows() {
    let grouped = |table: &str| {
        format!(
            r#"{{"group_by":{{"table":{table},"by":["a"],"aggregations":
                [{{"name":"x","aggregate":"sum","value":{{"column":"b"}}}}]}}}}"#
        )
    };
    let twice = script(&[
        &grouped("@"),
        r#"{"open":{"table":{"step":0}}}"#,
        &filter("@", &compare("not_equal", "id", 7), 10),
        &grouped(r#"{"step":2}"#),
        r#"{"open":{"table":{"step":3}}}"#,
    ]);
    assert!(has(&twice, RiskCode::DifferencingWithin));
}

#[test]
fn the_gravest_comes_first_and_each_kind_once() {
    let risky = script(&[
        r#"{"open":{"table":{"name":"survey"}}}"#,
        r#"{"get":{"table":{"name":"survey"}}}"#,
        r#"{"remove":{"table":{"name":"survey"}}}"#,
    ]);
    let levels: Vec<Level> = report(&risky).risks.iter().map(|risk| risk.level).collect();
    assert!(levels.is_sorted() && levels.first() == Some(&Level::High));
    let said = explain_script(&risky);
    let section = said.split("Risks, gravest first:\n").nth(1).unwrap();
    assert_eq!(
        section,
        "  high    single rows are opened, in step(s) 1\n  \
           high    a name decides which table is used, in step(s) 1, 2 and 3\n  \
           note    a table is deleted, in step(s) 3\n"
    );
    assert!(explain_script(&script(&[r#"{"get":{"table":@}}"#])).ends_with("none that are known here.\n"));
}

#[test]
fn a_report_says_what_is_opened_to_whom_and_of_which_size() {
    let report = report(&script(&[
        r#"{"project":{"table":@,"columns":[{"column":"name"},{"column":"b","as":"euro"}]}}"#,
        &filter(r#"{"step":0}"#, &compare("less", "a", 1), 12),
        &aggregate(r#"{"step":1}"#, "max", "a"),
        r#"{"open":{"table":{"step":1}}}"#,
    ]));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["format"], "vdl-report/1");
    let expected = serde_json::json!([
        {"step": 2, "what": "count", "to": "everybody", "values": null, "columns": null, "fewest_rows": 12},
        {"step": 3, "what": "values", "to": "analyst", "values": 1, "columns": null, "fewest_rows": 10},
        {"step": 4, "what": "rows", "to": "analyst", "values": null,
         "columns": ["name", "euro"], "fewest_rows": null},
    ]);
    assert_eq!(json["opened"], expected);
    assert_eq!(json["risks"][0]["code"], "row_level");
    assert_eq!(json["risks"][0]["level"], "high");
}

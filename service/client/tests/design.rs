//! Round trips, recordings and loaded scripts on the embedded engine.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use std::time::Instant;

use serde_json::json;
use vdl_client::{ClearColumn, ClearValues, ClientError, OpenedValues, Reply};
use vdl_command::{Command, TableRef, read_script};
use world::{Analysis, aggregate, design, filter, integers, open, texts, whole};

const PRODUCTION: &str = "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E";
const DIFFERENT: &str = "filter.condition.binary.right.integer";

#[test]
fn what_is_uploaded_is_what_is_opened() {
    let session = design();
    let valid = Some(vec![true, false, true]);
    let columns = || {
        vec![
            integers("whole", &[-(1 << 40), 0, 1 << 62]),
            ClearColumn {
                name: "flag".into(),
                values: ClearValues::Boolean(vec![true, false, true]),
                valid: None,
            },
            ClearColumn {
                name: "day".into(),
                values: ClearValues::Date(vec![-400, 0, 20_000]),
                valid: valid.clone(),
            },
            texts("plain", &["", "abc", "a longer text that takes several words of bits"]),
            texts("rich", &["é", "", "𝒳 and 中"]),
            ClearColumn {
                name: "maybe".into(),
                values: ClearValues::Integer(vec![5, 99, 7]),
                valid: valid.clone(),
            },
        ]
    };
    let table = session.upload(columns());
    assert_eq!(table.rows, 3);
    let opened = session.opened(open(&table));
    assert_eq!(
        opened.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        ["whole", "flag", "day", "plain", "rich", "maybe"]
    );
    assert_eq!(whole(&opened[0].values), [-(1 << 40), 0, 1 << 62]);
    assert!(opened[1].values == OpenedValues::Boolean(vec![true, false, true]));
    assert_eq!(opened[2].valid, valid);
    let OpenedValues::Date(days) = &opened[2].values else { panic!() };
    assert_eq!((days[0], days[2]), (-400, 20_000));
    let OpenedValues::Text(plain) = &opened[3].values else { panic!() };
    assert_eq!(plain[2], "a longer text that takes several words of bits");
    let OpenedValues::Text(rich) = &opened[4].values else { panic!() };
    assert_eq!(rich.as_slice(), ["é", "", "𝒳 and 中"]);
    assert_eq!(opened[5].valid, valid);
    assert_eq!(whole(&opened[5].values)[0], 5);
    assert_eq!(opened[5].ctype.to_string(), "int[min=5,max=7]?");
}

#[test]
fn numbers_and_sums_wider_than_64_bits_are_exact() {
    let session = design();
    let far = i64::MAX;
    let wide = vec![-(1i128 << 85), 1 << 70, 3];
    let valid = Some(vec![true, true, false]);
    let table = session.upload(vec![
        integers("far", &[far, far, -1]),
        ClearColumn { name: "wide".into(), values: ClearValues::Wide(wide.clone()), valid },
    ]);
    let opened = session.opened(open(&table));
    let OpenedValues::Wide(values) = &opened[1].values else { panic!() };
    assert_eq!(values[..2], wide[..2]);
    let first = |aggregation, column| session.opened(aggregate(&table, aggregation, column)).remove(0).values;
    assert!(first("sum", "far") == OpenedValues::Wide(vec![2 * i128::from(far) - 1]));
    assert!(first("sum", "wide") == OpenedValues::Wide(vec![wide[0] + wide[1]]));
    assert!(first("mean", "far") == OpenedValues::Mean(vec![(2 * i128::from(far) - 1) as f64 / 3.0]));
    assert!(first("mean", "wide") == OpenedValues::Mean(vec![(wide[0] + wide[1]) as f64 / 2.0]));
}

#[test]
fn an_empty_table_makes_the_round_trip() {
    let session = design();
    let table = session.upload(vec![integers("a", &[]), texts("t", &[])]);
    let opened = session.opened(open(&table));
    assert!(whole(&opened[0].values).is_empty());
}

#[test]
fn sums_and_means_are_put_together() {
    let session = design();
    let table = session.upload(vec![integers("a", &[-3, 10, 20])]);
    assert_eq!(whole(&session.opened(aggregate(&table, "sum", "a"))[0].values), [27]);
    assert_eq!(whole(&session.opened(aggregate(&table, "count", "a"))[0].values), [3]);
    let OpenedValues::Mean(mean) = &session.opened(aggregate(&table, "mean", "a"))[0].values else {
        panic!()
    };
    assert_eq!(mean, &[9.0]);
}

#[test]
fn a_wrong_value_is_named_by_place_and_nothing_is_sent() {
    let session = design();
    let upload = |column: ClearColumn, ctype: &str| {
        let command = json!({"upload": {"columns": [{"name": column.name, "type": ctype}]}}).to_string();
        let call = vdl_client::Call { command: &command, columns: Some(vec![column]), ..Default::default() };
        session.execute(call, world::job()).unwrap_err()
    };
    let outside = upload(integers("age", &[5, 130]), "int[min=0,max=120]");
    assert_eq!(outside.to_string(), "column \"age\", row 1: outside its type int[min=0,max=120]");
    let missing = ClearColumn { valid: Some(vec![true, false]), ..integers("age", &[5, 6]) };
    assert!(upload(missing, "int[min=0,max=120]").to_string().contains("row 1: missing"));
    assert!(upload(texts("t", &["ok", "né"]), "varchar[2,ascii]").to_string().contains("row 1"));
    assert!(upload(texts("t", &["long"]), "varchar[3]").to_string().contains("too long"));
    assert!(upload(texts("t", &["a\0"]), "varchar[3]").to_string().contains("NUL"));
    assert!(matches!(upload(texts("t", &["1"]), "int[min=0,max=9]"), ClientError::Column { .. }));
    assert!(!outside.to_string().contains("130"), "a value leaked");
}

#[test]
fn a_recording_keeps_production_handles_and_runs_on_dummies() {
    let session = design();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tall.json");
    let shapes = vec![integers("length", &[32, 86, 21]), integers("height", &[41, 66, 11])];
    let dummy = session.try_upload(shapes, Some(PRODUCTION)).unwrap();

    session.record(Some("Filter tall shapes")).unwrap();
    let got = session.get(PRODUCTION);
    assert_eq!(got.handle, dummy.handle);
    assert!(session.run(json!({"get": {"table": {"name": "nobody"}}})).is_err());
    let tall = session.table(filter(&got, "height", 40));
    assert_eq!(tall.rows, 2);
    assert_eq!(whole(&session.opened(open(&tall))[0].values), [32, 86]);
    session.save(&path).unwrap();
    assert!(session.script().is_none());

    let bytes = std::fs::read(&path).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(!text.contains(&dummy.handle.to_string()) && !text.contains(&tall.handle.to_string()));
    let script = read_script(&bytes).unwrap();
    assert_eq!(script.name.as_deref(), Some("Filter tall shapes"));
    let commands: Vec<_> = script.steps.iter().map(|step| &step.command).collect();
    assert_eq!(commands.len(), 3, "a command that failed is no step");
    assert!(matches!(commands[0], Command::Get { table: TableRef::Handle(_) }));
    assert!(matches!(commands[1], Command::Filter { table: TableRef::Step(0), .. }));
    assert!(matches!(commands[2], Command::Open { table: TableRef::Step(1) }));
    assert_eq!(script.steps[0].source.as_deref(), Some("test.py:1: ..."));

    // The same script, followed in design mode.
    session.load(&path).unwrap();
    let got = session.get(PRODUCTION);
    let tall = session.table(filter(&got, "height", 40));
    session.opened(open(&tall));
    session.close().unwrap();
}

#[test]
fn a_dummy_is_recorded_as_the_table_it_stands_for_wherever_it_is_used() {
    let session = design();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    session.record(None).unwrap();
    let dummy = session.try_upload(vec![integers("a", &[1, 2])], Some("survey")).unwrap();
    session.opened(aggregate(&dummy, "sum", "a"));
    session.save(&path).unwrap();
    let script = read_script(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(script.steps.len(), 1, "uploading the dummy is no step");
    let inputs = script.steps[0].command.inputs();
    assert!(matches!(inputs[0], TableRef::Name(name) if name.value().unwrap() == "survey"));
}

#[test]
fn a_changed_command_is_shown_beside_the_recorded_one_and_can_be_corrected() {
    let session = design();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    let dummy = session.try_upload(vec![integers("a", &[1, 2, 3])], Some(PRODUCTION)).unwrap();
    session.record(None).unwrap();
    session.get(PRODUCTION);
    session.run_at("a.py:7: df[df.a > 1]", filter(&dummy, "a", 1)).unwrap();
    session.save(&path).unwrap();

    session.load(&path).unwrap();
    let got = session.get(PRODUCTION);
    let error = session.run_at("b.py:9: df[df.a > 2]", filter(&got, "a", 2)).unwrap_err();
    let ClientError::Mismatch(report) = &error else { panic!("{error}") };
    for part in ["step 2 of 2", "a.py:7", "b.py:9", DIFFERENT, "expected", "actual"] {
        assert!(report.to_string().contains(part), "{part} is missing in:\n{report}");
    }
    let fields = (report.expected_field.as_deref(), report.actual_field.as_deref());
    assert_eq!((report.step, report.path.as_str(), fields), (2, DIFFERENT, (Some("1"), Some("2"))));
    assert_eq!(report.expected_source.as_deref(), Some("a.py:7: df[df.a > 1]"));
    assert_eq!(report.actual_source.as_deref(), Some("b.py:9: df[df.a > 2]"));
    assert_eq!(report.hint, None);
    assert_eq!(session.script().unwrap().done, 1);
    assert!(session.expected_step().unwrap().contains("filter"));
    session.table(filter(&got, "a", 1));
    let extra = session.run(open(&got)).unwrap_err();
    assert!(extra.to_string().contains("all 2 steps"), "{extra}");
    session.close().unwrap();
    assert!(matches!(session.close(), Err(ClientError::Script { .. })));
}

#[test]
fn a_skipped_a_repeated_and_a_changed_cell_are_told_apart() {
    let session = design();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    let dummy = session.try_upload(vec![integers("a", &[1, 2, 3])], Some(PRODUCTION)).unwrap();
    session.record(None).unwrap();
    session.get(PRODUCTION);
    for least in [0, 1, 2] {
        session.table(filter(&dummy, "a", least));
    }
    session.save(&path).unwrap();

    session.load(&path).unwrap();
    let got = session.get(PRODUCTION);
    let hint = |command| {
        let ClientError::Mismatch(report) = session.run(command).unwrap_err() else { panic!() };
        assert_eq!(report.to_string().contains("hint: "), report.hint.is_some());
        report.hint
    };
    assert_eq!(hint(filter(&got, "a", 1)).unwrap(), "this is step 3: step 2 was left out");
    assert_eq!(hint(filter(&got, "a", 2)).unwrap(), "this is step 4: steps 2 to 3 were left out");
    assert_eq!(hint(filter(&got, "a", 7)), None);
    for least in [0, 1, 2] {
        session.table(filter(&got, "a", least));
    }
    assert!(hint(filter(&got, "a", 1)).unwrap().starts_with("this is step 3 again: was a cell run twice?"));
    let ClientError::Mismatch(other) = session.run(open(&got)).unwrap_err() else { panic!() };
    assert_eq!((other.step, other.steps, other.hint), (5, 4, None));
}

#[test]
fn closing_early_names_the_missing_step_and_still_closes() {
    let session = design();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    session.record(None).unwrap();
    let table = session.upload(vec![integers("a", &[1, 2, 3])]);
    session.opened(open(&table));
    session.save(&path).unwrap();
    session.load(&path).unwrap();
    session.upload(vec![integers("a", &[4])]);
    let error = session.close().unwrap_err().to_string();
    assert!(error.contains("step 2 of 2") && error.contains("open"), "{error}");
    assert!(session.script().is_none());
}

#[test]
fn an_upload_script_pins_the_structure_and_leaves_the_data_free() {
    let session = design();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload.json");
    session.record(None).unwrap();
    session.upload(vec![integers("age", &[20, 60]), texts("name", &["ann", "bob"])]);
    session.save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("int[min=0,max=255]") && text.contains("varchar[8,ascii]"), "{text}");

    session.load(&path).unwrap();
    let real = session.upload(vec![
        integers("age", &[3, 99, 45]),
        texts("name", &["eve", "al", "gwendolyn".get(..8).unwrap()]),
    ]);
    assert_eq!(real.rows, 3);
    session.close().unwrap();

    session.load(&path).unwrap();
    let other = session.try_upload(vec![integers("height", &[3])], None);
    assert!(matches!(other, Err(ClientError::Mismatch(_))));
    let beyond = session.try_upload(vec![integers("age", &[300]), texts("name", &["x"])], None);
    assert!(matches!(beyond, Err(ClientError::Value { row: 0, .. })), "{beyond:?}");
    session.upload(vec![integers("age", &[30]), texts("name", &["x"])]);
    session.close().unwrap();
}

#[test]
fn scripts_out_of_place_are_explained() {
    let session = design();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    assert!(session.save(&path).unwrap_err().to_string().contains("no script is being recorded"));
    session.record(None).unwrap();
    assert!(session.save(&path).unwrap_err().to_string().contains("nothing was recorded"));
    session.upload(vec![integers("a", &[1])]);
    let nowhere = folder.path().join("no").join("where.json");
    assert!(session.save(&nowhere).is_err());
    session.save(&path).unwrap();
    std::fs::write(&path, "{\"format\":").unwrap();
    assert!(session.load(&path).unwrap_err().to_string().contains("no script"));
    assert!(session.load(&nowhere).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn a_server_error_leaves_the_session_as_it_was() {
    let session = design();
    let table = session.upload(vec![integers("a", &[1, 2, 3])]);
    let mut few = filter(&table, "a", 2);
    few["filter"]["threshold"] = json!(2);
    assert_eq!(session.run(few).unwrap_err().code(), "too_few_rows");
    assert_eq!(session.run(filter(&table, "b", 2)).unwrap_err().code(), "unknown_column");
    assert!(matches!(
        session.run(json!({"remove": {"table": {"handle": table.handle}}})),
        Ok(Reply::Removed)
    ));
    assert_eq!(session.run(open(&table)).unwrap_err().code(), "unknown_table");
}

#[test]
fn a_million_rows_are_an_ordinary_upload() {
    let session = design();
    let values: Vec<i64> = (0..1_000_000).map(|row| row * 7919 % 65_536).collect();
    let columns = || (0..4).map(|n| integers(&format!("c{n}"), &values)).collect::<Vec<_>>();
    let begin = Instant::now();
    let table = session.upload(columns());
    assert_eq!(table.rows, 1_000_000);
    println!("upload of 1M x 4 into the embedded engine: {:?}", begin.elapsed());
    let opened = session.opened(open(&table));
    assert!(whole(&opened[3].values) == values.as_slice());
}

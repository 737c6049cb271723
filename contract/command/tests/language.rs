//! The language itself, frozen: every form a command can take, and its sentence.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use vdl_command::{
    Aggregate, Aggregation, BinaryOp, ColumnMeta, Command, Domain, Expression, HoleDomain, HoleName, How,
    Integer, NamedExpression, Projection, Rules, Script, Slot, SortKey, Step, TableRef, Validate,
    explain_script, read_command, read_script, sentence, write_command, write_script,
};

const LANGUAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/language.json");

/// The digest of every sample below in its written form.
///
/// A failure here means: the language has changed. Signatures were given over texts in the old one. Write
/// the vectors anew (vectors/README.md), put the new digest here, and say in the commit message why every
/// old script that is still accepted means what it meant - or raise the format in `SCRIPT_FORMAT`.
const DIGEST: &str = "c071fc4d19d849d59ccca9b5b604aa68b6ca731266e591163d234470970d8404";

fn column(name: &str) -> Expression {
    Expression::Column(name.into())
}

fn integer(number: i128) -> Expression {
    Expression::Integer(Slot::Value(Integer(number)))
}

fn hole<T>(name: &str) -> Slot<T> {
    Slot::Hole(HoleName::parse(name).unwrap())
}

fn handle() -> TableRef {
    TableRef::Handle(Slot::Value(
        "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E".parse().unwrap(),
    ))
}

fn binary(op: BinaryOp, left: Expression, right: Expression) -> Expression {
    Expression::Binary { op, left: Box::new(left), right: Box::new(right) }
}

fn aggregation(name: &str, aggregate: Aggregate, of: &str) -> Aggregation {
    Aggregation { name: name.into(), aggregate, value: column(of) }
}

/// Does not compile when the language has more than the samples show; then add samples.
fn is_known(command: &Command) {
    match command {
        Command::Upload { columns: _, name: _, rules: _ }
        | Command::Get { table: _ }
        | Command::Filter { table: _, condition: _, threshold: _ }
        | Command::Project { table: _, columns: _ }
        | Command::Assign { table: _, columns: _ }
        | Command::Concat { tables: _ }
        | Command::Aggregate { table: _, aggregations: _, threshold: _ }
        | Command::GroupBy { table: _, by: _, aggregations: _ }
        | Command::Sort { table: _, by: _ }
        | Command::Open { table: _ }
        | Command::Save { table: _, name: _ }
        | Command::Remove { table: _ } => {}
        Command::Merge { left: _, right: _, how, left_on: _, right_on: _, validate, suffixes: _ } => {
            match (how, validate) {
                (
                    How::Inner | How::Left | How::Right | How::Outer,
                    Validate::OneToOne | Validate::ManyToOne | Validate::OneToMany | Validate::ManyToMany,
                ) => {}
            }
        }
    }
    if let Command::Aggregate { aggregations, .. } | Command::GroupBy { aggregations, .. } = command {
        for one in aggregations {
            match one.aggregate {
                Aggregate::Count | Aggregate::Sum | Aggregate::Mean | Aggregate::Min | Aggregate::Max => {}
            }
        }
    }
    for input in command.inputs() {
        match input {
            TableRef::Handle(_) | TableRef::Name(_) | TableRef::Step(_) => {}
        }
    }
}

fn expressions() -> Vec<Expression> {
    let operators = [
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::Equal,
        BinaryOp::NotEqual,
        BinaryOp::Less,
        BinaryOp::LessOrEqual,
        BinaryOp::Greater,
        BinaryOp::GreaterOrEqual,
        BinaryOp::And,
        BinaryOp::Or,
        BinaryOp::Xor,
    ];
    let mut all: Vec<Expression> =
        operators.map(|op| binary(op, column("a"), integer(3))).into_iter().collect();
    all.extend([
        integer(-5),
        integer(1 << 60),
        Expression::Integer(hole("##number##")),
        Expression::Boolean(true),
        Expression::Text(Slot::Value("a \"text\"".into())),
        Expression::Text(hole("##text##")),
        Expression::Date(Slot::Value("2000-01-31".into())),
        Expression::Date(hole("##date##")),
        Expression::Not(Box::new(column("a"))),
        Expression::Negate(Box::new(column("a"))),
        Expression::IsNull(Box::new(column("a"))),
        Expression::FillNull { value: Box::new(column("a")), with: Box::new(integer(0)) },
    ]);
    for expression in &all {
        match expression {
            Expression::Column(_)
            | Expression::Integer(_)
            | Expression::Boolean(_)
            | Expression::Text(_)
            | Expression::Date(_)
            | Expression::Binary { op: _, left: _, right: _ }
            | Expression::Not(_)
            | Expression::Negate(_)
            | Expression::IsNull(_)
            | Expression::FillNull { value: _, with: _ } => {}
        }
    }
    all
}

fn columns() -> Vec<ColumnMeta> {
    let types = [
        "int[min=-5,max=86]?",
        "bool",
        "date[min=2000-01-01,max=2030-12-31]",
        "varchar[12]",
        "varchar[3,ascii]?",
    ];
    let named = types.iter().zip(["a", "b", "c", "d", "e"]);
    named.map(|(ctype, name)| ColumnMeta { name: name.into(), ctype: ctype.parse().unwrap() }).collect()
}

fn upload(columns: Slot<Vec<ColumnMeta>>, name: Option<Slot<String>>, rules: Option<Slot<Rules>>) -> Command {
    Command::Upload { columns, name, rules }
}

/// Uploads whose provider asks something.
fn guarded() -> [Command; 5] {
    let asked = |min_rows, join_only: &[&str]| {
        let join_only = join_only.iter().map(|name| (*name).to_owned()).collect();
        Some(Slot::Value(Rules { min_rows, join_only, round_counts: None }))
    };
    [
        upload(Slot::Value(columns()), None, asked(Some(10), &["a", "b"])),
        upload(Slot::Value(columns()), None, asked(None, &["a"])),
        upload(hole("##columns##"), None, asked(Some(10), &[])),
        upload(hole("##columns##"), Some(hole("##name##")), Some(hole("##rules##"))),
        upload(
            hole("##columns##"),
            None,
            Some(Slot::Value(Rules { round_counts: Some(10), ..Rules::default() })),
        ),
    ]
}

fn tables() -> Vec<Command> {
    let merge = |how, validate| Command::Merge {
        left: TableRef::Step(0),
        right: handle(),
        how,
        left_on: vec!["a".into(), "b".into()],
        right_on: vec!["c".into(), "d".into()],
        validate,
        suffixes: ("_x".into(), "_y".into()),
    };
    vec![
        upload(Slot::Value(columns()), None, None),
        upload(Slot::Value(vec![]), Some(Slot::Value("survey".into())), None),
        upload(hole("##columns##"), Some(hole("##name##")), None),
        Command::Get { table: handle() },
        Command::Get { table: TableRef::Handle(hole("##table##")) },
        Command::Get { table: TableRef::Name(Slot::Value("survey".into())) },
        Command::Get { table: TableRef::Name(hole("##table##")) },
        Command::Get { table: TableRef::Step(0) },
        merge(How::Inner, Validate::OneToOne),
        merge(How::Left, Validate::ManyToOne),
        merge(How::Right, Validate::OneToMany),
        merge(How::Outer, Validate::ManyToMany),
        Command::Concat { tables: vec![handle(), TableRef::Step(0), TableRef::Step(1)] },
        Command::Open { table: TableRef::Step(0) },
        Command::Save { table: TableRef::Step(0), name: None },
        Command::Save { table: TableRef::Step(0), name: Some(Slot::Value("joined".into())) },
        Command::Remove { table: handle() },
    ]
}

fn samples() -> Vec<Command> {
    let table = || TableRef::Step(0);
    let filter = |condition, threshold| Command::Filter { table: table(), condition, threshold };
    let mut all = tables();
    all.extend(expressions().into_iter().map(|condition| filter(condition, None)));
    let mean = vec![aggregation("a", Aggregate::Mean, "a")];
    let every = [Aggregate::Count, Aggregate::Sum, Aggregate::Mean, Aggregate::Min, Aggregate::Max];
    let five = every.map(|aggregate| aggregation(&format!("{aggregate:?}"), aggregate, "a")).to_vec();
    all.extend([
        filter(column("a"), Some(Slot::Value(10))),
        filter(column("a"), Some(hole("##least##"))),
        Command::Project {
            table: table(),
            columns: vec![
                Projection { column: "a".into(), rename: None },
                Projection { column: "b".into(), rename: Some("c".into()) },
            ],
        },
        Command::Assign {
            table: table(),
            columns: vec![NamedExpression {
                name: "twice".into(),
                value: binary(BinaryOp::Multiply, column("a"), integer(2)),
            }],
        },
        Command::Aggregate { table: table(), aggregations: mean.clone(), threshold: None },
        Command::Aggregate { table: table(), aggregations: five.clone(), threshold: Some(Slot::Value(10)) },
        Command::Aggregate { table: table(), aggregations: mean, threshold: Some(hole("##least##")) },
        Command::GroupBy { table: table(), by: vec!["b".into(), "c".into()], aggregations: five },
        Command::Sort {
            table: table(),
            by: vec![
                SortKey { column: "a".into(), ascending: true },
                SortKey { column: "b".into(), ascending: false },
            ],
        },
    ]);
    all.extend(guarded());
    all.iter().for_each(is_known);
    all
}

/// A script with every field a script can have.
fn fullest_script() -> Script {
    let domain = |name: &str, domain| HoleDomain { hole: HoleName::parse(name).unwrap(), domain };
    let get = |name: &str| Step {
        command: Command::Get { table: TableRef::Name(hole(name)) },
        source: Some("cd.get_table(...)".into()),
    };
    let TableRef::Handle(Slot::Value(known)) = handle() else { panic!() };
    let holes = vec![
        domain("##a##", Domain::Integer { min: Integer(0), max: Integer(9) }),
        domain("##b##", Domain::OneOf(vec!["x".into()])),
        domain("##c##", Domain::Handles(vec![known])),
        domain("##d##", Domain::Pattern("[A-Z]{2}-?[0-9]+".into())),
        domain("##e##", Domain::Date { min: "2000-01-01".into(), max: "2030-12-31".into() }),
        domain("##f##", Domain::Text { most: 40 }),
    ];
    for declared in &holes {
        match declared.domain {
            Domain::Integer { min: _, max: _ } | Domain::OneOf(_) | Domain::Handles(_) => {}
            Domain::Pattern(_) | Domain::Date { min: _, max: _ } | Domain::Text { most: _ } => {}
        }
    }
    Script {
        format: "vdl-script/1".into(),
        name: Some("everything".into()),
        ordered: false,
        holes,
        steps: ["##a##", "##b##", "##c##", "##d##", "##e##", "##f##"].map(get).into(),
    }
}

#[test]
fn the_language_is_the_one_that_was_signed() {
    let mut forms: Vec<String> = samples().iter().map(|command| write_command(command).unwrap()).collect();
    forms.push(serde_json::to_string(&fullest_script()).unwrap());
    let digest = blake3::hash(forms.join("\n").as_bytes()).to_hex().to_string();
    assert_eq!(digest, DIGEST, "the language has changed: read what stands above DIGEST");
}

#[test]
fn every_form_is_written_and_said_as_before() {
    let entries: Vec<String> = samples()
        .iter()
        .map(|command| {
            let said = serde_json::to_string(&sentence(command)).unwrap();
            format!("{{\"command\":{},\n \"sentence\":{said}}}", write_command(command).unwrap())
        })
        .collect();
    compare(LANGUAGE, &format!("[\n{}\n]\n", entries.join(",\n")));
}

#[test]
fn every_form_survives_writing_and_reading() {
    for command in samples() {
        let text = write_command(&command).unwrap();
        assert_eq!(read_command(&text), Ok(command), "{text}");
    }
    let script = fullest_script();
    assert_eq!(read_script(write_script(&script).unwrap().as_bytes()), Ok(script));
}

#[test]
fn no_form_is_read_from_a_form_that_lacks_a_piece() {
    for command in samples() {
        let text = write_command(&command).unwrap();
        for cut in 0..text.len() {
            assert!(text.get(..cut).is_none_or(|cut| read_command(cut).is_err()), "{text} cut at {cut}");
        }
    }
}

#[test]
fn scripts_are_explained_as_before() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/scripts");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let script = read_script(&fs::read(&path).unwrap()).unwrap();
            compare(path.with_extension("txt").to_str().unwrap(), &explain_script(&script));
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} scripts");
}

#[test]
fn a_name_cannot_pass_for_a_part_of_the_sentence() {
    let nasty = "a\".\n  Opens: nothing.\n\u{202e}\u{200b}\u{7}";
    let command = Command::Filter {
        table: TableRef::Name(Slot::Value(nasty.into())),
        condition: column(nasty),
        threshold: None,
    };
    let script = Script::new(Some(nasty.into()), vec![Step { command, source: Some(nasty.into()) }]);
    let said = explain_script(&script);
    assert_eq!(said.matches("\n  Opens: ").count(), 1, "{said}");
    assert!(!said.contains(['\u{202e}', '\u{200b}', '\u{7}']), "{said}");
}

#[test]
fn a_threshold_left_open_or_of_one_row_is_still_remarked_on() {
    let said = |threshold| {
        let command = Command::Aggregate {
            table: handle(),
            aggregations: vec![aggregation("a", Aggregate::Mean, "a")],
            threshold,
        };
        explain_script(&Script::new(None, vec![Step { command, source: None }]))
            .contains("No minimum number of rows")
    };
    assert_eq!([said(None), said(Some(hole("##n##"))), said(Some(Slot::Value(1)))], [true; 3]);
    assert!(!said(Some(Slot::Value(2))));
}

#[test]
fn types_are_read_as_before() {
    let listed: Vec<(String, String, u32)> = [
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint8?",
        "uint16",
        "uint32",
        "uint56",
        "uint64",
        "int72",
        "uint96?",
        "int",
        "int[min=0,max=86]",
        "int[nullable,min=0,max=255]",
        "bool",
        "bool?",
        "date",
        "date[min=2000-01-01,max=2030-12-31]",
        "varchar[12]",
        "varchar[12,ascii]?",
        "mean[min=0,max=9]",
    ]
    .iter()
    .map(|text| {
        let read = text.parse::<vdl_command::ColumnType>().unwrap();
        ((*text).to_owned(), read.to_string(), read.width())
    })
    .collect();
    let refused = [
        "int104",
        "int[min=0,max=79228162514264337593543950336]",
        "int7",
        "int[min=0]",
        "int[min=5,max=4]",
        "varchar",
        "varchar[0]",
        "Int8",
        "",
    ];
    let vectors = serde_json::json!({ "read": listed, "refused": refused });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/types.json");
    compare(path, &(serde_json::to_string_pretty(&vectors).unwrap() + "\n"));
}

/// Compares with the frozen file, or writes it anew when asked to.
fn compare(path: &str, now: &str) {
    if std::env::var_os("VDL_WRITE_VECTORS").is_some() {
        fs::write(path, now).unwrap();
    }
    let frozen = fs::read_to_string(path).unwrap();
    assert_eq!(now, frozen, "{path} has changed; vectors/README.md says how to write it anew");
}

//! What a command means for a table, and what it is told when it means nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use vdl_plan::vdl_command::*;
use vdl_plan::{Constant, Input, Node, Operation, PlanError, PlanOutput, plan};

fn int(name: &str, min: i128, max: i128) -> ColumnMeta {
    column(name, Kind::Integer { min, max }, false)
}

fn column(name: &str, kind: Kind, nullable: bool) -> ColumnMeta {
    ColumnMeta { name: name.into(), ctype: ColumnType { kind, nullable } }
}

fn people() -> Input {
    let columns = vec![
        int("age", 0, 120),
        int("income", -1000, 1_000_000),
        column("name", Kind::Text { length: 12, ascii: true }, false),
        column("born", Kind::Date { min: 0, max: 20_000 }, true),
        column("smokes", Kind::Boolean, true),
        column("average", Kind::Mean { min: 0, max: 9 }, false),
    ];
    Input::new(columns, 1000)
}

fn it() -> TableRef {
    TableRef::Step(0)
}

fn name(name: &str) -> Expression {
    Expression::Column(name.into())
}

fn number(n: i128) -> Expression {
    Expression::Integer(Integer(n).into())
}

fn binary(op: BinaryOp, left: Expression, right: Expression) -> Expression {
    Expression::Binary { op, left: Box::new(left), right: Box::new(right) }
}

fn filter(condition: Expression) -> Command {
    Command::Filter { table: it(), condition, threshold: None }
}

fn assigned(value: Expression) -> Result<ColumnType, PlanError> {
    let columns = vec![NamedExpression { name: "new".into(), value }];
    let made = plan(&Command::Assign { table: it(), columns }, &[people()])?;
    Ok(made.columns().last().unwrap().ctype.clone())
}

fn condition(expression: Expression) -> Node {
    match plan(&filter(expression), &[people()]).unwrap().operation {
        Operation::Filter { condition, .. } => condition.node,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bounds_widen_through_arithmetic() {
    use BinaryOp::*;
    let kind = |e| assigned(e).unwrap().kind;
    let is = |min, max| Kind::Integer { min, max };
    assert_eq!(kind(binary(Add, name("age"), name("income"))), is(-1000, 1_000_120));
    assert_eq!(kind(binary(Subtract, name("age"), name("income"))), is(-1_000_000, 1120));
    assert_eq!(kind(binary(Multiply, name("income"), name("income"))), is(-1_000_000_000, 1_000_000_000_000));
    assert_eq!(kind(Expression::Negate(Box::new(name("income")))), is(-1_000_000, 1000));
    assert_eq!(kind(binary(Add, name("smokes"), name("smokes"))), is(0, 2));
    assert_eq!(kind(binary(Add, name("born"), name("age"))), Kind::Date { min: 0, max: 20_120 });
    assert_eq!(kind(binary(Subtract, name("born"), name("born"))), is(-20_000, 20_000));
}

#[test]
fn what_could_leave_64_bits_is_refused_by_name() {
    use BinaryOp::*;
    let cubed = binary(Multiply, name("income"), binary(Multiply, name("income"), name("income")));
    let whole = binary(Add, number(1), binary(Multiply, cubed, name("income")));
    match assigned(whole) {
        Err(PlanError::Overflow { expression, .. }) => {
            assert_eq!(expression, "((income * (income * income)) * income)");
        }
        other => panic!("{other:?}"),
    }
    let wide = int("wide", 0, 1 << 64);
    let columns = vec![NamedExpression { name: "new".into(), value: binary(Add, name("wide"), number(1)) }];
    let assign = Command::Assign { table: it(), columns };
    assert!(matches!(plan(&assign, &[Input::new(vec![wide], 2)]), Err(PlanError::Overflow { .. })));
}

#[test]
fn totals_may_take_96_bits_and_no_more() {
    let total = |max, rows| {
        let value = name("x");
        let sum = Aggregation { name: "s".into(), aggregate: Aggregate::Sum, value };
        let command = Command::Aggregate { table: it(), aggregations: vec![sum], threshold: None };
        let made = plan(&command, &[Input::new(vec![int("x", 0, max)], rows)])?;
        Ok(made.columns()[0].ctype.kind.clone())
    };
    let far = i64::MAX.into();
    assert_eq!(total(far, 3), Ok(Kind::Integer { min: 0, max: 3 * far }));
    assert!(total(far, 1 << 31).is_ok());
    assert!(total(LARGEST, 1).is_ok());
    assert!(matches!(total(LARGEST, 2), Err(PlanError::Overflow { bits: 96, .. })));
}

#[test]
fn comparisons_that_bounds_decide_cost_nothing() {
    use BinaryOp::*;
    let truth = |known| Node::Constant(Constant::Boolean(known));
    assert_eq!(condition(binary(GreaterOrEqual, name("age"), number(0))), truth(true));
    assert_eq!(condition(binary(Greater, name("age"), number(120))), truth(false));
    assert_eq!(condition(binary(Equal, number(1 << 100), name("age"))), truth(false));
    assert_eq!(condition(binary(Equal, number(1 << 90), name("age"))), truth(false));
    assert_eq!(condition(binary(Less, name("age"), number(1 << 100))), truth(true));
    // A missing date is not before any day, however late.
    let late = Expression::Date("2200-01-01".to_owned().into());
    assert!(matches!(condition(binary(Less, name("born"), late)), Node::Not(_)));
    assert!(matches!(condition(binary(Greater, name("age"), number(119))), Node::Compare { .. }));
}

#[test]
fn an_unknown_column_suggests_the_nearest() {
    let error = plan(&filter(binary(BinaryOp::Equal, name("aeg"), number(3))), &[people()]).unwrap_err();
    assert_eq!(error.to_string(), "there is no column `aeg`");
    let error = plan(&filter(binary(BinaryOp::Equal, name("Age"), number(3))), &[people()]).unwrap_err();
    assert_eq!(error.to_string(), "there is no column `Age`; did you mean `age`?");
}

#[test]
fn wrong_types_are_refused() {
    let refused = |e| plan(&filter(e), &[people()]).unwrap_err().code();
    assert_eq!(refused(name("age")), "wrong_type");
    assert_eq!(refused(binary(BinaryOp::Equal, name("age"), name("name"))), "incomparable");
    assert_eq!(refused(binary(BinaryOp::Less, name("born"), number(3))), "incomparable");
    assert_eq!(refused(binary(BinaryOp::And, name("smokes"), name("age"))), "wrong_type");
    assert_eq!(refused(binary(BinaryOp::Less, name("average"), number(3))), "mean_in_expression");
    assert_eq!(assigned(binary(BinaryOp::Add, name("born"), name("born"))).unwrap_err().code(), "wrong_type");
    assert_eq!(assigned(binary(BinaryOp::Add, name("name"), name("age"))).unwrap_err().code(), "wrong_type");
    assert_eq!(refused(Expression::Date("1999-02-30".to_owned().into())), "bad_date");
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let columns = vec![int("a", 0, 1), int("a", 0, 1)];
    let upload = Command::Upload { columns: columns.into(), name: None, rules: None };
    assert_eq!(plan(&upload, &[]).unwrap_err().code(), "duplicate_column");
}

#[test]
fn types_that_no_column_can_have_are_refused() {
    for kind in [
        Kind::Integer { min: 3, max: 2 },
        Kind::Integer { min: -LARGEST - 1, max: 2 },
        Kind::Text { length: 0, ascii: true },
        Kind::Mean { min: 0, max: 1 },
    ] {
        let upload =
            Command::Upload { columns: vec![column("a", kind, false)].into(), name: None, rules: None };
        assert_eq!(plan(&upload, &[]).unwrap_err().code(), "bad_type");
    }
}

#[test]
fn a_merge_keeps_one_key_column_and_suffixes_the_rest() {
    let left = Input::new(vec![int("id", 0, 9), int("x", 0, 1), int("y", 0, 1)], 2);
    let right = Input::new(vec![int("x", 0, 5), int("id", -4, 9), int("z", 0, 1)], 3);
    let merge = |how| Command::Merge {
        left: it(),
        right: it(),
        how,
        left_on: vec!["id".into()],
        right_on: vec!["id".into()],
        validate: Validate::ManyToOne,
        suffixes: ("_x".into(), "_y".into()),
    };
    let made = plan(&merge(How::Left), &[left.clone(), right.clone()]).unwrap();
    let names: Vec<&str> = made.columns().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["id", "x_x", "y", "x_y", "z"]);
    let nullable: Vec<bool> = made.columns().iter().map(|c| c.ctype.nullable).collect();
    assert_eq!(nullable, [false, false, false, true, true]);
    assert_ne!(made.digest(), plan(&merge(How::Inner), &[left, right]).unwrap().digest());
}

#[test]
fn concat_widens_and_finds_columns_by_name() {
    let first = Input::new(vec![int("a", 0, 9), column("b", Kind::Boolean, false)], 2);
    let other = Input::new(vec![column("b", Kind::Boolean, true), int("a", -5, 3)], 3);
    let command = Command::Concat { tables: vec![it(), it()] };
    let made = plan(&command, &[first.clone(), other]).unwrap();
    assert_eq!(made.columns()[0].ctype.to_string(), "int[min=-5,max=9]");
    assert!(made.columns()[1].ctype.nullable);
    assert_eq!(made.operation, Operation::Concat { columns: vec![vec![0, 1], vec![1, 0]] });
    let unlike = Input::new(vec![int("b", 0, 1), int("a", 0, 1)], 1);
    assert_eq!(plan(&command, &[first, unlike]).unwrap_err().code(), "unlike_columns");
}

#[test]
fn a_hole_that_is_still_open_has_no_plan() {
    let hole = Slot::Hole(HoleName::parse("##n##").unwrap());
    let command = Command::Filter { table: it(), condition: name("smokes"), threshold: Some(hole) };
    assert_eq!(plan(&command, &[people()]).unwrap_err().code(), "open_hole");
}

#[test]
fn aggregates_have_the_bounds_of_their_rows() {
    let of = |aggregate, value: &str| Aggregation { name: "out".into(), aggregate, value: name(value) };
    let ctype = |a| {
        let command = Command::Aggregate { table: it(), aggregations: vec![a], threshold: None };
        let made = plan(&command, &[people()]).unwrap();
        assert!(matches!(made.output, PlanOutput::Opened { .. }));
        made.columns()[0].ctype.to_string()
    };
    assert_eq!(ctype(of(Aggregate::Sum, "age")), "int[min=0,max=120000]");
    assert_eq!(ctype(of(Aggregate::Sum, "smokes")), "int[min=0,max=1000]");
    assert_eq!(ctype(of(Aggregate::Count, "age")), "int[min=1000,max=1000]");
    assert_eq!(ctype(of(Aggregate::Count, "born")), "int[min=0,max=1000]");
    assert_eq!(ctype(of(Aggregate::Mean, "income")), "mean[min=-1000,max=1000000]");
    assert_eq!(ctype(of(Aggregate::Max, "age")), "int[min=0,max=120]");
}

#[test]
fn a_result_knows_its_order_until_something_breaks_it() {
    let by = |keys: &[(&str, bool)]| -> Vec<SortKey> {
        keys.iter()
            .map(|(name, ascending)| SortKey { column: (*name).into(), ascending: *ascending })
            .collect()
    };
    let input = people().sorted(&by(&[("age", true), ("name", false)]));
    let other = Input::new(vec![int("age", 0, 9), int("x", 0, 1)], 3).sorted(&by(&[("x", true)]));
    let sorted = |command: &Command| {
        let inputs = if command.inputs().len() == 2 {
            vec![input.clone(), other.clone()]
        } else {
            vec![input.clone()]
        };
        plan(command, &inputs).unwrap().sorted_by()
    };
    let known = by(&[("age", true), ("name", false)]);
    assert_eq!(sorted(&Command::Get { table: it() }), known);
    assert_eq!(sorted(&Command::Save { table: it(), name: None }), known);
    let condition = Expression::Column("smokes".into());
    assert_eq!(sorted(&Command::Filter { table: it(), condition, threshold: None }), known);

    // A sort keeps what was known where its own keys are equal.
    let sort = |keys| Command::Sort { table: it(), by: by(keys) };
    assert_eq!(sorted(&sort(&[("age", true)])), known);
    assert_eq!(sorted(&sort(&[("age", false)])), by(&[("age", false), ("name", false)]));
    let born = by(&[("born", true), ("age", true), ("name", false)]);
    assert_eq!(sorted(&sort(&[("born", true)])), born);

    // Columns may be renamed; without one, what it decided is gone, and what stood behind it.
    let project = |columns: &[(&str, &str)]| Command::Project {
        table: it(),
        columns: columns
            .iter()
            .map(|(column, name)| Projection { column: (*column).into(), rename: Some((*name).into()) })
            .collect(),
    };
    let both = project(&[("name", "who"), ("age", "years")]);
    assert_eq!(sorted(&both), by(&[("years", true), ("who", false)]));
    assert_eq!(sorted(&project(&[("age", "years"), ("born", "b")])), by(&[("years", true)]));
    assert_eq!(sorted(&project(&[("name", "who")])), []);

    let assign = |name: &str| Command::Assign {
        table: it(),
        columns: vec![NamedExpression { name: name.into(), value: Expression::Column("income".into()) }],
    };
    assert_eq!(sorted(&assign("income")), known);
    assert_eq!(sorted(&assign("new")), known);
    assert_eq!(sorted(&assign("name")), by(&[("age", true)]));
    assert_eq!(sorted(&assign("age")), []);

    let group = Command::GroupBy { table: it(), by: vec!["born".into(), "age".into()], aggregations: vec![] };
    assert_eq!(sorted(&group), by(&[("born", true), ("age", true)]));
    assert_eq!(
        plan(&Command::Concat { tables: vec![it(), it()] }, &[input.clone(), input.clone()]).unwrap().sorted,
        []
    );

    let merge = |how| Command::Merge {
        left: it(),
        right: it(),
        how,
        left_on: vec!["age".into()],
        right_on: vec!["age".into()],
        validate: Validate::ManyToMany,
        suffixes: ("_x".into(), "_y".into()),
    };
    assert_eq!(sorted(&merge(How::Inner)), known);
    assert_eq!(sorted(&merge(How::Left)), known);
    assert_eq!(sorted(&merge(How::Right)), by(&[("x", true)]));
    assert_eq!(sorted(&merge(How::Outer)), []);
}

#[test]
fn an_order_is_part_of_what_the_nodes_agree_on() {
    let key = SortKey { column: "age".into(), ascending: true };
    let command = Command::Sort { table: it(), by: vec![key.clone()] };
    let [unknown, known] = [people(), people().sorted(&[key])].map(|input| plan(&command, &[input]).unwrap());
    assert_ne!(unknown.digest(), known.digest());
}

#[test]
fn merges_have_the_columns_that_pandas_gives_them() {
    let left = Input::new(vec![int("id", 0, 9), int("x", 0, 1), int("y", 0, 1)], 2);
    let id = column("id", Kind::Integer { min: -4, max: 9 }, true);
    let right = Input::new(vec![int("x", 0, 5), id, int("z", 0, 1)], 3);
    let made = |how| {
        let command = Command::Merge {
            left: it(),
            right: it(),
            how,
            left_on: vec!["id".into()],
            right_on: vec!["id".into()],
            validate: Validate::ManyToMany,
            suffixes: ("_x".into(), "_y".into()),
        };
        plan(&command, &[left.clone(), right.clone()]).unwrap().columns().to_vec()
    };
    for (how, least, missing) in [
        (How::Inner, 0, [false, false, false, false, false]),
        (How::Left, 0, [false, false, false, true, true]),
        (How::Right, -4, [true, true, true, false, false]),
        (How::Outer, -4, [true, true, true, true, true]),
    ] {
        let columns = made(how);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "x_x", "y", "x_y", "z"]);
        assert_eq!(columns[0].ctype.kind, Kind::Integer { min: least, max: 9 });
        assert!(
            columns.iter().zip(missing).all(|(column, missing)| column.ctype.nullable == missing),
            "{how:?}"
        );
    }
}

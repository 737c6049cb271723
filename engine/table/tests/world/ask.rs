//! Commands, shortly.

use vdl_plan::vdl_command::*;

use super::Random;

pub fn it() -> TableRef {
    TableRef::Step(0)
}

pub fn name(name: &str) -> Expression {
    Expression::Column(name.into())
}

pub fn number(n: i128) -> Expression {
    Expression::Integer(Integer(n).into())
}

pub fn text(text: &str) -> Expression {
    Expression::Text(text.to_owned().into())
}

pub fn binary(op: BinaryOp, left: Expression, right: Expression) -> Expression {
    Expression::Binary { op, left: Box::new(left), right: Box::new(right) }
}

pub fn filter(condition: Expression, threshold: Option<u64>) -> Command {
    Command::Filter { table: it(), condition, threshold: threshold.map(Slot::Value) }
}

pub fn assign(value: Expression) -> Command {
    Command::Assign { table: it(), columns: vec![NamedExpression { name: "new".into(), value }] }
}

pub fn aggregations(of: &[(Aggregate, Expression)]) -> Vec<Aggregation> {
    of.iter()
        .enumerate()
        .map(|(n, (aggregate, value))| Aggregation {
            name: format!("out{n}"),
            aggregate: *aggregate,
            value: value.clone(),
        })
        .collect()
}

pub fn aggregate(of: &[(Aggregate, Expression)], threshold: Option<u64>) -> Command {
    Command::Aggregate { table: it(), aggregations: aggregations(of), threshold: threshold.map(Slot::Value) }
}

pub fn group_by(by: &[&str], of: &[(Aggregate, Expression)]) -> Command {
    let by = by.iter().map(|name| (*name).to_owned()).collect();
    Command::GroupBy { table: it(), by, aggregations: aggregations(of) }
}

pub fn sort(by: &[(&str, bool)]) -> Command {
    let by = by.iter().map(|(name, ascending)| SortKey { column: (*name).into(), ascending: *ascending });
    Command::Sort { table: it(), by: by.collect() }
}

pub fn merge(how: How, validate: Validate, left_on: &[&str], right_on: &[&str]) -> Command {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Command::Merge {
        left: it(),
        right: it(),
        how,
        left_on: owned(left_on),
        right_on: owned(right_on),
        validate,
        suffixes: ("_x".into(), "_y".into()),
    }
}

pub fn concat(tables: usize) -> Command {
    Command::Concat { tables: vec![it(); tables] }
}

/// A random number-valued expression over the columns of `world::everything`.
pub fn any_number(random: &mut Random, depth: u32) -> Expression {
    use BinaryOp::*;
    let columns = ["a", "b", "c", "t", "u", "e"];
    let constants = [0, 1, -1, 2, 7, -5, 9, 1000, -300];
    if depth == 0 || random.chance(20) {
        return if random.chance(70) { name(random.pick(&columns)) } else { number(random.pick(&constants)) };
    }
    let mut inner = || Box::new(any_number(random, depth - 1));
    match (inner(), inner(), random.below(10)) {
        (value, _, 0) => Expression::Negate(value),
        (value, with, 1) => Expression::FillNull { value, with },
        (left, right, 2..=4) => Expression::Binary { op: Add, left, right },
        (left, right, 5..=7) => Expression::Binary { op: Subtract, left, right },
        (left, right, _) => Expression::Binary { op: Multiply, left, right },
    }
}

/// A random truth value.
pub fn any_truth(random: &mut Random, depth: u32) -> Expression {
    use BinaryOp::*;
    if depth == 0 {
        return name(random.pick(&["t", "u"]));
    }
    let op = random.pick(&[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]);
    match random.below(10) {
        0 => Expression::Not(Box::new(any_truth(random, depth - 1))),
        1..=3 => {
            let logic = random.pick(&[And, Or, Xor]);
            binary(logic, any_truth(random, depth - 1), any_truth(random, depth - 1))
        }
        4 => Expression::IsNull(Box::new(any_number(random, depth - 1))),
        5 => binary(op, any_text(random), any_text(random)),
        6 => binary(op, any_date(random), any_date(random)),
        7 => {
            let value = Box::new(any_truth(random, depth - 1));
            Expression::FillNull { value, with: Box::new(Expression::Boolean(random.chance(50))) }
        }
        _ => binary(op, any_number(random, depth - 1), any_number(random, depth - 1)),
    }
}

fn any_text(random: &mut Random) -> Expression {
    let constants = ["", "a", "ab", "abab~", "é", "b\u{10FFFF}", "aaaa", "~~~~~"];
    match random.below(4) {
        0 => text(random.pick(&constants)),
        1 => {
            let with = Box::new(text(random.pick(&constants)));
            Expression::FillNull { value: Box::new(name("v")), with }
        }
        2 => name("s"),
        _ => name("v"),
    }
}

fn any_date(random: &mut Random) -> Expression {
    let day = |text: &str| Expression::Date(text.to_owned().into());
    match random.below(4) {
        0 => day(random.pick(&["1969-12-01", "1970-01-01", "2024-10-04", "1980-02-29", "2100-01-01"])),
        1 => binary(BinaryOp::Add, name("d"), number(30)),
        2 => binary(BinaryOp::Subtract, name("d"), name("a")),
        _ => name("d"),
    }
}

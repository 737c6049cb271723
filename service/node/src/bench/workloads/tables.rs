//! Commands on tables, as an analyst gives them.

use vdl_plan::vdl_command::{
    Aggregate, Aggregation, BinaryOp, Command, Expression, How, Integer, SortKey, TableRef, Validate,
};

use super::super::data::{Clear, ClearTable, Form, Random};

/// The filter of `filter-mean` keeps what is greater.
pub const THAN: i64 = 1 << 40;

fn table(rows: usize, columns: [Clear; 2]) -> ClearTable {
    ClearTable { rows, columns: columns.into() }
}

fn bits(name: &'static str, bits: u32, words: Vec<u64>) -> Clear {
    Clear::number(name, bits, Form::Bits, words)
}

pub fn wide_key(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let (key, payload) = (random.words(rows, 32), random.words(rows, 64));
    vec![table(rows, [bits("key", 32, key), bits("x", 64, payload)])]
}

pub fn narrow_key(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let (key, payload) = (random.words(rows, 8), random.words(rows, 64));
    vec![table(rows, [bits("key", 8, key), bits("x", 64, payload)])]
}

/// Numbers that occur once, spread over 32 bits.
fn spread(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
    numbers.map(|number| number.wrapping_mul(0x9E37_79B1) & 0xFFFF_FFFF).collect()
}

/// Half of the keys occur on both sides.
pub fn unique_keys(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let half = rows as u64 / 2;
    let left = spread(random.shuffled(rows).into_iter());
    let right = spread(random.shuffled(rows).into_iter().map(|key| key + half));
    let (x, y) = (random.words(rows, 64), random.words(rows, 64));
    vec![
        table(rows, [bits("key", 32, left), bits("x", 64, x)]),
        table(rows, [bits("key", 32, right), bits("y", 64, y)]),
    ]
}

/// A tenth as many rows on the right; half of the rows on the left find one of them.
pub fn foreign_keys(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let few = rows.div_ceil(10);
    let left = spread((0..rows).map(|_| random.below(2 * few as u64)));
    let right = spread(random.shuffled(few).into_iter());
    let (x, y) = (random.words(rows, 64), random.words(few, 64));
    vec![
        table(rows, [bits("key", 32, left), bits("x", 64, x)]),
        table(few, [bits("key", 32, right), bits("y", 64, y)]),
    ]
}

/// About ten rows to a group.
pub fn groups(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let groups = rows as u64 / 10;
    let key = spread((0..rows).map(|_| random.below(groups)));
    let value = random.words(rows, 32);
    vec![table(rows, [bits("key", 32, key), bits("x", 32, value)])]
}

/// A column of 64 bits to be compared, and one as wide as its sum may be.
pub fn two_numbers(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let width = 62 - rows.max(1).next_power_of_two().trailing_zeros();
    let (a, b) = (random.words(rows, 64), random.words(rows, width));
    vec![table(rows, [bits("a", 64, a), bits("x", width, b)])]
}

fn it() -> TableRef {
    TableRef::Step(0)
}

fn column(name: &str) -> Expression {
    Expression::Column(name.into())
}

fn aggregation(aggregate: Aggregate, name: &str) -> Aggregation {
    Aggregation { name: name.into(), aggregate, value: column("x") }
}

pub fn sort() -> Vec<Command> {
    vec![Command::Sort { table: it(), by: vec![SortKey { column: "key".into(), ascending: true }] }]
}

pub fn one_to_one() -> Vec<Command> {
    merge(Validate::OneToOne)
}

pub fn many_to_one() -> Vec<Command> {
    merge(Validate::ManyToOne)
}

fn merge(validate: Validate) -> Vec<Command> {
    vec![Command::Merge {
        left: it(),
        right: it(),
        how: How::Inner,
        left_on: vec!["key".into()],
        right_on: vec!["key".into()],
        validate,
        suffixes: ("_x".into(), "_y".into()),
    }]
}

pub fn group_by() -> Vec<Command> {
    let aggregations = vec![aggregation(Aggregate::Sum, "sum"), aggregation(Aggregate::Count, "count")];
    vec![Command::GroupBy { table: it(), by: vec!["key".into()], aggregations }]
}

pub fn filter_mean() -> Vec<Command> {
    let than = Expression::Integer(Integer(THAN.into()).into());
    let condition =
        Expression::Binary { op: BinaryOp::Greater, left: Box::new(column("a")), right: Box::new(than) };
    let aggregations = vec![aggregation(Aggregate::Mean, "mean")];
    vec![
        Command::Filter { table: it(), condition, threshold: None },
        Command::Aggregate { table: it(), aggregations, threshold: None },
    ]
}

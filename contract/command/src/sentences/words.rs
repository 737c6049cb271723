//! The small words: tables, columns, types and conditions. Everything a stranger chose is quoted and
//! escaped, so that no name can pass for part of a sentence.

use crate::command::{Aggregate, Aggregation, TableRef};
use crate::expression::{BinaryOp, Expression};
use crate::holes::Domain;
use crate::slot::Slot;
use crate::types::{ColumnMeta, ColumnType, Kind};

/// A name in quotes; what cannot be seen or turns the writing direction is spelled out.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// The same without quotes around it, and those inside as they are.
pub(super) fn visible(text: &str) -> String {
    let spelled =
        |c: char| if matches!(c, '"' | '\'' | '\\') { c.to_string() } else { c.escape_debug().to_string() };
    text.chars().map(spelled).collect()
}

pub(super) fn slot_text(slot: &Slot<String>) -> String {
    match slot {
        Slot::Value(text) => quoted(text),
        Slot::Hole(hole) => hole.to_string(),
    }
}

pub(super) fn table(table: &TableRef) -> String {
    match table {
        TableRef::Handle(handle) => format!("the table {handle}"),
        TableRef::Name(name) => format!("the table named {}", slot_text(name)),
        TableRef::Step(step) => format!("the result of step {}", u64::from(*step) + 1),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

pub(super) fn names<T: AsRef<str>>(items: &[T]) -> String {
    list(&items.iter().map(|name| quoted(name.as_ref())).collect::<Vec<_>>())
}

pub(super) fn column(meta: &ColumnMeta) -> String {
    format!("{} ({})", quoted(&meta.name), ctype(&meta.ctype))
}

fn ctype(ctype: &ColumnType) -> String {
    let kind = match &ctype.kind {
        Kind::Integer { min, max } => format!("whole numbers from {min} to {max}"),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Date { min, max } => {
            format!("dates from {} to {}", ColumnType::date_of(*min), ColumnType::date_of(*max))
        }
        Kind::Text { length, ascii: true } => format!("texts of at most {length} ASCII characters"),
        Kind::Text { length, ascii: false } => format!("texts of at most {length} characters"),
        Kind::Mean { min, max } => format!("means from {min} to {max}"),
    };
    if ctype.nullable { format!("{kind}, may be missing") } else { kind }
}

pub(super) fn aggregation(aggregation: &Aggregation) -> String {
    let of = expression(&aggregation.value);
    let what = match aggregation.aggregate {
        Aggregate::Count => format!("the number of values of {of}"),
        Aggregate::Sum => format!("the sum of {of}"),
        Aggregate::Mean => format!("the mean of {of}"),
        Aggregate::Min => format!("the smallest {of}"),
        Aggregate::Max => format!("the largest {of}"),
    };
    match &aggregation.value {
        Expression::Column(name) if *name == aggregation.name => what,
        _ => format!("{what} as {}", quoted(&aggregation.name)),
    }
}

pub(super) fn expression(value: &Expression) -> String {
    match value {
        Expression::Column(name) => quoted(name),
        Expression::Integer(Slot::Value(number)) => number.0.to_string(),
        Expression::Integer(Slot::Hole(hole)) => hole.to_string(),
        Expression::Boolean(truth) => truth.to_string(),
        Expression::Text(text) => format!("the text {}", slot_text(text)),
        Expression::Date(date) => format!("the date {}", slot_text(date)),
        Expression::Binary { op, left, right } => {
            format!("({} {} {})", expression(left), operator(*op), expression(right))
        }
        Expression::Not(of) => format!("not {}", expression(of)),
        Expression::Negate(of) => format!("-{}", expression(of)),
        Expression::IsNull(of) => format!("({} is missing)", expression(of)),
        Expression::FillNull { value, with } => {
            format!("({}, or {} where it is missing)", expression(value), expression(with))
        }
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "×",
        BinaryOp::Equal => "=",
        BinaryOp::NotEqual => "≠",
        BinaryOp::Less => "<",
        BinaryOp::LessOrEqual => "≤",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterOrEqual => "≥",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Xor => "either-or",
    }
}

pub(super) fn domain(domain: &Domain) -> String {
    match domain {
        Domain::Integer { min, max } => format!("a whole number from {} to {}", min.0, max.0),
        Domain::OneOf(texts) => format!("one of {}", names(texts)),
        Domain::Handles(handles) => {
            let handles: Vec<String> = handles.iter().map(ToString::to_string).collect();
            format!("one of the tables {}", list(&handles))
        }
        Domain::Pattern(pattern) => format!("a text like {}", pattern.escape_debug()),
        Domain::Date { min, max } => format!("a day from {} to {}", min.escape_debug(), max.escape_debug()),
        Domain::Text { most } => format!("any text of at most {most} characters"),
    }
}

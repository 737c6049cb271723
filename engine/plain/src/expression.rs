//! Expressions, one row at a time.

use std::cmp::Ordering;

use vdl_plan::vdl_command::Kind;
use vdl_plan::{Constant, Node, Typed};

use crate::{Column, Value};

/// The value of `expression` in row `row`.
pub fn evaluate(expression: &Typed, columns: &[&Column], row: usize) -> Option<Value> {
    let of = |inner: &Typed| evaluate(inner, columns, row);
    let truth = |inner: &Typed| of(inner).is_some_and(|value| value.truth());
    let number = |value: i128| match expression.ctype.kind {
        Kind::Date { .. } => Value::Date(i32::try_from(value).unwrap()),
        _ => Value::Integer(value),
    };
    match &expression.node {
        Node::Column(position) => columns[*position][row].clone(),
        Node::Constant(constant) => Some(match constant {
            Constant::Integer(value) => Value::Integer(*value),
            Constant::Boolean(value) => Value::Boolean(*value),
            Constant::Date(days) => Value::Date(*days),
            Constant::Text(text) => Value::Text(text.clone()),
        }),
        Node::Add(a, b) => Some(number(of(a)?.number() + of(b)?.number())),
        Node::Subtract(a, b) => Some(number(of(a)?.number() - of(b)?.number())),
        Node::Multiply(a, b) => Some(number(of(a)?.number() * of(b)?.number())),
        Node::Negate(a) => Some(number(-of(a)?.number())),
        Node::Compare { op, left, right } => Some(Value::Boolean(match (of(left), of(right)) {
            (Some(a), Some(b)) => op.holds(order(&a, &b)),
            _ => false,
        })),
        Node::Not(a) => Some(Value::Boolean(!of(a)?.truth())),
        Node::And(a, b) => Some(Value::Boolean(truth(a) & truth(b))),
        Node::Or(a, b) => Some(Value::Boolean(truth(a) | truth(b))),
        Node::Xor(a, b) => Some(Value::Boolean(truth(a) ^ truth(b))),
        Node::IsNull(a) => Some(Value::Boolean(of(a).is_none())),
        Node::Fill { value, with } => {
            of(value).or_else(|| of(with)).map(|found| match expression.ctype.kind {
                Kind::Integer { .. } => Value::Integer(found.number()),
                _ => found,
            })
        }
    }
}

/// Texts by code point, everything else by number.
pub(crate) fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.chars().cmp(b.chars()),
        _ => a.number().cmp(&b.number()),
    }
}

//! The same plans on clear data: what the three parties must come to, computed the plain way.
//!
//! An oracle for tests, written for being obviously right: row by row, by hash map and stable sort,
//! sharing no algorithm with the engine. It trusts its input and panics on nonsense.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod expression;
mod operation;
mod rules;

pub use expression::evaluate;
pub use operation::{Outcome, Refused, run};

/// One clear value. A mean is its sum and its count, as it is held on shares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Integer(i128),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    Text(String),
    Mean {
        sum: i128,
        count: i128,
    },
}

impl Value {
    /// As a number: truth values count as 0 and 1, dates as their day.
    pub fn number(&self) -> i128 {
        match self {
            Value::Integer(value) => *value,
            Value::Boolean(value) => i128::from(*value),
            Value::Date(days) => i128::from(*days),
            Value::Text(_) | Value::Mean { .. } => panic!("no number"),
        }
    }

    /// As a truth value.
    pub fn truth(&self) -> bool {
        matches!(self, Value::Boolean(true))
    }
}

/// `None` is a missing value.
pub type Column = Vec<Option<Value>>;

//! Row-wise expressions over the columns of one table.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use crate::slot::Slot;

/// A tree over columns and constants; evaluated for every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expression {
    Column(String),
    Integer(Slot<Integer>),
    Boolean(bool),
    Text(Slot<String>),
    /// ISO 8601: `2000-01-31`.
    Date(Slot<String>),
    Binary {
        op: BinaryOp,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    Not(Box<Expression>),
    Negate(Box<Expression>),
    IsNull(Box<Expression>),
    FillNull {
        value: Box<Expression>,
        with: Box<Expression>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
}

/// A whole number; beyond ±2^53 it is written as a string, so that every JSON reader agrees on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Integer(pub i128);

const EXACT: i128 = 1 << 53;

impl Integer {
    /// Reads the text form, which only numbers beyond ±2^53 have.
    pub(crate) fn written(text: &str) -> Option<Self> {
        let number: i128 = text.parse().ok()?;
        (number.unsigned_abs() > EXACT.unsigned_abs() && number.to_string() == text).then_some(Self(number))
    }
}

impl Serialize for Integer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(small) if (-EXACT..=EXACT).contains(&self.0) => serializer.serialize_i64(small),
            _ => serializer.serialize_str(&self.0.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerReader)
    }
}

struct IntegerReader;

impl Visitor<'_> for IntegerReader {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer is a number within ±2^53, or beyond that a string")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Integer, E> {
        match (-EXACT..=EXACT).contains(&number.into()) {
            true => Ok(Integer(number.into())),
            false => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Integer, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Integer, E> {
        Integer::written(text).ok_or_else(|| E::invalid_value(Unexpected::Other("another string"), &self))
    }
}

//! Column types. Everything here is public: the bounds decide how many bits a value takes.

mod dates;
mod read;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The type of one column, written as users write it: `int[min=0,max=86]`, `varchar[12]?`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnType {
    pub kind: Kind,
    /// Whether a value may be missing (`?` at the end of the written form).
    pub nullable: bool,
}

/// The longest text a column may hold, in characters.
pub const LONGEST_TEXT: u32 = 4096;

/// The largest bound of a whole number, of either sign.
pub const LARGEST: i128 = (1 << 96) - 1;

/// The largest whole number that takes part in arithmetic, of either sign.
pub const LARGEST_NARROW: i128 = i64::MAX as i128;

/// What a column holds, apart from nullability.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Whole numbers, bounds inclusive, none beyond [`LARGEST`] in size.
    Integer { min: i128, max: i128 },
    /// True or false.
    Boolean,
    /// Days since 1970-01-01, bounds inclusive.
    Date { min: i32, max: i32 },
    /// At most `length` characters; `ascii` ones take 7 bits each, others 21.
    Text { length: u32, ascii: bool },
    /// A mean that is still a sum and a count; the client divides after opening.
    Mean { min: i128, max: i128 },
}

/// A column's public description.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMeta {
    pub name: String,
    #[serde(rename = "type")]
    pub ctype: ColumnType,
}

/// Why a written type is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct TypeError(pub String);

impl ColumnType {
    pub fn required(kind: Kind) -> Self {
        Self { kind, nullable: false }
    }

    /// The days since 1970-01-01 of an ISO date (`2000-01-31`, years 0001 to 9999).
    pub fn days_of(date: &str) -> Option<i32> {
        dates::days(date)
    }

    /// The ISO date of so many days since 1970-01-01.
    pub fn date_of(days: i32) -> String {
        dates::written(days)
    }

    /// Bit planes one value takes: integers and dates as offsets from their minimum.
    pub fn width(&self) -> u32 {
        match self.kind {
            Kind::Integer { min, max } => bits_of(max.abs_diff(min)),
            Kind::Date { min, max } => bits_of(max.abs_diff(min).into()),
            Kind::Boolean => 1,
            Kind::Text { length, ascii } => length.saturating_mul(if ascii { 7 } else { 21 }),
            Kind::Mean { .. } => 128,
        }
    }
}

/// Bits needed to write the numbers `0..=span`; at least one, so that no column is empty.
fn bits_of(span: u128) -> u32 {
    (u128::BITS - span.leading_zeros()).max(1)
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Integer { min, max } => write!(f, "int[min={min},max={max}]")?,
            Kind::Boolean => write!(f, "bool")?,
            Kind::Date { min, max } => {
                write!(f, "date[min={},max={}]", dates::written(min), dates::written(max))?;
            }
            Kind::Text { length, ascii: true } => write!(f, "varchar[{length},ascii]")?,
            Kind::Text { length, ascii: false } => write!(f, "varchar[{length}]")?,
            Kind::Mean { min, max } => write!(f, "mean[min={min},max={max}]")?,
        }
        if self.nullable { write!(f, "?") } else { Ok(()) }
    }
}

impl TryFrom<String> for ColumnType {
    type Error = TypeError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ColumnType> for String {
    fn from(ctype: ColumnType) -> Self {
        ctype.to_string()
    }
}

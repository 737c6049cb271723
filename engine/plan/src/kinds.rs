//! What kinds of values go together, and the smallest kind that holds both.

use vdl_command::{ColumnMeta, ColumnType, Kind, LARGEST, LONGEST_TEXT};

use crate::bounds::Bounds;
use crate::error::PlanError;

/// The smallest kind in which values of both can be written and compared; `None` where they are not
/// of one family. Truth values count as the numbers 0 and 1 beside integers.
pub fn common_kind(a: &Kind, b: &Kind) -> Option<Kind> {
    match (a, b) {
        (Kind::Boolean, Kind::Boolean) => Some(Kind::Boolean),
        (Kind::Text { length: m, ascii: x }, Kind::Text { length: n, ascii: y }) => {
            Some(Kind::Text { length: *m.max(n), ascii: *x && *y })
        }
        (Kind::Date { min: a, max: b }, Kind::Date { min: c, max: d }) => {
            Some(Kind::Date { min: *a.min(c), max: *b.max(d) })
        }
        (Kind::Mean { min: a, max: b }, Kind::Mean { min: c, max: d }) => {
            Some(Kind::Mean { min: *a.min(c), max: *b.max(d) })
        }
        _ => {
            let (a, b) = (number(a)?, number(b)?);
            Some(Kind::Integer { min: a.0.min(b.0), max: a.1.max(b.1) })
        }
    }
}

/// Bounds of what may be added and multiplied: integers and truth values.
pub(crate) fn number(kind: &Kind) -> Option<Bounds> {
    match kind {
        Kind::Integer { min, max } => Some((*min, *max)),
        Kind::Boolean => Some((0, 1)),
        _ => None,
    }
}

/// Bounds of what is held as an offset from a minimum.
pub fn span(kind: &Kind) -> Option<Bounds> {
    match kind {
        Kind::Date { min, max } => Some(((*min).into(), (*max).into())),
        other => number(other),
    }
}

/// The kind in the words of an error message.
pub(crate) fn spoken(ctype: &ColumnType) -> String {
    match ctype.kind {
        Kind::Integer { .. } => "an integer".into(),
        Kind::Boolean => "a truth value".into(),
        Kind::Date { .. } => "a date".into(),
        Kind::Text { .. } => "a text".into(),
        Kind::Mean { .. } => "a mean".into(),
    }
}

/// Refuses types that no column can have.
pub(crate) fn check(column: &ColumnMeta) -> Result<(), PlanError> {
    let reason = match column.ctype.kind {
        Kind::Integer { min, max } if min > max => "its minimum is above its maximum",
        Kind::Integer { min, max } if min < -LARGEST || max > LARGEST => "bounds stay below 2^96",
        Kind::Date { min, max } if min > max => "its first date is after its last",
        Kind::Text { length: 0, .. } => "a text has room for at least one character",
        Kind::Text { length, .. } if length > LONGEST_TEXT => "texts are at most 4096 characters long",
        Kind::Mean { .. } => "a mean is computed, never uploaded",
        _ => return Ok(()),
    };
    Err(PlanError::BadType { name: column.name.clone(), ctype: column.ctype.to_string(), reason })
}

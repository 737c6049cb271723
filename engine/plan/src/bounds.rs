//! Bounds of results from bounds of operands. Computed in 128 bits, kept only if 64 hold them.

use vdl_command::{Expression, Kind};

use crate::error::PlanError;

/// Lowest and highest possible value.
pub(crate) type Bounds = (i128, i128);

pub(crate) fn wide((min, max): (i64, i64)) -> Bounds {
    (min.into(), max.into())
}

pub(crate) fn add(a: Bounds, b: Bounds) -> Bounds {
    (a.0 + b.0, a.1 + b.1)
}

pub(crate) fn negate(a: Bounds) -> Bounds {
    (-a.1, -a.0)
}

pub(crate) fn multiply(a: Bounds, b: Bounds) -> Bounds {
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    corners.iter().fold((corners[0], corners[0]), |(low, high), &c| (low.min(c), high.max(c)))
}

/// Of a sum of at least `fewest` and at most `most` values.
pub(crate) fn sum(value: Bounds, fewest: u64, most: u64) -> Bounds {
    let (fewest, most) = (i128::from(fewest.min(most)), i128::from(most));
    ((value.0 * fewest).min(value.0 * most), (value.1 * fewest).max(value.1 * most))
}

/// The integer kind with these bounds; refused if 64 bits could overflow.
pub(crate) fn integer(bounds: Bounds, place: &dyn Fn() -> String) -> Result<Kind, PlanError> {
    // i64::MIN stays out, so that every value has its negative.
    match (i64::try_from(bounds.0), i64::try_from(bounds.1)) {
        (Ok(min), Ok(max)) if min > i64::MIN => Ok(Kind::Integer { min, max }),
        _ => Err(PlanError::Overflow { expression: place(), min: bounds.0, max: bounds.1 }),
    }
}

/// The same for dates, whose days are counted in 32 bits.
pub(crate) fn date(bounds: Bounds, place: &dyn Fn() -> String) -> Result<Kind, PlanError> {
    match (i32::try_from(bounds.0), i32::try_from(bounds.1)) {
        (Ok(min), Ok(max)) if min > i32::MIN => Ok(Kind::Date { min, max }),
        _ => Err(PlanError::Overflow { expression: place(), min: bounds.0, max: bounds.1 }),
    }
}

/// An expression as a reader writes it, for messages.
pub(crate) fn written(expression: &Expression) -> String {
    use vdl_command::BinaryOp::*;
    match expression {
        Expression::Column(name) => name.clone(),
        Expression::Integer(slot) => slot.value().map_or_else(|| hole(slot), |n| n.0.to_string()),
        Expression::Boolean(true) => "True".into(),
        Expression::Boolean(false) => "False".into(),
        Expression::Text(slot) => format!("\"{slot}\""),
        Expression::Date(slot) => slot.to_string(),
        Expression::Not(inner) => format!("~{}", written(inner)),
        Expression::Negate(inner) => format!("-{}", written(inner)),
        Expression::IsNull(inner) => format!("{}.isna()", written(inner)),
        Expression::FillNull { value, with } => format!("{}.fillna({})", written(value), written(with)),
        Expression::Binary { op, left, right } => {
            let sign = match op {
                Add => "+",
                Subtract => "-",
                Multiply => "*",
                Equal => "==",
                NotEqual => "!=",
                Less => "<",
                LessOrEqual => "<=",
                Greater => ">",
                GreaterOrEqual => ">=",
                And => "&",
                Or => "|",
                Xor => "^",
            };
            format!("({} {sign} {})", written(left), written(right))
        }
    }
}

fn hole<T>(slot: &vdl_command::Slot<T>) -> String {
    match slot {
        vdl_command::Slot::Hole(name) => name.to_string(),
        vdl_command::Slot::Value(_) => String::new(),
    }
}

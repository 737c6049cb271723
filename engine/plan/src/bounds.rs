//! Bounds of results from bounds of operands. Arithmetic is kept within 64 bits, totals within 96.

use vdl_command::{Expression, Kind, LARGEST, LARGEST_NARROW};

use crate::error::PlanError;

/// Lowest and highest possible value.
pub type Bounds = (i128, i128);

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
    // 96 bits times 64: what does not fit is refused all the same.
    let times = |value: i128, count: i128| value.saturating_mul(count);
    (times(value.0, fewest).min(times(value.0, most)), times(value.1, fewest).max(times(value.1, most)))
}

/// Do 64 bits hold every value, and its negative?
pub fn narrow((min, max): Bounds) -> bool {
    -LARGEST_NARROW <= min && max <= LARGEST_NARROW
}

/// Of what takes part in arithmetic; refused if 64 bits could overflow.
pub(crate) fn operand(bounds: Bounds, place: &dyn Fn() -> String) -> Result<Bounds, PlanError> {
    if narrow(bounds) { Ok(bounds) } else { Err(overflow(bounds, 64, place)) }
}

/// The integer kind of a result of arithmetic; refused if 64 bits could overflow.
pub(crate) fn integer(bounds: Bounds, place: &dyn Fn() -> String) -> Result<Kind, PlanError> {
    let (min, max) = operand(bounds, place)?;
    Ok(Kind::Integer { min, max })
}

/// The integer kind of a total, which may be wider than what it adds up.
pub(crate) fn total((min, max): Bounds, place: &dyn Fn() -> String) -> Result<Kind, PlanError> {
    if -LARGEST <= min && max <= LARGEST {
        Ok(Kind::Integer { min, max })
    } else {
        Err(overflow((min, max), 96, place))
    }
}

fn overflow((min, max): Bounds, bits: u32, place: &dyn Fn() -> String) -> PlanError {
    PlanError::Overflow { expression: place(), bits, min, max }
}

/// The same for dates, whose days are counted in 32 bits.
pub(crate) fn date(bounds: Bounds, place: &dyn Fn() -> String) -> Result<Kind, PlanError> {
    match (i32::try_from(bounds.0), i32::try_from(bounds.1)) {
        (Ok(min), Ok(max)) if min > i32::MIN => Ok(Kind::Date { min, max }),
        _ => Err(overflow(bounds, 64, place)),
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

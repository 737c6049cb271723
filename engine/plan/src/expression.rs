//! Typed row-wise expressions.

use serde::{Serialize, Serializer};
use vdl_command::{BinaryOp, ColumnMeta, ColumnType, Expression, Kind, LARGEST, Slot};

use crate::bounds::{self, Bounds, written};
use crate::error::PlanError;
use crate::kinds::{common_kind, number, span, spoken};
use crate::names::find;

/// An expression whose type is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Typed {
    pub node: Node,
    pub ctype: ColumnType,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Node {
    /// Position in the input.
    Column(usize),
    Constant(Constant),
    Add(Box<Typed>, Box<Typed>),
    Subtract(Box<Typed>, Box<Typed>),
    Multiply(Box<Typed>, Box<Typed>),
    Negate(Box<Typed>),
    /// Both sides are of one family (see [`common_kind`]); false where either is missing.
    Compare {
        op: Comparison,
        left: Box<Typed>,
        right: Box<Typed>,
    },
    /// Missing stays missing.
    Not(Box<Typed>),
    /// These three take missing for false.
    And(Box<Typed>, Box<Typed>),
    Or(Box<Typed>, Box<Typed>),
    Xor(Box<Typed>, Box<Typed>),
    IsNull(Box<Typed>),
    Fill {
        value: Box<Typed>,
        with: Box<Typed>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    Integer(i128),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    Text(String),
}

impl Serialize for Constant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Only for the digest; the type beside it tells a date from an integer.
        match self {
            Constant::Integer(value) => serializer.serialize_i128(*value),
            Constant::Boolean(value) => serializer.serialize_bool(*value),
            Constant::Date(days) => serializer.serialize_i32(*days),
            Constant::Text(text) => serializer.serialize_str(text),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// What the result is, given how left compares with right.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// The same question with the sides exchanged.
    pub fn flipped(self) -> Self {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same => same,
        }
    }
}

impl Typed {
    pub(crate) fn constant(constant: Constant) -> Self {
        let kind = match &constant {
            Constant::Integer(value) => Kind::Integer { min: *value, max: *value },
            Constant::Boolean(_) => Kind::Boolean,
            Constant::Date(days) => Kind::Date { min: *days, max: *days },
            Constant::Text(text) => {
                let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
                Kind::Text { length: length.max(1), ascii: text.is_ascii() }
            }
        };
        Self { node: Node::Constant(constant), ctype: ColumnType::required(kind) }
    }

    fn boolean(node: Node) -> Self {
        Self { node, ctype: ColumnType::required(Kind::Boolean) }
    }

    /// True where a value is there.
    fn present(self) -> Self {
        if self.ctype.nullable {
            Self::boolean(Node::Not(Box::new(Self::boolean(Node::IsNull(Box::new(self))))))
        } else {
            Self::constant(Constant::Boolean(true))
        }
    }

    /// A value that bounds pin down needs no computing.
    fn folded(self) -> Self {
        match self.ctype {
            ColumnType { kind: Kind::Integer { min, max }, nullable: false } if min == max => {
                Self::constant(Constant::Integer(min))
            }
            ColumnType { kind: Kind::Date { min, max }, nullable: false } if min == max => {
                Self::constant(Constant::Date(min))
            }
            _ => self,
        }
    }
}

/// Types `expression` over `columns`.
pub(crate) fn typed(expression: &Expression, columns: &[ColumnMeta]) -> Result<Typed, PlanError> {
    match expression {
        Expression::Column(name) => column(name, columns),
        Expression::Integer(slot) => integer(filled(slot)?.0, expression),
        Expression::Boolean(value) => Ok(Typed::constant(Constant::Boolean(*value))),
        Expression::Text(slot) => Ok(Typed::constant(Constant::Text(filled(slot)?.clone()))),
        Expression::Date(slot) => date(filled(slot)?),
        Expression::Binary { op, left, right } => binary(expression, *op, left, right, columns),
        Expression::Not(inner) => {
            let value = truth(inner, columns)?;
            Ok(match value.node {
                Node::Constant(Constant::Boolean(known)) => Typed::constant(Constant::Boolean(!known)),
                _ => Typed { ctype: value.ctype.clone(), node: Node::Not(Box::new(value)) },
            })
        }
        Expression::Negate(inner) => negated(expression, inner, columns),
        Expression::IsNull(inner) => {
            let value = typed(inner, columns)?;
            Ok(if value.ctype.nullable {
                Typed::boolean(Node::IsNull(Box::new(value)))
            } else {
                Typed::constant(Constant::Boolean(false))
            })
        }
        Expression::FillNull { value, with } => fill(value, with, columns),
    }
}

/// An expression that must be true or false.
pub(crate) fn truth(expression: &Expression, columns: &[ColumnMeta]) -> Result<Typed, PlanError> {
    let value = typed(expression, columns)?;
    match value.ctype.kind {
        Kind::Boolean => Ok(value),
        _ => Err(wrong(expression, "to be true or false", &value)),
    }
}

pub(crate) fn wrong(expression: &Expression, expected: &'static str, value: &Typed) -> PlanError {
    PlanError::WrongType {
        place: format!("`{}`", written(expression)),
        expected,
        found: spoken(&value.ctype),
    }
}

/// The value of a slot; by now every hole must have one.
pub(crate) fn filled<T>(slot: &Slot<T>) -> Result<&T, PlanError> {
    match slot {
        Slot::Value(value) => Ok(value),
        Slot::Hole(name) => Err(PlanError::OpenHole { name: name.to_string() }),
    }
}

fn column(name: &str, columns: &[ColumnMeta]) -> Result<Typed, PlanError> {
    let position = find(columns, name)?;
    match columns.get(position) {
        Some(found) if !matches!(found.ctype.kind, Kind::Mean { .. }) => {
            Ok(Typed { node: Node::Column(position), ctype: found.ctype.clone() })
        }
        _ => Err(PlanError::MeanInExpression { name: name.to_owned() }),
    }
}

fn integer(value: i128, expression: &Expression) -> Result<Typed, PlanError> {
    bounds::total((value, value), &|| written(expression))?;
    Ok(Typed::constant(Constant::Integer(value)))
}

/// Reads `2000-01-31`; proleptic Gregorian, four-digit years.
fn date(text: &str) -> Result<Typed, PlanError> {
    let bad = || PlanError::BadDate { text: text.to_owned() };
    let shape = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let mut parts = text.split('-').map(|part| part.parse::<i32>().ok());
    match (shape, parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
        (true, Some(year), Some(month), Some(day)) => {
            Ok(Typed::constant(Constant::Date(days(year, month, day).ok_or_else(bad)?)))
        }
        _ => Err(bad()),
    }
}

/// Days since 1970-01-01, counting years from March so that the leap day comes last.
fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let longest = match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    Some(years * 365 + leaps + (153 * months + 2) / 5 + day - 1 - 719_468)
}

fn negated(whole: &Expression, inner: &Expression, columns: &[ColumnMeta]) -> Result<Typed, PlanError> {
    if let Expression::Integer(slot) = inner {
        return integer(filled(slot)?.0.saturating_neg(), whole);
    }
    let value = typed(inner, columns)?;
    let limits = number(&value.ctype.kind).ok_or_else(|| wrong(inner, "a number", &value))?;
    let limits = bounds::operand(limits, &|| written(inner))?;
    let kind = bounds::integer(bounds::negate(limits), &|| written(whole))?;
    let ctype = ColumnType { kind, nullable: value.ctype.nullable };
    Ok(Typed { node: Node::Negate(Box::new(value)), ctype }.folded())
}

fn binary(
    whole: &Expression,
    op: BinaryOp,
    left: &Expression,
    right: &Expression,
    columns: &[ColumnMeta],
) -> Result<Typed, PlanError> {
    let comparison = match op {
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply => {
            return arithmetic(whole, op, left, right, columns);
        }
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
            return Ok(logic(op, truth(left, columns)?, truth(right, columns)?));
        }
        BinaryOp::Equal => Comparison::Equal,
        BinaryOp::NotEqual => Comparison::NotEqual,
        BinaryOp::Less => Comparison::Less,
        BinaryOp::LessOrEqual => Comparison::LessOrEqual,
        BinaryOp::Greater => Comparison::Greater,
        BinaryOp::GreaterOrEqual => Comparison::GreaterOrEqual,
    };
    compare(comparison, left, right, columns)
}

fn arithmetic(
    whole: &Expression,
    op: BinaryOp,
    left: &Expression,
    right: &Expression,
    columns: &[ColumnMeta],
) -> Result<Typed, PlanError> {
    let (a, b) = (typed(left, columns)?, typed(right, columns)?);
    let nullable = a.ctype.nullable || b.ctype.nullable;
    let place = || written(whole);
    let limits = |x: &Typed, e: &Expression| -> Result<Bounds, PlanError> {
        let limits = span(&x.ctype.kind).ok_or_else(|| wrong(e, "a number", x))?;
        bounds::operand(limits, &|| written(e))
    };
    let (p, q) = (limits(&a, left)?, limits(&b, right)?);
    let is_date = |x: &Typed| matches!(x.ctype.kind, Kind::Date { .. });
    let kind = match (op, is_date(&a), is_date(&b)) {
        (BinaryOp::Add, false, false) => bounds::integer(bounds::add(p, q), &place)?,
        (BinaryOp::Add, true, false) | (BinaryOp::Add, false, true) => {
            bounds::date(bounds::add(p, q), &place)?
        }
        (BinaryOp::Subtract, true, false) => bounds::date(bounds::add(p, bounds::negate(q)), &place)?,
        (BinaryOp::Subtract, true, true) | (BinaryOp::Subtract, false, false) => {
            bounds::integer(bounds::add(p, bounds::negate(q)), &place)?
        }
        (BinaryOp::Multiply, false, false) => bounds::integer(bounds::multiply(p, q), &place)?,
        (_, true, _) => return Err(wrong(left, "a number", &a)),
        _ => return Err(wrong(right, "a number", &b)),
    };
    let (a, b) = (Box::new(a), Box::new(b));
    let node = match op {
        BinaryOp::Add => Node::Add(a, b),
        BinaryOp::Subtract => Node::Subtract(a, b),
        _ => Node::Multiply(a, b),
    };
    Ok(Typed { node, ctype: ColumnType { kind, nullable } }.folded())
}

fn logic(op: BinaryOp, a: Typed, b: Typed) -> Typed {
    use Constant::Boolean;
    let known = |x: &Typed| match x.node {
        Node::Constant(Boolean(value)) => Some(value),
        _ => None,
    };
    // What stays of the other operand takes missing for false, as the operator does.
    let settled = |x: Typed| {
        if x.ctype.nullable {
            let with = Box::new(Typed::constant(Boolean(false)));
            Typed::boolean(Node::Fill { value: Box::new(x), with })
        } else {
            x
        }
    };
    match (op, known(&a), known(&b)) {
        (BinaryOp::And, Some(false), _) | (BinaryOp::And, _, Some(false)) => Typed::constant(Boolean(false)),
        (BinaryOp::Or, Some(true), _) | (BinaryOp::Or, _, Some(true)) => Typed::constant(Boolean(true)),
        (BinaryOp::And, Some(true), _) | (BinaryOp::Or | BinaryOp::Xor, Some(false), _) => settled(b),
        (BinaryOp::And, _, Some(true)) | (BinaryOp::Or | BinaryOp::Xor, _, Some(false)) => settled(a),
        _ => {
            let (a, b) = (Box::new(a), Box::new(b));
            Typed::boolean(match op {
                BinaryOp::And => Node::And(a, b),
                BinaryOp::Or => Node::Or(a, b),
                _ => Node::Xor(a, b),
            })
        }
    }
}

/// A whole number written in the command, of any size.
fn literal(expression: &Expression) -> Option<i128> {
    match expression {
        Expression::Integer(Slot::Value(number)) => Some(number.0),
        Expression::Negate(inner) => literal(inner).map(i128::saturating_neg),
        _ => None,
    }
}

fn compare(
    op: Comparison,
    left: &Expression,
    right: &Expression,
    columns: &[ColumnMeta],
) -> Result<Typed, PlanError> {
    // A number beyond every column is still a number to compare with: its side is all that counts.
    let beyond = |e: &Expression| literal(e).filter(|n| n.unsigned_abs() > LARGEST.unsigned_abs());
    match (beyond(left), beyond(right)) {
        (Some(a), Some(b)) => return Ok(Typed::constant(Constant::Boolean(op.holds(a.cmp(&b))))),
        (Some(a), None) => return beyond_bounds(op.flipped(), right, a, columns),
        (None, Some(b)) => return beyond_bounds(op, left, b, columns),
        (None, None) => {}
    }
    let (a, b) = (typed(left, columns)?, typed(right, columns)?);
    if common_kind(&a.ctype.kind, &b.ctype.kind).is_none() {
        return Err(PlanError::Incomparable {
            left: format!("`{}`", written(left)),
            right: format!("`{}`", written(right)),
            left_type: spoken(&a.ctype),
            right_type: spoken(&b.ctype),
        });
    }
    if let (Node::Constant(Constant::Text(x)), Node::Constant(Constant::Text(y))) = (&a.node, &b.node) {
        return Ok(Typed::constant(Constant::Boolean(op.holds(x.cmp(y)))));
    }
    if let (Some(p), Some(q)) = (limits(&a), limits(&b))
        && let Some(known) = decided(op, p, q)
    {
        return Ok(if known {
            logic(BinaryOp::And, a.present(), b.present())
        } else {
            Typed::constant(Constant::Boolean(false))
        });
    }
    Ok(Typed::boolean(Node::Compare { op, left: Box::new(a), right: Box::new(b) }))
}

/// Compares with a constant that no value equals.
fn beyond_bounds(
    op: Comparison,
    side: &Expression,
    constant: i128,
    columns: &[ColumnMeta],
) -> Result<Typed, PlanError> {
    let value = typed(side, columns)?;
    if number(&value.ctype.kind).is_none() {
        return Err(wrong(side, "a number", &value));
    }
    Ok(if op.holds(0.cmp(&constant)) { value.present() } else { Typed::constant(Constant::Boolean(false)) })
}

/// Bounds of an operand; a known truth value is as good as a known number.
fn limits(value: &Typed) -> Option<Bounds> {
    match value.node {
        Node::Constant(Constant::Boolean(known)) => Some((known.into(), known.into())),
        _ => span(&value.ctype.kind),
    }
}

/// The answer, where the bounds alone give it.
fn decided(op: Comparison, a: Bounds, b: Bounds) -> Option<bool> {
    let (below, above) = (a.1 < b.0, a.0 > b.1);
    let pinned = a.0 == a.1 && a == b;
    match op {
        Comparison::Equal => (below || above).then_some(false).or(pinned.then_some(true)),
        Comparison::NotEqual => (below || above).then_some(true).or(pinned.then_some(false)),
        Comparison::Less => below.then_some(true).or((a.0 >= b.1).then_some(false)),
        Comparison::LessOrEqual => (a.1 <= b.0).then_some(true).or(above.then_some(false)),
        Comparison::Greater => above.then_some(true).or((a.1 <= b.0).then_some(false)),
        Comparison::GreaterOrEqual => (a.0 >= b.1).then_some(true).or(below.then_some(false)),
    }
}

fn fill(value: &Expression, with: &Expression, columns: &[ColumnMeta]) -> Result<Typed, PlanError> {
    let (a, b) = (typed(value, columns)?, typed(with, columns)?);
    let Some(kind) = common_kind(&a.ctype.kind, &b.ctype.kind) else {
        return Err(PlanError::Incomparable {
            left: format!("`{}`", written(value)),
            right: format!("`{}`", written(with)),
            left_type: spoken(&a.ctype),
            right_type: spoken(&b.ctype),
        });
    };
    if !a.ctype.nullable {
        return Ok(a);
    }
    let ctype = ColumnType { kind, nullable: b.ctype.nullable };
    Ok(Typed { node: Node::Fill { value: Box::new(a), with: Box::new(b) }, ctype })
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_count_from_1970() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(1969, 12, 31), Some(-1));
        assert_eq!(days(1900, 2, 29), None);
        assert_eq!(days(2001, 13, 1), None);
        assert_eq!(days(2001, 4, 31), None);
    }
}

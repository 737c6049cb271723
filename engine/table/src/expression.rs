//! Row-wise expressions on columns of shares.
//!
//! What stays in bits: comparisons, logic, shifts by constants, sums of offsets. What goes through
//! the ring: products, and sums where the ring form is wanted or all there is. Nothing is opened.

use std::sync::OnceLock;

use vdl_plan::vdl_command::encoding::encode_text;
use vdl_plan::vdl_command::{ColumnType, Kind};
use vdl_plan::{Constant, Node, Typed, span};
use vdl_protocol::{Party, add, add_public, and, multiply};
use vdl_share::{ColumnShares, Planes, TableShares};

use crate::column::{
    self, Bits, Numbers, WideNumbers, flags_to_ring, of_bits, of_ring, recode, words, xor_where,
};
use crate::compare::compare;
use crate::error::TableError;

/// The form in which the asker will use the result; the other one is never wrong, only dearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Bits,
    Ring,
}

/// A column of the input, or one made from it.
pub(crate) enum Value<'a> {
    Input(&'a ColumnShares),
    Made(Box<ColumnShares>),
}

impl Value<'_> {
    pub fn shares(&self) -> &ColumnShares {
        match self {
            Value::Input(column) => column,
            Value::Made(column) => column,
        }
    }

    pub fn into_shares(self) -> ColumnShares {
        match self {
            Value::Input(column) => column.clone(),
            Value::Made(column) => *column,
        }
    }

    pub fn bits(&self, party: &mut Party, of: &Typed) -> Result<&Bits, TableError> {
        column::bits(party, self.shares(), &of.ctype)
    }

    pub fn ring(&self, party: &mut Party, of: &Typed) -> Result<&Numbers, TableError> {
        column::ring(party, self.shares(), &of.ctype)
    }

    pub fn wide(&self, party: &mut Party, of: &Typed) -> Result<WideNumbers, TableError> {
        column::wide(party, self.shares(), &of.ctype)
    }

    pub fn valid(&self) -> Option<&Bits> {
        self.shares().valid.as_ref()
    }
}

/// Computes `expression` for every row of `table`, the unselected ones included.
pub(crate) fn evaluate<'a>(
    party: &mut Party,
    expression: &Typed,
    table: &'a TableShares,
    wanted: Form,
) -> Result<Value<'a>, TableError> {
    let ctype = &expression.ctype;
    let made = match &expression.node {
        Node::Column(position) => {
            let column = table.columns.get(*position).ok_or(TableError::Shape("a column is not there"))?;
            return Ok(Value::Input(column));
        }
        Node::Constant(constant) => public(party, constant, ctype, table.rows)?,
        Node::Add(a, b) => match (number(a), number(b)) {
            (None, Some(term)) => shifted(party, a, term, table, wanted)?,
            (Some(term), None) => shifted(party, b, term, table, wanted)?,
            _ => {
                let x = evaluate(party, a, table, wanted)?;
                let y = evaluate(party, b, table, wanted)?;
                sum(party, ctype, (a, &x), (b, &y), wanted)?
            }
        },
        Node::Subtract(a, b) => match (number(a), number(b)) {
            (None, Some(term)) => shifted(party, a, term.wrapping_neg(), table, wanted)?,
            (Some(term), None) => {
                let negative = negation_of(b);
                let value = Value::Made(Box::new(negated(party, b, table, wanted)?));
                shift(party, &negative, &value, term)?
            }
            _ => {
                let x = evaluate(party, a, table, wanted)?;
                let negative = negation_of(b);
                let y = Value::Made(Box::new(negated(party, b, table, wanted)?));
                sum(party, ctype, (a, &x), (&negative, &y), wanted)?
            }
        },
        Node::Multiply(a, b) => product(party, a, b, table)?,
        Node::Negate(a) => negated(party, a, table, wanted)?,
        Node::Compare { op, left, right } => of_bits(compare(party, *op, left, right, table)?, None),
        Node::Not(a) => {
            let value = evaluate(party, a, table, Form::Bits)?;
            let bits = value.bits(party, a)?;
            // Where the value is missing, true turns false again.
            match value.valid() {
                Some(valid) => of_bits(bits.xor(valid), Some(valid.clone())),
                None => of_bits(bits.not(party.id()), None),
            }
        }
        Node::And(a, b) | Node::Or(a, b) | Node::Xor(a, b) => {
            let x = evaluate(party, a, table, Form::Bits)?;
            let y = evaluate(party, b, table, Form::Bits)?;
            let (x, y) = (x.bits(party, a)?, y.bits(party, b)?);
            of_bits(
                match &expression.node {
                    Node::And(..) => and(party, x, y)?,
                    Node::Or(..) => vdl_protocol::or(party, x, y)?,
                    _ => x.xor(y),
                },
                None,
            )
        }
        Node::IsNull(a) => {
            let valid = validity(party, a, table)?;
            let missing = valid.map_or_else(|| Bits::zeros(table.rows, 1), |valid| valid.not(party.id()));
            of_bits(missing, None)
        }
        Node::Fill { value, with } => fill(party, ctype, value, with, table)?,
    };
    Ok(Value::Made(Box::new(made)))
}

/// Where a value is there; `None` means everywhere. Computes no more than that.
pub(crate) fn validity(
    party: &mut Party,
    expression: &Typed,
    table: &TableShares,
) -> Result<Option<Bits>, TableError> {
    if !expression.ctype.nullable {
        return Ok(None);
    }
    match &expression.node {
        Node::Add(a, b) | Node::Subtract(a, b) | Node::Multiply(a, b) => {
            let (x, y) = (validity(party, a, table)?, validity(party, b, table)?);
            both(party, x.as_ref(), y.as_ref())
        }
        Node::Negate(a) | Node::Not(a) => validity(party, a, table),
        _ => Ok(evaluate(party, expression, table, Form::Bits)?.valid().cloned()),
    }
}

/// Rows in which both are there.
pub(crate) fn both(
    party: &mut Party,
    a: Option<&Bits>,
    b: Option<&Bits>,
) -> Result<Option<Bits>, TableError> {
    Ok(match (a, b) {
        (Some(a), Some(b)) => Some(and(party, a, b)?),
        (one, other) => one.or(other).cloned(),
    })
}

/// The number that a constant is in arithmetic.
pub(crate) fn number(value: &Typed) -> Option<i64> {
    match value.node {
        // The plan has refused wider ones.
        Node::Constant(Constant::Integer(value)) => i64::try_from(value).ok(),
        Node::Constant(Constant::Boolean(value)) => Some(value.into()),
        Node::Constant(Constant::Date(days)) => Some(days.into()),
        _ => None,
    }
}

/// The bits of a constant as a value of `kind`, least significant word first.
pub(crate) fn pattern(constant: &Constant, kind: &Kind) -> Option<Vec<u64>> {
    let offset = |value: i128| {
        span(kind)
            .filter(|(min, max)| (min..=max).contains(&&value))
            .map(|(min, _)| words(value.abs_diff(min)).to_vec())
    };
    match (constant, kind) {
        (Constant::Integer(value), _) => offset(*value),
        (Constant::Boolean(value), _) => offset((*value).into()),
        (Constant::Date(days), _) => offset((*days).into()),
        (Constant::Text(text), Kind::Text { length, ascii }) => encode_text(text, *length, *ascii),
        (Constant::Text(_), _) => None,
    }
}

fn public(
    party: &mut Party,
    constant: &Constant,
    ctype: &ColumnType,
    rows: usize,
) -> Result<ColumnShares, TableError> {
    let pattern = pattern(constant, &ctype.kind).ok_or(TableError::Shape("a constant outside its type"))?;
    let mut planes = Bits::zeros(rows, ctype.width() as usize);
    let everywhere = Bits::public(party.id(), &Planes::ones(rows, 1));
    xor_where(&mut planes, &everywhere, &pattern);
    Ok(of_bits(planes, None))
}

/// `expression + term`: the offsets stay, the bounds move.
fn shifted(
    party: &mut Party,
    expression: &Typed,
    term: i64,
    table: &TableShares,
    wanted: Form,
) -> Result<ColumnShares, TableError> {
    let value = evaluate(party, expression, table, wanted)?;
    shift(party, expression, &value, term)
}

fn shift(party: &mut Party, of: &Typed, value: &Value<'_>, term: i64) -> Result<ColumnShares, TableError> {
    let column = value.shares();
    let mut out = ColumnShares { valid: column.valid.clone(), ..Default::default() };
    if let Some(bits) = column.bits.get() {
        out.bits = OnceLock::from(bits.clone());
        if column.valid.is_some() {
            return Ok(out);
        }
    }
    if let Some(ring) = column.ring.get() {
        out.ring = OnceLock::from(match &column.valid {
            None => ring.add_constant(party.id(), term.cast_unsigned()),
            Some(valid) => ring.add(&flags_to_ring(party, valid)?.scale(term.cast_unsigned())),
        });
    }
    debug_assert!(out.bits.get().is_some() || out.ring.get().is_some(), "{:?}", of.ctype);
    Ok(out)
}

fn sum(
    party: &mut Party,
    ctype: &ColumnType,
    (a, x): (&Typed, &Value<'_>),
    (b, y): (&Typed, &Value<'_>),
    wanted: Form,
) -> Result<ColumnShares, TableError> {
    let valid = both(party, x.valid(), y.valid())?;
    let in_bits = x.shares().bits.get().is_some() && y.shares().bits.get().is_some();
    if in_bits && (wanted == Form::Bits || valid.is_some()) {
        let (p, q) = (x.bits(party, a)?, y.bits(party, b)?);
        let mut total = add(party, p, q, ctype.width() as usize)?;
        if let Some(valid) = &valid {
            total = and(party, &total, valid)?;
        }
        return Ok(of_bits(total, valid));
    }
    let mut total = x.ring(party, a)?.add(y.ring(party, b)?);
    if let Some(valid) = &valid {
        let there = flags_to_ring(party, valid)?;
        total = multiply(party, &total, &there)?;
    }
    Ok(of_ring(total, valid))
}

/// `-expression` as the plan would type it.
fn negation_of(expression: &Typed) -> Typed {
    let (min, max) = span(&expression.ctype.kind).unwrap_or((0, 0));
    let kind = Kind::Integer { min: max.wrapping_neg(), max: min.wrapping_neg() };
    let ctype = ColumnType { kind, nullable: expression.ctype.nullable };
    Typed { node: Node::Negate(Box::new(expression.clone())), ctype }
}

fn negated(
    party: &mut Party,
    expression: &Typed,
    table: &TableShares,
    wanted: Form,
) -> Result<ColumnShares, TableError> {
    let value = evaluate(party, expression, table, wanted)?;
    let column = value.shares();
    let valid = column.valid.clone();
    if let (Some(ring), true) = (column.ring.get(), wanted == Form::Ring || column.bits.get().is_none()) {
        return Ok(of_ring(ring.negate(), valid));
    }
    // The distance to the maximum instead of the minimum: all bits flipped, less what that is too much.
    let bits = value.bits(party, expression)?;
    let (min, max) = span(&expression.ctype.kind).ok_or(TableError::Shape("no number to negate"))?;
    let (span, width) = (max.abs_diff(min) as u64, bits.width());
    let all = u64::MAX >> (64 - width.clamp(1, 64));
    let mut flipped = bits.not(party.id());
    if span != all {
        flipped = add_public(party, &flipped, (span.wrapping_sub(all) & all).into(), width)?;
    }
    if let Some(valid) = &valid {
        xor_where(&mut flipped, &valid.not(party.id()), &[span]);
    }
    Ok(of_bits(flipped, valid))
}

/// Missing values are zero, and so is their product.
fn product(party: &mut Party, a: &Typed, b: &Typed, table: &TableShares) -> Result<ColumnShares, TableError> {
    if let Some((value, factor)) = number(b).map(|f| (a, f)).or(number(a).map(|f| (b, f))) {
        let x = evaluate(party, value, table, Form::Ring)?;
        let scaled = x.ring(party, value)?.scale(factor.cast_unsigned());
        return Ok(of_ring(scaled, x.valid().cloned()));
    }
    let x = evaluate(party, a, table, Form::Ring)?;
    let y = evaluate(party, b, table, Form::Ring)?;
    let valid = both(party, x.valid(), y.valid())?;
    let (p, q) = (x.ring(party, a)?, y.ring(party, b)?);
    Ok(of_ring(multiply(party, p, q)?, valid))
}

fn fill(
    party: &mut Party,
    ctype: &ColumnType,
    value: &Typed,
    with: &Typed,
    table: &TableShares,
) -> Result<ColumnShares, TableError> {
    let x = evaluate(party, value, table, Form::Bits)?;
    let bits = x.bits(party, value)?;
    let mut filled = recode(party, bits, x.valid(), &value.ctype.kind, &ctype.kind)?;
    let Some(valid) = x.valid() else {
        return Ok(of_bits(filled, None));
    };
    let missing = valid.not(party.id());
    if let Node::Constant(constant) = &with.node {
        let pattern =
            pattern(constant, &ctype.kind).ok_or(TableError::Shape("a constant outside its type"))?;
        xor_where(&mut filled, &missing, &pattern);
        return Ok(of_bits(filled, None));
    }
    let y = evaluate(party, with, table, Form::Bits)?;
    let bits = y.bits(party, with)?;
    let other = recode(party, bits, y.valid(), &with.ctype.kind, &ctype.kind)?;
    let filled = filled.xor(&and(party, &other, &missing)?);
    let valid = match y.valid() {
        Some(other) => Some(vdl_protocol::or(party, valid, other)?),
        None => None,
    };
    Ok(of_bits(filled, valid))
}

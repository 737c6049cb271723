//! Comparisons: between two columns, or of a column with a constant. One plane comes out, false where
//! either side is missing. Nothing is opened.

use vdl_plan::vdl_command::Kind;
use vdl_plan::{Comparison, Constant, Node, Typed, common_kind};
use vdl_protocol::{Party, and, equal, equal_public, greater_public, less_than, less_than_public};
use vdl_share::{Planes, TableShares};

use crate::column::{Bits, recode};
use crate::error::TableError;
use crate::expression::{Form, Value, both, evaluate, pattern};
use crate::text::{Question, question};

pub(crate) fn compare(
    party: &mut Party,
    op: Comparison,
    left: &Typed,
    right: &Typed,
    table: &TableShares,
) -> Result<Bits, TableError> {
    if let Node::Constant(constant) = &right.node {
        let value = evaluate(party, left, table, Form::Bits)?;
        return with_constant(party, op, left, &value, constant);
    }
    if let Node::Constant(constant) = &left.node {
        let value = evaluate(party, right, table, Form::Bits)?;
        return with_constant(party, op.flipped(), right, &value, constant);
    }
    let kind = common_kind(&left.ctype.kind, &right.ctype.kind).ok_or(TableError::Shape("unlike values"))?;
    let (x, y) = (evaluate(party, left, table, Form::Bits)?, evaluate(party, right, table, Form::Bits)?);
    let a = x.bits(party, left)?;
    let a = recode(party, a, None, &left.ctype.kind, &kind)?;
    let b = y.bits(party, right)?;
    let b = recode(party, b, None, &right.ctype.kind, &kind)?;
    let id = party.id();
    let answer = match op {
        Comparison::Equal => equal(party, &a, &b)?,
        Comparison::NotEqual => equal(party, &a, &b)?.not(id),
        Comparison::Less => less_than(party, &a, &b)?,
        Comparison::GreaterOrEqual => less_than(party, &a, &b)?.not(id),
        Comparison::Greater => less_than(party, &b, &a)?,
        Comparison::LessOrEqual => less_than(party, &b, &a)?.not(id),
    };
    let valid = both(party, x.valid(), y.valid())?;
    where_valid(party, answer, valid.as_ref())
}

fn with_constant(
    party: &mut Party,
    op: Comparison,
    of: &Typed,
    value: &Value<'_>,
    constant: &Constant,
) -> Result<Bits, TableError> {
    let bits = value.bits(party, of)?;
    let asked = match (constant, &of.ctype.kind) {
        (Constant::Text(text), Kind::Text { length, ascii }) => question(op, text, (*length, *ascii)),
        (constant, kind) => Question::Bits(
            op,
            // The plan has folded every comparison whose constant lies outside the bounds.
            pattern(constant, kind).ok_or(TableError::Shape("a constant outside its type"))?,
        ),
    };
    let id = party.id();
    let answer = match asked {
        Question::Always(false) => return Ok(Bits::zeros(bits.rows(), 1)),
        Question::Always(true) => Bits::public(id, &Planes::ones(bits.rows(), 1)),
        Question::Bits(op, words) => match op {
            Comparison::Equal => equal_public(party, bits, &words)?,
            Comparison::NotEqual => equal_public(party, bits, &words)?.not(id),
            Comparison::Less => less_than_public(party, bits, &words)?,
            Comparison::GreaterOrEqual => less_than_public(party, bits, &words)?.not(id),
            Comparison::Greater => greater_public(party, bits, &words)?,
            Comparison::LessOrEqual => greater_public(party, bits, &words)?.not(id),
        },
    };
    where_valid(party, answer, value.valid())
}

fn where_valid(party: &mut Party, answer: Bits, valid: Option<&Bits>) -> Result<Bits, TableError> {
    Ok(match valid {
        Some(valid) => and(party, &answer, valid)?,
        None => answer,
    })
}

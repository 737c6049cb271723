//! How many different original rows are behind what is about to be opened.
//!
//! Rows that are originals of their own are counted. Where a column numbers the originals, one sort by those
//! numbers brings equal ones side by side, and the first of each is counted. Opens one bit for all that is
//! asked together: whether something has too few.

use std::collections::BTreeMap;

use vdl_plan::vdl_command::{Aggregate, ColumnType, Kind};
use vdl_plan::{Check, Comparison, Constant, Node, Reduction, Typed, span};
use vdl_protocol::{
    Party, Permutation, and, equal, less_than_public, open_bit, ring_to_planes, sort_carrying,
};
use vdl_share::{ColumnShares, Planes, Shared, TableShares};

use crate::aggregate::any_row;
use crate::column::{Bits, count};
use crate::error::TableError;
use crate::expression::{Form, both, evaluate, validity};
use crate::segment::starts_first;

/// So many original rows must be behind one value.
pub(crate) struct Need {
    pub least: u64,
    /// The rows behind it; without, all that belong to the table.
    pub flags: Option<Bits>,
    /// Position of the column that numbers the originals, if there is one.
    pub rows_in: Option<usize>,
}

/// The columns the rows of which are counted.
#[derive(Clone, Copy)]
pub(crate) struct Counted<'a> {
    pub columns: &'a [ColumnShares],
    /// Which rows belong; without, all of them.
    pub selected: Option<&'a Bits>,
    /// At most so many rows belong.
    pub rows: u64,
}

/// Refuses unless every need is met. Opens that one bit, and nothing where public numbers tell.
pub(crate) fn enough(party: &mut Party, of: Counted<'_>, needs: &[Need]) -> Result<(), TableError> {
    let threshold = needs.iter().map(|need| need.least).max().unwrap_or(0);
    let too_few = Err(TableError::TooFewRows { threshold });
    if of.rows < threshold {
        return too_few;
    }
    let mut counts: BTreeMap<u64, Vec<Shared<Vec<u32>>>> = BTreeMap::new();
    for need in needs.iter().filter(|need| need.least > 0) {
        let flags = match (need.rows_in, &need.flags) {
            (None, None) => continue,
            (None, Some(flags)) => flags.clone(),
            (Some(position), flags) => {
                let flags = flags.as_ref().or(of.selected);
                originals(party, of.columns, position, flags)?
            }
        };
        counts.entry(need.least).or_default().push(count(party, &flags)?);
    }
    let mut few: Vec<Bits> = Vec::new();
    for (least, counts) in &counts {
        let counts = Shared::<Vec<u32>>::append_rows(&counts.iter().collect::<Vec<_>>());
        let counts = ring_to_planes(party, &counts, 32)?;
        few.push(less_than_public(party, &counts, &[*least])?);
    }
    if few.is_empty() {
        return Ok(());
    }
    let few = Bits::append_rows(1, &few.iter().collect::<Vec<_>>());
    let any = any_row(party, &few)?;
    if open_bit(party, &any)? { too_few } else { Ok(()) }
}

/// One flag per original among the flagged rows, in some order.
fn originals(
    party: &mut Party,
    columns: &[ColumnShares],
    position: usize,
    flags: Option<&Bits>,
) -> Result<Bits, TableError> {
    let rows = numbers(columns, position)?.rows();
    Ok(first_of_each(party, columns, position, &Bits::zeros(rows, 0), flags)?.1)
}

/// Flags the first row of every original within every group of equal keys, in the order of the rows.
pub(crate) fn originals_by(
    party: &mut Party,
    columns: &[ColumnShares],
    position: usize,
    keys: &Bits,
    flags: Option<&Bits>,
) -> Result<Bits, TableError> {
    let (order, first) = first_of_each(party, columns, position, keys, flags)?;
    let mut blocks = [vdl_protocol::Block::planes(&first)];
    order.undo(party, &mut blocks)?;
    let [block] = blocks;
    Ok(block.into_planes(1)?)
}

fn numbers(columns: &[ColumnShares], position: usize) -> Result<&Bits, TableError> {
    let found = columns.get(position).and_then(|column| column.bits.get());
    found.ok_or(TableError::Shape("rows are not numbered"))
}

/// The order of the rows by key and number, those that do not count last, and which begin a new pair.
fn first_of_each(
    party: &mut Party,
    columns: &[ColumnShares],
    position: usize,
    keys: &Bits,
    flags: Option<&Bits>,
) -> Result<(Permutation, Bits), TableError> {
    let (id, numbers) = (party.id(), numbers(columns, position)?);
    let rows = numbers.rows();
    let valid = columns.get(position).and_then(|column| column.valid.as_ref());
    let counts = both(party, flags, valid)?.unwrap_or_else(|| Bits::public(id, &Planes::ones(rows, 1)));
    let pair = Bits::stack(rows, &[keys, numbers]);
    let by = Bits::stack(rows, &[&pair, &counts.not(id)]);
    let (order, sorted) = sort_carrying(party, &by, &counts)?;
    let (pair, counts) = (sorted.select(0..pair.width()), sorted.plane(by.width()));
    // Rows that count come first, so what precedes one of them counts, too.
    let same = equal(party, &pair, &pair.shift_down(1))?;
    let first = and(party, &counts, &starts_first(id, same.not(id)))?;
    Ok((order, first))
}

/// Which rows are behind a value that is opened: those that have one, and of a total those that add to it.
/// `None` means all.
pub(crate) fn behind(
    party: &mut Party,
    table: &TableShares,
    reduction: &Reduction,
) -> Result<Option<Bits>, TableError> {
    let Reduction { aggregate, value, .. } = reduction;
    let flags = match value.ctype.kind {
        _ if *aggregate == Aggregate::Count => validity(party, value, table)?,
        Kind::Boolean => Some(evaluate(party, value, table, Form::Bits)?.bits(party, value)?.clone()),
        _ => match span(&value.ctype.kind) {
            Some((0, 0)) => Some(Bits::zeros(table.rows, 1)),
            Some((min, max)) if min <= 0 && max >= 0 => {
                let zero = Typed {
                    node: Node::Constant(Constant::Integer(0)),
                    ctype: ColumnType::required(Kind::Integer { min: 0, max: 0 }),
                };
                let node = Node::Compare {
                    op: Comparison::NotEqual,
                    left: Box::new(value.clone()),
                    right: Box::new(zero),
                };
                let differs = Typed { node, ctype: ColumnType::required(Kind::Boolean) };
                Some(evaluate(party, &differs, table, Form::Bits)?.bits(party, &differs)?.clone())
            }
            _ => validity(party, value, table)?,
        },
    };
    match flags {
        Some(flags) => both(party, Some(&flags), table.selected.as_ref()),
        None => Ok(None),
    }
}

/// What the checks ask of every value that is opened.
pub(crate) fn needs(
    party: &mut Party,
    table: &TableShares,
    reductions: &[Reduction],
    checks: &[Check],
) -> Result<Vec<Need>, TableError> {
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let mut needs = Vec::new();
    for reduction in reductions {
        let flags = behind(party, table, reduction)?;
        needs.extend(checks.iter().map(|check| Need {
            least: check.min_rows,
            flags: flags.clone(),
            rows_in: check.rows_in,
        }));
    }
    Ok(needs)
}

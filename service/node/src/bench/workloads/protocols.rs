//! Single protocols on whole columns.

use vdl_plan::vdl_command::Kind;
use vdl_plan::vdl_command::encoding::{character_bits, encode_text, write_text};
use vdl_protocol::{self as mpc, Party};
use vdl_share::{ColumnShares, Planes, Shared};
use vdl_table::TableError;

use super::super::data::{Clear, ClearTable, Form, Random};
use super::super::made::Made;

type Result<T> = std::result::Result<T, TableError>;

pub fn two_bits(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    two(rows, Form::Bits, random)
}

pub fn two_rings(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    two(rows, Form::Ring, random)
}

/// Two columns of 64 bits, some rows of which hold the same value twice or nearly so.
fn two(rows: usize, form: Form, random: &mut Random) -> Vec<ClearTable> {
    let a = random.words(rows, 64);
    let mut b = random.words(rows, 64);
    for (row, (a, b)) in a.iter().zip(&mut b).enumerate() {
        match row % 8 {
            0 => *b = *a,
            1 => *b = *a ^ 1,
            _ => {}
        }
    }
    vec![ClearTable { rows, columns: vec![Clear::number("a", 64, form, a), Clear::number("b", 64, form, b)] }]
}

fn bits(columns: &[ColumnShares], at: usize) -> Result<&Shared<Planes>> {
    columns.get(at).and_then(|column| column.bits.get()).ok_or(TableError::Shape("no such bits"))
}

fn ring(columns: &[ColumnShares], at: usize) -> Result<&Shared<Vec<u64>>> {
    columns.get(at).and_then(|column| column.ring.get()).ok_or(TableError::Shape("no such numbers"))
}

pub fn and(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    Ok(Made::bits(mpc::and(party, bits(columns, 0)?, bits(columns, 1)?)?))
}

pub fn less_than(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    Ok(Made::bits(mpc::less_than(party, bits(columns, 0)?, bits(columns, 1)?)?))
}

pub fn equality(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    Ok(Made::bits(mpc::equal(party, bits(columns, 0)?, bits(columns, 1)?)?))
}

pub fn multiply(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    Ok(Made::ring(mpc::multiply(party, ring(columns, 0)?, ring(columns, 1)?)?))
}

pub fn dot(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    Ok(Made::ring(mpc::dot(party, &[(ring(columns, 0)?, ring(columns, 1)?)])?))
}

/// Fixed-point numbers: so many bits and a sign, so many of them behind the point.
pub const FIXED: usize = 31;
pub const PRECISION: usize = 16;

/// Two columns of such numbers, as ring elements in two's complement.
pub fn two_fixed(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let mut column = |name| {
        let sizes = random.words(rows, FIXED as u32);
        let words =
            sizes.into_iter().map(|size| if random.below(2) == 0 { size } else { size.wrapping_neg() });
        Clear::number(name, 64, Form::Ring, words.collect())
    };
    let columns = vec![column("a"), column("b")];
    vec![ClearTable { rows, columns }]
}

/// The same, none of the divisors smaller than one.
pub fn dividends(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let mut tables = two_fixed(rows, random);
    for divisor in tables.iter_mut().flat_map(|table| table.columns.iter_mut().skip(1)) {
        for word in &mut divisor.words {
            if word.cast_signed().unsigned_abs() < 1 << PRECISION {
                *word = word.wrapping_add(1 << (FIXED - 1));
            }
        }
    }
    tables
}

pub fn divide(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    let number = |column| mpc::fixed::Number { column, bits: FIXED };
    let (a, b) = (number(ring(columns, 0)?), number(ring(columns, 1)?));
    Ok(Made::ring(mpc::fixed::divide(party, a, b, PRECISION, FIXED)?))
}

pub fn fixed_multiply(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    let number = |column| mpc::fixed::Number { column, bits: FIXED };
    let (a, b) = (number(ring(columns, 0)?), number(ring(columns, 1)?));
    Ok(Made::ring(mpc::fixed::multiply(party, a, b, PRECISION)?))
}

/// Characters of a text, and what is looked for in it.
pub const LENGTH: u32 = 32;
pub const SOUGHT: &str = "abbab";

/// Texts of two letters, so that what is sought is in some of them and nearly in many.
pub fn texts(rows: usize, random: &mut Random) -> Vec<ClearTable> {
    let mut words = Vec::with_capacity(rows * 4);
    for _ in 0..rows {
        let letters = random.word();
        let text: String = (0..LENGTH).map(|n| if letters >> (2 * n) & 3 == 0 { 'a' } else { 'b' }).collect();
        let mut row = [0; 4];
        // It fits: both the length and the letters are ours.
        let _ = write_text(&text, LENGTH, true, &mut row);
        words.extend_from_slice(&row);
    }
    let kind = Kind::Text { length: LENGTH, ascii: true };
    vec![ClearTable { rows, columns: vec![Clear { name: "text", kind, form: Form::Bits, words }] }]
}

/// Texts that begin at each of so many places are compared in the same rounds.
const TOGETHER: usize = 7;

/// Whether the public text is anywhere in the secret one: compared at every place, then one OR.
///
/// Opens nothing.
pub fn like(party: &mut Party, columns: &[ColumnShares]) -> Result<Made> {
    let text = bits(columns, 0)?;
    let sought = u32::try_from(SOUGHT.len()).unwrap_or(LENGTH);
    let constant = encode_text(SOUGHT, sought, true).ok_or(TableError::Shape("what is sought"))?;
    let (letter, width) = (character_bits(true) as usize, (sought * character_bits(true)) as usize);
    let places: Vec<usize> = (0..=(LENGTH - sought) as usize).map(|place| place * letter).collect();
    let rows = text.rows();
    let mut found = Vec::new();
    for together in places.chunks(TOGETHER) {
        let parts: Vec<_> = together.iter().map(|place| text.select(*place..place + width)).collect();
        let below_each_other = Shared::<Planes>::append_rows(width, &parts.iter().collect::<Vec<_>>());
        drop(parts);
        let same = mpc::equal_public(party, &below_each_other, &constant)?;
        found.extend((0..together.len()).map(|n| same.slice_rows(n * rows, rows)));
    }
    let found = Shared::<Planes>::stack(rows, &found.iter().collect::<Vec<_>>());
    Ok(Made::bits(mpc::any_one(party, &found)?))
}

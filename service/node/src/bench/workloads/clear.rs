//! The same in the clear: what a fast wrong answer is told from a right one by.

use std::collections::{BTreeMap, HashMap};

use vdl_plan::vdl_command::encoding::read_text;

use super::super::data::ClearTable;
use super::protocols::{LENGTH, PRECISION, SOUGHT};
use super::tables::THAN;

fn pairs(tables: &[ClearTable], step: impl Fn(u64, u64) -> u64) -> Vec<Vec<u64>> {
    let columns = tables.first().map(|table| (table.words(0), table.words(1)));
    columns.into_iter().map(|(a, b)| a.iter().zip(b).map(|(a, b)| step(*a, *b)).collect()).collect()
}

pub fn and(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    pairs(tables, |a, b| a & b)
}

pub fn multiply(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    pairs(tables, u64::wrapping_mul)
}

pub fn less_than(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    pairs(tables, |a, b| u64::from(a < b))
}

pub fn equality(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    pairs(tables, |a, b| u64::from(a == b))
}

pub fn dot(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    let mut products = multiply(tables);
    for column in &mut products {
        *column = vec![column.iter().fold(0, |sum, product| sum.wrapping_add(*product))];
    }
    products
}

pub fn fixed_multiply(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    pairs(tables, |a, b| (a.cast_signed().wrapping_mul(b.cast_signed()) >> PRECISION).cast_unsigned())
}

pub fn divide(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    let quotient =
        |a: u64, b: u64| (i128::from(a.cast_signed()) << PRECISION).div_euclid(b.cast_signed().into());
    pairs(tables, |a, b| quotient(a, b) as u64)
}

/// The bound that division states, and one for rounding down here.
pub fn near_quotient(got: u64, expected: u64) -> bool {
    let error = got.wrapping_sub(expected).cast_signed().unsigned_abs();
    error <= 3 + (expected.cast_signed().unsigned_abs() >> 29)
}

/// Columns of 64 bits are offsets from the least number with a sign.
fn signed(offset: u64) -> u64 {
    offset ^ (1 << 63)
}

pub fn sort(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    let Some(table) = tables.first() else { return vec![] };
    let mut rows: Vec<(u64, u64)> =
        table.words(0).iter().zip(table.words(1)).map(|(key, x)| (*key, signed(*x))).collect();
    rows.sort_by_key(|(key, _)| *key);
    let (keys, payload) = rows.into_iter().unzip();
    vec![keys, payload]
}

pub fn merge(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    let [left, right] = tables else { return vec![] };
    let found: HashMap<u64, u64> =
        right.words(0).iter().copied().zip(right.words(1).iter().copied()).collect();
    let mut out = vec![vec![]; 3];
    for (key, x) in left.words(0).iter().zip(left.words(1)) {
        if let Some(y) = found.get(key) {
            out.iter_mut().zip([*key, signed(*x), signed(*y)]).for_each(|(column, word)| column.push(word));
        }
    }
    out
}

pub fn group_by(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    let Some(table) = tables.first() else { return vec![] };
    let mut groups = BTreeMap::<u64, (u64, u64)>::new();
    for (key, x) in table.words(0).iter().zip(table.words(1)) {
        let group = groups.entry(*key).or_default();
        *group = (group.0 + x, group.1 + 1);
    }
    vec![
        groups.keys().copied().collect(),
        groups.values().map(|group| group.0).collect(),
        groups.values().map(|group| group.1).collect(),
    ]
}

pub fn filter_mean(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    let Some(table) = tables.first() else { return vec![] };
    let kept = |a: u64| signed(a).cast_signed() > THAN;
    let kept = table.words(0).iter().zip(table.words(1)).filter(|(a, _)| kept(**a));
    let (sum, count) = kept.fold((0, 0), |(sum, count), (_, x)| (sum + x, count + 1));
    vec![vec![sum], vec![count]]
}

pub fn like(tables: &[ClearTable]) -> Vec<Vec<u64>> {
    let Some(table) = tables.first() else { return vec![] };
    let found = table.words(0).chunks(4).map(|words| {
        let text = read_text(words, LENGTH, true).unwrap_or_default();
        u64::from(text.contains(SOUGHT))
    });
    vec![found.collect()]
}

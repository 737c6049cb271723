//! Three answers become values again, after a check that the copies agree.

use vdl_command::encoding::{read_text, text_words};
use vdl_command::{ColumnMeta, Kind, Opened};
use vdl_share::{Planes, ShareError, combine_opened};

use crate::column::{OpenedColumn, OpenedValues};
use crate::error::ClientError;

/// The columns behind the payloads of servers 0, 1 and 2.
pub(crate) fn combine(opened: &Opened, payloads: &[&[u8]; 3]) -> Result<Vec<OpenedColumn>, ClientError> {
    let rows = usize::try_from(opened.rows).map_err(|_| disagreement("more rows than fit in memory"))?;
    let columns = combine_opened(payloads, rows).map_err(|error| match error {
        ShareError::Inconsistent(first, second) => {
            ClientError::Inconsistent { first: first as u8, second: second as u8 }
        }
        other => disagreement(&other.to_string()),
    })?;
    if columns.len() != opened.columns.len() {
        return Err(disagreement("the number of columns"));
    }
    opened.columns.iter().zip(columns).map(|(meta, column)| reveal(meta, &column)).collect()
}

fn reveal(meta: &ColumnMeta, column: &vdl_share::OpenedColumn) -> Result<OpenedColumn, ClientError> {
    if column.valid.is_some() != meta.ctype.nullable {
        return Err(disagreement(&format!("whether column \"{}\" has missing values", meta.name)));
    }
    let valid = column.valid.as_ref().map(Planes::to_bools);
    let values = values(meta, &column.data).ok_or_else(|| {
        disagreement(&format!("the values of column \"{}\", which are not of its type", meta.name))
    })?;
    Ok(OpenedColumn { name: meta.name.clone(), ctype: meta.ctype.clone(), values, valid })
}

/// `None` where the shares do not hold values of the type.
fn values(meta: &ColumnMeta, data: &vdl_share::Opened) -> Option<OpenedValues> {
    use vdl_share::Opened::{Bits, Mean, Ring, WideMean};
    // An offset in both forms; a missing value is zero, whatever the bounds are.
    let numbers = |min: i64, max: i64| -> Option<Vec<i64>> {
        match data {
            Bits(bits) if bits.width() <= 64 => {
                let span = max.abs_diff(min);
                let values = bits.to_values();
                let within = values.iter().all(|offset| *offset <= span);
                within.then(|| values.into_iter().map(|offset| min.wrapping_add_unsigned(offset)).collect())
            }
            Ring(values) => {
                let within = |value: i64| value == 0 || (min <= value && value <= max);
                let values: Vec<i64> = values.iter().map(|value| *value as i64).collect();
                values.iter().all(|value| within(*value)).then_some(values)
            }
            _ => None,
        }
    };
    Some(match (&meta.ctype.kind, data) {
        (Kind::Integer { min, max }, _) => match (i64::try_from(*min), i64::try_from(*max)) {
            (Ok(min), Ok(max)) => OpenedValues::Integer(numbers(min, max)?),
            _ => OpenedValues::Wide(wide_numbers(data, *min, *max)?),
        },
        (Kind::Date { min, max }, _) => {
            let days = numbers((*min).into(), (*max).into())?;
            OpenedValues::Date(days.into_iter().map(|day| i32::try_from(day).ok()).collect::<Option<_>>()?)
        }
        (Kind::Boolean, _) => {
            OpenedValues::Boolean(numbers(0, 1)?.into_iter().map(|value| value == 1).collect())
        }
        (Kind::Text { length, ascii }, Bits(bits)) => {
            let words = text_words(*length, *ascii);
            if bits.width() != meta.ctype.width() as usize {
                return None;
            }
            let rows = bits.to_rows();
            let text = |row| read_text(rows.row(row).get(..words)?, *length, *ascii);
            OpenedValues::Text((0..bits.rows()).map(text).collect::<Option<_>>()?)
        }
        (Kind::Mean { .. }, Mean { sum, count }) => {
            let mean = |(sum, count): (&u64, &u64)| *sum as i64 as f64 / *count as i64 as f64;
            OpenedValues::Mean(sum.iter().zip(count).map(mean).collect())
        }
        (Kind::Mean { .. }, WideMean { sum, count }) => {
            let sums = wide_words(sum).into_iter().map(u128::cast_signed);
            let mean = |(sum, count): (i128, &u64)| sum as f64 / *count as i64 as f64;
            OpenedValues::Mean(sums.zip(count).map(mean).collect())
        }
        _ => return None,
    })
}

/// Offsets from the minimum, in more than 64 bits.
fn wide_numbers(data: &vdl_share::Opened, min: i128, max: i128) -> Option<Vec<i128>> {
    let vdl_share::Opened::Bits(bits) = data else { return None };
    let offsets = wide_words(bits);
    let within = bits.width() <= 128 && offsets.iter().all(|offset| *offset <= max.abs_diff(min));
    within.then(|| offsets.into_iter().map(|offset| min.wrapping_add_unsigned(offset)).collect())
}

/// The first 128 bits of every row.
fn wide_words(bits: &Planes) -> Vec<u128> {
    let rows = bits.resize(128).to_rows();
    let word = |row: usize| rows.row(row).iter().rev().fold(0, |word, next| word << 64 | u128::from(*next));
    (0..bits.rows()).map(word).collect()
}

fn disagreement(what: &str) -> ClientError {
    ClientError::Disagreement(what.to_owned())
}

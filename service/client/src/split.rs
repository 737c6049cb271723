//! Checks columns against their types and splits them into shares; the only place that does.

use vdl_command::encoding::{text_words, write_text};
use vdl_command::{ColumnMeta, Kind};
use vdl_share::{Planes, Rows, UploadColumn, UploadData, UploadLayout, split_upload};

use crate::column::{ClearColumn, ClearValues};
use crate::error::ClientError;
use crate::random::random;

/// The three servers' payloads.
pub(crate) fn split(
    columns: &[ClearColumn],
    metas: &[ColumnMeta],
) -> Result<(u64, [Vec<u8>; 3]), ClientError> {
    split_with(columns, metas, &[random()?, random()?])
}

/// The same with seeds that are given, which vectors need and nobody else may do.
fn split_with(
    columns: &[ClearColumn],
    metas: &[ColumnMeta],
    seeds: &[[u8; 16]; 2],
) -> Result<(u64, [Vec<u8>; 3]), ClientError> {
    let rows = check_shape(columns, metas)?;
    let data = columns
        .iter()
        .zip(metas)
        .map(|(column, meta)| encode(column, meta))
        .collect::<Result<Vec<_>, _>>()?;
    let widths = metas
        .iter()
        .map(|meta| UploadColumn { width: meta.ctype.width() as usize, nullable: meta.ctype.nullable })
        .collect();
    let system = |error: vdl_share::ShareError| ClientError::System(error.to_string());
    let layout = UploadLayout::new(rows, widths).map_err(system)?;
    let payloads = split_upload(&layout, &data, seeds).map_err(system)?;
    Ok((rows as u64, payloads))
}

/// Same names in the same order, all of one length.
fn check_shape(columns: &[ClearColumn], metas: &[ColumnMeta]) -> Result<usize, ClientError> {
    if !columns.iter().map(|column| &column.name).eq(metas.iter().map(|meta| &meta.name)) {
        return Err(ClientError::Command("the columns of the upload are not those of its command".into()));
    }
    let rows = columns.first().map_or(0, ClearColumn::rows);
    for column in columns {
        if column.rows() != rows || column.valid.as_ref().is_some_and(|valid| valid.len() != rows) {
            let reason = format!("has {} rows, the first column has {rows}", column.rows());
            return Err(ClientError::Column { column: column.name.clone(), reason });
        }
    }
    Ok(rows)
}

fn encode(column: &ClearColumn, meta: &ColumnMeta) -> Result<UploadData, ClientError> {
    if !meta.ctype.nullable
        && let Some(row) = (0..column.rows()).find(|row| !column.is_valid(*row))
    {
        return Err(wrong_value(column, row, format!("missing, but the type {} has no ?", meta.ctype)));
    }
    let width = meta.ctype.width() as usize;
    let bits = match (&column.values, &meta.ctype.kind) {
        (ClearValues::Integer(values), Kind::Integer { min, max }) => {
            match (i64::try_from(*min), i64::try_from(*max)) {
                (Ok(min), Ok(max)) => {
                    check_range(column, values, (min, max), meta)?;
                    offsets(column, values.iter().map(|value| value.wrapping_sub(min) as u64), width)
                }
                _ => {
                    let values: Vec<i128> = values.iter().map(|value| i128::from(*value)).collect();
                    wide_offsets(column, &values, (*min, *max), meta)?
                }
            }
        }
        (ClearValues::Wide(values), Kind::Integer { min, max }) => {
            wide_offsets(column, values, (*min, *max), meta)?
        }
        (ClearValues::Date(values), Kind::Date { min, max }) => {
            check_range(column, values, (*min, *max), meta)?;
            offsets(
                column,
                values.iter().map(|value| i64::from(*value).wrapping_sub(i64::from(*min)) as u64),
                width,
            )
        }
        (ClearValues::Boolean(values), Kind::Boolean) => {
            Planes::from_bools(values.iter().enumerate().map(|(row, value)| *value && column.is_valid(row)))
        }
        (ClearValues::Text(values), Kind::Text { length, ascii }) => {
            texts(column, values, *length, *ascii, meta)?.to_planes(width)
        }
        (values, _) => {
            let reason = format!("holds {}, which is not {}", name_of(values), meta.ctype);
            return Err(ClientError::Column { column: column.name.clone(), reason });
        }
    };
    let valid =
        meta.ctype.nullable.then(|| Planes::from_bools((0..column.rows()).map(|row| column.is_valid(row))));
    Ok(UploadData { bits, valid })
}

/// Values as offsets from the minimum; missing ones are zero.
fn offsets(column: &ClearColumn, values: impl Iterator<Item = u64>, width: usize) -> Planes {
    let offsets: Vec<u64> = match &column.valid {
        None => values.collect(),
        Some(valid) => values.zip(valid).map(|(value, valid)| if *valid { value } else { 0 }).collect(),
    };
    Planes::from_values(&offsets, width)
}

/// The same for values or bounds that 64 bits do not hold.
fn wide_offsets(
    column: &ClearColumn,
    values: &[i128],
    (min, max): (i128, i128),
    meta: &ColumnMeta,
) -> Result<Planes, ClientError> {
    check_range(column, values, (min, max), meta)?;
    let mut words = Vec::with_capacity(2 * values.len());
    for (row, value) in values.iter().enumerate() {
        let offset = if column.is_valid(row) { value.abs_diff(min) } else { 0 };
        words.extend([offset as u64, (offset >> 64) as u64]);
    }
    let rows = Rows::from_raw(values.len(), 2, words).unwrap_or_else(|| Rows::zeros(0, 2));
    Ok(rows.to_planes(meta.ctype.width() as usize))
}

fn check_range<T: Ord + Copy>(
    column: &ClearColumn,
    values: &[T],
    (min, max): (T, T),
    meta: &ColumnMeta,
) -> Result<(), ClientError> {
    let outside = |value: T| value < min || value > max;
    if !column.range(values).is_some_and(|(smallest, largest)| outside(smallest) || outside(largest)) {
        return Ok(());
    }
    let row = values.iter().enumerate().position(|(row, value)| outside(*value) && column.is_valid(row));
    Err(wrong_value(column, row.unwrap_or(0), format!("outside its type {}", meta.ctype)))
}

fn texts(
    column: &ClearColumn,
    values: &[String],
    length: u32,
    ascii: bool,
    meta: &ColumnMeta,
) -> Result<Rows, ClientError> {
    let stride = text_words(length, ascii).max(1);
    let mut words = vec![0; stride * values.len()];
    for (row, (text, words)) in values.iter().zip(words.chunks_exact_mut(stride)).enumerate() {
        if column.is_valid(row) && write_text(text, length, ascii, words).is_none() {
            let reason = if text.contains('\0') {
                "a text with a NUL character".to_owned()
            } else if ascii && !text.is_ascii() {
                format!("a text that is not ASCII, outside its type {}", meta.ctype)
            } else {
                format!("a text that is too long for its type {}", meta.ctype)
            };
            return Err(wrong_value(column, row, reason));
        }
    }
    let rows = values.len();
    Rows::from_raw(rows, stride, words)
        .ok_or_else(|| ClientError::System("texts do not fill their rows".into()))
}

fn name_of(values: &ClearValues) -> &'static str {
    match values {
        ClearValues::Integer(_) | ClearValues::Wide(_) => "whole numbers",
        ClearValues::Boolean(_) => "true and false",
        ClearValues::Date(_) => "dates",
        ClearValues::Text(_) => "texts",
    }
}

fn wrong_value(column: &ClearColumn, row: usize, reason: String) -> ClientError {
    ClientError::Value { column: column.name.clone(), row, reason }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::{Deserialize, Serialize};
    use vdl_command::ColumnType;

    use super::*;

    /// A table, its cells as text by column, and what the three servers get of it.
    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table {
        name: String,
        columns: Vec<ColumnMeta>,
        cells: Vec<Vec<Option<String>>>,
        seeds: [String; 2],
        payloads: Vec<Payload>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Payload {
        bytes: usize,
        blake3: String,
        /// Of short ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hex: Option<String>,
    }

    fn clear(meta: &ColumnMeta, cells: &[Option<String>]) -> ClearColumn {
        let texts = cells.iter().map(|cell| cell.as_deref());
        let values = match &meta.ctype.kind {
            Kind::Integer { min, max } if i64::try_from(*min).is_ok() && i64::try_from(*max).is_ok() => {
                ClearValues::Integer(texts.map(|text| text.map_or(0, |text| text.parse().unwrap())).collect())
            }
            Kind::Integer { .. } => {
                ClearValues::Wide(texts.map(|text| text.map_or(0, |text| text.parse().unwrap())).collect())
            }
            Kind::Boolean => ClearValues::Boolean(texts.map(|text| text == Some("true")).collect()),
            Kind::Date { .. } => {
                let days = |text: &str| ColumnType::days_of(text).unwrap();
                ClearValues::Date(texts.map(|text| text.map_or(0, days)).collect())
            }
            Kind::Text { .. } => {
                ClearValues::Text(texts.map(|text| text.unwrap_or_default().to_owned()).collect())
            }
            Kind::Mean { .. } => panic!("nobody uploads a mean"),
        };
        let valid = meta.ctype.nullable.then(|| cells.iter().map(Option::is_some).collect());
        ClearColumn { name: meta.name.clone(), values, valid }
    }

    #[test]
    fn payloads_are_those_of_the_page() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/upload.json");
        let mut tables: Vec<Table> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let write = std::env::var_os("VDL_WRITE_VECTORS").is_some();
        for table in &mut tables {
            let columns: Vec<ClearColumn> =
                table.columns.iter().zip(&table.cells).map(|(meta, cells)| clear(meta, cells)).collect();
            let seeds = table.seeds.each_ref().map(|seed| hex::decode(seed).unwrap().try_into().unwrap());
            let (rows, payloads) = split_with(&columns, &table.columns, &seeds).unwrap();
            assert_eq!(rows as usize, table.cells[0].len());
            let found: Vec<Payload> = payloads
                .iter()
                .map(|payload| Payload {
                    bytes: payload.len(),
                    blake3: blake3::hash(payload).to_string(),
                    hex: (payload.len() <= 512).then(|| hex::encode(payload)),
                })
                .collect();
            if !write {
                assert_eq!(found, table.payloads, "{}", table.name);
            }
            table.payloads = found;
        }
        if write {
            let lines: Vec<String> =
                tables.iter().map(|table| format!(" {}", serde_json::to_string(table).unwrap())).collect();
            fs::write(&path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
        }
    }
}

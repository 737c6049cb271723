//! Do the shares look as their schema says? Storage may be damaged, and nothing below checks again.

use vdl_plan::Input;
use vdl_plan::vdl_command::{ColumnMeta, Kind};
use vdl_share::{ColumnShares, TableShares};

use crate::column::{Bits, Numbers};
use crate::error::TableError;

pub(crate) fn check(input: &Input, table: &TableShares) -> Result<(), TableError> {
    let rows = table.rows;
    if input.columns.len() != table.columns.len() {
        return Err(TableError::Shape("another number of columns"));
    }
    let enough = match &table.selected {
        Some(selected) => planes(selected, rows, 1) && input.rows <= rows as u64,
        None => input.rows == rows as u64,
    };
    if !enough {
        return Err(TableError::Shape("another number of rows"));
    }
    for (meta, column) in input.columns.iter().zip(&table.columns) {
        if !fits(meta, column, rows) {
            return Err(TableError::Shape("a column of another form"));
        }
    }
    Ok(())
}

fn fits(meta: &ColumnMeta, column: &ColumnShares, rows: usize) -> bool {
    let mean = matches!(meta.ctype.kind, Kind::Mean { .. });
    let text = matches!(meta.ctype.kind, Kind::Text { .. });
    let (bits, ring) = (column.bits.get(), column.ring.get());
    let width = meta.ctype.width() as usize;
    // A mean has its sum in one form only: in bits where it is wide.
    bits.is_none_or(|bits| !(mean && ring.is_some()) && planes(bits, rows, width))
        && ring.is_none_or(|ring| !text && numbers(ring, rows))
        && (bits.is_some() || ring.is_some())
        && column.count.is_some() == mean
        && column.count.as_ref().is_none_or(|count| numbers(count, rows))
        && column.valid.is_some() == meta.ctype.nullable
        && column.valid.as_ref().is_none_or(|valid| planes(valid, rows, 1))
}

fn planes(bits: &Bits, rows: usize, width: usize) -> bool {
    [&bits.own, &bits.next].iter().all(|planes| (planes.rows(), planes.width()) == (rows, width))
}

fn numbers(ring: &Numbers, rows: usize) -> bool {
    ring.own.len() == rows && ring.next.len() == rows
}

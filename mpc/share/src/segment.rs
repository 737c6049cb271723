//! One column of one node as a file: `version u8, rows u64, flags u8, forms`, words little-endian, each
//! form its own component and then the next one. Flags: 1 bits (with `width u32`), 2 ring, 4 count,
//! 8 valid. Whoever stores the bytes also checksums them.

use crate::ShareError;
use crate::planes::Planes;
use crate::reader::Reader;
use crate::shared::Shared;
use crate::table::ColumnShares;

const VERSION: u8 = 1;
const BITS: u8 = 1;
const RING: u8 = 2;
const COUNT: u8 = 4;
const VALID: u8 = 8;

pub fn encode_segment(rows: usize, column: &ColumnShares) -> Vec<u8> {
    let (bits, ring) = (column.bits.get(), column.ring.get());
    let flag = |there: bool, flag: u8| if there { flag } else { 0 };
    let flags = flag(bits.is_some(), BITS)
        | flag(ring.is_some(), RING)
        | flag(column.count.is_some(), COUNT)
        | flag(column.valid.is_some(), VALID);
    let mut out = vec![VERSION];
    out.extend_from_slice(&(rows as u64).to_le_bytes());
    out.push(flags);
    if let Some(bits) = bits {
        out.extend_from_slice(&(bits.width() as u32).to_le_bytes());
        put(&mut out, bits.as_ref().map(|planes| planes.words()));
    }
    for values in ring.into_iter().chain(&column.count) {
        put(&mut out, values.as_ref().map(|values| values.as_slice()));
    }
    if let Some(valid) = &column.valid {
        put(&mut out, valid.as_ref().map(|planes| planes.words()));
    }
    out
}

fn put(out: &mut Vec<u8>, words: Shared<&[u64]>) {
    out.extend_from_slice(bytemuck::cast_slice(words.own));
    out.extend_from_slice(bytemuck::cast_slice(words.next));
}

pub fn decode_segment(rows: usize, bytes: &[u8]) -> Result<ColumnShares, ShareError> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(ShareError::Unknown { what: "a version of column files" });
    }
    reader.rows(rows)?;
    let flags = reader.u8()?;
    if flags & !(BITS | RING | COUNT | VALID) != 0 {
        return Err(ShareError::Unknown { what: "a form of column" });
    }
    let mut column = ColumnShares::default();
    if flags & BITS != 0 {
        let width = reader.u32()? as usize;
        column.bits = planes(&mut reader, rows, width)?.into();
    }
    if flags & RING != 0 {
        column.ring = words(&mut reader, rows)?.into();
    }
    if flags & COUNT != 0 {
        column.count = Some(words(&mut reader, rows)?);
    }
    if flags & VALID != 0 {
        column.valid = Some(planes(&mut reader, rows, 1)?);
    }
    reader.end()?;
    Ok(column)
}

fn planes(reader: &mut Reader, rows: usize, width: usize) -> Result<Shared<Planes>, ShareError> {
    Ok(Shared::new(reader.planes(rows, width)?, reader.planes(rows, width)?))
}

fn words(reader: &mut Reader, rows: usize) -> Result<Shared<Vec<u64>>, ShareError> {
    Ok(Shared::new(reader.words(rows as u64)?, reader.words(rows as u64)?))
}

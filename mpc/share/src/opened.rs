//! How opened columns travel back to the analyst.
//!
//! ```text
//! component = per column: form u8, (width u32 where bits), rows u64, data, valid u8, (validity plane)
//! answer    = the node's own component, BLAKE3 of its next component
//! ```
//!
//! Three answers hold each component once and a digest of it from another node. Bits past the last row
//! are cleared: they could be anything, so they are nobody's to see.

use crate::ShareError;
use crate::planes::Planes;
use crate::reader::Reader;
use crate::shared::Side;
use crate::table::ColumnShares;

const BITS: u8 = 1;
const RING: u8 = 2;
const MEAN: u8 = 3;
const WIDE_MEAN: u8 = 4;
/// Bits of a sum that 64 may not hold.
const WIDE: usize = 128;

/// A column in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedColumn {
    pub data: Opened,
    pub valid: Option<Planes>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Opened {
    /// Offsets from the type's minimum.
    Bits(Planes),
    /// Values, two's complement.
    Ring(Vec<u64>),
    Mean {
        sum: Vec<u64>,
        count: Vec<u64>,
    },
    /// Sums in 128 bits, two's complement.
    WideMean {
        sum: Planes,
        count: Vec<u64>,
    },
}

impl std::fmt::Debug for OpenedColumn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenedColumn(..)")
    }
}

/// What node `i` answers. A mean goes as sum and count; any other column as bits where it has them.
pub fn opened_answer(columns: &[ColumnShares]) -> Result<Vec<u8>, ShareError> {
    let mut out = encode_component(columns, Side::Own)?;
    out.extend_from_slice(blake3::hash(&encode_component(columns, Side::Next)?).as_bytes());
    Ok(out)
}

pub fn encode_component(columns: &[ColumnShares], side: Side) -> Result<Vec<u8>, ShareError> {
    let mut out = Vec::new();
    for column in columns {
        match (&column.count, column.bits.get(), column.ring.get()) {
            (Some(count), _, Some(sum)) => {
                put_ring(&mut out, MEAN, sum.side(side));
                out.extend_from_slice(bytemuck::cast_slice(count.side(side)));
            }
            (Some(count), Some(sum), _) => {
                put_bits(&mut out, WIDE_MEAN, sum.side(side));
                out.extend_from_slice(bytemuck::cast_slice(count.side(side)));
            }
            (None, Some(bits), _) => {
                put_bits(&mut out, BITS, bits.side(side));
            }
            (None, None, Some(ring)) => put_ring(&mut out, RING, ring.side(side)),
            _ => return Err(ShareError::Missing),
        }
        out.push(u8::from(column.valid.is_some()));
        if let Some(valid) = &column.valid {
            put_planes(&mut out, valid.side(side));
        }
    }
    Ok(out)
}

fn put_ring(out: &mut Vec<u8>, form: u8, values: &[u64]) {
    out.push(form);
    out.extend_from_slice(&(values.len() as u64).to_le_bytes());
    out.extend_from_slice(bytemuck::cast_slice(values));
}

fn put_bits(out: &mut Vec<u8>, form: u8, bits: &Planes) {
    out.push(form);
    out.extend_from_slice(&(bits.width() as u32).to_le_bytes());
    out.extend_from_slice(&(bits.rows() as u64).to_le_bytes());
    put_planes(out, bits);
}

fn put_planes(out: &mut Vec<u8>, planes: &Planes) {
    let mut planes = planes.clone();
    planes.mask_tail();
    out.extend_from_slice(bytemuck::cast_slice(planes.words()));
}

/// The columns behind the answers of nodes 0, 1 and 2, each of `rows` rows.
pub fn combine_opened(answers: &[&[u8]; 3], rows: usize) -> Result<Vec<OpenedColumn>, ShareError> {
    let mut components = [&[] as &[u8]; 3];
    let mut digests = [[0u8; 32]; 3];
    for (id, answer) in answers.iter().enumerate() {
        let (component, digest) = answer
            .split_last_chunk::<32>()
            .ok_or(ShareError::Short { need: 32, have: answer.len() as u64 })?;
        (components[id], digests[id]) = (component, *digest);
    }
    for (id, digest) in digests.iter().enumerate() {
        let after = (id + 1) % 3;
        if blake3::hash(components[after]).as_bytes() != digest {
            return Err(ShareError::Inconsistent(id, after));
        }
    }
    let [a, b, c] = components.map(|bytes| decode_component(bytes, rows));
    let (mut columns, b, c) = (a?, b?, c?);
    if columns.len() != b.len() || columns.len() != c.len() {
        return Err(ShareError::Shape);
    }
    for (column, (b, c)) in columns.iter_mut().zip(b.iter().zip(&c)) {
        column.combine(b)?;
        column.combine(c)?;
    }
    Ok(columns)
}

fn decode_component(bytes: &[u8], rows: usize) -> Result<Vec<OpenedColumn>, ShareError> {
    let mut reader = Reader::new(bytes);
    let mut columns = Vec::new();
    while reader.end().is_err() {
        let form = reader.u8()?;
        let width = if form == BITS || form == WIDE_MEAN { reader.u32()? as usize } else { 0 };
        reader.rows(rows)?;
        let data = match form {
            BITS => Opened::Bits(reader.planes(rows, width)?),
            RING => Opened::Ring(reader.words(rows as u64)?),
            MEAN => Opened::Mean { sum: reader.words(rows as u64)?, count: reader.words(rows as u64)? },
            WIDE_MEAN if width == WIDE => {
                Opened::WideMean { sum: reader.planes(rows, width)?, count: reader.words(rows as u64)? }
            }
            _ => return Err(ShareError::Unknown { what: "a form of column" }),
        };
        let valid = reader.flag()?.then(|| reader.planes(rows, 1)).transpose()?;
        columns.push(OpenedColumn { data, valid });
    }
    Ok(columns)
}

impl OpenedColumn {
    fn combine(&mut self, other: &Self) -> Result<(), ShareError> {
        match (&mut self.data, &other.data) {
            (Opened::Bits(a), Opened::Bits(b)) if a.width() == b.width() => a.xor_in(b),
            (Opened::Ring(a), Opened::Ring(b)) => add_in(a, b),
            (Opened::Mean { sum, count }, Opened::Mean { sum: other_sum, count: other_count }) => {
                add_in(sum, other_sum);
                add_in(count, other_count);
            }
            (Opened::WideMean { sum, count }, Opened::WideMean { sum: other_sum, count: other_count }) => {
                sum.xor_in(other_sum);
                add_in(count, other_count);
            }
            _ => return Err(ShareError::Shape),
        }
        match (&mut self.valid, &other.valid) {
            (Some(a), Some(b)) => a.xor_in(b),
            (None, None) => {}
            _ => return Err(ShareError::Shape),
        }
        Ok(())
    }
}

fn add_in(a: &mut [u64], b: &[u64]) {
    a.iter_mut().zip(b).for_each(|(x, y)| *x = x.wrapping_add(*y));
}

//! How a provider's columns travel to the three nodes.
//!
//! One component is, column after column, `width` planes and then the validity plane of a nullable
//! column, words little-endian. Components 0 and 1 are the keystream of a fresh 16-byte seed and travel
//! as that seed; component 2 travels whole. A node gets two components:
//!
//! ```text
//! payload   = length u64, blob of its own component, length u64, blob of its next component
//! blob      = 0x01, seed (16 bytes)  |  0x02, component
//! ```

use crate::planes::Planes;
use crate::reader::Reader;
use crate::shared::Shared;
use crate::table::ColumnShares;
use crate::{Keystream, ShareError};

const SEED: u8 = 1;
const WHOLE: u8 = 2;

/// Bytes one component of one upload may take.
const LIMIT: u64 = 1 << 34;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadColumn {
    pub width: usize,
    pub nullable: bool,
}

/// The public shape of an upload, which fixes the length of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadLayout {
    rows: usize,
    columns: Vec<UploadColumn>,
    words: usize,
}

/// One column as its provider holds it, in the clear. Missing values must be zero.
#[derive(Clone, Debug)]
pub struct UploadData {
    pub bits: Planes,
    pub valid: Option<Planes>,
}

/// One upload as one node holds it.
#[derive(Clone, Debug)]
pub struct UploadShares {
    pub columns: Vec<ColumnShares>,
    /// Digests of the components, which the nodes compare pairwise: `next` here must be the next
    /// node's `own`.
    pub digests: Shared<[u8; 32]>,
}

impl UploadLayout {
    pub fn new(rows: usize, columns: Vec<UploadColumn>) -> Result<Self, ShareError> {
        let stride = Planes::stride(rows);
        let words = columns
            .iter()
            .try_fold(0usize, |sum, column| {
                let planes = column.width.checked_add(usize::from(column.nullable))?;
                sum.checked_add(planes.checked_mul(stride)?)
            })
            .filter(|words| (*words as u64) <= LIMIT / 8)
            .ok_or(ShareError::TooLarge { limit: LIMIT })?;
        Ok(Self { rows, columns, words })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> &[UploadColumn] {
        &self.columns
    }

    fn split_columns(&self, words: &[u64]) -> Result<Vec<(Planes, Option<Planes>)>, ShareError> {
        let mut reader = Reader::new(bytemuck::cast_slice(words));
        let columns = self
            .columns
            .iter()
            .map(|column| {
                let bits = reader.planes(self.rows, column.width)?;
                let valid = column.nullable.then(|| reader.planes(self.rows, 1)).transpose()?;
                Ok((bits, valid))
            })
            .collect::<Result<_, ShareError>>()?;
        reader.end()?;
        Ok(columns)
    }
}

/// The three nodes' payloads. The seeds must be fresh random bytes and used for nothing else.
pub fn split_upload(
    layout: &UploadLayout,
    columns: &[UploadData],
    seeds: &[[u8; 16]; 2],
) -> Result<[Vec<u8>; 3], ShareError> {
    let mut words = Vec::with_capacity(layout.words);
    for (column, data) in layout.columns.iter().zip(columns) {
        let shape = (data.bits.rows(), data.bits.width(), data.valid.as_ref().map(|v| (v.rows(), v.width())));
        let wanted = (layout.rows, column.width, column.nullable.then_some((layout.rows, 1)));
        if shape != wanted {
            return Err(ShareError::Shape);
        }
        words.extend_from_slice(data.bits.words());
        words.extend(data.valid.iter().flat_map(|valid| valid.words()));
    }
    if columns.len() != layout.columns.len() {
        return Err(ShareError::Shape);
    }
    for seed in seeds {
        let mut stream = Keystream::new(seed);
        // Whole blocks at a time, so that the pieces are one keystream.
        let mut mask = [0u64; 1024];
        for piece in words.chunks_mut(mask.len()) {
            stream.fill(&mut mask[..piece.len()]);
            piece.iter_mut().zip(&mask).for_each(|(word, mask)| *word ^= mask);
        }
    }
    let seed = |k: usize| [&[SEED], seeds[k].as_slice()].concat();
    let blobs = [seed(0), seed(1), [&[WHOLE], bytemuck::cast_slice::<u64, u8>(&words)].concat()];
    Ok([payload(&blobs[0], &blobs[1]), payload(&blobs[1], &blobs[2]), payload(&blobs[2], &blobs[0])])
}

fn payload(own: &[u8], next: &[u8]) -> Vec<u8> {
    let length = |blob: &[u8]| (blob.len() as u64).to_le_bytes();
    [&length(own), own, &length(next), next].concat()
}

/// One node's shares from its payload. Allocates what the layout says, whatever the payload says.
pub fn read_upload(layout: &UploadLayout, payload: &[u8]) -> Result<UploadShares, ShareError> {
    let mut reader = Reader::new(payload);
    let own = read_component(layout, &mut reader)?;
    let next = read_component(layout, &mut reader)?;
    reader.end()?;
    let digests = Shared::new(&own, &next).map(|words| component_digest(bytemuck::cast_slice(words)));
    let own = layout.split_columns(&own)?;
    let next = layout.split_columns(&next)?;
    let columns = own.into_iter().zip(next).map(|((own, own_valid), (next, next_valid))| ColumnShares {
        bits: Shared::new(own, next).into(),
        valid: own_valid.zip(next_valid).map(|(own, next)| Shared::new(own, next)),
        ..ColumnShares::default()
    });
    Ok(UploadShares { columns: columns.collect(), digests })
}

fn read_component(layout: &UploadLayout, reader: &mut Reader) -> Result<Vec<u64>, ShareError> {
    let length = reader.u64()?;
    let mut blob = Reader::new(reader.take(length)?);
    let words = match blob.u8()? {
        SEED => Keystream::new(&blob.array()?).words(layout.words),
        WHOLE => blob.words(layout.words as u64)?,
        _ => return Err(ShareError::Unknown { what: "a form of upload" }),
    };
    blob.end()?;
    Ok(words)
}

/// BLAKE3 of the bytes of a whole component.
pub fn component_digest(bytes: &[u8]) -> [u8; 32] {
    blake3::hash(bytes).into()
}

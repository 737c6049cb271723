//! How values are held: bit planes, ring columns, and replicated shares of either.
//!
//! A secret is split into three components; party `i` holds components `i` and `i + 1` (mod 3), so
//! any two parties together hold all three and no one alone learns anything. Bits are split by XOR,
//! ring elements by addition. This crate knows no network, no protocol and no table semantics.

mod bits;
mod keystream;
mod local;
mod opened;
mod planes;
mod reader;
mod ring;
mod rows;
mod segment;
mod shared;
mod simd;
mod split;
mod table;
mod transpose;
mod upload;

pub use keystream::Keystream;
pub use opened::{Opened, OpenedColumn, combine_opened, encode_component, opened_answer};
pub use planes::Planes;
pub use ring::{Group, Ring, Xor};
pub use rows::Rows;
pub use segment::{decode_segment, encode_segment};
pub use shared::{Shared, Side};
pub use simd::{mapped, vectorised, zip_in, zipped};
pub use split::{reconstruct_planes, reconstruct_ring, shares_for, split_planes, split_ring};
pub use table::{ColumnShares, TableShares};
pub use transpose::{Tile, planes_to_rows, rows_to_planes};
pub use upload::{
    UploadColumn, UploadData, UploadLayout, UploadShares, component_digest, read_upload, split_upload,
};

use thiserror::Error;

// Every codec and every message is a cast between words and bytes.
const _: () = assert!(cfg!(target_endian = "little"), "the engine runs on little-endian machines");

/// What is wrong with bytes that should have been shares. None of these says anything about a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShareError {
    #[error("the shares end after {have} of {need} bytes")]
    Short { need: u64, have: u64 },
    #[error("there are {extra} bytes after the end of the shares")]
    Trailing { extra: u64 },
    #[error("the shares say {what}, which this version does not know")]
    Unknown { what: &'static str },
    #[error("the shares are for {got} rows, expected {expected}")]
    Rows { expected: u64, got: u64 },
    #[error("the shares would take more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("a column has no shares in the form that was asked for")]
    Missing,
    #[error("servers {0} and {1} gave different copies of the same shares")]
    Inconsistent(usize, usize),
    #[error("the servers describe their shares differently")]
    Shape,
}

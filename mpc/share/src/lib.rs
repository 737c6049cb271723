//! How values are held: bit planes, ring columns, and replicated shares of either.
//!
//! A secret is split into three components; party `i` holds components `i` and `i + 1` (mod 3), so
//! any two parties together hold all three and no one alone learns anything. Bits are split by XOR,
//! ring elements by addition. This crate knows no network, no protocol and no table semantics.

mod planes;
mod ring;
mod rows;
mod shared;
mod table;

pub use planes::Planes;
pub use ring::Ring;
pub use rows::Rows;
pub use shared::Shared;
pub use table::{ColumnShares, TableShares};

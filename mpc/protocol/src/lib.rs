//! Multiply, compare, convert, shuffle, sort, open: three parties on whole columns of shares.
//!
//! Replicated secret sharing with an honest majority (Araki et al., CCS 2016): party `i` holds
//! components `i` and `i + 1` of three. Every protocol is a blocking function over a [`Party`] and whole
//! columns; all three parties must call the same functions in the same order with columns of the same
//! shape. Each states its source, its rounds, its bits per row and party, and what it opens.
//!
//! Costs in bits per row are sent by each party on average; planes travel in words of 64 rows.

mod arithmetic;
mod blocks;
mod compare;
mod convert;
pub mod fixed;
mod functions;
mod logic;
mod normalise;
mod open;
mod party;
mod pass;
mod permutation;
mod pieces;
mod place;
mod quicksort;
mod radix;
mod randomness;
mod rank;
mod shuffle;
mod sort;
mod total;
mod truncate;

pub use arithmetic::{Column, dot, multiply, sum_of_products};
pub use blocks::Block;
pub use compare::{equal, equal_public, greater_public, less_than, less_than_public};
pub use convert::{add, add_public, bits_to_ring, planes_to_ring, ring_to_planes};
pub use logic::{all_ones, and, any_one, mux, not, or};
pub use open::{open_bit, open_planes, open_ring, rerandomize_planes, rerandomize_ring};
pub use party::{Costs, Party};
pub use permutation::Permutation;
pub use place::{Placement, place};
pub use quicksort::quicksort;
pub use radix::radix_sort;
pub use randomness::{Context, PairKeys};
pub use shuffle::Shuffle;
pub use sort::{sort, sort_carrying};
pub use total::sum_rows;
pub use truncate::shift_right;

use thiserror::Error;
use vdl_transport::TransportError;

/// Why a protocol stopped. None of these says anything about a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Somebody deviates: never to be retried as if the network had failed.
    #[error("two servers hold different copies of what was to be opened at `{step}`")]
    Inconsistent { step: &'static str },
    #[error("the ranks opened at `{step}` are not an order of the rows")]
    NotAnOrder { step: &'static str },
    #[error("columns of different shape meet at `{step}`")]
    Shape { step: &'static str },
    #[error("the public bounds at `{step}` fit no ring")]
    Bounds { step: &'static str },
    #[error("{rows} rows are more than can be moved")]
    TooManyRows { rows: usize },
}

pub type Result<T> = std::result::Result<T, ProtocolError>;

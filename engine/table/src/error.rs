//! Why a plan could not be carried out.

use thiserror::Error;
use vdl_protocol::ProtocolError;

/// Says what is known to all three nodes anyway, never a value.
#[derive(Debug, Error)]
pub enum TableError {
    #[error("fewer than {threshold} rows: nothing was computed")]
    TooFewRows { threshold: u64 },
    #[error("the key of the merge is not unique where it must be")]
    KeyNotUnique,
    #[error("the result of the merge would have {rows} rows, more than the {limit} that are allowed")]
    ResultTooLarge { rows: u64, limit: u64 },
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Shares that do not fit their schema: damaged storage, or a bug.
    #[error("the shares of the table do not fit its schema: {0}")]
    Shape(&'static str),
}

impl TableError {
    /// The stable code under which docs/errors.md explains it; `None` leaves it to the protocol's error.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::TooFewRows { .. } => Some("too_few_rows"),
            Self::KeyNotUnique => Some("key_not_unique"),
            Self::ResultTooLarge { .. } => Some("result_too_large"),
            Self::Protocol(_) => None,
            Self::Shape(_) => Some("damaged_table"),
        }
    }

    /// What to do next, where there is something to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::TooFewRows { .. } => Some("choose a condition that more rows meet"),
            Self::KeyNotUnique => {
                Some("merge on columns that identify a row, or group by them first; see `validate`")
            }
            Self::ResultTooLarge { .. } => {
                Some("merge on columns that tell rows apart better, or filter before merging")
            }
            Self::Protocol(_) => None,
            Self::Shape(_) => Some("upload or compute the table again"),
        }
    }
}

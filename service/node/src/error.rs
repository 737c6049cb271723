//! What can keep a node from starting or from going on.

use thiserror::Error;
use vdl_authorize::Refusal;
use vdl_store::StoreError;

/// Errors of the node itself; what a request gets is an `ErrorAnswer`.
#[derive(Debug, Error)]
pub enum NodeError {
    #[error("{0}")]
    Certificate(String),
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    Link(String),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Authority(#[from] Refusal),
}

impl NodeError {
    /// Whatever keeps a measurement from being finished.
    pub(crate) fn bench(error: impl std::fmt::Display) -> Self {
        Self::Link(error.to_string())
    }
}

impl From<vdl_transport::TransportError> for NodeError {
    fn from(error: vdl_transport::TransportError) -> Self {
        Self::Link(error.to_string())
    }
}

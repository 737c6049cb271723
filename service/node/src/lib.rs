//! One of the three servers.
mod error;
pub mod net;
pub use error::NodeError;

//! What a data provider or analyst holds: a session with three servers.
//!
//! Splitting into shares and putting results together happen here and nowhere else; scripts are
//! recorded and followed here, and commands are signed with the analyst's key.

mod approval;
mod column;
mod combine;
mod compare;
mod connection;
mod endpoint;
mod error;
mod fanout;
mod https;
mod identify;
mod keys;
mod links;
mod publish;
mod random;
mod reply;
mod report;
mod script;
mod sealed;
mod session;
mod split;

pub use column::{ClearColumn, ClearValues, OpenedColumn, OpenedValues, derive_type, widen_type};
pub use compare::compare_scripts;
pub use connection::{Connection, Server};
pub use endpoint::{CallError, Endpoint};
pub use error::ClientError;
pub use https::HttpsEndpoint;
pub use keys::generate_key;
pub use publish::{policies, publish};
pub use reply::{Reply, describe};
pub use report::Mismatched;
pub use sealed::SealedEndpoint;
pub use session::{Call, ScriptState, Session};
/// What speaks with the client needs these words of the contract, and no others.
pub use vdl_command::{JobId, Mode, Route};

/// Reads a type as users write it; the canonical form is its `Display`.
pub fn parse_type(text: &str) -> Result<vdl_command::ColumnType, ClientError> {
    text.parse().map_err(|error: vdl_command::TypeError| ClientError::Type(error.to_string()))
}

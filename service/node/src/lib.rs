//! One of the three servers: receive, authorize, plan, run, keep, answer.
//!
//! [`Node`] answers requests and knows no sockets; [`net`] carries frames between nodes, over TLS or
//! within one process; [`server`] puts a node behind HTTPS; [`cluster`] makes three of them that know
//! each other; [`embedded`] is all three in this process; [`bench`] measures them.

mod agreement;
mod authority;
pub mod bench;
pub mod cluster;
pub mod config;
pub mod embedded;
mod error;
mod held;
mod https;
mod inquiry;
mod job;
pub mod net;
mod node;
mod refusal;
mod refused;
mod rules;
mod sealed;
pub mod server;
mod settle;
mod shelf;
mod standing;
mod start;
mod witness;

pub use error::NodeError;
pub use node::{Node, NodeConfig};

#[cfg(test)]
mod tests;

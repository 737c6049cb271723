//! The language: what may be asked of the three servers.
//!
//! A [`Command`] is recorded, shown to approvers, signed and sent; there is no second vocabulary.
//! This crate decides nothing, touches no disk, clock or network, and depends on nothing of ours.

mod command;
pub mod encoding;
mod expression;
mod handle;
mod script;
mod slot;
mod types;
mod wire;

pub use command::{Aggregate, Aggregation, Command, How, NamedExpression, Projection, SortKey, TableRef, Validate};
pub use expression::{BinaryOp, Expression, Integer};
pub use handle::{Digest, Handle, JobId, Nonce};
pub use script::{Script, Step, SCRIPT_FORMAT};
pub use slot::{HoleName, Slot};
pub use types::{ColumnType, ColumnMeta, Kind, TypeError};
pub use wire::{Answer, Authority, CloseRun, ErrorAnswer, Info, Mode, Opened, Outcome, Progress, Request, Route, StartedRun, TableMeta};

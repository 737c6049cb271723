//! What a command means for tables of a known shape: a typed plan, the same on all three nodes.
//!
//! Pure: command and public schemas in, [`Plan`] or a reason out. Bounds are followed through every
//! expression, results widen by themselves, and what could leave 64 bits (96 in totals) is refused here,
//! before anything is computed. The nodes compare [`Plan::digest`] and stop if they differ.
//!
//! Missing values: a comparison with one is false, arithmetic with one is missing, `&`, `|` and `^`
//! take a missing truth value for false, a filter drops the row. Sum, mean, min and max skip them.

mod bounds;
mod error;
mod expression;
mod kinds;
mod merge;
mod names;
mod operation;
mod plan;
mod rounding;
mod rules;
mod sorted;

pub use vdl_command;

pub use bounds::{Bounds, narrow};
pub use error::PlanError;
pub use expression::{Comparison, Constant, Node, Typed};
pub use kinds::{common_kind, span};
pub use operation::{
    Assigned, Input, KeyPair, MergeSource, Operation, Ordering, Plan, PlanOutput, Reduction,
};
pub use plan::plan;
pub use rounding::Rounding;
pub use rules::{Added, Check};

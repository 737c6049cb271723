//! What the three parties do with tables of shares: filter, merge, group, sort, aggregate.
//!
//! Columns are processed whole. A table may carry rows that no longer belong to it (a filter moves
//! nothing); every operation masks them. Missing values are zero in every form, through every step.
//! Which path is taken depends on the plan and public row counts only. Each operation says what it
//! opens; row counts of results are public, as everywhere in this product. Before anything is opened, as many
//! original rows must be behind it as their providers ask.

mod aggregate;
mod carry;
mod check;
mod column;
mod compare;
mod concat;
mod distinct;
mod error;
mod expand;
mod expression;
mod filter;
mod group;
mod large;
mod merge;
mod moving;
mod rounding;
mod run;
mod segment;
mod sort;
mod steps;
mod text;

pub use error::TableError;
pub use run::{Outcome, run};

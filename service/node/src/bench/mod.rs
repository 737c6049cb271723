//! `vdl bench`: what the protocols take between three processes on this machine, over the links that nodes
//! use, beside what moving their bytes alone would take.
//!
//! Inputs are made up and known to all three, so nothing here is secret and every result is opened and
//! compared with the same computation in the clear, outside the measured time.

mod data;
mod made;
mod memory;
mod party;
mod report;
mod run;
mod workloads;

#[cfg(test)]
mod tests;

pub use party::serve;
pub use report::{Row, write};
pub use run::{Options, run};

/// The names of all workloads.
pub fn names() -> impl Iterator<Item = &'static str> {
    workloads::WORKLOADS.iter().map(|workload| workload.name)
}

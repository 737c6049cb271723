//! What one server keeps: the catalogue of its tables, their shares, and the journal of runs.
//!
//! The catalogue and the journal are one embedded transactional database. Shares are segment files,
//! one per column, whose digests stand in the catalogue: a file is written, synced and renamed, the
//! folder is synced, and only then is the row committed that makes it count. Whatever is found
//! without a row when the store opens never happened.

mod catalogue;
mod disk;
mod error;
mod journal;
mod soon;

pub use catalogue::{State, Store};
pub use disk::{Disk, DiskError, Folder, Memory};
pub use error::StoreError;
pub use journal::{KeptRun, RunKey, Started};

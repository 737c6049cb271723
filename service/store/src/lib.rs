//! What one server keeps: the catalogue of its tables, their shares, the journal of runs, the policies and
//! revocations it goes by, and its audit log.
//!
//! The catalogue and the journal are one embedded transactional database. Shares are segment files,
//! one per column, whose digests stand in the catalogue: a file is written, synced and renamed, the
//! folder is synced, and only then is the row committed that makes it count. Whatever is found
//! without a row when the store opens never happened. The audit log is a file of lines beside them, so
//! that an auditor can read it while the server runs; it is synced before the database is.

mod catalogue;
mod disk;
mod error;
mod journal;
mod rules;
mod soon;
mod tape;
mod terms;

pub use catalogue::{State, Store};
pub use disk::{Disk, DiskError, Folder, Memory};
pub use error::StoreError;
pub use journal::{KeptRun, RunKey, Started};
pub use tape::{FileTape, MemoryTape, Tape};

//! What can go wrong while keeping things.

use std::io;

use thiserror::Error;
use vdl_command::Handle;

/// None of these contains a value; all name the table or the file.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("no stored table {0}")]
    Unknown(Handle),
    #[error("the stored shares of table {0} are damaged; restore this server's folder from a backup")]
    Damaged(Handle),
    #[error("the folder is in use by another process")]
    InUse,
    #[error("{what} failed: {source}")]
    Disk { what: String, source: io::Error },
    /// What reached the disk is unknown from here on: the process must end and read it anew.
    #[error("the disk did not confirm a write: {0}")]
    NotDurable(String),
    #[error("the catalogue cannot be used: {0}")]
    Catalogue(String),
    #[error("all {limit} approved runs are used")]
    RunsUsedUp { limit: u64 },
    #[error("all {limit} approved commands are used")]
    UsesUsedUp { limit: u64 },
    #[error("the name `{name}` stood for another table when it was first used")]
    Rebound { name: String },
}

impl StoreError {
    /// Whether the process must end: going on would build on writes that may not exist.
    pub fn is_fatal(&self) -> bool {
        matches!(self, StoreError::NotDurable(_))
    }

    /// The stable code of docs/errors.md.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Unknown(_) => "unknown_table",
            StoreError::Damaged(_) => "damaged_table",
            StoreError::InUse => "folder_in_use",
            StoreError::RunsUsedUp { .. } => "runs_used_up",
            StoreError::UsesUsedUp { .. } => "uses_used_up",
            StoreError::Rebound { .. } => "name_rebound",
            StoreError::Disk { .. } | StoreError::NotDurable(_) | StoreError::Catalogue(_) => {
                "storage_failed"
            }
        }
    }
}

/// Reading or opening: the catalogue is as it was.
pub(crate) fn reading(error: impl std::fmt::Display) -> StoreError {
    StoreError::Catalogue(error.to_string())
}

/// Committing: nobody knows what is on the disk now.
pub(crate) fn committing(error: impl std::fmt::Display) -> StoreError {
    StoreError::NotDurable(error.to_string())
}

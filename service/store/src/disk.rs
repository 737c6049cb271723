//! The few things a store asks of a disk, and a disk in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

/// Files in one folder. Tests put a disk here that fails at a chosen call.
pub trait Disk: Send + Sync {
    /// Writes a new file and makes its content durable.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError>;
    /// Replaces `to`; durable only once the folder is synced.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn sync_folder(&self) -> Result<(), DiskError>;
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    fn remove(&self, name: &str) -> io::Result<()>;
    fn list(&self) -> io::Result<Vec<String>>;
}

/// A failed sync is another matter than a failed write: it leaves unknown what is on the disk.
#[derive(Debug, Error)]
pub enum DiskError {
    #[error("{0}")]
    Write(#[from] io::Error),
    #[error("{0}")]
    Sync(io::Error),
}

/// A folder of the file system.
pub struct Folder(PathBuf);

impl Folder {
    pub fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Disk for Folder {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let mut file = File::create(self.0.join(name))?;
        file.write_all(bytes)?;
        file.sync_all().map_err(DiskError::Sync)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn sync_folder(&self) -> Result<(), DiskError> {
        File::open(&self.0)?.sync_all().map_err(DiskError::Sync)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.0)?
            .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}

/// For the embedded engine, which forgets everything when its process ends.
#[derive(Default)]
pub struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for Memory {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.files().insert(name.to_owned(), bytes.to_owned());
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let bytes = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn sync_folder(&self) -> Result<(), DiskError> {
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.files().get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files().remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files().keys().cloned().collect())
    }
}

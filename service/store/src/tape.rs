//! The audit log's ground: a file that only grows at its end. The store knows its lines as bytes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::catalogue::Store;
use crate::disk::DiskError;
use crate::error::StoreError;

/// Bytes one behind the other.
pub trait Tape: Send + Sync {
    /// Bytes that are there.
    fn length(&self) -> io::Result<u64>;
    /// The last bytes, at most so many.
    fn end(&self, most: u64) -> io::Result<Vec<u8>>;
    /// Bytes from one on, at most so many; none where it ends before.
    fn read(&self, from: u64, most: u64) -> io::Result<Vec<u8>>;
    /// All of them or none; durable once synced.
    fn append(&self, bytes: &[u8]) -> Result<(), DiskError>;
    fn sync(&self) -> io::Result<()>;
    /// Takes so many of the last bytes away.
    fn cut(&self, bytes: u64) -> Result<(), DiskError>;
}

/// A file that others may read while it grows.
pub struct FileTape(File);

impl FileTape {
    /// Opens `audit.log` in a folder, or makes it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(folder.join("audit.log"))?;
        File::open(folder)?.sync_all()?;
        Ok(Self(file))
    }
}

impl Tape for FileTape {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn end(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut file = &self.0;
        let length = self.length()?;
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read(&self, from: u64, most: u64) -> io::Result<Vec<u8>> {
        // Without moving the place at which others read.
        let left = self.length()?.saturating_sub(from).min(most);
        let mut bytes = vec![0; usize::try_from(left).unwrap_or(usize::MAX)];
        self.0.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    }

    fn append(&self, bytes: &[u8]) -> Result<(), DiskError> {
        let mut file = &self.0;
        let before = self.length()?;
        // On a full disk half of it may be there. If that stays, nobody can tell what follows it.
        file.write_all(bytes).map_err(|error| match file.set_len(before) {
            Ok(()) => DiskError::Write(error),
            Err(stuck) => DiskError::Sync(stuck),
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn cut(&self, bytes: u64) -> Result<(), DiskError> {
        let length = self.length()?;
        self.0.set_len(length.saturating_sub(bytes))?;
        self.0.sync_all().map_err(DiskError::Sync)
    }
}

/// For a store that ends with its process.
#[derive(Default)]
pub struct MemoryTape(Mutex<Vec<u8>>);

impl MemoryTape {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tape for MemoryTape {
    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes().len() as u64)
    }

    fn end(&self, most: u64) -> io::Result<Vec<u8>> {
        let (bytes, most) = (self.bytes(), usize::try_from(most).unwrap_or(usize::MAX));
        Ok(bytes.iter().skip(bytes.len().saturating_sub(most)).copied().collect())
    }

    fn read(&self, from: u64, most: u64) -> io::Result<Vec<u8>> {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        Ok(self.bytes().iter().skip(place(from)).take(place(most)).copied().collect())
    }

    fn append(&self, bytes: &[u8]) -> Result<(), DiskError> {
        self.bytes().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&self, bytes: u64) -> Result<(), DiskError> {
        let mut all = self.bytes();
        let left = (all.len() as u64).saturating_sub(bytes);
        all.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(())
    }
}

/// The tape of a store, and how much of it is durable.
pub(crate) struct Log {
    tape: Box<dyn Tape>,
    /// Lines; held while one is appended, so that whoever sees a line finds it counted.
    appended: Mutex<u64>,
    synced: Mutex<u64>,
}

impl Log {
    pub fn new(tape: Box<dyn Tape>) -> Self {
        Self { tape, appended: Mutex::new(0), synced: Mutex::new(0) }
    }

    fn appended(&self) -> MutexGuard<'_, u64> {
        self.appended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes durable what was appended before this call.
    pub fn sync(&self) -> Result<(), StoreError> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        let appended = *self.appended();
        if *synced < appended {
            self.tape.sync().map_err(|error| failed("syncing", DiskError::Sync(error)))?;
            *synced = appended;
        }
        Ok(())
    }
}

impl Store {
    /// The end of the audit log, at most so many bytes.
    pub fn log_end(&self, most: u64) -> Result<Vec<u8>, StoreError> {
        self.log.tape.end(most).map_err(|error| failed("reading", DiskError::Write(error)))
    }

    /// The audit log from a byte on, at most so many. Durable after [`Store::flush`]. However long reading
    /// takes, lines are appended meanwhile: those that were whole when it began stay as they are.
    pub fn log_part(&self, from: u64, most: u64) -> Result<Vec<u8>, StoreError> {
        let unread = |error| failed("reading", DiskError::Write(error));
        let end = {
            let _whole_lines = self.log.appended();
            self.log.tape.length().map_err(unread)?
        };
        self.log.tape.read(from, most.min(end.saturating_sub(from))).map_err(unread)
    }

    /// Appends to the audit log: durable after [`Store::flush`], and before any later durable write.
    pub fn append_log(&self, line: &[u8]) -> Result<(), StoreError> {
        let mut appended = self.log.appended();
        self.log.tape.append(line).map_err(|error| failed("writing", error))?;
        *appended += 1;
        Ok(())
    }

    /// Takes the last bytes of the audit log away: what a crash left of an unfinished line.
    pub fn cut_log(&self, bytes: u64) -> Result<(), StoreError> {
        self.log.tape.cut(bytes).map_err(|error| failed("cutting", error))
    }
}

fn failed(doing: &str, error: DiskError) -> StoreError {
    match error {
        DiskError::Write(source) => StoreError::Disk { what: format!("{doing} the audit log"), source },
        DiskError::Sync(error) => StoreError::NotDurable(format!("the audit log: {error}")),
    }
}

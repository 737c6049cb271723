//! A machine that dies after so many calls, and what is left of it then.

#![allow(dead_code, clippy::unwrap_used)]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;
use vdl_store::{Disk, DiskError, Store, StoreError, Tape};

/// The machine below a store: after so many calls it is dead, and stays so until it is restarted.
#[derive(Clone, Default)]
pub struct Machine {
    left: Arc<AtomicUsize>,
    files: Arc<Mutex<Files>>,
    database: Arc<Mutex<Cells>>,
    log: Arc<Mutex<Cells>>,
    meanwhile: Arc<Mutex<Option<Happening>>>,
}

type Happening = Box<dyn FnOnce() + Send>;

/// A file that changes in place.
#[derive(Default)]
struct Cells {
    now: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Default)]
struct Files {
    now: std::collections::BTreeMap<String, Vec<u8>>,
    /// What a loss of power leaves: the folder as it was when it was last synced.
    synced: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Machine {
    fn step(&self) -> io::Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| io::Error::other("the power is off"))
    }

    pub fn alive_for(&self, calls: usize) {
        self.left.store(calls, Ordering::SeqCst);
    }

    /// What happens the next time that the log has been changed or synced and its caller does not know yet.
    pub fn meanwhile(&self, happens: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(happens));
    }

    fn let_it_happen(&self) {
        let happens = self.meanwhile.lock().unwrap().take();
        if let Some(happens) = happens {
            happens();
        }
    }

    /// What of the log is on the disk.
    pub fn synced_log(&self) -> Vec<u8> {
        self.log.lock().unwrap().synced.clone()
    }

    /// Starts again, with or without what had not been synced.
    pub fn restart(&self, power_lost: bool) -> Store {
        self.alive_for(usize::MAX);
        if power_lost {
            let mut files = self.files.lock().unwrap();
            files.now = files.synced.clone();
            for file in [&self.database, &self.log] {
                let cells = &mut *file.lock().unwrap();
                cells.now.clone_from(&cells.synced);
            }
        }
        self.open().unwrap()
    }

    pub fn open(&self) -> Result<Store, StoreError> {
        Store::with(Backend(self.clone()), Box::new(self.clone()), Box::new(self.clone()))
    }
}

impl Disk for Machine {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        // Killed in the middle of a write: half of it is there.
        if let Err(error) = self.step() {
            self.files.lock().unwrap().now.insert(name.into(), bytes[..bytes.len() / 2].to_vec());
            return Err(error.into());
        }
        self.files.lock().unwrap().now.insert(name.into(), bytes.to_vec());
        self.step().map_err(DiskError::Sync)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        let mut files = self.files.lock().unwrap();
        let bytes = files.now.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.now.insert(to.into(), bytes);
        Ok(())
    }

    fn sync_folder(&self) -> Result<(), DiskError> {
        self.step().map_err(DiskError::Sync)?;
        let mut files = self.files.lock().unwrap();
        files.synced = files.now.clone();
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.step()?;
        self.files.lock().unwrap().now.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        self.files.lock().unwrap().now.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.step()?;
        Ok(self.files.lock().unwrap().now.keys().cloned().collect())
    }
}

impl Tape for Machine {
    fn length(&self) -> io::Result<u64> {
        self.step()?;
        Ok(self.log.lock().unwrap().now.len() as u64)
    }

    fn end(&self, most: u64) -> io::Result<Vec<u8>> {
        self.step()?;
        let log = self.log.lock().unwrap();
        Ok(log.now.iter().skip(log.now.len().saturating_sub(most as usize)).copied().collect())
    }

    fn read(&self, from: u64, most: u64) -> io::Result<Vec<u8>> {
        self.step()?;
        Ok(self.log.lock().unwrap().now.iter().skip(from as usize).take(most as usize).copied().collect())
    }

    fn append(&self, bytes: &[u8]) -> Result<(), DiskError> {
        // Killed in the middle: half of the line is there.
        if let Err(error) = self.step() {
            self.log.lock().unwrap().now.extend_from_slice(&bytes[..bytes.len() / 2]);
            return Err(error.into());
        }
        self.log.lock().unwrap().now.extend_from_slice(bytes);
        self.let_it_happen();
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.step()?;
        {
            let log = &mut *self.log.lock().unwrap();
            log.synced.clone_from(&log.now);
        }
        self.let_it_happen();
        Ok(())
    }

    fn cut(&self, bytes: u64) -> Result<(), DiskError> {
        self.step()?;
        let mut log = self.log.lock().unwrap();
        let left = log.now.len() - bytes as usize;
        log.now.truncate(left);
        Ok(())
    }
}

/// The database's file on the same machine.
struct Backend(Machine);

impl Backend {
    fn cells(&self) -> MutexGuard<'_, Cells> {
        self.0.database.lock().unwrap()
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Backend")
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.cells().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (cells, start) = (self.cells(), offset as usize);
        out.copy_from_slice(cells.now.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.step()?;
        self.cells().now.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.step()?;
        let cells = &mut *self.cells();
        cells.synced.clone_from(&cells.now);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.step()?;
        let (mut cells, start) = (self.cells(), offset as usize);
        cells.now[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

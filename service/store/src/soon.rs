//! Transactions: durable at once, or soon and together with others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use redb::{Durability, WriteTransaction};

use crate::catalogue::Store;
use crate::error::{StoreError, committing, reading};

/// How many writes were made that are not durable by themselves, and how many of them are by now.
#[derive(Default)]
pub(crate) struct Soon {
    written: AtomicU64,
    durable: AtomicU64,
    /// Held while writing out, so that whoever comes meanwhile finds it done.
    flushing: Mutex<()>,
}

/// Writes that may wait to be made durable; the next one takes them along.
const MOST_WAITING: u64 = 256;

impl Store {
    /// One durable transaction, and with it all that was written soon before it. In two phases: the
    /// default trusts a checksum that an attacker could steer. The log is synced once nobody else can write:
    /// whatever becomes durable here has its line on the disk.
    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut transaction = self.database.begin_write().map_err(reading)?;
        transaction.set_two_phase_commit(true);
        let before = self.soon.written.load(Ordering::Acquire);
        self.log.sync()?;
        let changed = change(&transaction)?;
        transaction.commit().map_err(committing)?;
        self.soon.durable.fetch_max(before, Ordering::AcqRel);
        Ok(changed)
    }

    /// One transaction that counts at once and is durable after the next [`Store::flush`] or durable
    /// write. A crash before that takes it away whole, and with it whatever was written after it.
    pub(crate) fn write_soon(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.waiting() >= MOST_WAITING {
            return self.write(change);
        }
        let mut transaction = self.database.begin_write().map_err(reading)?;
        transaction.set_durability(Durability::None).map_err(reading)?;
        change(&transaction)?;
        transaction.commit().map_err(committing)?;
        self.soon.written.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Makes durable what was written soon or logged before this call. Other writers wait meanwhile.
    pub fn flush(&self) -> Result<(), StoreError> {
        let _flushing = self.soon.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.waiting() {
            0 => self.log.sync(),
            _ => self.write(|_| Ok(())),
        }
    }

    fn waiting(&self) -> u64 {
        let durable = self.soon.durable.load(Ordering::Acquire);
        self.soon.written.load(Ordering::Acquire).saturating_sub(durable)
    }
}

impl Drop for Store {
    /// In order, nothing waits any more. A failure here is no worse than a crash, which is provided for.
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

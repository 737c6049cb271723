//! The tables in memory, up to a budget. Stored ones come back from the disk when they are needed;
//! computed ones that had to make room are gone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vdl_command::{ErrorAnswer, Handle, TableMeta};
use vdl_store::Store;

use crate::held::Held;
use crate::refusal::{Remedy, from_store, refuse};

pub(crate) struct Shelf {
    budget: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    tables: HashMap<Handle, Place>,
    clock: u64,
    bytes: usize,
    /// Computed tables that had to go, the oldest first.
    gone: VecDeque<Handle>,
}

struct Place {
    held: Arc<Mutex<Held>>,
    bytes: usize,
    stored: bool,
    used: u64,
}

const MOST_GONE: usize = 10_000;

impl Shelf {
    pub fn new(budget: usize) -> Self {
        Self { budget, inside: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A table by its handle, read from the store if it is not in memory.
    pub fn get(&self, handle: Handle, store: &Store) -> Result<Arc<Mutex<Held>>, ErrorAnswer> {
        {
            let mut inside = self.lock();
            inside.clock += 1;
            let clock = inside.clock;
            if let Some(place) = inside.tables.get_mut(&handle) {
                place.used = clock;
                return Ok(place.held.clone());
            }
            if inside.gone.contains(&handle) {
                return Err(refuse("evicted_table", format!("the computed table {handle} had to make room"))
                    .remedy("compute it again, or save() tables that must stay"));
            }
        }
        let meta = store.table(handle).map_err(from_store)?.ok_or_else(|| {
            refuse("unknown_table", format!("there is no table {handle}"))
                .remedy("check the handle; computed tables end with the servers unless save()d")
        })?;
        let shares = store.load(handle).map_err(from_store)?;
        Ok(self.insert(Held::new(meta, shares), true)?.1)
    }

    /// A table's public description, without reading its shares.
    pub fn describe(&self, handle: Handle, store: &Store) -> Result<TableMeta, ErrorAnswer> {
        // The store knows best whether a name is still a table's own.
        match store.table(handle).map_err(from_store)? {
            Some(meta) => Ok(meta),
            None => {
                let held = self.get(handle, store)?;
                let held = held.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(held.meta.clone())
            }
        }
    }

    /// Puts a table into memory; others make room for it.
    pub fn insert(&self, held: Held, stored: bool) -> Result<(TableMeta, Arc<Mutex<Held>>), ErrorAnswer> {
        let (bytes, meta) = (held.bytes(), held.meta.clone());
        let mut inside = self.lock();
        if !inside.make_room(bytes, self.budget) {
            return Err(refuse("memory_full", "the servers have no memory left for this table")
                .remedy("remove() tables that are not needed any more"));
        }
        inside.clock += 1;
        inside.bytes += bytes;
        let held = Arc::new(Mutex::new(held));
        let place = Place { held: held.clone(), bytes, stored, used: inside.clock };
        if let Some(before) = inside.tables.insert(meta.handle, place) {
            inside.bytes -= before.bytes;
        }
        Ok((meta, held))
    }

    /// Counts a table's memory anew after a job has used it, and whether it is stored now.
    pub fn recount(&self, handle: Handle, bytes: usize, stored: bool) {
        let mut inside = self.lock();
        if let Some(place) = inside.tables.get_mut(&handle) {
            place.stored |= stored;
            let before = std::mem::replace(&mut place.bytes, bytes);
            inside.bytes = inside.bytes - before + bytes;
        }
        inside.make_room(0, self.budget);
    }

    /// Forgets a table.
    pub fn remove(&self, handle: Handle) {
        let mut inside = self.lock();
        if let Some(place) = inside.tables.remove(&handle) {
            inside.bytes -= place.bytes;
        }
    }
}

impl Inside {
    /// Lets go of what was not used for longest, of stored tables first; never of one in use.
    fn make_room(&mut self, bytes: usize, budget: usize) -> bool {
        while self.bytes.saturating_add(bytes) > budget {
            let idle = self.tables.iter().filter(|(_, place)| Arc::strong_count(&place.held) == 1);
            let least = idle.min_by_key(|(_, place)| (!place.stored, place.used)).map(|(handle, _)| *handle);
            let Some(handle) = least else { return bytes == 0 };
            if let Some(place) = self.tables.remove(&handle) {
                self.bytes -= place.bytes;
                if !place.stored {
                    self.gone.push_back(handle);
                }
            }
            if self.gone.len() > MOST_GONE {
                self.gone.pop_front();
            }
        }
        true
    }
}

//! Tables: prepared, then live, at last leaving; and the names they go by.

use std::fs;
use std::path::Path;

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use serde::{Deserialize, Serialize};
use vdl_command::{Digest, Handle, TableMeta};
use vdl_share::{ColumnShares, TableShares, decode_segment, encode_segment};

use crate::disk::{Disk, DiskError, Folder, Memory};
use crate::error::{StoreError, reading};
use crate::soon::Soon;
use crate::tape::{FileTape, Log, MemoryTape, Tape};
use crate::{journal, rules, terms};

const TABLES: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("tables");
const NAMES: TableDefinition<&str, &[u8; 32]> = TableDefinition::new("names");
/// How often a name was given to another table.
const MOVES: TableDefinition<&str, u64> = TableDefinition::new("moves of names");

/// Where a table stands between the three servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Durable here; counts once all three servers have said so.
    Pending,
    Live,
    /// To be removed once all three servers are ready to.
    Leaving,
}

/// One row of the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    state: State,
    meta: TableMeta,
    /// Physical rows; more than the table has where a filter left some behind.
    held: u64,
    /// Digests of the column segments, in order.
    columns: Vec<Digest>,
    selected: Option<Digest>,
    /// How often its name had moved when it was prepared under it, or got it. If it has moved since, another
    /// table has a better claim.
    #[serde(default)]
    moves: u64,
}

/// Everything one server keeps. All calls block; all may come from any thread.
pub struct Store {
    pub(crate) database: Database,
    disk: Box<dyn Disk>,
    pub(crate) soon: Soon,
    pub(crate) log: Log,
}

fn database(path: &Path) -> Result<Database, StoreError> {
    Database::create(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse,
        other => reading(other),
    })
}

impl Store {
    /// Opens or makes the store in `folder`.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Disk { what: format!("opening {}", folder.display()), source };
        let disk = Folder::open(folder.join("segments")).map_err(failed)?;
        let catalogue = folder.join("catalogue.redb");
        if !catalogue.exists() {
            // Made under another name first: whoever dies while making it leaves no half of it behind.
            let unfinished = folder.join("catalogue.new");
            if unfinished.exists() {
                fs::remove_file(&unfinished).map_err(failed)?;
            }
            drop(database(&unfinished)?);
            fs::rename(&unfinished, &catalogue).map_err(failed)?;
        }
        let database = database(&catalogue)?;
        // The folder's entries are synced with the tape's.
        let tape = FileTape::open(folder).map_err(failed)?;
        Self::recover(database, Box::new(disk), Box::new(tape))
    }

    /// A store that lives as long as its process.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::with(InMemoryBackend::new(), Box::new(Memory::default()), Box::new(MemoryTape::default()))
    }

    /// A store on other ground than a folder.
    pub fn with(
        backend: impl StorageBackend,
        disk: Box<dyn Disk>,
        tape: Box<dyn Tape>,
    ) -> Result<Self, StoreError> {
        let database = Database::builder().create_with_backend(backend).map_err(reading)?;
        Self::recover(database, disk, tape)
    }

    /// Makes the tables of the database and sweeps out segments that no row mentions.
    fn recover(database: Database, disk: Box<dyn Disk>, tape: Box<dyn Tape>) -> Result<Self, StoreError> {
        let store = Self { database, disk, soon: Soon::default(), log: Log::new(tape) };
        store.write(|transaction| {
            transaction.open_table(TABLES).map_err(reading)?;
            transaction.open_table(NAMES).map_err(reading)?;
            transaction.open_table(MOVES).map_err(reading)?;
            journal::create(transaction)?;
            rules::create(transaction)?;
            terms::create(transaction)
        })?;
        let known: Vec<String> = store.rows()?.iter().flat_map(files).collect();
        let failed = |source| StoreError::Disk { what: "sweeping the segments".into(), source };
        for file in store.disk.list().map_err(failed)? {
            if !known.contains(&file) {
                store.disk.remove(&file).map_err(failed)?;
            }
        }
        Ok(store)
    }

    /// Makes a table durable without letting it count yet. The handle must be new.
    pub fn prepare(&self, meta: &TableMeta, shares: &TableShares) -> Result<(), StoreError> {
        let handle = meta.handle;
        let row = Row {
            state: State::Pending,
            meta: meta.clone(),
            held: shares.rows as u64,
            columns: Vec::with_capacity(shares.columns.len()),
            selected: None,
            moves: self.moves(meta.name.as_deref())?,
        };
        let written = self.write_segments(row, shares).and_then(|row| self.put(row));
        if written.as_ref().is_err_and(|error| !error.is_fatal()) {
            self.sweep(handle);
        }
        written
    }

    fn write_segments(&self, mut row: Row, shares: &TableShares) -> Result<Row, StoreError> {
        for (index, column) in shares.columns.iter().enumerate() {
            row.columns.push(self.write_segment(row.meta.handle, &index.to_string(), shares.rows, column)?);
        }
        if let Some(selected) = &shares.selected {
            let column = ColumnShares::default();
            // A fresh cell is empty: this cannot fail.
            let _ = column.bits.set(selected.clone());
            row.selected = Some(self.write_segment(row.meta.handle, "selected", shares.rows, &column)?);
        }
        self.disk.sync_folder().map_err(|error| written("the folder", error))?;
        Ok(row)
    }

    fn write_segment(
        &self,
        handle: Handle,
        part: &str,
        rows: usize,
        column: &ColumnShares,
    ) -> Result<Digest, StoreError> {
        let bytes = encode_segment(rows, column);
        let (name, unfinished) = (format!("{handle}.{part}"), format!("{handle}.{part}.new"));
        self.disk.write(&unfinished, &bytes).map_err(|error| written(&name, error))?;
        self.disk
            .rename(&unfinished, &name)
            .map_err(|source| StoreError::Disk { what: format!("naming {name}"), source })?;
        Ok(digest(handle, part, &bytes))
    }

    /// Lets a prepared table count, under its name if it has one. A table that was in doubt may come to count
    /// after another one got the name: that one keeps it, as it does on servers that were in no doubt.
    pub fn commit(&self, handle: Handle) -> Result<(), StoreError> {
        let mut row = self.row(handle)?;
        row.state = State::Live;
        self.put(row)
    }

    /// Marks a live table as about to be removed.
    pub fn leave(&self, handle: Handle) -> Result<(), StoreError> {
        let mut row = self.row(handle)?;
        row.state = State::Leaving;
        self.put(row)
    }

    /// Gives a live table a name, taking it from whoever had it.
    pub fn rename(&self, handle: Handle, name: Option<&str>) -> Result<(), StoreError> {
        let mut row = self.row(handle)?;
        if let Some(name) = name {
            row.moves = self.moves(Some(name))?;
            row.meta.name = Some(name.to_owned());
        }
        self.put(row)
    }

    fn moves(&self, name: Option<&str>) -> Result<u64, StoreError> {
        let Some(name) = name else { return Ok(0) };
        let moves = self.database.begin_read().map_err(reading)?.open_table(MOVES).map_err(reading)?;
        Ok(moves.get(name).map_err(reading)?.map_or(0, |moves| moves.value()))
    }

    /// Forgets a table, whatever its state.
    pub fn remove(&self, handle: Handle) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut tables = transaction.open_table(TABLES).map_err(reading)?;
            tables.remove(&handle.0).map_err(reading)?;
            let mut names = transaction.open_table(NAMES).map_err(reading)?;
            names.retain(|_, owner| *owner != handle.0).map_err(reading)
        })?;
        self.sweep(handle);
        Ok(())
    }

    /// Removes the files of a table that has no row. What stays behind goes when the store opens next.
    fn sweep(&self, handle: Handle) {
        let prefix = format!("{handle}.");
        for file in self.disk.list().unwrap_or_default() {
            if file.starts_with(&prefix) {
                let _ = self.disk.remove(&file);
            }
        }
    }

    /// A table's state, or `None` where it is unknown.
    pub fn state(&self, handle: Handle) -> Result<Option<State>, StoreError> {
        Ok(self.find(handle)?.map(|row| row.state))
    }

    /// A live table's public description; its name only while the name is still its own.
    pub fn table(&self, handle: Handle) -> Result<Option<TableMeta>, StoreError> {
        let Some(row) = self.find(handle)?.filter(|row| row.state == State::Live) else { return Ok(None) };
        let mut meta = row.meta;
        if let Some(name) = &meta.name
            && self.named(name)? != Some(handle)
        {
            meta.name = None;
        }
        Ok(Some(meta))
    }

    /// The table that goes by `name`.
    pub fn named(&self, name: &str) -> Result<Option<Handle>, StoreError> {
        let names = self.database.begin_read().map_err(reading)?.open_table(NAMES).map_err(reading)?;
        Ok(names.get(name).map_err(reading)?.map(|owner| Handle(*owner.value())))
    }

    /// Tables that wait for the other two servers' word.
    pub fn in_doubt(&self) -> Result<Vec<(Handle, State)>, StoreError> {
        let rows = self.rows()?;
        Ok(rows
            .iter()
            .filter(|row| row.state != State::Live)
            .map(|row| (row.meta.handle, row.state))
            .collect())
    }

    /// Every live table.
    pub fn tables(&self) -> Result<Vec<TableMeta>, StoreError> {
        let rows = self.rows()?;
        Ok(rows.into_iter().filter(|row| row.state == State::Live).map(|row| row.meta).collect())
    }

    /// Reads a table's shares and checks them against the catalogue.
    pub fn load(&self, handle: Handle) -> Result<TableShares, StoreError> {
        let row = self.row(handle)?;
        let rows = usize::try_from(row.held).map_err(|_| StoreError::Damaged(handle))?;
        let columns = (0..).zip(&row.columns);
        let columns = columns.map(|(index, digest)| self.segment(handle, &format!("{index}"), rows, *digest));
        let columns = columns.collect::<Result<_, _>>()?;
        let selected = match row.selected {
            Some(digest) => self.segment(handle, "selected", rows, digest)?.bits.into_inner(),
            None => None,
        };
        if selected.is_none() != row.selected.is_none() {
            return Err(StoreError::Damaged(handle));
        }
        Ok(TableShares { rows, columns, selected })
    }

    fn segment(
        &self,
        handle: Handle,
        part: &str,
        rows: usize,
        expected: Digest,
    ) -> Result<ColumnShares, StoreError> {
        let bytes = self.disk.read(&format!("{handle}.{part}")).map_err(|_| StoreError::Damaged(handle))?;
        if digest(handle, part, &bytes) != expected {
            return Err(StoreError::Damaged(handle));
        }
        decode_segment(rows, &bytes).map_err(|_| StoreError::Damaged(handle))
    }

    fn row(&self, handle: Handle) -> Result<Row, StoreError> {
        self.find(handle)?.ok_or(StoreError::Unknown(handle))
    }

    fn find(&self, handle: Handle) -> Result<Option<Row>, StoreError> {
        let tables = self.database.begin_read().map_err(reading)?.open_table(TABLES).map_err(reading)?;
        let Some(bytes) = tables.get(&handle.0).map_err(reading)? else { return Ok(None) };
        serde_json::from_slice(bytes.value()).map_err(reading).map(Some)
    }

    fn rows(&self) -> Result<Vec<Row>, StoreError> {
        let tables = self.database.begin_read().map_err(reading)?.open_table(TABLES).map_err(reading)?;
        let rows = tables.iter().map_err(reading)?;
        rows.map(|entry| serde_json::from_slice(entry.map_err(reading)?.1.value()).map_err(reading)).collect()
    }

    /// Writes a row; a live one also takes its name, unless that has moved meanwhile.
    fn put(&self, mut row: Row) -> Result<(), StoreError> {
        self.write(|transaction| {
            if let (State::Live, Some(name)) = (row.state, &row.meta.name) {
                let mut names = transaction.open_table(NAMES).map_err(reading)?;
                let mut moves = transaction.open_table(MOVES).map_err(reading)?;
                let moved = moves.get(name.as_str()).map_err(reading)?.map_or(0, |moves| moves.value());
                let owner = names.get(name.as_str()).map_err(reading)?.map(|owner| Handle(*owner.value()));
                if moved == row.moves && owner != Some(row.meta.handle) {
                    row.moves = moved + 1;
                    names.insert(name.as_str(), &row.meta.handle.0).map_err(reading)?;
                    moves.insert(name.as_str(), row.moves).map_err(reading)?;
                }
            }
            let bytes = serde_json::to_vec(&row).map_err(reading)?;
            let mut tables = transaction.open_table(TABLES).map_err(reading)?;
            tables.insert(&row.meta.handle.0, bytes.as_slice()).map_err(reading)?;
            Ok(())
        })
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store(..)")
    }
}

/// The segment files of a row.
fn files(row: &Row) -> Vec<String> {
    let handle = row.meta.handle;
    let columns = (0..row.columns.len()).map(|index| format!("{handle}.{index}"));
    columns.chain(row.selected.map(|_| format!("{handle}.selected"))).collect()
}

/// Binds the bytes to their place, so that two intact files cannot be swapped.
fn digest(handle: Handle, part: &str, bytes: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("vdl segment 1");
    hasher.update(&handle.0);
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part.as_bytes());
    hasher.update(bytes);
    Digest(*hasher.finalize().as_bytes())
}

fn written(what: &str, error: DiskError) -> StoreError {
    match error {
        DiskError::Write(source) => StoreError::Disk { what: format!("writing {what}"), source },
        DiskError::Sync(error) => StoreError::NotDurable(format!("{what}: {error}")),
    }
}

//! What an approval fixes as it is used: which tables its names stand for, how many commands were run, and
//! whether it has ended for good. None of it is ever undone.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use vdl_command::{Digest, Handle};

use crate::catalogue::Store;
use crate::error::{StoreError, reading};

/// By approval and name.
const NAMED: TableDefinition<(&[u8; 32], &str), &[u8; 32]> = TableDefinition::new("names of approvals");
const USES: TableDefinition<&[u8; 32], u64> = TableDefinition::new("uses of approvals");
/// By approval; the name that ended it.
const ENDED: TableDefinition<&[u8; 32], &str> = TableDefinition::new("ended approvals");

pub(crate) fn create(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(NAMED).map_err(reading)?;
    transaction.open_table(USES).map_err(reading)?;
    transaction.open_table(ENDED).map_err(reading)?;
    Ok(())
}

impl Store {
    /// Fixes which tables names stand for in an approval, and with a `limit` counts one use of it: all of it
    /// or nothing, and durable when it returns. A name that is fixed already must stand for the same table.
    pub fn fix(
        &self,
        approval: Digest,
        names: &[(&str, Handle)],
        limit: Option<u64>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut fixed = transaction.open_table(NAMED).map_err(reading)?;
            for (name, table) in names {
                let before = fixed.insert((&approval.0, *name), &table.0).map_err(reading)?;
                if before.is_some_and(|before| *before.value() != table.0) {
                    return Err(StoreError::Rebound { name: (*name).to_owned() });
                }
            }
            let Some(limit) = limit else { return Ok(()) };
            let mut uses = transaction.open_table(USES).map_err(reading)?;
            let before = uses.get(&approval.0).map_err(reading)?.map_or(0, |count| count.value());
            if before >= limit {
                return Err(StoreError::UsesUsedUp { limit });
            }
            uses.insert(&approval.0, before + 1).map_err(reading)?;
            Ok(())
        })
    }

    /// The table that a name stands for in an approval, once it was used.
    pub fn fixed(&self, approval: Digest, name: &str) -> Result<Option<Handle>, StoreError> {
        let fixed = self.database.begin_read().map_err(reading)?.open_table(NAMED).map_err(reading)?;
        let table = fixed.get((&approval.0, name)).map_err(reading)?;
        Ok(table.map(|table| Handle(*table.value())))
    }

    /// Uses counted of an approval.
    pub fn uses(&self, approval: Digest) -> Result<u64, StoreError> {
        let uses = self.database.begin_read().map_err(reading)?.open_table(USES).map_err(reading)?;
        Ok(uses.get(&approval.0).map_err(reading)?.map_or(0, |count| count.value()))
    }

    /// Ends an approval for good, because of a name. Durable when it returns.
    pub fn end(&self, approval: Digest, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut ended = transaction.open_table(ENDED).map_err(reading)?;
            ended.insert(&approval.0, name).map_err(reading)?;
            Ok(())
        })
    }

    /// The name that ended an approval, if it has ended.
    pub fn ended(&self, approval: Digest) -> Result<Option<String>, StoreError> {
        let ended = self.database.begin_read().map_err(reading)?.open_table(ENDED).map_err(reading)?;
        Ok(ended.get(&approval.0).map_err(reading)?.map(|name| name.value().to_owned()))
    }
}

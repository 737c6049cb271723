//! Policies and revocations that this server goes by: signed documents, as they came. What is kept once is
//! never replaced or removed, so a server never knows less than it did.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use vdl_command::Digest;

use crate::catalogue::Store;
use crate::error::{StoreError, reading};

/// By version.
const POLICIES: TableDefinition<u32, &[u8]> = TableDefinition::new("policies");
/// By the digest of what was signed.
const REVOCATIONS: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("revocations");

pub(crate) fn create(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(POLICIES).map_err(reading)?;
    transaction.open_table(REVOCATIONS).map_err(reading)?;
    Ok(())
}

impl Store {
    /// All policies, oldest first.
    pub fn policies(&self) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
        let kept = self.database.begin_read().map_err(reading)?.open_table(POLICIES).map_err(reading)?;
        let kept = kept.iter().map_err(reading)?;
        let document = |(version, text): (redb::AccessGuard<u32>, redb::AccessGuard<&[u8]>)| {
            (version.value(), text.value().to_vec())
        };
        kept.map(|entry| entry.map(document).map_err(reading)).collect()
    }

    /// All revocations, in the order of their digests.
    pub fn revocations(&self) -> Result<Vec<(Digest, Vec<u8>)>, StoreError> {
        let kept = self.database.begin_read().map_err(reading)?.open_table(REVOCATIONS).map_err(reading)?;
        let kept = kept.iter().map_err(reading)?;
        let document = |(digest, text): (redb::AccessGuard<&[u8; 32]>, redb::AccessGuard<&[u8]>)| {
            (Digest(*digest.value()), text.value().to_vec())
        };
        kept.map(|entry| entry.map(document).map_err(reading)).collect()
    }

    /// Keeps documents, all or none of them. One that is there already stays as it is.
    pub fn keep_rules(
        &self,
        policies: &[(u32, Vec<u8>)],
        revocations: &[(Digest, Vec<u8>)],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut kept = transaction.open_table(POLICIES).map_err(reading)?;
            for (version, text) in policies {
                if kept.get(version).map_err(reading)?.is_none() {
                    kept.insert(version, text.as_slice()).map_err(reading)?;
                }
            }
            let mut kept = transaction.open_table(REVOCATIONS).map_err(reading)?;
            for (digest, text) in revocations {
                if kept.get(&digest.0).map_err(reading)?.is_none() {
                    kept.insert(&digest.0, text.as_slice()).map_err(reading)?;
                }
            }
            Ok(())
        })
    }
}

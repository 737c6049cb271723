//! The journal of runs: how often each approval was used, and how far each run has come.

use std::collections::{BTreeMap, BTreeSet};

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use vdl_command::{Digest, Handle, JobId, Nonce};

use crate::catalogue::Store;
use crate::error::{StoreError, reading};

const USED: TableDefinition<&[u8; 32], u64> = TableDefinition::new("runs used");
const ENVELOPES: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("approvals");
const RUNS: TableDefinition<&[u8; 64], &[u8]> = TableDefinition::new("runs");
/// Attempts that were admitted, each by its run and its own number: a run is not written anew for each.
const JOBS: TableDefinition<(&[u8; 64], &[u8; 32]), ()> = TableDefinition::new("jobs of runs");
/// Tables that were made, by run and step.
const OUTPUTS: TableDefinition<(&[u8; 64], u32), &[u8; 32]> = TableDefinition::new("tables of runs");
/// By the client's name of the start; the number of the run and its nonce.
const STARTS: TableDefinition<&[u8; 64], (u64, &[u8; 32])> = TableDefinition::new("starts");
/// Of the key that is this server's own.
const SEED: TableDefinition<(), &[u8; 32]> = TableDefinition::new("seed");
/// What this server saw last of a peer's audit log.
const WITNESSES: TableDefinition<u8, &[u8]> = TableDefinition::new("witnesses");

/// One run as this server knows it: the approval it uses and this server's own nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    pub approval: Digest,
    pub nonce: Nonce,
}

/// A start that was counted: which run of its approval it is, and this server's nonce for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    pub run: u64,
    pub nonce: Nonce,
}

/// A run as the journal holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRun {
    /// Its approval, as it came.
    pub envelope: Vec<u8>,
    pub state: Vec<u8>,
    /// Every attempt that was admitted.
    pub jobs: BTreeSet<JobId>,
    /// The tables that its steps made.
    pub outputs: BTreeMap<u32, Handle>,
}

impl RunKey {
    fn bytes(&self) -> [u8; 64] {
        joined(self.approval, self.nonce)
    }
}

fn joined(approval: Digest, nonce: Nonce) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&approval.0);
    bytes[32..].copy_from_slice(&nonce.0);
    bytes
}

pub(crate) fn create(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(USED).map_err(reading)?;
    transaction.open_table(RUNS).map_err(reading)?;
    transaction.open_table(JOBS).map_err(reading)?;
    transaction.open_table(OUTPUTS).map_err(reading)?;
    transaction.open_table(ENVELOPES).map_err(reading)?;
    transaction.open_table(STARTS).map_err(reading)?;
    transaction.open_table(SEED).map_err(reading)?;
    transaction.open_table(WITNESSES).map_err(reading)?;
    Ok(())
}

impl Store {
    /// Uses up one run, unless this `start` did so before: then it is that run again. Durable when it
    /// returns, so that no crash gives a run back.
    pub fn start_run(
        &self,
        key: RunKey,
        start: Nonce,
        limit: Option<u64>,
        envelope: &[u8],
        state: &[u8],
    ) -> Result<Started, StoreError> {
        self.write(|transaction| {
            let mut starts = transaction.open_table(STARTS).map_err(reading)?;
            let name = joined(key.approval, start);
            if let Some(known) = starts.get(&name).map_err(reading)? {
                return Ok(read_started(known.value()));
            }
            let mut used = transaction.open_table(USED).map_err(reading)?;
            let before = used.get(&key.approval.0).map_err(reading)?.map_or(0, |count| count.value());
            if let Some(limit) = limit
                && before >= limit
            {
                return Err(StoreError::RunsUsedUp { limit });
            }
            let started = Started { run: before + 1, nonce: key.nonce };
            used.insert(&key.approval.0, started.run).map_err(reading)?;
            starts.insert(&name, (started.run, &started.nonce.0)).map_err(reading)?;
            let mut envelopes = transaction.open_table(ENVELOPES).map_err(reading)?;
            envelopes.insert(&key.approval.0, envelope).map_err(reading)?;
            let mut runs = transaction.open_table(RUNS).map_err(reading)?;
            runs.insert(&key.bytes(), state).map_err(reading)?;
            Ok(started)
        })
    }

    /// The seed of this server's own key: `fresh` the first time, and from then on the same.
    pub fn seed(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.write(|transaction| {
            let mut seed = transaction.open_table(SEED).map_err(reading)?;
            if let Some(kept) = seed.get(()).map_err(reading)? {
                return Ok(*kept.value());
            }
            seed.insert((), &fresh).map_err(reading)?;
            Ok(fresh)
        })
    }

    /// What this server saw last of the audit log of server `node`.
    pub fn witness(&self, node: u8) -> Result<Option<Vec<u8>>, StoreError> {
        let seen = self.database.begin_read().map_err(reading)?.open_table(WITNESSES).map_err(reading)?;
        Ok(seen.get(node).map_err(reading)?.map(|seen| seen.value().to_vec()))
    }

    /// Keeps it. Durable after [`Store::flush`].
    pub fn keep_witness(&self, node: u8, seen: &[u8]) -> Result<(), StoreError> {
        self.write_soon(|transaction| {
            let mut witnesses = transaction.open_table(WITNESSES).map_err(reading)?;
            witnesses.insert(node, seen).map_err(reading)?;
            Ok(())
        })
    }

    /// What became of a start, if it was counted.
    pub fn started(&self, approval: Digest, start: Nonce) -> Result<Option<Started>, StoreError> {
        let starts = self.database.begin_read().map_err(reading)?.open_table(STARTS).map_err(reading)?;
        let known = starts.get(&joined(approval, start)).map_err(reading)?;
        Ok(known.map(|known| read_started(known.value())))
    }

    /// Runs used of an approval.
    pub fn runs_used(&self, approval: Digest) -> Result<u64, StoreError> {
        let used = self.database.begin_read().map_err(reading)?.open_table(USED).map_err(reading)?;
        Ok(used.get(&approval.0).map_err(reading)?.map_or(0, |count| count.value()))
    }

    /// Writes how far a run has come, with the attempts and the tables that came to it. Durable after
    /// [`Store::flush`], which comes before any answer.
    pub fn keep_run(
        &self,
        key: RunKey,
        state: &[u8],
        jobs: &[JobId],
        outputs: &[(u32, Handle)],
    ) -> Result<(), StoreError> {
        self.write_soon(|transaction| {
            let run = key.bytes();
            let mut runs = transaction.open_table(RUNS).map_err(reading)?;
            runs.insert(&run, state).map_err(reading)?;
            let mut kept = transaction.open_table(JOBS).map_err(reading)?;
            for job in jobs {
                kept.insert((&run, &job.0), ()).map_err(reading)?;
            }
            let mut kept = transaction.open_table(OUTPUTS).map_err(reading)?;
            for (step, table) in outputs {
                kept.insert((&run, *step), &table.0).map_err(reading)?;
            }
            Ok(())
        })
    }

    /// The approval of a run, as it came, and how far the run had come when it was last kept.
    pub fn run(&self, key: RunKey) -> Result<Option<KeptRun>, StoreError> {
        let transaction = self.database.begin_read().map_err(reading)?;
        let envelopes = transaction.open_table(ENVELOPES).map_err(reading)?;
        let runs = transaction.open_table(RUNS).map_err(reading)?;
        let envelope = envelopes.get(&key.approval.0).map_err(reading)?;
        let run = key.bytes();
        let Some((envelope, state)) = envelope.zip(runs.get(&run).map_err(reading)?) else { return Ok(None) };
        let jobs = transaction.open_table(JOBS).map_err(reading)?;
        let jobs = jobs.range((&run, &[0; 32])..=(&run, &[0xFF; 32])).map_err(reading)?;
        let outputs = transaction.open_table(OUTPUTS).map_err(reading)?;
        let outputs = outputs.range((&run, 0)..=(&run, u32::MAX)).map_err(reading)?;
        Ok(Some(KeptRun {
            envelope: envelope.value().to_vec(),
            state: state.value().to_vec(),
            jobs: jobs
                .map(|job| job.map(|(place, _)| JobId(*place.value().1)))
                .collect::<Result<_, _>>()
                .map_err(reading)?,
            outputs: outputs
                .map(|output| output.map(|(place, table)| (place.value().1, Handle(*table.value()))))
                .collect::<Result<_, _>>()
                .map_err(reading)?,
        }))
    }
}

fn read_started((run, nonce): (u64, &[u8; 32])) -> Started {
    Started { run, nonce: Nonce(*nonce) }
}

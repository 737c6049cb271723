//! The database: SQLite or PostgreSQL, the same statements for both.
//!
//! What belongs together is changed in one transaction; what a slow step (a password, a server) depended on
//! is asked again in it. Where two of them could decide on what the other is about to change, the first thing
//! done is an `UPDATE` of the row they compete for, which is a lock in both.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Fault, PortalError};
use crate::ids::now;

/// In order; what was published is never edited, only followed. Numbers 0003 and 0004 were never used.
const STEPS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_publications.sql"),
    include_str!("../migrations/0005_inviters.sql"),
    include_str!("../migrations/0006_passkeys.sql"),
    include_str!("../migrations/0007_identities.sql"),
    include_str!("../migrations/0008_receipts.sql"),
];
/// How long a request waits for a connection before it fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the database stays open for what is still to be written.
const FAREWELL: Duration = Duration::from_secs(3);
/// So many at once are waited for.
const MOST_LATE: u32 = 10_000;

pub type Conn = AnyConnection;
pub type Tx = Transaction<'static, Any>;

#[derive(Clone, Debug)]
pub struct Db {
    pool: AnyPool,
    /// A place for each that is written when its answer has gone out.
    late: Arc<Semaphore>,
}

impl Db {
    /// Opens the database of this address and brings it to this version's form.
    pub async fn open(url: &str) -> Result<Self, PortalError> {
        Self::open_with(url, STEPS).await
    }

    /// The same to the form that these steps lead to.
    pub async fn open_with(url: &str, steps: &[&'static str]) -> Result<Self, PortalError> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        // SQLite has one writer anyway; with one connection nobody ever finds it locked.
        let pool = AnyPoolOptions::new()
            .max_connections(if sqlite { 1 } else { 16 })
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        for pragma in [
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA foreign_keys = ON",
                        ] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        let db = Self { pool, late: Arc::new(Semaphore::new(MOST_LATE as usize)) };
        db.migrate(sqlite, steps).await?;
        Ok(db)
    }

    /// The address of the file that is used where no other database is configured.
    pub fn in_folder(folder: &Path) -> String {
        format!("sqlite://{}?mode=rwc", folder.join("portal.sqlite").display())
    }

    pub async fn begin(&self) -> Result<Tx, Fault> {
        Ok(self.pool.begin().await?)
    }

    /// To be held by what is written when its answer has gone out.
    pub fn late(&self) -> Option<OwnedSemaphorePermit> {
        self.late.clone().try_acquire_owned().ok()
    }

    /// Waits until that is written.
    pub async fn settle(&self) {
        let _ = self.late.acquire_many(MOST_LATE).await;
    }

    pub async fn close(&self) {
        let _ = tokio::time::timeout(FAREWELL, self.settle()).await;
        self.pool.close().await;
    }

    async fn migrate(&self, sqlite: bool, steps: &[&'static str]) -> Result<(), PortalError> {
        let mut tx = self.pool.begin().await?;
        if !sqlite {
            // Two portals that start at once on one database: the second waits here.
            sqlx::raw_sql("SELECT pg_advisory_xact_lock(8664001)").execute(&mut *tx).await?;
        }
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS steps (step BIGINT PRIMARY KEY, created BIGINT NOT NULL)")
            .execute(&mut *tx)
            .await?;
        let (done,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM steps").fetch_one(&mut *tx).await?;
        let done = usize::try_from(done).unwrap_or(usize::MAX);
        if done > steps.len() {
            return Err(PortalError::Config(
                "the database was made by a newer version of the portal; use that version".into(),
            ));
        }
        for (number, step) in steps.iter().enumerate().skip(done) {
            sqlx::raw_sql(*step).execute(&mut *tx).await?;
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            sqlx::query("INSERT INTO steps (step, created) VALUES ($1, $2)")
                .bind(number)
                .bind(now())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Whether this is the complaint that a row with this key is there already.
pub fn is_taken(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.is_unique_violation())
}

#[cfg(test)]
mod tests {
    /// A database knows how many steps it has done and not which: one put in between would never be done
    /// where those around it were, and the last one twice.
    #[test]
    fn steps_are_added_at_the_end_and_none_is_left_out() {
        let listed: Vec<&str> = include_str!("db.rs")
            .lines()
            .filter_map(|line| {
                line.trim().strip_prefix("include_str!(\"../migrations/")?.strip_suffix("\"),")
            })
            .collect();
        assert_eq!(listed.len(), super::STEPS.len());
        let published = ["0001_first.sql", "0002_publications.sql", "0005_inviters.sql"];
        assert_eq!(&listed[..published.len()], published, "databases have done these, in this order");
        assert!(listed.is_sorted(), "{listed:?}");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut files: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, listed);
    }
}

//! Taking turns: so many at once for each name. Who comes then waits a little and is told to come again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Fault;

pub type Turn = OwnedSemaphorePermit;

pub struct Turns {
    most: usize,
    patience: Duration,
    names: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Turns {
    pub fn new(most: usize, patience: Duration) -> Self {
        Self { most, patience, names: Mutex::default() }
    }

    /// One turn, which ends when it is dropped.
    pub async fn take(&self, name: &str) -> Result<Turn, Fault> {
        let turns = {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            names.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.most))).clone()
        };
        match tokio::time::timeout(self.patience, turns.acquire_owned()).await {
            Ok(turn) => turn.map_err(|error| Fault::internal("a turn", &error)),
            Err(_) => Err(Fault::TooOften),
        }
    }

    /// Forgets those who have no turn and wait for none.
    fn sweep(&self) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, turns| Arc::strong_count(turns) > 1);
        names.shrink_to_fit();
    }
}

/// What is slow or large, and of which nobody may have too much at once.
pub struct Busy {
    /// What one user waits for servers with.
    pub users: Turns,
    /// Uploads of one user that are on their way to the servers.
    pub sends: Turns,
    /// Pieces of one upload that arrive.
    pub pieces: Turns,
}

impl Default for Busy {
    fn default() -> Self {
        Self {
            users: Turns::new(4, Duration::from_secs(3)),
            sends: Turns::new(4, Duration::from_secs(600)),
            pieces: Turns::new(4, Duration::from_secs(30)),
        }
    }
}

impl Busy {
    pub fn sweep(&self) {
        [&self.users, &self.sends, &self.pieces].into_iter().for_each(Turns::sweep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_takes_too_many_waits_and_nobody_else_does() {
        let turns = Turns::new(2, Duration::from_millis(1));
        let (first, _second) = (turns.take("eve").await.unwrap(), turns.take("eve").await.unwrap());
        assert!(matches!(turns.take("eve").await, Err(Fault::TooOften)));
        drop(turns.take("ann").await.unwrap());
        // Sweeping does not give eve new ones.
        turns.sweep();
        assert_eq!(turns.names.lock().unwrap().len(), 1);
        assert!(matches!(turns.take("eve").await, Err(Fault::TooOften)));
        drop(first);
        drop(turns.take("eve").await.unwrap());
    }
}

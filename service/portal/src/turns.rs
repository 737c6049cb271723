//! At most so many at once for each name; whoever comes later waits a little, then is told to come again.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::try_unfold;
use serde::Serialize;
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
    pub fn sweep(&self) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, turns| Arc::strong_count(turns) > 1);
        names.shrink_to_fit();
    }
}

/// An answer goes out in pieces of so many octets, so that little of it is left once its turn ends.
const PIECE: usize = 64 << 10;

/// An answer that may be long: these octets, and then what `more` gives of the state that it left. The turn
/// ends with it: when all of it was taken, or nobody is there any more to take it. Until then somebody who
/// does not read has one turn less, and not ever more of the memory.
pub fn answer_in<S, M, F>(turn: impl Send + 'static, octets: Vec<u8>, state: S, more: M) -> Body
where
    S: Send + 'static,
    M: Fn(S) -> F + Send + 'static,
    F: Future<Output = Result<Option<(Vec<u8>, S)>, Fault>> + Send + 'static,
{
    let begin = (turn, more, octets, 0, state);
    Body::from_stream(try_unfold(begin, |(turn, more, mut octets, mut at, mut state)| async move {
        if at == octets.len() {
            let cut_off = |fault: Fault| io::Error::other(fault.code().to_owned());
            let Some(next) = more(state).await.map_err(cut_off)? else { return Ok(None) };
            ((octets, state), at) = (next, 0);
        }
        let end = octets.len().min(at + PIECE);
        // A copy: a part of all of it would keep all of it.
        let piece = octets.get(at..end).unwrap_or_default().to_vec();
        Ok::<_, io::Error>(Some((piece, (turn, more, octets, end, state))))
    }))
}

/// An answer in JSON that may be long. It is made on a thread of its own, so that nobody waits for that.
pub async fn json_in<T: Serialize>(
    turn: Turn,
    make: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<Response, Fault> {
    let made = tokio::task::spawn_blocking(move || {
        let octets = serde_json::to_vec(&make()?).map_err(|error| Fault::internal("JSON", &error))?;
        Ok::<_, Fault>((turn, octets))
    });
    let (turn, octets) = made.await.map_err(|error| Fault::internal("JSON", &error))??;
    let answer = answer_in(turn, octets, (), |()| async { Ok(None) });
    Ok(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
}

/// What is slow or large, and of which nobody may have too much at once.
pub struct Busy {
    /// What one user waits for servers with, and long answers that the user has not read yet.
    pub users: Turns,
    /// Long answers out of the database that one user has not read yet. Apart from those above, or a server
    /// that hangs would keep its users from reading what is here.
    pub reads: Turns,
    /// Uploads of one user that are on their way to the servers.
    pub sends: Turns,
    /// Pieces of one upload that arrive.
    pub pieces: Turns,
}

impl Default for Busy {
    fn default() -> Self {
        Self {
            users: Turns::new(4, Duration::from_secs(3)),
            reads: Turns::new(8, Duration::from_secs(10)),
            sends: Turns::new(4, Duration::from_secs(600)),
            pieces: Turns::new(4, Duration::from_secs(30)),
        }
    }
}

impl Busy {
    pub fn sweep(&self) {
        [&self.users, &self.reads, &self.sends, &self.pieces].into_iter().for_each(Turns::sweep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_lasts_until_its_answer_is_read_or_nobody_is_there() {
        let turns = Turns::new(1, Duration::from_millis(1));
        let answer = async || {
            let more = |left: u8| async move { Ok((left > 0).then(|| (vec![left; PIECE + 1], left - 1))) };
            answer_in(turns.take("eve").await.unwrap(), vec![], 2, more)
        };
        let mut body = answer().await;
        let mut read = Vec::new();
        while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
            assert!(matches!(turns.take("eve").await, Err(Fault::TooOften)));
            let piece = frame.unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE);
            read.extend_from_slice(&piece);
        }
        assert!(read == [vec![2; PIECE + 1], vec![1; PIECE + 1]].concat());
        drop(answer().await);
        drop(turns.take("eve").await.unwrap());
    }

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

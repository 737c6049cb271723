//! One command in a thread of its own, while Python stays able to be interrupted.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use pyo3::prelude::*;
use vdl_client::{Call, ClearColumn, ClientError, JobId, Reply, Session};

use crate::errors;

/// Between two looks at Ctrl-C.
const TICK: Duration = Duration::from_millis(100);
/// Ticks between two questions about progress.
const PROGRESS_EVERY: u32 = 3;
/// How long a cancelled command gets to end by itself.
const CANCELLED_WITHIN: Duration = Duration::from_secs(5);

/// A command with everything it needs, owned.
pub struct Work {
    pub command: String,
    pub source: Option<String>,
    pub columns: Option<Vec<ClearColumn>>,
    pub dummy_for: Option<String>,
}

type Outcome = Result<Reply, ClientError>;

/// Waits with the GIL released; Ctrl-C cancels on all three servers and is then raised.
pub fn run(
    py: Python<'_>,
    session: &Arc<Session>,
    work: Work,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Reply> {
    let mut id = [0; 32];
    getrandom::fill(&mut id)
        .map_err(|error| errors::raise(py, &ClientError::System(format!("no randomness: {error}"))))?;
    let job = JobId(id);
    let mut answers = start(session.clone(), work, job);
    for tick in 1u32.. {
        let (waited, back) = py.detach(move || (answers.recv_timeout(TICK), answers));
        answers = back;
        match waited {
            Ok(outcome) => return outcome.map_err(|error| errors::raise(py, &error)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let looked = py.check_signals().and_then(|()| match progress {
            Some(callback) if tick % PROGRESS_EVERY == 0 => show(py, session, job, callback),
            _ => Ok(()),
        });
        if let Err(interrupt) = looked {
            py.detach(move || {
                session.cancel(job);
                // What it says does not matter any more, only that it has ended.
                let _ = answers.recv_timeout(CANCELLED_WITHIN);
            });
            return Err(interrupt);
        }
    }
    Err(errors::raise(py, &ClientError::System("the command ended without an answer".into())))
}

fn start(session: Arc<Session>, work: Work, job: JobId) -> Receiver<Outcome> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let call = Call {
            command: &work.command,
            source: work.source.as_deref(),
            columns: work.columns,
            dummy_for: work.dummy_for.as_deref(),
        };
        // Nobody waits any more after an interrupt that was not answered in time.
        let _ = sender.send(session.execute(call, job));
    });
    receiver
}

fn show(py: Python<'_>, session: &Arc<Session>, job: JobId, callback: &Bound<'_, PyAny>) -> PyResult<()> {
    match py.detach(|| session.progress(job)) {
        Some(progress) => callback.call1((progress.done, progress.total)).map(drop),
        None => Ok(()),
    }
}

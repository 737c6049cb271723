//! One request to each of the three servers, at the same time.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use vdl_command::wire::encode_header;
use vdl_command::{JobId, Route};

use crate::endpoint::{CallError, Endpoint};
use crate::error::ClientError;

/// How long the other servers get to answer once one has failed; then they are given up.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The three servers, numbered as they number themselves.
#[derive(Clone)]
pub(crate) struct Servers(pub(crate) [Arc<dyn Endpoint>; 3]);

impl Servers {
    /// Sends `bodies[i]` to server `i` and waits for all answers. Where one fails, `job` is cancelled on
    /// the others, and the failure nearest to the cause is reported.
    pub(crate) fn call(
        &self,
        route: Route,
        bodies: [Vec<u8>; 3],
        job: Option<JobId>,
    ) -> Result<[Vec<u8>; 3], ClientError> {
        let (sender, receiver) = mpsc::channel();
        for (node, body) in (0u8..).zip(bodies) {
            let (endpoint, sender) = (self.endpoint(node), sender.clone());
            std::thread::spawn(move || {
                // The receiver may have given up; then nobody waits for this answer.
                let _ = sender.send((node, endpoint.call(route, body)));
            });
        }
        drop(sender);
        let mut answers = [None, None, None];
        let mut failures = Vec::new();
        let mut give_up = None;
        for _ in 0..3 {
            let Some((node, result)) = next(&receiver, give_up) else { break };
            match result {
                Ok(answer) => {
                    if let Some(place) = answers.get_mut(usize::from(node)) {
                        *place = Some(answer);
                    }
                }
                Err(error) => {
                    if let (Some(job), None) = (job, give_up) {
                        self.cancel_without_waiting(job, Some(node));
                    }
                    give_up = give_up.or(Some(Instant::now() + AFTER_FAILURE));
                    failures.push(self.explain(node, error));
                }
            }
        }
        match (failures.into_iter().max_by_key(nearness), answers) {
            (Some(failure), _) => Err(failure),
            (None, [Some(a), Some(b), Some(c)]) => Ok([a, b, c]),
            (None, _) => Err(ClientError::System("a request ended without an answer".into())),
        }
    }

    /// The same bytes to all three.
    pub(crate) fn call_same(&self, route: Route, body: &[u8]) -> Result<[Vec<u8>; 3], ClientError> {
        self.call(route, [body.to_vec(), body.to_vec(), body.to_vec()], None)
    }

    /// Tells every server but `except` to give the job up.
    pub(crate) fn cancel_without_waiting(&self, job: JobId, except: Option<u8>) {
        let Ok(body) = encode_header(&job) else { return };
        for node in (0..3).filter(|node| Some(*node) != except) {
            let (endpoint, body) = (self.endpoint(node), body.clone());
            std::thread::spawn(move || endpoint.call(Route::Cancel, body));
        }
    }

    pub(crate) fn endpoint(&self, node: u8) -> Arc<dyn Endpoint> {
        let [first, second, third] = &self.0;
        Arc::clone(match node {
            0 => first,
            1 => second,
            _ => third,
        })
    }

    pub(crate) fn garbled(&self, node: u8, what: &str) -> ClientError {
        self.explain(node, CallError::Garbled(what.to_owned()))
    }

    pub(crate) fn explain(&self, node: u8, error: CallError) -> ClientError {
        let endpoint = self.endpoint(node).address().to_owned();
        match error {
            CallError::Refused(mut answer) => {
                answer.node = answer.node.or(Some(node));
                ClientError::Node(answer)
            }
            CallError::Unreachable(cause) => ClientError::Unreachable { node, endpoint, cause },
            CallError::Garbled(what) => ClientError::Garbled { node, endpoint, what },
        }
    }
}

type Answered = (u8, Result<Vec<u8>, CallError>);

fn next(receiver: &mpsc::Receiver<Answered>, give_up: Option<Instant>) -> Option<Answered> {
    match give_up {
        None => receiver.recv().ok(),
        Some(end) => receiver.recv_timeout(end.saturating_duration_since(Instant::now())).ok(),
    }
}

/// How near an error is to the cause: a server that is gone, then a server's own reason, then
/// what the others report because of it.
fn nearness(error: &ClientError) -> u8 {
    match error {
        ClientError::Unreachable { .. } => 3,
        ClientError::Garbled { .. } => 2,
        ClientError::Node(answer) if answer.code == "cancelled" => 0,
        ClientError::Node(answer) if answer.code.starts_with("peer") || answer.code == "in_doubt" => 1,
        _ => 2,
    }
}

//! Tables in doubt: this node was ready, but did not hear from both others. Once they can be asked,
//! all three come to the same decision, because each decides by what all three have on their disks.
//!
//! | here | a peer | then |
//! | --- | --- | --- |
//! | pending | live or leaving | live: all three had confirmed |
//! | pending | unknown | dropped: that peer never confirmed, so nobody went on |
//! | pending | both pending, neither still at it | live, on all three |
//! | leaving | unknown | removed: all three had confirmed |
//! | leaving | live | live: that peer never confirmed |
//! | leaving | both leaving, neither still at it | removed, on all three |

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use vdl_command::{Handle, JobId};
use vdl_store::{State, Store, StoreError};
use vdl_transport::Peer;

use crate::error::NodeError;
use crate::net::{Inquiry, PEERS, control, slot, step};
use crate::node::Node;
use crate::refusal::from_store;

/// Tables in doubt, and how many jobs are about to write right now.
pub(crate) struct Settling {
    doubts: Mutex<HashMap<Handle, [Option<Told>; 2]>>,
    writing: AtomicUsize,
}

/// What a peer says of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Unknown,
    Pending,
    Live,
    Leaving,
    /// It is still at it: ask again.
    Busy,
}

/// Held by a job that writes.
pub(crate) struct Writing<'a>(&'a AtomicUsize);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

const ASK_EVERY: Duration = Duration::from_millis(500);
/// Tables in one question.
const MOST_ASKED: usize = 1000;

impl Settling {
    pub fn of(store: &Store) -> Result<Self, StoreError> {
        let doubts = store.in_doubt()?.into_iter().map(|(handle, _)| (handle, [None; 2])).collect();
        Ok(Self { doubts: Mutex::new(doubts), writing: AtomicUsize::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Handle, [Option<Told>; 2]>> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn doubt(&self, handle: Handle) {
        self.lock().insert(handle, [None; 2]);
    }

    pub fn writing(&self) -> Writing<'_> {
        self.writing.fetch_add(1, Ordering::AcqRel);
        Writing(&self.writing)
    }
}

impl Told {
    fn byte(self) -> u8 {
        self as u8
    }

    fn read(byte: u8) -> Option<Self> {
        [Self::Unknown, Self::Pending, Self::Live, Self::Leaving, Self::Busy]
            .into_iter()
            .find(|told| told.byte() == byte)
    }
}

/// Starts the thread that asks and answers. It ends with the node.
pub(crate) fn keep_settling(node: &Arc<Node>, inquiries: Receiver<Inquiry>) -> Result<(), NodeError> {
    let node = Arc::downgrade(node);
    let settle = move || {
        let mut asked = Instant::now();
        while serve(&node, &inquiries, &mut asked) {}
    };
    std::thread::Builder::new()
        .name("vdl-settle".into())
        .spawn(settle)
        .map(drop)
        .map_err(|error| NodeError::Link(format!("no thread: {error}")))
}

/// Hears one inquiry, or none, and asks when it is time to, however many there are.
fn serve(node: &Weak<Node>, inquiries: &Receiver<Inquiry>, asked: &mut Instant) -> bool {
    let inquiry = inquiries.recv_timeout(ASK_EVERY.saturating_sub(asked.elapsed()));
    let Some(node) = node.upgrade() else { return false };
    if let Ok(inquiry) = &inquiry {
        node.post.heard(inquiry);
    }
    match inquiry {
        Ok((from, frame)) if frame.step == step::ASK => node.tell_states(from, &frame.payload),
        Ok((from, frame)) if frame.step == step::STARTED => node.hear_start(from, &frame.payload),
        Ok((from, frame)) if matches!(frame.step.as_str(), step::HEAD | step::WITNESS) => {
            node.hear_of_log(from, &frame);
        }
        Ok((from, frame)) if frame.step == step::TELL => node.hear_states(from, &frame.payload),
        Ok((from, frame)) => node.hear_of_rules(from, &frame),
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    if asked.elapsed() >= ASK_EVERY {
        node.ask_states();
        node.compare_standings();
        node.hear_waiting_heads();
        *asked = Instant::now();
    }
    true
}

impl Node {
    /// Asks both peers about everything in doubt.
    fn ask_states(&self) {
        let handles: Vec<u8> = self.settling.lock().keys().take(MOST_ASKED).flat_map(|h| h.0).collect();
        if !handles.is_empty() {
            for peer in PEERS {
                self.tell(peer, control(JobId([0; 32]), step::ASK, handles.clone()));
            }
        }
    }

    fn tell_states(&self, to: Peer, asked: &[u8]) {
        let mut answer = Vec::new();
        for handle in asked.as_chunks::<32>().0.iter().take(MOST_ASKED) {
            answer.extend_from_slice(handle);
            answer.push(self.told(Handle(*handle)).byte());
        }
        self.tell(to, control(JobId([0; 32]), step::TELL, answer));
    }

    fn told(&self, handle: Handle) -> Told {
        // Looked at first: a job that ends in between has written what is read below.
        let busy = self.settling.writing.load(Ordering::Acquire) > 0;
        match self.store.state(handle) {
            Ok(Some(State::Live)) if !busy => Told::Live,
            Ok(Some(State::Pending)) if !busy => Told::Pending,
            Ok(Some(State::Leaving)) if !busy => Told::Leaving,
            Ok(None) if !busy => Told::Unknown,
            _ => Told::Busy,
        }
    }

    fn hear_states(&self, from: Peer, told: &[u8]) {
        for entry in told.as_chunks::<33>().0 {
            let Some((handle, [state])) = entry.split_first_chunk::<32>() else { continue };
            let handle = Handle(*handle);
            let decision = {
                let mut doubts = self.settling.lock();
                let Some(heard) = doubts.get_mut(&handle) else { continue };
                heard[slot(from)] = Told::read(*state);
                decide(self.store.state(handle).ok().flatten(), *heard)
            };
            if let Some(decision) = decision {
                self.settle(handle, decision);
            }
        }
    }

    fn settle(&self, handle: Handle, decision: Decision) {
        let settled = match decision {
            Decision::Keep => self.store.commit(handle),
            Decision::Drop => {
                self.shelf.remove(handle);
                self.store.remove(handle)
            }
            Decision::Forget => Ok(()),
        };
        match settled {
            Ok(()) => {
                self.settling.lock().remove(&handle);
                tracing::info!(%handle, ?decision, "a table in doubt is settled");
            }
            Err(error) => tracing::error!(code = %from_store(error).code, "settling failed"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Keep,
    Drop,
    /// There is nothing to decide any more.
    Forget,
}

fn decide(here: Option<State>, heard: [Option<Told>; 2]) -> Option<Decision> {
    let any = |told: Told| heard.contains(&Some(told));
    let all = |told: Told| heard == [Some(told); 2];
    match here {
        None | Some(State::Live) => Some(Decision::Forget),
        Some(State::Pending) if any(Told::Live) || any(Told::Leaving) || all(Told::Pending) => {
            Some(Decision::Keep)
        }
        Some(State::Pending) if any(Told::Unknown) => Some(Decision::Drop),
        Some(State::Leaving) if any(Told::Unknown) || all(Told::Leaving) => Some(Decision::Drop),
        Some(State::Leaving) if any(Told::Live) => Some(Decision::Keep),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each node decides for itself: whatever the three have on disk, they must decide alike.
    #[test]
    fn all_three_settle_alike() {
        use Told::{Leaving, Live, Pending, Unknown};
        let here = |told| match told {
            Pending => Some(State::Pending),
            Live => Some(State::Live),
            Leaving => Some(State::Leaving),
            _ => None,
        };
        // What a crash can leave: some prepared; all prepared, some live; and the same on removal.
        let left = [
            ([Pending, Unknown, Unknown], false),
            ([Pending, Pending, Unknown], false),
            ([Pending, Pending, Pending], true),
            ([Live, Pending, Pending], true),
            ([Live, Live, Pending], true),
            ([Leaving, Live, Live], true),
            ([Leaving, Leaving, Live], true),
            ([Leaving, Leaving, Leaving], false),
            ([Unknown, Leaving, Leaving], false),
            ([Unknown, Unknown, Leaving], false),
        ];
        for (states, kept) in left {
            for me in 0..3 {
                let decision = decide(here(states[me]), [1, 2].map(|step| Some(states[(me + step) % 3])));
                let stays = match decision.unwrap() {
                    Decision::Keep => true,
                    Decision::Drop => false,
                    Decision::Forget => here(states[me]) == Some(State::Live),
                };
                assert_eq!(stays, kept, "{states:?} at {me}");
            }
        }
    }

    #[test]
    fn a_peer_that_is_still_at_it_is_waited_for() {
        assert_eq!(decide(Some(State::Pending), [Some(Told::Pending), Some(Told::Busy)]), None);
        assert_eq!(decide(Some(State::Pending), [Some(Told::Pending), None]), None);
    }
}

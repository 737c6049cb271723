//! The order in which jobs begin. Node 0 fixes it; all three nodes keep it, so that no two of them
//! ever wait for each other's tables.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vdl_command::{Handle, JobId};
use vdl_transport::Peer;

use super::node_of;
use super::post::Mailbox;

/// What a job uses, as far as others must keep away from it meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touches {
    pub handles: Vec<Handle>,
    /// It gives or takes a name.
    pub names: bool,
    /// It finds its table by name: nobody knows which one before its turn.
    pub by_name: bool,
}

impl Touches {
    fn conflicts(&self, other: &Touches) -> bool {
        self.by_name
            || other.by_name
            || (self.names && other.names)
            || self.handles.iter().any(|handle| other.handles.contains(handle))
    }
}

/// Jobs in the order of their beginning.
pub(crate) struct Order {
    me: u8,
    running: usize,
    line: Mutex<Vec<Place>>,
    announce: std::sync::OnceLock<Announce>,
}

type Announce = Box<dyn Fn(JobId) + Send + Sync>;

struct Place {
    mailbox: Arc<Mailbox>,
    begun: bool,
}

impl Order {
    /// `running`: how many jobs may compute at the same time; only node 0 counts.
    pub fn new(me: u8, running: usize) -> Self {
        Self { me, running, line: Mutex::default(), announce: std::sync::OnceLock::new() }
    }

    /// How node 0 tells the others that a job begins.
    pub fn announce_with(&self, announce: Announce) {
        // Set once, when the node is put together.
        let _ = self.announce.set(announce);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On node 0: the job is ready on all three.
    pub fn enter(&self, mailbox: Arc<Mailbox>) {
        let mut line = self.lock();
        line.push(Place { mailbox, begun: false });
        self.pump(&mut line);
    }

    /// On nodes 1 and 2: node 0 says that the job begins.
    pub fn told_to_start(&self, from: Peer, mailbox: Arc<Mailbox>) {
        let mut line = self.lock();
        let once = line.iter().all(|place| place.mailbox.job != mailbox.job);
        if node_of(self.me, from) == 0 && once {
            line.push(Place { mailbox, begun: false });
            self.pump(&mut line);
        }
    }

    /// The job is over here.
    pub fn leave(&self, job: JobId) {
        let mut line = self.lock();
        line.retain(|place| place.mailbox.job != job);
        self.pump(&mut line);
    }

    /// Begins every job that no earlier one stands in the way of.
    fn pump(&self, line: &mut [Place]) {
        let leads = self.me == 0;
        let mut running = line.iter().filter(|place| place.begun).count();
        for index in 0..line.len() {
            let (earlier, rest) = line.split_at_mut(index);
            let Some(place) = rest.first_mut() else { return };
            let free = !leads || running < self.running;
            let in_the_way = |other: &Place| other.mailbox.touches.conflicts(&place.mailbox.touches);
            if place.begun || !free || earlier.iter().any(in_the_way) {
                continue;
            }
            place.begun = true;
            running += 1;
            if let (true, Some(announce)) = (leads, self.announce.get()) {
                announce(place.mailbox.job);
            }
            place.mailbox.begin();
        }
    }
}

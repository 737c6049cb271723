//! A node's post office: a mailbox per job, filled by the wires, emptied by the job's own thread.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vdl_command::JobId;
use vdl_transport::{Frame, Peer};

use super::frame::{CONTROL, step};
use super::order::{Order, Touches};
use super::slot;

/// How long to wait and how much to hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a peer's next message within a job.
    pub round: Duration,
    /// For the same request to reach the other two nodes.
    pub arrival: Duration,
    /// For a job's turn.
    pub queue: Duration,
    /// For a connection to a peer.
    pub connect: Duration,
    /// Bytes that may lie in one job's mailbox before its peers are held up.
    pub mailbox_bytes: usize,
    /// Jobs that compute at the same time.
    pub running: usize,
    /// Lanes on which one job may work side by side; the fewest that any of the three nodes offers are used.
    pub lanes: u16,
    /// Jobs that are known at the same time, waiting ones included.
    pub jobs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            round: Duration::from_secs(60),
            arrival: Duration::from_secs(60),
            queue: Duration::from_secs(600),
            connect: Duration::from_secs(10),
            mailbox_bytes: 1 << 30,
            running: 4,
            lanes: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4) as u16),
            jobs: 64,
        }
    }
}

/// A peer's reason for stopping a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub code: String,
    pub message: String,
}

/// Why a job is over before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Cancelled,
    Stopped { peer: Peer, notice: Notice },
    Lost { peer: Peer },
    Flooded { peer: Peer },
    ShuttingDown,
}

/// Where the frames for one job wait.
pub(crate) struct Mailbox {
    pub job: JobId,
    pub touches: Touches,
    inside: Mutex<Inside>,
    changed: Condvar,
    /// Bytes that make it full, and how long it may stay so.
    limit: usize,
    patience: Duration,
}

#[derive(Default)]
struct Inside {
    queues: HashMap<(u16, usize), VecDeque<Frame>>,
    bytes: usize,
    frames: usize,
    ready: [bool; 2],
    begun: bool,
    end: Option<End>,
    /// Steps done, of how many.
    progress: (u32, u32),
}

/// Frames that may lie in one mailbox; a party is never more than a few rounds ahead.
const MOST_FRAMES: usize = 4096;

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next frame of a lane, `Err(None)` when none came in time.
    pub fn take(&self, lane: u16, from: Peer, patience: Duration) -> Result<Frame, Option<End>> {
        self.wait(patience, |inside| {
            let frame = inside.queues.get_mut(&(lane, slot(from)))?.pop_front()?;
            let was_full = inside.bytes > self.limit / 2;
            inside.bytes -= frame.payload.len();
            inside.frames -= 1;
            if was_full && inside.bytes <= self.limit / 2 {
                self.changed.notify_all();
            }
            Some(frame)
        })
    }

    pub fn wait_until_both_ready(&self, patience: Duration) -> Result<(), Option<End>> {
        self.wait(patience, |inside| (inside.ready == [true; 2]).then_some(()))
    }

    /// Peers that have not said that they are ready.
    pub fn not_ready(&self) -> Vec<Peer> {
        let ready = self.lock().ready;
        super::PEERS.into_iter().filter(|peer| !ready[slot(*peer)]).collect()
    }

    pub fn wait_until_begun(&self, patience: Duration) -> Result<(), Option<End>> {
        self.wait(patience, |inside| inside.begun.then_some(()))
    }

    /// Waits for the job to end, at most so long.
    pub fn wait_until_ended(&self, patience: Duration) {
        // The end is what `wait` itself looks for.
        let _: Result<(), _> = self.wait(patience, |_| None);
    }

    pub fn begin(&self) {
        self.lock().begun = true;
        self.changed.notify_all();
    }

    /// Ends the job; the first reason stays.
    pub fn end(&self, end: End) {
        let mut inside = self.lock();
        inside.end.get_or_insert(end);
        inside.queues.clear();
        (inside.bytes, inside.frames) = (0, 0);
        drop(inside);
        self.changed.notify_all();
    }

    pub fn ended(&self) -> Option<End> {
        self.lock().end.clone()
    }

    pub fn progress(&self, done: u32, total: u32) {
        self.lock().progress = (done, total);
    }

    /// Steps done, of how many.
    pub fn how_far(&self) -> (u32, u32) {
        self.lock().progress
    }

    fn put(&self, from: Peer, frame: Frame) {
        let mut inside = self.lock();
        if inside.end.is_some() {
            return;
        }
        inside.bytes = inside.bytes.saturating_add(frame.payload.len());
        inside.frames += 1;
        if inside.frames > MOST_FRAMES {
            drop(inside);
            return self.end(End::Flooded { peer: from });
        }
        inside.queues.entry((frame.lane, slot(from))).or_default().push_back(frame);
        drop(inside);
        self.changed.notify_all();
    }

    fn full(&self) -> bool {
        self.lock().bytes > self.limit
    }

    /// More than half full: whoever reads here must not wait for others.
    pub fn must_be_read(&self) -> bool {
        let inside = self.lock();
        inside.bytes > self.limit / 2 || inside.end.is_some()
    }

    /// Waits until enough has been read; a job that never reads ends, so that other jobs' frames get past.
    pub fn wait_for_room(&self, from: Peer) {
        let limit = self.limit;
        let room = self.wait(self.patience, |inside| (inside.bytes <= limit / 2).then_some(()));
        if room == Err(None) {
            self.end(End::Flooded { peer: from });
        }
    }

    /// Waits until `look` finds something or the job ends; `Err(None)` when the patience is over.
    fn wait<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut(&mut Inside) -> Option<T>,
    ) -> Result<T, Option<End>> {
        let deadline = Instant::now() + patience;
        let mut inside = self.lock();
        loop {
            if let Some(end) = &inside.end {
                return Err(Some(end.clone()));
            }
            if let Some(found) = look(&mut inside) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(None);
            }
            inside = self.changed.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Questions about tables in doubt, words on starts, audit logs and rules, for whoever keeps the store.
pub(crate) type Inquiry = (Peer, Frame);

/// What the inquiries of one peer may weigh that were not heard yet; each weighs its bytes and something for the
/// work, about as much as a sync of the disk. More are dropped: whoever needs an answer asks again.
const MOST_UNHEARD: usize = 32 << 20;
const INQUIRY: usize = 64 << 10;

fn weight(frame: &Frame) -> usize {
    INQUIRY.saturating_add(frame.payload.len())
}

/// All mailboxes of a node, and the order in which its jobs begin.
pub(crate) struct Post {
    pub limits: Limits,
    pub order: Order,
    boxes: Mutex<Boxes>,
    inquiries: std::sync::mpsc::Sender<Inquiry>,
    unheard: [AtomicUsize; 2],
}

#[derive(Default)]
struct Boxes {
    open: HashMap<JobId, Arc<Mailbox>>,
    /// What peers said about jobs whose request has not come here yet; the oldest is forgotten first.
    early: VecDeque<(JobId, Early)>,
    closed: bool,
}

enum Early {
    Ready(Peer),
    Stop(End),
}

const MOST_EARLY: usize = 1024;

/// Why a job got no mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoBox {
    Known,
    TooMany,
    ShuttingDown,
}

impl Post {
    pub fn new(limits: Limits, order: Order) -> (Arc<Self>, std::sync::mpsc::Receiver<Inquiry>) {
        let (inquiries, received) = std::sync::mpsc::channel();
        let (boxes, unheard) = Default::default();
        (Arc::new(Self { limits, order, boxes, inquiries, unheard }), received)
    }

    fn lock(&self) -> MutexGuard<'_, Boxes> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mailbox for a job that is not known yet.
    pub fn open(&self, job: JobId, touches: Touches) -> Result<Arc<Mailbox>, NoBox> {
        let mut boxes = self.lock();
        if boxes.closed {
            return Err(NoBox::ShuttingDown);
        }
        if boxes.open.contains_key(&job) {
            return Err(NoBox::Known);
        }
        if boxes.open.len() >= self.limits.jobs {
            return Err(NoBox::TooMany);
        }
        let mut inside = Inside::default();
        boxes.early.retain(|(of, early)| {
            match early {
                _ if *of != job => return true,
                Early::Ready(peer) => inside.ready[slot(*peer)] = true,
                Early::Stop(end) => inside.end = Some(end.clone()),
            }
            false
        });
        let (limit, patience) = (self.limits.mailbox_bytes, self.limits.round);
        let mailbox = Arc::new(Mailbox {
            job,
            touches,
            inside: Mutex::new(inside),
            changed: Condvar::new(),
            limit,
            patience,
        });
        boxes.open.insert(job, mailbox.clone());
        Ok(mailbox)
    }

    pub fn find(&self, job: JobId) -> Option<Arc<Mailbox>> {
        self.lock().open.get(&job).cloned()
    }

    pub fn shut(&self, job: JobId) {
        self.lock().open.remove(&job);
    }

    /// Takes what a wire brought, and never blocks. Gives the job's mailbox if it is full now: a wire that
    /// can, brings no more until there is room.
    pub fn deliver(&self, from: Peer, frame: Frame) -> Option<Arc<Mailbox>> {
        if frame.lane != CONTROL {
            let mailbox = self.find(JobId(frame.job))?;
            mailbox.put(from, frame);
            return mailbox.full().then_some(mailbox);
        }
        match frame.step.as_str() {
            step::READY => self.on_ready(from, JobId(frame.job)),
            step::START => {
                if let Some(mailbox) = self.find(JobId(frame.job)) {
                    self.order.told_to_start(from, mailbox);
                }
            }
            step::STOP => self.on_stop(from, &frame),
            step::ASK
            | step::TELL
            | step::STARTED
            | step::HEAD
            | step::WITNESS
            | step::STANDING
            | step::LACKING
            | step::DOCUMENTS => self.inquire(from, frame),
            _ => {}
        }
        None
    }

    /// One peer alone cannot fill the line, nor keep the other's inquiries out of it.
    fn inquire(&self, from: Peer, frame: Frame) {
        let (weight, unheard) = (weight(&frame), &self.unheard[slot(from)]);
        let before = unheard.fetch_add(weight, Ordering::AcqRel);
        let fits = before == 0 || before.saturating_add(weight) <= MOST_UNHEARD;
        if !fits || self.inquiries.send((from, frame)).is_err() {
            unheard.fetch_sub(weight, Ordering::AcqRel);
        }
    }

    /// An inquiry was taken out of the line.
    pub fn heard(&self, (from, frame): &Inquiry) {
        self.unheard[slot(*from)].fetch_sub(weight(frame), Ordering::AcqRel);
    }

    fn on_ready(&self, from: Peer, job: JobId) {
        let mut boxes = self.lock();
        match boxes.open.get(&job).cloned() {
            Some(mailbox) => {
                drop(boxes);
                mailbox.lock().ready[slot(from)] = true;
                mailbox.changed.notify_all();
            }
            None => remember(&mut boxes, job, Early::Ready(from)),
        }
    }

    fn on_stop(&self, from: Peer, frame: &Frame) {
        let notice = serde_json::from_slice(&frame.payload)
            .unwrap_or(Notice { code: "peer_stopped".into(), message: "it gave no reason".into() });
        let end = match notice.code.as_str() {
            "cancelled" => End::Cancelled,
            _ => End::Stopped { peer: from, notice },
        };
        self.stop(JobId(frame.job), end);
    }

    /// Ends a job, even before it has come here.
    pub fn stop(&self, job: JobId, end: End) {
        let mut boxes = self.lock();
        match boxes.open.get(&job).cloned() {
            Some(mailbox) => {
                drop(boxes);
                mailbox.end(end);
            }
            None => remember(&mut boxes, job, Early::Stop(end)),
        }
    }

    /// A connection to `peer` broke: whatever was under way with it cannot be finished.
    pub fn lost(&self, peer: Peer) {
        let open: Vec<_> = self.lock().open.values().cloned().collect();
        for mailbox in open {
            mailbox.end(End::Lost { peer });
        }
    }

    pub fn closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends all jobs and takes no more.
    pub fn close(&self) {
        let open: Vec<_> = {
            let mut boxes = self.lock();
            boxes.closed = true;
            boxes.open.values().cloned().collect()
        };
        for mailbox in open {
            mailbox.end(End::ShuttingDown);
        }
    }
}

fn remember(boxes: &mut Boxes, job: JobId, early: Early) {
    if boxes.early.len() >= MOST_EARLY {
        boxes.early.pop_front();
    }
    boxes.early.push_back((job, early));
}

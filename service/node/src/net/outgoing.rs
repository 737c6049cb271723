//! The sending end of a link: small messages leave at once, large ones are encrypted by a thread of their own
//! while the protocol goes on.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::ClientConnection;
use vdl_transport::{Frame, FrameError};

/// A TLS record's worth of plaintext.
pub(super) const RECORD: usize = 16 * 1024;
/// What is longer than this is left to the line's own thread.
const LARGE: usize = 256 * 1024;
/// Bytes that may wait for it before senders of more are held up.
const MOST_WAITING: usize = 128 << 20;

/// An open connection to a peer.
pub(super) struct Outgoing {
    pub tls: ClientConnection,
    pub socket: TcpStream,
}

impl Outgoing {
    /// One record and one system call for a small frame; a large one is encrypted where it lies.
    pub fn send(&mut self, frame: &Frame) -> Result<(), FrameError> {
        let mut record = Record { start: Vec::with_capacity(256), to: self };
        frame.write(&mut record)?;
        Ok(record.flush()?)
    }

    fn encrypt(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = self.tls.writer().write(bytes)?;
            bytes = &bytes[taken..];
            while self.tls.wants_write() {
                self.tls.write_tls(&mut self.socket)?;
            }
        }
        Ok(())
    }
}

/// Holds back the header until the payload fills the record with it.
struct Record<'a> {
    start: Vec<u8>,
    to: &'a mut Outgoing,
}

impl Write for Record<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (head, tail) = bytes.split_at(bytes.len().min(RECORD.saturating_sub(self.start.len())));
        self.start.extend_from_slice(head);
        if !tail.is_empty() {
            self.flush()?;
            self.to.encrypt(tail)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.encrypt(&std::mem::take(&mut self.start))
    }
}

/// Frames on their way to one peer, in the order they were given. One of them is written at a time, by
/// whoever holds the turn.
#[derive(Default)]
pub(super) struct Line {
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Default)]
struct Inside {
    waiting: VecDeque<Frame>,
    bytes: usize,
    /// Somebody is writing.
    taken: bool,
    closed: bool,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a small frame back if it may be written now: the caller has the turn and must end it.
    pub fn enter(&self, frame: Frame) -> Option<Frame> {
        let mut inside = self.lock();
        if !inside.taken && inside.waiting.is_empty() && frame.payload.len() <= LARGE {
            inside.taken = true;
            return Some(frame);
        }
        inside.bytes += frame.payload.len();
        inside.waiting.push_back(frame);
        drop(inside);
        self.changed.notify_all();
        None
    }

    /// Waits for a frame and the turn; `None` once the line is closed.
    pub fn next(&self) -> Option<Frame> {
        let mut inside = self.lock();
        loop {
            if inside.closed {
                return None;
            }
            if !inside.taken
                && let Some(frame) = inside.waiting.pop_front()
            {
                inside.taken = true;
                inside.bytes -= frame.payload.len();
                return Some(frame);
            }
            inside = self.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn end_turn(&self) {
        self.lock().taken = false;
        self.changed.notify_all();
    }

    /// Holds a sender up while too much waits here, unless `urgent`: it must read before anything can move.
    pub fn wait_for_room(&self, urgent: &dyn Fn() -> bool) {
        const GLANCE: Duration = Duration::from_millis(5);
        let mut inside = self.lock();
        while inside.bytes > MOST_WAITING && !inside.closed && !urgent() {
            inside = self.changed.wait_timeout(inside, GLANCE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The connection is gone, and what waited for it with it.
    pub fn clear(&self) {
        let mut inside = self.lock();
        inside.waiting.clear();
        inside.bytes = 0;
        drop(inside);
        self.changed.notify_all();
    }

    /// Gives what waits a last moment, then takes no more.
    pub fn close(&self, deadline: Instant) {
        let mut inside = self.lock();
        while inside.taken || !inside.waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            inside = self.changed.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        inside.closed = true;
        drop(inside);
        self.changed.notify_all();
    }
}

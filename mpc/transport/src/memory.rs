//! Three connected lanes inside one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::{Frame, Labels, Lane, Peer, TransportError};

/// How often a waiting party looks whether its job was cancelled.
const GLANCE: Duration = Duration::from_millis(50);

/// One party's end of the memory lanes. Dropping it closes it for the other two.
pub struct MemoryLane {
    labels: Labels,
    timeout: Duration,
    cancelled: Arc<AtomicBool>,
    out: [Sender<Frame>; 2],
    into: [Receiver<Frame>; 2],
}

/// Lanes for parties 0, 1 and 2. No wait is longer than `timeout`.
pub fn lanes(timeout: Duration) -> [MemoryLane; 3] {
    lanes_for([0; 32], 0, timeout, &Arc::default())
}

/// The same for one lane of one job, which ends when `cancelled` becomes true.
pub fn lanes_for(
    job: [u8; 32],
    lane: u16,
    timeout: Duration,
    cancelled: &Arc<AtomicBool>,
) -> [MemoryLane; 3] {
    // What parties 0, 1 and 2 send to the next, then what they send to the previous party.
    let [a, b, c, d, e, f] = std::array::from_fn(|_| channel());
    let end = |next, previous, from_next, from_previous| MemoryLane {
        labels: Labels::new(job, lane),
        timeout,
        cancelled: cancelled.clone(),
        out: [next, previous],
        into: [from_next, from_previous],
    };
    [end(a.0, d.0, e.1, c.1), end(b.0, e.0, f.1, a.1), end(c.0, f.0, d.1, b.1)]
}

impl MemoryLane {
    /// Puts any frame on the lane: how tests play a peer that does not keep to the protocol.
    pub fn send_frame(&mut self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        self.out[to as usize].send(frame).map_err(|_| TransportError::Closed { peer: to })
    }

    /// The frame that `send` would put on the lane, counted as sent.
    pub fn stamp(&mut self, to: Peer, step: &str, payload: Vec<u8>) -> Frame {
        self.labels.stamp(to, step, payload)
    }

    fn wait(&self, from: Peer, step: &'static str) -> Result<Frame, TransportError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(TransportError::Cancelled);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.into[from as usize].recv_timeout(left.min(GLANCE)) {
                Ok(frame) => return Ok(frame),
                Err(RecvTimeoutError::Disconnected) => return Err(TransportError::Closed { peer: from }),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    return Err(TransportError::TimedOut { from, step, waited: self.timeout });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Lane for MemoryLane {
    fn send(&mut self, to: Peer, step: &'static str, payload: Vec<u8>) -> Result<(), TransportError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(TransportError::Cancelled);
        }
        let frame = self.labels.stamp(to, step, payload);
        self.send_frame(to, frame)
    }

    fn receive(&mut self, from: Peer, step: &'static str, length: usize) -> Result<Vec<u8>, TransportError> {
        let frame = self.wait(from, step)?;
        self.labels.check(from, step, length, frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[test]
    fn every_party_hears_its_two_peers() {
        let mut lanes = lanes(SOON);
        for (id, lane) in lanes.iter_mut().enumerate() {
            lane.send(Peer::Next, "to next", vec![id as u8]).unwrap();
            lane.send(Peer::Previous, "to previous", vec![id as u8]).unwrap();
        }
        for (id, lane) in lanes.iter_mut().enumerate() {
            assert_eq!(lane.receive(Peer::Previous, "to next", 1).unwrap(), [Peer::Previous.of(id) as u8]);
            assert_eq!(lane.receive(Peer::Next, "to previous", 1).unwrap(), [Peer::Next.of(id) as u8]);
        }
    }

    #[test]
    fn silence_closing_and_cancelling_end_every_wait() {
        let cancelled = Arc::default();
        let [mut a, b, mut c] = lanes_for([0; 32], 0, SOON, &cancelled);
        assert!(matches!(a.receive(Peer::Next, "x", 1), Err(TransportError::TimedOut { .. })));
        drop(b);
        assert_eq!(a.receive(Peer::Next, "x", 1), Err(TransportError::Closed { peer: Peer::Next }));
        assert_eq!(c.send(Peer::Previous, "x", vec![]), Err(TransportError::Closed { peer: Peer::Previous }));
        cancelled.store(true, Ordering::Relaxed);
        assert_eq!(c.receive(Peer::Next, "x", 1), Err(TransportError::Cancelled));
    }
}

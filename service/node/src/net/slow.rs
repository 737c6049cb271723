//! A wide-area link, emulated: frames are held back as a long and narrow line would.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use vdl_transport::{Frame, Peer, TransportError};

use super::{PEERS, Wire, slot};
use crate::error::NodeError;

/// Hands frames to the wire beneath when they would have arrived: a frame leaves once all before it have
/// passed the line at its rate, and travels for the delay. One thread per direction.
pub struct SlowWire {
    beneath: Arc<dyn Wire>,
    delay: Duration,
    lines: [Sender<(Instant, Frame)>; 2],
}

impl SlowWire {
    /// `delay` is one way; without a rate the line is only long.
    pub fn over(
        beneath: Arc<dyn Wire>,
        delay: Duration,
        bits_per_second: Option<f64>,
    ) -> Result<Arc<Self>, NodeError> {
        let ends = PEERS.map(|peer| {
            let (sender, waiting) = channel();
            (sender, Line { peer, waiting, beneath: beneath.clone(), delay, bits_per_second })
        });
        let lines = [ends[0].0.clone(), ends[1].0.clone()];
        for (_, line) in ends {
            let spawned = thread::Builder::new().name("vdl-slow".into()).spawn(move || line.carry());
            spawned.map_err(|error| NodeError::Link(format!("no thread: {error}")))?;
        }
        Ok(Arc::new(Self { beneath, delay, lines }))
    }
}

/// One direction of the line to one peer.
struct Line {
    peer: Peer,
    waiting: Receiver<(Instant, Frame)>,
    beneath: Arc<dyn Wire>,
    delay: Duration,
    bits_per_second: Option<f64>,
}

impl Line {
    /// Until nobody sends any more, or the wire beneath takes no more.
    fn carry(self) {
        let mut free = Instant::now();
        for (entered, frame) in &self.waiting {
            let bits = frame.payload.len() as f64 * 8.0;
            let passing = self.bits_per_second.map_or(0.0, |rate| bits / rate);
            free = free.max(entered) + Duration::try_from_secs_f64(passing).unwrap_or_default();
            thread::sleep((free + self.delay).saturating_duration_since(Instant::now()));
            if self.beneath.send(self.peer, frame).is_err() {
                return;
            }
        }
    }
}

impl Wire for SlowWire {
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        self.lines[slot(to)].send((Instant::now(), frame)).map_err(|_| TransportError::Closed { peer: to })
    }

    fn wait_for_room(&self, to: Peer, urgent: &dyn Fn() -> bool) {
        self.beneath.wait_for_room(to, urgent);
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        self.beneath.wait_until_up(patience)
    }

    fn round_trip(&self) -> Duration {
        self.beneath.round_trip() + 2 * self.delay
    }

    fn close(&self) {
        self.beneath.close();
    }
}

//! The lanes of a job over the node's wires.

use std::sync::Arc;
use std::time::Duration;

use vdl_transport::{Frame, Labels, Lane, MAX_PAYLOAD, Peer, TransportError};

use super::Wire;
use super::post::{End, Mailbox};

/// One lane of one job. Both ends count and name every frame for themselves.
pub(crate) struct NodeLane {
    wire: Arc<dyn Wire>,
    mailbox: Arc<Mailbox>,
    lane: u16,
    patience: Duration,
    labels: Labels,
}

impl NodeLane {
    pub fn new(wire: Arc<dyn Wire>, mailbox: Arc<Mailbox>, lane: u16, patience: Duration) -> Self {
        let labels = Labels::new(mailbox.job.0, lane);
        Self { wire, mailbox, lane, patience, labels }
    }

    /// The next frame, whatever its length.
    pub fn receive_any(&mut self, from: Peer, step: &'static str) -> Result<Vec<u8>, TransportError> {
        let frame = self.next_frame(from, step)?;
        self.labels.check(from, step, frame.payload.len(), frame)
    }

    /// Three nodes that all send much before they read must not wait for one another: whose mailbox fills up
    /// goes on, and comes to reading.
    fn wait_for_room(&self, to: Peer, length: usize) {
        const LARGE: usize = 1 << 16;
        if length > LARGE {
            self.wire.wait_for_room(to, &|| self.mailbox.must_be_read());
        }
    }

    fn next_frame(&mut self, from: Peer, step: &'static str) -> Result<Frame, TransportError> {
        let patience = self.patience;
        self.mailbox
            .take(self.lane, from, patience)
            .map_err(|end| end.map_or(TransportError::TimedOut { from, step, waited: patience }, failure))
    }
}

impl Lane for NodeLane {
    fn send(&mut self, to: Peer, step: &'static str, payload: Vec<u8>) -> Result<(), TransportError> {
        if let Some(end) = self.mailbox.ended() {
            return Err(failure(end));
        }
        if payload.len() <= MAX_PAYLOAD {
            self.wait_for_room(to, payload.len());
            return self.wire.send(to, self.labels.stamp(to, step, payload));
        }
        for part in payload.chunks(MAX_PAYLOAD) {
            self.wait_for_room(to, part.len());
            self.wire.send(to, self.labels.stamp(to, step, part.to_vec()))?;
        }
        Ok(())
    }

    fn receive(&mut self, from: Peer, step: &'static str, length: usize) -> Result<Vec<u8>, TransportError> {
        let first = self.next_frame(from, step)?;
        let mut payload = self.labels.check(from, step, length.min(MAX_PAYLOAD), first)?;
        while payload.len() < length {
            let part = self.next_frame(from, step)?;
            let expected = (length - payload.len()).min(MAX_PAYLOAD);
            payload.extend_from_slice(&self.labels.check(from, step, expected, part)?);
        }
        Ok(payload)
    }
}

/// How a protocol hears that its job is over.
pub(crate) fn failure(end: End) -> TransportError {
    match end {
        End::Cancelled | End::ShuttingDown => TransportError::Cancelled,
        End::Stopped { peer, notice } => TransportError::PeerStopped { peer, reason: notice.message },
        End::Lost { peer } => TransportError::Closed { peer },
        End::Flooded { peer } => TransportError::WrongFrame {
            from: peer,
            expected: "no more frames than the job needs".into(),
            got: "a flood".into(),
        },
    }
}

//! The lanes of a job over the node's wires.

use std::sync::Arc;
use std::time::Duration;

use vdl_command::JobId;
use vdl_transport::{Lane, Peer, TransportError};

use super::frame::Frame;
use super::post::{End, Mailbox};
use super::{Wire, slot};

/// One lane of one job. Both ends count and name every frame for themselves.
pub(crate) struct NodeLane {
    wire: Arc<dyn Wire>,
    mailbox: Arc<Mailbox>,
    lane: u16,
    patience: Duration,
    sent: [u32; 2],
    received: [u32; 2],
}

impl NodeLane {
    pub fn new(wire: Arc<dyn Wire>, mailbox: Arc<Mailbox>, lane: u16, patience: Duration) -> Self {
        Self { wire, mailbox, lane, patience, sent: [0; 2], received: [0; 2] }
    }

    pub fn job(&self) -> JobId {
        self.mailbox.job
    }

    /// The next frame, whatever its length.
    pub fn receive_any(&mut self, from: Peer, step: &'static str) -> Result<Vec<u8>, TransportError> {
        let frame = self
            .mailbox
            .take(self.lane, from, self.patience)
            .map_err(|end| end.map_or(TransportError::TimedOut { from, step, waited: self.patience }, failure))?;
        let expected = self.received[slot(from)];
        self.received[slot(from)] = expected.wrapping_add(1);
        if frame.sequence != expected || frame.step != step {
            return Err(TransportError::WrongFrame {
                from,
                expected: format!("{expected} `{step}`"),
                got: format!("{} `{}`", frame.sequence, frame.step.escape_default()),
            });
        }
        Ok(frame.payload)
    }
}

impl Lane for NodeLane {
    fn send(&mut self, to: Peer, step: &'static str, payload: Vec<u8>) -> Result<(), TransportError> {
        if let Some(end) = self.mailbox.ended() {
            return Err(failure(end));
        }
        let sequence = self.sent[slot(to)];
        self.sent[slot(to)] = sequence.wrapping_add(1);
        let frame = Frame { job: self.job(), lane: self.lane, sequence, step: step.into(), payload };
        self.wire.send(to, frame)
    }

    fn receive(&mut self, from: Peer, step: &'static str, length: usize) -> Result<Vec<u8>, TransportError> {
        let payload = self.receive_any(from, step)?;
        if payload.len() != length {
            return Err(TransportError::WrongFrame {
                from,
                expected: format!("`{step}` of {length} bytes"),
                got: format!("{} bytes", payload.len()),
            });
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

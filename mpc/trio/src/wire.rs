//! A memory lane that remembers what was sent and may tamper with it.

use std::sync::{Arc, Mutex, PoisonError};

use vdl_transport::memory::MemoryLane;
use vdl_transport::{Lane, Peer, TransportError};

use crate::tamper::Tamper;

/// What an observer of the wires sees of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub from: usize,
    pub to: usize,
    pub lane: u16,
    /// Among the messages of this sender on this lane.
    pub number: usize,
    pub step: &'static str,
    pub length: usize,
    /// What is in it, where asked for.
    pub payload: Vec<u8>,
}

pub struct Wire {
    party: usize,
    number: u16,
    lane: MemoryLane,
    log: Arc<Mutex<Vec<Message>>>,
    sent: usize,
    keep: bool,
    tamper: Option<Tamper>,
    held: Option<Vec<u8>>,
}

impl Wire {
    pub fn new(
        party: usize,
        number: u16,
        lane: MemoryLane,
        log: Arc<Mutex<Vec<Message>>>,
        tamper: Option<Tamper>,
    ) -> Self {
        Self { party, number, lane, log, sent: 0, keep: false, tamper, held: None }
    }

    /// The log gets the payloads too.
    pub fn keep_payloads(mut self, keep: bool) -> Self {
        self.keep = keep;
        self
    }
}

impl Lane for Wire {
    fn send(&mut self, to: Peer, step: &'static str, payload: Vec<u8>) -> Result<(), TransportError> {
        let number = self.sent;
        self.sent += 1;
        let (from, to_party, lane) = (self.party, to.of(self.party), self.number);
        let kept = if self.keep { payload.clone() } else { Vec::new() };
        let message =
            Message { from, to: to_party, lane, number, step, length: payload.len(), payload: kept };
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        match self.tamper.filter(|tamper| tamper.hits(number, step)) {
            Some(tamper) => tamper.send(&mut self.lane, to, step, payload, &mut self.held),
            None => {
                self.held = Some(payload.clone());
                self.lane.send(to, step, payload)
            }
        }
    }

    fn receive(&mut self, from: Peer, step: &'static str, length: usize) -> Result<Vec<u8>, TransportError> {
        self.lane.receive(from, step, length)
    }
}

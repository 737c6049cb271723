//! One party that does not keep to the protocol on the wire.

use std::time::Duration;

use vdl_transport::memory::MemoryLane;
use vdl_transport::{Lane, Peer, TransportError};

/// Who misbehaves, with which messages, and how.
#[derive(Clone, Copy, Debug)]
pub struct Tamper {
    pub party: usize,
    /// Only messages of this step, where given.
    pub step: Option<&'static str>,
    /// Only this message of the party, counted from zero, where given.
    pub number: Option<usize>,
    pub trick: Trick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// Flips the lowest bit of the first byte.
    Flip,
    /// Adds one to every byte.
    Add,
    /// Sends the payload of the message before instead.
    Swap,
    /// Sends the frame twice.
    Replay,
    /// Leaves out the last byte.
    Truncate,
    /// Adds a byte.
    Lengthen,
    /// Sends nothing.
    Drop,
    /// Sends it after a while.
    Delay(Duration),
    /// Sends it under the name of another step.
    Rename,
}

impl Tamper {
    pub fn hits(&self, number: usize, step: &str) -> bool {
        self.step.is_none_or(|hit| hit == step) && self.number.is_none_or(|hit| hit == number)
    }

    pub fn send(
        &self,
        lane: &mut MemoryLane,
        to: Peer,
        step: &'static str,
        mut payload: Vec<u8>,
        held: &mut Option<Vec<u8>>,
    ) -> Result<(), TransportError> {
        let before = held.replace(payload.clone());
        match self.trick {
            Trick::Flip => payload.iter_mut().take(1).for_each(|byte| *byte ^= 1),
            Trick::Add => payload.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1)),
            Trick::Swap => payload = before.unwrap_or_default(),
            Trick::Replay => {
                let frame = lane.stamp(to, step, payload);
                lane.send_frame(to, frame.clone())?;
                return lane.send_frame(to, frame);
            }
            Trick::Truncate => {
                payload.pop();
            }
            Trick::Lengthen => payload.push(0),
            Trick::Drop => return Ok(()),
            Trick::Delay(time) => std::thread::sleep(time),
            Trick::Rename => return lane.send(to, "another step", payload),
        }
        lane.send(to, step, payload)
    }
}

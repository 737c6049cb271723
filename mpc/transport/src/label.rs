//! What the next frame must be called, counted at both ends.

use crate::{Frame, Peer, TransportError};

/// Counts the frames of one lane in each direction and checks every frame that comes.
#[derive(Clone, Debug)]
pub struct Labels {
    job: [u8; 32],
    lane: u16,
    sent: [u32; 2],
    received: [u32; 2],
}

impl Labels {
    pub fn new(job: [u8; 32], lane: u16) -> Self {
        Self { job, lane, sent: [0; 2], received: [0; 2] }
    }

    /// The next frame to `to`.
    pub fn stamp(&mut self, to: Peer, step: &str, payload: Vec<u8>) -> Frame {
        let sequence = &mut self.sent[to as usize];
        let frame = Frame { job: self.job, lane: self.lane, sequence: *sequence, step: step.into(), payload };
        *sequence = sequence.wrapping_add(1);
        frame
    }

    /// The payload of `frame`, if it is the one that must come now.
    pub fn check(
        &mut self,
        from: Peer,
        step: &str,
        length: usize,
        frame: Frame,
    ) -> Result<Vec<u8>, TransportError> {
        let sequence = &mut self.received[from as usize];
        let expected = describe(self.lane, *sequence, step, length);
        let same_job = frame.job == self.job;
        let got = describe(frame.lane, frame.sequence, &frame.step, frame.payload.len());
        if !same_job || got != expected {
            let got = if same_job { got } else { format!("{got} of another job") };
            return Err(TransportError::WrongFrame { from, expected, got });
        }
        *sequence = sequence.wrapping_add(1);
        Ok(frame.payload)
    }
}

fn describe(lane: u16, sequence: u32, step: &str, length: usize) -> String {
    format!("#{sequence} `{step}` of {length} bytes on lane {lane}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_that_was_sent_is_taken_once() {
        let (mut sender, mut receiver) = (Labels::new([1; 32], 3), Labels::new([1; 32], 3));
        let frame = sender.stamp(Peer::Next, "open", vec![7]);
        assert_eq!(receiver.check(Peer::Previous, "open", 1, frame.clone()), Ok(vec![7]));
        assert!(receiver.check(Peer::Previous, "open", 1, frame).is_err(), "a repeated frame");
    }

    #[test]
    fn a_frame_of_another_job_lane_step_place_or_length_is_an_error() {
        let good = Labels::new([1; 32], 3).stamp(Peer::Next, "open", vec![7]);
        let wrong = [
            Frame { job: [2; 32], ..good.clone() },
            Frame { lane: 4, ..good.clone() },
            Frame { sequence: 1, ..good.clone() },
            Frame { step: "close".into(), ..good.clone() },
            Frame { payload: vec![7, 7], ..good.clone() },
            Frame { payload: vec![], ..good },
        ];
        for frame in wrong {
            let mut receiver = Labels::new([1; 32], 3);
            let result = receiver.check(Peer::Previous, "open", 1, frame);
            assert!(matches!(result, Err(TransportError::WrongFrame { .. })));
        }
    }
}

//! One message on the wire.
//!
//! ```text
//! payload length u32 | job 32 bytes | lane u16 | sequence u32 | step length u8 | step | payload
//! ```

use std::io::{self, Read, Write};

use thiserror::Error;

/// Bytes of payload in one frame. Longer messages are cut by whoever sends them.
pub const MAX_PAYLOAD: usize = 1 << 26;

const HEADER: usize = 4 + 32 + 2 + 4 + 1;

#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    pub job: [u8; 32],
    pub lane: u16,
    /// Position among all frames of this lane in this direction, from zero.
    pub sequence: u32,
    pub step: String,
    pub payload: Vec<u8>,
}

#[derive(Debug, Error)]
pub enum FrameError {
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("a frame of {0} bytes is longer than any frame may be")]
    TooLong(usize),
    #[error("a frame names its step in bytes that are not text")]
    Step,
    #[error("there are {0} bytes after the frame")]
    Trailing(usize),
}

impl Frame {
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let mut out = Vec::with_capacity(HEADER + self.step.len() + self.payload.len());
        self.write(&mut out)?;
        Ok(out)
    }

    pub fn write(&self, to: &mut impl Write) -> Result<(), FrameError> {
        let length = u32::try_from(self.payload.len()).ok().filter(|_| self.payload.len() <= MAX_PAYLOAD);
        let length = length.ok_or(FrameError::TooLong(self.payload.len()))?;
        let step = u8::try_from(self.step.len()).map_err(|_| FrameError::Step)?;
        let mut header = Vec::with_capacity(HEADER + self.step.len());
        header.extend_from_slice(&length.to_le_bytes());
        header.extend_from_slice(&self.job);
        header.extend_from_slice(&self.lane.to_le_bytes());
        header.extend_from_slice(&self.sequence.to_le_bytes());
        header.push(step);
        header.extend_from_slice(self.step.as_bytes());
        to.write_all(&header)?;
        to.write_all(&self.payload)?;
        Ok(())
    }

    /// Waits for one whole frame.
    pub fn read(from: &mut impl Read) -> Result<Self, FrameError> {
        let length = u32::from_le_bytes(array(from)?) as usize;
        if length > MAX_PAYLOAD {
            return Err(FrameError::TooLong(length));
        }
        let job = array(from)?;
        let lane = u16::from_le_bytes(array(from)?);
        let sequence = u32::from_le_bytes(array(from)?);
        let [step_length] = array(from)?;
        let step = bytes(from, usize::from(step_length))?;
        let step = String::from_utf8(step).map_err(|_| FrameError::Step)?;
        let payload = bytes(from, length)?;
        Ok(Self { job, lane, sequence, step, payload })
    }

    /// One frame and nothing else.
    pub fn decode(mut all: &[u8]) -> Result<Self, FrameError> {
        let frame = Self::read(&mut all)?;
        if all.is_empty() { Ok(frame) } else { Err(FrameError::Trailing(all.len())) }
    }
}

fn array<const N: usize>(from: &mut impl Read) -> Result<[u8; N], FrameError> {
    let mut out = [0; N];
    from.read_exact(&mut out)?;
    Ok(out)
}

/// A header that lies reserves addresses only: pages are taken from the system as bytes arrive.
fn bytes(from: &mut impl Read, length: usize) -> Result<Vec<u8>, FrameError> {
    let mut out = Vec::with_capacity(length.min(MAX_PAYLOAD));
    from.by_ref().take(length as u64).read_to_end(&mut out)?;
    if out.len() == length { Ok(out) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame(lane {}, #{}, `{}`)", self.lane, self.sequence, self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame { job: [5; 32], lane: 7, sequence: 9, step: "open".into(), payload: vec![1, 2, 3] }
    }

    #[test]
    fn a_frame_comes_back() {
        assert_eq!(Frame::decode(&frame().encode().unwrap()).unwrap(), frame());
    }

    #[test]
    fn a_cut_or_lengthened_frame_is_an_error() {
        let bytes = frame().encode().unwrap();
        for end in 0..bytes.len() {
            assert!(Frame::decode(&bytes[..end]).is_err());
        }
        assert!(matches!(Frame::decode(&[bytes, vec![0]].concat()), Err(FrameError::Trailing(1))));
    }

    #[test]
    fn an_announced_gigabyte_is_refused_before_memory_is_taken() {
        let mut bytes = frame().encode().unwrap();
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(Frame::decode(&bytes), Err(FrameError::TooLong(_))));
    }

    #[test]
    fn no_changed_byte_makes_reading_panic() {
        let bytes = frame().encode().unwrap();
        for at in 0..bytes.len() {
            for to in 0..=255 {
                let mut bytes = bytes.clone();
                bytes[at] = to;
                let _ = Frame::decode(&bytes);
            }
        }
    }
}

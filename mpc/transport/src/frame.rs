//! One message on the wire.
//!
//! ```text
//! payload length u32 | job 32 bytes | lane u16 | sequence u32 | step length u8 | step | payload
//! ```

use std::io::{self, Write};

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

    /// One frame and nothing else.
    pub fn decode(all: &[u8]) -> Result<Self, FrameError> {
        let mut first = None;
        Assembler::default().feed(all, |frame| {
            first.get_or_insert(frame);
        })?;
        let frame = first.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let length = HEADER + frame.step.len() + frame.payload.len();
        if all.len() == length { Ok(frame) } else { Err(FrameError::Trailing(all.len() - length)) }
    }

    /// A frame without its payload yet, and how long that will be.
    fn begin(header: &[u8]) -> Result<(Self, usize), FrameError> {
        let mut rest = header;
        let length = u32::from_le_bytes(array(&mut rest)?) as usize;
        if length > MAX_PAYLOAD {
            return Err(FrameError::TooLong(length));
        }
        let job = array(&mut rest)?;
        let lane = u16::from_le_bytes(array(&mut rest)?);
        let sequence = u32::from_le_bytes(array(&mut rest)?);
        let step = rest.get(1..).unwrap_or_default();
        let step = String::from_utf8(step.to_vec()).map_err(|_| FrameError::Step)?;
        // A header that lies reserves addresses only: pages are taken from the system as bytes arrive.
        Ok((Self { job, lane, sequence, step, payload: Vec::with_capacity(length) }, length))
    }
}

fn array<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (first, rest) =
        from.split_first_chunk().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    *from = rest;
    Ok(*first)
}

/// Puts frames together from a stream of bytes, however it is cut. A payload is copied once, to where it
/// stays.
#[derive(Default)]
pub struct Assembler {
    header: Vec<u8>,
    /// The frame whose payload is coming, and how long that is.
    open: Option<(Frame, usize)>,
}

impl Assembler {
    /// Takes the next bytes; `whole` gets every frame that they complete. After an error the stream has no
    /// meaning any more.
    pub fn feed(&mut self, mut bytes: &[u8], mut whole: impl FnMut(Frame)) -> Result<(), FrameError> {
        loop {
            if let Some((mut frame, length)) = self.open.take() {
                let missing = length - frame.payload.len();
                frame.payload.extend_from_slice(take(&mut bytes, missing));
                if frame.payload.len() < length {
                    self.open = Some((frame, length));
                    return Ok(());
                }
                whole(frame);
            }
            if !(self.read_header(&mut bytes, HEADER) && self.read_header(&mut bytes, self.header_length())) {
                return Ok(());
            }
            self.open = Some(Frame::begin(&self.header)?);
            self.header.clear();
        }
    }

    /// The last byte of the fixed part says how long the step's name is.
    fn header_length(&self) -> usize {
        HEADER + self.header.get(HEADER - 1).copied().map_or(0, usize::from)
    }

    /// Whether so many bytes of the header are there.
    fn read_header(&mut self, bytes: &mut &[u8], length: usize) -> bool {
        let missing = length.saturating_sub(self.header.len());
        self.header.extend_from_slice(take(bytes, missing));
        self.header.len() >= length
    }
}

/// At most so many bytes off the front.
fn take<'a>(from: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = from.split_at(from.len().min(most));
    *from = rest;
    taken
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
    fn frames_come_out_of_a_stream_however_it_is_cut() {
        let frames: Vec<Frame> = (0..5u8)
            .map(|n| Frame { sequence: n.into(), payload: vec![n; usize::from(n) * 7], ..frame() })
            .collect();
        let stream: Vec<u8> = frames.iter().flat_map(|frame| frame.encode().unwrap()).collect();
        for size in 1..stream.len() {
            let (mut assembler, mut got) = (Assembler::default(), Vec::new());
            for piece in stream.chunks(size) {
                assembler.feed(piece, |frame| got.push(frame)).unwrap();
            }
            assert_eq!(got, frames, "cut every {size} bytes");
        }
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

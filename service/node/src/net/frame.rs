//! The frames between nodes: a header that both ends check, and raw bytes.

use std::borrow::Cow;
use std::io::{self, Read};

use vdl_command::JobId;

/// One message between two nodes, for one lane of one job.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    pub job: JobId,
    pub lane: u16,
    pub sequence: u32,
    pub step: Cow<'static, str>,
    pub payload: Vec<u8>,
}

/// Frames that steer jobs travel on a lane of their own, outside any sequence.
pub(crate) const CONTROL: u16 = u16::MAX;

/// What a control frame says.
pub(crate) mod step {
    /// To node 0: this node has the job and would begin.
    pub const READY: &str = "ready";
    /// From node 0: the job's turn has come.
    pub const START: &str = "start";
    /// The job is over here; the payload says why.
    pub const STOP: &str = "stop";
    /// What became of these tables?
    pub const ASK: &str = "ask";
    /// This.
    pub const TELL: &str = "tell";
}

/// A frame longer than this is refused before anything is allocated for it.
pub(crate) const LONGEST: u32 = 1 << 30;
const LONGEST_STEP: usize = 64;
/// payload length, job, lane, sequence, length of the step's name
const FIXED: usize = 4 + 32 + 2 + 4 + 1;

impl Frame {
    pub(crate) fn control(job: JobId, step: &'static str, payload: Vec<u8>) -> Self {
        Self { job, lane: CONTROL, sequence: 0, step: Cow::Borrowed(step), payload }
    }

    /// The header; `None` for a frame that no peer would take.
    pub(crate) fn header(&self) -> Option<Vec<u8>> {
        let length = u32::try_from(self.payload.len()).ok().filter(|length| *length <= LONGEST)?;
        let step_length = u8::try_from(self.step.len()).ok().filter(|n| usize::from(*n) <= LONGEST_STEP)?;
        let mut header = Vec::with_capacity(FIXED + self.step.len());
        header.extend_from_slice(&length.to_le_bytes());
        header.extend_from_slice(&self.job.0);
        header.extend_from_slice(&self.lane.to_le_bytes());
        header.extend_from_slice(&self.sequence.to_le_bytes());
        header.push(step_length);
        header.extend_from_slice(self.step.as_bytes());
        Some(header)
    }

    /// Reads one frame. Memory is taken as bytes arrive, not as they are announced.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "malformed frame");
        let length = u32::from_le_bytes(array(from)?);
        let job = JobId(array(from)?);
        let lane = u16::from_le_bytes(array(from)?);
        let sequence = u32::from_le_bytes(array(from)?);
        let [step_length] = array::<1>(from)?;
        if length > LONGEST || usize::from(step_length) > LONGEST_STEP {
            return Err(malformed());
        }
        let mut step = vec![0; usize::from(step_length)];
        from.read_exact(&mut step)?;
        let step = String::from_utf8(step).map_err(|_| malformed())?;
        // Zeroed pages are only taken from the system once written to.
        let mut payload = vec![0; length as usize];
        from.read_exact(&mut payload)?;
        Ok(Self { job, lane, sequence, step: Cow::Owned(step), payload })
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} lane {} #{}, {} bytes)", self.step, self.lane, self.sequence, self.payload.len())
    }
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(payload: Vec<u8>) -> Frame {
        Frame { job: JobId([7; 32]), lane: 3, sequence: 9, step: Cow::Borrowed("and"), payload }
    }

    #[test]
    fn a_frame_comes_back_as_it_was_written() {
        let frame = sample(vec![1, 2, 3]);
        let bytes = [frame.header().unwrap(), frame.payload.clone()].concat();
        assert_eq!(Frame::read(&mut bytes.as_slice()).unwrap(), frame);
        for cut in 0..bytes.len() {
            assert!(Frame::read(&mut &bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn an_announced_giant_is_refused_before_it_is_read() {
        let mut bytes = sample(vec![]).header().unwrap();
        bytes[..4].copy_from_slice(&(LONGEST + 1).to_le_bytes());
        let refused = Frame::read(&mut bytes.as_slice()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }
}

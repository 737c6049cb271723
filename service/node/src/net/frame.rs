//! Frames that steer jobs: outside any sequence, on a lane of their own.

use vdl_command::JobId;
use vdl_transport::Frame;

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
    /// From node 0: whether it counted the start of a run.
    pub const STARTED: &str = "started";
    /// So far goes the audit log here.
    pub const HEAD: &str = "head";
    /// Signed, or: more of it was seen.
    pub const WITNESS: &str = "witness";
    /// Which rules the sender goes by; asks for the same, or answers.
    pub const STANDING: &str = "standing";
    /// What the sender knows of policies and revocations.
    pub const LACKING: &str = "lacking";
    /// Policies and revocations, for the other to check.
    pub const DOCUMENTS: &str = "documents";
}

pub(crate) fn control(job: JobId, step: &str, payload: Vec<u8>) -> Frame {
    Frame { job: job.0, lane: CONTROL, sequence: 0, step: step.into(), payload }
}

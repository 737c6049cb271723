//! What a client and a node say to each other. Every body is one header in JSON and raw bytes:
//! `u32` little-endian header length, header, payload.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::command::SortKey;
use crate::handle::{Digest, Handle, JobId, Nonce};
use crate::json::{LARGEST_JSON, ReadError, Tree};
use crate::rules::TableRules;
use crate::types::ColumnMeta;

/// Why a body is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    #[error("the body is shorter than it says")]
    Short,
    #[error("the header is longer than {} MiB", LARGEST_JSON >> 20)]
    Long,
    #[error("the header is not understood: {0}")]
    Header(#[from] ReadError),
}

/// The length and the header; the payload, if any, is to follow it.
pub fn encode_header<T: Serialize>(header: &T) -> Result<Vec<u8>, WireError> {
    let mut body = vec![0; 4];
    serde_json::to_writer(&mut body, header).map_err(ReadError::from)?;
    let length = body.len() - 4;
    let written = u32::try_from(length).ok().filter(|_| length <= LARGEST_JSON).ok_or(WireError::Long)?;
    body.splice(..4, written.to_le_bytes());
    Ok(body)
}

/// A whole body.
pub fn encode<T: Serialize>(header: &T, payload: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut body = encode_header(header)?;
    body.extend_from_slice(payload);
    Ok(body)
}

/// How long header and its length field are together, once the first four bytes are known.
pub fn header_end(start: [u8; 4]) -> Result<usize, WireError> {
    match usize::try_from(u32::from_le_bytes(start)) {
        Ok(length) if length <= LARGEST_JSON => Ok(length + 4),
        _ => Err(WireError::Long),
    }
}

/// The header, read strictly, and the payload behind it.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<(T, &[u8]), WireError> {
    let start = body.first_chunk::<4>().ok_or(WireError::Short)?;
    let (header, payload) = body.split_at_checked(header_end(*start)?).ok_or(WireError::Short)?;
    let header = header.get(4..).ok_or(WireError::Short)?;
    Tree::read(header)?;
    Ok((serde_json::from_slice(header).map_err(ReadError::from)?, payload))
}

/// Where a request goes; `POST /v1/<path>` over HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// No body -> [`Info`].
    Info,
    /// [`Request`] and upload payload -> [`Answer`] and opened shares.
    Command,
    /// [`StartRun`] and the envelope's exact bytes -> [`StartedRun`].
    StartRun,
    /// `CloseRun` -> empty.
    CloseRun,
    /// `JobId` -> empty; the job fails with `cancelled` on this node and its peers.
    Cancel,
    /// `JobId` -> `Progress`.
    Progress,
    /// No body -> which policies and revocations hold, as `vdl_authorize::Policies`.
    Policy,
    /// A policy or a revocation in its envelope, no header -> `vdl_authorize::Standing`.
    Publish,
    /// [`AskUsed`] -> a [`Used`] for each, in the same order.
    Runs,
    /// [`AskLog`] -> [`LogPart`] and whole lines of this server's audit log.
    Audit,
    /// One of the first six in a sealed parcel -> its answer, sealed as well.
    Sealed,
}

impl Route {
    pub const ALL: [Route; 11] = [
        Route::Info,
        Route::Command,
        Route::StartRun,
        Route::CloseRun,
        Route::Cancel,
        Route::Progress,
        Route::Policy,
        Route::Publish,
        Route::Runs,
        Route::Audit,
        Route::Sealed,
    ];

    /// As in the address.
    pub fn path(self) -> &'static str {
        match self {
            Route::Info => "/v1/info",
            Route::Command => "/v1/command",
            Route::StartRun => "/v1/runs/start",
            Route::CloseRun => "/v1/runs/close",
            Route::Cancel => "/v1/jobs/cancel",
            Route::Progress => "/v1/jobs/progress",
            Route::Policy => "/v1/policy",
            Route::Publish => "/v1/publish",
            Route::Runs => "/v1/runs",
            Route::Audit => "/v1/audit",
            Route::Sealed => "/v1/sealed",
        }
    }
}

/// The environment a cluster has and an approval is for, where nothing else is said.
pub const DEFAULT_ENVIRONMENT: &str = "production";

/// What a server asks before it computes; chosen when it starts, the same on all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing: every command runs at once. For dummy data.
    Design,
    /// An approval and the analyst's signature, for every command.
    Authorized,
}

/// What a server says of itself to whoever has the access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Which of the three it is: 0, 1 or 2.
    pub node: u8,
    /// Of its program, such as `0.1.0`.
    pub version: String,
    pub mode: Mode,
    /// The name that approvals must be made for.
    pub environment: String,
    /// Base64 of the public key to which parcels for this server are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_key: Option<String>,
}

/// How many approvals may be asked about at once.
pub const MOST_ASKED: usize = 1000;

/// How far are these approvals used up?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskUsed {
    /// At most [`MOST_ASKED`].
    pub approvals: Vec<Digest>,
}

/// What a server has counted of an approval; nothing of one it never saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    pub approval: Digest,
    /// Started runs.
    pub runs: u64,
    /// Commands, counted where the approval limits them.
    pub uses: u64,
}

/// At most so many bytes of an audit log are sent at once.
pub const LONGEST_LOG_PART: u64 = 4 << 20;

/// A server's audit log from a byte on, at which a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskLog {
    pub from: u64,
}

/// Lines as they stand in the file follow as payload; none at the end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPart {
    /// Where the next part begins.
    pub next: u64,
}

/// One command to be run, the same for all three servers. An upload brings the server's shares as payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Drawn anew for every attempt.
    pub job: JobId,
    /// The command's exact JSON text: these bytes are hashed, matched and signed.
    pub command: String,
    /// Rows of an upload; `None` for every other command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Required in authorized mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
}

/// Why this command may run: a step of a started run, signed by the analyst.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Digest of the approved statement's exact bytes.
    pub approval: Digest,
    /// The three nodes' nonces; the run id is derived from them.
    pub nonces: [Nonce; 3],
    pub step: u32,
    /// Base64 Ed25519 signature by the analyst; `vdl_authorize` says over what.
    pub signature: String,
}

/// A table's public description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMeta {
    pub handle: Handle,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub rows: u64,
    pub columns: Vec<ColumnMeta>,
    /// The columns its rows are known to be sorted by, the first one counting most; nulls last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sorted: Vec<SortKey>,
    /// What the providers of its rows ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<TableRules>,
}

/// What came of a [`Request`]; opened shares follow as payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's.
    pub job: JobId,
    pub outcome: Outcome,
}

/// What a command leaves: a table on the servers, shares for the analyst, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A table that was uploaded, computed, named or looked up.
    Table(TableMeta),
    /// The payload holds this node's shares of the columns, in order.
    Opened(Opened),
    /// The table is gone.
    Removed,
}

/// The shape of what was opened; the values are in the payloads of all three servers together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Of each column; 1 for an aggregation.
    pub rows: u64,
    /// As their shares follow.
    pub columns: Vec<ColumnMeta>,
}

/// The analyst asks for a run; the envelope follows as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// Digest of the statement's exact bytes.
    pub approval: Digest,
    /// Drawn by the client, the same for all three nodes.
    pub start: Nonce,
    /// Base64 Ed25519 signature by the analyst; `vdl_authorize` says over what.
    pub signature: String,
}

/// A run has begun and is journalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedRun {
    /// Digest of the statement's exact bytes, as every later command names it.
    pub approval: Digest,
    pub nonce: Nonce,
    /// Runs used, this one included.
    pub run: u64,
}

/// The analyst ends a run: none of its commands begins after that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRun {
    /// Digest of the approved statement's exact bytes.
    pub approval: Digest,
    /// The three nodes' nonces; the run id is derived from them.
    pub nonces: [Nonce; 3],
    /// Base64 Ed25519 signature by the analyst; `vdl_authorize` says over what.
    pub signature: String,
}

/// How far a job is: steps of its plan that are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done: u32,
    pub total: u32,
}

/// An error as a node reports it. `code` is listed in docs/errors.md; nothing here is a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    pub code: String,
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u8>,
}

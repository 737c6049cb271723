//! What a client and a node say to each other. Every body is one header in JSON and raw bytes:
//! `u32` little-endian header length, header, payload.

use serde::{Deserialize, Serialize};

use crate::handle::{Digest, Handle, JobId, Nonce};
use crate::types::ColumnMeta;

/// Where a request goes; `POST /v1/<path>` over HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// No body -> [`Info`].
    Info,
    /// [`Request`] and upload payload -> [`Answer`] and opened shares.
    Command,
    /// The envelope's exact bytes (no header) -> `StartedRun`.
    StartRun,
    /// `CloseRun` -> empty.
    CloseRun,
    /// `JobId` -> empty; the job fails with `cancelled` on this node and its peers.
    Cancel,
    /// `JobId` -> `Progress`.
    Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Design,
    Authorized,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    pub node: u8,
    pub version: String,
    pub mode: Mode,
    pub environment: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
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
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub job: JobId,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Table(TableMeta),
    /// The payload holds this node's shares of the columns, in order.
    Opened(Opened),
    Removed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub rows: u64,
    pub columns: Vec<ColumnMeta>,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRun {
    pub approval: Digest,
    pub nonces: [Nonce; 3],
    /// Base64 signature by the analyst.
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

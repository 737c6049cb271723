//! What a client is told when a request is not done.

use std::time::Duration;

use vdl_authorize::Refusal;
use vdl_command::ErrorAnswer;
use vdl_plan::PlanError;
use vdl_store::StoreError;
use vdl_transport::{Peer, TransportError};

use crate::net::{End, Notice, node_of};

/// An error with a stable code, in the client's words.
pub(crate) fn refuse(code: &str, message: impl Into<String>) -> ErrorAnswer {
    ErrorAnswer { code: code.to_owned(), message: message.into(), remedy: None, node: None }
}

pub(crate) trait Remedy {
    fn remedy(self, remedy: impl Into<String>) -> Self;
}

impl Remedy for ErrorAnswer {
    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

pub(crate) fn from_refusal(refusal: &Refusal) -> ErrorAnswer {
    refuse(refusal.code(), refusal.to_string()).remedy(refusal.remedy())
}

pub(crate) fn from_plan(error: &PlanError) -> ErrorAnswer {
    let answer = refuse(error.code(), error.to_string());
    match error.remedy() {
        Some(remedy) => answer.remedy(remedy),
        None => answer,
    }
}

/// A store that cannot promise durability any more takes the process with it: what is on the disk
/// is known again only after it was read anew.
pub(crate) fn from_store(error: StoreError) -> ErrorAnswer {
    if error.is_fatal() {
        tracing::error!(%error, "ending the process");
        std::process::exit(70);
    }
    let answer = refuse(error.code(), error.to_string());
    match error {
        StoreError::Unknown(_) => answer.remedy("check the handle; computed tables end with the servers"),
        StoreError::RunsUsedUp { .. } | StoreError::UsesUsedUp { .. } | StoreError::Rebound { .. } => {
            answer.remedy("ask the approvers for a new approval")
        }
        _ => answer.remedy("tell whoever runs the server"),
    }
}

/// Why a job ended early, seen from node `me`.
pub(crate) fn from_end(me: u8, end: &End) -> ErrorAnswer {
    match end {
        End::Cancelled => refuse("cancelled", "the job was cancelled"),
        End::Stopped { peer, notice } => from_notice(node_of(me, *peer), notice),
        End::Lost { peer } => peer_lost(node_of(me, *peer)),
        End::Flooded { peer } => {
            refuse("peer_misbehaves", format!("server {} sent more than the job needs", node_of(me, *peer)))
                .remedy("tell whoever runs the servers")
        }
        End::ShuttingDown => {
            refuse("shutting_down", "the server is shutting down").remedy("try again when it is back")
        }
    }
}

/// A failure of one server, retold by another.
fn from_notice(node: u8, notice: &Notice) -> ErrorAnswer {
    if notice.code == "peer_silent" || notice.code == "peer_lost" {
        return refuse(&notice.code, notice.message.clone()).remedy(TRY_AGAIN);
    }
    refuse("peer_stopped", format!("server {node} stopped the job: {}", notice.message))
        .remedy("see what that server itself reports")
}

const TRY_AGAIN: &str = "try again; if it stays, tell whoever runs that server";

fn peer_lost(node: u8) -> ErrorAnswer {
    refuse("peer_lost", format!("the connection to server {node} broke")).remedy(TRY_AGAIN)
}

pub(crate) fn peer_silent(node: u8, step: &str, waited: Duration) -> ErrorAnswer {
    let message = format!("server {node} did not answer within {} s at `{step}`", waited.as_secs_f32());
    refuse("peer_silent", message).remedy(TRY_AGAIN)
}

pub(crate) fn unreachable(node: u8) -> ErrorAnswer {
    refuse("peer_unreachable", format!("server {node} cannot be reached by the others")).remedy(TRY_AGAIN)
}

pub(crate) fn request_missing(node: u8, waited: Duration) -> ErrorAnswer {
    refuse(
        "request_missing",
        format!("server {node} did not get the same request within {} s", waited.as_secs_f32()),
    )
    .remedy("send every request to all three servers; check the network to that server")
}

pub(crate) fn from_transport(me: u8, error: &TransportError) -> ErrorAnswer {
    match error {
        TransportError::TimedOut { from, step, waited } => peer_silent(node_of(me, *from), step, *waited),
        TransportError::Closed { peer } => peer_lost(node_of(me, *peer)),
        TransportError::Cancelled => refuse("cancelled", "the job was cancelled"),
        TransportError::PeerStopped { peer, reason } => {
            refuse("peer_stopped", format!("server {} stopped the job: {reason}", node_of(me, *peer)))
        }
        TransportError::WrongFrame { from, .. } => {
            refuse("peer_misbehaves", format!("server {}: {error}", node_of(me, *from)))
                .remedy("tell whoever runs the servers")
        }
    }
}

pub(crate) fn disagree(peer: Peer, me: u8, about: &str) -> ErrorAnswer {
    refuse("servers_disagree", format!("servers {me} and {} {about}", node_of(me, peer)))
}

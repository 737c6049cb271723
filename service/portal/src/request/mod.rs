//! Requests for approval: an analyst's script, a provider's right to upload, or the deletion of what they
//! uploaded. What is asked for are the exact bytes that approvers sign; they never change, a change is
//! another version.

mod decide;
mod download;
mod judge;
mod store;
mod submit;

use axum::Json;
use axum::extract::State as Portal;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use decide::*;
pub use download::*;
pub use submit::*;

use crate::error::Fault;
use crate::gate::Caller;
use crate::review::{Action, State};
use crate::server::Shared;
use crate::text;
use crate::turns::json_in;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Steps in their order, by an analyst.
    Script,
    /// An authorization without steps in order, by a data provider.
    Upload,
    /// One step, which deletes a table on the servers, by the data provider whose it is.
    Deletion,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Upload => "upload",
            Self::Deletion => "deletion",
        }
    }

    fn read(word: &str) -> Result<Self, Fault> {
        match word {
            "script" => Ok(Self::Script),
            "upload" => Ok(Self::Upload),
            "deletion" => Ok(Self::Deletion),
            _ => Err(Fault::internal("a stored request has no such kind", &word)),
        }
    }
}

/// A line of the list of requests.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RequestSummary {
    pub id: String,
    pub kind: Kind,
    pub name: String,
    /// Who submitted it.
    pub user: String,
    pub user_name: String,
    pub state: State,
    /// The latest.
    pub version: i64,
    /// Of its payload.
    pub digest: String,
    /// Approvers that signed it.
    pub signed: i64,
    pub created: i64,
    pub changed: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Request {
    pub id: String,
    pub project: String,
    pub kind: Kind,
    pub name: String,
    /// Who submitted it.
    pub user: String,
    pub user_name: String,
    pub state: State,
    /// The latest; the one that decisions are about.
    pub version: i64,
    /// BLAKE3 of its payload: what the approval is named by everywhere.
    pub digest: String,
    pub created: i64,
    pub changed: i64,
    /// What the caller may do now.
    pub allowed: Vec<Action>,
    /// All of them, the first one first.
    pub versions: Vec<Version>,
    pub comments: Vec<Comment>,
    /// Under all versions; only those under the latest count.
    pub signatures: Vec<Signature>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Version {
    pub version: i64,
    /// The statement's exact bytes, in base64; within a request that of the latest version only.
    pub payload: Option<String>,
    pub digest: String,
    /// What its author says about it.
    pub note: Option<String>,
    /// What it gave on dummy data; within a request that of the latest version only.
    pub dummy_output: Option<String>,
    pub created: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Comment {
    pub id: String,
    pub version: i64,
    pub user: String,
    pub user_name: String,
    /// If it came with a decision.
    pub verdict: Option<Verdict>,
    /// The step it is about, from 0.
    pub step: Option<i64>,
    pub text: String,
    pub created: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Changes,
    Reject,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Reject => "reject",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Changes, Self::Reject].into_iter().find(|verdict| verdict.word() == word)
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Signature {
    pub version: i64,
    pub user: String,
    pub user_name: String,
    /// SPKI in base64.
    pub public: String,
    pub fingerprint: String,
    /// Base64.
    pub signature: String,
    pub created: i64,
}

/// The project's requests, those changed last first.
#[utoipa::path(get, path = "/api/projects/{project}/requests", tag = "requests", params(
    ("project" = String, Path)), responses((status = 200, body = Vec<RequestSummary>)))]
pub async fn list_requests(
    Portal(portal): Portal<Shared>,
    caller: Caller,
) -> Result<Json<Vec<RequestSummary>>, Fault> {
    let mut tx = portal.db.begin().await?;
    let requests = store::list(&mut tx, &caller.project).await?;
    tx.commit().await?;
    Ok(Json(requests))
}

/// A request with everything that was said about it.
#[utoipa::path(get, path = "/api/requests/{request}", tag = "requests", params(("request" = String, Path)),
    responses((status = 200, body = Request)))]
pub async fn read_request(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Result<Response, Fault> {
    let turn = portal.busy.reads.take(&caller.user).await?;
    let mut tx = portal.db.begin().await?;
    let stored = store::find(&mut tx, &id).await?;
    let request = store::describe(&mut tx, &stored, &caller).await?;
    tx.commit().await?;
    json_in(turn, move || Ok(request)).await
}

/// One version of a request, whole.
#[utoipa::path(get, path = "/api/requests/{request}/versions/{version}", tag = "requests", params(
    ("request" = String, Path), ("version" = i64, Path)), responses((status = 200, body = Version)))]
pub async fn read_version(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    axum::extract::Path((id, version)): axum::extract::Path<(String, String)>,
) -> Result<Response, Fault> {
    let version = version.parse().map_err(|_| Fault::NoSuchThing("version"))?;
    let turn = portal.busy.reads.take(&caller.user).await?;
    let mut tx = portal.db.begin().await?;
    let version = store::version(&mut tx, text::plain(&id), version).await?;
    tx.commit().await?;
    json_in(turn, move || Ok(version)).await
}

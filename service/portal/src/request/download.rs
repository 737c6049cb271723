//! Files to take away, and how far an approval is used up.

use axum::Json;
use axum::extract::{Path, State as Portal};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use vdl_authorize::{Refusal, Statement};

use super::judge::{apart, check_file};
use super::store;
use crate::cluster::Runs;
use crate::error::Fault;
use crate::gate::Caller;
use crate::policy::adopted;
use crate::publication::{revocation_of, revocations};
use crate::review::State;
use crate::server::Shared;
use crate::text;

fn file(name: &str, ending: &str, bytes: Vec<u8>) -> Response {
    // Whatever somebody called it, the file's name is plain.
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = name.chars().map(plain).take(80).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")),
    ];
    (headers, bytes).into_response()
}

/// The approved file: what `vdl approve` would have made of the same signatures. It is verified once more.
#[utoipa::path(get, path = "/api/requests/{request}/approved", tag = "requests", params(
    ("request" = String, Path)),
    responses((status = 200, body = String, content_type = "application/octet-stream")))]
pub async fn download_approved(
    Portal(portal): Portal<Shared>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let mut tx = portal.db.begin().await?;
    let stored = store::find(&mut tx, &id).await?;
    if stored.state != State::Approved {
        return Err(Fault::NotNow("only what is approved has an approved file".into()));
    }
    let (payload, _) = store::payload(&mut tx, &stored).await?;
    let envelope = store::envelope(&mut tx, &stored, &payload).await?;
    let (policy, _) = adopted(&mut tx, &stored.project).await?.ok_or(Fault::NoPolicy)?;
    let revoked = revocations(&mut tx, &stored.project).await?;
    tx.commit().await?;
    check_file(&envelope, payload, policy, revoked).await?;
    Ok(file(&stored.name, "approved", envelope))
}

/// The signed revocation, to be kept, or published by hand with `vdl policy publish`.
#[utoipa::path(get, path = "/api/requests/{request}/revocation", tag = "requests", params(
    ("request" = String, Path)),
    responses((status = 200, body = String, content_type = "application/octet-stream")))]
pub async fn download_revocation(
    Portal(portal): Portal<Shared>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let mut tx = portal.db.begin().await?;
    let stored = store::find(&mut tx, &id).await?;
    let found: Option<(String,)> = sqlx::query_as("SELECT envelope FROM revocations WHERE request_id = $1")
        .bind(&stored.id)
        .fetch_optional(&mut *tx)
        .await?;
    let envelope = match found {
        Some((envelope,)) => Some(text::stored("a stored revocation", &envelope)?),
        // The servers may have brought it.
        None if stored.state == State::Revoked => {
            let (_, digest) = store::payload(&mut tx, &stored).await?;
            revocation_of(&mut tx, &stored.project, &digest).await?
        }
        None => None,
    };
    tx.commit().await?;
    Ok(file(&stored.name, "revocation", envelope.ok_or(Fault::NoSuchThing("revocation"))?))
}

/// How many runs are used and left.
#[utoipa::path(get, path = "/api/requests/{request}/runs", tag = "requests", params(
    ("request" = String, Path)), responses((status = 200, body = Runs)))]
pub async fn read_runs(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Runs>, Fault> {
    let _turn = portal.busy.users.take(&caller.user).await?;
    let mut tx = portal.db.begin().await?;
    let stored = store::find(&mut tx, &id).await?;
    let (payload, digest) = store::payload(&mut tx, &stored).await?;
    tx.commit().await?;
    let statement = apart(move || Ok(Statement::read(&payload).map_err(Refusal::Statement)?)).await?;
    let used = portal.cluster(&stored.project)?.runs(&digest).await?;
    Ok(Json(Runs { used, limit: statement.max_runs, expires: statement.expires }))
}

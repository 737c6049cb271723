//! Keys that are revoked: signed by one approver, which is enough for the servers, and published to them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use vdl_authorize::{Policy, Revocations, Revoked, VerifyingKey, is_signed_by, read_revocation};

use crate::db::Conn;
use crate::error::Fault;
use crate::gate::{Caller, Input};
use crate::journal;
use crate::key::{Purpose, keys_of};
use crate::policy::{adopted, all_adopted};
use crate::publication;
use crate::server::Shared;
use crate::text;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRevocationForm {
    /// A signed revocation of a key, the file in base64.
    revocation: String,
}

/// A key that counts for nothing any more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyRevocation {
    /// SPKI in base64.
    pub public: String,
    /// Whether it is revoked as an approver's; otherwise as one that signs runs and uploads.
    pub approver: bool,
    pub reason: Option<String>,
    /// When it was signed, as the approver says.
    pub time: i64,
    /// When two servers had it first; until then it is offered every minute.
    pub taken: Option<i64>,
    /// The code of an error, where all servers refused it.
    pub refused: Option<String>,
}

/// The keys that were revoked here.
#[utoipa::path(get, path = "/api/projects/{project}/revocations", tag = "keys", params(
    ("project" = String, Path)), responses((status = 200, body = Vec<KeyRevocation>)))]
pub async fn list_revocations(
    State(portal): State<Shared>,
    caller: Caller,
) -> Result<Json<Vec<KeyRevocation>>, Fault> {
    let mut tx = portal.db.begin().await?;
    let found = revoked_keys(&mut tx, &caller.project).await?;
    tx.commit().await?;
    Ok(Json(found))
}

/// Revokes a key: whatever it signs from then on, servers refuse. Sent to them at once.
#[utoipa::path(post, path = "/api/projects/{project}/revocations", tag = "keys", params(
    ("project" = String, Path)), request_body = KeyRevocationForm,
    responses((status = 200, body = Vec<KeyRevocation>)))]
pub async fn revoke_key(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<KeyRevocationForm>,
) -> Result<Json<Vec<KeyRevocation>>, Fault> {
    let envelope = text::base64("revocation", &form.revocation)?;
    let mut tx = portal.db.begin().await?;
    let (policy, _) = adopted(&mut tx, &caller.project).await?.ok_or(Fault::NoPolicy)?;
    // Servers may be at an earlier policy than the portal, and take what was signed under any.
    let policies = all_adopted(&mut tx, &caller.project).await?;
    Revocations::default().add(&envelope, &policies.iter().collect::<Vec<&Policy>>())?;
    let mut keys = keys_of(&mut tx, &caller.user, Purpose::Approver).await?;
    keys.retain(|key| policy.approvers().any(|(_, approver)| approver == key));
    if !signed_by_one(&envelope, &keys)? {
        return Err(Fault::WrongSignature);
    }
    let revocation = read_revocation(&envelope)?;
    let (Revoked::Analyst(public) | Revoked::Approver(public)) = &revocation.revokes else {
        return Err(Fault::invalid("this revokes something else than a key"));
    };
    let digest = revocation.digest()?.to_string();
    publication::keep(&mut tx, &caller.project, &digest, &envelope, None).await?;
    journal::append(&mut tx, &caller.project, &caller.user, "key_revoked", &digest, json!({ "key": public }))
        .await?;
    tx.commit().await?;
    publication::publish_now(&portal, &caller.project).await;
    let mut tx = portal.db.begin().await?;
    let found = revoked_keys(&mut tx, &caller.project).await?;
    tx.commit().await?;
    Ok(Json(found))
}

fn signed_by_one(envelope: &[u8], keys: &[VerifyingKey]) -> Result<bool, Fault> {
    for key in keys {
        if is_signed_by(envelope, key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn revoked_keys(conn: &mut Conn, project: &str) -> Result<Vec<KeyRevocation>, Fault> {
    let rows: Vec<(String, Option<i64>, Option<String>)> = sqlx::query_as(
        "SELECT envelope, taken, refused FROM publications WHERE project_id = $1 ORDER BY created, object",
    )
    .bind(project)
    .fetch_all(conn)
    .await?;
    let mut found = Vec::new();
    for (envelope, taken, refused) in rows {
        // Policies are published the same way, and are no revocations.
        let Ok(revocation) = read_revocation(&text::stored("a stored document", &envelope)?) else {
            continue;
        };
        let (public, approver) = match revocation.revokes {
            Revoked::Analyst(public) => (public, false),
            Revoked::Approver(public) => (public, true),
            Revoked::Approval(_) | Revoked::Policy(_) => continue,
        };
        let (reason, time) = (revocation.reason, revocation.time);
        found.push(KeyRevocation { public, approver, reason, time, taken, refused });
    }
    Ok(found)
}

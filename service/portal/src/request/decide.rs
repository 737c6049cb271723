//! What approvers decide, what everybody says, and taking back.

use axum::Json;
use axum::extract::{Path, State as Portal};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use vdl_authorize::{
    PAYLOAD_TYPE, Policy, Refusal, Revocations, Revoked, VerifyingKey, fits, is_signed_by, read_revocation,
};
use vdl_command::Digest;

use super::judge::is_enough;
use super::store::{self, Stored, advance, not_now};
use super::{Request, Verdict};
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::{Caller, Input};
use crate::ids::{fresh_id, now};
use crate::inbox::{NoticeKind, notify};
use crate::journal;
use crate::policy::{adopted, all_adopted};
use crate::publication;
use crate::review::{Action, Party, State, next};
use crate::server::Shared;
use crate::text;

const LONGEST_COMMENT: usize = 4000;
const MOST_COMMENTS: i64 = 1000;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentForm {
    text: String,
    /// The step it is about, from 0.
    #[serde(default)]
    step: Option<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureForm {
    /// The version that was shown. If there is a later one, nothing is signed.
    version: i64,
    /// Base64, over the DSSE encoding of the version's exact bytes.
    signature: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictForm {
    /// The version that was shown. If there is a later one, nothing is decided.
    version: i64,
    verdict: Verdict,
    /// Why.
    text: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeForm {
    /// A signed revocation of this approval, the file in base64.
    revocation: String,
}

/// The request, if the caller is one of its approvers, and their keys in the policy.
async fn for_approver(
    conn: &mut Conn,
    id: &str,
    caller: &Caller,
) -> Result<(Stored, Vec<VerifyingKey>), Fault> {
    let stored = store::find(conn, id).await?;
    match store::party(conn, &stored, caller).await? {
        (Party::Approver, keys) => Ok((stored, keys)),
        (Party::Submitter, _) => Err(Fault::OwnRequest),
        (Party::Reader, _) if adopted(conn, &stored.project).await?.is_none() => Err(Fault::NoPolicy),
        (Party::Reader, _) => Err(Fault::KeyUnknown),
    }
}

/// Logs it, tells those it concerns, and gives the request as it is then.
async fn done(
    conn: &mut Conn,
    before: &Stored,
    caller: &Caller,
    action: Action,
    notice: NoticeKind,
    told: &[String],
) -> Result<Request, Fault> {
    let stored = store::find(conn, &before.id).await?;
    let (_, digest) = store::payload(conn, &stored).await?;
    let detail = json!({ "version": stored.version, "digest": digest, "state": stored.state });
    let kind = format!("request_{}", action.word());
    journal::append(conn, &stored.project, &caller.user, &kind, &stored.id, detail).await?;
    notify(conn, &stored.project, Some(&stored.id), notice, &caller.user, told).await?;
    store::describe(conn, &stored, caller).await
}

/// Signs the version that was shown. With as many signatures as the policy asks for, it is approved.
#[utoipa::path(post, path = "/api/requests/{request}/signatures", tag = "requests", params(
    ("request" = String, Path)), request_body = SignatureForm, responses((status = 200, body = Request)))]
pub async fn sign(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Input(form): Input<SignatureForm>,
) -> Result<Json<Request>, Fault> {
    let mut tx = portal.db.begin().await?;
    let (stored, keys) = for_approver(&mut tx, &id, &caller).await?;
    if next(stored.state, Action::Sign, false).is_none() {
        return Err(not_now(stored.state, Action::Sign));
    }
    if form.version != stored.version {
        return Err(Fault::ChangedMeanwhile);
    }
    let (payload, _) = store::payload(&mut tx, &stored).await?;
    let signed = keys.iter().find(|key| fits(key, PAYLOAD_TYPE, &payload, &form.signature));
    let key = signed.ok_or(Fault::WrongSignature)?;
    insert_signature(&mut tx, &stored, &caller, key, &form.signature).await?;
    let met = is_enough(&mut tx, &stored, &payload).await?;
    let after = advance(&mut tx, &stored, Action::Sign, met, stored.version).await?;
    let (notice, told) = match after {
        State::Approved => (NoticeKind::Approved, with_signers(&mut tx, &stored).await?),
        _ => (NoticeKind::Signed, vec![stored.user.clone()]),
    };
    let request = done(&mut tx, &stored, &caller, Action::Sign, notice, &told).await?;
    tx.commit().await?;
    Ok(Json(request))
}

async fn insert_signature(
    conn: &mut Conn,
    stored: &Stored,
    caller: &Caller,
    key: &VerifyingKey,
    signature: &str,
) -> Result<(), Fault> {
    let before: Vec<(String,)> =
        sqlx::query_as("SELECT user_id FROM signatures WHERE request_id = $1 AND version = $2")
            .bind(&stored.id)
            .bind(stored.version)
            .fetch_all(&mut *conn)
            .await?;
    // Nobody counts twice, with however many keys.
    if before.iter().any(|(user,)| *user == caller.user) {
        return Err(Refusal::AlreadySigned.into());
    }
    let added = sqlx::query(
        "INSERT INTO signatures (request_id, version, public, user_id, signature, position, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&stored.id)
    .bind(stored.version)
    .bind(key.to_base64().map_err(Refusal::ApproverKey)?)
    .bind(&caller.user)
    .bind(signature)
    .bind(i64::try_from(before.len()).unwrap_or(i64::MAX - 1) + 1)
    .bind(now())
    .execute(conn)
    .await?;
    match added.rows_affected() {
        1 => Ok(()),
        _ => Err(Refusal::AlreadySigned.into()),
    }
}

/// Approves the requests whose signatures are enough for the policy that holds now.
pub async fn reconsider(conn: &mut Conn, project: &str) -> Result<(), Fault> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT id FROM requests WHERE project_id = $1 AND state = 'submitted' AND EXISTS
         (SELECT 1 FROM signatures WHERE signatures.request_id = requests.id
          AND signatures.version = requests.version) ORDER BY id",
    )
    .bind(project)
    .fetch_all(&mut *conn)
    .await?;
    for (id,) in rows {
        let stored = store::find(conn, &id).await?;
        let Ok((payload, digest)) = store::payload(conn, &stored).await else { continue };
        // One that cannot be approved any more stays as it is, until somebody looks at it.
        let Ok(true) = is_enough(conn, &stored, &payload).await else { continue };
        let state = advance(conn, &stored, Action::Sign, true, stored.version).await?;
        let detail = json!({ "version": stored.version, "digest": digest, "state": state });
        journal::append(conn, project, "", "request_approved", &id, detail).await?;
        let told = with_signers(conn, &stored).await?;
        notify(conn, project, Some(&id), NoticeKind::Approved, "", &told).await?;
    }
    Ok(())
}

/// Takes back here the approvals that are known to be revoked: the servers were told another way.
pub async fn take_back(conn: &mut Conn, project: &str) -> Result<(), Fault> {
    let known = publication::revocations(conn, project).await?;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT requests.id, versions.digest FROM requests
         JOIN versions ON versions.request_id = requests.id AND versions.version = requests.version
         WHERE requests.project_id = $1 AND requests.state = 'approved' ORDER BY requests.id",
    )
    .bind(project)
    .fetch_all(&mut *conn)
    .await?;
    for (id, digest) in rows {
        if !digest.parse().is_ok_and(|digest: Digest| known.approval(digest)) {
            continue;
        }
        let stored = store::find(conn, &id).await?;
        let state = match advance(conn, &stored, Action::Revoke, false, stored.version).await {
            Ok(state) => state,
            // By an approver, right now.
            Err(Fault::ChangedMeanwhile | Fault::NotNow(_)) => continue,
            Err(fault) => return Err(fault),
        };
        let detail = json!({ "version": stored.version, "digest": digest, "state": state });
        journal::append(conn, project, "", "request_revoke", &id, detail).await?;
        let told = with_signers(conn, &stored).await?;
        notify(conn, project, Some(&id), NoticeKind::Revoked, "", &told).await?;
    }
    Ok(())
}

/// The submitter, and all who signed the latest version.
async fn with_signers(conn: &mut Conn, stored: &Stored) -> Result<Vec<String>, Fault> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT user_id FROM signatures WHERE request_id = $1 AND version = $2")
            .bind(&stored.id)
            .bind(stored.version)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|(user,)| user).chain([stored.user.clone()]).collect())
}

/// Asks for changes, or rejects.
#[utoipa::path(post, path = "/api/requests/{request}/verdict", tag = "requests", params(
    ("request" = String, Path)), request_body = VerdictForm, responses((status = 200, body = Request)))]
pub async fn decide(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Input(form): Input<VerdictForm>,
) -> Result<Json<Request>, Fault> {
    let words = text::words("a reason", &form.text, LONGEST_COMMENT)?;
    let (action, notice) = match form.verdict {
        Verdict::Changes => (Action::AskChanges, NoticeKind::ChangesRequested),
        Verdict::Reject => (Action::Reject, NoticeKind::Rejected),
    };
    let mut tx = portal.db.begin().await?;
    let (stored, _) = for_approver(&mut tx, &id, &caller).await?;
    if next(stored.state, action, false).is_some() && form.version != stored.version {
        return Err(Fault::ChangedMeanwhile);
    }
    advance(&mut tx, &stored, action, false, stored.version).await?;
    insert_comment(&mut tx, &stored, &caller, Some(form.verdict), None, &words).await?;
    let told = [stored.user.clone()];
    let request = done(&mut tx, &stored, &caller, action, notice, &told).await?;
    tx.commit().await?;
    Ok(Json(request))
}

/// Says something about it.
#[utoipa::path(post, path = "/api/requests/{request}/comments", tag = "requests", params(
    ("request" = String, Path)), request_body = CommentForm, responses((status = 201, body = Request)))]
pub async fn comment(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Input(form): Input<CommentForm>,
) -> Result<(StatusCode, Json<Request>), Fault> {
    let words = text::words("a comment", &form.text, LONGEST_COMMENT)?;
    let mut tx = portal.db.begin().await?;
    let stored = store::find(&mut tx, &id).await?;
    let rows: Vec<(String,)> = sqlx::query_as("SELECT user_id FROM comments WHERE request_id = $1")
        .bind(&stored.id)
        .fetch_all(&mut *tx)
        .await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) >= MOST_COMMENTS {
        return Err(Fault::QuotaReached("1000 comments on one request"));
    }
    insert_comment(&mut tx, &stored, &caller, None, form.step, &words).await?;
    let detail = json!({ "version": stored.version });
    journal::append(&mut tx, &stored.project, &caller.user, "request_comment", &stored.id, detail).await?;
    // Those who take part in the conversation.
    let told: Vec<String> = rows.into_iter().map(|(user,)| user).chain([stored.user.clone()]).collect();
    notify(&mut tx, &stored.project, Some(&stored.id), NoticeKind::Commented, &caller.user, &told).await?;
    let request = store::describe(&mut tx, &stored, &caller).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(request)))
}

async fn insert_comment(
    conn: &mut Conn,
    stored: &Stored,
    caller: &Caller,
    verdict: Option<Verdict>,
    step: Option<u32>,
    words: &str,
) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO comments (id, request_id, version, user_id, verdict, step, words, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(fresh_id()?)
    .bind(&stored.id)
    .bind(stored.version)
    .bind(&caller.user)
    .bind(verdict.map(Verdict::word))
    .bind(step.map(i64::from))
    .bind(words)
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the caller's own request back.
#[utoipa::path(post, path = "/api/requests/{request}/withdraw", tag = "requests", params(
    ("request" = String, Path)), responses((status = 200, body = Request)))]
pub async fn withdraw(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Request>, Fault> {
    let mut tx = portal.db.begin().await?;
    let stored = store::find(&mut tx, &id).await?;
    if stored.user != caller.user {
        return Err(Fault::NotAllowed);
    }
    advance(&mut tx, &stored, Action::Withdraw, false, stored.version).await?;
    let told = match adopted(&mut tx, &stored.project).await? {
        Some((policy, _)) => store::approvers(&mut tx, &policy).await?,
        None => vec![],
    };
    let request = done(&mut tx, &stored, &caller, Action::Withdraw, NoticeKind::Withdrawn, &told).await?;
    tx.commit().await?;
    Ok(Json(request))
}

/// Takes an approval back. Servers hold to it once they have the revocation, which is sent to them at once.
#[utoipa::path(post, path = "/api/requests/{request}/revoke", tag = "requests", params(
    ("request" = String, Path)), request_body = RevokeForm, responses((status = 200, body = Request)))]
pub async fn revoke(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Input(form): Input<RevokeForm>,
) -> Result<Json<Request>, Fault> {
    let envelope = text::base64("revocation", &form.revocation)?;
    let mut tx = portal.db.begin().await?;
    let (stored, keys) = for_approver(&mut tx, &id, &caller).await?;
    if next(stored.state, Action::Revoke, false).is_none() {
        return Err(not_now(stored.state, Action::Revoke));
    }
    let (policy, _) = adopted(&mut tx, &stored.project).await?.ok_or(Fault::NoPolicy)?;
    // Servers may be at an earlier policy than the portal, and take what was signed under any.
    let policies = all_adopted(&mut tx, &stored.project).await?;
    Revocations::default().add(&envelope, &policies.iter().collect::<Vec<&Policy>>())?;
    let mut own = false;
    for key in &keys {
        own |= is_signed_by(&envelope, key)?;
    }
    if !own {
        return Err(Fault::WrongSignature);
    }
    let (_, approved) = store::payload(&mut tx, &stored).await?;
    let revocation = read_revocation(&envelope)?;
    let digest = revocation.digest()?.to_string();
    match revocation.revokes {
        Revoked::Approval(revoked) if revoked.to_string() == approved => {}
        _ => return Err(Fault::invalid("this revokes something else than the approval it was sent for")),
    }
    // First, so that of two who revoke at once the later one is told.
    advance(&mut tx, &stored, Action::Revoke, false, stored.version).await?;
    sqlx::query("INSERT INTO revocations (request_id, envelope, user_id, created) VALUES ($1, $2, $3, $4)")
        .bind(&stored.id)
        .bind(&form.revocation)
        .bind(&caller.user)
        .bind(now())
        .execute(&mut *tx)
        .await?;
    publication::keep(&mut tx, &stored.project, &digest, &envelope, None).await?;
    let mut told = store::approvers(&mut tx, &policy).await?;
    told.push(stored.user.clone());
    let request = done(&mut tx, &stored, &caller, Action::Revoke, NoticeKind::Revoked, &told).await?;
    tx.commit().await?;
    publication::publish_now(&portal, &stored.project).await;
    Ok(Json(request))
}

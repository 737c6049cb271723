//! Public keys, enrolled by whoever can sign with them. The portal has no secret half of any.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use vdl_authorize::{VerifyingKey, fits};

use crate::db::{Conn, is_taken};
use crate::error::Fault;
use crate::gate::{Caller, Input};
use crate::ids::{fresh_id, fresh_secret, now};
use crate::journal;
use crate::server::Shared;
use crate::text;

/// What the proof of possession is signed as: a signature for this is one for nothing else.
pub const ENROLMENT_PAYLOAD: &str = "application/vnd.vdl.enrolment.v1+json";
const CHALLENGE_SECONDS: i64 = 600;
const MOST_CHALLENGES: i64 = 20;
const MOST_KEYS: i64 = 50;

/// What a key is used for; never for two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Analyst,
    Approver,
    Provider,
}

impl Purpose {
    pub fn word(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Approver => "approver",
            Self::Provider => "provider",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Analyst, Self::Approver, Self::Provider].into_iter().find(|purpose| purpose.word() == word)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyInfo {
    pub id: String,
    pub name: String,
    pub purpose: Purpose,
    /// SPKI in base64.
    pub public: String,
    pub fingerprint: String,
    pub created: i64,
    /// Since when it is not used any more.
    pub retired: Option<i64>,
}

/// To be signed with the key that is enrolled.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    pub challenge: String,
    pub expires: i64,
}

/// A key and the proof that whoever enrols it can sign with it: a DSSE signature (base64) of type
/// `application/vnd.vdl.enrolment.v1+json` over the text
/// `{"type":"vdl-enrolment/1","origin":O,"challenge":C,"purpose":P,"public":K}` without spaces, where O is
/// the portal's origin and C an unused challenge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyForm {
    name: String,
    purpose: Purpose,
    /// SPKI in base64.
    public: String,
    challenge: String,
    signature: String,
}

/// The text of the proof, in this order.
#[derive(Serialize)]
struct Enrolment<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    origin: &'a str,
    challenge: &'a str,
    purpose: Purpose,
    public: &'a str,
}

type Row = (String, String, String, String, String, i64, Option<i64>);

fn shown((id, name, purpose, public, fingerprint, created, retired): Row) -> Option<KeyInfo> {
    let purpose = Purpose::read(&purpose)?;
    Some(KeyInfo { id, name, purpose, public, fingerprint, created, retired })
}

/// Reads a key and insists on its one written form, by which keys are told apart.
pub fn read_public(text: &str) -> Result<VerifyingKey, Fault> {
    let key = VerifyingKey::from_base64(text).map_err(|error| Fault::invalid(error.to_string()))?;
    match key.to_base64().is_ok_and(|written| written == text) {
        true => Ok(key),
        false => Err(Fault::invalid("a public key is its SPKI in base64, written as `vdl keygen` does")),
    }
}

/// The keys in use of all members, each with its owner.
pub async fn keys_of_members(conn: &mut Conn, project: &str) -> Result<Vec<(String, KeyInfo)>, Fault> {
    type OwnedRow = (String, String, String, String, String, String, i64, Option<i64>);
    let rows: Vec<OwnedRow> = sqlx::query_as(
        "SELECT user_id, id, name, purpose, public, fingerprint, created, retired FROM keys
         WHERE retired IS NULL AND user_id IN (SELECT user_id FROM members WHERE project_id = $1)
         ORDER BY created, id",
    )
    .bind(project)
    .fetch_all(conn)
    .await?;
    let owned = |(user, id, name, purpose, public, fingerprint, created, retired): OwnedRow| {
        Some((user, shown((id, name, purpose, public, fingerprint, created, retired))?))
    };
    Ok(rows.into_iter().filter_map(owned).collect())
}

/// This user's keys in use, for one purpose.
pub async fn keys_of(conn: &mut Conn, user: &str, purpose: Purpose) -> Result<Vec<VerifyingKey>, Fault> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT public FROM keys WHERE user_id = $1 AND purpose = $2 AND retired IS NULL
         ORDER BY created, id",
    )
    .bind(user)
    .bind(purpose.word())
    .fetch_all(conn)
    .await?;
    rows.iter().map(|(public,)| read_public(public)).collect()
}

/// Who owns a key in use.
pub async fn owner_of(conn: &mut Conn, public: &str, purpose: Purpose) -> Result<Option<String>, Fault> {
    let found: Option<(String,)> =
        sqlx::query_as("SELECT user_id FROM keys WHERE public = $1 AND purpose = $2 AND retired IS NULL")
            .bind(public)
            .bind(purpose.word())
            .fetch_optional(conn)
            .await?;
    Ok(found.map(|(user,)| user))
}

/// The caller's keys, retired ones too.
#[utoipa::path(get, path = "/api/keys", tag = "keys", responses((status = 200, body = Vec<KeyInfo>)))]
pub async fn list_keys(State(portal): State<Shared>, caller: Caller) -> Result<Json<Vec<KeyInfo>>, Fault> {
    let mut tx = portal.db.begin().await?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, name, purpose, public, fingerprint, created, retired FROM keys
         WHERE user_id = $1 ORDER BY created, id",
    )
    .bind(&caller.user)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Json(rows.into_iter().filter_map(shown).collect()))
}

/// Something fresh to sign. Holds for ten minutes, once, for this user.
#[utoipa::path(get, path = "/api/keys/challenge", tag = "keys", responses((status = 200, body = Challenge)))]
pub async fn make_challenge(State(portal): State<Shared>, caller: Caller) -> Result<Json<Challenge>, Fault> {
    let (challenge, now) = (fresh_secret()?, now());
    let mut tx = portal.db.begin().await?;
    sqlx::query("DELETE FROM challenges WHERE created < $1")
        .bind(now - CHALLENGE_SECONDS)
        .execute(&mut *tx)
        .await?;
    let (open,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM challenges WHERE user_id = $1")
        .bind(&caller.user)
        .fetch_one(&mut *tx)
        .await?;
    if open >= MOST_CHALLENGES {
        return Err(Fault::TooOften);
    }
    sqlx::query("INSERT INTO challenges (challenge, user_id, created) VALUES ($1, $2, $3)")
        .bind(&challenge)
        .bind(&caller.user)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Json(Challenge { challenge, expires: now + CHALLENGE_SECONDS }))
}

/// Enrols a public key.
#[utoipa::path(post, path = "/api/keys", tag = "keys", request_body = KeyForm,
    responses((status = 201, body = KeyInfo)))]
pub async fn enrol_key(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<KeyForm>,
) -> Result<(StatusCode, Json<KeyInfo>), Fault> {
    let name = text::line("a key's name", &form.name, 60)?;
    let key = read_public(&form.public)?;
    let mut tx = portal.db.begin().await?;
    let used = sqlx::query("DELETE FROM challenges WHERE challenge = $1 AND user_id = $2 AND created >= $3")
        .bind(text::plain(&form.challenge))
        .bind(&caller.user)
        .bind(now() - CHALLENGE_SECONDS)
        .execute(&mut *tx)
        .await?;
    if used.rows_affected() != 1 {
        return Err(Fault::invalid("the challenge is over or was used; ask for another"));
    }
    let proven = Enrolment {
        kind: "vdl-enrolment/1",
        origin: &portal.config.origin,
        challenge: &form.challenge,
        purpose: form.purpose,
        public: &form.public,
    };
    let proven = serde_json::to_vec(&proven).map_err(|error| Fault::internal("enrolment", &error))?;
    if !fits(&key, ENROLMENT_PAYLOAD, &proven, &form.signature) {
        return Err(Fault::WrongSignature);
    }
    let (known,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM keys WHERE user_id = $1")
        .bind(&caller.user)
        .fetch_one(&mut *tx)
        .await?;
    if known >= MOST_KEYS {
        return Err(Fault::QuotaReached("50 keys"));
    }
    let info = KeyInfo {
        id: fresh_id()?,
        name,
        purpose: form.purpose,
        public: form.public,
        fingerprint: key.fingerprint(),
        created: now(),
        retired: None,
    };
    let added = sqlx::query(
        "INSERT INTO keys (id, user_id, name, purpose, public, fingerprint, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&info.id)
    .bind(&caller.user)
    .bind(&info.name)
    .bind(info.purpose.word())
    .bind(&info.public)
    .bind(&info.fingerprint)
    .bind(info.created)
    .execute(&mut *tx)
    .await;
    match added {
        Err(error) if is_taken(&error) => return Err(Fault::Taken("key")),
        other => other?,
    };
    log_everywhere(&mut tx, &caller.user, "key_enrolled", &info).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(info)))
}

/// Says that a key is not used any more. What it signed stays signed; servers trust it until it is revoked.
#[utoipa::path(post, path = "/api/keys/{id}/retire", tag = "keys", params(("id" = String, Path)),
    responses((status = 200, body = KeyInfo)))]
pub async fn retire_key(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<KeyInfo>, Fault> {
    let id = text::plain(&id);
    let mut tx = portal.db.begin().await?;
    let retired =
        sqlx::query("UPDATE keys SET retired = $1 WHERE id = $2 AND user_id = $3 AND retired IS NULL")
            .bind(now())
            .bind(id)
            .bind(&caller.user)
            .execute(&mut *tx)
            .await?;
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, name, purpose, public, fingerprint, created, retired FROM keys
         WHERE id = $1 AND user_id = $2",
    )
    .bind(id)
    .bind(&caller.user)
    .fetch_optional(&mut *tx)
    .await?;
    let info = row.and_then(shown).ok_or(Fault::NoSuchThing("key"))?;
    if retired.rows_affected() == 1 {
        log_everywhere(&mut tx, &caller.user, "key_retired", &info).await?;
    }
    tx.commit().await?;
    Ok(Json(info))
}

/// A key is its owner's in all their projects.
async fn log_everywhere(conn: &mut Conn, user: &str, kind: &str, key: &KeyInfo) -> Result<(), Fault> {
    let projects: Vec<(String,)> =
        sqlx::query_as("SELECT DISTINCT project_id FROM members WHERE user_id = $1 ORDER BY project_id")
            .bind(user)
            .fetch_all(&mut *conn)
            .await?;
    for (project,) in projects {
        let detail = json!({ "fingerprint": key.fingerprint, "purpose": key.purpose });
        journal::append(conn, &project, user, kind, &key.id, detail).await?;
    }
    Ok(())
}

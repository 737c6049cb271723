//! Requests as rows.

use vdl_authorize::{PAYLOAD_TYPE, Policy, VerifyingKey, assemble};

use super::{Comment, Kind, Request, RequestSummary, Signature, Verdict, Version};
use crate::access::Role;
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::Caller;
use crate::ids::now;
use crate::key::{Purpose, keys_of, owner_of, read_public};
use crate::policy::adopted;
use crate::review::{Action, Party, State, allowed, next};
use crate::text;

/// A request's own row.
pub struct Stored {
    pub id: String,
    pub project: String,
    pub kind: Kind,
    pub name: String,
    pub user: String,
    pub state: State,
    pub version: i64,
    revision: i64,
    created: i64,
    changed: i64,
}

type Row = (String, String, String, String, String, String, i64, i64, i64, i64);

fn state_of(word: &str) -> Result<State, Fault> {
    State::read(word).ok_or_else(|| Fault::internal("a stored request has no such state", &word))
}

pub async fn find(conn: &mut Conn, id: &str) -> Result<Stored, Fault> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, project_id, kind, name, user_id, state, version, revision, created, changed
         FROM requests WHERE id = $1",
    )
    .bind(text::plain(id))
    .fetch_optional(conn)
    .await?;
    let (id, project, kind, name, user, state, version, revision, created, changed) =
        row.ok_or(Fault::NoSuchThing("request"))?;
    let (kind, state) = (Kind::read(&kind)?, state_of(&state)?);
    Ok(Stored { id, project, kind, name, user, state, version, revision, created, changed })
}

/// Does one step of the state machine, unless somebody else did one since the row was read. `version` is the
/// one that is the latest from then on.
pub async fn advance(
    conn: &mut Conn,
    stored: &Stored,
    action: Action,
    rule_met: bool,
    version: i64,
) -> Result<State, Fault> {
    let after = next(stored.state, action, rule_met).ok_or_else(|| not_now(stored.state, action))?;
    let changed = sqlx::query(
        "UPDATE requests SET state = $1, version = $2, revision = revision + 1, changed = $3
         WHERE id = $4 AND revision = $5",
    )
    .bind(after.word())
    .bind(version)
    .bind(now())
    .bind(&stored.id)
    .bind(stored.revision)
    .execute(conn)
    .await?;
    match changed.rows_affected() {
        1 => Ok(after),
        _ => Err(Fault::ChangedMeanwhile),
    }
}

pub fn not_now(state: State, action: Action) -> Fault {
    Fault::NotNow(format!("a request that is {} does not take the action {}", state.word(), action.word()))
}

/// What the caller is to the request, and their keys in the policy.
pub async fn party(
    conn: &mut Conn,
    stored: &Stored,
    caller: &Caller,
) -> Result<(Party, Vec<VerifyingKey>), Fault> {
    if stored.user == caller.user {
        return Ok((Party::Submitter, vec![]));
    }
    let policy = adopted(conn, &stored.project).await?;
    let (Some((policy, _)), true) = (policy, caller.roles.contains(&Role::Approver)) else {
        return Ok((Party::Reader, vec![]));
    };
    let mut keys = keys_of(conn, &caller.user, Purpose::Approver).await?;
    keys.retain(|key| policy.approvers().any(|(_, approver)| approver == key));
    let party = if keys.is_empty() { Party::Reader } else { Party::Approver };
    Ok((party, keys))
}

/// The users whose keys are in the policy.
pub async fn approvers(conn: &mut Conn, policy: &Policy) -> Result<Vec<String>, Fault> {
    let mut users = Vec::new();
    for (_, key) in policy.approvers() {
        let public = key.to_base64().map_err(vdl_authorize::Refusal::ApproverKey)?;
        users.extend(owner_of(conn, &public, Purpose::Approver).await?);
    }
    Ok(users)
}

/// The exact bytes of a version. A row that was changed since does not have its digest.
pub async fn payload(conn: &mut Conn, stored: &Stored) -> Result<(Vec<u8>, String), Fault> {
    let (payload, digest): (String, String) =
        sqlx::query_as("SELECT payload, digest FROM versions WHERE request_id = $1 AND version = $2")
            .bind(&stored.id)
            .bind(stored.version)
            .fetch_one(conn)
            .await?;
    let payload = text::stored("a stored payload", &payload)?;
    match digest_of(&payload) == digest {
        true => Ok((payload, digest)),
        false => Err(Fault::internal("a stored payload was changed", &stored.id)),
    }
}

pub fn digest_of(payload: &[u8]) -> String {
    blake3::hash(payload).to_hex().to_uppercase()
}

/// The file of the latest version, with the signatures that were given, in their order.
pub async fn envelope(conn: &mut Conn, stored: &Stored, payload: &[u8]) -> Result<Vec<u8>, Fault> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT public, signature FROM signatures WHERE request_id = $1 AND version = $2 ORDER BY position",
    )
    .bind(&stored.id)
    .bind(stored.version)
    .fetch_all(conn)
    .await?;
    let mut signed = Vec::new();
    for (public, signature) in rows {
        signed.push((read_public(&public)?, signature));
    }
    Ok(assemble(PAYLOAD_TYPE, payload, &signed)?)
}

pub async fn list(conn: &mut Conn, project: &str) -> Result<Vec<RequestSummary>, Fault> {
    type Line = (String, String, String, String, String, String, i64, String, i64, i64, i64);
    let rows: Vec<Line> = sqlx::query_as(
        "SELECT requests.id, requests.kind, requests.name, users.id, users.name, requests.state,
                requests.version, versions.digest, requests.created, requests.changed,
                (SELECT COUNT(*) FROM signatures WHERE signatures.request_id = requests.id
                 AND signatures.version = requests.version)
         FROM requests JOIN users ON users.id = requests.user_id
         JOIN versions ON versions.request_id = requests.id AND versions.version = requests.version
         WHERE requests.project_id = $1 ORDER BY requests.changed DESC, requests.id",
    )
    .bind(project)
    .fetch_all(conn)
    .await?;
    let mut list = Vec::new();
    for (id, kind, name, user, user_name, state, version, digest, created, changed, signed) in rows {
        let (kind, state) = (Kind::read(&kind)?, state_of(&state)?);
        list.push(RequestSummary {
            id,
            kind,
            name,
            user,
            user_name,
            state,
            version,
            digest,
            signed,
            created,
            changed,
        });
    }
    Ok(list)
}

pub async fn describe(conn: &mut Conn, stored: &Stored, caller: &Caller) -> Result<Request, Fault> {
    let (user_name,): (String,) = sqlx::query_as("SELECT name FROM users WHERE id = $1")
        .bind(&stored.user)
        .fetch_one(&mut *conn)
        .await?;
    let versions = versions(conn, &stored.id, stored.version).await?;
    let digest = versions.last().map(|version| version.digest.clone()).unwrap_or_default();
    let (party, _) = party(conn, stored, caller).await?;
    Ok(Request {
        id: stored.id.clone(),
        project: stored.project.clone(),
        kind: stored.kind,
        name: stored.name.clone(),
        user: stored.user.clone(),
        user_name,
        state: stored.state,
        version: stored.version,
        digest,
        created: stored.created,
        changed: stored.changed,
        allowed: allowed(stored.state, party),
        versions,
        comments: comments(conn, &stored.id).await?,
        signatures: signatures(conn, &stored.id).await?,
    })
}

type VersionRow = (i64, Option<String>, String, Option<String>, Option<String>, i64);

fn shown((version, payload, digest, note, dummy_output, created): VersionRow) -> Version {
    Version { version, payload, digest, note, dummy_output, created }
}

/// All of them, the long texts of the latest only.
async fn versions(conn: &mut Conn, request: &str, latest: i64) -> Result<Vec<Version>, Fault> {
    let rows: Vec<VersionRow> = sqlx::query_as(
        "SELECT version, CASE WHEN version = $1 THEN payload END, digest, note,
                CASE WHEN version = $2 THEN dummy_output END, created
         FROM versions WHERE request_id = $3 ORDER BY version",
    )
    .bind(latest)
    .bind(latest)
    .bind(request)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(shown).collect())
}

pub async fn version(conn: &mut Conn, request: &str, version: i64) -> Result<Version, Fault> {
    let row: Option<VersionRow> = sqlx::query_as(
        "SELECT version, payload, digest, note, dummy_output, created FROM versions
         WHERE request_id = $1 AND version = $2",
    )
    .bind(request)
    .bind(version)
    .fetch_optional(conn)
    .await?;
    row.map(shown).ok_or(Fault::NoSuchThing("version"))
}

async fn comments(conn: &mut Conn, request: &str) -> Result<Vec<Comment>, Fault> {
    type Line = (String, i64, String, String, Option<String>, Option<i64>, String, i64);
    let rows: Vec<Line> = sqlx::query_as(
        "SELECT comments.id, comments.version, users.id, users.name, comments.verdict, comments.step,
                comments.words, comments.created
         FROM comments JOIN users ON users.id = comments.user_id
         WHERE comments.request_id = $1 ORDER BY comments.created, comments.id",
    )
    .bind(request)
    .fetch_all(conn)
    .await?;
    let shown = |(id, version, user, user_name, verdict, step, text, created): Line| Comment {
        id,
        version,
        user,
        user_name,
        verdict: verdict.as_deref().and_then(Verdict::read),
        step,
        text,
        created,
    };
    Ok(rows.into_iter().map(shown).collect())
}

async fn signatures(conn: &mut Conn, request: &str) -> Result<Vec<Signature>, Fault> {
    type Line = (i64, String, String, String, String, i64);
    let rows: Vec<Line> = sqlx::query_as(
        "SELECT signatures.version, users.id, users.name, signatures.public, signatures.signature,
                signatures.created
         FROM signatures JOIN users ON users.id = signatures.user_id
         WHERE signatures.request_id = $1 ORDER BY signatures.version, signatures.position",
    )
    .bind(request)
    .fetch_all(conn)
    .await?;
    let mut signatures = Vec::new();
    for (version, user, user_name, public, signature, created) in rows {
        let fingerprint = read_public(&public)?.fingerprint();
        signatures.push(Signature { version, user, user_name, public, fingerprint, signature, created });
    }
    Ok(signatures)
}

//! The rules that the servers go by: documents completed here are published to them, and what they say of
//! themselves is what is shown. A policy that came to the servers another way is followed here too.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use vdl_authorize::{Policies, Policy, Refusal, Standing, is_envelope, read_policy};
use vdl_client::ClientError;

use crate::access::Role;
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::Caller;
use crate::ids::now;
use crate::journal;
use crate::key::{Purpose, owner_of};
use crate::policy::adopted;
use crate::project::{lock_project, users_with};
use crate::server::Shared;
use crate::text;

const KEEP_UP_EVERY: Duration = Duration::from_secs(60);
/// How long a starting portal waits for its servers at most.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// What a server goes by, as it says itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerRules {
    pub server: u8,
    /// The version of its policy, and the policy's digest.
    pub policy: Option<u32>,
    pub policy_digest: Option<String>,
    pub revocations: Option<u64>,
    /// Whether its policy is the one that holds in the portal.
    pub same: bool,
    /// The code of an error where it says nothing, such as `node_unreachable`.
    pub problem: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Rules {
    pub servers: Vec<ServerRules>,
    /// Whether all three go by the same, and by the policy that holds in the portal.
    pub agree: bool,
    /// Signed policies and revocations that no server has taken over yet; it is tried again every minute.
    pub waiting: i64,
    /// Of those that the servers refused: the error's code.
    pub refused: Vec<String>,
}

type Said = [Result<Policies, ClientError>; 3];

/// What the three servers go by right now.
#[utoipa::path(get, path = "/api/projects/{project}/rules", tag = "project", params(
    ("project" = String, Path)), responses((status = 200, body = Rules)))]
pub async fn read_rules(State(portal): State<Shared>, caller: Caller) -> Result<Json<Rules>, Fault> {
    let said = portal.cluster(&caller.project)?.policies().await?;
    let mut tx = portal.db.begin().await?;
    follow(&mut tx, &caller.project, &said).await?;
    let rules = describe(&mut tx, &caller.project, &said).await?;
    tx.commit().await?;
    Ok(Json(rules))
}

async fn describe(conn: &mut Conn, project: &str, said: &Said) -> Result<Rules, Fault> {
    let here = adopted(conn, project).await?.map(|(policy, _)| policy.digest());
    let shown = |(server, said): (u8, &Result<Policies, ClientError>)| match said {
        Ok(Policies { standing, .. }) => ServerRules {
            server,
            policy: Some(standing.policy),
            policy_digest: Some(standing.policy_digest.to_string()),
            revocations: Some(standing.revocations),
            same: here == Some(standing.policy_digest),
            problem: None,
        },
        Err(error) => ServerRules {
            server,
            policy: None,
            policy_digest: None,
            revocations: None,
            same: false,
            problem: Some(error.code().to_owned()),
        },
    };
    let rows: Vec<(Option<String>,)> =
        sqlx::query_as("SELECT refused FROM publications WHERE project_id = $1 AND taken IS NULL")
            .bind(project)
            .fetch_all(conn)
            .await?;
    let waiting = rows.iter().filter(|(refused,)| refused.is_none()).count();
    Ok(Rules {
        servers: (0..).zip(said).map(shown).collect(),
        agree: agreed(said).is_some_and(|policies| Some(policies.standing.policy_digest) == here),
        waiting: i64::try_from(waiting).unwrap_or(i64::MAX),
        refused: rows.into_iter().filter_map(|(refused,)| refused).collect(),
    })
}

/// What all three say, if it is the same.
fn agreed(said: &Said) -> Option<&Policies> {
    match said {
        [Ok(a), Ok(b), Ok(c)] if a.standing == b.standing && a.standing == c.standing => Some(a),
        _ => None,
    }
}

/// Takes over policies that the servers follow: those that come after the one that holds here, by their
/// signatures, whichever server brings them.
async fn follow(conn: &mut Conn, project: &str, said: &Said) -> Result<(), Fault> {
    lock_project(conn, project).await?;
    for policies in said.iter().flatten() {
        for text in policies.policies.iter().filter(|text| is_envelope(text.as_bytes())) {
            let Some((current, _)) = adopted(conn, project).await? else { return Ok(()) };
            if let Ok(next) = current.follow(text.as_bytes()) {
                adopt(conn, project, &next, text).await?;
            }
        }
    }
    Ok(())
}

/// Takes over the first policy where there is none, if all three servers have pinned it and all its approvers
/// have enrolled their keys here. Otherwise an administrator chooses it.
async fn find_first(conn: &mut Conn, project: &str, said: &Said) -> Result<(), Fault> {
    lock_project(conn, project).await?;
    let Some(first) = agreed(said).and_then(|policies| policies.policies.first()) else { return Ok(()) };
    if adopted(conn, project).await?.is_some() {
        return Ok(());
    }
    let policy = read_policy(first.as_bytes())?;
    let members = users_with(conn, project, &[Role::Approver]).await?;
    for (_, key) in policy.approvers() {
        let owner =
            owner_of(conn, &key.to_base64().map_err(Refusal::ApproverKey)?, Purpose::Approver).await?;
        if !owner.is_some_and(|owner| members.contains(&owner)) {
            return Ok(());
        }
    }
    adopt(conn, project, &policy, first).await
}

async fn adopt(conn: &mut Conn, project: &str, policy: &Policy, text: &str) -> Result<(), Fault> {
    let digest = policy.digest().to_string();
    sqlx::query("DELETE FROM policies WHERE project_id = $1 AND adopted IS NULL AND version <= $2")
        .bind(project)
        .bind(i64::from(policy.version()))
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO policies (project_id, version, payload, adopted, created) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(project)
    .bind(i64::from(policy.version()))
    .bind(text::to_base64(&policy.to_payload()?))
    .bind(now())
    .bind(now())
    .execute(&mut *conn)
    .await?;
    if is_envelope(text.as_bytes()) {
        keep(conn, project, &digest, text.as_bytes(), Some(now())).await?;
    }
    let detail = json!({ "version": policy.version(), "rule": policy.rule_in_words() });
    journal::append(conn, project, "", "policy_followed", &digest, detail).await
}

/// Keeps a complete document until the servers have it. To be called in the transaction that completes it.
pub async fn keep(
    conn: &mut Conn,
    project: &str,
    object: &str,
    envelope: &[u8],
    taken: Option<i64>,
) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO publications (project_id, object, envelope, created, taken)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(project)
    .bind(object)
    .bind(text::to_base64(envelope))
    .bind(now())
    .bind(taken)
    .execute(conn)
    .await?;
    Ok(())
}

/// The envelope of a document that was kept.
pub async fn kept(conn: &mut Conn, project: &str, object: &str) -> Result<Option<Vec<u8>>, Fault> {
    let found: Option<(String,)> =
        sqlx::query_as("SELECT envelope FROM publications WHERE project_id = $1 AND object = $2")
            .bind(project)
            .bind(object)
            .fetch_optional(conn)
            .await?;
    found.map(|(envelope,)| text::base64("a document", &envelope)).transpose()
}

/// Gives the servers what they have not taken over yet. A document that one of them has goes on to its peers;
/// one that all three refuse is not offered again.
pub async fn publish(portal: &Shared, project: &str) -> Result<(), Fault> {
    let mut tx = portal.db.begin().await?;
    let waiting: Vec<(String, String)> = sqlx::query_as(
        "SELECT object, envelope FROM publications
         WHERE project_id = $1 AND taken IS NULL AND refused IS NULL ORDER BY created, object",
    )
    .bind(project)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    for (object, envelope) in waiting {
        let envelope = text::base64("a document", &envelope)?;
        let said = portal.cluster(project)?.publish(envelope).await?;
        let Some(outcome) = outcome(&said) else { continue };
        let mut tx = portal.db.begin().await?;
        note(&mut tx, project, &object, outcome).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// How publishing a document ended.
enum Outcome {
    /// With these servers.
    Taken(Vec<u8>),
    /// With the code of an error.
    Refused(String),
}

/// `None` as long as another attempt may end otherwise.
fn outcome(said: &[Result<Standing, ClientError>; 3]) -> Option<Outcome> {
    let taken: Vec<u8> = (0..).zip(said).filter(|(_, said)| said.is_ok()).map(|(server, _)| server).collect();
    match said {
        _ if !taken.is_empty() => Some(Outcome::Taken(taken)),
        [Err(ClientError::Node(first)), Err(ClientError::Node(_)), Err(ClientError::Node(_))] => {
            Some(Outcome::Refused(first.code.clone()))
        }
        _ => None,
    }
}

async fn note(conn: &mut Conn, project: &str, object: &str, outcome: Outcome) -> Result<(), Fault> {
    let (taken, refused, kind, detail) = match outcome {
        Outcome::Taken(servers) => (Some(now()), None, "published", json!({ "servers": servers })),
        Outcome::Refused(code) => (None, Some(code.clone()), "publish_refused", json!({ "code": code })),
    };
    let noted = sqlx::query(
        "UPDATE publications SET taken = $1, refused = $2
         WHERE project_id = $3 AND object = $4 AND taken IS NULL AND refused IS NULL",
    )
    .bind(taken)
    .bind(refused)
    .bind(project)
    .bind(object)
    .execute(&mut *conn)
    .await?;
    // Somebody else may have published it meanwhile.
    match noted.rows_affected() {
        1 => journal::append(conn, project, "", kind, object, detail).await,
        _ => Ok(()),
    }
}

/// Publishes at once what was just completed. What goes wrong is tried again later and shown by
/// [`read_rules`]; the request that completed it is done either way.
pub async fn publish_now(portal: &Shared, project: &str) {
    if let Err(fault) = publish(portal, project).await {
        tracing::warn!(?fault, "not published");
    }
}

async fn look_at(portal: &Shared, project: &str, starting: bool) -> Result<(), Fault> {
    let said = portal.cluster(project)?.policies().await?;
    let mut tx = portal.db.begin().await?;
    if starting {
        find_first(&mut tx, project, &said).await?;
    }
    follow(&mut tx, project, &said).await?;
    Ok(tx.commit().await?)
}

async fn look(portal: &Shared, starting: bool) {
    for project in portal.projects() {
        publish_now(portal, &project).await;
        if let Err(fault) = look_at(portal, &project, starting).await {
            tracing::warn!(?fault, "the servers' rules were not read");
        }
    }
}

/// A first look before the portal is reached, so that it begins with the policy its servers have.
pub async fn begin(portal: &Shared) {
    // Where a server is silent, people wait no longer than this.
    let _ = tokio::time::timeout(FIRST_LOOK, look(portal, true)).await;
}

/// Looks again every now and then.
pub async fn keep_up(portal: Shared) {
    loop {
        tokio::time::sleep(KEEP_UP_EVERY).await;
        look(&portal, false).await;
    }
}

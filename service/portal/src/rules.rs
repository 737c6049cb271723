//! The rules that the servers go by: documents completed here are published to them, and what they say of
//! themselves is what is shown. A policy that came to the servers another way is followed here too.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use vdl_authorize::{Policies, Policy, VerifyingKey, is_envelope, read_policy};
use vdl_client::ClientError;

use crate::access::Role;
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::Caller;
use crate::ids::now;
use crate::inbox::{NoticeKind, notify};
use crate::journal;
use crate::policy::{adopted, asks_the_same, owners};
use crate::project::{lock_project, users_with};
use crate::publication::{ENOUGH, Said, keep, publish_now, remember, waiting};
use crate::request;
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
    /// Signed policies and revocations that fewer than two servers have; it is tried again every minute.
    pub waiting: i64,
    /// Of those that all three refused: the error's code. Revocations among them are offered again.
    pub refused: Vec<String>,
}

/// What the three servers go by right now.
#[utoipa::path(get, path = "/api/projects/{project}/rules", tag = "project", params(
    ("project" = String, Path)), responses((status = 200, body = Rules)))]
pub async fn read_rules(State(portal): State<Shared>, caller: Caller) -> Result<Json<Rules>, Fault> {
    let turn = portal.busy.users.take(&caller.user).await?;
    let said = portal.cluster(&caller.project)?.policies().await?;
    drop(turn);
    let mut tx = portal.db.begin().await?;
    learn(&mut tx, &caller.project, &said, false).await?;
    let rules = describe(&mut tx, &caller.project, &said).await?;
    tx.commit().await?;
    Ok(Json(rules))
}

async fn describe(conn: &mut Conn, project: &str, said: &Said) -> Result<Rules, Fault> {
    let here = adopted(conn, project).await?.map(|(policy, _)| policy);
    let same = |policies: &Policies| goes_by(policies, here.as_ref());
    let shown = |(server, said): (u8, &Result<Policies, ClientError>)| match said {
        Ok(policies) => ServerRules {
            server,
            policy: Some(policies.standing.policy),
            policy_digest: Some(policies.standing.policy_digest.to_string()),
            revocations: Some(policies.standing.revocations),
            same: same(policies),
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
    let documents = waiting(conn, project).await?;
    let open = documents.iter().filter(|document| !document.is_over()).count();
    Ok(Rules {
        servers: (0..).zip(said).map(shown).collect(),
        agree: agreed(said).is_some_and(same),
        waiting: i64::try_from(open).unwrap_or(i64::MAX),
        refused: documents.into_iter().filter_map(|document| document.refused).collect(),
    })
}

/// Whether a server's policy is the one here: by its digest, or but for the names in it and for an end that
/// comes sooner here, which only makes the portal stricter.
fn goes_by(policies: &Policies, here: Option<&Policy>) -> bool {
    let Some(here) = here else { return false };
    let ends = |policy: &Policy| policy.statement().expires.unwrap_or(i64::MAX);
    let last = || read_policy(policies.policies.last()?.as_bytes()).ok();
    here.digest() == policies.standing.policy_digest
        || (here.version() == policies.standing.policy
            && last().is_some_and(|theirs| asks_the_same(&theirs, here) && ends(here) <= ends(&theirs)))
}

/// What all three say, if it is the same.
fn agreed(said: &Said) -> Option<&Policies> {
    match said {
        [Ok(a), Ok(b), Ok(c)] if a.standing == b.standing && a.standing == c.standing => Some(a),
        _ => None,
    }
}

/// The policy that so many of them at least show as their first. Their standings say nothing of it: those
/// name the newest.
fn first_of(said: &Said, least: usize) -> Option<Policy> {
    let shown = |policies: &Policies| read_policy(policies.policies.first()?.as_bytes()).ok();
    let firsts: Vec<Policy> = said.iter().flatten().filter_map(shown).collect();
    let count = |one: &&Policy| firsts.iter().filter(|other| other.digest() == one.digest()).count();
    firsts.iter().find(|first| count(first) >= least).cloned()
}

/// Takes over what the servers go by: their first policy where there is none here, those that follow, and
/// revocations.
async fn learn(conn: &mut Conn, project: &str, said: &Said, starting: bool) -> Result<(), Fault> {
    lock_project(conn, project).await?;
    find_first(conn, project, said, starting).await?;
    follow(conn, project, said).await?;
    remember(conn, project, said).await?;
    request::take_back(conn, project).await
}

/// Takes over policies that the servers follow: those that come after the one that holds here, by their
/// signatures, up to one that two servers go by. Signatures alone say nothing of when they were taken over,
/// nor of what was revoked before; the honest one of the two looked at both.
async fn follow(conn: &mut Conn, project: &str, said: &Said) -> Result<(), Fault> {
    let Some((current, _)) = adopted(conn, project).await? else { return Ok(()) };
    let names = |policies: &&Policies| policies.standing.policy > current.version() && backed(policies, said);
    for policies in said.iter().flatten().filter(names) {
        let (mut last, mut steps) = (current.clone(), Vec::new());
        for text in policies.policies.iter().filter(|text| is_envelope(text.as_bytes())) {
            if let Ok(next) = last.follow(text.as_bytes()) {
                steps.push((next.clone(), text));
                last = next;
            }
        }
        // All of it or nothing: what leads elsewhere is not what they go by.
        if last.digest() == policies.standing.policy_digest {
            for (next, text) in steps {
                adopt(conn, project, &next, Some(text)).await?;
            }
            return Ok(());
        }
    }
    Ok(())
}

/// Whether another server goes by the same policy.
fn backed(policies: &Policies, said: &Said) -> bool {
    let same = |other: &&Policies| other.standing.policy_digest == policies.standing.policy_digest;
    said.iter().flatten().filter(same).count() >= ENOUGH
}

/// Takes over the first policy where there is none, if all three servers show the same and all its approvers
/// have enrolled their keys here. Until then an administrator may choose it; and while the portal runs, one
/// in which nobody has a name is left to an administrator, who says who they are.
async fn find_first(conn: &mut Conn, project: &str, said: &Said, starting: bool) -> Result<(), Fault> {
    // The word of one of them is not enough here: nothing leads back from a wrong one.
    let Some(policy) = agreed(said).and_then(|_| first_of(said, said.len())) else { return Ok(()) };
    if adopted(conn, project).await?.is_some() {
        return Ok(());
    }
    if !starting && is_unnamed(&policy) {
        return Ok(());
    }
    match owners(conn, project, &policy).await {
        Ok(_) => adopt(conn, project, &policy, None).await,
        // Somebody's key is not enrolled, or two are one person's.
        Err(Fault::InvalidInput(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Whether servers made it of a list of keys.
fn is_unnamed(policy: &Policy) -> bool {
    let keys: Vec<VerifyingKey> = policy.approvers().map(|(_, key)| key.clone()).collect();
    Policy::pinned(&keys, policy.environment()).is_ok_and(|listed| listed == *policy)
}

/// What two of the servers at least say that they began with: one of the two is honest, and the third holds
/// nobody up.
pub async fn pinned(portal: &Shared, project: &str) -> Result<Option<Policy>, Fault> {
    let said = portal.cluster(project)?.policies().await?;
    Ok(first_of(&said, ENOUGH))
}

/// From here on this policy holds: the one that was signed here, or another. Requests that have signatures
/// enough for it are approved with it.
pub async fn adopt(
    conn: &mut Conn,
    project: &str,
    policy: &Policy,
    envelope: Option<&str>,
) -> Result<(), Fault> {
    let (digest, version) = (policy.digest().to_string(), i64::from(policy.version()));
    let drafted: Option<(String,)> = sqlx::query_as(
        "SELECT payload FROM policies WHERE project_id = $1 AND version = $2 AND adopted IS NULL",
    )
    .bind(project)
    .bind(version)
    .fetch_optional(&mut *conn)
    .await?;
    let drafted = drafted.map(|(payload,)| text::stored("a stored policy", &payload)).transpose()?;
    let own = drafted.is_some_and(|draft| Policy::read(&draft).is_ok_and(|draft| draft == *policy));
    if own {
        sqlx::query("UPDATE policies SET adopted = $1 WHERE project_id = $2 AND version = $3")
            .bind(now())
            .bind(project)
            .bind(version)
            .execute(&mut *conn)
            .await?;
    } else {
        insert(conn, project, policy, version).await?;
    }
    if let Some(envelope) = envelope {
        keep(conn, project, &digest, envelope.as_bytes(), Some(now())).await?;
    }
    let detail = json!({ "version": policy.version(), "rule": policy.rule_in_words() });
    let kind = if own { "policy_adopted" } else { "policy_followed" };
    journal::append(conn, project, "", kind, &digest, detail).await?;
    let told = users_with(conn, project, &Role::ALL).await?;
    notify(conn, project, None, NoticeKind::PolicyAdopted, "", &told).await?;
    request::reconsider(conn, project).await
}

async fn insert(conn: &mut Conn, project: &str, policy: &Policy, version: i64) -> Result<(), Fault> {
    sqlx::query("DELETE FROM policies WHERE project_id = $1 AND adopted IS NULL AND version <= $2")
        .bind(project)
        .bind(version)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO policies (project_id, version, payload, adopted, created) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(project)
    .bind(version)
    .bind(text::to_base64(&policy.to_payload()?))
    .bind(now())
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

/// Asks the servers and takes over what they go by.
pub async fn look_at(portal: &Shared, project: &str, starting: bool) -> Result<(), Fault> {
    let said = portal.cluster(project)?.policies().await?;
    let mut tx = portal.db.begin().await?;
    learn(&mut tx, project, &said, starting).await?;
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

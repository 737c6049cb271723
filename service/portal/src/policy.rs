//! Whose signatures count, as far as the portal knows: servers hold to what they were given and checked.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use vdl_authorize::{POLICY_PAYLOAD, Policy, Refusal, Rule, assemble, fits};

use crate::access::Role;
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::{Caller, Input};
use crate::ids::now;
use crate::inbox::{NoticeKind, notify};
use crate::journal;
use crate::key::{Purpose, keys_of, owner_of, read_public};
use crate::project::{lock_as_administrator, lock_project, users_with};
use crate::publication;
use crate::rules;
use crate::server::Shared;
use crate::text;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PolicyInfo {
    pub version: i64,
    /// Its exact text, in base64; what else stands here was read from it.
    pub payload: String,
    /// Names it on the servers too.
    pub digest: String,
    /// `2 of 3`
    pub rule: String,
    pub approvers: Vec<PolicyApprover>,
    pub expires: Option<i64>,
    pub adopt_before: Option<i64>,
    /// Since when it holds here; a draft does not.
    pub adopted: Option<i64>,
    /// Under it, if it follows another.
    pub signatures: Vec<PolicySignature>,
    /// Whether everybody has signed it. It holds once the servers have taken it over.
    pub complete: bool,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PolicyApprover {
    pub name: String,
    /// SPKI in base64.
    pub key: String,
    pub fingerprint: String,
    /// Whose it is, if the portal knows.
    pub user: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PolicySignature {
    pub user: String,
    pub public: String,
    pub signature: String,
    pub created: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Policies {
    pub current: Option<PolicyInfo>,
    /// Proposed to follow it, and signed by some.
    pub draft: Option<PolicyInfo>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyForm {
    /// A policy's exact text, in base64.
    payload: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySignatureForm {
    version: i64,
    /// Base64, over the DSSE encoding of the draft's exact text.
    signature: String,
}

/// The policy that holds, with its exact text.
pub async fn adopted(conn: &mut Conn, project: &str) -> Result<Option<(Policy, Vec<u8>)>, Fault> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT payload FROM policies WHERE project_id = $1 AND adopted IS NOT NULL
         ORDER BY version DESC LIMIT 1",
    )
    .bind(project)
    .fetch_optional(conn)
    .await?;
    let Some((payload,)) = found else { return Ok(None) };
    let payload = text::stored("a stored policy", &payload)?;
    Ok(Some((Policy::read(&payload)?, payload)))
}

/// All that ever held here, the first one first.
pub async fn all_adopted(conn: &mut Conn, project: &str) -> Result<Vec<Policy>, Fault> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT payload FROM policies WHERE project_id = $1 AND adopted IS NOT NULL ORDER BY version",
    )
    .bind(project)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|(payload,)| Ok(Policy::read(&text::stored("a stored policy", payload)?)?)).collect()
}

/// Whose keys a policy names: each that of another approver in this project. Two keys of one person would
/// count as two people.
pub async fn owners(conn: &mut Conn, project: &str, policy: &Policy) -> Result<Vec<String>, Fault> {
    let members = users_with(conn, project, &[Role::Approver]).await?;
    let mut owners = Vec::new();
    for (_, key) in policy.approvers() {
        let key = key.to_base64().map_err(Refusal::ApproverKey)?;
        match owner_of(conn, &key, Purpose::Approver).await? {
            Some(owner) if owners.contains(&owner) => {
                return Err(Fault::invalid("two of the keys are one person's, who would count as two"));
            }
            Some(owner) if members.contains(&owner) => owners.push(owner),
            _ => {
                return Err(Fault::invalid(
                    "each key has to be the enrolled approver's key of an approver in this project",
                ));
            }
        }
    }
    Ok(owners)
}

/// Whether two policies ask the same people, by the same rule, whatever they call them.
pub fn asks_the_same(one: &Policy, other: &Policy) -> bool {
    let terms = |policy: &Policy| {
        (policy.environment().to_owned(), policy.version(), policy.statement().approvals_since)
    };
    terms(one) == terms(other) && needed(one) == needed(other)
}

/// How many of which keys it takes.
fn needed(policy: &Policy) -> Vec<(Vec<[u8; 32]>, usize)> {
    let keys = |members: &dyn Fn(&str) -> bool| -> Vec<[u8; 32]> {
        let mut keys: Vec<_> =
            policy.approvers().filter(|(name, _)| members(name)).map(|(_, key)| key.to_bytes()).collect();
        keys.sort_unstable();
        keys
    };
    let all = keys(&|_| true);
    let count = |least: u32| usize::try_from(least).unwrap_or(usize::MAX);
    let mut needed = match &policy.statement().rule {
        Rule::All => vec![(all.clone(), all.len())],
        Rule::AtLeast(least) => vec![(all, count(*least))],
        Rule::Groups(groups) => {
            let of = |group: &vdl_authorize::Group| {
                (keys(&|name| group.members.iter().any(|member| member == name)), count(group.at_least))
            };
            groups.iter().map(of).collect()
        }
    };
    needed.sort_unstable();
    needed
}

pub async fn adopted_info(conn: &mut Conn, project: &str) -> Result<Option<PolicyInfo>, Fault> {
    info(conn, project, true).await
}

/// The latest that holds, or the latest that does not.
async fn info(conn: &mut Conn, project: &str, holds: bool) -> Result<Option<PolicyInfo>, Fault> {
    let found: Option<(i64, String, Option<i64>)> = sqlx::query_as(
        "SELECT version, payload, adopted FROM policies
         WHERE project_id = $1 AND (adopted IS NOT NULL) = ($2 = 1) ORDER BY version DESC LIMIT 1",
    )
    .bind(project)
    .bind(i64::from(holds))
    .fetch_optional(&mut *conn)
    .await?;
    let Some((version, payload, adopted)) = found else { return Ok(None) };
    let policy = Policy::read(&text::stored("a stored policy", &payload)?)?;
    let digest = policy.digest().to_string();
    let complete = version > 1 && publication::kept(conn, project, &digest).await?.is_some();
    let mut approvers = Vec::new();
    for (name, key) in policy.approvers() {
        let (name, fingerprint) = (name.to_owned(), key.fingerprint());
        let key = key.to_base64().map_err(Refusal::ApproverKey)?;
        let user = owner_of(conn, &key, Purpose::Approver).await?;
        approvers.push(PolicyApprover { name, key, fingerprint, user });
    }
    Ok(Some(PolicyInfo {
        version,
        payload,
        digest,
        rule: policy.rule_in_words(),
        approvers,
        expires: policy.statement().expires,
        adopt_before: policy.statement().adopt_before,
        adopted,
        signatures: signatures(conn, project, version).await?,
        complete,
    }))
}

async fn signatures(conn: &mut Conn, project: &str, version: i64) -> Result<Vec<PolicySignature>, Fault> {
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT user_id, public, signature, created FROM policy_signatures
         WHERE project_id = $1 AND version = $2 ORDER BY created, public",
    )
    .bind(project)
    .bind(version)
    .fetch_all(conn)
    .await?;
    let shown = |(user, public, signature, created)| PolicySignature { user, public, signature, created };
    Ok(rows.into_iter().map(shown).collect())
}

async fn both(conn: &mut Conn, project: &str) -> Result<Policies, Fault> {
    Ok(Policies { current: info(conn, project, true).await?, draft: info(conn, project, false).await? })
}

/// The policy that holds, and the one proposed to follow it.
#[utoipa::path(get, path = "/api/projects/{project}/policy", tag = "project", params(
    ("project" = String, Path)), responses((status = 200, body = Policies)))]
pub async fn read_policies(State(portal): State<Shared>, caller: Caller) -> Result<Json<Policies>, Fault> {
    let mut tx = portal.db.begin().await?;
    let policies = both(&mut tx, &caller.project).await?;
    tx.commit().await?;
    Ok(Json(policies))
}

/// Chooses the approvers. The first policy holds here at once, and on the servers when operators pin it. A
/// later one is a draft until everybody of the old and of the new one has signed it.
#[utoipa::path(post, path = "/api/projects/{project}/policy", tag = "project", params(
    ("project" = String, Path)), request_body = PolicyForm, responses((status = 201, body = Policies)))]
pub async fn propose_policy(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<PolicyForm>,
) -> Result<(StatusCode, Json<Policies>), Fault> {
    let (project, environment) = (&caller.project, &portal.cluster(&caller.project)?.environment);
    let policy = Policy::read(&text::base64("payload", &form.payload)?)?;
    if policy.environment() != environment {
        let (signed, here) = (policy.environment().to_owned(), environment.clone());
        return Err(Refusal::Environment { signed, here }.into());
    }
    policy.check_time(now())?;
    if policy.version() == 1 {
        check_pinned(&portal, project, &policy).await?;
    }
    let mut tx = portal.db.begin().await?;
    lock_as_administrator(&mut tx, &caller).await?;
    let owners = owners(&mut tx, project, &policy).await?;
    let current = adopted(&mut tx, project).await?;
    let here = current.as_ref().map_or(0, |(policy, _)| policy.version());
    if let Some((current, _)) = &current
        && current.version() == 1
        && asks_the_same(current, &policy)
    {
        // The servers were faster. The names are the administrator's, as long as nobody has read others.
        rename(&mut tx, &caller, &policy, &form.payload).await?;
        let policies = both(&mut tx, project).await?;
        tx.commit().await?;
        return Ok((StatusCode::CREATED, Json(policies)));
    }
    if Some(policy.version()) != here.checked_add(1) {
        return Err(Refusal::PolicyVersionJump { here, got: policy.version() }.into());
    }
    check_nothing_waits(&mut tx, project).await?;
    if here > 0 && policy.statement().adopt_before.is_none_or(|until| until < now()) {
        return Err(Fault::invalid(
            "a policy that follows another says until when it may be taken over: adopt_before",
        ));
    }
    sqlx::query("DELETE FROM policies WHERE project_id = $1 AND adopted IS NULL")
        .bind(project)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO policies (project_id, version, payload, adopted, created) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(project)
    .bind(i64::from(policy.version()))
    .bind(&form.payload)
    .bind((here == 0).then(now))
    .bind(now())
    .execute(&mut *tx)
    .await?;
    let (kind, notice) = match here {
        0 => ("policy_adopted", NoticeKind::PolicyAdopted),
        _ => ("policy_proposed", NoticeKind::PolicyProposed),
    };
    let digest = policy.digest().to_string();
    journal::append(&mut tx, project, &caller.user, kind, &digest, detail(&policy)).await?;
    notify(&mut tx, project, None, notice, &caller.user, &owners).await?;
    let policies = both(&mut tx, project).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(policies)))
}

/// The first policy is what all three servers were configured with, if they were. Its end may be another: it
/// then ends here sooner, or they refuse what is approved here.
async fn check_pinned(portal: &Shared, project: &str, policy: &Policy) -> Result<(), Fault> {
    match rules::pinned(portal, project).await? {
        Some(pinned) if !asks_the_same(&pinned, policy) => Err(Fault::NotNow(format!(
            "the three servers were configured with other approvers or another rule ({}): \
             choose the same here",
            pinned.rule_in_words()
        ))),
        _ => Ok(()),
    }
}

/// A draft that everybody has signed is with the servers now, and may hold any moment.
async fn check_nothing_waits(conn: &mut Conn, project: &str) -> Result<(), Fault> {
    let Some(draft) = info(conn, project, false).await? else { return Ok(()) };
    let waiting = publication::waiting(conn, project).await?;
    match waiting.iter().any(|document| document.object == draft.digest && !document.is_over()) {
        true => Err(Fault::NotNow(
            "a policy that everybody has signed waits for the servers; another can be proposed once they \
             have taken or refused it"
                .into(),
        )),
        false => Ok(()),
    }
}

async fn rename(conn: &mut Conn, caller: &Caller, policy: &Policy, payload: &str) -> Result<(), Fault> {
    let renamed = sqlx::query(
        "UPDATE policies SET payload = $1 WHERE project_id = $2 AND version = 1 AND payload <> $3
         AND NOT EXISTS (SELECT 1 FROM requests WHERE requests.project_id = policies.project_id)",
    )
    .bind(payload)
    .bind(&caller.project)
    .bind(payload)
    .execute(&mut *conn)
    .await?;
    if renamed.rows_affected() == 0 {
        return Ok(());
    }
    let (digest, expires) = (policy.digest().to_string(), policy.statement().expires);
    let detail = json!({ "version": 1, "rule": policy.rule_in_words(), "expires": expires });
    journal::append(conn, &caller.project, &caller.user, "policy_renamed", &digest, detail).await
}

fn detail(policy: &Policy) -> Value {
    json!({ "version": policy.version(), "rule": policy.rule_in_words() })
}

/// Signs the draft. With the last signature that is missing it goes to the servers, and holds here once two
/// of them go by it.
#[utoipa::path(post, path = "/api/projects/{project}/policy/signatures", tag = "project", params(
    ("project" = String, Path)), request_body = PolicySignatureForm,
    responses((status = 200, body = Policies)))]
pub async fn sign_policy(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<PolicySignatureForm>,
) -> Result<Json<Policies>, Fault> {
    let project = &caller.project;
    let mut tx = portal.db.begin().await?;
    lock_project(&mut tx, project).await?;
    let (current, _) = adopted(&mut tx, project).await?.ok_or(Fault::NoPolicy)?;
    let draft = info(&mut tx, project, false).await?.filter(|draft| draft.version == form.version);
    let draft = draft.ok_or(Fault::NoSuchThing("draft of a policy"))?;
    let payload = text::stored("a stored policy", &draft.payload)?;
    let next = Policy::read(&payload)?;
    let own = keys_of(&mut tx, &caller.user, Purpose::Approver).await?;
    let counts = |key: &&vdl_authorize::VerifyingKey| {
        current.approvers().chain(next.approvers()).any(|(_, other)| other == *key)
    };
    let signed = own.iter().filter(counts).find(|key| fits(key, POLICY_PAYLOAD, &payload, &form.signature));
    let public = signed.ok_or(Fault::WrongSignature)?.to_base64().map_err(Refusal::ApproverKey)?;
    let added = sqlx::query(
        "INSERT INTO policy_signatures (project_id, version, public, user_id, signature, created)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(project)
    .bind(draft.version)
    .bind(&public)
    .bind(&caller.user)
    .bind(&form.signature)
    .bind(now())
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 0 {
        return Err(Refusal::AlreadySigned.into());
    }
    let digest = next.digest().to_string();
    journal::append(&mut tx, project, &caller.user, "policy_signed", &digest, detail(&next)).await?;
    let envelope = envelope(&mut tx, project, draft.version, &payload).await?;
    let revocations = publication::revocations(&mut tx, project).await?;
    let complete = match current.succeed(&envelope, &revocations, now()) {
        Ok(_) => true,
        Err(Refusal::PolicyUnsigned { .. }) => false,
        Err(refusal) => return Err(refusal.into()),
    };
    let decides = portal.cluster(project)?.decides();
    if complete {
        journal::append(&mut tx, project, &caller.user, "policy_completed", &digest, detail(&next)).await?;
        publication::keep(&mut tx, project, &digest, &envelope, None).await?;
    }
    if complete && !decides {
        rules::adopt(&mut tx, project, &next, None).await?;
    }
    tx.commit().await?;
    if complete && decides {
        publication::publish_now(&portal, project).await;
        if let Err(fault) = rules::look_at(&portal, project, false).await {
            tracing::warn!(?fault, "the servers' rules were not read");
        }
    }
    read_policies(State(portal), caller).await
}

async fn envelope(conn: &mut Conn, project: &str, version: i64, payload: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut signed = Vec::new();
    for one in signatures(conn, project, version).await? {
        signed.push((read_public(&one.public)?, one.signature));
    }
    Ok(assemble(POLICY_PAYLOAD, payload, &signed)?)
}

/// The file for the servers: the first policy as it is pinned, later ones with all signatures.
#[utoipa::path(get, path = "/api/projects/{project}/policy/{version}/file", tag = "project", params(
    ("project" = String, Path), ("version" = i64, Path)),
    responses((status = 200, body = String, content_type = "application/octet-stream")))]
pub async fn download_policy(
    State(portal): State<Shared>,
    caller: Caller,
    Path((_project, version)): Path<(String, String)>,
) -> Result<impl IntoResponse, Fault> {
    let version: i64 = version.parse().map_err(|_| Fault::NoSuchThing("policy"))?;
    let mut tx = portal.db.begin().await?;
    let found: Option<(String,)> =
        sqlx::query_as("SELECT payload FROM policies WHERE project_id = $1 AND version = $2")
            .bind(&caller.project)
            .bind(version)
            .fetch_optional(&mut *tx)
            .await?;
    let (payload,) = found.ok_or(Fault::NoSuchThing("policy"))?;
    let mut file = text::stored("a stored policy", &payload)?;
    if version > 1 {
        let digest = Policy::read(&file)?.digest().to_string();
        file = match publication::kept(&mut tx, &caller.project, &digest).await? {
            Some(envelope) => envelope,
            None => envelope(&mut tx, &caller.project, version, &file).await?,
        };
    }
    tx.commit().await?;
    let name = format!("attachment; filename=\"policy-{version}.json\"");
    Ok((
        [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, name)],
        file,
    ))
}

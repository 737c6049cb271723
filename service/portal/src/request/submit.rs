//! Submitting, and submitting again.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State as Portal};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use vdl_authorize::{Policy, Refusal, Statement, VerifyingKey};
use vdl_command::{Command, Slot, Step, TableRef};

use super::judge::apart;
use super::store::{self, advance, digest_of};
use super::{Kind, Request};
use crate::access::Role;
use crate::db::{Conn, is_taken};
use crate::error::Fault;
use crate::gate::{Caller, Input};
use crate::ids::{fresh_id, now};
use crate::inbox::{NoticeKind, notify};
use crate::journal;
use crate::key::{Purpose, keys_of};
use crate::policy::adopted;
use crate::review::Action;
use crate::server::Shared;
use crate::table::check_owner;
use crate::text;

const MOST_OPEN: i64 = 100;
const MOST_VERSIONS: i64 = 50;
const LONGEST_NOTE: usize = 4000;
const LONGEST_OUTPUT: usize = 200_000;
/// Octets of a statement. Servers read longer ones; people do not.
const LONGEST_PAYLOAD: usize = 1 << 20;
/// Named in one statement.
const MOST_TABLES: usize = 1000;
/// Octets of all that one user has asked for in a project.
const MOST_STORED: i64 = 256 << 20;
/// Rows of one statement to the database.
const ROWS_AT_ONCE: usize = 100;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestForm {
    kind: Kind,
    name: String,
    /// The statement's exact bytes, in base64: these are signed.
    payload: String,
    #[serde(default)]
    note: Option<String>,
    /// What the script gave on dummy data, as text.
    #[serde(default)]
    dummy_output: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionForm {
    payload: String,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    dummy_output: Option<String>,
}

/// What a version says.
struct Read {
    payload: String,
    digest: String,
    statement: Statement,
    tables: BTreeSet<String>,
}

/// Before the database is asked for anything: others wait for it meanwhile.
async fn read(payload: String) -> Result<Read, Fault> {
    // Four letters for three octets.
    if payload.len() / 4 > LONGEST_PAYLOAD.div_ceil(3) {
        return Err(Fault::TooLong(LONGEST_PAYLOAD));
    }
    apart(move || {
        let bytes = text::base64("payload", &payload)?;
        let statement = Statement::read(&bytes).map_err(Refusal::Statement)?;
        let tables = handles(&statement);
        if tables.len() > MOST_TABLES {
            return Err(Fault::invalid("a request names at most 1000 tables"));
        }
        Ok(Read { digest: digest_of(&bytes), payload, statement, tables })
    })
    .await
}

/// A version that may be asked for.
struct Checked {
    read: Read,
    policy: Policy,
    note: Option<String>,
    dummy_output: Option<String>,
}

/// Whether a statement can be approved here and is for a key of whoever asks. Approvers and servers look
/// again.
async fn check(
    portal: &Shared,
    conn: &mut Conn,
    caller: &Caller,
    kind: Kind,
    read: Read,
    (note, output): (Option<String>, Option<String>),
) -> Result<Checked, Fault> {
    let statement = &read.statement;
    let (role, purpose, ordered) = match kind {
        Kind::Script => (Role::Analyst, Purpose::Analyst, true),
        Kind::Upload => (Role::Provider, Purpose::Provider, false),
        Kind::Deletion => (Role::Provider, Purpose::Provider, true),
    };
    if !caller.roles.contains(&role) {
        return Err(Fault::NotAllowed);
    }
    if statement.script.ordered != ordered {
        return Err(Fault::invalid("a script has its steps in order; an authorization to upload has not"));
    }
    if kind == Kind::Deletion {
        let handle = deleted(statement);
        let handle = handle.ok_or(Fault::invalid("a deletion is one step that deletes one table"))?;
        check_owner(conn, caller, &handle).await?;
    }
    if statement.purpose.is_none() {
        return Err(Fault::invalid("say the purpose, which approvers decide about"));
    }
    let analyst = VerifyingKey::from_base64(&statement.analyst).map_err(Refusal::AnalystKey)?;
    if !keys_of(conn, &caller.user, purpose).await?.contains(&analyst) {
        return Err(Fault::KeyUnknown);
    }
    let here = &portal.cluster(&caller.project)?.environment;
    if statement.environment != *here {
        let signed = statement.environment.clone();
        return Err(Refusal::Environment { signed, here: here.clone() }.into());
    }
    let (policy, _) = adopted(conn, &caller.project).await?.ok_or(Fault::NoPolicy)?;
    let (since, last) = (policy.statement().approvals_since, policy.version());
    if !(since..=last).contains(&statement.policy_version) {
        let approved = statement.policy_version;
        return Err(Refusal::PolicyVersion { approved, since, here: last }.into());
    }
    policy.check_time(now())?;
    if statement.expires.is_some_and(|expires| expires < now()) {
        return Err(Fault::invalid("the last day of this approval is over already"));
    }
    let note = note.as_deref().map(|note| text::words("a note", note, LONGEST_NOTE)).transpose()?;
    let output = output.as_deref();
    let output = output.map(|output| text::words("the output on dummy data", output, LONGEST_OUTPUT));
    check_room(conn, caller, &read).await?;
    Ok(Checked { read, policy, note, dummy_output: output.transpose()? })
}

/// Whether this user's requests take too much already.
async fn check_room(conn: &mut Conn, caller: &Caller, read: &Read) -> Result<(), Fault> {
    let (stored,): (i64,) = sqlx::query_as(
        "SELECT CAST(COALESCE(SUM(octet_length(versions.payload)
                + COALESCE(octet_length(versions.dummy_output), 0)), 0) AS BIGINT)
         FROM versions JOIN requests ON requests.id = versions.request_id
         WHERE requests.user_id = $1 AND requests.project_id = $2",
    )
    .bind(&caller.user)
    .bind(&caller.project)
    .fetch_one(conn)
    .await?;
    match stored.saturating_add(i64::try_from(read.payload.len()).unwrap_or(i64::MAX)) > MOST_STORED {
        true => Err(Fault::QuotaReached("256 MiB of requests of one user")),
        false => Ok(()),
    }
}

async fn insert_version(
    conn: &mut Conn,
    request: &str,
    version: i64,
    checked: &Checked,
) -> Result<(), Fault> {
    let added = sqlx::query(
        "INSERT INTO versions (request_id, version, payload, digest, note, dummy_output, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(request)
    .bind(version)
    .bind(&checked.read.payload)
    .bind(&checked.read.digest)
    .bind(&checked.note)
    .bind(&checked.dummy_output)
    .bind(now())
    .execute(&mut *conn)
    .await;
    match added {
        Err(error) if is_taken(&error) => return Err(Fault::Taken("request")),
        other => other?,
    };
    let tables: Vec<&String> = checked.read.tables.iter().collect();
    for some in tables.chunks(ROWS_AT_ONCE) {
        // Numbers only: nothing of what somebody sent stands in the text.
        let rows: Vec<String> = (3..3 + some.len()).map(|at| format!("($1, $2, ${at})")).collect();
        let text = format!(
            "INSERT INTO version_tables (request_id, version, handle) VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        );
        let mut insert = sqlx::query(sqlx::AssertSqlSafe(text)).bind(request).bind(version);
        for handle in some {
            insert = insert.bind(*handle);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

/// The table of which a script says nothing but that it is to be deleted.
fn deleted(statement: &Statement) -> Option<String> {
    match statement.script.steps.as_slice() {
        [Step { command: Command::Remove { table: TableRef::Handle(Slot::Value(handle)) }, .. }] => {
            Some(handle.to_string())
        }
        _ => None,
    }
}

/// The tables that a statement names.
fn handles(statement: &Statement) -> BTreeSet<String> {
    let inputs = statement.script.steps.iter().flat_map(|step| step.command.inputs());
    let named = inputs.filter_map(|input| match input {
        TableRef::Handle(Slot::Value(handle)) => Some(handle.to_string()),
        _ => None,
    });
    let listed = statement.tables.iter().flatten().map(ToString::to_string);
    let bound = statement.names.iter().filter_map(|rule| rule.table.as_ref()).map(ToString::to_string);
    named.chain(listed).chain(bound).collect()
}

/// Asks the approvers.
#[utoipa::path(post, path = "/api/projects/{project}/requests", tag = "requests", params(
    ("project" = String, Path)), request_body = RequestForm, responses((status = 201, body = Request)))]
pub async fn submit(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Input(form): Input<RequestForm>,
) -> Result<(StatusCode, Json<Request>), Fault> {
    let name = text::line("a request's name", &form.name, 120)?;
    let RequestForm { kind, payload, note, dummy_output, .. } = form;
    let read = read(payload).await?;
    let mut tx = portal.db.begin().await?;
    let checked = check(&portal, &mut tx, &caller, kind, read, (note, dummy_output)).await?;
    let (open,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM requests WHERE user_id = $1 AND project_id = $2
         AND state IN ('submitted', 'changes_requested')",
    )
    .bind(&caller.user)
    .bind(&caller.project)
    .fetch_one(&mut *tx)
    .await?;
    if open >= MOST_OPEN {
        return Err(Fault::QuotaReached("100 open requests"));
    }
    let id = fresh_id()?;
    sqlx::query(
        "INSERT INTO requests (id, project_id, kind, name, user_id, state, version, revision, created,
             changed)
         VALUES ($1, $2, $3, $4, $5, 'submitted', 1, 0, $6, $7)",
    )
    .bind(&id)
    .bind(&caller.project)
    .bind(kind.word())
    .bind(name)
    .bind(&caller.user)
    .bind(now())
    .bind(now())
    .execute(&mut *tx)
    .await?;
    insert_version(&mut tx, &id, 1, &checked).await?;
    let detail = json!({ "version": 1, "digest": checked.read.digest });
    journal::append(&mut tx, &caller.project, &caller.user, "request_submit", &id, detail).await?;
    let told = store::approvers(&mut tx, &checked.policy).await?;
    notify(&mut tx, &caller.project, Some(&id), NoticeKind::Submitted, &caller.user, &told).await?;
    let stored = store::find(&mut tx, &id).await?;
    let request = store::describe(&mut tx, &stored, &caller).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(request)))
}

/// Submits another version. What was signed before counts for nothing, because other bytes were signed.
#[utoipa::path(post, path = "/api/requests/{request}/versions", tag = "requests", params(
    ("request" = String, Path)), request_body = VersionForm, responses((status = 200, body = Request)))]
pub async fn resubmit(
    Portal(portal): Portal<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Input(form): Input<VersionForm>,
) -> Result<Json<Request>, Fault> {
    let read = read(form.payload).await?;
    let mut tx = portal.db.begin().await?;
    let stored = store::find(&mut tx, &id).await?;
    if stored.user != caller.user {
        return Err(Fault::NotAllowed);
    }
    if stored.version >= MOST_VERSIONS {
        return Err(Fault::QuotaReached("50 versions of one request"));
    }
    let words = (form.note, form.dummy_output);
    let checked = check(&portal, &mut tx, &caller, stored.kind, read, words).await?;
    let version = stored.version + 1;
    let state = advance(&mut tx, &stored, Action::Resubmit, false, version).await?;
    insert_version(&mut tx, &id, version, &checked).await?;
    let detail = json!({ "version": version, "digest": checked.read.digest, "state": state });
    journal::append(&mut tx, &caller.project, &caller.user, "request_resubmit", &id, detail).await?;
    let told = store::approvers(&mut tx, &checked.policy).await?;
    notify(&mut tx, &caller.project, Some(&id), NoticeKind::Resubmitted, &caller.user, &told).await?;
    let stored = store::find(&mut tx, &id).await?;
    let request = store::describe(&mut tx, &stored, &caller).await?;
    tx.commit().await?;
    Ok(Json(request))
}

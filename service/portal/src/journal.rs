//! The portal's own log: who did what, a chain of lines for each project. Each line names the one before by
//! its digest. It is written in the transaction of what it tells of: no line, no change.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::db::Conn;
use crate::error::Fault;
use crate::gate::Caller;
use crate::ids::now;
use crate::server::Shared;
use crate::turns::answer_in;

/// The chain of what belongs to no project, such as logging in.
pub const OWN: &str = "portal";
const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const MOST_ENTRIES: i64 = 200;
const EXPORTED_AT_ONCE: i64 = 1000;

/// A line of the log. What stands in `detail` are names, numbers and digests, never a value of a table.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub sequence: i64,
    /// Seconds, UTC.
    pub time: i64,
    /// The user's id; empty if it was the portal itself. Of what failed, whose account it was tried for.
    pub actor: String,
    pub kind: String,
    /// What it was done to.
    pub object: String,
    pub detail: Value,
    /// BLAKE3 of the line before, zeros in the first one.
    pub previous: String,
}

/// Appends that somebody was not let in, to the chain of what belongs to no project. Not each time, where
/// somebody fills the book.
///
/// It is written when the answer goes out already, and where nothing is to be said something else is written:
/// how long anything takes would tell who has an account, because those of nobody share one page.
pub fn append_failure(portal: &Shared, user: &str, kind: &str, detail: Value) {
    let (portal, user, kind) = (portal.clone(), user.to_owned(), kind.to_owned());
    let late = portal.db.late();
    tokio::spawn(async move {
        if let Err(fault) = write_failure(&portal, &user, &kind, detail).await {
            tracing::error!(?fault, kind, "what failed was not written down");
        }
        drop(late);
    });
}

async fn write_failure(portal: &Shared, user: &str, kind: &str, detail: Value) -> Result<(), Fault> {
    let noted = portal.limits.may_note(user);
    let mut tx = portal.db.begin().await?;
    if noted {
        append(&mut tx, OWN, user, kind, user, detail).await?;
    } else {
        sqlx::query("UPDATE journal_heads SET sequence = sequence WHERE chain = $1")
            .bind(OWN)
            .execute(&mut *tx)
            .await?;
    }
    Ok(tx.commit().await?)
}

/// Appends a line.
pub async fn append(
    conn: &mut Conn,
    chain: &str,
    actor: &str,
    kind: &str,
    object: &str,
    detail: Value,
) -> Result<(), Fault> {
    // Locks the chain until the transaction ends.
    sqlx::query(
        "INSERT INTO journal_heads (chain, sequence, digest) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
    )
    .bind(chain)
    .bind(NOTHING_BEFORE)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE journal_heads SET sequence = sequence + 1 WHERE chain = $1")
        .bind(chain)
        .execute(&mut *conn)
        .await?;
    let (sequence, previous): (i64, String) =
        sqlx::query_as("SELECT sequence, digest FROM journal_heads WHERE chain = $1")
            .bind(chain)
            .fetch_one(&mut *conn)
            .await?;
    let time = now();
    let (kind, object) = (kind.to_owned(), object.to_owned());
    let entry = Entry { sequence, time, actor: actor.to_owned(), kind, object, detail, previous };
    let line = serde_json::to_string(&entry).map_err(|error| Fault::internal("journal", &error))?;
    sqlx::query(
        "INSERT INTO journal (chain, sequence, created, actor, kind, line) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(chain)
    .bind(sequence)
    .bind(time)
    .bind(actor)
    .bind(&entry.kind)
    .bind(&line)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE journal_heads SET digest = $1 WHERE chain = $2")
        .bind(digest(&line))
        .bind(chain)
        .execute(conn)
        .await?;
    Ok(())
}

fn digest(line: &str) -> String {
    blake3::hash(line.as_bytes()).to_hex().to_string()
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only lines with a greater number.
    #[serde(default)]
    #[param(minimum = 0)]
    after: Option<i64>,
    #[serde(default)]
    kind: Option<String>,
    /// A user's id.
    #[serde(default)]
    actor: Option<String>,
}

/// Some lines of a project's log, at most 200 of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JournalPage {
    pub entries: Vec<Entry>,
    /// The number and the digest of the last line of all.
    pub length: i64,
    pub head: String,
}

/// The project's log, filtered.
#[utoipa::path(get, path = "/api/projects/{project}/journal", tag = "journal", params(
    ("project" = String, Path), Filter), responses((status = 200, body = JournalPage)))]
pub async fn read_journal(
    State(portal): State<Shared>,
    caller: Caller,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<JournalPage>, Fault> {
    let Query(filter) = filter.map_err(|_| Fault::invalid("the filter is after=, kind= or actor="))?;
    let kind = filter.kind.filter(|kind| !kind.contains('\0')).unwrap_or_default();
    let actor = filter.actor.filter(|actor| !actor.contains('\0')).unwrap_or_default();
    let mut tx = portal.db.begin().await?;
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT line FROM journal WHERE chain = $1 AND sequence > $2 AND ($3 = '' OR kind = $4)
         AND ($5 = '' OR actor = $6) ORDER BY sequence LIMIT $7",
    )
    .bind(&caller.project)
    .bind(filter.after.unwrap_or(0))
    .bind(&kind)
    .bind(&kind)
    .bind(&actor)
    .bind(&actor)
    .bind(MOST_ENTRIES)
    .fetch_all(&mut *tx)
    .await?;
    let head: Option<(i64, String)> =
        sqlx::query_as("SELECT sequence, digest FROM journal_heads WHERE chain = $1")
            .bind(&caller.project)
            .fetch_optional(&mut *tx)
            .await?;
    tx.commit().await?;
    let read = |(line,): &(String,)| serde_json::from_str(line);
    let entries: Result<_, _> = rows.iter().map(read).collect();
    let entries = entries.map_err(|error| Fault::internal("a line of the journal was changed", &error))?;
    let (length, head) = head.unwrap_or((0, NOTHING_BEFORE.to_owned()));
    Ok(Json(JournalPage { entries, length, head }))
}

/// The project's whole log, exactly as it was written: a line of JSON each.
#[utoipa::path(get, path = "/api/projects/{project}/journal/export", tag = "journal", params(
    ("project" = String, Path)),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub async fn export_journal(
    State(portal): State<Shared>,
    caller: Caller,
) -> Result<impl IntoResponse, Fault> {
    let turn = portal.busy.users.take(&caller.user).await?;
    let Lines { text, last } = lines_after(&portal, &caller.project, 0).await?;
    let chain = caller.project;
    let journal = answer_in(turn, text, last, move |last| {
        let (portal, chain) = (portal.clone(), chain.clone());
        async move {
            let Lines { text, last } = lines_after(&portal, &chain, last).await?;
            Ok::<_, Fault>((!text.is_empty()).then_some((text, last)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"journal.ndjson\""),
    ];
    Ok((headers, journal))
}

/// Lines as they were written, and the number of the last one.
struct Lines {
    text: Vec<u8>,
    last: i64,
}

/// Some of the lines that come after one.
async fn lines_after(portal: &Shared, chain: &str, after: i64) -> Result<Lines, Fault> {
    let mut tx = portal.db.begin().await?;
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT sequence, line FROM journal WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
    )
    .bind(chain)
    .bind(after)
    .bind(EXPORTED_AT_ONCE)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let last = rows.last().map_or(after, |(sequence, _)| *sequence);
    let text = rows.into_iter().flat_map(|(_, line)| (line + "\n").into_bytes()).collect();
    Ok(Lines { text, last })
}

/// What members did to their accounts, the latest first and at most 200 lines: logging in, wrong passwords
/// and passkeys, sessions. The chain has the lines of everybody, so it cannot be checked from these.
#[utoipa::path(get, path = "/api/projects/{project}/journal/accounts", tag = "journal", params(
    ("project" = String, Path)), responses((status = 200, body = Vec<Entry>)))]
pub async fn read_accounts(State(portal): State<Shared>, caller: Caller) -> Result<Json<Vec<Entry>>, Fault> {
    let mut tx = portal.db.begin().await?;
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT line FROM journal WHERE chain = $1 AND actor IN
         (SELECT user_id FROM members WHERE project_id = $2) ORDER BY sequence DESC LIMIT $3",
    )
    .bind(OWN)
    .bind(&caller.project)
    .bind(MOST_ENTRIES)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let entries: Result<_, _> = rows.iter().map(|(line,)| serde_json::from_str(line)).collect();
    Ok(Json(entries.map_err(|error| Fault::internal("a line of the journal was changed", &error))?))
}

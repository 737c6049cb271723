//! Descriptions of tables that providers uploaded. The tables themselves are on the servers.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use vdl_command::{ColumnType, Handle};

use crate::db::{Conn, is_taken};
use crate::error::Fault;
use crate::gate::{Caller, Input};
use crate::ids::now;
use crate::journal;
use crate::project::lock_user;
use crate::server::Shared;
use crate::text;
use crate::turns::json_in;

const MOST_COLUMNS: usize = 2000;
const MOST_RULES: usize = 16 << 10;
/// Described by one user in one project.
const MOST_TABLES: i64 = 1000;
/// Octets of their columns and rules together: whoever looks at the list is given all of them.
const MOST_DESCRIBED: i64 = 8 << 20;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Table {
    pub handle: String,
    pub name: Option<String>,
    /// Who uploaded it.
    pub owner: String,
    pub schema: Vec<Column>,
    /// What was agreed about it, in the words of the contract.
    pub rules: Option<Value>,
    pub rows: i64,
    /// Of the file it was made of.
    pub file_digest: String,
    pub file_name: String,
    pub archived: bool,
    pub created: i64,
    /// Whether the portal carried an upload of its owner that they say is this table. Otherwise the handle
    /// was written down by hand, by whoever came first. Servers do not tell the portal which table an upload
    /// is.
    #[serde(default)]
    pub uploaded: bool,
    /// Requests that name it.
    pub used_by: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub name: String,
    /// As the servers write it, such as `int[min=0,max=120]`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What the page knows after an upload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptForm {
    handle: String,
    #[serde(default)]
    name: Option<String>,
    schema: Vec<Column>,
    #[serde(default)]
    rules: Option<Value>,
    #[schema(minimum = 0)]
    rows: i64,
    /// 64 hexadecimal digits.
    file_digest: String,
    file_name: String,
    /// The id of the upload that it is of, where it went through the portal.
    #[serde(default)]
    upload: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveForm {
    archived: bool,
}

impl ReceiptForm {
    fn check(&self) -> Result<(), Fault> {
        self.handle.parse::<Handle>().map_err(Fault::InvalidInput)?;
        if self.rows < 0 {
            return Err(Fault::invalid("a table has no fewer than 0 rows"));
        }
        let hexadecimal = self.file_digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if self.file_digest.len() != 64 || !hexadecimal {
            return Err(Fault::invalid("the digest of a file has 64 hexadecimal digits"));
        }
        if self.schema.is_empty() || self.schema.len() > MOST_COLUMNS {
            return Err(Fault::invalid("a table has 1 to 2000 columns"));
        }
        for column in &self.schema {
            text::line("a column's name", &column.name, 200)?;
            let kind: Result<ColumnType, _> = column.kind.parse();
            kind.map_err(|error| Fault::invalid(format!("a column's type: {error}")))?;
        }
        Ok(())
    }
}

type Row =
    (String, Option<String>, String, String, Option<String>, i64, String, String, i64, i64, Option<String>);
const ALL: &str = "SELECT handle, name, user_id, schema_text, rules_text, row_count, file_digest, file_name,
    archived, created, upload FROM tables WHERE project_id = $1 ORDER BY created DESC, handle";
const ONE: &str = "SELECT handle, name, user_id, schema_text, rules_text, row_count, file_digest, file_name,
    archived, created, upload FROM tables WHERE project_id = $1 AND handle = $2";
const USES: &str = "SELECT DISTINCT version_tables.handle, requests.id FROM version_tables
    JOIN requests ON requests.id = version_tables.request_id AND requests.version = version_tables.version
    WHERE requests.project_id = $1 AND ($2 = '' OR version_tables.handle = $3) ORDER BY requests.id";

fn shown(row: Row, used_by: Vec<String>) -> Result<Table, Fault> {
    let (handle, name, owner, schema, rules, rows, file_digest, file_name, archived, created, upload) = row;
    let damaged = |error: serde_json::Error| Fault::internal("a stored table", &error);
    let schema = serde_json::from_str(&schema).map_err(damaged)?;
    let rules = rules.map(|rules| serde_json::from_str(&rules)).transpose().map_err(damaged)?;
    Ok(Table {
        handle,
        name,
        owner,
        schema,
        rules,
        rows,
        file_digest,
        file_name,
        archived: archived != 0,
        created,
        uploaded: upload.is_some(),
        used_by,
    })
}

/// The requests that name each table, or this one.
async fn uses(conn: &mut Conn, project: &str, handle: &str) -> Result<Vec<(String, String)>, Fault> {
    Ok(sqlx::query_as(USES).bind(project).bind(handle).bind(handle).fetch_all(conn).await?)
}

fn tables(rows: Vec<Row>, uses: Vec<(String, String)>) -> Result<Vec<Table>, Fault> {
    let mut used: HashMap<String, Vec<String>> = HashMap::new();
    for (handle, request) in uses {
        used.entry(handle).or_default().push(request);
    }
    let shown_of = |row: Row| {
        let used_by = used.remove(&row.0).unwrap_or_default();
        shown(row, used_by)
    };
    rows.into_iter().map(shown_of).collect()
}

async fn table(conn: &mut Conn, project: &str, handle: &str) -> Result<Table, Fault> {
    let row: Option<Row> = sqlx::query_as(ONE).bind(project).bind(handle).fetch_optional(&mut *conn).await?;
    let row = row.ok_or(Fault::NoSuchThing("table"))?;
    let uses = uses(conn, project, handle).await?;
    shown(row, uses.into_iter().map(|(_, request)| request).collect())
}

/// The project's tables, archived ones too.
#[utoipa::path(get, path = "/api/projects/{project}/tables", tag = "data", params(
    ("project" = String, Path)), responses((status = 200, body = Vec<Table>)))]
pub async fn list_tables(State(portal): State<Shared>, caller: Caller) -> Result<Response, Fault> {
    let turn = portal.busy.reads.take(&caller.user).await?;
    let mut tx = portal.db.begin().await?;
    let rows: Vec<Row> = sqlx::query_as(ALL).bind(&caller.project).fetch_all(&mut *tx).await?;
    let uses = uses(&mut tx, &caller.project, "").await?;
    tx.commit().await?;
    json_in(turn, move || tables(rows, uses)).await
}

/// Writes down what was uploaded.
#[utoipa::path(post, path = "/api/projects/{project}/tables", tag = "data", params(
    ("project" = String, Path)), request_body = ReceiptForm, responses((status = 201, body = Table)))]
pub async fn add_table(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<ReceiptForm>,
) -> Result<(StatusCode, Json<Table>), Fault> {
    form.check()?;
    let name = form.name.as_deref().map(|name| text::line("a table's name", name, 100)).transpose()?;
    let file_name = text::line("a file's name", &form.file_name, 255)?;
    let written =
        |value: Result<String, serde_json::Error>| value.map_err(|error| Fault::internal("JSON", &error));
    let schema = written(serde_json::to_string(&form.schema))?;
    let rules = form.rules.as_ref().map(|rules| written(serde_json::to_string(rules))).transpose()?;
    if rules.as_ref().is_some_and(|rules| rules.len() > MOST_RULES) {
        return Err(Fault::TooLong(MOST_RULES));
    }
    let mut tx = portal.db.begin().await?;
    // One at a time describes a table, so that the quota holds.
    lock_user(&mut tx, &caller.user).await?;
    let (known, described): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(octet_length(schema_text)
                + COALESCE(octet_length(rules_text), 0)), 0) AS BIGINT)
         FROM tables WHERE project_id = $1 AND user_id = $2",
    )
    .bind(&caller.project)
    .bind(&caller.user)
    .fetch_one(&mut *tx)
    .await?;
    if known >= MOST_TABLES {
        return Err(Fault::QuotaReached("1000 tables of one user"));
    }
    let more = schema.len() + rules.as_ref().map_or(0, String::len);
    if described.saturating_add(i64::try_from(more).unwrap_or(i64::MAX)) > MOST_DESCRIBED {
        return Err(Fault::QuotaReached("8 MiB of columns and rules of one user's tables"));
    }
    let upload = carried(&mut tx, &caller, form.upload.as_deref().unwrap_or_default()).await?;
    let detail = json!({ "rows": form.rows, "columns": form.schema.len(), "uploaded": upload.is_some() });
    let added = sqlx::query(
        "INSERT INTO tables (project_id, handle, name, user_id, schema_text, rules_text, row_count,
             file_digest, file_name, archived, created, upload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)",
    )
    .bind(&caller.project)
    .bind(&form.handle)
    .bind(name)
    .bind(&caller.user)
    .bind(schema)
    .bind(rules)
    .bind(form.rows)
    .bind(form.file_digest.to_lowercase())
    .bind(file_name)
    .bind(now())
    .bind(upload)
    .execute(&mut *tx)
    .await;
    match added {
        Err(error) if is_taken(&error) => return Err(Fault::Taken("table")),
        other => other?,
    };
    journal::append(&mut tx, &caller.project, &caller.user, "table_uploaded", &form.handle, detail).await?;
    let table = table(&mut tx, &caller.project, &form.handle).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(table)))
}

/// An upload of the caller that went to the servers of this project.
async fn carried(conn: &mut Conn, caller: &Caller, upload: &str) -> Result<Option<String>, Fault> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM uploads WHERE id = $1 AND user_id = $2 AND project_id = $3 AND state = 'sent'",
    )
    .bind(text::plain(upload))
    .bind(&caller.user)
    .bind(&caller.project)
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|(id,)| id))
}

/// Whose it is decides, not only the role; and in this project, whose approvers it concerns.
pub async fn check_owner(conn: &mut Conn, caller: &Caller, handle: &str) -> Result<(), Fault> {
    let found: Option<(String,)> =
        sqlx::query_as("SELECT user_id FROM tables WHERE handle = $1 AND project_id = $2")
            .bind(handle)
            .bind(&caller.project)
            .fetch_optional(conn)
            .await?;
    match found {
        Some((owner,)) if owner == caller.user => Ok(()),
        Some(_) => Err(Fault::NotAllowed),
        None => Err(Fault::NoSuchThing("table")),
    }
}

/// Puts it away, or back.
#[utoipa::path(patch, path = "/api/tables/{handle}", tag = "data", params(("handle" = String, Path)),
    request_body = ArchiveForm, responses((status = 200, body = Table)))]
pub async fn archive_table(
    State(portal): State<Shared>,
    caller: Caller,
    Path(handle): Path<String>,
    Input(form): Input<ArchiveForm>,
) -> Result<Json<Table>, Fault> {
    let mut tx = portal.db.begin().await?;
    check_owner(&mut tx, &caller, &handle).await?;
    let moved = sqlx::query("UPDATE tables SET archived = $1 WHERE handle = $2 AND archived <> $3")
        .bind(i64::from(form.archived))
        .bind(&handle)
        .bind(i64::from(form.archived))
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() == 1 {
        let kind = if form.archived { "table_archived" } else { "table_restored" };
        journal::append(&mut tx, &caller.project, &caller.user, kind, &handle, json!({})).await?;
    }
    let table = table(&mut tx, &caller.project, &handle).await?;
    tx.commit().await?;
    Ok(Json(table))
}

/// Forgets the description. The table itself is removed on the servers, by a command its provider signs.
#[utoipa::path(delete, path = "/api/tables/{handle}", tag = "data", params(("handle" = String, Path)),
    responses((status = 204)))]
pub async fn forget_table(
    State(portal): State<Shared>,
    caller: Caller,
    Path(handle): Path<String>,
) -> Result<StatusCode, Fault> {
    let mut tx = portal.db.begin().await?;
    check_owner(&mut tx, &caller, &handle).await?;
    sqlx::query("DELETE FROM tables WHERE handle = $1").bind(&handle).execute(&mut *tx).await?;
    journal::append(&mut tx, &caller.project, &caller.user, "table_forgotten", &handle, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! What concerns somebody and was not done by them. Each change of a request makes exactly one notice for
//! each of those it concerns.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Role;
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::Caller;
use crate::ids::{fresh_id, now};
use crate::project::users_with;
use crate::server::Shared;

const MOST_NOTICES: i64 = 100;

/// What concerns somebody's account and no project: told and mailed even if they are no member any more, and
/// mailed even if it was read at once, by whoever did it.
macro_rules! of_account {
    () => {
        "notices.kind IN ('passkey_added', 'passkeys_reset', 'passkey_copied', 'account_changed',
         'identity_linked')"
    };
}
pub(crate) use of_account;

/// What a notice is about. The words are the page's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    Submitted,
    Resubmitted,
    Signed,
    Approved,
    ChangesRequested,
    Rejected,
    Withdrawn,
    Revoked,
    Commented,
    RolesChanged,
    PolicyProposed,
    PolicyAdopted,
    PasskeyAdded,
    PasskeysReset,
    /// An answer of a passkey came whose counter did not go up.
    PasskeyCopied,
    /// The password was changed, a passkey or an account elsewhere taken away, or the password alone is
    /// enough again.
    AccountChanged,
    IdentityLinked,
}

impl NoticeKind {
    const ALL: [Self; 17] = [
        Self::Submitted,
        Self::Resubmitted,
        Self::Signed,
        Self::Approved,
        Self::ChangesRequested,
        Self::Rejected,
        Self::Withdrawn,
        Self::Revoked,
        Self::Commented,
        Self::RolesChanged,
        Self::PolicyProposed,
        Self::PolicyAdopted,
        Self::PasskeyAdded,
        Self::PasskeysReset,
        Self::PasskeyCopied,
        Self::AccountChanged,
        Self::IdentityLinked,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Resubmitted => "resubmitted",
            Self::Signed => "signed",
            Self::Approved => "approved",
            Self::ChangesRequested => "changes_requested",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::Commented => "commented",
            Self::RolesChanged => "roles_changed",
            Self::PolicyProposed => "policy_proposed",
            Self::PolicyAdopted => "policy_adopted",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeysReset => "passkeys_reset",
            Self::PasskeyCopied => "passkey_copied",
            Self::AccountChanged => "account_changed",
            Self::IdentityLinked => "identity_linked",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    pub id: String,
    pub kind: NoticeKind,
    pub project: String,
    pub project_name: String,
    /// What it is about, if it is a request.
    pub request: Option<String>,
    pub request_name: Option<String>,
    pub created: i64,
    /// When it was read.
    pub seen: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Inbox {
    /// The latest first, at most a hundred.
    pub notices: Vec<Notice>,
    pub unread: i64,
}

/// Tells each of these users once, but not the one who did it, nor who is no member any more.
pub async fn notify(
    conn: &mut Conn,
    project: &str,
    request: Option<&str>,
    kind: NoticeKind,
    actor: &str,
    users: &[String],
) -> Result<(), Fault> {
    let mut told: Vec<&String> = users.iter().filter(|user| *user != actor).collect();
    told.sort_unstable();
    told.dedup();
    let members = users_with(conn, project, &Role::ALL).await?;
    for user in told.into_iter().filter(|user| members.contains(user)) {
        sqlx::query(
            "INSERT INTO notices (id, user_id, project_id, request_id, kind, created)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(fresh_id()?)
        .bind(user)
        .bind(project)
        .bind(request)
        .bind(kind.word())
        .bind(now())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Tells somebody of their account, in the inbox and so by mail: what they did not do should not stay
/// unnoticed. An account in no project has nothing worth taking, and no inbox.
pub async fn tell_owner(conn: &mut Conn, user: &str, kind: NoticeKind) -> Result<(), Fault> {
    let own: Option<(String,)> =
        sqlx::query_as("SELECT project_id FROM members WHERE user_id = $1 ORDER BY project_id LIMIT 1")
            .bind(user)
            .fetch_optional(&mut *conn)
            .await?;
    match own {
        Some((project,)) => notify(conn, &project, None, kind, "", &[user.to_owned()]).await,
        None => Ok(()),
    }
}

/// The caller's notices.
#[utoipa::path(get, path = "/api/inbox", tag = "inbox", responses((status = 200, body = Inbox)))]
pub async fn read_inbox(State(portal): State<Shared>, caller: Caller) -> Result<Json<Inbox>, Fault> {
    type Row = (String, String, String, String, Option<String>, Option<String>, i64, Option<i64>);
    let mut tx = portal.db.begin().await?;
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "SELECT notices.id, notices.kind, projects.id, projects.name, requests.id, requests.name,
                notices.created, notices.seen
         FROM notices JOIN projects ON projects.id = notices.project_id
         LEFT JOIN requests ON requests.id = notices.request_id
         WHERE notices.user_id = $1 AND (EXISTS (SELECT 1 FROM members
               WHERE members.project_id = notices.project_id AND members.user_id = notices.user_id) OR ",
        of_account!(),
        ") ORDER BY notices.created DESC, notices.id LIMIT $2",
    ))
    .bind(&caller.user)
    .bind(MOST_NOTICES)
    .fetch_all(&mut *tx)
    .await?;
    let (unread,): (i64,) = sqlx::query_as(concat!(
        "SELECT COUNT(*) FROM notices WHERE user_id = $1 AND seen IS NULL AND (EXISTS (SELECT 1 FROM members
         WHERE members.project_id = notices.project_id AND members.user_id = notices.user_id) OR ",
        of_account!(),
        ")",
    ))
    .bind(&caller.user)
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    let shown = |row: Row| {
        let (id, kind, project, project_name, request, request_name, created, seen) = row;
        let kind = NoticeKind::read(&kind)?;
        Some(Notice { id, kind, project, project_name, request, request_name, created, seen })
    };
    Ok(Json(Inbox { notices: rows.into_iter().filter_map(shown).collect(), unread }))
}

/// Marks one as read.
#[utoipa::path(post, path = "/api/inbox/{id}/read", tag = "inbox", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn read_notice(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let mut tx = portal.db.begin().await?;
    let read = sqlx::query("UPDATE notices SET seen = COALESCE(seen, $1) WHERE id = $2 AND user_id = $3")
        .bind(now())
        .bind(crate::text::plain(&id))
        .bind(&caller.user)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    match read.rows_affected() {
        0 => Err(Fault::NoSuchThing("notice")),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Marks all as read.
#[utoipa::path(post, path = "/api/inbox/read", tag = "inbox", responses((status = 204)))]
pub async fn read_all_notices(State(portal): State<Shared>, caller: Caller) -> Result<StatusCode, Fault> {
    let mut tx = portal.db.begin().await?;
    sqlx::query("UPDATE notices SET seen = $1 WHERE user_id = $2 AND seen IS NULL")
        .bind(now())
        .bind(&caller.user)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

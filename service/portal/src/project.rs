//! A project: its members and their roles, its approvers, its three servers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Role;
use crate::cluster::ServerInfo;
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::{Caller, Input, roles_of};
use crate::inbox::{NoticeKind, notify};
use crate::journal;
use crate::key::{KeyInfo, keys_of_members};
use crate::policy::{PolicyInfo, adopted_info};
use crate::server::Shared;
use crate::session;
use crate::text;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Project {
    pub id: String,
    pub name: String,
    /// What approvals are made for.
    pub environment: String,
    /// `design` or `authorized`.
    pub mode: String,
    pub members: Vec<Member>,
    /// Whose signatures count; none before the administrator chose the approvers.
    pub policy: Option<PolicyInfo>,
    pub servers: Vec<ServerInfo>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The user's id.
    pub user: String,
    pub name: String,
    pub email: String,
    pub roles: Vec<Role>,
    /// Those in use.
    pub keys: Vec<KeyInfo>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesForm {
    roles: Vec<Role>,
}

/// Makes everybody wait who wants to change the project's members, policy or invitations at the same time.
pub async fn lock_project(conn: &mut Conn, project: &str) -> Result<(), Fault> {
    sqlx::query("UPDATE projects SET revision = revision + 1 WHERE id = $1")
        .bind(project)
        .execute(conn)
        .await?;
    Ok(())
}

/// The same for an administrator, who may have come to be none while waiting: whoever was before changes the
/// roles too.
pub async fn lock_as_administrator(conn: &mut Conn, caller: &Caller) -> Result<(), Fault> {
    lock_project(conn, &caller.project).await?;
    let roles = roles_of(conn, &caller.project, &caller.user).await?;
    match roles.contains(&Role::Administrator) {
        true => Ok(()),
        false if roles.is_empty() => Err(Fault::NoSuchThing("project")),
        false => Err(Fault::NotAllowed),
    }
}

/// Makes a user wait for what they do at the same time.
pub async fn lock_user(conn: &mut Conn, user: &str) -> Result<(), Fault> {
    sqlx::query("UPDATE users SET created = created WHERE id = $1").bind(user).execute(conn).await?;
    Ok(())
}

pub async fn add_roles(conn: &mut Conn, project: &str, user: &str, roles: &[Role]) -> Result<(), Fault> {
    for role in roles {
        sqlx::query(
            "INSERT INTO members (project_id, user_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(project)
        .bind(user)
        .bind(role.word())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The users who have one of these roles.
pub async fn users_with(conn: &mut Conn, project: &str, roles: &[Role]) -> Result<Vec<String>, Fault> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT user_id, role FROM members WHERE project_id = $1 ORDER BY user_id")
            .bind(project)
            .fetch_all(conn)
            .await?;
    let has = |word: &str| Role::read(word).is_some_and(|role| roles.contains(&role));
    let mut users: Vec<String> =
        rows.into_iter().filter(|(_, role)| has(role)).map(|(user, _)| user).collect();
    users.dedup();
    Ok(users)
}

async fn members(conn: &mut Conn, project: &str) -> Result<Vec<Member>, Fault> {
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT users.id, users.name, users.email, members.role FROM members
         JOIN users ON users.id = members.user_id
         WHERE members.project_id = $1 ORDER BY users.name, users.id, members.role",
    )
    .bind(project)
    .fetch_all(&mut *conn)
    .await?;
    let keys = keys_of_members(conn, project).await?;
    let mut members: Vec<Member> = Vec::new();
    for (user, name, email, role) in rows {
        let role = Role::read(&role).into_iter();
        match members.last_mut() {
            Some(last) if last.user == user => last.roles.extend(role),
            _ => {
                let own = keys.iter().filter(|(owner, _)| *owner == user).map(|(_, key)| key.clone());
                let keys = own.collect();
                members.push(Member { user, name, email, roles: role.collect(), keys });
            }
        }
    }
    members.iter_mut().for_each(|member| member.roles.sort_unstable());
    Ok(members)
}

async fn describe(portal: &Shared, conn: &mut Conn, project: &str) -> Result<Project, Fault> {
    let (name,): (String,) =
        sqlx::query_as("SELECT name FROM projects WHERE id = $1").bind(project).fetch_one(&mut *conn).await?;
    let cluster = portal.cluster(project)?;
    Ok(Project {
        id: project.to_owned(),
        name,
        environment: cluster.environment.clone(),
        mode: cluster.mode.clone(),
        members: members(conn, project).await?,
        policy: adopted_info(conn, project).await?,
        servers: cluster.servers.clone(),
    })
}

/// The project.
#[utoipa::path(get, path = "/api/projects/{project}", tag = "project", params(("project" = String, Path)),
    responses((status = 200, body = Project)))]
pub async fn read_project(State(portal): State<Shared>, caller: Caller) -> Result<Json<Project>, Fault> {
    let mut tx = portal.db.begin().await?;
    let project = describe(&portal, &mut tx, &caller.project).await?;
    tx.commit().await?;
    Ok(Json(project))
}

/// Says what a member is in the project; without any role they are a member no more.
#[utoipa::path(put, path = "/api/projects/{project}/members/{user}", tag = "project", params(
    ("project" = String, Path), ("user" = String, Path)), request_body = RolesForm,
    responses((status = 200, body = Project)))]
pub async fn set_roles(
    State(portal): State<Shared>,
    caller: Caller,
    Path((_project, user)): Path<(String, String)>,
    Input(form): Input<RolesForm>,
) -> Result<Json<Project>, Fault> {
    let (project, user) = (&caller.project, text::plain(&user));
    let mut tx = portal.db.begin().await?;
    lock_as_administrator(&mut tx, &caller).await?;
    let before = roles_of(&mut tx, project, user).await?;
    if before.is_empty() {
        return Err(Fault::NoSuchThing("member"));
    }
    sqlx::query("DELETE FROM members WHERE project_id = $1 AND user_id = $2")
        .bind(project)
        .bind(user)
        .execute(&mut *tx)
        .await?;
    add_roles(&mut tx, project, user, &form.roles).await?;
    if users_with(&mut tx, project, &[Role::Administrator]).await?.is_empty() {
        return Err(Fault::LastAdministrator);
    }
    let after = roles_of(&mut tx, project, user).await?;
    if !after.contains(&Role::Administrator) {
        // An invitation rests on its inviter's right to invite, which has just ended.
        let invited = sqlx::query("DELETE FROM invitations WHERE project_id = $1 AND inviter = $2")
            .bind(project)
            .bind(user)
            .execute(&mut *tx)
            .await?;
        if invited.rows_affected() > 0 {
            let detail = json!({ "invited_by": user, "number": invited.rows_affected() });
            journal::append(&mut tx, project, &caller.user, "invitations_withdrawn", user, detail).await?;
        }
    }
    if after != before {
        let detail = json!({ "before": before, "after": after });
        journal::append(&mut tx, project, &caller.user, "roles_set", user, detail).await?;
        let told = [user.to_owned()];
        notify(&mut tx, project, None, NoticeKind::RolesChanged, &caller.user, &told).await?;
    }
    let described = describe(&portal, &mut tx, project).await?;
    tx.commit().await?;
    Ok(Json(described))
}

/// Ends all sessions of a member, who has to log in again: somebody else may be at their browser.
#[utoipa::path(delete, path = "/api/projects/{project}/members/{user}/sessions", tag = "project", params(
    ("project" = String, Path), ("user" = String, Path)), responses((status = 204)))]
pub async fn end_member_sessions(
    State(portal): State<Shared>,
    caller: Caller,
    Path((_project, user)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    let (project, user) = (&caller.project, text::plain(&user));
    let mut tx = portal.db.begin().await?;
    if roles_of(&mut tx, project, user).await?.is_empty() {
        return Err(Fault::NoSuchThing("member"));
    }
    session::end_others(&mut tx, user, "").await?;
    journal::append(&mut tx, project, &caller.user, "sessions_ended", user, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

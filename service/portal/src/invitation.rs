//! How somebody comes in: by a link that works once. There is no other way, and no account before the first.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::access::Role;
use crate::account::{Guess, check_password, log_in};
use crate::db::{Conn, is_taken};
use crate::error::Fault;
use crate::gate::{Caller, Input, Whence};
use crate::ids::{fresh_id, fresh_secret, hashed, now};
use crate::journal;
use crate::password::check_strength;
use crate::project::{add_roles, lock_project};
use crate::server::Shared;
use crate::text;

const DAYS: i64 = 7;
const MOST_OPEN: i64 = 200;

/// What an invitation is for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Invited {
    /// Empty for the first administrator, who says it themself.
    pub email: String,
    /// The project's name.
    pub project: String,
    pub roles: Vec<Role>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinForm {
    /// Whoever has an account already keeps its name.
    name: String,
    /// A new one, or that of the account there is.
    #[schema(value_type = String)]
    password: Zeroizing<String>,
    /// Only where the invitation names none.
    #[serde(default)]
    email: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteForm {
    email: String,
    roles: Vec<Role>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationLink {
    pub id: String,
    /// To be given to the invited person. Shown this once.
    pub link: String,
    pub expires: i64,
}

/// One that nobody has used yet.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenInvitation {
    pub id: String,
    pub email: String,
    pub roles: Vec<Role>,
    pub created: i64,
    pub expires: i64,
}

fn write_roles(roles: &[Role]) -> String {
    let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
    words.join(" ")
}

fn read_roles(words: &str) -> Vec<Role> {
    words.split(' ').filter_map(Role::read).collect()
}

/// Makes one; an empty address is for the first administrator, whom nobody invites. Gives id, secret and end.
pub async fn invite(
    conn: &mut Conn,
    project: &str,
    email: &str,
    roles: &[Role],
    inviter: &str,
) -> Result<(String, String, i64), Fault> {
    let (id, secret, expires) = (fresh_id()?, fresh_secret()?, now() + DAYS * 86_400);
    sqlx::query(
        "INSERT INTO invitations (id, project_id, email, roles, secret, created, expires, inviter)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&id)
    .bind(project)
    .bind(email)
    .bind(write_roles(roles))
    .bind(hashed(&secret))
    .bind(now())
    .bind(expires)
    .bind(inviter)
    .execute(conn)
    .await?;
    Ok((id, secret, expires))
}

/// The link in which the secret stands. Behind `#`, so that no server ever sees it in an address of a page.
pub fn link(origin: &str, secret: &str) -> String {
    format!("{origin}/#/invitation/{secret}")
}

type Found = (String, String, String, String, String);

/// Id, project's id and name, address, roles.
async fn find(conn: &mut Conn, token: &str) -> Result<Found, Fault> {
    let found: Option<Found> = sqlx::query_as(
        "SELECT invitations.id, projects.id, projects.name, invitations.email, invitations.roles
         FROM invitations JOIN projects ON projects.id = invitations.project_id
         WHERE invitations.secret = $1 AND invitations.expires >= $2",
    )
    .bind(hashed(token))
    .bind(now())
    .fetch_optional(conn)
    .await?;
    found.ok_or(Fault::NoSuchThing("invitation"))
}

/// What the link is for.
#[utoipa::path(get, path = "/api/invitations/{token}", tag = "account", params(("token" = String, Path)),
    responses((status = 200, body = Invited)))]
pub async fn read_invitation(
    State(portal): State<Shared>,
    Path(token): Path<String>,
) -> Result<Json<Invited>, Fault> {
    let mut tx = portal.db.begin().await?;
    let (_, _, project, email, roles) = find(&mut tx, &token).await?;
    tx.commit().await?;
    Ok(Json(Invited { email, project, roles: read_roles(&roles) }))
}

/// Takes the invitation: makes an account, or adds the roles to the one there is, and logs in.
#[utoipa::path(post, path = "/api/invitations/{token}", tag = "account", params(("token" = String, Path)),
    request_body = JoinForm, responses((status = 200, body = crate::account::Me)))]
pub async fn join(
    State(portal): State<Shared>,
    Path(token): Path<String>,
    whence: Whence,
    headers: HeaderMap,
    Input(form): Input<JoinForm>,
) -> Result<Response, Fault> {
    let mut tx = portal.db.begin().await?;
    let (_, _, _, invited, _) = find(&mut tx, &token).await?;
    let given = form.email.as_deref().map(text::email).transpose()?;
    let email = match (invited.is_empty(), given) {
        (false, None) => invited,
        (false, Some(given)) if given == invited => invited,
        (false, Some(_)) => return Err(Fault::invalid("the invitation is for another e-mail address")),
        (true, Some(given)) => given,
        (true, None) => return Err(Fault::invalid("say your e-mail address")),
    };
    let known: Option<(String,)> =
        sqlx::query_as("SELECT id FROM users WHERE email = $1").bind(&email).fetch_optional(&mut *tx).await?;
    tx.commit().await?;
    let mut shown = None;
    let new = match known {
        Some(_) => {
            let guess = Guess::Stranger(whence);
            shown = Some(check_password(&portal, guess, &email, form.password).await?);
            None
        }
        None => {
            let name = text::line("a name", &form.name, 100)?;
            check_strength(&form.password, &email)?;
            Some((name, portal.passwords.hash(form.password).await?))
        }
    };
    let mut tx = portal.db.begin().await?;
    // Again: while the password was computed somebody else may have used it.
    let (id, project, _, _, roles) = find(&mut tx, &token).await?;
    let used = sqlx::query("DELETE FROM invitations WHERE id = $1").bind(&id).execute(&mut *tx).await?;
    if used.rows_affected() != 1 {
        return Err(Fault::NoSuchThing("invitation"));
    }
    let user = match (new, shown) {
        (Some((name, password)), _) => add_user(&mut tx, &email, &name, Some(&password)).await?,
        (None, Some(shown)) => {
            shown.check_again(&mut tx).await?;
            shown.user
        }
        (None, None) => return Err(Fault::NoSuchThing("account")),
    };
    let roles = read_roles(&roles);
    add_roles(&mut tx, &project, &user, &roles).await?;
    journal::append(&mut tx, &project, &user, "joined", &user, json!({ "roles": roles })).await?;
    let answer = log_in(&portal, &mut tx, &user, &headers).await?;
    tx.commit().await?;
    Ok(answer)
}

pub async fn add_user(
    conn: &mut Conn,
    email: &str,
    name: &str,
    password: Option<&str>,
) -> Result<String, Fault> {
    let id = fresh_id()?;
    let added = sqlx::query(
        "INSERT INTO users (id, email, name, locale, password, created) VALUES ($1, $2, $3, 'en', $4, $5)",
    )
    .bind(&id)
    .bind(email)
    .bind(name)
    .bind(password)
    .bind(now())
    .execute(conn)
    .await;
    match added {
        Ok(_) => Ok(id),
        Err(error) if is_taken(&error) => Err(Fault::ChangedMeanwhile),
        Err(error) => Err(error.into()),
    }
}

/// Invites somebody into the project.
#[utoipa::path(post, path = "/api/projects/{project}/invitations", tag = "project", params(
    ("project" = String, Path)), request_body = InviteForm, responses((status = 201, body = InvitationLink)))]
pub async fn make_invitation(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<InviteForm>,
) -> Result<(StatusCode, Json<InvitationLink>), Fault> {
    let email = text::email(&form.email)?;
    let mut roles = form.roles;
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return Err(Fault::invalid("say at least one role"));
    }
    let mut tx = portal.db.begin().await?;
    lock_project(&mut tx, &caller.project).await?;
    let (open,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM invitations WHERE project_id = $1")
        .bind(&caller.project)
        .fetch_one(&mut *tx)
        .await?;
    if open >= MOST_OPEN {
        return Err(Fault::QuotaReached("200 open invitations"));
    }
    let (id, secret, expires) = invite(&mut tx, &caller.project, &email, &roles, &caller.user).await?;
    let detail = json!({ "email": email, "roles": roles });
    journal::append(&mut tx, &caller.project, &caller.user, "invited", &id, detail).await?;
    tx.commit().await?;
    let link = link(&portal.config.origin, &secret);
    Ok((StatusCode::CREATED, Json(InvitationLink { id, link, expires })))
}

/// Invitations nobody has used.
#[utoipa::path(get, path = "/api/projects/{project}/invitations", tag = "project", params(
    ("project" = String, Path)), responses((status = 200, body = Vec<OpenInvitation>)))]
pub async fn list_invitations(
    State(portal): State<Shared>,
    caller: Caller,
) -> Result<Json<Vec<OpenInvitation>>, Fault> {
    let mut tx = portal.db.begin().await?;
    let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
        "SELECT id, email, roles, created, expires FROM invitations
         WHERE project_id = $1 AND expires >= $2 AND email <> '' ORDER BY created, id",
    )
    .bind(&caller.project)
    .bind(now())
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let shown = |(id, email, roles, created, expires): (String, String, String, i64, i64)| OpenInvitation {
        id,
        email,
        roles: read_roles(&roles),
        created,
        expires,
    };
    Ok(Json(rows.into_iter().map(shown).collect()))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/api/projects/{project}/invitations/{id}", tag = "project", params(
    ("project" = String, Path), ("id" = String, Path)), responses((status = 204)))]
pub async fn withdraw_invitation(
    State(portal): State<Shared>,
    caller: Caller,
    Path((_project, id)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    let mut tx = portal.db.begin().await?;
    let gone = sqlx::query("DELETE FROM invitations WHERE id = $1 AND project_id = $2")
        .bind(text::plain(&id))
        .bind(&caller.project)
        .execute(&mut *tx)
        .await?;
    if gone.rows_affected() == 0 {
        return Err(Fault::NoSuchThing("invitation"));
    }
    journal::append(&mut tx, &caller.project, &caller.user, "invitation_withdrawn", &id, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

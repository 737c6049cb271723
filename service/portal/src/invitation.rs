//! How somebody comes in: by a link that works once. There is no other way, and no account before the first.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::access::Role;
use crate::account::{Guess, check_password, log_in, me};
use crate::db::{Conn, is_taken};
use crate::error::Fault;
use crate::factor::standing;
use crate::gate::{Caller, Input, Whence};
use crate::ids::{fresh_id, fresh_secret, hashed, now};
use crate::journal;
use crate::password::{Whose, check_strength};
use crate::project::{add_roles, lock_as_administrator};
use crate::server::Shared;
use crate::session::{self, Session};
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

async fn find(conn: &mut Conn, token: &str) -> Result<Found, Fault> {
    find_by_hash(conn, &hashed(token)).await
}

/// Id, project's id and name, address, roles.
async fn find_by_hash(conn: &mut Conn, hash: &str) -> Result<Found, Fault> {
    let found: Option<Found> = sqlx::query_as(
        "SELECT invitations.id, projects.id, projects.name, invitations.email, invitations.roles
         FROM invitations JOIN projects ON projects.id = invitations.project_id
         WHERE invitations.secret = $1 AND invitations.expires >= $2",
    )
    .bind(hash)
    .bind(now())
    .fetch_optional(conn)
    .await?;
    found.ok_or(Fault::NoSuchThing("invitation"))
}

/// Whom it is for: whoever it names, or where it names nobody whoever says so.
pub async fn addressee(conn: &mut Conn, token: &str, given: Option<&str>) -> Result<String, Fault> {
    let (_, _, _, invited, _) = find(conn, token).await?;
    match (invited.is_empty(), given.map(text::email).transpose()?) {
        (false, None) => Ok(invited),
        (false, Some(given)) if given == invited => Ok(invited),
        (false, Some(_)) => Err(Fault::invalid("the invitation is for another e-mail address")),
        (true, Some(given)) => Ok(given),
        (true, None) => Err(Fault::invalid("say your e-mail address")),
    }
}

/// An invitation that nobody else can take any more.
pub struct Taken {
    project: String,
    roles: Vec<Role>,
    /// It named nobody.
    pub first: bool,
}

pub async fn take(conn: &mut Conn, hash: &str) -> Result<Taken, Fault> {
    let (id, project, _, email, roles) = find_by_hash(conn, hash).await?;
    let used = sqlx::query("DELETE FROM invitations WHERE id = $1").bind(&id).execute(conn).await?;
    match used.rows_affected() {
        1 => Ok(Taken { project, roles: read_roles(&roles), first: email.is_empty() }),
        _ => Err(Fault::NoSuchThing("invitation")),
    }
}

impl Taken {
    /// Gives its roles to this user.
    pub async fn welcome(&self, conn: &mut Conn, user: &str) -> Result<(), Fault> {
        add_roles(conn, &self.project, user, &self.roles).await?;
        let detail = json!({ "roles": self.roles });
        journal::append(conn, &self.project, user, "joined", user, detail).await
    }
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
    let email = addressee(&mut tx, &token, form.email.as_deref()).await?;
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
            Some((name, portal.passwords.hash(Whose::Strangers, form.password).await?))
        }
    };
    let mut tx = portal.db.begin().await?;
    // Again: while the password was computed somebody else may have used it.
    let taken = take(&mut tx, &hashed(&token)).await?;
    let mut here = None;
    let user = match (new, shown) {
        (Some((name, password)), _) => add_user(&mut tx, &email, &name, Some(&password)).await?,
        (None, Some(shown)) => {
            shown.check_again(&mut tx).await?;
            here = session_with_passkey(&portal, &mut tx, &headers, &shown.user).await?;
            shown.user
        }
        (None, None) => return Err(Fault::NoSuchThing("account")),
    };
    taken.welcome(&mut tx, &user).await?;
    let answer = match here {
        Some(session) => Json(me(&portal, &mut tx, &user, session.fresh_until, true).await?).into_response(),
        None => log_in(&portal, &mut tx, &user, &headers).await?,
    };
    tx.commit().await?;
    Ok(answer)
}

/// Where somebody needs a passkey, neither the password nor an account elsewhere takes an invitation alone:
/// whoever invited them could then remove their passkeys. They come with a session in which they showed one,
/// and keep it.
pub async fn session_with_passkey(
    portal: &Shared,
    conn: &mut Conn,
    headers: &HeaderMap,
    user: &str,
) -> Result<Option<Session>, Fault> {
    if !standing(portal, conn, user, false).await?.needs_own_passkey() {
        return Ok(None);
    }
    let cookies = headers.get_all(header::COOKIE).iter();
    let secret = session::secret_in(cookies, portal.config.is_https()).ok_or(Fault::PasskeyNeeded)?;
    let found = session::find(conn, &secret).await?;
    let own = found.filter(|session| session.user == user && session.passkey);
    own.map(Some).ok_or(Fault::PasskeyNeeded)
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
    lock_as_administrator(&mut tx, &caller).await?;
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

//! Logging in and out, the password, and the list of sessions.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::access::Role;
use crate::db::Conn;
use crate::error::Fault;
use crate::factor::{Standing, standing};
use crate::gate::{Caller, Input, Whence};
use crate::ids::now;
use crate::inbox::{NoticeKind, tell_owner};
use crate::journal;
use crate::password::{Whose, check_strength};
use crate::server::Shared;
use crate::session::{self, SessionInfo};
use crate::text;

/// Whoever is logged in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    pub user: User,
    pub projects: Vec<Membership>,
    /// Until when (seconds, UTC) something grave may be done without the password or a passkey.
    pub fresh_until: i64,
    pub passkeys: Standing,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: String,
    pub name: String,
    pub email: String,
    pub locale: Locale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    En,
    Nl,
}

impl Locale {
    fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    pub id: String,
    pub name: String,
    pub roles: Vec<Role>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginForm {
    email: String,
    #[schema(value_type = String)]
    password: Zeroizing<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordForm {
    /// Only where there is none yet is it left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    old: Option<Zeroizing<String>>,
    #[schema(value_type = String)]
    new: Zeroizing<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreshForm {
    #[schema(value_type = String)]
    password: Zeroizing<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeForm {
    locale: Locale,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Fresh {
    pub fresh_until: i64,
}

pub async fn me(
    portal: &Shared,
    conn: &mut Conn,
    user: &str,
    fresh_until: i64,
    passkey: bool,
) -> Result<Me, Fault> {
    let passkeys = standing(portal, conn, user, passkey).await?;
    // The password alone does not tell what its owner does here.
    let shown = i64::from(!passkeys.waiting);
    let (id, name, email, locale): (String, String, String, String) =
        sqlx::query_as("SELECT id, name, email, locale FROM users WHERE id = $1")
            .bind(user)
            .fetch_one(&mut *conn)
            .await?;
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT projects.id, projects.name, members.role FROM members
         JOIN projects ON projects.id = members.project_id
         WHERE members.user_id = $1 AND $2 = 1 ORDER BY projects.name, projects.id, members.role",
    )
    .bind(user)
    .bind(shown)
    .fetch_all(conn)
    .await?;
    let mut projects: Vec<Membership> = Vec::new();
    for (id, name, role) in rows {
        let roles = Role::read(&role).into_iter();
        match projects.last_mut() {
            Some(last) if last.id == id => last.roles.extend(roles),
            _ => projects.push(Membership { id, name, roles: roles.collect() }),
        }
    }
    projects.iter_mut().for_each(|project| project.roles.sort_unstable());
    let locale = if locale == "nl" { Locale::Nl } else { Locale::En };
    Ok(Me { user: User { id, name, email, locale }, projects, fresh_until, passkeys })
}

/// Begins a session after a password, and answers with its cookie.
pub async fn log_in(
    portal: &Shared,
    conn: &mut Conn,
    user: &str,
    headers: &HeaderMap,
) -> Result<Response, Fault> {
    begin_session(portal, conn, user, headers, false).await
}

/// Begins a session, after a passkey or without one. That which the browser had ends.
pub async fn begin_session(
    portal: &Shared,
    conn: &mut Conn,
    user: &str,
    headers: &HeaderMap,
    passkey: bool,
) -> Result<Response, Fault> {
    let https = portal.config.is_https();
    if let Some(before) = session::secret_in(headers.get_all(header::COOKIE).iter(), https) {
        session::end_known(conn, &before).await?;
    }
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secret = session::begin(conn, user, agent, passkey).await?;
    let detail = if passkey { json!({ "with": "passkey" }) } else { json!({}) };
    journal::append(conn, journal::OWN, user, "logged_in", user, detail).await?;
    let me = me(portal, conn, user, now() + session::FRESH, passkey).await?;
    Ok(([(header::SET_COOKIE, session::cookie(&secret, https)?)], Json(me)).into_response())
}

/// Who tries a password or a passkey.
#[derive(Clone, Copy, Debug)]
pub enum Guess {
    /// Somebody who is not logged in, at this address.
    Stranger(Whence),
    /// Whoever has the account, logged in. What strangers try does not count against them.
    Own,
}

impl Guess {
    fn whose(self) -> Whose {
        match self {
            Self::Stranger(_) => Whose::Strangers,
            Self::Own => Whose::Own,
        }
    }
}

/// Somebody who has shown the password of their account.
pub struct Shown {
    pub user: String,
    stored: String,
}

impl Shown {
    /// Whether it is still the password: it took a while to compare, and may have been changed meanwhile. To
    /// be asked in the transaction of what follows.
    pub async fn check_again(&self, conn: &mut Conn) -> Result<(), Fault> {
        let same = sqlx::query("UPDATE users SET password = password WHERE id = $1 AND password = $2")
            .bind(&self.user)
            .bind(&self.stored)
            .execute(conn)
            .await?;
        if same.rows_affected() == 1 { Ok(()) } else { Err(Fault::WrongLogin) }
    }
}

/// Compares a password with that of the account. As slow for an account that does not exist.
pub async fn check_password(
    portal: &Shared,
    guess: Guess,
    email: &str,
    password: Zeroizing<String>,
) -> Result<Shown, Fault> {
    if email.len() > text::LONGEST_EMAIL {
        // No account has such an address.
        return Err(Fault::WrongLogin);
    }
    if let Guess::Stranger(Whence(peer)) = guess {
        portal.limits.check_guess(email, peer)?;
    }
    let mut tx = portal.db.begin().await?;
    let found: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT id, password FROM users WHERE email = $1")
            .bind(text::plain(email))
            .fetch_optional(&mut *tx)
            .await?;
    tx.commit().await?;
    let (user, stored) = found.map_or((None, None), |(user, stored)| (Some(user), stored));
    if let (Guess::Own, Some(user)) = (guess, &user) {
        portal.limits.check_own(user)?;
    }
    match (portal.passwords.fits(guess.whose(), password, stored.clone()).await?, user, stored) {
        (true, Some(user), Some(stored)) => Ok(Shown { user, stored }),
        (_, user, _) => {
            note_failure(portal, guess, "wrong_password", &user.unwrap_or_default());
            Err(Fault::WrongLogin)
        }
    }
}

/// Writes down that somebody tried a wrong password or passkey for this account, or for one that is not
/// there.
pub fn note_failure(portal: &Shared, guess: Guess, kind: &str, user: &str) {
    let detail = match guess {
        Guess::Stranger(Whence(peer)) => json!({ "from": peer }),
        Guess::Own => json!({}),
    };
    journal::append_failure(portal, user, kind, detail);
}

/// Begins a session.
#[utoipa::path(post, path = "/api/login", tag = "account", request_body = LoginForm,
    responses((status = 200, body = Me)))]
pub async fn login(
    State(portal): State<Shared>,
    whence: Whence,
    headers: HeaderMap,
    Input(form): Input<LoginForm>,
) -> Result<Response, Fault> {
    let email = form.email.trim().to_lowercase();
    let shown = check_password(&portal, Guess::Stranger(whence), &email, form.password).await?;
    let mut tx = portal.db.begin().await?;
    shown.check_again(&mut tx).await?;
    let answer = log_in(&portal, &mut tx, &shown.user, &headers).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Ends this session.
#[utoipa::path(delete, path = "/api/session", tag = "account", responses((status = 204)))]
pub async fn logout(State(portal): State<Shared>, caller: Caller) -> Result<Response, Fault> {
    let mut tx = portal.db.begin().await?;
    session::end(&mut tx, &caller.user, &caller.session).await?;
    journal::append(&mut tx, journal::OWN, &caller.user, "logged_out", &caller.user, json!({})).await?;
    tx.commit().await?;
    let cleared = [
        (header::SET_COOKIE, session::no_cookie(portal.config.is_https())?),
        (header::HeaderName::from_static("clear-site-data"), header::HeaderValue::from_static("\"cache\"")),
    ];
    Ok((StatusCode::NO_CONTENT, cleared).into_response())
}

/// Who is logged in, and what they are in which project.
#[utoipa::path(get, path = "/api/me", tag = "account", responses((status = 200, body = Me)))]
pub async fn read_me(State(portal): State<Shared>, caller: Caller) -> Result<Json<Me>, Fault> {
    let mut tx = portal.db.begin().await?;
    let me = me(&portal, &mut tx, &caller.user, caller.fresh_until, caller.passkey).await?;
    tx.commit().await?;
    Ok(Json(me))
}

/// Chooses the language.
#[utoipa::path(patch, path = "/api/me", tag = "account", request_body = MeForm,
    responses((status = 200, body = Me)))]
pub async fn change_me(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<MeForm>,
) -> Result<Json<Me>, Fault> {
    let mut tx = portal.db.begin().await?;
    sqlx::query("UPDATE users SET locale = $1 WHERE id = $2")
        .bind(form.locale.word())
        .bind(&caller.user)
        .execute(&mut *tx)
        .await?;
    let me = me(&portal, &mut tx, &caller.user, caller.fresh_until, caller.passkey).await?;
    tx.commit().await?;
    Ok(Json(me))
}

/// The address that belongs to the password of whoever calls, if `check` lets their password count.
async fn email_if(portal: &Shared, caller: &Caller, check: Check) -> Result<String, Fault> {
    let mut tx = portal.db.begin().await?;
    let (email,): (String,) = sqlx::query_as("SELECT email FROM users WHERE id = $1")
        .bind(&caller.user)
        .fetch_one(&mut *tx)
        .await?;
    check(caller, &standing(portal, &mut tx, &caller.user, caller.passkey).await?)?;
    tx.commit().await?;
    Ok(email)
}

/// Asks again in the transaction of what follows: session, password and passkeys may have changed while the
/// password was compared.
async fn still(
    portal: &Shared,
    conn: &mut Conn,
    caller: &Caller,
    shown: &Shown,
    check: Check,
) -> Result<Standing, Fault> {
    // First, because it makes whoever changes the account's password or passkeys wait.
    shown.check_again(conn).await?;
    let standing = standing(portal, conn, &caller.user, caller.passkey).await?;
    check(caller, &standing)?;
    Ok(standing)
}

/// What a password may do beside passkeys.
type Check = fn(&Caller, &Standing) -> Result<(), Fault>;

/// It changes the password, where a passkey is needed only shortly after one was shown.
fn may_change(caller: &Caller, standing: &Standing) -> Result<(), Fault> {
    match standing.needs_own_passkey() && caller.fresh_until < now() {
        true => Err(Fault::StepUpNeeded),
        false => Ok(()),
    }
}

/// It confirms who somebody is, where no passkey is needed.
fn may_confirm(_: &Caller, standing: &Standing) -> Result<(), Fault> {
    if standing.needs_own_passkey() { Err(Fault::PasskeyNeeded) } else { Ok(()) }
}

/// Before a first password is computed: whoever may not set one takes no place where others wait.
async fn check_without(portal: &Shared, caller: &Caller) -> Result<(), Fault> {
    portal.limits.check_own(&caller.user)?;
    let mut tx = portal.db.begin().await?;
    still_without(portal, &mut tx, caller).await?;
    Ok(tx.commit().await?)
}

/// Of an account that came from elsewhere and has no password yet. Its owner showed who it is just now.
async fn still_without(portal: &Shared, conn: &mut Conn, caller: &Caller) -> Result<Standing, Fault> {
    if caller.fresh_until < now() {
        return Err(Fault::StepUpNeeded);
    }
    let none = sqlx::query("UPDATE users SET created = created WHERE id = $1 AND password IS NULL")
        .bind(&caller.user)
        .execute(&mut *conn)
        .await?;
    if none.rows_affected() != 1 {
        return Err(Fault::invalid("say the password that you have now"));
    }
    standing(portal, conn, &caller.user, caller.passkey).await
}

/// Changes the password, or sets the first one, and ends all other sessions.
#[utoipa::path(post, path = "/api/password", tag = "account", request_body = PasswordForm,
    responses((status = 204)))]
pub async fn change_password(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<PasswordForm>,
) -> Result<Response, Fault> {
    let email = email_if(&portal, &caller, may_change).await?;
    let shown = match form.old {
        Some(old) => Some(check_password(&portal, Guess::Own, &email, old).await?),
        None => {
            check_without(&portal, &caller).await?;
            None
        }
    };
    check_strength(&form.new, &email)?;
    let stored = portal.passwords.hash(Whose::Own, form.new).await?;
    let mut tx = portal.db.begin().await?;
    let standing = match &shown {
        Some(shown) => still(&portal, &mut tx, &caller, shown, may_change).await?,
        None => still_without(&portal, &mut tx, &caller).await?,
    };
    sqlx::query("UPDATE users SET password = $1 WHERE id = $2")
        .bind(stored)
        .bind(&caller.user)
        .execute(&mut *tx)
        .await?;
    session::end_others(&mut tx, &caller.user, &caller.session).await?;
    // Where only a passkey shows who it is, no password makes that last longer.
    let until = if standing.needs_own_passkey() { caller.fresh_until } else { now() + session::FRESH };
    let secret = session::renew_until(&mut tx, &caller.session, until).await?;
    tell_owner(&mut tx, &caller.user, NoticeKind::AccountChanged).await?;
    let (user, detail) = (&caller.user, json!({}));
    journal::append(&mut tx, journal::OWN, user, "password_changed", user, detail).await?;
    tx.commit().await?;
    let cookie = [(header::SET_COOKIE, session::cookie(&secret, portal.config.is_https())?)];
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// Enters the password once more, before something grave. The session gets another cookie.
#[utoipa::path(post, path = "/api/fresh", tag = "account", request_body = FreshForm,
    responses((status = 200, body = Fresh)))]
pub async fn step_up(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<FreshForm>,
) -> Result<Response, Fault> {
    let email = email_if(&portal, &caller, may_confirm).await?;
    let shown = check_password(&portal, Guess::Own, &email, form.password).await?;
    let mut tx = portal.db.begin().await?;
    still(&portal, &mut tx, &caller, &shown, may_confirm).await?;
    let (secret, fresh_until) = session::renew(&mut tx, &caller.session).await?;
    journal::append(&mut tx, journal::OWN, &caller.user, "stepped_up", &caller.user, json!({})).await?;
    tx.commit().await?;
    let cookie = [(header::SET_COOKIE, session::cookie(&secret, portal.config.is_https())?)];
    Ok((cookie, Json(Fresh { fresh_until })).into_response())
}

/// The caller's sessions.
#[utoipa::path(get, path = "/api/sessions", tag = "account",
    responses((status = 200, body = Vec<SessionInfo>)))]
pub async fn list_sessions(
    State(portal): State<Shared>,
    caller: Caller,
) -> Result<Json<Vec<SessionInfo>>, Fault> {
    let mut tx = portal.db.begin().await?;
    let sessions = session::list(&mut tx, &caller.user, &caller.session).await?;
    tx.commit().await?;
    Ok(Json(sessions))
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "account", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn end_session(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let mut tx = portal.db.begin().await?;
    if !session::end(&mut tx, &caller.user, text::plain(&id)).await? {
        return Err(Fault::NoSuchThing("session"));
    }
    journal::append(&mut tx, journal::OWN, &caller.user, "session_ended", &id, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Which person of the provider is which account: issuer and subject, and nothing else.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::flow::{Aim, Flow, begin};
use super::provider::Proven;
use super::routes::offered;
use super::trouble::Trouble;
use crate::db::{Conn, is_taken};
use crate::error::Fault;
use crate::factor::{check_way_in, standing};
use crate::gate::Caller;
use crate::ids::{fresh_id, now};
use crate::inbox::{NoticeKind, tell_owner};
use crate::passkey::lock_own;
use crate::project::lock_user;
use crate::server::Shared;
use crate::{journal, session, text};

/// How the caller can sign in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WaysIn {
    pub password: bool,
    /// What the provider that is offered here is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    pub identities: Vec<IdentityInfo>,
}

/// An account elsewhere that is linked to this one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct IdentityInfo {
    pub id: String,
    pub issuer: String,
    /// What the provider calls the person.
    pub subject: String,
    pub created: i64,
    /// When somebody last signed in with it.
    pub used: i64,
    /// Whether it is of the provider that is offered here.
    pub current: bool,
}

impl IdentityInfo {
    fn hide(&mut self) {
        self.id.clear();
        self.subject.clear();
        (self.created, self.used) = (0, 0);
    }
}

/// Where the browser is to go.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Onward {
    pub address: String,
}

/// The account of somebody whom the provider knows. Notes that the identity was used, which makes whoever
/// takes it away wait until what follows is done.
pub async fn owner(conn: &mut Conn, proven: &Proven) -> Result<Option<String>, Fault> {
    let found: Option<(String,)> = sqlx::query_as(
        "UPDATE identities SET used = $1 WHERE issuer = $2 AND subject = $3 RETURNING user_id",
    )
    .bind(now())
    .bind(&proven.issuer)
    .bind(&proven.subject)
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|(user,)| user))
}

/// The same, and makes wait whoever changes the account. First the account, as everywhere: two that lock both
/// in another order would wait for each other.
pub async fn locked_owner(conn: &mut Conn, proven: &Proven) -> Result<Option<String>, Trouble> {
    let found: Option<(String,)> =
        sqlx::query_as("SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2")
            .bind(&proven.issuer)
            .bind(&proven.subject)
            .fetch_optional(&mut *conn)
            .await?;
    let found = found.map(|(user,)| user);
    if let Some(user) = &found {
        lock_user(conn, user).await?;
    }
    let owner = owner(conn, proven).await?;
    // Linked to another account while this one was waited for.
    if owner.is_some() && owner != found { Err(Trouble::Over) } else { Ok(owner) }
}

/// Links an identity that nobody has to an account that has none of this issuer.
pub async fn add(conn: &mut Conn, user: &str, proven: &Proven) -> Result<(), Trouble> {
    lock_user(conn, user).await?;
    if count(conn, user, &proven.issuer).await? > 0 {
        return Err(Trouble::Another);
    }
    let id = fresh_id()?;
    let added = sqlx::query(
        "INSERT INTO identities (id, user_id, issuer, subject, created, used)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&id)
    .bind(user)
    .bind(&proven.issuer)
    .bind(&proven.subject)
    .bind(now())
    .bind(now())
    .execute(&mut *conn)
    .await;
    match added {
        Ok(_) => {}
        Err(error) if is_taken(&error) => return Err(Trouble::Another),
        Err(error) => return Err(error.into()),
    }
    let detail = json!({ "issuer": proven.issuer });
    journal::append(conn, journal::OWN, user, "identity_linked", &id, detail).await?;
    Ok(())
}

async fn count(conn: &mut Conn, user: &str, issuer: &str) -> Result<i64, Fault> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM identities WHERE user_id = $1 AND issuer = $2")
            .bind(user)
            .bind(issuer)
            .fetch_one(conn)
            .await?;
    Ok(count)
}

async fn has_password(conn: &mut Conn, user: &str) -> Result<bool, Fault> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM users WHERE id = $1 AND password IS NOT NULL")
            .bind(user)
            .fetch_one(conn)
            .await?;
    Ok(count == 1)
}

/// How the caller can sign in, apart from passkeys.
#[utoipa::path(get, path = "/api/identities", tag = "account", responses((status = 200, body = WaysIn)))]
pub async fn list_identities(State(portal): State<Shared>, caller: Caller) -> Result<Json<WaysIn>, Fault> {
    let mut tx = portal.db.begin().await?;
    let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
        "SELECT id, issuer, subject, created, used FROM identities WHERE user_id = $1 ORDER BY created, id",
    )
    .bind(&caller.user)
    .fetch_all(&mut *tx)
    .await?;
    let password = has_password(&mut tx, &caller.user).await?;
    let waiting = standing(&portal, &mut tx, &caller.user, caller.passkey).await?.waiting;
    tx.commit().await?;
    let issuer = portal.provider.as_ref().map(|provider| provider.issuer.as_str());
    let shown = |(id, of, subject, created, used): (String, String, String, i64, i64)| IdentityInfo {
        id,
        current: issuer == Some(of.as_str()),
        issuer: of,
        subject,
        created,
        used,
    };
    let provider = portal.provider.as_ref().map(|provider| provider.name.clone());
    let mut identities: Vec<IdentityInfo> = rows.into_iter().map(shown).collect();
    if waiting {
        // The password alone does not tell who somebody is elsewhere; only that the provider is a way in.
        identities.retain(|identity| identity.current);
        identities.iter_mut().for_each(IdentityInfo::hide);
    }
    Ok(Json(WaysIn { password, provider, identities }))
}

/// Begins to link an account elsewhere to the caller's.
#[utoipa::path(post, path = "/api/identities", tag = "account", responses((status = 200, body = Onward)))]
pub async fn link(State(portal): State<Shared>, caller: Caller) -> Result<Response, Fault> {
    let provider = offered(&portal)?;
    portal.limits.check_sign_in(&caller.user)?;
    let mut tx = portal.db.begin().await?;
    let linked = count(&mut tx, &caller.user, &provider.issuer).await?;
    tx.commit().await?;
    if linked > 0 {
        return Err(Fault::Taken("link to an account of the provider"));
    }
    let mut flow = Flow::new(Aim::Link);
    (flow.session, flow.place) = (caller.session, "#/settings".to_owned());
    let (address, cookie) = begin(&portal, provider, &flow).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Onward { address })).into_response())
}

/// Takes a link away, unless there is no other way in, and ends the caller's other sessions.
#[utoipa::path(delete, path = "/api/identities/{id}", tag = "account", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn unlink(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let mut tx = portal.db.begin().await?;
    lock_own(&mut tx, &caller).await?;
    let gone = sqlx::query("DELETE FROM identities WHERE id = $1 AND user_id = $2")
        .bind(text::plain(&id))
        .bind(&caller.user)
        .execute(&mut *tx)
        .await?;
    if gone.rows_affected() == 0 {
        return Err(Fault::NoSuchThing("linked account"));
    }
    check_way_in(&portal, &mut tx, &caller.user).await?;
    session::end_others(&mut tx, &caller.user, &caller.session).await?;
    tell_owner(&mut tx, &caller.user, NoticeKind::AccountChanged).await?;
    journal::append(&mut tx, journal::OWN, &caller.user, "identity_unlinked", &id, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Sessions: a random secret in a cookie, its hash in the database, and three ends: no use, old age, somebody
//! ended it.

use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::Conn;
use crate::error::Fault;
use crate::ids::{fresh_id, fresh_secret, hashed, now};

pub const COOKIE: &str = "__Host-vdl";
/// On `http://` addresses of this machine, where browsers take no `__Host-` cookie.
const LOCAL_COOKIE: &str = "vdl";
/// Seconds without a request after which a session is over.
const IDLE: i64 = 30 * 60;
/// Seconds after which it is over in any case.
const LONGEST: i64 = 12 * 3600;
/// How long after entering the password something grave may be done.
pub const FRESH: i64 = 5 * 60;
/// The time of the last request is written down no more often than this.
const SEEN_EVERY: i64 = 60;
const LONGEST_AGENT: usize = 200;

/// A session that holds.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub user: String,
    pub fresh_until: i64,
}

/// A session as its owner sees it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionInfo {
    pub id: String,
    pub created: i64,
    pub seen: i64,
    /// What the browser says it is.
    pub agent: String,
    /// The one that asks.
    pub current: bool,
}

/// Begins one, and gives the secret for the cookie. A password was entered just now.
pub async fn begin(conn: &mut Conn, user: &str, agent: &str) -> Result<String, Fault> {
    let (secret, now) = (fresh_secret()?, now());
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect();
    sqlx::query(
        "INSERT INTO sessions (id, secret, user_id, created, seen, fresh_until, agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(fresh_id()?)
    .bind(hashed(&secret))
    .bind(user)
    .bind(now)
    .bind(now)
    .bind(now + FRESH)
    .bind(agent)
    .execute(conn)
    .await?;
    Ok(secret)
}

/// The session of a secret, if it holds. Being asked for keeps it alive.
pub async fn find(conn: &mut Conn, secret: &str) -> Result<Option<Session>, Fault> {
    find_hashed(conn, hashed(secret)).await
}

/// The same one a little later, if it still holds. Its secret may have changed meanwhile.
pub async fn again(conn: &mut Conn, id: &str) -> Result<Option<Session>, Fault> {
    let found: Option<(String,)> = sqlx::query_as("SELECT secret FROM sessions WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *conn)
        .await?;
    match found {
        Some((secret,)) => find_hashed(conn, secret).await,
        None => Ok(None),
    }
}

async fn find_hashed(conn: &mut Conn, secret: String) -> Result<Option<Session>, Fault> {
    let now = now();
    let row: Option<(String, String, i64, i64, i64)> =
        sqlx::query_as("SELECT id, user_id, created, seen, fresh_until FROM sessions WHERE secret = $1")
            .bind(secret)
            .fetch_optional(&mut *conn)
            .await?;
    let Some((id, user, created, seen, fresh_until)) = row else { return Ok(None) };
    if now - seen > IDLE || now - created > LONGEST {
        sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(conn).await?;
        return Ok(None);
    }
    if now - seen >= SEEN_EVERY {
        sqlx::query("UPDATE sessions SET seen = $1 WHERE id = $2").bind(now).bind(&id).execute(conn).await?;
    }
    Ok(Some(Session { id, user, fresh_until }))
}

/// After the password was entered once more: fresh, under a new secret. Age counts on.
pub async fn renew(conn: &mut Conn, id: &str) -> Result<(String, i64), Fault> {
    let (secret, fresh_until) = (fresh_secret()?, now() + FRESH);
    sqlx::query("UPDATE sessions SET secret = $1, fresh_until = $2 WHERE id = $3")
        .bind(hashed(&secret))
        .bind(fresh_until)
        .bind(id)
        .execute(conn)
        .await?;
    Ok((secret, fresh_until))
}

/// Ends one of this user's.
pub async fn end(conn: &mut Conn, user: &str, id: &str) -> Result<bool, Fault> {
    let ended = sqlx::query("DELETE FROM sessions WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user)
        .execute(conn)
        .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends all of this user's but one: the password was changed.
pub async fn end_others(conn: &mut Conn, user: &str, kept: &str) -> Result<(), Fault> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(user)
        .bind(kept)
        .execute(conn)
        .await?;
    Ok(())
}

/// Those of this user, the latest first.
pub async fn list(conn: &mut Conn, user: &str, current: &str) -> Result<Vec<SessionInfo>, Fault> {
    let now = now();
    let rows: Vec<(String, i64, i64, String)> = sqlx::query_as(
        "SELECT id, created, seen, agent FROM sessions
         WHERE user_id = $1 AND seen >= $2 AND created >= $3 ORDER BY seen DESC, id",
    )
    .bind(user)
    .bind(now - IDLE)
    .bind(now - LONGEST)
    .fetch_all(conn)
    .await?;
    let shown = |(id, created, seen, agent): (String, i64, i64, String)| SessionInfo {
        current: id == current,
        id,
        created,
        seen,
        agent,
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Forgets those that are over.
pub async fn sweep(conn: &mut Conn) -> Result<(), Fault> {
    let now = now();
    sqlx::query("DELETE FROM sessions WHERE seen < $1 OR created < $2")
        .bind(now - IDLE)
        .bind(now - LONGEST)
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets the browser keep the secret: to itself, for this host, away from scripts.
pub fn cookie(secret: &str, https: bool) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(&written(secret, https)).map_err(|error| Fault::internal("cookie", &error))
}

/// Lets it forget.
pub fn no_cookie(https: bool) -> Result<HeaderValue, Fault> {
    let gone = format!("{}; Max-Age=0", written("", https));
    HeaderValue::from_str(&gone).map_err(|error| Fault::internal("cookie", &error))
}

fn written(secret: &str, https: bool) -> String {
    let (name, secure) = if https { (COOKIE, "; Secure") } else { (LOCAL_COOKIE, "") };
    format!("{name}={secret}; Path=/{secure}; HttpOnly; SameSite=Lax")
}

/// The secret among all cookies of a request. Two of one name are none.
pub fn secret_in<'a>(cookies: impl Iterator<Item = &'a HeaderValue>, https: bool) -> Option<String> {
    let name = if https { COOKIE } else { LOCAL_COOKIE };
    let mut found = Vec::new();
    for header in cookies {
        let each = header.to_str().unwrap_or_default().split(';');
        found.extend(each.filter_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('=')));
    }
    match found.as_slice() {
        [secret] if (1..=100).contains(&secret.len()) => Some((*secret).to_owned()),
        _ => None,
    }
}

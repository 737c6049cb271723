//! Sessions: a random secret in a cookie, its hash in the database, and three ends: no use, old age, somebody
//! ended it.

use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::Conn;
use crate::error::Fault;
use crate::ids::{fresh_id, fresh_secret, hashed, now};

pub const COOKIE: &str = "__Host-vdl";
/// The session's, and its name on `http://` addresses of this machine, where browsers take no `__Host-` one.
const NAMES: (&str, &str) = (COOKIE, "vdl");
/// For a challenge before there is a session.
const GUEST_NAMES: (&str, &str) = ("__Host-vdl-guest", "vdl-guest");
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
    pub created: i64,
    /// 0 where a provider did not say when its person showed who they are.
    pub fresh_until: i64,
    /// Whether a passkey was shown in it.
    pub passkey: bool,
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

/// Begins one, and gives the secret for the cookie. A password was entered just now, or a passkey shown.
pub async fn begin(conn: &mut Conn, user: &str, agent: &str, passkey: bool) -> Result<String, Fault> {
    begin_until(conn, user, agent, passkey, now() + FRESH).await
}

/// Begins one that is fresh until then.
pub async fn begin_until(
    conn: &mut Conn,
    user: &str,
    agent: &str,
    passkey: bool,
    fresh_until: i64,
) -> Result<String, Fault> {
    let (secret, now) = (fresh_secret()?, now());
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect();
    sqlx::query(
        "INSERT INTO sessions (id, secret, user_id, created, seen, fresh_until, agent, passkey)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(fresh_id()?)
    .bind(hashed(&secret))
    .bind(user)
    .bind(now)
    .bind(now)
    .bind(fresh_until)
    .bind(agent)
    .bind(i64::from(passkey))
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
    let row: Option<(String, String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT id, user_id, created, seen, fresh_until, passkey FROM sessions WHERE secret = $1",
    )
    .bind(secret)
    .fetch_optional(&mut *conn)
    .await?;
    let Some((id, user, created, seen, fresh_until, passkey)) = row else { return Ok(None) };
    if now - seen > IDLE || now - created > LONGEST {
        sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(conn).await?;
        return Ok(None);
    }
    if now - seen >= SEEN_EVERY {
        sqlx::query("UPDATE sessions SET seen = $1 WHERE id = $2").bind(now).bind(&id).execute(conn).await?;
    }
    Ok(Some(Session { id, user, created, fresh_until, passkey: passkey == 1 }))
}

/// After the password was entered once more: fresh, under a new secret. Age counts on. A session that was
/// ended meanwhile does not come back, and nothing else of the transaction should stay.
pub async fn renew(conn: &mut Conn, id: &str) -> Result<(String, i64), Fault> {
    let fresh_until = now() + FRESH;
    Ok((renew_until(conn, id, fresh_until).await?, fresh_until))
}

/// Another secret, and fresh until then.
pub async fn renew_until(conn: &mut Conn, id: &str, fresh_until: i64) -> Result<String, Fault> {
    let secret = fresh_secret()?;
    let renewed = sqlx::query("UPDATE sessions SET secret = $1, fresh_until = $2 WHERE id = $3")
        .bind(hashed(&secret))
        .bind(fresh_until)
        .bind(id)
        .execute(conn)
        .await?;
    if renewed.rows_affected() == 1 { Ok(secret) } else { Err(Fault::NotLoggedIn) }
}

/// The same after a passkey was shown, and the session is known to have seen one.
pub async fn renew_with_passkey(conn: &mut Conn, id: &str) -> Result<(String, i64), Fault> {
    sqlx::query("UPDATE sessions SET passkey = 1 WHERE id = $1").bind(id).execute(&mut *conn).await?;
    renew(conn, id).await
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

/// Ends the one of this secret, whosever it is: another begins in its browser.
pub async fn end_known(conn: &mut Conn, secret: &str) -> Result<(), Fault> {
    sqlx::query("DELETE FROM sessions WHERE secret = $1").bind(hashed(secret)).execute(conn).await?;
    Ok(())
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
    HeaderValue::from_str(&written(NAMES, secret, https)).map_err(|error| Fault::internal("cookie", &error))
}

/// Lets it forget.
pub fn no_cookie(https: bool) -> Result<HeaderValue, Fault> {
    let gone = format!("{}; Max-Age=0", written(NAMES, "", https));
    HeaderValue::from_str(&gone).map_err(|error| Fault::internal("cookie", &error))
}

/// The cookie of a browser in which nobody is signed in yet, and that was given a challenge.
pub fn guest_cookie(secret: &str, https: bool, seconds: i64) -> Result<HeaderValue, Fault> {
    let brief = format!("{}; Max-Age={seconds}", written(GUEST_NAMES, secret, https));
    HeaderValue::from_str(&brief).map_err(|error| Fault::internal("cookie", &error))
}

/// Lets the browser forget it, once a session has begun.
pub fn no_guest_cookie(https: bool) -> Result<HeaderValue, Fault> {
    guest_cookie("", https, 0)
}

fn written((safe, local): (&str, &str), secret: &str, https: bool) -> String {
    let (name, secure) = if https { (safe, "; Secure") } else { (local, "") };
    format!("{name}={secret}; Path=/{secure}; HttpOnly; SameSite=Lax")
}

/// The secret of the session among all cookies of a request.
pub fn secret_in<'a>(cookies: impl Iterator<Item = &'a HeaderValue>, https: bool) -> Option<String> {
    one_cookie(cookies, if https { NAMES.0 } else { NAMES.1 })
}

/// That of a browser in which nobody is signed in yet.
pub fn guest_in<'a>(cookies: impl Iterator<Item = &'a HeaderValue>, https: bool) -> Option<String> {
    one_cookie(cookies, if https { GUEST_NAMES.0 } else { GUEST_NAMES.1 })
}

/// The value of a cookie. Two of one name are none.
pub fn one_cookie<'a>(cookies: impl Iterator<Item = &'a HeaderValue>, name: &str) -> Option<String> {
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

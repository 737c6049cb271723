//! One browser's way to the provider and back.
//!
//! Its cookie holds a secret of which the database has the hash. State, nonce and PKCE verifier are all
//! derived from the secret, so that nothing that is stored is of use to anybody, and an answer fits one
//! browser.

use axum::http::{HeaderMap, HeaderValue, header};

use super::provider::{Marks, Provider};
use super::trouble::Trouble;
use crate::db::Conn;
use crate::error::Fault;
use crate::ids::{fresh_secret, hashed, now};
use crate::server::Shared;
use crate::session::one_cookie;

const COOKIE: &str = "__Host-vdl-oidc";
/// On `http://` addresses of this machine.
const LOCAL_COOKIE: &str = "vdl-oidc";
/// Seconds somebody may take at the provider.
const LASTS: i64 = 600;
/// Of all together who are not logged in. Those who are have limits of their own, and strangers keep nobody
/// from showing who they are.
const MOST_OPEN: i64 = 20_000;
/// Characters of a place in the page.
const LONGEST_PLACE: usize = 500;

/// What is to happen once the provider has said who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Beginning a session.
    Enter,
    /// Taking an invitation.
    Join,
    /// Adding the identity to the account of the session.
    Link,
    /// Making the session fresh.
    Again,
}

impl Aim {
    const ALL: [Self; 4] = [Self::Enter, Self::Join, Self::Link, Self::Again];

    fn word(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Join => "join",
            Self::Link => "link",
            Self::Again => "again",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Flow {
    pub aim: Aim,
    /// To link and again: for this session and no other.
    pub session: String,
    /// To join: the hash of the invitation's secret, and what was said along with it.
    pub invitation: String,
    pub name: String,
    pub email: String,
    /// Where in the page it goes on.
    pub place: String,
    pub begun: i64,
}

impl Flow {
    pub fn new(aim: Aim) -> Self {
        let (session, invitation) = (String::new(), String::new());
        let (name, email, place) = (String::new(), String::new(), "#/".to_owned());
        Self { aim, session, invitation, name, email, place, begun: now() }
    }
}

/// A place in the page: what stands behind the `#`, and the `#`. Everything else is the start.
pub fn place(asked: Option<&str>) -> String {
    let strange = |c: char| !c.is_ascii_graphic() || "\\\"<>`^{|}".contains(c);
    match asked {
        Some(asked)
            if asked.starts_with("#/") && asked.len() <= LONGEST_PLACE && !asked.contains(strange) =>
        {
            asked.to_owned()
        }
        _ => "#/".to_owned(),
    }
}

fn marks(secret: &str) -> Marks {
    let derived = |context: &str| {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(secret.as_bytes());
        hasher.finalize().to_hex().to_string()
    };
    Marks {
        state: derived("vdl portal 1 openid state"),
        nonce: derived("vdl portal 1 openid nonce"),
        verifier: derived("vdl portal 1 openid verifier"),
    }
}

/// Writes it down. Gives the provider's address and the cookie for the browser.
pub async fn begin(
    portal: &Shared,
    provider: &Provider,
    flow: &Flow,
) -> Result<(String, HeaderValue), Trouble> {
    let secret = fresh_secret()?;
    let address = provider.address(&marks(&secret), flow.aim != Aim::Enter).await?;
    let mut tx = portal.db.begin().await?;
    sweep(&mut tx).await?;
    if flow.session.is_empty() {
        let (open,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM sign_ins WHERE session_id = ''").fetch_one(&mut *tx).await?;
        if open >= MOST_OPEN {
            return Err(Fault::TooOften.into());
        }
    }
    sqlx::query(
        "INSERT INTO sign_ins (secret, issuer, aim, session_id, invitation, name, email, place, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(hashed(&secret))
    .bind(&provider.issuer)
    .bind(flow.aim.word())
    .bind(&flow.session)
    .bind(&flow.invitation)
    .bind(&flow.name)
    .bind(&flow.email)
    .bind(&flow.place)
    .bind(flow.begun)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok((address, cookie(&secret, LASTS, portal.config.is_https())?))
}

type Row = (String, String, String, String, String, String, i64);

/// The one that this browser began, if the state is its own. It is over with this, whatever comes next.
pub async fn take(
    conn: &mut Conn,
    provider: &Provider,
    headers: &HeaderMap,
    state: &str,
    https: bool,
) -> Result<(Flow, Marks), Trouble> {
    let name = if https { COOKIE } else { LOCAL_COOKIE };
    let cookies = headers.get_all(header::COOKIE).iter();
    let secret = one_cookie(cookies, name).ok_or(Trouble::Over)?;
    let marks = marks(&secret);
    // Comparing hashes tells nothing about how much of a guess was right, and these are compared in constant
    // time. Somebody else's answer ends nothing.
    if blake3::hash(state.as_bytes()) != blake3::hash(marks.state.as_bytes()) {
        return Err(Trouble::Over);
    }
    let row: Option<Row> = sqlx::query_as(
        "SELECT aim, session_id, invitation, name, email, place, created FROM sign_ins
         WHERE secret = $1 AND issuer = $2 AND created >= $3",
    )
    .bind(hashed(&secret))
    .bind(&provider.issuer)
    .bind(now() - LASTS)
    .fetch_optional(&mut *conn)
    .await?;
    let used = sqlx::query("DELETE FROM sign_ins WHERE secret = $1").bind(hashed(&secret)).execute(conn);
    let used = used.await?.rows_affected() == 1;
    let (word, session, invitation, name, email, place, begun) = row.filter(|_| used).ok_or(Trouble::Over)?;
    let aim = Aim::ALL.into_iter().find(|aim| aim.word() == word).ok_or(Trouble::Over)?;
    Ok((Flow { aim, session, invitation, name, email, place, begun }, marks))
}

/// Lets the browser forget the secret.
pub fn no_cookie(https: bool) -> Result<HeaderValue, Fault> {
    cookie("", 0, https)
}

fn cookie(secret: &str, lasts: i64, https: bool) -> Result<HeaderValue, Fault> {
    let (name, secure) = if https { (COOKIE, "; Secure") } else { (LOCAL_COOKIE, "") };
    let text = format!("{name}={secret}; Path=/{secure}; HttpOnly; SameSite=Lax; Max-Age={lasts}");
    HeaderValue::from_str(&text).map_err(|error| Fault::internal("cookie", &error))
}

/// Forgets those that nobody came back from.
pub async fn sweep(conn: &mut Conn) -> Result<(), Fault> {
    sqlx::query("DELETE FROM sign_ins WHERE created < $1").bind(now() - LASTS).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_outside_the_page() {
        assert_eq!(place(Some("#/projects/a%20b/requests?x=1")), "#/projects/a%20b/requests?x=1");
        for attack in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "#evil",
            "#/a\r\nSet-Cookie: x=1",
            "#/\\evil",
            "@evil.example#/",
            &format!("#/{}", "a".repeat(600)),
        ] {
            assert_eq!(place(Some(attack)), "#/", "{attack}");
        }
        assert_eq!(place(None), "#/");
    }

    #[test]
    fn state_nonce_and_verifier_tell_nothing_of_each_other_or_the_cookie() {
        let (one, other) = (marks("secret"), marks("secreu"));
        let all = [&one.state, &one.nonce, &one.verifier, &other.state, &other.nonce, &other.verifier];
        let mut distinct = all.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 6);
        assert!(all.iter().all(|mark| mark.len() == 64 && **mark != hashed("secret")));
    }
}

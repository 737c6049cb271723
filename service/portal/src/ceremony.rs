//! Challenges for passkeys. What an answer is held against stays here: for five minutes, for one answer, and
//! for the session or browser that asked.

use serde::Serialize;
use serde::de::DeserializeOwned;
use webauthn_rs::prelude::{Passkey, PublicKeyCredential, Url, Webauthn, WebauthnBuilder, WebauthnError};

use crate::db::Conn;
use crate::error::Fault;
use crate::ids::now;
use crate::server::Shared;
use crate::text;

/// As long as a browser waits for its user.
pub const SECONDS: i64 = 5 * 60;

/// What a challenge is for; an answer to one kind is none to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    Add,
    LogIn,
    StepUp,
}

impl Ceremony {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::LogIn => "log_in",
            Self::StepUp => "step_up",
        }
    }
}

/// What browsers know the portal as: the host of its origin, whole. None for a number, for which they take no
/// passkey.
pub fn relying_party(origin: &str) -> Option<Webauthn> {
    let origin = Url::parse(origin).ok()?;
    WebauthnBuilder::new(origin.domain()?, &origin).ok()?.build().ok()
}

/// Remembers what the next answer is held against. Another challenge of this kind is forgotten.
pub async fn keep(
    conn: &mut Conn,
    ceremony: Ceremony,
    holder: &str,
    state: &impl Serialize,
) -> Result<(), Fault> {
    let state = serde_json::to_string(state).map_err(|error| Fault::internal("passkey", &error))?;
    sqlx::query(
        "INSERT INTO ceremonies (holder, kind, state, created) VALUES ($1, $2, $3, $4)
         ON CONFLICT (holder, kind) DO UPDATE SET state = excluded.state, created = excluded.created",
    )
    .bind(holder)
    .bind(ceremony.word())
    .bind(state)
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes it, in a transaction of its own: whatever comes of the answer, there is no second one.
pub async fn take<T: DeserializeOwned>(
    portal: &Shared,
    ceremony: Ceremony,
    holder: &str,
) -> Result<T, Fault> {
    let mut tx = portal.db.begin().await?;
    let kept: Option<(String, i64)> =
        sqlx::query_as("DELETE FROM ceremonies WHERE holder = $1 AND kind = $2 RETURNING state, created")
            .bind(holder)
            .bind(ceremony.word())
            .fetch_optional(&mut *tx)
            .await?;
    tx.commit().await?;
    match kept {
        Some((state, created)) if now() - created <= SECONDS => {
            serde_json::from_str(&state).map_err(|error| Fault::internal("passkey", &error))
        }
        _ => Err(Fault::PasskeyRefused),
    }
}

/// Forgets those that nobody answered.
pub async fn sweep(conn: &mut Conn) -> Result<(), Fault> {
    sqlx::query("DELETE FROM ceremonies WHERE created < $1").bind(now() - SECONDS).execute(conn).await?;
    Ok(())
}

/// Holds an answer against its challenge and the passkey of this user that it names, and writes down the
/// passkey's counter and flags.
pub async fn verify(
    portal: &Shared,
    conn: &mut Conn,
    user: &str,
    answer: &PublicKeyCredential,
    state: webauthn_rs::prelude::DiscoverableAuthentication,
) -> Result<(), Fault> {
    let credential = text::to_base64(answer.get_credential_id());
    // First, because it makes another answer with the same passkey wait: the counter goes up.
    sqlx::query("UPDATE passkeys SET used = $1 WHERE credential = $2 AND user_id = $3")
        .bind(now())
        .bind(&credential)
        .bind(user)
        .execute(&mut *conn)
        .await?;
    let found: Option<(String, String)> =
        sqlx::query_as("SELECT id, data FROM passkeys WHERE credential = $1 AND user_id = $2")
            .bind(&credential)
            .bind(user)
            .fetch_optional(&mut *conn)
            .await?;
    let (id, data) = found.ok_or(Fault::PasskeyRefused)?;
    let mut passkey = read(&data)?;
    let shown = relying(portal)?
        .finish_discoverable_authentication_v2(answer, state, &passkey)
        .map_err(|error| refused(&error))?;
    passkey.update_credential(&shown);
    sqlx::query("UPDATE passkeys SET data = $1 WHERE id = $2")
        .bind(write(&passkey)?)
        .bind(id)
        .execute(conn)
        .await?;
    Ok(())
}

pub fn relying(portal: &Shared) -> Result<&Webauthn, Fault> {
    portal.relying.as_ref().ok_or(Fault::NotOffered("passkeys at this address"))
}

pub fn read(data: &str) -> Result<Passkey, Fault> {
    serde_json::from_str(data).map_err(|error| Fault::internal("passkey", &error))
}

pub fn write(passkey: &Passkey) -> Result<String, Fault> {
    serde_json::to_string(passkey).map_err(|error| Fault::internal("passkey", &error))
}

/// Whoever sent it learns only that it was refused.
pub fn refused(error: &WebauthnError) -> Fault {
    tracing::info!(%error, "a passkey was refused");
    match error {
        WebauthnError::CredentialPossibleCompromise => Fault::PasskeyCopied,
        _ => Fault::PasskeyRefused,
    }
}

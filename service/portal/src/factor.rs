//! Whether a password alone is enough. A passkey always is: it is something one has, and it asks for
//! something one knows or is before it answers.
//!
//! A session that began with a password where that is not enough waits: it may show a passkey, or add one if
//! the account has none, and nothing else.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::SecondFactor;
use crate::db::Conn;
use crate::error::Fault;
use crate::ids::now;
use crate::server::Shared;
use crate::session::{FRESH, Session};

/// How an account and a session stand to passkeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// Whether browsers take passkeys at this portal's address; not at a number such as 127.0.0.1.
    pub offered: bool,
    /// How many the account has.
    pub count: i64,
    /// Whether its owner wants no session by the password alone. Without a passkey it means nothing.
    pub chosen: bool,
    /// Whether the portal wants none, of people with these roles.
    pub required: bool,
    /// Whether this session waits for a passkey: the account's, or the first one.
    pub waiting: bool,
}

impl Standing {
    /// Whether only one of the account's passkeys shows who it is.
    pub fn needs_own_passkey(&self) -> bool {
        self.count > 0 && (self.chosen || self.required)
    }
}

/// `passkey`: whether one was shown in the session.
pub async fn standing(
    portal: &Shared,
    conn: &mut Conn,
    user: &str,
    passkey: bool,
) -> Result<Standing, Fault> {
    let (chosen, count): (i64, i64) = sqlx::query_as(
        "SELECT passkey_needed, (SELECT COUNT(*) FROM passkeys WHERE user_id = users.id)
         FROM users WHERE id = $1",
    )
    .bind(user)
    .fetch_one(&mut *conn)
    .await?;
    let required = match portal.config.second_factor() {
        SecondFactor::Off => false,
        SecondFactor::Signers => signs_somewhere(conn, user).await?,
        SecondFactor::All => true,
    };
    let chosen = chosen == 1;
    let waiting = !passkey && (required || (chosen && count > 0));
    Ok(Standing { offered: portal.relying.is_some(), count, chosen, required, waiting })
}

/// Whether a session may add the account's first passkey although nothing says when its person showed who
/// they are: it began just now, at a provider that does not tell, and the account has neither password nor
/// passkey to show. Otherwise such an account would never get one. Trust on first use, as with a password
/// alone.
pub async fn may_begin(conn: &mut Conn, session: &Session) -> Result<bool, Fault> {
    if session.fresh_until != 0 || session.created + FRESH < now() {
        return Ok(false);
    }
    let (bare,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM users WHERE id = $1 AND password IS NULL
         AND NOT EXISTS (SELECT 1 FROM passkeys WHERE user_id = users.id)",
    )
    .bind(&session.user)
    .fetch_one(conn)
    .await?;
    Ok(bare == 1)
}

/// Fails where the user could not sign in any more. What is not offered here is no way in. To be asked after
/// [`crate::project::lock_user`], when something was taken away.
pub async fn check_way_in(portal: &Shared, conn: &mut Conn, user: &str) -> Result<(), Fault> {
    let issuer = portal.provider.as_ref().map(|provider| provider.issuer.as_str()).unwrap_or_default();
    let (passwords, passkeys, identities): (i64, i64, i64) = sqlx::query_as(
        "SELECT COUNT(password), (SELECT COUNT(*) FROM passkeys WHERE user_id = $1),
                (SELECT COUNT(*) FROM identities WHERE user_id = $1 AND issuer = $2)
         FROM users WHERE id = $1",
    )
    .bind(user)
    .bind(issuer)
    .fetch_one(conn)
    .await?;
    let passkeys = if portal.relying.is_some() { passkeys } else { 0 };
    if passwords + passkeys + identities > 0 { Ok(()) } else { Err(Fault::OnlyWayIn) }
}

/// Whether somebody is approver or administrator in any project.
async fn signs_somewhere(conn: &mut Conn, user: &str) -> Result<bool, Fault> {
    let (roles,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM members WHERE user_id = $1 AND role IN ('approver', 'administrator')",
    )
    .bind(user)
    .fetch_one(conn)
    .await?;
    Ok(roles > 0)
}

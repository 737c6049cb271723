//! People for trying it out, put into a portal that has nobody yet.

use std::path::Path;

use serde_json::json;
use vdl_authorize::VerifyingKey;
use zeroize::Zeroizing;

use crate::access::Role;
use crate::config::Config;
use crate::db::Conn;
use crate::error::{Fault, PortalError};
use crate::ids::{fresh_id, now};
use crate::invitation::add_user;
use crate::journal;
use crate::key::Purpose;
use crate::password::Whose;
use crate::project::add_roles;
use crate::server::Portal;

/// Somebody who is there from the beginning, in every project.
pub struct Sample {
    pub name: String,
    pub email: String,
    pub password: Zeroizing<String>,
    pub roles: Vec<Role>,
    /// A key that is enrolled for them; whoever calls has its secret half.
    pub key: Option<(Purpose, VerifyingKey)>,
}

/// Makes the accounts and enrols the keys, if the portal of this configuration has no account yet. `false`:
/// it has some, and nothing was changed. Not while the portal runs.
pub fn add_people(config: &Path, people: &[Sample]) -> Result<bool, PortalError> {
    let config = Config::load(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| PortalError::System(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let (portal, _) = Portal::open(config).await?;
        let added = add_all(&portal, people).await;
        portal.db.close().await;
        added.map_err(|fault| PortalError::System(format!("the sample people: {fault:?}")))
    })
}

async fn add_all(portal: &Portal, people: &[Sample]) -> Result<bool, Fault> {
    let mut hashed = Vec::new();
    for person in people {
        hashed.push((person, portal.passwords.hash(Whose::Own, person.password.clone()).await?));
    }
    let mut tx = portal.db.begin().await?;
    let (known,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM users").fetch_one(&mut *tx).await?;
    if known > 0 {
        return Ok(false);
    }
    for (person, password) in hashed {
        let user = add_user(&mut tx, &person.email, &person.name, Some(&password)).await?;
        if let Some((purpose, key)) = &person.key {
            enrol(&mut tx, &user, *purpose, key).await?;
        }
        for project in portal.projects() {
            add_roles(&mut tx, &project, &user, &person.roles).await?;
            let detail = json!({ "roles": person.roles });
            journal::append(&mut tx, &project, "", "sample_joined", &user, detail).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

async fn enrol(conn: &mut Conn, user: &str, purpose: Purpose, key: &VerifyingKey) -> Result<(), Fault> {
    let public = key.to_base64().map_err(vdl_authorize::Refusal::ApproverKey)?;
    sqlx::query(
        "INSERT INTO keys (id, user_id, name, purpose, public, fingerprint, created)
         VALUES ($1, $2, 'sample key', $3, $4, $5, $6)",
    )
    .bind(fresh_id()?)
    .bind(user)
    .bind(purpose.word())
    .bind(public)
    .bind(key.fingerprint())
    .bind(now())
    .execute(conn)
    .await?;
    Ok(())
}

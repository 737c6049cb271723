//! The portal put together: state, routes and layers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::Webauthn;

use crate::access::{self, Role, Route};
use crate::cluster::{self, Cluster};
use crate::config::{Config, SecondFactor};
use crate::db::{Conn, Db};
use crate::error::{Fault, PortalError};
use crate::ids::{fresh_id, now};
use crate::limits::Limits;
use crate::oidc::{self, Provider};
use crate::password::Passwords;
use crate::project::users_with;
use crate::turns::Busy;
use crate::{account, ceremony, gate, headers, inbox, invitation, journal, key, openapi, page};
use crate::{passkey, policy, project, request, revocation, rules, session, table, upload};

pub type Shared = Arc<Portal>;

/// Everything that handlers need.
pub struct Portal {
    pub config: Config,
    pub db: Db,
    pub routes: Vec<Route>,
    pub limits: Limits,
    pub passwords: Passwords,
    /// Where people may sign in beside here.
    pub provider: Option<Provider>,
    /// None where the portal's address is one for which browsers take no passkeys.
    pub relying: Option<Webauthn>,
    pub busy: Busy,
    pub sends: upload::Sends,
    /// Where uploads wait.
    pub spool: PathBuf,
    /// The interface, as it is served.
    pub document: String,
    /// By the project's id.
    clusters: HashMap<String, Cluster>,
}

/// How the first administrator of a project comes in.
#[derive(Clone, Debug)]
pub struct FirstLink {
    pub project: String,
    /// Works once, for seven days or until the portal is started again.
    pub link: String,
}

impl Portal {
    /// Opens the database and reads the connection files. Gives a link for each project that has no
    /// administrator.
    pub async fn open(config: Config) -> Result<(Shared, Vec<FirstLink>), PortalError> {
        make_folder(&config.data)?;
        let spool = config.data.join("spool");
        make_folder(&spool)?;
        let url = match &config.database {
            Some(url) => url.0.clone(),
            None => Db::in_folder(&config.data),
        };
        let db = Db::open(&url).await?;
        let relying = ceremony::relying_party(&config.origin);
        if relying.is_none() && config.second_factor() != SecondFactor::Off {
            return Err(PortalError::Config(
                "second_factor needs passkeys, and those an origin with a name: http://localhost:8080, not \
                 http://127.0.0.1:8080; second_factor = \"off\" goes without"
                    .into(),
            ));
        }
        warn(&config, relying.is_some(), &db).await.map_err(|fault| failed(&fault))?;
        let projects = config.projects.clone();
        // The client of servers has threads of its own and is not made within others.
        let opened = tokio::task::spawn_blocking(move || {
            projects.iter().map(|project| Ok((project.name.clone(), Cluster::open(project)?))).collect()
        });
        let opened: Result<Vec<(String, Cluster)>, PortalError> =
            opened.await.map_err(|error| PortalError::System(error.to_string()))?;
        let routes = access::routes();
        let document = openapi::complete(&api().into_openapi(), &routes)?;
        let passwords = Passwords::new().map_err(|fault| failed(&fault))?;
        let provider = config.oidc.as_ref().map(|oidc| Provider::open(oidc, &config.origin)).transpose()?;
        let mut portal = Self {
            db,
            provider,
            routes,
            limits: Limits::default(),
            passwords,
            relying,
            busy: Busy::default(),
            sends: upload::Sends::default(),
            spool,
            document,
            clusters: HashMap::new(),
            config,
        };
        let links = portal.prepare(opened?).await.map_err(|fault| failed(&fault))?;
        Ok((Arc::new(portal), links))
    }

    async fn prepare(&mut self, opened: Vec<(String, Cluster)>) -> Result<Vec<FirstLink>, Fault> {
        let mut links = Vec::new();
        let mut tx = self.db.begin().await?;
        upload::recover(&mut tx).await?;
        for (name, cluster) in opened {
            let id = project_called(&mut tx, &name).await?;
            sqlx::query("DELETE FROM invitations WHERE project_id = $1 AND email = ''")
                .bind(&id)
                .execute(&mut *tx)
                .await?;
            if users_with(&mut tx, &id, &[Role::Administrator]).await?.is_empty() {
                let (_, secret, _) = invitation::invite(&mut tx, &id, "", &[Role::Administrator], "").await?;
                let link = invitation::link(&self.config.origin, &secret);
                links.push(FirstLink { project: name, link });
            }
            self.clusters.insert(id, cluster);
        }
        tx.commit().await?;
        Ok(links)
    }

    /// The servers of a project. One that is not configured any more has none.
    pub fn cluster(&self, project: &str) -> Result<&Cluster, Fault> {
        self.clusters.get(project).ok_or(Fault::NotOffered("servers for this project"))
    }

    /// Those that have servers.
    pub fn projects(&self) -> Vec<String> {
        self.clusters.keys().cloned().collect()
    }

    /// Forgets what is over: sessions, uploads nobody finished, who was counted for limits.
    pub async fn sweep(&self) -> Result<(), Fault> {
        self.limits.sweep();
        self.busy.sweep();
        let mut tx = self.db.begin().await?;
        session::sweep(&mut tx).await?;
        oidc::sweep(&mut tx).await?;
        ceremony::sweep(&mut tx).await?;
        sqlx::query("DELETE FROM invitations WHERE expires < $1").bind(now()).execute(&mut *tx).await?;
        upload::reopen(&mut tx, &self.sends).await?;
        upload::sweep(&mut tx, self.config.limits.upload_hours).await?;
        let known: Vec<(String,)> =
            sqlx::query_as("SELECT id FROM uploads WHERE state <> 'sent'").fetch_all(&mut *tx).await?;
        tx.commit().await?;
        let known: Vec<String> = known.into_iter().map(|(id,)| id).collect();
        let spool = self.spool.clone();
        let removed = tokio::task::spawn_blocking(move || remove_strangers(&spool, &known)).await;
        removed
            .map_err(|error| Fault::internal("spool", &error))?
            .map_err(|error| Fault::internal("spool", &error))
    }
}

/// Folders of uploads that are not known any more, and are older than an hour: those begun just now may not
/// be written down yet.
fn remove_strangers(spool: &Path, known: &[String]) -> std::io::Result<()> {
    for entry in std::fs::read_dir(spool)? {
        match remove_stranger(&entry?, known) {
            // Its owner gave it up just now.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

fn remove_stranger(folder: &std::fs::DirEntry, known: &[String]) -> std::io::Result<()> {
    let name = folder.file_name().to_string_lossy().into_owned();
    let age = folder.metadata()?.modified()?.elapsed().unwrap_or_default();
    match !known.contains(&name) && age.as_secs() > 3600 {
        true => std::fs::remove_dir_all(folder.path()),
        false => Ok(()),
    }
}

async fn project_called(conn: &mut Conn, name: &str) -> Result<String, Fault> {
    let found: Option<(String,)> = sqlx::query_as("SELECT id FROM projects WHERE name = $1")
        .bind(name)
        .fetch_optional(&mut *conn)
        .await?;
    if let Some((id,)) = found {
        return Ok(id);
    }
    let id = fresh_id()?;
    sqlx::query("INSERT INTO projects (id, name, revision, created) VALUES ($1, $2, 0, $3)")
        .bind(&id)
        .bind(name)
        .bind(now())
        .execute(&mut *conn)
        .await?;
    journal::append(conn, &id, "", "project_made", &id, serde_json::json!({})).await?;
    Ok(id)
}

/// Says at the start what whoever runs the portal may not have meant.
async fn warn(config: &Config, passkeys: bool, db: &Db) -> Result<(), Fault> {
    if config.second_factor() == SecondFactor::Off && config.is_https() {
        tracing::warn!(
            "second_factor is \"off\": a password alone is enough, unless somebody says otherwise"
        );
    }
    let mut tx = db.begin().await?;
    let (people,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM users WHERE passkey_needed = 1
         AND EXISTS (SELECT 1 FROM passkeys WHERE user_id = users.id)",
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    if !passkeys && people > 0 {
        tracing::warn!(people, "some need a passkey and cannot show one: the origin is a number, not a name");
    }
    Ok(())
}

fn failed(fault: &Fault) -> PortalError {
    PortalError::System(format!("the portal cannot be opened: {fault:?}"))
}

fn make_folder(path: &Path) -> Result<(), PortalError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| PortalError::Config(format!("{}: {error}", path.display())))
}

/// All routes, each with its description.
pub fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(openapi::health))
        .routes(routes!(openapi::read_document))
        .routes(routes!(account::login))
        .routes(routes!(account::logout))
        .routes(routes!(account::read_me, account::change_me))
        .routes(routes!(account::change_password))
        .routes(routes!(account::step_up))
        .routes(routes!(account::list_sessions))
        .routes(routes!(account::end_session))
        .routes(routes!(passkey::list_passkeys))
        .routes(routes!(passkey::start_adding))
        .routes(routes!(passkey::finish_adding))
        .routes(routes!(passkey::set_needed))
        .routes(routes!(passkey::remove_passkey))
        .routes(routes!(passkey::start_login))
        .routes(routes!(passkey::finish_login))
        .routes(routes!(passkey::start_step_up))
        .routes(routes!(passkey::finish_step_up))
        .routes(routes!(passkey::reset_passkeys))
        .routes(routes!(invitation::read_invitation, invitation::join))
        .routes(routes!(invitation::list_invitations, invitation::make_invitation))
        .routes(routes!(invitation::withdraw_invitation))
        .routes(routes!(oidc::read_offer))
        .routes(routes!(oidc::start))
        .routes(routes!(oidc::again))
        .routes(routes!(oidc::callback))
        .routes(routes!(oidc::join_elsewhere))
        .routes(routes!(oidc::list_identities, oidc::link))
        .routes(routes!(oidc::unlink))
        .routes(routes!(key::list_keys, key::enrol_key))
        .routes(routes!(key::make_challenge))
        .routes(routes!(key::retire_key))
        .routes(routes!(inbox::read_inbox))
        .routes(routes!(inbox::read_all_notices))
        .routes(routes!(inbox::read_notice))
        .routes(routes!(project::read_project))
        .routes(routes!(project::set_roles))
        .routes(routes!(project::end_member_sessions))
        .routes(routes!(policy::read_policies, policy::propose_policy))
        .routes(routes!(policy::sign_policy))
        .routes(routes!(policy::download_policy))
        .routes(routes!(rules::read_rules))
        .routes(routes!(revocation::list_revocations, revocation::revoke_key))
        .routes(routes!(journal::read_journal))
        .routes(routes!(journal::export_journal))
        .routes(routes!(journal::read_accounts))
        .routes(routes!(cluster::read_audit))
        .routes(routes!(cluster::relay_parcel))
        .routes(routes!(table::list_tables, table::add_table))
        .routes(routes!(table::archive_table, table::forget_table))
        .routes(routes!(upload::begin_upload))
        .routes(routes!(upload::read_upload, upload::drop_upload))
        .routes(routes!(upload::put_chunk))
        .routes(routes!(upload::send_upload))
        .routes(routes!(request::list_requests, request::submit))
        .routes(routes!(request::read_request))
        .routes(routes!(request::resubmit))
        .routes(routes!(request::read_version))
        .routes(routes!(request::comment))
        .routes(routes!(request::sign))
        .routes(routes!(request::decide))
        .routes(routes!(request::withdraw))
        .routes(routes!(request::revoke))
        .routes(routes!(request::download_approved))
        .routes(routes!(request::download_revocation))
        .routes(routes!(request::read_runs))
}

/// The service: every route behind the gate, every answer with its headers.
pub fn router(portal: &Shared) -> Router {
    let (api, _) = api().split_for_parts();
    api.layer(from_fn_with_state(portal.clone(), gate::gate))
        .fallback(page::serve)
        .layer(from_fn_with_state(portal.clone(), headers::headers))
        .with_state(portal.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between the look at the folder and the look into it.
    #[test]
    fn a_folder_that_is_gone_meanwhile_is_told_apart_and_a_new_one_stays() {
        let spool = tempfile::tempdir().unwrap();
        std::fs::create_dir(spool.path().join("new")).unwrap();
        remove_strangers(spool.path(), &[]).unwrap();
        let entry = std::fs::read_dir(spool.path()).unwrap().next().unwrap().unwrap();
        std::fs::remove_dir(entry.path()).unwrap();
        let gone = remove_stranger(&entry, &[]).unwrap_err();
        assert_eq!(gone.kind(), std::io::ErrorKind::NotFound);
    }
}

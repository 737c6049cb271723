//! The three servers of a project, and the way to them: parcels that only they can read.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Path as Address, Request, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vdl_client::{CallError, Connection, HttpsEndpoint};

use crate::access::LARGEST_PARCEL;
use crate::config;
use crate::error::{Fault, PortalError};
use crate::gate::{Caller, octets};
use crate::server::Shared;

/// An answer is a table's description or a receipt; results go to analysts, not through here.
const LONGEST_ANSWER: u64 = LARGEST_PARCEL as u64;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerInfo {
    /// 0, 1 or 2.
    pub server: u8,
    pub address: String,
    /// What parcels for it are sealed to: 32 bytes in base64. Compare it with what its operator says.
    pub seal_key: Option<String>,
    /// Of its certificate.
    pub fingerprint: String,
}

pub struct Cluster {
    pub environment: String,
    pub mode: String,
    pub servers: Vec<ServerInfo>,
    endpoints: [Arc<HttpsEndpoint>; 3],
    audit: Vec<PathBuf>,
}

/// What of the connection file the client leaves to the reader.
#[derive(Deserialize)]
struct Written {
    mode: String,
    environment: String,
    servers: Vec<WrittenServer>,
}

#[derive(Deserialize)]
struct WrittenServer {
    #[serde(default)]
    seal: Option<String>,
}

impl Cluster {
    /// Reads the connection file. Nothing is sent yet. Not to be called from async code.
    pub fn open(project: &config::Project) -> Result<Self, PortalError> {
        let path = &project.connection;
        let unusable =
            |error: &dyn std::fmt::Display| PortalError::Config(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
        let connection = Connection::parse(&text).map_err(|error| unusable(&error))?;
        let written: Written = toml::from_str(&text).map_err(|error| unusable(&error.message()))?;
        let mut servers = Vec::new();
        for ((number, server), written) in (0u8..).zip(&connection.servers).zip(written.servers) {
            let fingerprint = fingerprint(&server.certificate);
            let address = server.endpoint.clone();
            servers.push(ServerInfo { server: number, address, seal_key: written.seal, fingerprint });
        }
        let [a, b, c] = &connection.servers;
        let endpoint = |server| HttpsEndpoint::new(server, &connection.token).map(Arc::new);
        let endpoints = [endpoint(a), endpoint(b), endpoint(c)];
        let [a, b, c] = endpoints.map(|made| made.map_err(|error| unusable(&error)));
        Ok(Self {
            environment: written.environment,
            mode: written.mode,
            servers,
            endpoints: [a?, b?, c?],
            audit: project.audit.clone(),
        })
    }

    /// Carries a parcel to a server, reading it meanwhile, and gives the answer.
    pub async fn relay(
        &self,
        server: u8,
        parcel: impl Read + Send + 'static,
        length: u64,
    ) -> Result<Vec<u8>, Fault> {
        let endpoint = self.endpoints.get(usize::from(server)).ok_or(Fault::NoSuchThing("server"))?.clone();
        let sent = tokio::task::spawn_blocking(move || endpoint.relay(parcel, length, LONGEST_ANSWER));
        let sent = sent.await.map_err(|error| Fault::internal("relay", &error))?;
        sent.map_err(|error| match error {
            CallError::Refused(answer) => Fault::Server(answer),
            CallError::Unreachable(why) | CallError::Garbled(why) => Fault::Unreachable { server, why },
        })
    }

    /// The copy of a server's audit log that is kept here.
    pub fn audit(&self, server: u8) -> Result<&Path, Fault> {
        let path = self.audit.get(usize::from(server)).map(PathBuf::as_path);
        path.ok_or(Fault::NotOffered("copies of the servers' audit logs"))
    }
}

/// 128 bits in eight groups, as those of keys.
fn fingerprint(certificate: &[u8]) -> String {
    let text = blake3::hash(certificate).to_hex().to_uppercase();
    let groups: Vec<&str> = (0..8).filter_map(|at| text.get(4 * at..4 * at + 4)).collect();
    groups.join("-")
}

fn number(text: &str) -> Result<u8, Fault> {
    text.parse().ok().filter(|number| *number < 3).ok_or(Fault::NoSuchThing("server"))
}

/// Carries a sealed parcel to a server, and its sealed answer back.
#[utoipa::path(post, path = "/api/projects/{project}/relay/{server}", tag = "data", params(
    ("project" = String, Path), ("server" = u8, Path, maximum = 2)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub async fn relay_parcel(
    State(portal): State<Shared>,
    caller: Caller,
    Address((_project, server)): Address<(String, String)>,
    request: Request,
) -> Result<impl IntoResponse, Fault> {
    let server = number(&server)?;
    let cluster = portal.cluster(&caller.project)?;
    let parcel = octets(request).await?;
    let length = parcel.len() as u64;
    let answer = cluster.relay(server, std::io::Cursor::new(parcel), length).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], answer))
}

/// A server's audit log, as far as its copy here goes: a line of JSON each.
#[utoipa::path(get, path = "/api/projects/{project}/audit/{server}", tag = "journal", params(
    ("project" = String, Path), ("server" = u8, Path, maximum = 2)),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub async fn read_audit(
    State(portal): State<Shared>,
    caller: Caller,
    Address((_project, server)): Address<(String, String)>,
) -> Result<impl IntoResponse, Fault> {
    let server = number(&server)?;
    let path = portal.cluster(&caller.project)?.audit(server)?;
    let log = tokio::fs::read(path).await.map_err(|error| Fault::internal("audit log", &error))?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"server{server}.audit.log\"")),
    ];
    Ok((headers, log))
}

/// What the audit log says about the runs of an approval.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Runs {
    /// Started runs, as far as the copy of server 0's audit log goes; unknown where there is no copy.
    pub used: Option<u64>,
    pub limit: Option<u64>,
    /// Seconds, UTC.
    pub expires: Option<i64>,
}

impl Cluster {
    /// How many runs of an approval server 0 has counted.
    pub async fn runs(&self, approval: &str) -> Result<Option<u64>, Fault> {
        let Ok(path) = self.audit(0) else { return Ok(None) };
        let log =
            tokio::fs::read_to_string(path).await.map_err(|error| Fault::internal("audit log", &error))?;
        Ok(Some(log.lines().filter(|line| is_run_of(line, approval)).count() as u64))
    }
}

fn is_run_of(line: &str, approval: &str) -> bool {
    let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { return false };
    line.pointer("/event/run/approval").is_some_and(|digest| digest.as_str() == Some(approval))
}

//! The three servers of a project, and the way to them: parcels that only they can read, and what a
//! bookkeeper asks in the clear, where no value of a table is in it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path as Address, Request, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use vdl_authorize::{Policies, Standing};
use vdl_client::{CallError, ClientError, Connection, Endpoint, HttpsEndpoint, Route};
use vdl_command::wire::{decode, encode};
use vdl_command::{AskLog, AskUsed, Digest, LogPart, Used, WireError};

use crate::access::LARGEST_PARCEL;
use crate::config;
use crate::error::{Fault, PortalError};
use crate::gate::{Caller, Pass, drain, octets};
use crate::server::Shared;
use crate::text::to_base64;
use crate::turns::{Turn, answer_in};

/// An answer is a table's description or a receipt; results go to analysts, not through here.
const LONGEST_ANSWER: u64 = LARGEST_PARCEL as u64;
/// How long a server may take for a parcel that is no upload.
const RELAY: Duration = Duration::from_secs(120);
/// Parcels at once for each server, questions at once to all three, and uploads: each waits on a thread.
const MOST_RELAYS: usize = 32;
const MOST_QUESTIONS: usize = 32;
const MOST_UPLOADS: usize = 16;
/// How long something waits for the others.
const PATIENCE: Duration = Duration::from_secs(10);

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
    connection: Arc<Connection>,
    relays: [Arc<Semaphore>; 3],
    questions: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

/// What of the connection file the client leaves to the reader.
#[derive(Deserialize)]
struct Written {
    mode: String,
    environment: String,
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
        for (number, server) in (0u8..).zip(&connection.servers) {
            let fingerprint = fingerprint(&server.certificate);
            let (address, seal_key) =
                (server.endpoint.clone(), server.seal.as_ref().map(|key| to_base64(key)));
            servers.push(ServerInfo { server: number, address, seal_key, fingerprint });
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
            connection: Arc::new(connection),
            relays: [(); 3].map(|()| Arc::new(Semaphore::new(MOST_RELAYS))),
            questions: Arc::new(Semaphore::new(MOST_QUESTIONS)),
            uploads: Arc::new(Semaphore::new(MOST_UPLOADS)),
        })
    }

    /// Whether its servers ask for approvals at all. Otherwise nothing of it is theirs to decide.
    pub fn decides(&self) -> bool {
        self.mode != "design"
    }

    fn endpoint(&self, server: u8) -> Result<Arc<HttpsEndpoint>, Fault> {
        self.endpoints.get(usize::from(server)).cloned().ok_or(Fault::NoSuchThing("server"))
    }

    /// Room for one more parcel to a server.
    pub async fn room(&self, server: u8) -> Result<Turn, Fault> {
        let relays = self.relays.get(usize::from(server)).cloned().ok_or(Fault::NoSuchThing("server"))?;
        let room = tokio::time::timeout(PATIENCE, relays.acquire_owned()).await;
        let busy = || Fault::Unreachable { server, why: "too many wait for its answers".into() };
        room.map_err(|_| busy())?.map_err(|error| Fault::internal("a turn", &error))
    }

    /// Carries a parcel to a server and gives its answer. `held` is held until the server is done with it,
    /// also where nobody waits any more.
    pub async fn relay(
        &self,
        server: u8,
        parcel: Vec<u8>,
        held: impl Send + 'static,
    ) -> Result<Vec<u8>, Fault> {
        let (endpoint, length) = (self.endpoint(server)?, parcel.len() as u64);
        let parcel = std::io::Cursor::new(parcel);
        let sent =
            blocking(held, move || endpoint.relay(parcel, length, LONGEST_ANSWER, Some(RELAY))).await?;
        sent.map_err(|error| from_call(server, error))
    }

    /// Room for one more upload to all three: one of each would wait for another's rest.
    pub async fn room_for_upload(&self) -> Result<Turn, Fault> {
        self.uploads.clone().acquire_owned().await.map_err(|error| Fault::internal("a turn", &error))
    }

    /// Carries one server's part of an upload to it, reading it meanwhile. It may take as long as it takes.
    pub async fn upload(
        &self,
        server: u8,
        parcel: impl Read + Send + 'static,
        length: u64,
    ) -> Result<Vec<u8>, Fault> {
        let endpoint = self.endpoint(server)?;
        let sent = blocking((), move || endpoint.relay(parcel, length, LONGEST_ANSWER, None)).await?;
        sent.map_err(|error| from_call(server, error))
    }

    /// How many runs of an approval were started. Server 0 counts each run first; the others are asked
    /// where it does not answer. `None` if nobody does.
    pub async fn runs(&self, approval: &str) -> Result<Option<u64>, Fault> {
        let approval: Digest = approval.parse().map_err(Fault::InvalidInput)?;
        let asked = AskUsed { approvals: vec![approval] };
        for server in 0..3 {
            match self.ask::<_, Vec<Used>>(server, Route::Runs, &asked).await {
                Ok((used, _)) => return Ok(used.first().map(|used| used.runs)),
                Err(Fault::Server(_) | Fault::Unreachable { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }

    /// Lines of a server's audit log from a byte on, and where the next ones begin.
    async fn log_part(&self, server: u8, from: u64) -> Result<(u64, Vec<u8>), Fault> {
        let (part, lines): (LogPart, _) = self.ask(server, Route::Audit, &AskLog { from }).await?;
        Ok((part.next, lines))
    }

    async fn turn_to_ask(&self) -> Result<Turn, Fault> {
        let turn = tokio::time::timeout(PATIENCE, self.questions.clone().acquire_owned()).await;
        turn.map_err(|_| Fault::TooOften)?.map_err(|error| Fault::internal("a turn", &error))
    }

    /// Asks a server something short in the clear.
    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        server: u8,
        route: Route,
        header: &Q,
    ) -> Result<(A, Vec<u8>), Fault> {
        let endpoint = self.endpoint(server)?;
        let body = encode(header, &[]).map_err(|error| Fault::internal("a question", &error))?;
        let asked = blocking(self.turn_to_ask().await?, move || endpoint.call(route, body)).await?;
        let answer = asked.map_err(|error| from_call(server, error))?;
        let unread = |error: WireError| Fault::Unreachable { server, why: error.to_string() };
        let (header, payload) = decode(&answer).map_err(unread)?;
        Ok((header, payload.to_vec()))
    }

    /// Gives a signed document to all three.
    pub async fn publish(&self, envelope: Vec<u8>) -> Result<[Result<Standing, ClientError>; 3], Fault> {
        let connection = self.connection.clone();
        blocking(self.turn_to_ask().await?, move || vdl_client::publish(&connection, &envelope)).await
    }

    /// What each of them goes by.
    pub async fn policies(&self) -> Result<[Result<Policies, ClientError>; 3], Fault> {
        let connection = self.connection.clone();
        blocking(self.turn_to_ask().await?, move || vdl_client::policies(&connection)).await
    }
}

/// The client of servers blocks. `held` is held as long.
async fn blocking<T: Send + 'static>(
    held: impl Send + 'static,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let work = move || {
        let _held = held;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Fault::internal("a server's client", &error))
}

fn from_call(server: u8, error: CallError) -> Fault {
    match error {
        CallError::Refused(mut answer) => {
            answer.node = answer.node.or(Some(server));
            Fault::Server(answer)
        }
        CallError::Unreachable(why) | CallError::Garbled(why) => Fault::Unreachable { server, why },
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
    pass: Pass,
    Address((_project, server)): Address<(String, String)>,
    request: Request,
) -> Result<impl IntoResponse, Fault> {
    // Before the parcel is in memory, and all else after it: who is refused while still sending reads no
    // refusal.
    let (turn, parcel) = match portal.busy.users.take(&caller.user).await {
        Ok(turn) => (turn, octets(request).await?),
        Err(fault) => {
            drain(request.into_body()).await;
            return Err(fault);
        }
    };
    let server = number(&server)?;
    let cluster = portal.cluster(&caller.project)?;
    pass.check_again(&portal).await?;
    let room = cluster.room(server).await?;
    let turn = Arc::new(turn);
    let answer = cluster.relay(server, parcel, (turn.clone(), room)).await?;
    let answer = answer_in(turn, answer, (), |()| async { Ok(None) });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], answer))
}

/// A server's audit log, as it says itself: a line of JSON each.
#[utoipa::path(get, path = "/api/projects/{project}/audit/{server}", tag = "journal", params(
    ("project" = String, Path), ("server" = u8, Path, maximum = 2)),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub async fn read_audit(
    State(portal): State<Shared>,
    caller: Caller,
    Address((_project, server)): Address<(String, String)>,
) -> Result<impl IntoResponse, Fault> {
    let server = number(&server)?;
    let turn = portal.busy.users.take(&caller.user).await?;
    // What cannot be read at all is refused before the answer begins.
    let (next, lines) = portal.cluster(&caller.project)?.log_part(server, 0).await?;
    let project = caller.project;
    let log = answer_in(turn, lines, next, move |next| {
        let (portal, project) = (portal.clone(), project.clone());
        async move {
            let (next, lines) = portal.cluster(&project)?.log_part(server, next).await?;
            Ok::<_, Fault>((!lines.is_empty()).then_some((lines, next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"server{server}.audit.log\"")),
    ];
    Ok((headers, log))
}

/// How far an approval is used up.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Runs {
    /// Started runs, as the servers count them; unknown where none of them answers.
    pub used: Option<u64>,
    pub limit: Option<u64>,
    /// Seconds, UTC.
    pub expires: Option<i64>,
}

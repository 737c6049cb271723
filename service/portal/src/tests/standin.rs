//! What stands in for servers: it takes parcels and keeps to policies as they do, or behaves in ways they
//! should not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use vdl_authorize::{
    DocumentKind, Policies, Policy, Refusal, Revocations, Standing, document_kind, read_policy,
};
use vdl_command::wire::{decode, encode};
use vdl_command::{AskLog, ErrorAnswer, LogPart};
use vdl_listen::{Most, Patience, Port};

use crate::ids::now;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Answers,
    /// Takes parcels and does not answer, as long as it is like that.
    Hangs,
    /// Refuses parcels, policies and revocations with this status and code.
    Refuses(u16, &'static str),
    /// Says that it took policies and revocations, and forgets them.
    Forgets,
}

/// What a server goes by; nothing where it has no approvers.
#[derive(Default)]
struct Rules {
    policies: Vec<(Policy, String)>,
    known: Revocations,
    revocations: Vec<String>,
}

#[derive(Default)]
struct Inside {
    /// What they were sent, each in turn.
    received: Vec<(u8, Vec<u8>)>,
    moods: [Mood; 3],
    rules: [Rules; 3],
    /// What each shows as its first policy, where that is not its first policy.
    firsts: [Option<String>; 3],
    hanging: usize,
}

/// All three.
#[derive(Clone, Default)]
pub struct StandIns(Arc<Mutex<Inside>>);

impl StandIns {
    pub fn received(&self) -> Vec<(u8, Vec<u8>)> {
        self.0.lock().unwrap().received.clone()
    }

    pub fn set(&self, moods: [Mood; 3]) {
        self.0.lock().unwrap().moods = moods;
    }

    /// Parcels for which there was no answer at once.
    pub fn hanging(&self) -> usize {
        self.0.lock().unwrap().hanging
    }

    /// As operators do it in the configuration of all three.
    pub fn pin(&self, payload: &[u8]) {
        let policy = Policy::read(payload).unwrap();
        for rules in &mut self.0.lock().unwrap().rules {
            rules.policies = vec![(policy.clone(), String::from_utf8(payload.to_vec()).unwrap())];
        }
    }

    /// As the command line does it.
    pub fn publish(&self, server: usize, envelope: &[u8]) {
        self.0.lock().unwrap().rules[server].publish(envelope).unwrap();
    }

    /// As no server does it that looks at the clock and at what is revoked.
    pub fn take_by_signatures(&self, server: usize, envelope: &[u8]) {
        let rules = &mut self.0.lock().unwrap().rules[server];
        let (current, _) = rules.policies.last().unwrap();
        let next = current.follow(envelope).unwrap();
        rules.policies.push((next, String::from_utf8(envelope.to_vec()).unwrap()));
    }

    /// Shows this as its first policy, under the standing that it has.
    pub fn show_first(&self, server: usize, payload: &[u8]) {
        self.0.lock().unwrap().firsts[server] = Some(String::from_utf8(payload.to_vec()).unwrap());
    }

    /// The version of each one's policy, and how many revocations it knows.
    pub fn standing(&self) -> [(u32, u64); 3] {
        let inside = self.0.lock().unwrap();
        [0, 1, 2].map(|server: usize| {
            let rules = &inside.rules[server];
            (rules.policies.last().map_or(0, |(policy, _)| policy.version()), rules.known.count())
        })
    }
}

impl Rules {
    fn standing(&self) -> Standing {
        let (policy, _) = self.policies.last().unwrap();
        Standing {
            policy: policy.version(),
            policy_digest: policy.digest(),
            revocations: self.known.count(),
            revocations_digest: self.known.digest(),
        }
    }

    fn publish(&mut self, envelope: &[u8]) -> Result<(), Refusal> {
        let text = String::from_utf8(envelope.to_vec()).unwrap();
        if self.policies.iter().any(|(_, known)| *known == text) {
            return Ok(());
        }
        match document_kind(envelope)? {
            DocumentKind::Policy => {
                let (current, _) = self.policies.last().unwrap();
                let next = current.succeed(envelope, &self.known, now())?;
                assert_eq!(next, read_policy(envelope)?);
                self.policies.push((next, text));
            }
            DocumentKind::Revocation => {
                let policies: Vec<&Policy> = self.policies.iter().map(|(policy, _)| policy).collect();
                if self.known.add(envelope, &policies)? {
                    self.revocations.push(text);
                }
            }
        }
        Ok(())
    }
}

type Shared = (u8, StandIns);

/// Serves HTTPS with a certificate of its own, and gives its part of the connection file.
pub fn stand_in(server: u8, all: &StandIns) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let minute = Duration::from_secs(60);
    let patience = Patience { handshake: minute, head: minute, reading: minute };
    let most = Most { all: 100, of_one_network: None };
    let port = Port::open(listener, Some(Arc::new(tls)), most, patience).unwrap();
    let app = Router::new()
        .route("/v1/sealed", post(take))
        .route("/v1/policy", post(show))
        .route("/v1/publish", post(publish))
        .route("/v1/audit", post(tell))
        .with_state((server, all.clone()));
    let app = app.layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(port.serve(app, Arc::default()));
    let (pem, seal) = (made.cert.pem(), crate::text::to_base64(&[server; 32]));
    format!(
        "[[servers]]\nendpoint = \"https://{address}\"\nseal = \"{seal}\"\n\
         certificate = \"\"\"\n{pem}\"\"\"\n"
    )
}

async fn take(State((server, all)): State<Shared>, body: Bytes) -> Response {
    let answer = format!("answer {server} to {} octets", body.len());
    let hangs = {
        let mut inside = all.0.lock().unwrap();
        if let Mood::Refuses(status, code) = inside.moods[usize::from(server)] {
            return refused(status, code);
        }
        inside.received.push((server, body.to_vec()));
        let hangs = inside.moods[usize::from(server)] == Mood::Hangs;
        inside.hanging += usize::from(hangs);
        hangs
    };
    while hangs && all.0.lock().unwrap().moods[usize::from(server)] == Mood::Hangs {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Body::from(answer).into_response()
}

async fn show(State((server, all)): State<Shared>) -> Response {
    let inside = all.0.lock().unwrap();
    let rules = &inside.rules[usize::from(server)];
    if rules.policies.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut shown = Policies {
        standing: rules.standing(),
        policies: rules.policies.iter().map(|(_, text)| text.clone()).collect(),
        revocations: rules.revocations.clone(),
    };
    if let Some(first) = &inside.firsts[usize::from(server)] {
        shown.policies[0] = first.clone();
    }
    encode(&shown, &[]).unwrap().into_response()
}

/// A log of two parts.
async fn tell(body: Bytes) -> Response {
    let (AskLog { from }, _) = decode(&body).unwrap();
    let lines = if from < 2 { format!("{{\"part\":{from}}}\n") } else { String::new() };
    encode(&LogPart { next: from + 1 }, lines.as_bytes()).unwrap().into_response()
}

async fn publish(State((server, all)): State<Shared>, body: Bytes) -> Response {
    let mut inside = all.0.lock().unwrap();
    let server = usize::from(server);
    if let Mood::Refuses(status, code) = inside.moods[server] {
        return refused(status, code);
    }
    let forgets = inside.moods[server] == Mood::Forgets;
    let rules = &mut inside.rules[server];
    if rules.policies.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let done = if forgets { Ok(()) } else { rules.publish(&body) };
    match done {
        Ok(()) => encode(&rules.standing(), &[]).unwrap().into_response(),
        Err(refusal) => refused(400, refusal.code()),
    }
}

fn refused(status: u16, code: &str) -> Response {
    let (code, message) = (code.to_owned(), "no".to_owned());
    let answer = ErrorAnswer { code, message, remedy: None, node: None };
    let body = serde_json::to_vec(&answer).unwrap();
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

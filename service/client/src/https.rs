//! A server over HTTPS, recognised by its exact certificate.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use reqwest::blocking::{Body, Client};
use rustls::ClientConfig;
use vdl_command::wire::decode;
use vdl_command::{ErrorAnswer, Route};
use vdl_pin::Pinned;

use crate::connection::Server;
use crate::endpoint::{CallError, Endpoint};
use crate::error::ClientError;

/// Keeps its connections open between calls; uses no proxy.
pub struct HttpsEndpoint {
    address: String,
    token: String,
    client: Client,
}

impl HttpsEndpoint {
    pub fn new(server: &Server, token: &str) -> Result<Self, ClientError> {
        let failed =
            |error: &dyn std::fmt::Display| ClientError::System(format!("TLS cannot be set up: {error}"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let pin = Pinned::new(vec![server.certificate.clone().into()], provider.clone());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pin))
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(None)
            .tcp_keepalive(Duration::from_secs(15))
            .tcp_nodelay(true)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { address: server.endpoint.clone(), token: token.to_owned(), client })
    }
}

impl HttpsEndpoint {
    /// Carries a parcel that only the server can read, and its answer back, which is as unreadable here. The
    /// parcel is read while it is sent, `length` bytes of it; an answer longer than `longest` is none. It
    /// takes no longer than `limit`, if there is one.
    pub fn relay(
        &self,
        parcel: impl Read + Send + 'static,
        length: u64,
        longest: u64,
        limit: Option<Duration>,
    ) -> Result<Vec<u8>, CallError> {
        let url = format!("{}/v1/sealed", self.address);
        let mut request = self.client.post(url).bearer_auth(&self.token).body(Body::sized(parcel, length));
        if let Some(limit) = limit {
            request = request.timeout(limit);
        }
        let answer = request.send().map_err(|error| CallError::Unreachable(reason(&error)))?;
        let status = answer.status();
        let mut body = Vec::new();
        let read = answer.take(longest + 1).read_to_end(&mut body);
        read.map_err(|error| CallError::Unreachable(error.to_string()))?;
        match body.len() as u64 > longest {
            true => Err(CallError::Garbled(format!("an answer of more than {longest} bytes"))),
            false => read_answer(status, body),
        }
    }
}

impl Endpoint for HttpsEndpoint {
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let url = format!("{}{}", self.address, route.path());
        let mut request = self.client.post(url).bearer_auth(&self.token).body(Body::from(body));
        if let Some(limit) = limit(route) {
            request = request.timeout(limit);
        }
        let answer = request.send().map_err(|error| CallError::Unreachable(reason(&error)))?;
        let status = answer.status();
        let body = answer.bytes().map_err(|error| CallError::Unreachable(reason(&error)))?;
        // The buffer is ours alone, so this moves it.
        read_answer(status, body.into())
    }

    fn address(&self) -> &str {
        &self.address
    }
}

fn read_answer(status: reqwest::StatusCode, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
    if status.is_success() {
        return Ok(body);
    }
    if status == reqwest::StatusCode::UNAUTHORIZED {
        return Err(CallError::Refused(wrong_token()));
    }
    match serde_json::from_slice::<ErrorAnswer>(&body).ok().or_else(|| Some(decode(&body).ok()?.0)) {
        Some(answer) => Err(CallError::Refused(answer)),
        None => Err(CallError::Garbled(format!("HTTP status {status}"))),
    }
}

/// How long to wait for an answer; a command may take as long as it computes.
fn limit(route: Route) -> Option<Duration> {
    match route {
        Route::Command | Route::Sealed => None,
        Route::Cancel | Route::Progress => Some(Duration::from_secs(5)),
        Route::Info | Route::CloseRun | Route::Policy | Route::Publish | Route::Runs | Route::Audit => {
            Some(Duration::from_secs(30))
        }
        // The servers wait for each other, and compare what they go by.
        Route::StartRun => Some(Duration::from_secs(60)),
    }
}

fn wrong_token() -> ErrorAnswer {
    ErrorAnswer {
        code: "wrong_token".into(),
        message: "the server does not accept the token of this connection file".into(),
        remedy: Some("get a current connection file from whoever runs the servers".into()),
        node: None,
    }
}

/// The innermost cause, in plain words where we know it.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let cause = cause.to_string();
    if cause.contains("ApplicationVerificationFailure") {
        return "it shows another certificate than the connection file holds".into();
    }
    cause
}

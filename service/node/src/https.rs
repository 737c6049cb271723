//! The node behind HTTPS. Whoever does not show the token learns nothing, not even what exists.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Method, Request, Response, StatusCode, header};
use tokio::sync::Semaphore;
use vdl_command::{ErrorAnswer, Route};

use crate::node::Node;
use crate::refusal::{Remedy, refuse};

/// What a handler needs.
pub(crate) struct Https {
    pub node: Arc<Node>,
    /// Of the token: equal hashes are compared in constant time.
    pub token: blake3::Hash,
    pub longest_request: usize,
    /// Turns to read the audit log: a part of it is megabytes.
    pub readers: Arc<Semaphore>,
}

/// Of the audit log at once; the others wait, each without a thread of its own.
pub(crate) const MOST_READERS: usize = 2;

/// Everything but a command is short.
pub(crate) const SHORT_REQUEST: usize = 17 << 20;

pub(crate) fn router(https: Https) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(https))
}

async fn handle(State(https): State<Arc<Https>>, request: Request<Body>) -> Response<Body> {
    if !https.knows(&request) {
        return respond(StatusCode::UNAUTHORIZED, vec![]);
    }
    match https.answer(request).await {
        Ok(body) => respond(StatusCode::OK, body),
        Err(answer) => {
            let body = serde_json::to_vec(&answer).unwrap_or_default();
            respond(status(&answer), body)
        }
    }
}

impl Https {
    fn knows(&self, request: &Request<Body>) -> bool {
        let shown = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
        let token = shown.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
        blake3::hash(token) == self.token
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Result<Vec<u8>, ErrorAnswer> {
        let path = request.uri().path();
        let route = Route::ALL.into_iter().find(|route| route.path() == path);
        let Some(route) = route.filter(|_| request.method() == Method::POST) else {
            return Err(refuse("no_such_route", "the server offers nothing of this name"));
        };
        let long = matches!(route, Route::Command | Route::Sealed);
        let limit = if long { self.longest_request } else { SHORT_REQUEST };
        let body = to_bytes(request.into_body(), limit).await.map_err(|_| {
            refuse("request_too_long", format!("the request was cut off or is longer than {limit} bytes"))
                .remedy("split the data into several uploads and concat() them")
        })?;
        let turn = match route {
            Route::Audit => self.readers.clone().acquire_owned().await.ok(),
            _ => None,
        };
        let node = self.node.clone();
        let answer = move || {
            let _turn = turn;
            node.answer(route, &body)
        };
        let answered = tokio::task::spawn_blocking(answer).await;
        answered.unwrap_or_else(|_| Err(refuse("internal", "the server met an error of its own")))
    }
}

fn respond(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

pub(crate) fn status(answer: &ErrorAnswer) -> StatusCode {
    match answer.code.as_str() {
        "no_such_route" => StatusCode::NOT_FOUND,
        "request_too_long" => StatusCode::PAYLOAD_TOO_LARGE,
        "internal" | "storage_failed" | "damaged_table" => StatusCode::INTERNAL_SERVER_ERROR,
        "busy" | "shutting_down" | "memory_full" => StatusCode::SERVICE_UNAVAILABLE,
        "peer_silent" | "peer_lost" | "peer_unreachable" | "peer_stopped" | "peer_misbehaves" => {
            StatusCode::BAD_GATEWAY
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

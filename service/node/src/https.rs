//! The node behind HTTPS. Whoever does not show the token learns nothing, not even what exists.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Method, Request, Response, StatusCode, header};
use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use vdl_command::{ErrorAnswer, Route};

use crate::node::Node;
use crate::refusal::{Remedy, refuse};

/// What a handler needs.
pub(crate) struct Https {
    pub node: Arc<Node>,
    /// Of the token: equal hashes are compared in constant time.
    pub token: blake3::Hash,
    pub longest_request: usize,
}

/// Everything but a command is short.
pub(crate) const SHORT_REQUEST: usize = 17 << 20;
const HANDSHAKE: Duration = Duration::from_secs(10);
const MOST_CONNECTIONS: usize = 512;

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

    async fn answer(&self, request: Request<Body>) -> Result<Vec<u8>, ErrorAnswer> {
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
        let node = self.node.clone();
        let answered = tokio::task::spawn_blocking(move || node.answer(route, &body)).await;
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

/// Connections whose TLS handshake is done; slow ones hold up nobody else.
pub(crate) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    pub fn start(listener: std::net::TcpListener, config: Arc<ServerConfig>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let (sender, ready) = mpsc::channel(16);
        tokio::spawn(accept(listener, TlsAcceptor::from(config), sender));
        Ok(Self { ready, address })
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) -> Infallible {
    let handshakes = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let permit = handshakes.clone().acquire_owned().await;
        let Ok((socket, address)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let _permit = permit;
            // Small answers must not wait for more to come.
            let _ = socket.set_nodelay(true);
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(socket)).await {
                let _ = ready.send((stream, address)).await;
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task never ends before this side does.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

//! The portal as a process: a port, signals, work in the background.

use std::io::{self, IsTerminal};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use vdl_listen::{TlsListener, told_to_stop};

use crate::config::{Config, Secure};
use crate::error::{Fault, PortalError};
use crate::gate::Peer;
use crate::limits::network;
use crate::mail::Mailer;
use crate::rules;
use crate::server::{FirstLink, Portal, Shared, router};
use crate::stall::Impatient;
use crate::tls::server_config;
use crate::turns::{Turn, Turns};

const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// How long a connection may be open without a whole head of a request: proxies keep idle ones for a minute.
const HEAD: Duration = Duration::from_secs(75);
/// How long an answer may wait until whoever asked for it reads on.
const READING: Duration = Duration::from_secs(60);
/// So many connections at once, and of one network where the portal sees who calls: each is a descriptor, of
/// which a process has 1024 where nothing else is said.
const MOST_CONNECTIONS: usize = 512;
const MOST_OF_ONE_NETWORK: usize = 128;
const MAIL_EVERY: Duration = Duration::from_secs(60);
/// How long requests under way may take to end once the portal is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a connection waits for whoever it is with.
#[derive(Clone, Copy, Debug)]
struct Patience {
    head: Duration,
    reading: Duration,
}

const PATIENCE: Patience = Patience { head: HEAD, reading: READING };

/// How many come in.
struct Doors {
    all: Arc<Semaphore>,
    networks: Option<Turns>,
}

impl Doors {
    /// `seen`: connections come from whoever calls, and not from a proxy that stands for everybody.
    fn new(most: usize, most_of_one_network: usize, seen: bool) -> Self {
        // Nobody waits for a connection of the same network to end.
        let networks = seen.then(|| Turns::new(most_of_one_network, Duration::ZERO));
        Self { all: Arc::new(Semaphore::new(most)), networks }
    }

    /// A turn of the network of this caller, if there is one left.
    async fn admit(&self, remote: SocketAddr) -> Result<Option<Turn>, Fault> {
        let Some(networks) = &self.networks else { return Ok(None) };
        networks.sweep();
        networks.take(&network(remote.ip())).await.map(Some)
    }
}

/// Where whoever calls is.
#[derive(Clone, Copy, Debug)]
struct Remote(SocketAddr);

/// Serves the portal of a configuration until it is told to stop: by SIGTERM or SIGINT, or, if asked for, by
/// the end of its standard input. `ready` is called with the portal's address and the links of first
/// administrators once it can be reached.
pub fn serve(
    config: &Path,
    stop_at_end_of_input: bool,
    ready: impl FnOnce(&str, &[FirstLink]) + Send,
) -> Result<(), PortalError> {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(if stop_at_end_of_input { tracing::Level::WARN } else { tracing::Level::INFO });
    // Whoever embeds a portal may keep a log of their own.
    let _ = log.try_init();
    let config = Config::load(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(256)
        .enable_all()
        .build()
        .map_err(|error| PortalError::System(format!("no runtime: {error}")))?;
    let served = runtime.block_on(serve_until_told(config, stop_at_end_of_input, ready));
    runtime.shutdown_timeout(Duration::from_millis(500));
    served
}

async fn serve_until_told(
    config: Config,
    stop_at_end_of_input: bool,
    ready: impl FnOnce(&str, &[FirstLink]) + Send,
) -> Result<(), PortalError> {
    let unwatched = |error: io::Error| PortalError::System(format!("nothing could stop it: {error}"));
    let told = told_to_stop(stop_at_end_of_input).map_err(unwatched)?;
    let unusable = |error: io::Error| PortalError::System(format!("the port cannot be used: {error}"));
    let listener = std::net::TcpListener::bind(config.listen).map_err(unusable)?;
    listener.set_nonblocking(true).map_err(unusable)?;
    let (portal, links) = Portal::open(config).await?;
    tokio::spawn(sweep(portal.clone()));
    if let Some(mail) = &portal.config.mail {
        tokio::spawn(Mailer::new(mail, &portal.config.origin)?.run(portal.clone(), MAIL_EVERY));
    }
    let app = router(&portal).layer(from_fn_with_state(portal.clone(), name_peer));
    let stopping = Arc::new(Notify::new());
    let seen = matches!(portal.config.secure, Secure::Tls);
    let doors = Doors::new(MOST_CONNECTIONS, MOST_OF_ONE_NETWORK, seen);
    let server = match &portal.config.tls {
        Some(files) => {
            let listener = TlsListener::start(listener, server_config(files)?).map_err(unusable)?;
            tokio::spawn(run(listener, app, PATIENCE, doors, stopping.clone()))
        }
        None => {
            let listener = TcpListener::from_std(listener).map_err(unusable)?;
            tokio::spawn(run(listener, app, PATIENCE, doors, stopping.clone()))
        }
    };
    rules::begin(&portal).await;
    tokio::spawn(rules::keep_up(portal.clone()));
    ready(&portal.config.origin, &links);
    told.notified().await;
    stopping.notify_one();
    let _ = tokio::time::timeout(FAREWELL, server).await;
    portal.db.close().await;
    Ok(())
}

/// Takes connections until it is told to stop, then waits for the requests under way.
async fn run<L>(mut listener: L, app: Router, patience: Patience, doors: Doors, stopping: Arc<Notify>)
where
    L: Listener<Addr = SocketAddr>,
{
    let (told, tells) = watch::channel(());
    loop {
        let next = async {
            // Who comes when all places are taken waits at the port.
            let place = doors.all.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, (stream, remote)) = tokio::select! {
            () = stopping.notified() => break,
            accepted = next => accepted,
        };
        // Who has too many is sent away.
        let Ok(turn) = doors.admit(remote).await else { continue };
        let stream = TokioIo::new(Impatient::new(stream, patience.reading));
        let conversation = converse(stream, remote, app.clone(), patience.head, tells.clone());
        tokio::spawn(async move {
            conversation.await;
            drop((place, turn));
        });
    }
    drop((listener, tells));
    let _ = told.send(());
    told.closed().await;
}

/// Requests of one connection, one after the other.
async fn converse<S>(
    stream: TokioIo<S>,
    remote: SocketAddr,
    app: Router,
    head: Duration,
    mut tells: watch::Receiver<()>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let app = TowerToHyperService::new(app);
    let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Remote(remote));
        app.call(request)
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(head);
    let mut connection = pin!(server.serve_connection(stream, answer));
    tokio::select! {
        // Whatever ends a connection is over with it.
        _ = connection.as_mut() => {}
        _ = tells.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Says who calls. A proxy says it in a header, which nobody else is believed.
async fn name_peer(State(portal): State<Shared>, mut request: Request, next: Next) -> Response {
    let remote = request.extensions().get::<Remote>().map(|remote| remote.0.ip());
    let peer = match portal.config.secure {
        Secure::Proxy => forwarded(request.headers()).or(remote),
        Secure::Tls | Secure::Loopback => remote,
    };
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer));
    }
    next.run(request).await
}

/// The last address is the one that the proxy itself saw; some proxies write its port too.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let header = headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = header.to_str().ok()?.rsplit(',').next()?.trim();
    let bare = last.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(last);
    bare.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

async fn sweep(portal: Shared) {
    loop {
        if let Err(fault) = portal.sweep().await {
            tracing::warn!(?fault, "not swept");
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::turns::answer_in;

    type Served = (SocketAddr, Arc<Notify>, tokio::task::JoinHandle<()>);

    async fn served(patience: Patience, doors: Doors, app: Router) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stopping) = (listener.local_addr().unwrap(), Arc::new(Notify::new()));
        (address, stopping.clone(), tokio::spawn(run(listener, app, patience, doors, stopping)))
    }

    fn here() -> Router {
        Router::new().route("/", get(|| async { "here" }))
    }

    fn wide() -> Doors {
        Doors::new(100, 100, true)
    }

    /// The beginning of the answer to a request; empty where there is none.
    async fn ask(stream: &mut TcpStream) -> Vec<u8> {
        let mut answer = vec![0; 15];
        let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        match asked.and(stream.read_exact(&mut answer).await) {
            Ok(_) => answer,
            Err(_) => vec![],
        }
    }

    #[tokio::test]
    async fn half_a_head_keeps_no_connection() {
        let patience = Patience { head: Duration::from_millis(50), ..PATIENCE };
        let (address, _, _) = served(patience, wide(), here()).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        let mut answer = Vec::new();
        // It ends: by an answer that says so, or by nothing.
        let _ = slow.read_to_end(&mut answer).await;
        assert!(!String::from_utf8_lossy(&answer).contains("here"));
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let turns = Arc::new(Turns::new(1, Duration::from_millis(10)));
        let held = turns.clone();
        let endless = move || {
            let held = held.clone();
            async move {
                let turn = held.take("eve").await.unwrap();
                answer_in(turn, vec![], (), |()| async { Ok(Some((vec![7; 1 << 20], ()))) })
            }
        };
        let app = Router::new().route("/", get(endless));
        let patience = Patience { reading: Duration::from_millis(50), ..PATIENCE };
        let (address, _, _) = served(patience, wide(), app).await;
        let mut asks = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut asks).await, b"HTTP/1.1 200 OK");
        // The connection is there, and its turn comes back.
        let end = Instant::now() + Duration::from_secs(60);
        while turns.take("eve").await.is_err() {
            assert!(Instant::now() < end);
        }
        drop(asks);
    }

    #[tokio::test]
    async fn one_network_takes_so_many_connections_and_leaves_the_others() {
        let (address, _, _) = served(PATIENCE, Doors::new(4, 2, true), here()).await;
        let from = async |host: &str| {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(format!("{host}:0").parse().unwrap()).unwrap();
            socket.connect(address).await.unwrap()
        };
        let mut idle = [from("127.0.0.1").await, from("127.0.0.1").await];
        for stream in &mut idle {
            assert_eq!(ask(stream).await, b"HTTP/1.1 200 OK");
        }
        assert!(ask(&mut from("127.0.0.1").await).await.is_empty());
        // Another network comes in, and so does this one when one of its connections ends.
        assert_eq!(ask(&mut from("127.0.0.2").await).await, b"HTTP/1.1 200 OK");
        drop(idle);
        let end = Instant::now() + Duration::from_secs(60);
        while ask(&mut from("127.0.0.1").await).await.is_empty() {
            assert!(Instant::now() < end);
        }
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_waits() {
        let (address, _, _) = served(PATIENCE, Doors::new(1, 100, true), here()).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut first).await, b"HTTP/1.1 200 OK");
        let mut second = TcpStream::connect(address).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), ask(&mut second)).await;
        assert!(early.is_err());
        drop(first);
        let mut answer = [0; 15];
        second.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }

    #[tokio::test]
    async fn a_portal_that_stops_answers_whom_it_has_heard() {
        let (address, stopping, server) = served(PATIENCE, wide(), here()).await;
        let mut asks = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut asks).await, b"HTTP/1.1 200 OK");
        // It is idle then, and does not hold up the end.
        stopping.notify_one();
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[test]
    fn a_proxy_is_understood_with_and_without_ports() {
        for (shown, meant) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("10.0.0.1, 192.0.2.7:4711", Some("192.0.2.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("[2001:db8::7]:4711", Some("2001:db8::7")),
            ("[2001:db8::7]", Some("2001:db8::7")),
            ("192.0.2.7, unknown", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.append("x-forwarded-for", "203.0.113.9".parse().unwrap());
            headers.append("x-forwarded-for", shown.parse().unwrap());
            assert_eq!(forwarded(&headers), meant.map(|meant| meant.parse().unwrap()), "{shown}");
        }
    }
}

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
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::config::{Config, Secure};
use crate::error::PortalError;
use crate::gate::Peer;
use crate::mail::Mailer;
use crate::rules;
use crate::server::{FirstLink, Portal, Shared, router};
use crate::tls::{TlsListener, server_config};

const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// How long a connection may be open without a whole head of a request: proxies keep idle ones for a minute.
const HEAD: Duration = Duration::from_secs(75);
const MAIL_EVERY: Duration = Duration::from_secs(60);
/// How long requests under way may take to end once the portal is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

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
    let told = told_to_stop(stop_at_end_of_input)?;
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
    let server = match &portal.config.tls {
        Some(files) => {
            let listener = TlsListener::start(listener, server_config(files)?).map_err(unusable)?;
            tokio::spawn(run(listener, app, HEAD, stopping.clone()))
        }
        None => {
            let listener = TcpListener::from_std(listener).map_err(unusable)?;
            tokio::spawn(run(listener, app, HEAD, stopping.clone()))
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
async fn run<L>(mut listener: L, app: Router, head: Duration, stopping: Arc<Notify>)
where
    L: Listener<Addr = SocketAddr>,
{
    let (told, tells) = watch::channel(());
    loop {
        let (stream, remote) = tokio::select! {
            () = stopping.notified() => break,
            accepted = listener.accept() => accepted,
        };
        tokio::spawn(converse(TokioIo::new(stream), remote, app.clone(), head, tells.clone()));
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

fn told_to_stop(at_end_of_input: bool) -> Result<Arc<Notify>, PortalError> {
    let told = Arc::new(Notify::new());
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals =
            signal(kind).map_err(|error| PortalError::System(format!("no signals: {error}")))?;
        let told = told.clone();
        tokio::spawn(async move {
            signals.recv().await;
            told.notify_one();
        });
    }
    if at_end_of_input {
        let told = told.clone();
        let watch = move || {
            let mut input = io::stdin().lock();
            while matches!(io::Read::read(&mut input, &mut [0; 64]), Ok(1..)) {}
            told.notify_one();
        };
        std::thread::Builder::new()
            .name("vdl-portal-input".into())
            .spawn(watch)
            .map_err(|error| PortalError::System(format!("no thread: {error}")))?;
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn served(head: Duration) -> (SocketAddr, Arc<Notify>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stopping) = (listener.local_addr().unwrap(), Arc::new(Notify::new()));
        let app = Router::new().route("/", get(|| async { "here" }));
        (address, stopping.clone(), tokio::spawn(run(listener, app, head, stopping)))
    }

    #[tokio::test]
    async fn half_a_head_keeps_no_connection() {
        let (address, _, _) = served(Duration::from_millis(50)).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        let mut answer = Vec::new();
        // It ends: by an answer that says so, or by nothing.
        let _ = slow.read_to_end(&mut answer).await;
        assert!(!String::from_utf8_lossy(&answer).contains("here"));
    }

    #[tokio::test]
    async fn a_portal_that_stops_answers_whom_it_has_heard() {
        let (address, stopping, server) = served(HEAD).await;
        let mut asks = TcpStream::connect(address).await.unwrap();
        asks.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 15];
        asks.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
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

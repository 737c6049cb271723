//! The portal as a process: a port, signals, work in the background.

use std::io::{self, IsTerminal};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::config::{Config, Secure};
use crate::error::PortalError;
use crate::gate::Peer;
use crate::mail::Mailer;
use crate::rules;
use crate::server::{FirstLink, Portal, Shared, router};
use crate::tls::{TlsListener, server_config};

const SWEEP_EVERY: Duration = Duration::from_secs(600);
const MAIL_EVERY: Duration = Duration::from_secs(60);
/// How long requests under way may take to end once the portal is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where whoever calls is.
#[derive(Clone, Copy, Debug)]
pub struct Remote(SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Remote {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Remote {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

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
            tokio::spawn(run(listener, app, stopping.clone()))
        }
        None => {
            let listener = TcpListener::from_std(listener).map_err(unusable)?;
            tokio::spawn(run_plain(listener, app, stopping.clone()))
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

async fn run(listener: TlsListener, app: Router, stopping: Arc<Notify>) -> io::Result<()> {
    let app = app.into_make_service_with_connect_info::<Remote>();
    axum::serve(listener, app).with_graceful_shutdown(async move { stopping.notified().await }).await
}

async fn run_plain(listener: TcpListener, app: Router, stopping: Arc<Notify>) -> io::Result<()> {
    let app = app.into_make_service_with_connect_info::<Remote>();
    axum::serve(listener, app).with_graceful_shutdown(async move { stopping.notified().await }).await
}

/// Says who calls. A proxy says it in a header, which nobody else is believed.
async fn name_peer(
    State(portal): State<Shared>,
    ConnectInfo(remote): ConnectInfo<Remote>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = match portal.config.secure {
        Secure::Proxy => forwarded(request.headers()).unwrap_or(remote.0.ip()),
        Secure::Tls | Secure::Loopback => remote.0.ip(),
    };
    request.extensions_mut().insert(Peer(peer));
    next.run(request).await
}

/// The last address is the one that the proxy itself saw.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let header = headers.get_all("x-forwarded-for").iter().next_back()?;
    header.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
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

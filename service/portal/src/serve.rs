//! The portal as a process: a port, signals, work in the background.

use std::io::{self, IsTerminal};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::sync::Notify;
use vdl_listen::{Most, Patience, Port, Remote, told_to_stop};

use crate::config::{Config, Secure};
use crate::error::PortalError;
use crate::gate::Peer;
use crate::mail::Mailer;
use crate::rules;
use crate::server::{FirstLink, Portal, Shared, router};
use crate::tls::server_config;

const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Proxies keep idle connections for a minute.
const PATIENCE: Patience = Patience {
    handshake: Duration::from_secs(10),
    head: Duration::from_secs(75),
    reading: Duration::from_secs(60),
};
const MOST_CONNECTIONS: usize = 512;
const MOST_OF_ONE_NETWORK: usize = 128;
const MAIL_EVERY: Duration = Duration::from_secs(60);
/// How long requests under way may take to end once the portal is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

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
    let (portal, links) = Portal::open(config).await?;
    tokio::spawn(sweep(portal.clone()));
    if let Some(mail) = &portal.config.mail {
        tokio::spawn(Mailer::new(mail, &portal.config.origin)?.run(portal.clone(), MAIL_EVERY));
    }
    let app = router(&portal).layer(from_fn_with_state(portal.clone(), name_peer));
    let stopping = Arc::new(Notify::new());
    let seen = matches!(portal.config.secure, Secure::Tls);
    let most = Most { all: MOST_CONNECTIONS, of_one_network: seen.then_some(MOST_OF_ONE_NETWORK) };
    let tls = portal.config.tls.as_ref().map(server_config).transpose()?;
    let port = Port::open(listener, tls, most, PATIENCE).map_err(unusable)?;
    let server = tokio::spawn(port.serve(app, stopping.clone()));
    rules::begin(&portal).await;
    tokio::spawn(rules::keep_up(portal.clone()));
    ready(&portal.config.origin, &links);
    told.notified().await;
    stopping.notify_one();
    let _ = tokio::time::timeout(FAREWELL, server).await;
    portal.db.close().await;
    Ok(())
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

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::turns::{Turns, answer_in};

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
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, stopping) = (listener.local_addr().unwrap(), Arc::new(Notify::new()));
        let most = Most { all: MOST_CONNECTIONS, of_one_network: None };
        let port = Port::open(listener, None, most, patience).unwrap();
        tokio::spawn(port.serve(app, stopping));
        let mut asks = TcpStream::connect(address).await.unwrap();
        asks.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 15];
        asks.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        // The connection is there, and its turn comes back.
        let end = Instant::now() + Duration::from_secs(60);
        while turns.take("eve").await.is_err() {
            assert!(Instant::now() < end);
        }
        drop(asks);
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

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use axum::routing::get;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

const LONG: Duration = Duration::from_secs(60);
const PATIENT: Patience = Patience { handshake: LONG, head: LONG, reading: LONG };
const WIDE: Most = Most { all: 100, of_one_network: None };
const OK: &[u8] = b"HTTP/1.1 200 OK";

struct Served {
    address: SocketAddr,
    stopping: Arc<Notify>,
    server: tokio::task::JoinHandle<()>,
}

/// Answers everybody.
fn serve(tls: Option<Arc<ServerConfig>>, most: Most, patience: Patience) -> Served {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, stopping) = (listener.local_addr().unwrap(), Arc::new(Notify::new()));
    let port = Port::open(listener, tls, most, patience).unwrap();
    let app = Router::new().route("/", get(|| async { "here" }));
    Served { address, stopping: stopping.clone(), server: tokio::spawn(port.serve(app, stopping)) }
}

/// What a server and its callers need to know of each other.
fn certified() -> (Arc<ServerConfig>, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.der().clone(), made.signing_key.serialize_der());
    let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key)))
        .unwrap();
    let mut known = RootCertStore::empty();
    known.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(known)
        .with_no_client_auth();
    (Arc::new(server), TlsConnector::from(Arc::new(client)))
}

/// A connection from another address of this machine.
async fn from(host: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{host}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn over_tls(caller: &TlsConnector, socket: TcpStream) -> TlsStream<TcpStream> {
    caller.connect(ServerName::try_from("localhost").unwrap(), socket).await.unwrap()
}

/// The beginning of the answer to a request; empty where there is none.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Vec<u8> {
    let mut answer = vec![0; OK.len()];
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    match asked.and(stream.read_exact(&mut answer).await) {
        Ok(_) => answer,
        Err(_) => vec![],
    }
}

/// Whether it ends without an answer.
async fn ends(stream: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    // By an answer that says so, by nothing, or by a connection that is torn down.
    let _ = timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap();
    !String::from_utf8_lossy(&answer).contains("here")
}

#[tokio::test]
async fn half_a_head_keeps_no_connection() {
    let patience = Patience { head: Duration::from_millis(50), ..PATIENT };
    let served = serve(None, WIDE, patience);
    let mut slow = TcpStream::connect(served.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    assert!(ends(&mut slow).await);
}

#[tokio::test]
async fn who_only_connects_is_sent_away_with_tls_and_without() {
    let patience =
        Patience { handshake: Duration::from_millis(50), head: Duration::from_millis(50), ..PATIENT };
    for tls in [None, Some(certified().0)] {
        let served = serve(tls, Most { all: 1, of_one_network: None }, patience);
        let mut silent = TcpStream::connect(served.address).await.unwrap();
        assert!(ends(&mut silent).await);
    }
}

#[tokio::test]
async fn callers_that_never_finish_their_handshake_hold_up_nobody() {
    let (server, caller) = certified();
    let served = serve(Some(server), WIDE, PATIENT);
    // Some say nothing, some talk nonsense.
    let mut silent = Vec::new();
    for at in 0..40 {
        let mut socket = TcpStream::connect(served.address).await.unwrap();
        if at % 2 == 0 {
            socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        }
        silent.push(socket);
    }
    let socket = TcpStream::connect(served.address).await.unwrap();
    assert_eq!(ask(&mut over_tls(&caller, socket).await).await, OK);
}

#[tokio::test]
async fn strangers_of_one_network_that_say_nothing_take_the_places_of_their_own_network_only() {
    let (server, caller) = certified();
    let served = serve(Some(server), Most { all: 3, of_one_network: Some(2) }, PATIENT);
    let _silent = [from("127.0.0.1", served.address).await, from("127.0.0.1", served.address).await];
    assert!(ends(&mut from("127.0.0.1", served.address).await).await);
    let other = from("127.0.0.2", served.address).await;
    assert_eq!(ask(&mut over_tls(&caller, other).await).await, OK);
}

#[tokio::test]
async fn one_network_takes_so_many_connections_and_leaves_the_others() {
    let served = serve(None, Most { all: 4, of_one_network: Some(2) }, PATIENT);
    let mut idle = [from("127.0.0.1", served.address).await, from("127.0.0.1", served.address).await];
    for stream in &mut idle {
        assert_eq!(ask(stream).await, OK);
    }
    assert!(ask(&mut from("127.0.0.1", served.address).await).await.is_empty());
    // Another network comes in, and so does this one when one of its connections ends.
    assert_eq!(ask(&mut from("127.0.0.2", served.address).await).await, OK);
    drop(idle);
    let end = Instant::now() + LONG;
    while ask(&mut from("127.0.0.1", served.address).await).await.is_empty() {
        assert!(Instant::now() < end);
    }
}

#[tokio::test]
async fn who_comes_when_all_places_are_taken_waits() {
    let served = serve(None, Most { all: 1, of_one_network: None }, PATIENT);
    let mut first = TcpStream::connect(served.address).await.unwrap();
    assert_eq!(ask(&mut first).await, OK);
    let mut second = TcpStream::connect(served.address).await.unwrap();
    let early = timeout(Duration::from_millis(50), ask(&mut second)).await;
    assert!(early.is_err());
    drop(first);
    let mut answer = [0; OK.len()];
    second.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, OK);
}

#[tokio::test]
async fn a_port_that_is_closed_waits_for_nobody_who_is_idle_or_silent() {
    let (server, caller) = certified();
    let served = serve(Some(server), WIDE, PATIENT);
    let mut asks = over_tls(&caller, TcpStream::connect(served.address).await.unwrap()).await;
    assert_eq!(ask(&mut asks).await, OK);
    let _silent = TcpStream::connect(served.address).await.unwrap();
    served.stopping.notify_one();
    timeout(LONG / 2, served.server).await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

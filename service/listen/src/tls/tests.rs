#![allow(clippy::unwrap_used)]

use axum::serve::Listener;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;

const SOON: Duration = Duration::from_secs(8);

/// A listener on a free port, and what its callers need to know of it.
fn listening() -> (TlsListener, TlsConnector) {
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
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    (TlsListener::start(socket, Arc::new(server)).unwrap(), TlsConnector::from(Arc::new(client)))
}

#[tokio::test]
async fn callers_that_never_finish_their_handshake_hold_up_nobody_and_are_no_connection() {
    let (mut listener, caller) = listening();
    let address = listener.local_addr().unwrap();
    // Some say nothing, some talk nonsense.
    let mut silent = Vec::new();
    for at in 0..40 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        if at % 2 == 0 {
            socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        }
        silent.push(socket);
    }
    let socket = TcpStream::connect(address).await.unwrap();
    let from = socket.local_addr().unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let calling = tokio::spawn(async move { caller.connect(name, socket).await.unwrap() });
    let (mut here, remote) = tokio::time::timeout(SOON, listener.accept()).await.unwrap();
    assert_eq!(remote, from, "only who finished a handshake is there");
    let mut there = calling.await.unwrap();
    there.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    here.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
    drop(silent);
}

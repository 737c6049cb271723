//! TLS as the nodes use it: version 1.3 only, exactly known certificates, between nodes a key
//! exchange that a recording cannot be opened with later, not even by a quantum computer.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use rustls::{ClientConfig, Error, NamedGroup, ServerConfig};
use vdl_pin::Pinned;

use super::certificate::{Identity, certificate};
use crate::error::NodeError;

/// The only key exchange between nodes: X25519 and ML-KEM-768 together.
pub const HYBRID_GROUP: NamedGroup = NamedGroup::X25519MLKEM768;

/// Both ends of a peer link must name it: a changed frame format gets another name.
const PEER_PROTOCOL: &[u8] = b"vdl-peer/1";

fn pinned(pems: &[&str]) -> Result<Arc<Pinned>, NodeError> {
    let known = pems.iter().map(|pem| certificate(pem)).collect::<Result<_, _>>()?;
    Ok(Arc::new(Pinned::new(known, peer_provider())))
}

fn peer_provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..default_provider() })
}

fn failed(error: Error) -> NodeError {
    NodeError::Certificate(error.to_string())
}

/// For the side that dials: shows its own certificate, takes only the one it knows.
pub fn peer_client_config(own: &Identity, peer_certificate: &str) -> Result<Arc<ClientConfig>, NodeError> {
    let mut config = ClientConfig::builder_with_provider(peer_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(pinned(&[peer_certificate])?)
        .with_client_auth_cert(own.chain()?, own.private_key()?)
        .map_err(failed)?;
    config.alpn_protocols = vec![PEER_PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(Arc::new(config))
}

/// For the side that listens: whoever dials must be one of the two peers.
pub fn peer_server_config(own: &Identity, peers: [&str; 2]) -> Result<Arc<ServerConfig>, NodeError> {
    let mut config = ServerConfig::builder_with_provider(peer_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(failed)?
        .with_client_cert_verifier(pinned(&peers)?)
        .with_single_cert(own.chain()?, own.private_key()?)
        .map_err(failed)?;
    config.alpn_protocols = vec![PEER_PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Nothing flows from the listening side to the dialling one after the handshake.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// For clients over HTTPS: they know the node by its certificate, it knows them by their token.
pub fn https_config(own: &Identity) -> Result<Arc<ServerConfig>, NodeError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(own.chain()?, own.private_key()?)
        .map_err(failed)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

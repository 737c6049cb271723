//! TLS as the nodes use it: version 1.3 only, exactly known certificates, between nodes a key
//! exchange that a recording cannot be opened with later, not even by a quantum computer.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, NamedGroup,
    ServerConfig, SignatureScheme,
};

use super::certificate::{Identity, certificate};
use crate::error::NodeError;

/// The only key exchange between nodes: X25519 and ML-KEM-768 together.
pub const HYBRID_GROUP: NamedGroup = NamedGroup::X25519MLKEM768;

/// Both ends of a peer link must name it: a changed frame format gets another name.
const PEER_PROTOCOL: &[u8] = b"vdl-peer/1";

/// Accepts exactly the given certificates and nothing else, whatever their names or dates.
#[derive(Debug)]
pub struct PinnedPeer {
    known: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl PinnedPeer {
    pub fn new(pems: &[&str]) -> Result<Self, NodeError> {
        let known = pems.iter().map(|pem| certificate(pem)).collect::<Result<_, _>>()?;
        Ok(Self { known, provider: peer_provider() })
    }

    fn check(&self, shown: &CertificateDer<'_>) -> Result<(), Error> {
        if self.known.iter().any(|known| known == shown) {
            Ok(())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }
}

fn too_old() -> Error {
    Error::General("TLS 1.2 is not spoken here".into())
}

impl ServerCertVerifier for PinnedPeer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(too_old())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for PinnedPeer {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(too_old())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
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
        .with_custom_certificate_verifier(Arc::new(PinnedPeer::new(&[peer_certificate])?))
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
        .with_client_cert_verifier(Arc::new(PinnedPeer::new(&peers)?))
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

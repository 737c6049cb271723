//! A node's own certificates: self-signed, because the other side knows them by heart.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::error::NodeError;

/// A certificate and its key, both as PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: Zeroizing<String>,
}

impl Identity {
    /// Makes a key and signs its certificate for a server reached under `hosts`.
    pub fn generate(common_name: &str, hosts: &[&str]) -> Result<Self, NodeError> {
        let failed = |error: rcgen::Error| NodeError::Certificate(error.to_string());
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self { certificate: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
    }

    pub(crate) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, NodeError> {
        Ok(vec![certificate(&self.certificate)?])
    }

    pub(crate) fn private_key(&self) -> Result<PrivateKeyDer<'static>, NodeError> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|error| NodeError::Certificate(format!("the private key cannot be read: {error}")))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity(..)")
    }
}

/// The one certificate in a PEM text.
pub(crate) fn certificate(pem: &str) -> Result<CertificateDer<'static>, NodeError> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| NodeError::Certificate(format!("the certificate cannot be read: {error}")))
}

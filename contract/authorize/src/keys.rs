//! Ed25519 keys in standard PEM: PKCS#8 for the secret half, SPKI for the public one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Why a key file cannot be used. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("this is no key file; a key file starts with -----BEGIN")]
    NotPem,
    #[error("this is a verification key (.pk), which may be public; here the signing key (.sk) is needed")]
    PublicInsteadOfSecret,
    #[error("this is a signing key (.sk), which must stay secret; here the verification key (.pk) is needed")]
    SecretInsteadOfPublic,
    #[error("this is no Ed25519 signing key in PKCS#8 form without password")]
    NotEd25519Secret,
    #[error("this is no Ed25519 verification key in SPKI form")]
    NotEd25519Public,
    #[error("this verification key is malformed on purpose: signatures nobody made could pass for its own")]
    Unsafe,
}

/// The secret half. Wiped when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A key from 32 bytes of true randomness.
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        let key = Self(ed25519_dalek::SigningKey::from_bytes(&seed));
        seed.zeroize();
        key
    }

    /// Reads a `.sk` file.
    pub fn read_pem(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if !text.starts_with("-----BEGIN ") {
            return Err(KeyError::NotPem);
        }
        if text.starts_with("-----BEGIN PUBLIC KEY-----") {
            return Err(KeyError::PublicInsteadOfSecret);
        }
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(text).map_err(|_| KeyError::NotEd25519Secret)?;
        Ok(Self(key))
    }

    /// Writes a `.sk` file: PKCS#8 version 1, the form every tool reads.
    pub fn write_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        pair.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::NotEd25519Secret)
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Base64 of the signature.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.verifying_key().fingerprint())
    }
}

/// The public half. Every value of this type has passed the checks of enrolment.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Checks what makes a key safe to rely on: its one canonical encoding, and a point of the full prime
    /// order and nothing else. With any other, a signature may hold for messages nobody signed.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotEd25519Public)?;
        let point = key.to_edwards();
        let canonical = point.compress().to_bytes() == *bytes;
        match canonical && !key.is_weak() && point.is_torsion_free() {
            true => Ok(Self(key)),
            false => Err(KeyError::Unsafe),
        }
    }

    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Reads a `.pk` file.
    pub fn read_pem(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if !text.starts_with("-----BEGIN ") {
            return Err(KeyError::NotPem);
        }
        if text.starts_with("-----BEGIN PRIVATE KEY-----") {
            return Err(KeyError::SecretInsteadOfPublic);
        }
        let read = ed25519_dalek::VerifyingKey::from_public_key_pem(text);
        Self::from_bytes(&read.map_err(|_| KeyError::NotEd25519Public)?.to_bytes())
    }

    /// Writes a `.pk` file.
    pub fn write_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::NotEd25519Public)
    }

    /// The SPKI form on one line, as it stands in an approval.
    pub fn to_base64(&self) -> Result<String, KeyError> {
        let spki = self.0.to_public_key_der().map_err(|_| KeyError::NotEd25519Public)?;
        Ok(STANDARD.encode(spki.as_bytes()))
    }

    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let spki = STANDARD.decode(text).map_err(|_| KeyError::NotEd25519Public)?;
        let read = ed25519_dalek::VerifyingKey::from_public_key_der(&spki);
        Self::from_bytes(&read.map_err(|_| KeyError::NotEd25519Public)?.to_bytes())
    }

    /// The same, in the one form that [`VerifyingKey::to_base64`] writes: where keys are told apart by text.
    pub(crate) fn from_written(text: &str) -> Result<Self, KeyError> {
        let key = Self::from_base64(text)?;
        match key.to_base64()? == text {
            true => Ok(key),
            false => Err(KeyError::NotEd25519Public),
        }
    }

    /// For people to compare: 128 bits in eight groups.
    pub fn fingerprint(&self) -> String {
        let digest = blake3::hash(&self.to_bytes());
        let text = hex::encode_upper(digest.as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
        let groups: Vec<&str> = (0..8).filter_map(|at| text.get(4 * at..4 * at + 4)).collect();
        groups.join("-")
    }

    /// The only place where a signature is checked, and only strictly.
    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        decode_base64(signature).is_some_and(|bytes| self.verifies_bytes(message, &bytes))
    }

    fn verifies_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return false };
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.fingerprint())
    }
}

/// Base64 with padding, in the usual alphabet or the one for addresses, as DSSE wants it.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let url_safe = base64::engine::general_purpose::URL_SAFE;
    STANDARD.decode(text).or_else(|_| url_safe.decode(text)).ok()
}

#[cfg(test)]
mod tests;

//! The answer to a parcel, which only who made the parcel can open.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::SealError;

const NONCE: usize = 16;
const TAG: usize = 16;
const STATUS: usize = 2;

/// What both ends of one parcel share, and nobody else.
#[derive(ZeroizeOnDrop)]
pub struct AnswerKey {
    secret: [u8; 32],
    #[zeroize(skip)]
    enc: [u8; 32],
}

impl AnswerKey {
    pub(crate) fn new(secret: [u8; 32], enc: [u8; 32]) -> Self {
        Self { secret, enc }
    }

    /// Seals a status and a body. `nonce` must be fresh.
    pub fn seal(&self, status: u16, body: &[u8], nonce: [u8; NONCE]) -> Result<Vec<u8>, SealError> {
        let mut plain = Vec::with_capacity(STATUS + body.len());
        plain.extend_from_slice(&status.to_le_bytes());
        plain.extend_from_slice(body);
        let (cipher, iv) = self.cipher(&nonce)?;
        let sealed = cipher.encrypt(&iv, plain.as_slice()).map_err(|_| SealError::Malformed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Status and body of an answer.
    pub fn open(&self, answer: &[u8]) -> Result<(u16, Vec<u8>), SealError> {
        let (nonce, sealed) = answer.split_first_chunk::<NONCE>().ok_or(SealError::Malformed)?;
        if sealed.len() < STATUS + TAG {
            return Err(SealError::Malformed);
        }
        let (cipher, iv) = self.cipher(nonce)?;
        let mut plain = cipher.decrypt(&iv, sealed).map_err(|_| SealError::Unreadable)?;
        let status = plain.first_chunk::<STATUS>().map(|status| u16::from_le_bytes(*status));
        plain.drain(..STATUS);
        Ok((status.ok_or(SealError::Malformed)?, plain))
    }

    fn cipher(
        &self,
        nonce: &[u8; NONCE],
    ) -> Result<(Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>), SealError> {
        let derive = Hkdf::<Sha256>::new(Some(&[self.enc.as_slice(), nonce].concat()), &self.secret);
        let (mut key, mut iv) = (Zeroizing::new([0; 32]), [0; 12]);
        derive.expand(b"key", key.as_mut_slice()).map_err(|_| SealError::Malformed)?;
        derive.expand(b"nonce", &mut iv).map_err(|_| SealError::Malformed)?;
        Ok((Aes256Gcm::new((&*key).into()), iv.into()))
    }
}

impl std::fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AnswerKey(..)")
    }
}

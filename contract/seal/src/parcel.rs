//! The request inside a parcel.

use std::ops::Range;

use hpke::aead::{AeadCtxR, AeadCtxS, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender_with_rng};
use zeroize::Zeroizing;

use crate::entropy::Given;
use crate::{AnswerKey, LARGEST_FRAME, SealError};

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapped = <X25519HkdfSha256 as Kem>::EncappedKey;

const INFO: &[u8] = b"vdl sealed request 1";
const ANSWER: &[u8] = b"vdl sealed answer 1";
const MORE: &[u8] = b"more";
const LAST: &[u8] = b"last";

const KEY: usize = 32;
const TAG: usize = 16;
const LENGTH: usize = 4;

/// A server's private key, to which parcels for it are sealed.
#[derive(Clone)]
pub struct SealingKey(Private);

impl SealingKey {
    /// From 32 fresh random bytes, as RFC 9180 derives a key pair.
    pub fn derive(seed: &[u8; KEY]) -> Self {
        Self(X25519HkdfSha256::derive_keypair(seed).0)
    }

    /// From the bytes of the private key.
    pub fn from_bytes(bytes: &[u8; KEY]) -> Result<Self, SealError> {
        Private::from_bytes(bytes).map(Self).map_err(|_| SealError::Key)
    }

    pub fn to_bytes(&self) -> Zeroizing<[u8; KEY]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// What everybody may know.
    pub fn public(&self) -> [u8; KEY] {
        X25519HkdfSha256::sk_to_pk(&self.0).to_bytes().into()
    }

    /// Opens a parcel that holds at most `limit` bytes. Nothing is allocated before the parcel is long
    /// enough for what it says of itself.
    pub fn open(&self, parcel: &[u8], limit: usize) -> Result<Opened, SealError> {
        let (enc, frames) = parcel.split_first_chunk::<KEY>().ok_or(SealError::Malformed)?;
        let capacity = plain_len(frames).filter(|length| *length > 0).ok_or(SealError::Malformed)?;
        if capacity > limit {
            return Err(SealError::TooLong { limit });
        }
        let encapped = Encapped::from_bytes(enc).map_err(|_| SealError::Unreadable)?;
        let mut context: AeadCtxR<AesGcm256, HkdfSha256, X25519HkdfSha256> =
            setup_receiver(&OpModeR::Base, &self.0, &encapped, INFO).map_err(|_| SealError::Unreadable)?;
        let mut plain = Vec::with_capacity(capacity);
        let mut rest = frames;
        while let Some((sealed, after)) = split_frame(rest) {
            let aad = if after.is_empty() { LAST } else { MORE };
            plain.append(&mut context.open(sealed, aad).map_err(|_| SealError::Unreadable)?);
            rest = after;
        }
        let mut secret = [0; KEY];
        context.export(ANSWER, &mut secret).map_err(|_| SealError::Unreadable)?;
        Opened::new(plain, AnswerKey::new(secret, *enc))
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealingKey(..)")
    }
}

/// A request that was sealed, and the key for its answer.
pub struct Opened {
    plain: Vec<u8>,
    path: Range<usize>,
    pub answer: AnswerKey,
}

impl Opened {
    fn new(plain: Vec<u8>, answer: AnswerKey) -> Result<Self, SealError> {
        let path = 1..1 + usize::from(plain.first().copied().unwrap_or_default());
        match plain.get(path.clone()).map(std::str::from_utf8) {
            Some(Ok(_)) => Ok(Self { plain, path, answer }),
            _ => Err(SealError::Malformed),
        }
    }

    /// As in the address of a request that is not sealed, such as `/v1/command`.
    pub fn path(&self) -> &str {
        self.plain.get(self.path.clone()).and_then(|path| std::str::from_utf8(path).ok()).unwrap_or_default()
    }

    pub fn body(&self) -> &[u8] {
        self.plain.get(self.path.end..).unwrap_or_default()
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({}, {} bytes)", self.path(), self.body().len())
    }
}

/// Plaintext bytes of all frames; `None` if they do not end where the parcel does, or one has no such length.
fn plain_len(frames: &[u8]) -> Option<usize> {
    let (mut rest, mut sum) = (frames, 0usize);
    while !rest.is_empty() {
        let (sealed, after) = split_frame(rest)?;
        sum = sum.checked_add(sealed.len().checked_sub(TAG)?)?;
        rest = after;
    }
    Some(sum)
}

/// The first frame's ciphertext, and what follows it.
fn split_frame(frames: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = frames.split_first_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > LARGEST_FRAME + TAG {
        return None;
    }
    rest.split_at_checked(length)
}

/// Seals a request to the server with this public key. `entropy` must be fresh random bytes, used for nothing
/// else. Gives the parcel and what opens its answer.
pub fn seal(
    server: &[u8; KEY],
    path: &str,
    body: &[u8],
    entropy: [u8; KEY],
) -> Result<(Vec<u8>, AnswerKey), SealError> {
    let public = Public::from_bytes(server).map_err(|_| SealError::Key)?;
    let mut given = Given::new(entropy);
    type Sender = AeadCtxS<AesGcm256, HkdfSha256, X25519HkdfSha256>;
    let (encapped, mut context): (Encapped, Sender) =
        setup_sender_with_rng(&OpModeS::Base, &public, INFO, &mut given).map_err(|_| SealError::Key)?;
    if !given.used_up() {
        return Err(SealError::Key);
    }
    let head = [&[u8::try_from(path.len()).map_err(|_| SealError::Malformed)?], path.as_bytes()].concat();
    let mut parcel = Vec::with_capacity(parcel_len(path, body.len()));
    let enc: [u8; KEY] = encapped.to_bytes().into();
    parcel.extend_from_slice(&enc);
    let (first, mut rest) = body.split_at(body.len().min(LARGEST_FRAME - head.len()));
    let mut frame = [&head, first].concat();
    loop {
        let aad = if rest.is_empty() { LAST } else { MORE };
        let sealed = context.seal(&frame, aad).map_err(|_| SealError::Malformed)?;
        parcel
            .extend_from_slice(&u32::try_from(sealed.len()).map_err(|_| SealError::Malformed)?.to_le_bytes());
        parcel.extend_from_slice(&sealed);
        if rest.is_empty() {
            break;
        }
        let (next, after) = rest.split_at(rest.len().min(LARGEST_FRAME));
        (frame, rest) = (next.to_vec(), after);
    }
    let mut secret = [0; KEY];
    context.export(ANSWER, &mut secret).map_err(|_| SealError::Malformed)?;
    Ok((parcel, AnswerKey::new(secret, enc)))
}

/// Bytes of the parcel of a path and a body of so many bytes, as [`seal`] makes it.
fn parcel_len(path: &str, body: usize) -> usize {
    let plain = body.saturating_add(1 + path.len());
    let frames = plain.div_ceil(LARGEST_FRAME).max(1);
    plain.saturating_add(KEY + frames * (LENGTH + TAG))
}

#[cfg(test)]
mod tests;

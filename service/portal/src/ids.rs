//! Names and secrets made of randomness, and the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Fault;

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Unix seconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// 128 random bits in 26 letters: the name of a row. Not a secret.
pub fn fresh_id() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Fault::internal("no randomness", &error))?;
    Ok(base32(&bytes))
}

/// 256 random bits in 52 letters: whoever shows it is let in. Only [`hashed`] is stored.
pub fn fresh_secret() -> Result<String, Fault> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Fault::internal("no randomness", &error))?;
    Ok(base32(&bytes))
}

/// What is stored of a secret. It has 256 random bits, so a fast hash is enough; looking it up by the hash
/// tells nothing about how much of a guess was right.
pub fn hashed(secret: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("vdl portal 1 stored secrets");
    hasher.update(secret.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// RFC 4648 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    let (mut held, mut bits, mut text) = (0u32, 0, String::new());
    let letter = |value: u32| LETTERS.get((value & 31) as usize).copied().unwrap_or(b'a') as char;
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xFFFF;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(held >> bits));
        }
    }
    if bits > 0 {
        text.push(letter(held << (5 - bits)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_the_one_of_the_standard() {
        for (bytes, text) in
            [("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foobar", "mzxw6ytboi")]
        {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn no_two_secrets_are_alike_and_none_is_stored() {
        let (first, second) = (fresh_secret().unwrap(), fresh_secret().unwrap());
        assert_eq!((first.len(), fresh_id().unwrap().len()), (52, 26));
        assert_ne!(first, second);
        assert!(!hashed(&first).contains(&first));
    }
}

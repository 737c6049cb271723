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

/// The bits of a [`fresh_id`].
pub fn bits_of(id: &str) -> Option<[u8; 16]> {
    let mut held = 0u128;
    for letter in id.bytes().take(25) {
        held = held << 5 | LETTERS.iter().position(|known| *known == letter)? as u128;
    }
    let last = id.as_bytes().get(25).and_then(|last| LETTERS.iter().position(|known| known == last))?;
    let bits = (held << 3 | last as u128 >> 2).to_be_bytes();
    (id_of(&bits) == id).then_some(bits)
}

/// The name made of these bits.
pub fn id_of(bits: &[u8; 16]) -> String {
    base32(bits)
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
    fn the_bits_of_a_name_make_it_again() {
        for bits in [[0; 16], [255; 16], *b"sixteen letters!"] {
            assert_eq!(bits_of(&id_of(&bits)), Some(bits));
        }
        let id = fresh_id().unwrap();
        assert_eq!(bits_of(&id).map(|bits| id_of(&bits)), Some(id.clone()));
        // A last letter whose spare bits are set would be another name for the same bits.
        for wrong in ["", "a", &id[..25], &format!("{id}a"), &format!("{}7", &id[..25]), &"A".repeat(26)] {
            assert_eq!(bits_of(wrong), None, "{wrong}");
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

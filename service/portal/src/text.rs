//! Texts that came from somebody: how long, and of which characters.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::error::Fault;

/// What mail allows for an address.
pub const LONGEST_EMAIL: usize = 254;

/// A line: of so many characters at most, none of them a control character, not only spaces.
pub fn line(what: &str, text: &str, most: usize) -> Result<String, Fault> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(Fault::invalid(format!(
            "{what} has 1 to {most} characters, none of them a control character"
        )));
    }
    Ok(text.to_owned())
}

/// Several lines.
pub fn words(what: &str, text: &str, most: usize) -> Result<String, Fault> {
    let text = text.trim();
    let strange = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.is_empty() || text.chars().count() > most || text.chars().any(strange) {
        return Err(Fault::invalid(format!("{what} has 1 to {most} characters")));
    }
    Ok(text.to_owned())
}

/// An address for mail, in lower case. Whether it exists shows when it is used.
pub fn email(text: &str) -> Result<String, Fault> {
    let text = text.trim().to_lowercase();
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    let named = text.split_once('@').is_some_and(|(_, host)| host.contains('.'));
    // As whatever sends mail reads it, or one address would be accepted that no mail can be sent to.
    let whole = named && text.len() <= LONGEST_EMAIL && text.parse::<lettre::Address>().is_ok();
    match whole && !text.chars().any(strange) {
        true => Ok(text),
        false => Err(Fault::invalid("an e-mail address is written name@example.org")),
    }
}

pub fn base64(what: &str, text: &str) -> Result<Vec<u8>, Fault> {
    STANDARD.decode(text).map_err(|_| Fault::invalid(format!("{what} is written in base64, with padding")))
}

/// What was written here: not to be read, it is no mistake of whoever asks.
pub fn stored(what: &str, text: &str) -> Result<Vec<u8>, Fault> {
    STANDARD.decode(text).map_err(|error| Fault::internal(what, &error))
}

pub fn to_base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// As browsers write the names of passkeys.
pub fn to_base64_url(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// A piece of an address as a database can look for it: PostgreSQL takes no text with a zero in it.
pub fn plain(text: &str) -> &str {
    if text.contains('\0') { "" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        assert_eq!(email(" Ann@Example.org ").unwrap(), "ann@example.org");
        for wrong in [
            "",
            "ann",
            "ann@",
            "@example.org",
            "ann@host",
            "a b@c.d",
            "a@b.c\r\nBcc: d@e.f",
            "a@b@c.d",
            "a@b..c",
            "a..b@c.d",
            "a.@c.d",
            "a@.c.d",
            "a@c.d.",
        ] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_stored_wrongly_is_no_mistake_of_whoever_asks() {
        assert_eq!(base64("x", "?").unwrap_err().code(), "invalid_input");
        assert_eq!(stored("x", "?").unwrap_err().code(), "internal");
        assert_eq!(stored("x", &to_base64(b"octets")).unwrap(), b"octets");
    }

    #[test]
    fn names_have_no_control_characters() {
        assert_eq!(line("a name", " Ann ", 10).unwrap(), "Ann");
        for wrong in ["", "   ", "a\nb", "a\0b", "01234567890"] {
            assert!(line("a name", wrong, 10).is_err());
        }
        assert!(words("a comment", "a\nb", 10).is_ok());
    }
}

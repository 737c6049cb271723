//! Every decoder of outside bytes, fed with damaged versions of good ones: nothing crashes, and what is
//! still accepted is read back as the same. The fuzz targets do this at length; here it is short and
//! always the same.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use vdl_authorize::{SigningKey, VerifyingKey, read_envelope};
use vdl_command::{
    CloseRun, Command, Nonce, Request, Script, Tree, explain_script, read_command, read_script, wire,
    write_command, write_script,
};

const ROUNDS: usize = 3_000;
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "-1",
    "0",
    "9007199254740993",
    "1e9",
    "\"##x##\"",
    "\"step\":0",
    "\\u0000",
    "\u{feff}",
    "\u{202e}",
    "\"table\":{\"step\":0}",
    "\"int8\"",
    "=",
    "?",
    "/",
];

struct Damage(u64);

impl Damage {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        usize::try_from((self.0 >> 33) % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn apply(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(3) {
            let (at, other) = (self.below(bytes.len()), self.below(bytes.len()));
            let (from, to) = (at.min(other), at.max(other));
            match self.below(6) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(from..to.min(from + 12))),
                2 => {
                    let copied = bytes[from..to.min(from + 40)].to_vec();
                    bytes.splice(at..at, copied);
                }
                3 => bytes.truncate(at),
                4 if to + 4 < bytes.len() => bytes.swap(from, to),
                _ => {
                    let piece = PIECES[self.below(PIECES.len())];
                    bytes.splice(at..at, piece.bytes());
                }
            }
        }
        bytes
    }
}

/// Damages `good` many times and hands it to `read`, which says whether it was still accepted.
fn damaged(good: &[u8], seed: u64, read: impl Fn(&[u8]) -> bool) {
    assert!(read(good), "undamaged, it is read");
    let mut damage = Damage(seed);
    let accepted = (0..ROUNDS).filter(|_| read(&damage.apply(good))).count();
    assert!(accepted < ROUNDS / 2, "{accepted} of {ROUNDS} damaged versions were accepted");
}

#[test]
fn no_changed_byte_of_a_script_makes_it_panic_or_mean_two_things() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/scripts");
    for (seed, entry) in (1..).zip(std::fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            damaged(&std::fs::read(path).unwrap(), seed, |bytes| {
                let Ok(script) = read_script(bytes) else { return false };
                let again = write_script(&script).unwrap();
                let same: Script = read_script(again.as_bytes()).unwrap();
                assert!(same == script && !explain_script(&script).is_empty());
                true
            });
        }
    }
}

#[test]
fn no_changed_byte_of_a_command_makes_it_panic_or_mean_two_things() {
    let language = include_bytes!("../../../vectors/language.json");
    let Tree::List(entries) = Tree::read(language).unwrap() else { unreachable!() };
    for (seed, entry) in (1..).zip(entries.iter().step_by(4)) {
        let good = serde_json::to_vec(entry.get("command").unwrap()).unwrap();
        damaged(&good, seed, |bytes| {
            let Ok(command) =
                std::str::from_utf8(bytes).map_err(|_| ()).and_then(|t| read_command(t).map_err(|_| ()))
            else {
                return false;
            };
            let same: Command = read_command(&write_command(&command).unwrap()).unwrap();
            assert_eq!(same, command);
            true
        });
    }
}

#[test]
fn no_changed_byte_of_an_envelope_makes_it_panic_or_approve_something_else() {
    let believed = gate().check_envelope(&envelope(), NOW).unwrap();
    damaged(&envelope(), 7, |bytes| {
        let _ = read_envelope(bytes);
        match gate().check_envelope(bytes, NOW) {
            Ok(approval) => {
                assert_eq!(approval, believed);
                true
            }
            Err(_) => false,
        }
    });
}

#[test]
fn no_statement_that_a_careless_approver_signs_makes_it_panic_or_goes_unexplained() {
    // Signed after the damage: what no signature can catch must be caught by reading.
    let payload = serde_json::to_vec(&read_envelope(&envelope()).unwrap().statement).unwrap();
    damaged(&payload, 8, |bytes| match vdl_authorize::Statement::read(bytes) {
        Ok(statement) => {
            assert!(statement.check().is_ok() && !vdl_authorize::explain_statement(&statement).is_empty());
            true
        }
        Err(_) => false,
    });
}

#[test]
fn no_changed_byte_of_a_request_or_a_closing_makes_it_panic() {
    let authority = sign(believed_digest(), 0, "{}", 1);
    let request = Request { job: job(1), command: "{}".into(), rows: Some(4), authority: Some(authority) };
    let body = wire::encode(&request, b"some shares").unwrap();
    damaged(&body, 9, |bytes| wire::decode::<Request>(bytes).is_ok_and(|(read, _)| read == request));

    let close = vdl_authorize::sign_close(&analyst(), believed_digest(), nonces());
    let body = wire::encode(&close, b"").unwrap();
    damaged(&body, 10, |bytes| wire::decode::<CloseRun>(bytes).is_ok_and(|(read, _)| read == close));
    let nonce = wire::encode(&Nonce([1; 32]), b"").unwrap();
    damaged(&nonce, 11, |bytes| wire::decode::<Nonce>(bytes).is_ok_and(|(read, _)| read == Nonce([1; 32])));
}

#[test]
fn no_changed_byte_of_a_key_file_makes_it_panic() {
    let signing = SigningKey::from_seed([5; 32]);
    let (secret, public) = (signing.write_pem().unwrap(), signing.verifying_key().write_pem().unwrap());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    damaged(public.as_bytes(), 12, |bytes| {
        VerifyingKey::read_pem(&text(bytes)).is_ok_and(|read| read == signing.verifying_key())
    });
    damaged(secret.as_bytes(), 13, |bytes| {
        SigningKey::read_pem(&text(bytes)).is_ok_and(|read| read.verifying_key() == signing.verifying_key())
    });
}

fn believed_digest() -> vdl_command::Digest {
    read_envelope(&envelope()).unwrap().digest
}

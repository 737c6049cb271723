//! What an analyst signs, byte for byte: `vectors/messages.json` holds the bytes, and other languages read it.

#![allow(clippy::unwrap_used)]

mod common;

use serde_json::{Value, json};
use vdl_authorize::{command_digest, read_envelope, run_id, sign_close, sign_start};
use vdl_command::Nonce;

use common::{analyst, envelope, job, nonces, sign};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/messages.json");
const COMMAND: &str = r#"{"get":{"table":{"step":0}}}"#;

fn framed(kind: &str, body: &str) -> String {
    let media = format!("application/vnd.vdl.{kind}.v1");
    format!("DSSEv1 {} {media} {} {body}", media.len(), body.len())
}

/// Each with the bytes that are signed, as the specification spells them.
fn messages() -> Value {
    let approval = read_envelope(&envelope()).unwrap().digest;
    let (run, start) = (run_id(&nonces()), Nonce([9; 32]));
    let (digest, job) = (command_digest(COMMAND), job(7));
    let whose = format!(r#""approval":"{approval}","run":"{run}","step":1"#);
    let command = format!(r#"{{{whose},"command_digest":"{digest}","job":"{job}"}}"#);
    json!([
        {
            "kind": "start",
            "message": framed("start", &format!(r#"{{"approval":"{approval}","start":"{start}"}}"#)),
            "header": sign_start(&analyst(), approval, start),
        },
        {
            "kind": "command",
            "command": COMMAND,
            "message": framed("command", &command),
            "header": sign(approval, 1, COMMAND, 7),
        },
        {
            "kind": "close",
            "message": framed("close", &format!(r#"{{"approval":"{approval}","run":"{run}"}}"#)),
            "header": sign_close(&analyst(), approval, nonces()),
        },
    ])
}

#[test]
fn what_is_signed_is_what_the_specification_says_byte_for_byte() {
    let made = messages();
    if std::env::var_os("VDL_WRITE_VECTORS").is_some() {
        std::fs::write(VECTORS, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
        return;
    }
    let frozen: Value = serde_json::from_slice(&std::fs::read(VECTORS).unwrap()).unwrap();
    assert_eq!(frozen, made);
    let key = ed25519_dalek::VerifyingKey::from_bytes(&analyst().verifying_key().to_bytes()).unwrap();
    for entry in frozen.as_array().unwrap() {
        let signature = entry["header"]["signature"].as_str().unwrap();
        let signature =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, signature).unwrap();
        let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        key.verify_strict(entry["message"].as_str().unwrap().as_bytes(), &signature).unwrap();
    }
}

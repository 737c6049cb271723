//! `vectors/sealed.json`: parcels and answers, byte for byte as the page makes and opens them.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use vdl_seal::{SealingKey, seal};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    recipient_seed: String,
    recipient: String,
    parcels: Vec<Parcel>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parcel {
    name: String,
    /// From which RFC 9180 derives the sender's key pair; random for everybody else.
    ephemeral_seed: String,
    route: String,
    body_repeated: Repeated,
    bytes: usize,
    blake3: String,
    /// Of short ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    answer: Answer,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeated {
    unit: String,
    times: usize,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    nonce: String,
    status: u16,
    body: String,
    sealed: String,
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn parcels_and_answers_are_those_of_the_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/sealed.json");
    let mut vectors: Vectors = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let server = SealingKey::derive(&array(&vectors.recipient_seed));
    let write = std::env::var_os("VDL_WRITE_VECTORS").is_some();
    let public = hex::encode(server.public());
    assert!(write || vectors.recipient == public);
    vectors.recipient = public;
    for one in &mut vectors.parcels {
        let body = hex::decode(&one.body_repeated.unit).unwrap().repeat(one.body_repeated.times);
        let (parcel, sender) = seal(&server.public(), &one.route, &body, array(&one.ephemeral_seed)).unwrap();
        let opened = server.open(&parcel, usize::MAX).unwrap();
        assert_eq!((opened.path(), opened.body()), (one.route.as_str(), body.as_slice()), "{}", one.name);
        let answered = hex::decode(&one.answer.body).unwrap();
        let sealed = opened.answer.seal(one.answer.status, &answered, array(&one.answer.nonce)).unwrap();
        assert_eq!(sender.open(&sealed).unwrap(), (one.answer.status, answered), "{}", one.name);
        let found = (
            parcel.len(),
            blake3::hash(&parcel).to_string(),
            (parcel.len() <= 512).then(|| hex::encode(&parcel)),
            hex::encode(sealed),
        );
        if !write {
            let expected = (one.bytes, one.blake3.clone(), one.hex.clone(), one.answer.sealed.clone());
            assert_eq!(found, expected, "{}", one.name);
        }
        (one.bytes, one.blake3, one.hex, one.answer.sealed) = found;
    }
    if write {
        fs::write(&path, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
    }
}

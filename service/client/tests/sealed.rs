//! Sealed requests to three real nodes, through a relay that does its worst.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use std::sync::{Arc, Mutex};

use serde_json::json;
use vdl_client::{CallError, Endpoint, Route, SealedEndpoint, Session};
use vdl_command::wire::encode;
use vdl_command::{ErrorAnswer, Info, JobId};
use vdl_node::{Node, embedded};
use vdl_seal::seal;
use world::*;

type Bytes = Vec<u8>;

/// Passes parcels on, perhaps changed; asks nothing but the sealed route of a node.
struct Relay {
    node: Arc<Node>,
    seen: Mutex<Vec<Bytes>>,
    change: fn(Bytes) -> Bytes,
}

impl Endpoint for Relay {
    fn call(&self, route: Route, body: Bytes) -> Result<Bytes, CallError> {
        assert_eq!(route, Route::Sealed);
        self.seen.lock().unwrap().push(body.clone());
        let answer = self.node.answer(Route::Sealed, &(self.change)(body)).map_err(CallError::Refused)?;
        self.seen.lock().unwrap().push(answer.clone());
        Ok(answer)
    }

    fn address(&self) -> &str {
        "relay"
    }
}

fn key(node: &Node) -> [u8; 32] {
    use base64::Engine as _;
    let text = node.info().seal_key.unwrap();
    base64::engine::general_purpose::STANDARD.decode(text).unwrap().try_into().unwrap()
}

fn relays(nodes: &[Arc<Node>; 3], change: fn(Bytes) -> Bytes) -> [Arc<Relay>; 3] {
    nodes.clone().map(|node| Arc::new(Relay { node, seen: Mutex::default(), change }))
}

fn over(relays: &[Arc<Relay>; 3]) -> Session {
    let endpoint = |relay: Arc<Relay>| {
        let server = key(&relay.node);
        Arc::new(SealedEndpoint::new(relay, server)) as Arc<dyn Endpoint>
    };
    Session::over(relays.clone().map(endpoint)).unwrap()
}

fn ask(node: &Node, parcel: &[u8]) -> ErrorAnswer {
    node.answer(Route::Sealed, parcel).unwrap_err()
}

const MARKER: &str = "a text nobody but the provider may see";

fn people() -> Vec<vdl_client::ClearColumn> {
    vec![integers("age", &[30, 41, 52]), texts("name", &[MARKER, "b", "c"])]
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn an_upload_and_a_query_go_sealed_in_design_mode() {
    let relays = relays(&embedded::start().unwrap(), |parcel| parcel);
    let session = over(&relays);
    let table = session.upload(people());
    let opened = session.opened(open(&table));
    assert_eq!(whole(&opened[0].values), [30, 41, 52]);
    for relay in &relays {
        for bytes in relay.seen.lock().unwrap().iter() {
            for secret in [MARKER.as_bytes(), b"upload", b"\"age\"", table.handle.to_string().as_bytes()] {
                assert!(!contains(bytes, secret), "the relay saw {:?}", String::from_utf8_lossy(secret));
            }
        }
    }
}

#[test]
fn a_run_is_started_signed_and_closed_sealed_in_authorized_mode() {
    let production = Production::start();
    let design = design();
    let provided = design.upload(people());
    design.record(Some("ages")).unwrap();
    design.upload(people());
    let script = production.path("ages.recording");
    design.save(&script).unwrap();
    drop(provided);
    let approved = production.approve(&script, "ages.approved");
    let session = over(&relays(&production.nodes, |parcel| parcel));
    session.set_analyst_key(&production.key_file("analyst.sk", [3; 32])).unwrap();
    session.load(&approved).unwrap();
    assert_eq!(session.upload(people()).rows, 3);
    session.close().unwrap();
}

#[test]
fn a_refusal_is_sealed_as_well() {
    let relays = relays(&embedded::start().unwrap(), |parcel| parcel);
    let session = over(&relays);
    let unknown = json!({"get": {"table": {"handle": "AB".repeat(32)}}});
    assert_eq!(session.run(unknown).unwrap_err().code(), "unknown_table");
    let seen = relays[0].seen.lock().unwrap();
    assert!(!seen.iter().any(|bytes| contains(bytes, b"unknown_table")));
}

#[test]
fn whatever_a_relay_does_to_a_parcel_it_is_refused() {
    let nodes = embedded::start().unwrap();
    let job = encode(&JobId([1; 32]), &[]).unwrap();
    let parcel = seal(&key(&nodes[0]), Route::Cancel.path(), &job, [5; 32]).unwrap().0;
    assert!(nodes[0].answer(Route::Sealed, &parcel).is_ok());
    assert_eq!(ask(&nodes[1], &parcel).code, "sealed_unreadable");
    assert_eq!(ask(&nodes[1], &parcel).node, Some(1));
    // Every byte, one bit of it; a fixed walk through the eight bits.
    for at in 0..parcel.len() {
        let mut damaged = parcel.clone();
        damaged[at] ^= 1 << (at % 8);
        assert_eq!(ask(&nodes[0], &damaged).code, "sealed_unreadable", "byte {at}");
        assert_eq!(ask(&nodes[0], &parcel[..at]).code, "sealed_unreadable", "{at} bytes");
    }
    assert_eq!(ask(&nodes[0], &[parcel.as_slice(), &parcel].concat()).code, "sealed_unreadable");
}

#[test]
fn frames_of_an_upload_that_were_moved_are_refused() {
    let nodes = embedded::start().unwrap();
    let body = vec![7; 5 << 20];
    let parcel = seal(&key(&nodes[0]), Route::Command.path(), &body, [6; 32]).unwrap().0;
    let frame = 4 + (1 << 20) + 16;
    let cut =
        |range: std::ops::Range<usize>| parcel[32 + range.start * frame..32 + range.end * frame].to_vec();
    let enc = parcel[..32].to_vec();
    let last = parcel[32 + 5 * frame..].to_vec();
    for (what, moved) in [
        ("cut off", [enc.clone(), cut(0..5)].concat()),
        ("left out", [enc.clone(), cut(0..2), cut(3..5), last.clone()].concat()),
        ("swapped", [enc.clone(), cut(1..2), cut(0..1), cut(2..5), last.clone()].concat()),
        ("repeated", [enc.clone(), cut(0..2), cut(1..5), last.clone()].concat()),
        ("last one first", [enc.clone(), last.clone(), cut(0..5)].concat()),
    ] {
        assert_eq!(ask(&nodes[0], &moved).code, "sealed_unreadable", "{what}");
    }
    // As it was: read, and no command.
    assert!(nodes[0].answer(Route::Sealed, &parcel).is_ok());
}

fn inside(node: &Node, path: &str, body: &[u8]) -> (u16, ErrorAnswer) {
    let (parcel, answer) = seal(&key(node), path, body, [8; 32]).unwrap();
    let (status, body) = answer.open(&node.answer(Route::Sealed, &parcel).unwrap()).unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_parcel_in_a_parcel_and_a_route_that_is_none_are_refused() {
    let nodes = embedded::start().unwrap();
    let inner = seal(&key(&nodes[0]), Route::Info.path(), b"", [9; 32]).unwrap().0;
    for path in [Route::Sealed.path(), Route::Audit.path(), "/v1/command/", "", "/v1/Info"] {
        let (status, answer) = inside(&nodes[0], path, &inner);
        assert_eq!((status, answer.code.as_str()), (404, "no_such_route"), "{path}");
    }
}

#[test]
fn a_long_request_is_refused_inside_as_it_is_outside() {
    let nodes = embedded::start().unwrap();
    let (status, answer) = inside(&nodes[0], Route::Cancel.path(), &vec![0; (17 << 20) + 1]);
    assert_eq!((status, answer.code.as_str()), (413, "request_too_long"));
    assert_eq!(inside(&nodes[0], Route::Cancel.path(), &[0; 9]).1.code, "bad_request");
}

#[test]
fn a_replayed_parcel_gets_no_second_run_of_its_command() {
    let relays = relays(&embedded::start().unwrap(), |parcel| parcel);
    let session = over(&relays);
    let table = session.upload(people());
    session.run(json!({"remove": {"table": {"handle": table.handle}}})).unwrap();
    // What a relay recorded, sent again to all three: the table is gone already, and nothing else happens.
    let recorded = relays.each_ref().map(|relay| {
        let seen = relay.seen.lock().unwrap();
        seen[seen.len() - 2].clone()
    });
    let again = relays.each_ref().map(|relay| relay.node.clone());
    std::thread::scope(|scope| {
        for (node, parcel) in again.iter().zip(&recorded) {
            scope.spawn(move || assert!(node.answer(Route::Sealed, parcel).is_ok()));
        }
    });
    assert_eq!(session.get_code(&table.handle.to_string()), "unknown_table");
}

trait Code {
    fn get_code(&self, handle: &str) -> String;
}

impl Code for Session {
    fn get_code(&self, handle: &str) -> String {
        self.run(json!({"get": {"table": {"handle": handle}}})).unwrap_err().code().to_owned()
    }
}

#[test]
fn the_key_a_node_shows_is_the_one_it_opens_with() {
    let nodes = embedded::start().unwrap();
    let keys = nodes.each_ref().map(|node| key(node));
    assert!(keys[0] != keys[1] && keys[1] != keys[2]);
    let (parcel, answer) = seal(&keys[2], Route::Info.path(), b"", [1; 32]).unwrap();
    let (status, body) = answer.open(&nodes[2].answer(Route::Sealed, &parcel).unwrap()).unwrap();
    let (info, _): (Info, _) = vdl_command::wire::decode(&body).unwrap();
    assert_eq!((status, info.node), (200, 2));
}

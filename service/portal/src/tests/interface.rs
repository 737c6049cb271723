//! The interface, the table of access and the router say the same.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::access::routes;
use crate::openapi;
use crate::server::api;

fn document() -> String {
    openapi::complete(&api().into_openapi(), &routes()).unwrap()
}

/// After a change, write it anew with `VDL_WRITE_OPENAPI=1 cargo test -p vdl-portal openapi`.
#[test]
fn the_committed_openapi_file_is_what_the_handlers_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("VDL_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == document(), "openapi.json is not up to date");
}

#[test]
fn every_handler_stands_in_the_table_of_access_and_nothing_else_does() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            assert!(operation["x-roles"].is_array() && operation["summary"].is_string(), "{method} {path}");
        }
    }
    let listed: BTreeSet<_> =
        routes().iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(described, listed);
    assert_eq!(listed.len(), routes().len(), "a route stands there twice");
}

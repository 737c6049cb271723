//! Policies and revocations: what the three servers go by, each asked for itself.

use std::thread;

use serde::de::DeserializeOwned;
use vdl_authorize::{Policies, Standing};
use vdl_command::Route;
use vdl_command::wire::decode;

use crate::connection::{Connection, Server};
use crate::endpoint::{CallError, Endpoint};
use crate::error::ClientError;
use crate::https::HttpsEndpoint;

/// Gives a policy or a revocation, in its envelope, to all three servers; each says what it goes by then.
/// It counts on every server that answered `Ok`, and what one server takes in it hands on to the others.
/// Publishing the same again is safe.
pub fn publish(connection: &Connection, envelope: &[u8]) -> [Result<Standing, ClientError>; 3] {
    each(connection, Route::Publish, envelope)
}

/// What each server goes by: its standing, and the documents that say so. Nothing of it is checked here.
pub fn policies(connection: &Connection) -> [Result<Policies, ClientError>; 3] {
    each(connection, Route::Policy, &[])
}

/// The same request to each; one that fails holds up no other.
fn each<T: DeserializeOwned + Send>(
    connection: &Connection,
    route: Route,
    body: &[u8],
) -> [Result<T, ClientError>; 3] {
    let [first, second, third] = &connection.servers;
    let ask = |node: u8, server: &Server| ask(node, server, &connection.token, route, body);
    thread::scope(|scope| {
        let second = scope.spawn(|| ask(1, second));
        let third = scope.spawn(|| ask(2, third));
        let panicked = |_| Err(ClientError::System("a request ended without an answer".into()));
        let first = ask(0, first);
        [first, second.join().unwrap_or_else(panicked), third.join().unwrap_or_else(panicked)]
    })
}

fn ask<T: DeserializeOwned>(
    node: u8,
    server: &Server,
    token: &str,
    route: Route,
    body: &[u8],
) -> Result<T, ClientError> {
    let endpoint = server.endpoint.clone();
    let answer = HttpsEndpoint::new(server, token)?.call(route, body.to_vec());
    let answer = answer.map_err(|error| match error {
        CallError::Refused(mut answer) => {
            answer.node = answer.node.or(Some(node));
            ClientError::Node(answer)
        }
        CallError::Unreachable(cause) => ClientError::Unreachable { node, endpoint: endpoint.clone(), cause },
        CallError::Garbled(what) => ClientError::Garbled { node, endpoint: endpoint.clone(), what },
    })?;
    let read = decode(&answer).map(|(header, _)| header);
    read.map_err(|error| ClientError::Garbled { node, endpoint, what: error.to_string() })
}

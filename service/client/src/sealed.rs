//! A server behind somebody who relays and must not read: every request goes as a sealed parcel.

use std::sync::Arc;

use vdl_command::{ErrorAnswer, Route};
use vdl_seal::seal;

use crate::endpoint::{CallError, Endpoint};
use crate::random::random;

/// Seals every request to one server, and opens its answers.
pub struct SealedEndpoint {
    relay: Arc<dyn Endpoint>,
    server: [u8; 32],
}

impl SealedEndpoint {
    /// `relay` passes parcels on; `server` is the public sealing key, which must not come from the relay.
    pub fn new(relay: Arc<dyn Endpoint>, server: [u8; 32]) -> Self {
        Self { relay, server }
    }
}

impl Endpoint for SealedEndpoint {
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let here = |error: &dyn std::fmt::Display| CallError::Garbled(error.to_string());
        let entropy = random().map_err(|error| here(&error))?;
        let (parcel, answer) =
            seal(&self.server, route.path(), &body, entropy).map_err(|error| here(&error))?;
        drop(body);
        let sealed = self.relay.call(Route::Sealed, parcel)?;
        let (status, body) = answer.open(&sealed).map_err(|error| here(&error))?;
        if status == 200 {
            return Ok(body);
        }
        match serde_json::from_slice::<ErrorAnswer>(&body) {
            Ok(answer) => Err(CallError::Refused(answer)),
            Err(_) => Err(CallError::Garbled(format!("status {status} in a sealed answer"))),
        }
    }

    fn address(&self) -> &str {
        self.relay.address()
    }
}

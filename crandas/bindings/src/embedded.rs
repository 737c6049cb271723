//! The engine in this process: three parties over memory lanes.

use std::sync::Arc;

use vdl_client::{CallError, Endpoint, Route};
use vdl_node::Node;

pub struct InProcess(pub Arc<Node>);

impl Endpoint for InProcess {
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        self.0.answer(route, &body).map_err(CallError::Refused)
    }

    fn address(&self) -> &str {
        "embedded"
    }
}

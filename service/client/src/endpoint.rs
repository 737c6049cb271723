//! One server, as the client sees it.

use vdl_command::{ErrorAnswer, Route};

/// Where requests go: HTTPS, the engine in this process, or a test.
pub trait Endpoint: Send + Sync {
    /// Sends a request and waits for the answer.
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError>;
    /// For messages and display.
    fn address(&self) -> &str;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The server answered: no.
    Refused(ErrorAnswer),
    /// There was no answer; the text says why.
    Unreachable(String),
    /// There was one, and it was none.
    Garbled(String),
}

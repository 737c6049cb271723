//! What the node and the portal are as processes: a port behind which TLS is spoken, and a word to stop.

mod stop;
mod tls;

pub use stop::told_to_stop;
pub use tls::TlsListener;

//! Signing in at an OpenID provider, beside passwords: authorization code flow with PKCE, state and nonce.
//!
//! An account is found by issuer and subject and by nothing else; an address that the provider tells is not
//! even asked for. Nobody gets an account this way: that takes an invitation.

mod flow;
mod identity;
mod provider;
mod routes;
mod trouble;
mod wire;

pub use flow::sweep;
pub use identity::*;
pub use provider::Provider;
pub use routes::*;

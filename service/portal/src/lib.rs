//! The portal: a mailbox and a bookkeeper for people who are not programmers.
//!
//! It keeps accounts, requests, comments, public keys, signatures and descriptions of tables, and carries
//! parcels that only servers can read. It holds no key that approves anything and no value of any table:
//! whatever is done to its database, a server runs nothing that approvers did not sign. Scripts are read, and
//! everything is signed and sealed, in the page.
//!
//! [`serve`] runs it. A request passes [`gate`], which holds it against the table in [`access`], and then its
//! handler. What belongs together is changed in one transaction; what a slow step (a password, a server)
//! depended on is asked again in it.

mod access;
mod account;
mod ceremony;
mod cluster;
mod config;
mod db;
mod error;
mod factor;
mod gate;
mod headers;
mod ids;
mod inbox;
mod invitation;
mod journal;
mod key;
mod limits;
mod mail;
mod oidc;
mod openapi;
mod page;
mod passkey;
mod password;
mod policy;
mod project;
mod publication;
mod request;
mod review;
mod revocation;
mod rules;
mod sample;
mod serve;
mod server;
mod session;
mod spool;
mod table;
mod text;
mod tls;
mod turns;
mod upload;

pub use access::Role;
pub use error::PortalError;
pub use key::Purpose;
pub use sample::{Sample, add_people};
pub use serve::serve;
pub use server::FirstLink;

#[cfg(test)]
mod tests;

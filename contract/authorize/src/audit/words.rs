//! Events in plain words, for whoever reads a log.

use std::fmt;

use super::Event;
use crate::keys::VerifyingKey;
use crate::revocation::Revoked;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Opened { node, environment, version, key } => {
                let (key, place) = (fingerprint(key), quoted(environment));
                write!(f, "server {node} of {place} starts, version {version}, key {key}")
            }
            Event::Policy { version, digest, pinned } => {
                let from = if *pinned { "from the configuration" } else { "signed by all approvers" };
                write!(f, "policy {version} holds from here on, {from}, {digest}")
            }
            Event::Revoked { digest, revokes } => {
                match revokes {
                    Revoked::Approval(approval) => write!(f, "approval {approval} is revoked")?,
                    Revoked::Analyst(key) => {
                        write!(f, "the analyst with key {} is revoked", fingerprint(key))?
                    }
                    Revoked::Approver(key) => {
                        write!(f, "the approver with key {} is revoked", fingerprint(key))?;
                    }
                    Revoked::Policy(policy) => write!(f, "policy {policy} is revoked")?,
                }
                write!(f, " by {digest}")
            }
            Event::Run { approval, analyst, script, purpose, run, .. } => {
                write!(f, "run {run} of approval {approval} begins")?;
                if let Some(script) = script {
                    write!(f, ", script {}", quoted(script))?;
                }
                write!(f, ", analyst {}", fingerprint(analyst))?;
                match purpose {
                    Some(purpose) => write!(f, ", purpose {}", quoted(purpose)),
                    None => Ok(()),
                }
            }
            Event::Refused { approval, code } => write!(f, "refused under approval {approval}: {code}"),
            Event::Step { approval, step, job, command, tables, all_tables, .. } => {
                write!(f, "step {} of approval {approval} as job {job}", u64::from(*step) + 1)?;
                write!(f, ", command {command}")?;
                if !tables.is_empty() {
                    write!(f, ", reads {}", list(tables))?;
                }
                match all_tables {
                    Some(digest) => write!(f, " and more, all together {digest}"),
                    None => Ok(()),
                }
            }
            Event::Resolved { approval, name, table } => {
                write!(f, "the name {} was the table {table}, approval {approval}", quoted(name))
            }
            Event::Void { approval, name } => {
                write!(f, "approval {approval} is void: {} names another table now", quoted(name))
            }
            Event::Done { job, outcome, table: Some(table) } => {
                write!(f, "job {job} ended: {outcome} {table}")
            }
            Event::Done { job, outcome, table: None } => write!(f, "job {job} ended: {outcome}"),
            Event::Closed { approval, .. } => write!(f, "a run of approval {approval} is closed"),
            Event::Countersigned { node, sequence, head } => {
                write!(f, "signed entry {sequence} of server {node}, {head}")
            }
            Event::Witnessed { by, key, sequence, .. } => {
                write!(f, "server {by} signed entry {sequence} of this log, key {}", fingerprint(key))
            }
            Event::Restored { missing_from, missing_to, .. } => {
                write!(f, "an older copy was put back: lost what was {missing_from} to {missing_to}")
            }
            Event::Recovered { cut } => write!(f, "an unfinished last line of {cut} bytes was cut away"),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

fn fingerprint(key: &str) -> String {
    VerifyingKey::from_base64(key).map_or_else(|_| "(unusable)".to_owned(), |key| key.fingerprint())
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

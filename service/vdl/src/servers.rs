//! What the three servers go by: asked, and changed, from the command line.

use std::path::{Path, PathBuf};

use vdl_authorize::{Policies, Policy, read_policy, read_revocation};
use vdl_client::{ClientError, Connection};

use crate::clock::moment;
use crate::failure::Failure;
use crate::files;
use crate::policy::print_policy;

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// The policy that holds now, from a file
    #[arg(long, value_name = "F")]
    from: Option<PathBuf>,
    /// The same, as all three servers say; their connection file
    #[arg(long, value_name = "FILE")]
    connection: Option<PathBuf>,
}

impl Source {
    pub fn policy(&self) -> Result<Policy, Failure> {
        match (&self.from, &self.connection) {
            (Some(path), _) => files::read_policy(path),
            (_, Some(path)) => policy(path),
            _ => Err(Failure::new("which policy holds now?")),
        }
    }
}

/// The policy that all three servers go by. One of them alone is not believed.
pub fn policy(connection: &Path) -> Result<Policy, Failure> {
    agreed(vdl_client::policies(&open(connection)?)).map(|(policy, _)| policy)
}

/// The newest policy that any server shows, for whoever cannot wait until all three can be reached.
pub fn newest_policy(connection: &Path) -> Result<Policy, Failure> {
    let mut policies = Vec::new();
    let mut failures = Vec::new();
    for told in vdl_client::policies(&open(connection)?) {
        match told {
            Ok(told) => policies.push(holding(&told)?),
            Err(error) => failures.push(failed(&error)),
        }
    }
    match policies.into_iter().max_by_key(Policy::version) {
        Some(policy) => Ok(policy),
        None => Err(failures.pop().unwrap_or_else(|| Failure::new("no server answered"))),
    }
}

/// Prints what holds and what was revoked, and what each server says.
pub fn show(connection: &Path) -> Result<(), Failure> {
    let told = vdl_client::policies(&open(connection)?);
    let lines: Vec<String> =
        (0..).zip(&told).map(|(node, told)| line(node, told, |it| it.standing)).collect();
    let agreed = agreed(told);
    if let Ok((policy, documents)) = &agreed {
        print_policy(policy);
        for text in &documents.revocations {
            let revocation = read_revocation(text.as_bytes()).map_err(|refusal| Failure::new(&refusal))?;
            let reason = revocation.reason.map(|reason| format!(": {}", files::printable_line(&reason)));
            let (what, when) = (revocation.revokes, moment(revocation.time));
            println!("revoked      {what}, {when}{}", reason.unwrap_or_default());
        }
    }
    lines.iter().for_each(|line| println!("{line}"));
    agreed.map(drop)
}

/// Gives a document to all three servers and prints a line for each. A failure if one did not confirm.
pub fn publish(connection: &Path, envelope: &[u8]) -> Result<(), Failure> {
    let told = vdl_client::publish(&open(connection)?, envelope);
    for (node, told) in (0..).zip(&told) {
        println!("{}", line(node, told, |standing| *standing));
    }
    match told.iter().find_map(|told| told.as_ref().err()) {
        None => Ok(()),
        Some(error) => Err(failed(error).remedy(
            "publish it again until all three servers have confirmed; those that did go by it already",
        )),
    }
}

fn line<T>(
    node: u8,
    told: &Result<T, ClientError>,
    standing: impl Fn(&T) -> vdl_authorize::Standing,
) -> String {
    match told {
        Ok(told) => format!("server {node}     {}", standing(told)),
        Err(error) => {
            let code = error.code();
            format!(
                "server {node}     DID NOT ANSWER ({code}): {}",
                files::printable_line(&error.to_string())
            )
        }
    }
}

fn open(connection: &Path) -> Result<Connection, Failure> {
    Connection::open(&connection.to_string_lossy()).map_err(|error| failed(&error))
}

fn agreed(told: [Result<Policies, ClientError>; 3]) -> Result<(Policy, Policies), Failure> {
    let mut all = Vec::new();
    for told in told {
        all.push(told.map_err(|error| failed(&error))?);
    }
    let one = all.pop().ok_or_else(|| Failure::new("no server answered"))?;
    if all.iter().any(|other| other.standing != one.standing) {
        return Err(Failure::new("the servers do not go by the same rules").remedy(
            "try again in a moment; if it stays, publish what one of them lacks, or tell whoever runs it",
        ));
    }
    Ok((holding(&one)?, one))
}

/// The policy that a server says it goes by: the text must be what the digest names.
fn holding(told: &Policies) -> Result<Policy, Failure> {
    let newest = told.policies.last().ok_or_else(|| Failure::new("a server shows no policy"))?;
    let policy = read_policy(newest.as_bytes()).map_err(|refusal| Failure::new(&refusal))?;
    match policy.digest() == told.standing.policy_digest {
        true => Ok(policy),
        false => Err(Failure::new("a server shows another policy than it says it goes by")),
    }
}

fn failed(error: &ClientError) -> Failure {
    let failure = match error.node() {
        Some(node) => Failure::new(format!("server {node}: {error}")),
        None => Failure::new(error),
    };
    match error.remedy() {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    }
}

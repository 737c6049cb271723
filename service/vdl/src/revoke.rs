//! `vdl revoke`: what was signed and is not to hold any longer.

use std::path::{Path, PathBuf};

use vdl_authorize::{
    POLICY_VERSION, Policy, REVOCATION_TYPE, Revocation, Revoked, VerifyingKey, read_envelope,
    sign_revocation,
};
use vdl_command::DEFAULT_ENVIRONMENT;

use crate::clock;
use crate::failure::Failure;
use crate::{files, servers};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// Your signing key; any one approver is enough
    #[arg(long, value_name = "A.sk")]
    key: PathBuf,
    /// The policy that holds now, if it is more than a list of approvers; says the environment too
    #[arg(long, value_name = "F")]
    policy: Option<PathBuf>,
    /// The environment whose servers it is for [default: production]
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    environment: Option<String>,
    /// Why, for the others to read
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    to: To,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct To {
    /// The servers that are told at once; their connection file
    #[arg(long, value_name = "FILE")]
    connection: Option<PathBuf>,
    /// Where to write, for `vdl policy publish`
    #[arg(long, value_name = "F.revocation")]
    output: Option<PathBuf>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// This approved script
    #[arg(long, value_name = "F.approved")]
    approval: Option<PathBuf>,
    /// Everything that is approved for this analyst
    #[arg(long, value_name = "P.pk")]
    analyst: Option<PathBuf>,
    /// This approver's signature under anything
    #[arg(long, value_name = "A.pk")]
    approver: Option<PathBuf>,
    /// This policy, before servers take it over
    #[arg(long, value_name = "NEXT.policy")]
    draft: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let policy = match (&args.policy, &args.to.connection) {
        (Some(path), _) => Some(files::read_policy(path)?),
        (None, Some(connection)) => Some(servers::newest_policy(connection)?),
        (None, None) => None,
    };
    let environment = match &policy {
        Some(policy) if args.environment.as_ref().is_some_and(|named| named != policy.environment()) => {
            return Err(Failure::new("the servers are another environment than --environment says"));
        }
        Some(policy) => policy.environment(),
        None => args.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT),
    };
    let revokes = revoked(&args.what)?;
    let signed = sign(revokes, &args.key, policy.as_ref(), environment, args.reason.clone())?;
    if let Some(output) = &args.to.output {
        files::create(output, &signed, 0o644)?;
        println!("written      {}", output.display());
    }
    match &args.to.connection {
        Some(connection) => servers::publish(connection, &signed),
        None => Ok(()),
    }
}

/// Signs and prints a revocation; under a policy only with a key of one of its approvers.
pub fn sign(
    revokes: Revoked,
    key: &Path,
    policy: Option<&Policy>,
    environment: &str,
    reason: Option<String>,
) -> Result<Vec<u8>, Failure> {
    let path = key;
    let key = files::read_signing_key(path)?;
    let signer = key.verifying_key();
    if policy.is_some_and(|policy| policy.approvers().all(|(_, approver)| *approver != signer)) {
        return Err(Failure::of_file(path, "this is no approver's key under that policy"));
    }
    let revocation = Revocation {
        kind: REVOCATION_TYPE.to_owned(),
        environment: environment.to_owned(),
        policy_version: policy.map_or(POLICY_VERSION, Policy::version),
        revokes,
        reason,
        time: clock::now(),
    };
    let refused = |refusal| Failure::new(&refusal);
    let signed = sign_revocation(&revocation, &key).map_err(refused)?;
    println!("revocation   {}", revocation.digest().map_err(refused)?);
    println!("environment  {}", files::printable_line(&revocation.environment));
    println!("revokes      {}", revocation.revokes);
    println!("signed by    {} ({})", signer.fingerprint(), path.display());
    Ok(signed)
}

fn revoked(what: &What) -> Result<Revoked, Failure> {
    let key = |path| {
        let key: VerifyingKey = files::read_verifying_key(path)?;
        key.to_base64().map_err(Failure::new)
    };
    match (&what.approval, &what.analyst, &what.approver, &what.draft) {
        (Some(path), ..) => {
            let file = read_envelope(&files::read(path)?);
            Ok(Revoked::Approval(file.map_err(|refusal| Failure::refused(path, &refusal))?.digest))
        }
        (_, Some(path), ..) => Ok(Revoked::Analyst(key(path)?)),
        (_, _, Some(path), _) => Ok(Revoked::Approver(key(path)?)),
        (.., Some(path)) => Ok(Revoked::Policy(files::read_policy(path)?.digest())),
        _ => Err(Failure::new("what is to be revoked?")),
    }
}

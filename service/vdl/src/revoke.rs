//! `vdl revoke`: what was signed and is not to hold any longer.

use std::path::PathBuf;

use vdl_authorize::{
    POLICY_VERSION, REVOCATION_TYPE, Revocation, Revoked, VerifyingKey, read_envelope, sign_revocation,
};
use vdl_command::DEFAULT_ENVIRONMENT;

use crate::clock;
use crate::failure::Failure;
use crate::files;

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
    /// Where to write
    #[arg(long, value_name = "F.revocation")]
    output: PathBuf,
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
    let key = files::read_signing_key(&args.key)?;
    let policy = args.policy.as_deref().map(files::read_policy).transpose()?;
    let environment = match &policy {
        Some(policy) => policy.environment(),
        None => args.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT),
    };
    let signer = key.verifying_key();
    if policy.as_ref().is_some_and(|policy| policy.approvers().all(|(_, approver)| *approver != signer)) {
        return Err(Failure::of_file(&args.key, "this is no approver's key under that policy"));
    }
    let revocation = Revocation {
        kind: REVOCATION_TYPE.to_owned(),
        environment: environment.to_owned(),
        policy_version: policy.as_ref().map_or(POLICY_VERSION, vdl_authorize::Policy::version),
        revokes: revoked(&args.what)?,
        reason: args.reason.clone(),
        time: clock::now(),
    };
    let refused = |refusal| Failure::refused(&args.output, &refusal);
    let signed = sign_revocation(&revocation, &key).map_err(refused)?;
    files::create(&args.output, &signed, 0o644)?;
    println!("revocation   {}", revocation.digest().map_err(refused)?);
    println!("environment  {}", files::printable_line(&revocation.environment));
    println!("revokes      {}", revocation.revokes);
    println!("signed by    {} ({})", signer.fingerprint(), args.key.display());
    println!("written      {}", args.output.display());
    Ok(())
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

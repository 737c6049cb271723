//! The end of a change of policy: handing a key over, publishing what everybody signed, or cancelling it.

use std::path::PathBuf;

use vdl_authorize::{Policy, Revoked, add_signature, document_kind, draft_policy, is_signed_by};

use crate::failure::Failure;
use crate::files;
use crate::policy::{Person, print_changes, print_policy, replace, succeeding};
use crate::{clock, revoke, servers};

#[derive(clap::Args)]
pub struct Publish {
    /// A policy that everybody signed, or a revocation
    #[arg(value_name = "F")]
    file: PathBuf,
    /// The connection file of the servers
    #[arg(long, value_name = "FILE")]
    connection: PathBuf,
}

#[derive(clap::Args)]
pub struct Cancel {
    /// The policy that is not to be taken over any more, whoever signed it
    #[arg(value_name = "NEXT.policy")]
    file: PathBuf,
    /// Your signing key; any one approver is enough
    #[arg(long, value_name = "A.sk")]
    key: PathBuf,
    /// Why, for the others to read
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The connection file of the servers
    #[arg(long, value_name = "FILE")]
    connection: PathBuf,
}

#[derive(clap::Args)]
pub struct Transfer {
    /// The connection file of the servers
    #[arg(long, value_name = "FILE")]
    connection: PathBuf,
    /// Whose place is handed over
    #[arg(long, value_name = "NAME")]
    from: String,
    /// The verification key that takes it
    #[arg(long, value_name = "NEW.pk")]
    to: PathBuf,
    /// Signing keys that are at hand; repeat for each. Everybody else signs with `vdl policy sign`
    #[arg(long = "key", value_name = "K.sk")]
    keys: Vec<PathBuf>,
    /// Let what was approved before go on to hold [default: everything is approved anew]
    #[arg(long)]
    keep_approvals: bool,
    /// The last day on which servers take it over, in UTC [default: in 14 days]
    #[arg(long, value_name = "DATE", value_parser = clock::read_last_second)]
    adopt_before: Option<i64>,
    /// Where to write
    #[arg(long, value_name = "NEXT.policy")]
    output: PathBuf,
}

pub fn publish(args: &Publish) -> Result<(), Failure> {
    let bytes = files::read(&args.file)?;
    // What is no document at all is said here, with the file's name.
    document_kind(&bytes).map_err(|refusal| Failure::refused(&args.file, &refusal))?;
    servers::publish(&args.connection, &bytes)
}

pub fn cancel(args: &Cancel) -> Result<(), Failure> {
    let draft = files::read_policy(&args.file)?;
    let policy = servers::newest_policy(&args.connection)?;
    if policy.version() >= draft.version() {
        return Err(Failure::of_file(&args.file, "the servers have taken over a policy of this version"));
    }
    let revokes = Revoked::Policy(draft.digest());
    let signed = revoke::sign(revokes, &args.key, Some(&policy), policy.environment(), args.reason.clone())?;
    servers::publish(&args.connection, &signed)
}

/// Writes the next policy, signs it with the keys at hand, and publishes it if that is all it takes.
pub fn transfer(args: &Transfer) -> Result<(), Failure> {
    let old = servers::policy(&args.connection)?;
    let mut next = succeeding(&old, args.adopt_before, args.keep_approvals);
    let heir: Person = (args.from.clone(), args.to.clone());
    replace(&mut next, &heir)?;
    let next = Policy::new(next).map_err(|refusal| Failure::new(&refusal).remedy(refusal.remedy()))?;
    let refused = |refusal| Failure::refused(&args.output, &refusal);
    let mut signed = draft_policy(&next).map_err(refused)?;
    for path in &args.keys {
        signed = add_signature(&signed, &files::read_signing_key(path)?).map_err(refused)?;
    }
    files::create(&args.output, &signed, 0o644)?;
    print_policy(&next);
    print_changes(&old, &next);
    println!("written      {}", args.output.display());
    if missing(&[&old, &next], &signed)? {
        println!("then         vdl policy publish; until then vdl policy cancel ends it for good");
        return Ok(());
    }
    servers::publish(&args.connection, &signed)
}

/// Prints who has to sign yet; whether there is anybody.
pub fn missing(signers: &[&Policy], signed: &[u8]) -> Result<bool, Failure> {
    let mut missing = false;
    for policy in signers {
        for (name, key) in policy.approvers() {
            if !is_signed_by(signed, key).map_err(|refusal| Failure::new(&refusal))? {
                println!("MISSING      {name} of version {}  {}", policy.version(), key.fingerprint());
                missing = true;
            }
        }
    }
    Ok(missing)
}

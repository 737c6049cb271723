//! `vdl verify F`: who signed, who is missing, and does it hold. For approved scripts, for policies and for
//! revocations; needs no server.

use std::path::PathBuf;
use std::process::ExitCode;

use vdl_authorize::{
    Policy, Refusal, Revocation, Revocations, Unverified, VerifyingKey, is_signed_by, read_envelope,
    read_policy, read_revocation, verify_envelope,
};
use vdl_command::{Digest, Tree};

use crate::clock;
use crate::explain::print_terms;
use crate::failure::Failure;
use crate::files;
use crate::policy::print_policy;

#[derive(clap::Args)]
pub struct Args {
    /// An approved script, a policy that is to follow another, or a revocation
    #[arg(value_name = "F")]
    file: PathBuf,
    /// Verification key of each approver, where the servers' configuration just lists them
    #[arg(long = "approver", value_name = "A.pk", required_unless_present = "policy")]
    approvers: Vec<PathBuf>,
    /// The policy that the servers follow; for a policy, the one before
    #[arg(long, value_name = "POLICY", conflicts_with = "approvers")]
    policy: Option<PathBuf>,
    /// What was revoked; repeat for each
    #[arg(long = "revocations", value_name = "F.revocation")]
    revocations: Vec<PathBuf>,
    /// The environment it must be for [default: the one it names, or the policy's]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// As if it were this second, or the first one of this day, in UTC [default: now]
    #[arg(long, value_name = "DATE", value_parser = clock::read_moment)]
    at: Option<i64>,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

/// What is in the file, believed by nobody yet.
enum Content {
    Approval(Unverified),
    Policy(Policy),
    Revocation(Revocation),
}

/// Somebody whose signature counts, and whether it is there.
struct Signer {
    label: String,
    key: VerifyingKey,
    signed: bool,
    revoked: bool,
}

/// Ends with 0 where it holds, with 1 where not.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let bytes = files::read(&args.file)?;
    let content = Content::read(&bytes).map_err(|refusal| Failure::refused(&args.file, &refusal))?;
    let policy = rules(args, content.environment())?;
    let mut revocations = Revocations::default();
    for path in &args.revocations {
        let added = revocations.add(&files::read(path)?, &[&policy]);
        added.map_err(|refusal| Failure::refused(path, &refusal))?;
    }
    let signers = signers(args, &bytes, &content, &policy, &revocations)?;
    let verdict = content.judge(&bytes, &policy, &revocations, args.at.unwrap_or_else(clock::now));
    match args.json {
        true => {
            println!("{}", as_json(&content, &signers, &verdict)?.pretty());
            Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        false => report(args, &content, &signers, &policy, verdict),
    }
}

fn rules(args: &Args, environment: &str) -> Result<Policy, Failure> {
    let Some(path) = &args.policy else {
        let keys = args.approvers.iter().map(|path| files::read_verifying_key(path));
        let environment = args.environment.as_deref().unwrap_or(environment);
        let policy = Policy::pinned(&keys.collect::<Result<Vec<_>, _>>()?, environment);
        return policy.map_err(|refusal| Failure::refused(&args.file, &refusal));
    };
    let policy = files::read_policy(path)?;
    match &args.environment {
        Some(environment) if environment != policy.environment() => {
            Err(Failure::of_file(path, "the policy is for another environment than --environment says"))
        }
        _ => Ok(policy),
    }
}

/// In the order in which they were given; of a new policy, its own approvers too.
fn signers(
    args: &Args,
    bytes: &[u8],
    content: &Content,
    policy: &Policy,
    revocations: &Revocations,
) -> Result<Vec<Signer>, Failure> {
    let mut listed: Vec<(String, VerifyingKey)> = Vec::new();
    for path in &args.approvers {
        listed.push((path.display().to_string(), files::read_verifying_key(path)?));
    }
    if args.policy.is_some() {
        listed.extend(policy.approvers().map(|(name, key)| (name.to_owned(), key.clone())));
    }
    if let Content::Policy(next) = content {
        let new = next.approvers().filter(|(_, key)| policy.approvers().all(|(_, old)| old != *key));
        listed.extend(new.map(|(name, key)| (name.to_owned(), key.clone())));
    }
    let signer = |(label, key): (String, VerifyingKey)| {
        let signed = is_signed_by(bytes, &key).map_err(|refusal| Failure::refused(&args.file, &refusal))?;
        let revoked = revocations.approver(&key);
        Ok(Signer { label, key, signed, revoked })
    };
    listed.into_iter().map(signer).collect()
}

impl Content {
    fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        match read_envelope(bytes) {
            Err(Refusal::PayloadType) => {}
            read => return read.map(Content::Approval),
        }
        match read_policy(bytes) {
            Err(Refusal::PayloadType) => read_revocation(bytes).map(Content::Revocation),
            read => read.map(Content::Policy),
        }
    }

    fn environment(&self) -> &str {
        match self {
            Content::Approval(file) => &file.statement.environment,
            Content::Policy(policy) => policy.environment(),
            Content::Revocation(revocation) => &revocation.environment,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Content::Approval(_) => "approval",
            Content::Policy(_) => "policy",
            Content::Revocation(_) => "revocation",
        }
    }

    fn digest(&self) -> Result<Digest, Refusal> {
        match self {
            Content::Approval(file) => Ok(file.digest),
            Content::Policy(policy) => Ok(policy.digest()),
            Content::Revocation(revocation) => revocation.digest(),
        }
    }

    fn judge(
        &self,
        bytes: &[u8],
        policy: &Policy,
        revocations: &Revocations,
        now: i64,
    ) -> Result<(), Refusal> {
        match self {
            Content::Approval(_) => verify_envelope(bytes, policy, revocations, now).map(drop),
            Content::Policy(_) => policy.succeed(bytes, revocations, now).map(drop),
            Content::Revocation(_) => Revocations::default().add(bytes, &[policy]).map(drop),
        }
    }

    fn print(&self) {
        match self {
            Content::Approval(file) => print_terms(file),
            Content::Policy(policy) => print_policy(policy),
            Content::Revocation(revocation) => {
                println!("environment  {}", files::printable_line(&revocation.environment));
                println!("revokes      {}", revocation.revokes);
                if let Some(reason) = &revocation.reason {
                    println!("reason       {}", files::printable_line(reason));
                }
            }
        }
    }
}

fn report(
    args: &Args,
    content: &Content,
    signers: &[Signer],
    policy: &Policy,
    verdict: Result<(), Refusal>,
) -> Result<ExitCode, Failure> {
    let refused = |refusal: Refusal| Failure::refused(&args.file, &refusal);
    content.print();
    println!();
    for Signer { label, key, signed, revoked } in signers {
        let word = match (revoked, signed) {
            (true, _) => "REVOKED",
            (_, true) => "signed",
            (_, false) => "MISSING",
        };
        println!("{word:<8} {}  {label}", key.fingerprint());
    }
    if let Err(refusal) = verdict {
        if signers.iter().all(|signer| signer.signed && !signer.revoked) {
            println!("signed by all, and still not to be used");
        }
        return Err(refused(refusal));
    }
    match (content, &args.policy) {
        (Content::Approval(file), None) => println!("approved by all {}: {}", signers.len(), file.digest),
        (Content::Approval(file), Some(_)) => {
            println!(
                "approved by {}, policy version {}: {}",
                policy.rule_in_words(),
                policy.version(),
                file.digest
            );
        }
        (Content::Policy(next), _) => println!("follows version {}: {}", policy.version(), next.digest()),
        (Content::Revocation(it), _) => println!("revoked by an approver: {}", it.digest().map_err(refused)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(content: &Content, signers: &[Signer], verdict: &Result<(), Refusal>) -> Result<Tree, Failure> {
    let text = |text: &str| Tree::Text(text.to_owned());
    let labels = |there: bool| {
        let those = signers.iter().filter(|signer| (signer.signed && !signer.revoked) == there);
        Tree::List(those.map(|signer| text(&signer.label)).collect())
    };
    let digest = content.digest().map_err(|refusal| Failure::new(&refusal))?;
    let (code, message) = match verdict {
        Ok(()) => ("ok", String::new()),
        Err(refusal) => (refusal.code(), refusal.to_string()),
    };
    let entries = [
        ("format", text("vdl-verdict/1")),
        ("kind", text(content.kind())),
        ("digest", text(&digest.to_string())),
        ("verdict", text(code)),
        ("message", text(&message)),
        ("signed", labels(true)),
        ("missing", labels(false)),
    ];
    Ok(Tree::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

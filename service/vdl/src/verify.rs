//! `vdl verify F.approved --approver A.pk...`: who signed, who is missing, and does it hold today.

use std::path::PathBuf;
use std::process::ExitCode;

use vdl_authorize::{Policy, Refusal, Revocations, read_envelope, verify_envelope};

use crate::clock;
use crate::explain::print_terms;
use crate::failure::Failure;
use crate::files;

#[derive(clap::Args)]
pub struct Args {
    /// The approved script
    #[arg(value_name = "F.approved")]
    approved: PathBuf,
    /// Verification key of each approver that the servers are configured with
    #[arg(long = "approver", value_name = "A.pk", required = true)]
    approvers: Vec<PathBuf>,
    /// The environment it must be for [default: the one it names]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

/// Ends with 0 where every approver signed and it holds now, with 1 where not.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let bytes = files::read(&args.approved)?;
    let file = read_envelope(&bytes).map_err(|refusal| Failure::refused(&args.approved, &refusal))?;
    let approvers =
        args.approvers.iter().map(|path| files::read_verifying_key(path)).collect::<Result<Vec<_>, _>>()?;
    let environment = args.environment.as_deref().unwrap_or(&file.statement.environment);
    let now = clock::now();

    print_terms(&file);
    println!();
    let mut signed = 0;
    for (path, approver) in args.approvers.iter().zip(&approvers) {
        // The approver's own signature, apart from everything else that may be wrong.
        let alone = Policy::pinned(std::slice::from_ref(approver), environment)
            .and_then(|policy| verify_envelope(&bytes, &policy, &Revocations::default(), now));
        let missing = matches!(alone, Err(Refusal::RuleUnmet { .. }));
        signed += usize::from(!missing);
        let verdict = if missing { "MISSING" } else { "signed" };
        println!("{verdict:<8} {}  {}", approver.fingerprint(), path.display());
    }
    let verdict = Policy::pinned(&approvers, environment)
        .and_then(|policy| verify_envelope(&bytes, &policy, &Revocations::default(), now));
    match verdict {
        Ok(approval) => {
            println!("approved by all {}: {}", approvers.len(), approval.digest());
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            if signed == approvers.len() {
                println!("signed by all, and still not to be used");
            }
            Err(Failure::refused(&args.approved, &refusal))
        }
    }
}

//! `vdl`: keys, approvals and servers on the command line. Arguments are read and results printed
//! here; what they mean is decided in the crates below.

mod approve;
mod audit;
mod bench;
mod ceremony;
mod clock;
mod diff;
mod explain;
mod failure;
mod files;
mod keygen;
mod node;
mod policy;
mod portal;
mod revoke;
mod sample;
mod servers;
mod template;
mod up;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Keeps freed memory for the next column: taking pages from the system costs more than most protocols.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compute on tables that nobody may see: three servers, one approved answer.
#[derive(Parser)]
#[command(name = "vdl", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start three servers on this machine, with everything they need made on the spot
    Up(up::Args),
    /// Run one of the three servers
    Node(node::Args),
    /// Run the web application
    Portal(portal::Args),
    /// Make a key pair for an approver, an analyst or a data provider
    Keygen(keygen::Args),
    /// Show what a script does and opens, then sign it; adds a signature to an approved file
    Approve(approve::Args),
    /// Check who signed an approval, a policy or a revocation; ends with 0 if it holds, with 1 if not
    Verify(verify::Args),
    /// Say whose signatures it takes, and change that
    Policy(policy::Args),
    /// Take back an approval, or the trust in a key
    Revoke(revoke::Args),
    /// Tell in plain words what each step does and what it opens
    Explain(explain::Args),
    /// Tell what changed between two scripts; ends with 0 if nothing, with 3 if something did
    Diff(diff::Args),
    /// Check or read the audit logs of servers
    Audit(audit::Args),
    /// Print a ready-made authorization, to be approved
    Template(template::Args),
    /// Measure the protocols between three processes on this machine
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(command: &Command) -> Result<ExitCode, Failure> {
    let done = match command {
        Command::Up(args) => up::run(args),
        Command::Node(args) => node::run(args).map_err(Failure::new),
        Command::Portal(args) => portal::run(args).map_err(Failure::new),
        Command::Keygen(args) => keygen::run(args),
        Command::Approve(args) => approve::run(args),
        Command::Verify(args) => return verify::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Revoke(args) => revoke::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Diff(args) => return diff::run(args),
        Command::Audit(args) => return audit::run(args),
        Command::Template(args) => template::run(args),
        Command::Bench(args) => bench::run(args),
    };
    done.map(|()| ExitCode::SUCCESS)
}

//! `vdl`: keys, approvals and servers on the command line. Arguments are read and printed here;
//! what they mean is decided in the crates below.

mod failure;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Compute on tables that nobody may see: three servers, one approved answer.
#[derive(Parser)]
#[command(name = "vdl", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {}
}

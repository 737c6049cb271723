//! `vdl`: the command line.

mod node;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "vdl", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start three servers on this machine and everything they need
    Up(up::Args),
    /// Run one of the three servers
    Node(node::Args),
}

fn main() -> ExitCode {
    let done = match &Cli::parse().command {
        Command::Up(args) => up::run(args),
        Command::Node(args) => node::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

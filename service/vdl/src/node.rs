//! `vdl node`: one of the three servers.

use std::io::Write;
use std::path::PathBuf;

use vdl_node::NodeError;

#[derive(clap::Args)]
pub struct Args {
    /// The node's configuration, node.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Stop when standard input ends, which is how a node started by `vdl up` notices its end
    #[arg(long)]
    stop_at_end_of_input: bool,
}

/// What a node prints once it can reach both others.
pub const READY: &str = "ready";

pub fn run(args: &Args) -> Result<(), NodeError> {
    vdl_node::server::serve(&args.config, args.stop_at_end_of_input, || {
        // Whoever is not listening does not need to know.
        let _ = writeln!(std::io::stdout(), "{READY}");
        let _ = std::io::stdout().flush();
    })
}

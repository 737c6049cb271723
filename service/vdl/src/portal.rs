//! `vdl portal`: the web application.

use std::io::Write;
use std::path::PathBuf;

use vdl_portal::{FirstLink, PortalError};

#[derive(clap::Args)]
pub struct Args {
    /// The portal's configuration, portal.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Stop when standard input ends, which is how a portal started by another program notices its end
    #[arg(long)]
    stop_at_end_of_input: bool,
}

pub fn run(args: &Args) -> Result<(), PortalError> {
    vdl_portal::serve(&args.config, args.stop_at_end_of_input, |origin, links| {
        // Whoever is not listening does not need to know.
        let _ = announce(&mut std::io::stdout().lock(), origin, links);
    })
}

/// The links are told here and nowhere else.
fn announce(output: &mut impl Write, origin: &str, links: &[FirstLink]) -> std::io::Result<()> {
    for FirstLink { project, link } in links {
        writeln!(output, "first administrator of {project}: {link}")?;
    }
    writeln!(output, "ready {origin}")?;
    output.flush()
}

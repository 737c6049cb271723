//! `vdl bench`: how long the protocols take on this machine.

use std::io::Write;
use std::path::PathBuf;

use vdl_node::bench;

use crate::failure::Failure;

#[derive(clap::Args)]
pub struct Args {
    /// What to measure; give one for each (all of them otherwise)
    #[arg(long = "workload", value_name = "NAME", value_delimiter = ',')]
    workloads: Vec<String>,
    /// How many rows; give several to measure at each size (each workload's own size otherwise)
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    rows: Vec<usize>,
    /// How often; the median counts
    #[arg(long, default_value_t = 3, value_name = "TIMES")]
    repeat: usize,
    /// Write the figures to a file too, one object per workload and size
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Emulate a long line between the servers: milliseconds one way
    #[arg(long, default_value_t = 0.0, value_name = "MS")]
    delay: f64,
    /// Emulate a narrow line between the servers: megabits a second, each way between each two
    #[arg(long, value_name = "MBIT")]
    rate: Option<f64>,
    /// One of the three processes, which the command starts itself
    #[arg(long, hide = true)]
    party: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if args.party {
        return bench::serve().map_err(Failure::new);
    }
    let refused = |what: &str| Err(Failure::new(what));
    if args.repeat == 0 || args.rows.contains(&0) {
        return refused("--repeat and --rows are at least 1");
    }
    let sensible = |number: f64| number.is_finite() && (0.0..1e7).contains(&number);
    if !sensible(args.delay) || args.rate.is_some_and(|rate| !sensible(rate) || rate == 0.0) {
        return refused("--delay is a number of milliseconds, --rate one of megabits a second");
    }
    let program = std::env::current_exe().map_err(Failure::new)?;
    let options = bench::Options {
        program: (program, vec!["bench".into(), "--party".into()]),
        workloads: args.workloads.clone(),
        rows: args.rows.clone(),
        repeat: args.repeat,
        delay_ms: args.delay,
        rate_mbit: args.rate,
    };
    // Whoever is not listening does not need to know.
    let tell = |line: &str| drop(writeln!(std::io::stdout(), "{line}"));
    let rows = bench::run(&options, tell).map_err(Failure::new)?;
    let Some(path) = &args.json else { return Ok(()) };
    bench::write(path, &rows).map_err(|error| Failure::of_file(path, error))
}

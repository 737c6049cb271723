//! `vdl template any-upload`: ready-made authorizations, unsigned.

use clap::ValueEnum;
use vdl_command::Rules;

use crate::failure::Failure;

#[derive(clap::Args)]
pub struct Args {
    /// Which authorization to print
    #[arg(value_enum)]
    template: Template,
    /// Guarded uploads: so many of their rows are behind every opened value
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..))]
    min_rows: u64,
    /// Guarded uploads: a column that serves for joining only; may be given several times
    #[arg(long, value_name = "COLUMN")]
    join_only: Vec<String>,
    /// Guarded uploads: counts are told as multiples of N only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1000))]
    round_counts: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Template {
    /// Uploads of any structure, without a name or rules, in any number
    AnyUpload,
    /// Uploads of any structure with the rules given here, in any number
    GuardedUpload,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let script = match args.template {
        Template::AnyUpload => vdl_authorize::template_any_upload(),
        Template::GuardedUpload => {
            let (join_only, round_counts) = (args.join_only.clone(), args.round_counts);
            let asked = Rules { min_rows: Some(args.min_rows), join_only, round_counts };
            // Written out as the servers understand it.
            let min_rows = asked.fewest();
            vdl_authorize::template_guarded_upload(Rules { min_rows, ..asked })
        }
    };
    print!("{}", vdl_command::write_script(&script).map_err(Failure::new)?);
    Ok(())
}

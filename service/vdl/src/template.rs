//! `vdl template any-upload`: ready-made authorizations, unsigned.

use clap::ValueEnum;

use crate::failure::Failure;

#[derive(clap::Args)]
pub struct Args {
    /// Which authorization to print
    #[arg(value_enum)]
    template: Template,
}

#[derive(Clone, Copy, ValueEnum)]
enum Template {
    /// Uploads of any structure, without a name, in any number
    AnyUpload,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let script = match args.template {
        Template::AnyUpload => vdl_authorize::template_any_upload(),
    };
    print!("{}", vdl_command::write_script(&script).map_err(Failure::new)?);
    Ok(())
}

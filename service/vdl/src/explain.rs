//! `vdl explain F`: what a script does and what it opens, in plain words.

use std::path::PathBuf;

use vdl_authorize::{Unverified, VerifyingKey, is_envelope, read_envelope};
use vdl_command::{Script, explain_script};

use crate::clock::moment;
use crate::failure::Failure;
use crate::files::{self, printable, printable_line};

#[derive(clap::Args)]
pub struct Args {
    /// A script, or an approved file
    #[arg(value_name = "F")]
    file: PathBuf,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let bytes = files::read(&args.file)?;
    if !is_envelope(&bytes) {
        let script = vdl_command::read_script(&bytes).map_err(|e| Failure::of_file(&args.file, e))?;
        print_script(&script);
        return Ok(());
    }
    let file = read_envelope(&bytes).map_err(|refusal| Failure::refused(&args.file, &refusal))?;
    print_script(&file.statement.script);
    println!();
    print_terms(&file);
    println!("signatures   {}, not checked here: vdl verify", file.signatures);
    Ok(())
}

pub fn print_script(script: &Script) {
    print!("{}", printable(&explain_script(script)));
}

/// For whom, where, from when until when, how often; and the digest that names exactly this.
pub fn print_terms(file: &Unverified) {
    let terms = &file.statement;
    let analyst = VerifyingKey::from_base64(&terms.analyst).map(|key| key.fingerprint());
    println!("approval     {}", file.digest);
    println!("script       {}", printable_line(terms.script.name.as_deref().unwrap_or("(without a name)")));
    println!("analyst      {}", analyst.unwrap_or_else(|error| error.to_string()));
    println!("environment  {}", printable_line(&terms.environment));
    println!("holds from   {}", moment(terms.not_before));
    println!("until        {}", terms.expires.map_or_else(|| "(for ever)".to_owned(), moment));
    match terms.max_runs {
        Some(1) => println!("runs         once"),
        Some(most) => println!("runs         {most} times at most"),
        None => println!("runs         as often as the analyst likes"),
    }
    if let Some(purpose) = &terms.purpose {
        println!("purpose      {}", printable_line(purpose));
    }
    for table in terms.tables.iter().flatten() {
        println!("table        {table}");
    }
    for rule in &terms.names {
        println!("name         {}", printable_line(&rule.to_string()));
    }
    if terms.policy_version > 1 {
        println!("policy       version {}", terms.policy_version);
    }
}

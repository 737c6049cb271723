//! `vdl diff A B`: what changed between two scripts, step by step.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use vdl_authorize::{is_envelope, read_envelope};
use vdl_command::{
    FieldDiff, Script, ScriptDiff, StepDiff, diff_scripts, diff_values, read_script, sentence,
};

use crate::failure::Failure;
use crate::files::{self, print_json, printable_line};

/// Both say different things; neither 0, nor 1 as for a failure, nor 2 as for wrong usage.
const DIFFERENT: u8 = 3;

#[derive(clap::Args)]
pub struct Args {
    /// A script, or an approved file
    #[arg(value_name = "A")]
    left: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    right: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    format: &'static str,
    same: bool,
    /// Of two approved files: for whom, where, from when until when, how often.
    terms: Vec<FieldDiff>,
    #[serde(flatten)]
    script: ScriptDiff,
}

/// Ends with 0 where both say the same, with 3 where not.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (left, right) = (File::read(&args.left)?, File::read(&args.right)?);
    let script = diff_scripts(&left.script, &right.script);
    let terms = match (&left.terms, &right.terms) {
        (Some(left), Some(right)) => diff_values(left, right),
        _ => Vec::new(),
    };
    let same = script.is_empty() && terms.is_empty();
    match args.json {
        true => print_json(&Document { format: "vdl-diff/1", same, terms, script })?,
        false => {
            print_fields("terms", &terms);
            print_fields("script", &script.fields);
            script.steps.iter().for_each(|step| print_step(step, &left.script, &right.script));
        }
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

/// A script, and of an approved file its terms.
pub struct File {
    pub script: Script,
    terms: Option<vdl_authorize::Statement>,
}

impl File {
    pub fn read(path: &std::path::Path) -> Result<Self, Failure> {
        let bytes = files::read(path)?;
        if !is_envelope(&bytes) {
            let script = read_script(&bytes).map_err(|error| Failure::of_file(path, error))?;
            return Ok(Self { script, terms: None });
        }
        let file = read_envelope(&bytes).map_err(|refusal| Failure::refused(path, &refusal))?;
        let mut terms = file.statement;
        let script = terms.script.clone();
        // Compared by itself, step by step.
        terms.script = Script::new(None, Vec::new());
        Ok(Self { script, terms: Some(terms) })
    }
}

fn print_fields(what: &str, fields: &[FieldDiff]) {
    if !fields.is_empty() {
        println!("{what} changed");
        fields.iter().for_each(print_field);
    }
}

pub fn print_field(field: &FieldDiff) {
    let side = |text: &Option<String>| text.as_deref().map_or("(nothing)".to_owned(), printable_line);
    println!("  {}   {}  ->  {}", printable_line(&field.path), side(&field.left), side(&field.right));
}

fn print_step(step: &StepDiff, left: &Script, right: &Script) {
    let said = |script: &Script, number: usize| {
        let step = number.checked_sub(1).and_then(|at| script.steps.get(at));
        step.map(|step| printable_line(&sentence(&step.command))).unwrap_or_default()
    };
    match step {
        StepDiff::Same { .. } => {}
        StepDiff::Changed { left: mine, right: theirs, fields } => {
            println!("step {mine} = step {theirs}   changed   {}", said(right, *theirs));
            fields.iter().for_each(print_field);
        }
        StepDiff::Removed { left: mine } => println!("step {mine}   removed   {}", said(left, *mine)),
        StepDiff::Added { right: theirs } => println!("step {theirs}   added   {}", said(right, *theirs)),
    }
}

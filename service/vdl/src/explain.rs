//! `vdl explain F`: what a script does and what it opens, in plain words or for a program.

use std::path::{Path, PathBuf};

use serde::Serialize;
use vdl_authorize::{NameRule, Statement, Unverified, VerifyingKey, is_envelope, read_envelope};
use vdl_command::{
    Digest, Handle, Report, Risk, RiskCode, Script, ScriptDiff, StepDiff, explain_script, near_identical,
    report, sort_risks,
};

use crate::clock::moment;
use crate::diff::{File, print_field};
use crate::failure::Failure;
use crate::files::{self, print_json, printable, printable_line};

#[derive(clap::Args)]
pub struct Args {
    /// A script, or an approved file
    #[arg(value_name = "F")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Earlier scripts or approved files: tells which of them asked nearly the same
    #[arg(long, value_name = "OLD", num_args = 1..)]
    against: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    report: Report,
    approval: Option<Terms>,
    similar: Vec<Similar>,
}

/// What an approved file says beside its script.
#[derive(Serialize)]
struct Terms {
    digest: Digest,
    analyst: String,
    environment: String,
    not_before: i64,
    expires: Option<i64>,
    max_runs: Option<u64>,
    purpose: Option<String>,
    tables: Option<Vec<Handle>>,
    names: Vec<NameRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_uses: Option<u64>,
    /// How many came; nobody has checked them here.
    signatures: usize,
}

/// An earlier script that asked nearly the same, and where they differ.
#[derive(Serialize)]
struct Similar {
    file: PathBuf,
    steps: Vec<StepDiff>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let bytes = files::read(&args.file)?;
    let (script, approved) = match is_envelope(&bytes) {
        false => {
            (vdl_command::read_script(&bytes).map_err(|error| Failure::of_file(&args.file, error))?, None)
        }
        true => {
            let file = read_envelope(&bytes).map_err(|refusal| Failure::refused(&args.file, &refusal))?;
            (file.statement.script.clone(), Some(file))
        }
    };
    let similar = find_similar(&script, &args.against)?;
    match args.json {
        true => print_json(&document(&script, approved.as_ref(), similar)),
        false => {
            print_script(&script);
            similar.iter().for_each(Similar::print);
            if let Some(file) = approved {
                println!();
                print_terms(&file);
                println!("signatures   {}, not checked here: vdl verify", file.signatures);
            }
            Ok(())
        }
    }
}

fn document(script: &Script, approved: Option<&Unverified>, similar: Vec<Similar>) -> Document {
    let mut report = report(script);
    report.risks.extend(approved.into_iter().flat_map(|file| about_terms(&file.statement)));
    report.risks.extend(similar.iter().map(Similar::risk));
    sort_risks(&mut report.risks);
    let terms = |file: &Unverified| Terms {
        digest: file.digest,
        analyst: fingerprint(&file.statement),
        environment: file.statement.environment.clone(),
        not_before: file.statement.not_before,
        expires: file.statement.expires,
        max_runs: file.statement.max_runs,
        purpose: file.statement.purpose.clone(),
        tables: file.statement.tables.clone(),
        names: file.statement.names.clone(),
        max_uses: file.statement.max_uses,
        signatures: file.signatures,
    };
    Document { report, approval: approved.map(terms), similar }
}

fn about_terms(terms: &Statement) -> Vec<Risk> {
    let mut risks = Vec::new();
    for rule in terms.names.iter().filter(|rule| rule.may_change) {
        let text = format!("The name {:?} may stand for another table in every run.", rule.name);
        risks.push(Risk::new(RiskCode::NameMayChange, None, text));
    }
    if terms.max_runs.is_none() {
        let text = "The analyst may run it again whenever the data has changed, and compare the results.";
        risks.push(Risk::new(RiskCode::NoRunLimit, None, text));
    }
    if terms.expires.is_none() {
        risks.push(Risk::new(RiskCode::NoEnd, None, "The approval never ends."));
    }
    risks
}

fn find_similar(script: &Script, earlier: &[PathBuf]) -> Result<Vec<Similar>, Failure> {
    let mut similar = Vec::new();
    for path in earlier {
        let old = File::read(path)?.script;
        if let Some(ScriptDiff { steps, .. }) = near_identical(&old, script) {
            let changed = steps.into_iter().filter(|step| matches!(step, StepDiff::Changed { .. }));
            similar.push(Similar { file: path.clone(), steps: changed.collect() });
        }
    }
    Ok(similar)
}

impl Similar {
    fn text(&self) -> String {
        format!(
            "{} asks nearly the same: what lies between its result and this one can be the value of a \
             single row.",
            name(&self.file)
        )
    }

    fn risk(&self) -> Risk {
        Risk::new(RiskCode::NearIdentical, None, self.text())
    }

    fn print(&self) {
        println!("\n! {}", self.text());
        for step in &self.steps {
            if let StepDiff::Changed { right, fields, .. } = step {
                println!("  step {right}");
                fields.iter().for_each(print_field);
            }
        }
    }
}

fn name(path: &Path) -> String {
    printable_line(&path.display().to_string())
}

pub fn print_script(script: &Script) {
    print!("{}", printable(&explain_script(script)));
}

fn fingerprint(terms: &Statement) -> String {
    let key = VerifyingKey::from_base64(&terms.analyst);
    key.map_or_else(|error| error.to_string(), |key| key.fingerprint())
}

/// For whom, where, from when until when, how often; and the digest that names exactly this.
pub fn print_terms(file: &Unverified) {
    let terms = &file.statement;
    println!("approval     {}", file.digest);
    println!("script       {}", printable_line(terms.script.name.as_deref().unwrap_or("(without a name)")));
    println!("analyst      {}", fingerprint(terms));
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
    if let Some(most) = terms.max_uses {
        println!("uses         {most} commands at most, in all runs together");
    }
    if terms.policy_version > 1 {
        println!("policy       version {}", terms.policy_version);
    }
}

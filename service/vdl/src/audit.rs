//! `vdl audit`: the logs of the servers, checked against themselves and each other, or read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use vdl_authorize::audit::{Event, Finding, Log, compare_logs, read_log};
use vdl_authorize::read_envelope;
use vdl_command::Digest;

use crate::clock::moment;
use crate::failure::Failure;
use crate::files::{self, print_json, printable_line};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Check that nothing was altered or taken out; ends with 0 if so, with 1 if not
    Verify(VerifyArgs),
    /// Tell in plain words what a server let run and what it refused
    Show(ShowArgs),
}

#[derive(clap::Args)]
struct VerifyArgs {
    /// The logs of one, two or all three servers; together they know of each other's ends
    #[arg(value_name = "LOG", required = true, num_args = 1..=3)]
    logs: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct ShowArgs {
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// Only what belongs to one approval: an approved file, or the digest of one
    #[arg(long, value_name = "F|DIGEST")]
    approval: Option<String>,
}

pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.verb {
        Verb::Verify(args) => verify(args),
        Verb::Show(args) => show(args).map(|()| ExitCode::SUCCESS),
    }
}

#[derive(Serialize)]
struct Verdicts {
    format: &'static str,
    logs: Vec<Verdict>,
}

/// What is to be said about one log.
#[derive(Serialize)]
struct Verdict {
    file: PathBuf,
    server: Option<u8>,
    entries: usize,
    /// By which other server, and up to which entry.
    countersigned: BTreeMap<u8, u64>,
    findings: Vec<Finding>,
}

fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let mut logs: Vec<Log> = Vec::new();
    let mut verdicts: Vec<Verdict> = Vec::new();
    for path in &args.logs {
        let (log, findings) = read(path)?;
        check_belongs(path, &log, &logs)?;
        let signed = [0, 1, 2].into_iter().filter_map(|by| Some((by, log.witnessed_by(by)?)));
        let (server, entries) = (log.node, log.entries.len());
        let countersigned = signed.collect();
        verdicts.push(Verdict { file: path.clone(), server, entries, countersigned, findings });
        logs.push(log);
    }
    for (at, finding) in compare_logs(&logs) {
        if let Some(verdict) = verdicts.get_mut(at) {
            verdict.findings.push(finding);
        }
    }
    let whole = verdicts.iter().all(|verdict| verdict.findings.is_empty());
    match args.json {
        true => print_json(&Verdicts { format: "vdl-audit/1", logs: verdicts })?,
        false => verdicts.iter().for_each(Verdict::print),
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Logs of one cluster, each once: only such say anything about each other.
fn check_belongs(path: &Path, log: &Log, earlier: &[Log]) -> Result<(), Failure> {
    let Some(node) = log.node else {
        return Err(Failure::of_file(path, "no entry in it says whose log it is")
            .remedy("give the file audit.log of a server's folder, or a copy of it"));
    };
    for other in earlier {
        if other.node == log.node {
            let what = format!("this is a log of server {node}, and so is one before it");
            return Err(Failure::of_file(path, what).remedy("give one log of each server"));
        }
        if other.environment != log.environment {
            return Err(Failure::of_file(path, "this is the log of another environment")
                .remedy("give logs of the same three servers"));
        }
    }
    Ok(())
}

impl Verdict {
    fn print(&self) {
        let name =
            self.server.map_or_else(|| self.file.display().to_string(), |node| format!("server {node}"));
        let signed: Vec<String> =
            self.countersigned.iter().map(|(by, upto)| format!("by server {by} up to {upto}")).collect();
        let signed = match signed.is_empty() {
            true => "countersigned by nobody yet".to_owned(),
            false => format!("countersigned {}", signed.join(", ")),
        };
        let entries = if self.entries == 1 { "entry" } else { "entries" };
        let whole = if self.findings.is_empty() { "whole" } else { "NOT WHOLE" };
        println!("{name}: {} {entries}, {whole}; {signed}", self.entries);
        for finding in &self.findings {
            println!("{name}: {finding}");
        }
    }
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let wanted = args.approval.as_deref().map(read_approval).transpose()?;
    let (log, findings) = read(&args.log)?;
    let mut jobs = BTreeSet::new();
    for found in &log.entries {
        let event = &found.entry.event;
        if let (Some(wanted), Event::Step { approval, job, .. }) = (wanted, event)
            && *approval == wanted
        {
            jobs.insert(*job);
        }
        let belongs = match event {
            Event::Done { job, .. } => jobs.contains(job),
            other => other.approval() == wanted,
        };
        if wanted.is_none() || belongs {
            let time = moment(found.entry.time);
            println!("{:>6}  {time}  {}", found.entry.sequence, printable_line(&event.to_string()));
        }
    }
    match findings.is_empty() {
        true => Ok(()),
        false => Err(Failure::of_file(&args.log, "this is not the whole log as it was written")
            .remedy("`vdl audit verify` says what does not fit")),
    }
}

fn read_approval(text: &str) -> Result<Digest, Failure> {
    if let Ok(digest) = text.parse() {
        return Ok(digest);
    }
    let path = Path::new(text);
    let file = read_envelope(&files::read(path)?).map_err(|refusal| Failure::refused(path, &refusal))?;
    Ok(file.digest)
}

/// A log has no limit: it grows as long as the server lives.
fn read(path: &Path) -> Result<(Log, Vec<Finding>), Failure> {
    fs::read(path).map(|bytes| read_log(&bytes)).map_err(|error| Failure::of_file(path, error))
}

//! `vdl approve`: shows what will happen, then signs exactly that.

use std::path::{Path, PathBuf};

use vdl_authorize::{NameRule, Statement, Terms, add_signature, approve_script, is_envelope, read_envelope};
use vdl_command::{DEFAULT_ENVIRONMENT, Handle, Nonce, Script, Slot, TableRef};

use crate::clock::{self, DAY};
use crate::explain::{print_script, print_terms};
use crate::failure::Failure;
use crate::files;

/// How long an approval holds where nobody says otherwise.
const DEFAULT_DAYS: i64 = 90;

#[derive(clap::Args)]
pub struct Args {
    /// A script to be approved, or an approved file that lacks your signature
    #[arg(value_name = "SCRIPT.json | F.approved")]
    file: PathBuf,
    /// Your signing key
    #[arg(long, value_name = "A.sk")]
    key: PathBuf,
    /// Verification key of the analyst who may run it and see what it opens
    #[arg(long, value_name = "P.pk")]
    analyst: Option<PathBuf>,
    /// Where to write [default: SCRIPT.approved; an approved file is replaced]
    #[arg(long, value_name = "F.approved")]
    output: Option<PathBuf>,
    /// The environment whose servers accept it [default: production]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The first day on which it holds, in UTC [default: today]
    #[arg(long, value_name = "DATE", value_parser = clock::read_first_second)]
    not_before: Option<i64>,
    /// The last day on which it holds, in UTC [default: 90 days after the first]
    #[arg(long, value_name = "DATE", value_parser = clock::read_last_second)]
    expires: Option<i64>,
    /// How many times it may be run [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_runs: Option<u64>,
    /// What it is for, in your words
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// A table it may take by its handle, no others then; repeat for each
    #[arg(long = "table", value_name = "HANDLE")]
    tables: Vec<Handle>,
    /// A name it may use, for one table: the one given, or the one that has it at the first use. Should it
    /// mean another later, the approval ends for good; repeat for each
    #[arg(long = "name", value_name = "NAME[=HANDLE]", value_parser = read_name)]
    names: Vec<NameRule>,
    /// A name it may use for whichever table has it at the time; repeat for each
    #[arg(long = "name-may-change", value_name = "NAME", value_parser = read_changing)]
    changing: Vec<NameRule>,
    /// How many commands may be run, in all runs together; for commands in any order [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_uses: Option<u64>,
    /// The policy of the servers, if it is more than a list of approvers; says the environment too
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

fn read_name(text: &str) -> Result<NameRule, String> {
    // What stands behind a `=` is a handle or a slip of the pen, never part of a name.
    let (name, table) = match text.rsplit_once('=') {
        Some((name, table)) => (name, Some(table.parse()?)),
        None => (text, None),
    };
    Ok(NameRule { name: name.to_owned(), table, may_change: false })
}

fn read_changing(name: &str) -> Result<NameRule, String> {
    Ok(NameRule { name: name.to_owned(), table: None, may_change: true })
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let bytes = files::read(&args.file)?;
    let key = files::read_signing_key(&args.key)?;
    let envelope = if is_envelope(&bytes) {
        let file = read_envelope(&bytes).map_err(|refusal| Failure::refused(&args.file, &refusal))?;
        check_same_terms(args, &file.statement)?;
        print_script(&file.statement.script);
        add_signature(&bytes, &key)
    } else {
        let script = vdl_command::read_script(&bytes).map_err(|error| Failure::of_file(&args.file, error))?;
        let analyst = args.analyst.as_deref().ok_or_else(|| {
            Failure::new("whom is it for?").remedy("give the analyst's verification key with --analyst")
        })?;
        let analyst = files::read_verifying_key(analyst)?;
        check_names(args, &script)?;
        if script.ordered && args.max_uses.is_some() {
            return Err(Failure::new("--max-uses is for authorizations in any order")
                .remedy("limit a script with --max-runs: each of its steps runs once in a run"));
        }
        print_script(&script);
        approve_script(&bytes, &analyst, &terms(args)?, &key)
    };
    let envelope = envelope.map_err(|refusal| Failure::refused(&args.file, &refusal))?;
    let signed = read_envelope(&envelope).map_err(|refusal| Failure::refused(&args.file, &refusal))?;

    let output = write(args, is_envelope(&bytes), &envelope)?;
    println!();
    print_terms(&signed);
    println!("signed by    {} ({})", key.verifying_key().fingerprint(), args.key.display());
    println!("written      {}", output.display());
    Ok(())
}

fn terms(args: &Args) -> Result<Terms, Failure> {
    let now = clock::now();
    // From the first second of today: servers' clocks need not agree with this one to the second.
    let not_before = args.not_before.unwrap_or_else(|| clock::start_of_day(now));
    let expires = args.expires.unwrap_or(clock::start_of_day(not_before) + (DEFAULT_DAYS + 1) * DAY - 1);
    if expires < not_before {
        return Err(Failure::new("the approval would end before it begins"));
    }
    if expires < now {
        return Err(Failure::new("the approval would have expired already"));
    }
    let policy = args.policy.as_deref().map(files::read_policy).transpose()?;
    let environment = match (&args.environment, &policy) {
        (Some(given), Some(policy)) if given != policy.environment() => {
            return Err(Failure::new("the policy is for another environment than --environment says"));
        }
        (Some(given), _) => given.clone(),
        (None, Some(policy)) => policy.environment().to_owned(),
        (None, None) => DEFAULT_ENVIRONMENT.to_owned(),
    };
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| Failure::new(format!("no randomness: {error}")))?;
    Ok(Terms {
        environment,
        not_before,
        expires: Some(expires),
        max_runs: args.max_runs,
        policy_version: policy.map(|policy| policy.version()),
        purpose: args.purpose.clone(),
        tables: (!args.tables.is_empty()).then(|| args.tables.clone()),
        names: names(args),
        max_uses: args.max_uses,
        nonce: Some(Nonce(nonce)),
    })
}

fn names(args: &Args) -> Vec<NameRule> {
    let mut names = [args.names.clone(), args.changing.clone()].concat();
    names.sort_by(|a, b| a.name.cmp(&b.name));
    names
}

/// A name is resolved when the script runs, so the approver says what it may mean.
fn check_names(args: &Args, script: &Script) -> Result<(), Failure> {
    let listed = names(args);
    for (at, step) in script.steps.iter().enumerate() {
        for input in step.command.inputs() {
            let TableRef::Name(Slot::Value(name)) = input else { continue };
            if listed.iter().all(|rule| rule.name != *name) {
                let what = format!("step {} uses the name \"{name}\"", at + 1);
                return Err(Failure::of_file(&args.file, what).remedy(format!(
                    "--name {name}=HANDLE allows it for that table only; --name {name} for the table that \
                     has it at the first use, and ends the approval when it is given to another; \
                     --name-may-change {name} for whichever table has it when the script runs"
                )));
            }
        }
    }
    Ok(())
}

/// The first approver fixed the terms; a flag that says something else is a misunderstanding.
fn check_same_terms(args: &Args, statement: &Statement) -> Result<(), Failure> {
    let differs = |what: &str| {
        Failure::of_file(&args.file, format!("the first approver signed another {what} than you give"))
            .remedy("leave the flag out to sign these terms, or start anew from the script")
    };
    if let Some(analyst) = &args.analyst {
        let given = files::read_verifying_key(analyst)?.to_base64().map_err(Failure::new)?;
        if given != statement.analyst {
            return Err(differs("analyst (--analyst)"));
        }
    }
    if args.environment.as_ref().is_some_and(|given| *given != statement.environment) {
        return Err(differs("environment (--environment)"));
    }
    if let Some(policy) = &args.policy {
        let policy = files::read_policy(policy)?;
        if (policy.version(), policy.environment()) != (statement.policy_version, &*statement.environment) {
            return Err(differs("policy (--policy)"));
        }
    }
    if args.not_before.is_some_and(|given| given != statement.not_before) {
        return Err(differs("first day (--not-before)"));
    }
    if args.expires.is_some_and(|given| Some(given) != statement.expires) {
        return Err(differs("last day (--expires)"));
    }
    if args.max_runs.is_some_and(|given| Some(given) != statement.max_runs) {
        return Err(differs("number of runs (--max-runs)"));
    }
    check_same_limits(args, statement).map_err(differs)
}

/// The rest of it: gives what differs.
fn check_same_limits(args: &Args, statement: &Statement) -> Result<(), &'static str> {
    if args.purpose.is_some() && args.purpose != statement.purpose {
        return Err("purpose (--purpose)");
    }
    let mut tables = args.tables.clone();
    tables.sort_unstable();
    if !tables.is_empty() && statement.tables != Some(tables) {
        return Err("list of tables (--table)");
    }
    let names = names(args);
    if !names.is_empty() && names != statement.names {
        return Err("list of names (--name, --name-may-change)");
    }
    if args.max_uses.is_some() && args.max_uses != statement.max_uses {
        return Err("number of commands (--max-uses)");
    }
    Ok(())
}

/// A new approval never overwrites: the file that is there may hold signatures.
fn write(args: &Args, replaces: bool, envelope: &[u8]) -> Result<PathBuf, Failure> {
    let in_place = |output: &Path| replaces && output == args.file;
    match &args.output {
        Some(output) if !in_place(output) => {
            files::create(output, envelope, 0o644)?;
            Ok(output.clone())
        }
        _ if replaces => {
            files::replace(&args.file, envelope)?;
            Ok(args.file.clone())
        }
        _ => {
            let output = args.file.with_extension("approved");
            files::create(&output, envelope, 0o644).map_err(|failure| {
                failure.remedy(format!(
                    "to add your signature: vdl approve {} ...; to start anew: move it away",
                    output.display()
                ))
            })?;
            Ok(output)
        }
    }
}

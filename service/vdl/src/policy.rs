//! `vdl policy`: whose signatures the servers ask for, and how that changes.

use std::path::{Path, PathBuf};

use vdl_authorize::{
    Approver, Group, POLICY_TYPE, Policy, PolicyStatement, Rule, add_signature, draft_policy,
};
use vdl_command::{DEFAULT_ENVIRONMENT, Tree};

use crate::clock::{self, DAY, moment};
use crate::failure::Failure;
use crate::servers::Source;
use crate::{ceremony, files, servers};

/// How long everybody has to sign the next policy.
const DAYS_TO_SIGN: i64 = 14;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Write a first policy; whoever runs a server names it in node.toml: policy = "policy.json"
    New(New),
    /// Show who approves, how many of them it takes, and until when
    Show(Show),
    /// Write the policy that follows another; everybody of both signs it
    Next(Next),
    /// Show a policy, and sign it
    Sign(Sign),
    /// Give a policy that everybody signed, or a revocation, to the servers
    Publish(ceremony::Publish),
    /// Hand an approver's place over to another key: write, sign with the keys at hand, publish once complete
    Transfer(ceremony::Transfer),
    /// End a change of policy that is not complete, for good
    Cancel(ceremony::Cancel),
}

#[derive(clap::Args)]
struct New {
    /// A name, and that person's verification key; repeat for each
    #[arg(long = "approver", value_name = "NAME=A.pk", required = true, value_parser = read_person)]
    approvers: Vec<Person>,
    #[command(flatten)]
    rule: RuleArgs,
    /// The environment whose servers follow it
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ENVIRONMENT)]
    environment: String,
    /// The last day on which it holds, in UTC [default: no end]
    #[arg(long, value_name = "DATE", value_parser = clock::read_last_second)]
    expires: Option<i64>,
    /// Where to write
    #[arg(long, value_name = "POLICY.json")]
    output: PathBuf,
}

#[derive(clap::Args)]
struct Show {
    /// A policy, signed or not
    #[arg(value_name = "F", required_unless_present = "connection")]
    file: Option<PathBuf>,
    /// What the servers go by, and what was revoked; their connection file
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    connection: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Next {
    #[command(flatten)]
    source: Source,
    /// Somebody new; repeat for each
    #[arg(long = "add", value_name = "NAME=A.pk", value_parser = read_person)]
    added: Vec<Person>,
    /// Somebody who approves no longer; repeat for each
    #[arg(long = "remove", value_name = "NAME")]
    removed: Vec<String>,
    /// Another key for somebody; repeat for each
    #[arg(long = "replace", value_name = "NAME=A.pk", value_parser = read_person)]
    replaced: Vec<Person>,
    #[command(flatten)]
    rule: RuleArgs,
    /// The last day on which it holds, in UTC [default: as before]
    #[arg(long, value_name = "DATE", value_parser = clock::read_last_second)]
    expires: Option<i64>,
    /// Let what was approved before go on to hold [default: everything is approved anew]
    #[arg(long)]
    keep_approvals: bool,
    /// The last day on which servers take it over, in UTC [default: in 14 days]
    #[arg(long, value_name = "DATE", value_parser = clock::read_last_second)]
    adopt_before: Option<i64>,
    /// Where to write
    #[arg(long, value_name = "NEXT.policy")]
    output: PathBuf,
}

#[derive(clap::Args)]
struct Sign {
    /// The policy that `vdl policy next` wrote; it is replaced
    #[arg(value_name = "NEXT.policy")]
    file: PathBuf,
    /// Your signing key
    #[arg(long, value_name = "A.sk")]
    key: PathBuf,
    /// The policy that holds now, to see what changes and whose signature is missing
    #[arg(long, value_name = "F", conflicts_with = "connection")]
    from: Option<PathBuf>,
    /// The same, as all three servers say; their connection file
    #[arg(long, value_name = "FILE")]
    connection: Option<PathBuf>,
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct RuleArgs {
    /// Everybody signs
    #[arg(long)]
    all: bool,
    /// So many of them sign
    #[arg(long, value_name = "N")]
    at_least: Option<u32>,
    /// So many of these sign; repeat for each group
    #[arg(long = "group", value_name = "NAME=A,B:N", value_parser = read_group)]
    groups: Vec<Group>,
}

/// A name, and the file of a verification key.
pub type Person = (String, PathBuf);

fn read_person(text: &str) -> Result<Person, String> {
    let (name, key) = text.split_once('=').ok_or("a name and a key file are written alice=alice.pk")?;
    Ok((name.to_owned(), key.into()))
}

fn read_group(text: &str) -> Result<Group, String> {
    let wrong = "a group is written hospitals=alice,bob:1";
    let (name, rest) = text.split_once('=').ok_or(wrong)?;
    let (members, at_least) = rest.rsplit_once(':').ok_or(wrong)?;
    let members = members.split(',').map(str::to_owned).collect();
    Ok(Group { name: name.to_owned(), members, at_least: at_least.parse().map_err(|_| wrong)? })
}

impl RuleArgs {
    fn rule(&self) -> Option<Rule> {
        match (self.all, self.at_least) {
            (true, _) => Some(Rule::All),
            (_, Some(least)) => Some(Rule::AtLeast(least)),
            _ if self.groups.is_empty() => None,
            _ => Some(Rule::Groups(self.groups.clone())),
        }
    }
}

pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.verb {
        Verb::New(args) => new(args),
        Verb::Show(args) => show(args),
        Verb::Next(args) => next(args),
        Verb::Sign(args) => sign(args),
        Verb::Publish(args) => ceremony::publish(args),
        Verb::Transfer(args) => ceremony::transfer(args),
        Verb::Cancel(args) => ceremony::cancel(args),
    }
}

fn new(args: &New) -> Result<(), Failure> {
    let policy = checked(PolicyStatement {
        kind: POLICY_TYPE.to_owned(),
        environment: args.environment.clone(),
        version: 1,
        expires: args.expires,
        adopt_before: None,
        approvers: args.approvers.iter().map(approver).collect::<Result<_, _>>()?,
        rule: args.rule.rule().unwrap_or(Rule::All),
        approvals_since: 1,
    })?;
    let text = Tree::of(policy.statement()).map_err(Failure::new)?.pretty() + "\n";
    files::create(&args.output, text.as_bytes(), 0o644)?;
    print_policy(&policy);
    println!("written      {}", args.output.display());
    Ok(())
}

fn show(args: &Show) -> Result<(), Failure> {
    match (&args.file, &args.connection) {
        (_, Some(connection)) => servers::show(connection)?,
        (Some(file), _) => print_policy(&files::read_policy(file)?),
        _ => return Err(Failure::new("which policy?")),
    }
    Ok(())
}

fn next(args: &Next) -> Result<(), Failure> {
    let old = args.source.policy()?;
    let mut next = succeeding(&old, args.adopt_before, args.keep_approvals);
    next.expires = args.expires.or(next.expires);
    for name in &args.removed {
        next.approvers.remove(place(&next, name)?);
        if let Rule::Groups(groups) = &mut next.rule {
            groups.iter_mut().for_each(|group| group.members.retain(|member| member != name));
        }
    }
    for person in &args.replaced {
        replace(&mut next, person)?;
    }
    for person in &args.added {
        next.approvers.push(approver(person)?);
    }
    if let Some(rule) = args.rule.rule() {
        next.rule = rule;
    }
    let next = checked(next)?;
    let draft = draft_policy(&next).map_err(|refusal| Failure::refused(&args.output, &refusal))?;
    files::create(&args.output, &draft, 0o644)?;
    print_policy(&next);
    print_changes(&old, &next);
    println!("written      {}; everybody signs it: vdl policy sign", args.output.display());
    Ok(())
}

fn sign(args: &Sign) -> Result<(), Failure> {
    let refused = |refusal| Failure::refused(&args.file, &refusal);
    let next = files::read_policy(&args.file)?;
    let old = match (&args.from, &args.connection) {
        (Some(path), _) => Some(files::read_policy(path)?),
        (_, Some(connection)) => Some(servers::policy(connection)?),
        _ => None,
    };
    let key = files::read_signing_key(&args.key)?;
    let signed = add_signature(&files::read(&args.file)?, &key).map_err(refused)?;
    print_policy(&next);
    if let Some(old) = &old {
        print_changes(old, &next);
    }
    files::replace(&args.file, &signed)?;
    println!("signed by    {} ({})", key.verifying_key().fingerprint(), args.key.display());
    println!("written      {}", args.file.display());
    let signers: Vec<&Policy> = old.iter().chain([&next]).collect();
    ceremony::missing(&signers, &signed).map(drop)
}

/// The policy after another, with the same people and the same rule.
pub fn succeeding(old: &Policy, adopt_before: Option<i64>, keep_approvals: bool) -> PolicyStatement {
    let mut next = old.statement().clone();
    next.version = next.version.saturating_add(1);
    let in_time = clock::start_of_day(clock::now()) + (DAYS_TO_SIGN + 1) * DAY - 1;
    next.adopt_before = Some(adopt_before.unwrap_or(in_time));
    if !keep_approvals {
        next.approvals_since = next.version;
    }
    next
}

/// Gives somebody's place to another key.
pub fn replace(next: &mut PolicyStatement, person: &Person) -> Result<(), Failure> {
    let at = place(next, &person.0)?;
    next.approvers.splice(at..=at, [approver(person)?]);
    Ok(())
}

fn checked(statement: PolicyStatement) -> Result<Policy, Failure> {
    Policy::new(statement).map_err(|refusal| Failure::new(&refusal).remedy(refusal.remedy()))
}

fn approver((name, key): &Person) -> Result<Approver, Failure> {
    let key = files::read_verifying_key(Path::new(key))?.to_base64().map_err(Failure::new)?;
    Ok(Approver { name: name.clone(), key })
}

fn place(policy: &PolicyStatement, name: &str) -> Result<usize, Failure> {
    let at = policy.approvers.iter().position(|approver| approver.name == name);
    at.ok_or_else(|| Failure::new(format!("nobody in the policy is called {name}")))
}

/// Version, rule, end, people; and the digest that names exactly this.
pub fn print_policy(policy: &Policy) {
    let terms = policy.statement();
    println!("policy       {}", policy.digest());
    println!("environment  {}", files::printable_line(policy.environment()));
    println!("version      {}, approvals of version {} on hold", policy.version(), terms.approvals_since);
    println!("needs        signatures of {}", policy.rule_in_words());
    if let Rule::Groups(groups) = &terms.rule {
        for group in groups {
            println!("group        {}: {}", group.name, group.members.join(", "));
        }
    }
    println!("until        {}", terms.expires.map_or_else(|| "(for ever)".to_owned(), moment));
    if let Some(until) = terms.adopt_before {
        println!("taken over   until {}", moment(until));
    }
    for (name, key) in policy.approvers() {
        println!("approver     {}  {name}", key.fingerprint());
    }
}

/// Who comes, goes or gets another key.
pub fn print_changes(old: &Policy, next: &Policy) {
    let of = |policy: &Policy| policy.statement().approvers.clone();
    for gone in of(old).iter().filter(|one| !of(next).contains(one)) {
        println!("-            {}", gone.name);
    }
    for new in of(next).iter().filter(|one| !of(old).contains(one)) {
        println!("+            {}", new.name);
    }
    if old.statement().rule != next.statement().rule {
        println!("rule         {} -> {}", old.rule_in_words(), next.rule_in_words());
    }
}

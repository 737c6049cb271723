//! What approvers sign: the whole script, for whom, where, from when until when, and how often.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vdl_command::{Handle, Nonce, ReadError, Script, Slot, TableRef, explain_script, read_strict};

use crate::keys::{KeyError, VerifyingKey};

pub const STATEMENT_TYPE: &str = "vdl-approval/1";
/// The version of the policy that servers have whose configuration just lists approvers.
pub const POLICY_VERSION: u32 = 1;
/// Listed in an approval, of each.
const MOST_TABLES: usize = 10_000;
const MOST_NAMES: usize = 10_000;

/// The payload of an approved file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "type")]
    pub kind: String,
    pub script: Script,
    /// SPKI in base64.
    pub analyst: String,
    pub environment: String,
    /// Unix seconds.
    pub not_before: i64,
    /// Unix seconds, the last one included; without it the approval never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// How many runs may be started; without it any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runs: Option<u64>,
    /// The policy under which it is given.
    pub policy_version: u32,
    /// What it is for, in the words of the approvers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The only tables that commands may take by their handles; without it, those of the script and whatever
    /// its holes allow. Sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<Handle>>,
    /// The only names that commands may use for a table, and what they may mean. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameRule>,
    /// How many commands may be run in all, whatever the number of runs; for commands in any order. Without
    /// it any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// Makes it another approval than an earlier one that says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// What a name may mean: one table; whichever has it when a command runs; or, if neither is said, the one
/// that has it when a server first looks, and from then on no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameRule {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Handle>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_change: bool,
}

/// What the first approver decides beside the script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub environment: String,
    /// Unix seconds; usually now.
    pub not_before: i64,
    /// Unix seconds; [`end_of_day`] makes it from a date.
    pub expires: Option<i64>,
    pub max_runs: Option<u64>,
    /// Without it, [`POLICY_VERSION`].
    pub policy_version: Option<u32>,
    pub purpose: Option<String>,
    /// In any order, here and below.
    pub tables: Option<Vec<Handle>>,
    pub names: Vec<NameRule>,
    /// Only for commands in any order.
    pub max_uses: Option<u64>,
    /// Fresh randomness.
    pub nonce: Option<Nonce>,
}

impl Statement {
    pub fn new(script: Script, analyst: &VerifyingKey, terms: &Terms) -> Result<Self, KeyError> {
        let (mut tables, mut names) = (terms.tables.clone(), terms.names.clone());
        tables.iter_mut().for_each(|tables| tables.sort_unstable());
        names.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            kind: STATEMENT_TYPE.to_owned(),
            script,
            analyst: analyst.to_base64()?,
            environment: terms.environment.clone(),
            not_before: terms.not_before,
            expires: terms.expires,
            max_runs: terms.max_runs,
            policy_version: terms.policy_version.unwrap_or(POLICY_VERSION),
            purpose: terms.purpose.clone(),
            tables,
            names,
            max_uses: terms.max_uses,
            nonce: terms.nonce,
        })
    }

    /// Reads and checks the bytes that were signed.
    pub fn read(payload: &[u8]) -> Result<Self, ReadError> {
        let statement: Self = read_strict(payload)?;
        statement.check()?;
        Ok(statement)
    }

    pub fn check(&self) -> Result<(), ReadError> {
        let refused = |path: &str, message: &str| {
            Err(ReadError::In { message: message.to_owned(), path: path.to_owned() })
        };
        if self.kind != STATEMENT_TYPE {
            return refused("type", "this version reads `vdl-approval/1` only");
        }
        if self.environment.is_empty() || self.environment.len() > 200 {
            return refused("environment", "an environment has a name of at most 200 characters");
        }
        if self.expires.is_some_and(|expires| expires < self.not_before) {
            return refused("expires", "the approval ends before it begins");
        }
        if self.max_runs == Some(0) {
            return refused("max_runs", "an approval allows at least one run");
        }
        if VerifyingKey::from_base64(&self.analyst).is_err() {
            return refused("analyst", "this is no usable Ed25519 verification key");
        }
        if self.purpose.as_ref().is_some_and(|purpose| !is_purpose(purpose)) {
            return refused(
                "purpose",
                "a purpose has 1 to 1000 characters, none of them a control character",
            );
        }
        if self.tables.as_ref().is_some_and(|tables| tables.len() > MOST_TABLES) {
            return refused("tables", "an approval lists at most 10000 tables");
        }
        if self.names.len() > MOST_NAMES {
            return refused("names", "an approval lists at most 10000 names");
        }
        if self.tables.as_ref().is_some_and(|tables| !tables.is_sorted_by(|a, b| a < b)) {
            return refused("tables", "the tables are sorted, none comes twice");
        }
        if !self.names.is_sorted_by(|a, b| a.name < b.name) {
            return refused("names", "the names are sorted, none comes twice");
        }
        if self.names.iter().any(|rule| rule.table.is_some() && rule.may_change) {
            return refused("names", "a name means one table, or it may change, not both");
        }
        if self.max_uses == Some(0) || (self.max_uses.is_some() && self.script.ordered) {
            return refused("max_uses", "commands in any order may be used once or more; steps have runs");
        }
        self.script.check()?;
        self.check_inputs()
    }

    /// What the script writes out must be allowed; what fills its holes is checked when it comes.
    fn check_inputs(&self) -> Result<(), ReadError> {
        for (at, step) in self.script.steps.iter().enumerate() {
            for input in step.command.inputs() {
                let (path, step) = (|| format!("script.steps[{at}]"), at + 1);
                if let Some(name) = self.forbidden_name(input) {
                    let message = format!("step {step} uses the name \"{name}\", and the approval does not");
                    return Err(ReadError::In { message, path: path() });
                }
                if let Some(table) = self.forbidden_table(input) {
                    let message = format!("step {step} takes the table {table}, and the approval does not");
                    return Err(ReadError::In { message, path: path() });
                }
            }
        }
        Ok(())
    }

    /// The name an input uses, if the approval does not list it. The lists are sorted: [`Statement::check`].
    pub(crate) fn forbidden_name<'a>(&self, input: &'a TableRef) -> Option<&'a str> {
        let TableRef::Name(Slot::Value(name)) = input else { return None };
        self.names.binary_search_by(|rule| rule.name.as_str().cmp(name)).is_err().then_some(name)
    }

    /// The table an input takes by its handle, if the approval does not allow it.
    pub(crate) fn forbidden_table(&self, input: &TableRef) -> Option<Handle> {
        let TableRef::Handle(Slot::Value(handle)) = input else { return None };
        self.tables.as_ref().is_some_and(|tables| tables.binary_search(handle).is_err()).then_some(*handle)
    }
}

fn is_purpose(text: &str) -> bool {
    let shown = |c: char| c == '\n' || !c.is_control();
    (1..=1000).contains(&text.chars().count()) && text.chars().all(shown)
}

impl std::fmt::Display for NameRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} ", self.name)?;
        match &self.table {
            Some(table) => write!(f, "means {table} and nothing else"),
            None if self.may_change => write!(f, "means whichever table has it when a command runs"),
            None => {
                write!(f, "means the table that has it when it is first used, and nothing else after that")
            }
        }
    }
}

/// An approved file as `vdl explain` shows it: for whom, where, when, how often, and the script.
pub fn explain_statement(statement: &Statement) -> String {
    let analyst = VerifyingKey::from_base64(&statement.analyst);
    let analyst = analyst.map_or_else(|_| "an unusable key".to_owned(), |key| key.fingerprint());
    let until = match statement.expires {
        Some(expires) => format!("until {}", moment(expires)),
        None => "without end\n  ! It never expires.".to_owned(),
    };
    let runs = match statement.max_runs {
        Some(most) => format!("at most {most}"),
        None => "any number\n  ! The analyst may run it again whenever the data has changed.".to_owned(),
    };
    format!(
        "Analyst      {analyst}\nEnvironment  {}\nValid        from {} {until}\nRuns         {runs}\n{}\n{}",
        statement.environment.escape_debug(),
        moment(statement.not_before),
        explain_limits(statement),
        explain_script(&statement.script),
    )
}

/// The terms that not every approval has, a line each.
fn explain_limits(statement: &Statement) -> String {
    let mut text = String::new();
    if let Some(purpose) = &statement.purpose {
        text += &format!("Purpose      {}\n", purpose.escape_debug());
    }
    if let Some(tables) = &statement.tables {
        let each: Vec<String> = tables.iter().map(Handle::to_string).collect();
        text += &format!("Tables       no other than {}\n", each.join(", "));
    }
    for rule in &statement.names {
        text += &format!("Name         {rule}\n");
    }
    if let Some(most) = statement.max_uses {
        text += &format!("Uses         at most {most} commands, in all runs together\n");
    }
    text
}

/// The last second of a day (`2027-01-31`) in UTC, for `--expires`.
pub fn end_of_day(date: &str) -> Option<i64> {
    let days = vdl_command::ColumnType::days_of(date)?;
    Some((i64::from(days) + 1) * 86_400 - 1)
}

/// Unix seconds as people read them.
pub(crate) fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| format!("second {seconds}"), |t| t.to_string())
}

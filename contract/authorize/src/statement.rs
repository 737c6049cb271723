//! What approvers sign: the whole script, for whom, where, from when until when, and how often.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vdl_command::{ReadError, Script, explain_script, read_strict};

use crate::keys::{KeyError, VerifyingKey};

pub const STATEMENT_TYPE: &str = "vdl-approval/1";
/// The version of the policy that servers have whose configuration just lists approvers.
pub const POLICY_VERSION: u32 = 1;

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
}

impl Statement {
    pub fn new(script: Script, analyst: &VerifyingKey, terms: &Terms) -> Result<Self, KeyError> {
        Ok(Self {
            kind: STATEMENT_TYPE.to_owned(),
            script,
            analyst: analyst.to_base64()?,
            environment: terms.environment.clone(),
            not_before: terms.not_before,
            expires: terms.expires,
            max_runs: terms.max_runs,
            policy_version: terms.policy_version.unwrap_or(POLICY_VERSION),
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
        self.script.check()
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
        "Analyst      {analyst}\nEnvironment  {}\nValid        from {} {until}\nRuns         {runs}\n\n{}",
        statement.environment.escape_debug(),
        moment(statement.not_before),
        explain_script(&statement.script),
    )
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

//! Why a command has no plan for these tables.

use thiserror::Error;

/// Said in the analyst's words; names columns, types and sub-expressions, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    #[error("there is no column `{name}`{}", hint(.nearest))]
    UnknownColumn { name: String, nearest: Option<String> },
    #[error("the result would have two columns named `{name}`")]
    DuplicateColumn { name: String },
    #[error("{place} needs {expected}, but is {found}")]
    WrongType { place: String, expected: &'static str, found: String },
    #[error("`{expression}` could reach beyond {bits} bits: its bounds are {min} to {max}")]
    Overflow { expression: String, bits: u32, min: i128, max: i128 },
    #[error("`{name}` is a mean, which can be opened, selected and moved, but not computed with")]
    MeanInExpression { name: String },
    #[error("{left} and {right} cannot be compared: one is {left_type}, the other {right_type}")]
    Incomparable { left: String, right: String, left_type: String, right_type: String },
    #[error("column `{name}` is {first} in the first table and {other} in table {table}")]
    UnlikeColumns { name: String, first: String, other: String, table: usize },
    #[error("table {table} has a column `{name}` that the first table has not")]
    ExtraColumn { name: String, table: usize },
    #[error("{0} is empty")]
    Nothing(&'static str),
    #[error("left_on names {left} columns and right_on {right}; they go in pairs")]
    UnequalKeys { left: usize, right: usize },
    #[error("the hole {name} was not filled in")]
    OpenHole { name: String },
    #[error("`{text}` is no date; a date is written year-month-day, as in 2000-01-31")]
    BadDate { text: String },
    #[error("column `{name}` cannot have type {ctype}: {reason}")]
    BadType { name: String, ctype: String, reason: &'static str },
    #[error("these rules cannot be kept: {reason}")]
    BadRules { reason: String },
    #[error("{what} would show single rows; the provider wants at least {least} behind every opened value")]
    RuleRows { what: &'static str, least: u64 },
    #[error("column `{name}` serves for joining only: it is neither opened nor computed with")]
    RuleColumn { name: String },
    #[error("whether `{name}` is unique is not told: it is not a column as it was uploaded")]
    RuleKey { name: String },
    #[error("{what} cannot be checked against the rules of the providers")]
    RuleUnchecked { what: &'static str },
    #[error("{what} could tell a count more finely than by {to}, to which the provider has counts rounded")]
    RuleRounded { what: &'static str, to: u64 },
    #[error("the tables together have more than {limit} rows")]
    TooManyRows { limit: u64 },
    #[error("the command reads {expected} tables, {given} were given")]
    WrongInputs { expected: usize, given: usize },
}

impl PlanError {
    /// The stable code under which docs/errors.md explains it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownColumn { .. } => "unknown_column",
            Self::DuplicateColumn { .. } => "duplicate_column",
            Self::WrongType { .. } => "wrong_type",
            Self::Overflow { .. } => "overflow",
            Self::MeanInExpression { .. } => "mean_in_expression",
            Self::Incomparable { .. } => "incomparable",
            Self::UnlikeColumns { .. } => "unlike_columns",
            Self::ExtraColumn { .. } => "extra_column",
            Self::Nothing(_) => "nothing_asked",
            Self::UnequalKeys { .. } => "unequal_keys",
            Self::OpenHole { .. } => "open_hole",
            Self::BadDate { .. } => "bad_date",
            Self::BadType { .. } => "bad_type",
            Self::BadRules { .. } => "bad_rules",
            Self::RuleRows { .. } => "rule_rows",
            Self::RuleColumn { .. } => "rule_column",
            Self::RuleKey { .. } => "rule_key",
            Self::RuleUnchecked { .. } => "rule_unchecked",
            Self::RuleRounded { .. } => "rule_rounded",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::WrongInputs { .. } => "wrong_inputs",
        }
    }

    /// What to do next, where there is something to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::UnknownColumn { .. } => Some("look at the table's columns; names are case-sensitive"),
            Self::DuplicateColumn { .. } => Some("rename one of them, or give other suffixes"),
            Self::Overflow { .. } => Some("give the columns narrower bounds when they are uploaded"),
            Self::MeanInExpression { .. } => Some("compute with the sum and the count instead"),
            Self::UnlikeColumns { .. } => Some("give both columns one type before combining the tables"),
            Self::BadRules { .. } => {
                Some("ask for 2 rows or more, round to 2 to 1000, and name each column once")
            }
            Self::RuleRows { .. } => Some("open counts, sums and means of more rows, or group them"),
            Self::RuleColumn { .. } => Some("project it away before opening; join or group by it"),
            Self::RuleKey { .. } => Some(
                "merge first and filter afterwards, on a column as its provider uploaded it; \
                 or say validate=\"many_to_one\"",
            ),
            Self::RuleRounded { .. } => {
                Some("ask for the sum and the count; merge with the table on the left, or one to one")
            }
            Self::RuleUnchecked { .. } => {
                Some("merge inner or left, the table whose rows repeat on the left, validate=\"many_to_one\"")
            }
            _ => None,
        }
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

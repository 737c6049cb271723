//! What a data provider asks of whoever computes with a table, and what of it holds for tables made from it.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::types::ColumnType;

/// The rules of an upload. Part of the command, so that they are signed with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Fewest different rows of this upload behind any opened value, 2 or more. Single rows are then never
    /// opened, nor the smallest or greatest value, which are those of single rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rows: Option<u64>,
    /// Columns that may be joined on, grouped by and carried along, but neither opened nor computed with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub join_only: Vec<String>,
    /// Counts are told as multiples of this number only, rounded down; 2 to 1000. Sums are rounded as
    /// coarsely, since a sum can be a count by another name, and means are not given. Asks for at least so
    /// many rows behind any opened value, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_counts: Option<u64>,
}

impl Rules {
    /// Fewest rows that must be behind an opened value. Where counts are rounded a multiple, and at least one
    /// step: whether there are enough rows is told, and so tells no more than the rounded count.
    pub fn fewest(&self) -> Option<u64> {
        let least = self.min_rows.max(self.round_counts)?;
        Some(self.round_counts.and_then(|to| least.checked_next_multiple_of(to)).unwrap_or(least))
    }
}

/// The rules of any table: those of its uploads, followed through the commands that made it. Public; the
/// planner derives them, on all nodes alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRules {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub join_only: Vec<String>,
    /// Columns that do not hold what was uploaded in these rows: computed ones, and those joined on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<String>,
    /// Types of the columns that lie behind the visible ones: which original row a row came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<ColumnType>,
    /// Counts are told as multiples of this number. The number of rows is then a lower bound: fewer than this
    /// many more may belong to the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_counts: Option<u64>,
}

/// So many different rows of one upload must be behind a value before it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The upload; in the answer to the upload itself, that table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Handle>,
    pub min_rows: u64,
    /// Which hidden column numbers the original rows. Without one, every row is an original row of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_in: Option<u32>,
}

impl TableRules {
    /// Nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.guards.is_empty() && self.join_only.is_empty()
    }
}

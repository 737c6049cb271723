//! The commands. One variant per pandas verb; nothing in them depends on the data.

use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::handle::Handle;
use crate::rules::Rules;
use crate::slot::Slot;
use crate::types::ColumnMeta;

/// One request to the three servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// A new table whose shares travel beside the command. Row count is free, structure is not.
    Upload {
        columns: Slot<Vec<ColumnMeta>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Slot<String>>,
        /// What the provider asks of whoever computes with the table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rules: Option<Slot<Rules>>,
    },
    /// Looks a table up and returns its public description.
    Get { table: TableRef },
    /// Keeps the rows where `condition` is true. Reveals how many, unless fewer than `threshold`:
    /// then only that they were too few, and no table results.
    Filter {
        table: TableRef,
        condition: Expression,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<Slot<u64>>,
    },
    /// Keeps, orders and renames columns.
    Project { table: TableRef, columns: Vec<Projection> },
    /// Adds or replaces columns; every expression sees the table as it was before.
    Assign { table: TableRef, columns: Vec<NamedExpression> },
    /// Database join on equal keys. Null keys match nothing. Rows of the result follow `left`, or `right` in
    /// a right join; those of an outer join follow `left`, and then come the rows of `right` without partner.
    Merge {
        left: TableRef,
        right: TableRef,
        how: How,
        left_on: Vec<String>,
        right_on: Vec<String>,
        validate: Validate,
        suffixes: (String, String),
    },
    /// Rows of all tables, one after the other; same column names and kinds.
    Concat { tables: Vec<TableRef> },
    /// Opens one value per aggregation to the analyst.
    Aggregate {
        table: TableRef,
        aggregations: Vec<Aggregation>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<Slot<u64>>,
    },
    /// One row per distinct key, sorted by key; rows with a null key are dropped, as pandas does.
    GroupBy { table: TableRef, by: Vec<String>, aggregations: Vec<Aggregation> },
    /// Stable; nulls last.
    Sort { table: TableRef, by: Vec<SortKey> },
    /// Reveals every row to the analyst.
    Open { table: TableRef },
    /// Keeps a computed table across restarts, under a name if one is given.
    Save {
        table: TableRef,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Slot<String>>,
    },
    /// Deletes a table on all three servers.
    Remove { table: TableRef },
}

/// Which table is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TableRef {
    Handle(Slot<Handle>),
    /// Resolved when the command runs.
    Name(Slot<String>),
    /// The table that an earlier step of the same script produced; steps count from 0.
    Step(u32),
}

/// A column of the result: which one it was, what it is called now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    pub column: String,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "as")]
    pub rename: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedExpression {
    pub name: String,
    pub value: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Inner,
    Left,
    Right,
    Outer,
}

/// What the keys of a merge promise. A broken promise is an error that reveals just that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validate {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

/// `aggregate(value)` under `name`. `Count` counts the rows where `value` is not null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregation {
    pub name: String,
    pub aggregate: Aggregate,
    pub value: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    Count,
    Sum,
    Mean,
    Min,
    Max,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortKey {
    pub column: String,
    pub ascending: bool,
}

impl Command {
    /// Whether a later step may refer to its result.
    pub fn makes_table(&self) -> bool {
        match self {
            Command::Aggregate { .. } | Command::Open { .. } | Command::Remove { .. } => false,
            Command::Upload { .. }
            | Command::Get { .. }
            | Command::Filter { .. }
            | Command::Project { .. }
            | Command::Assign { .. }
            | Command::Merge { .. }
            | Command::Concat { .. }
            | Command::GroupBy { .. }
            | Command::Sort { .. }
            | Command::Save { .. } => true,
        }
    }

    /// The tables it reads, in order.
    pub fn inputs(&self) -> Vec<&TableRef> {
        match self {
            Command::Upload { .. } => vec![],
            Command::Merge { left, right, .. } => vec![left, right],
            Command::Concat { tables } => tables.iter().collect(),
            Command::Get { table }
            | Command::Filter { table, .. }
            | Command::Project { table, .. }
            | Command::Assign { table, .. }
            | Command::Aggregate { table, .. }
            | Command::GroupBy { table, .. }
            | Command::Sort { table, .. }
            | Command::Open { table }
            | Command::Save { table, .. }
            | Command::Remove { table } => vec![table],
        }
    }

    /// The same, to be replaced in place.
    pub fn inputs_mut(&mut self) -> Vec<&mut TableRef> {
        match self {
            Command::Upload { .. } => vec![],
            Command::Merge { left, right, .. } => vec![left, right],
            Command::Concat { tables } => tables.iter_mut().collect(),
            Command::Get { table }
            | Command::Filter { table, .. }
            | Command::Project { table, .. }
            | Command::Assign { table, .. }
            | Command::Aggregate { table, .. }
            | Command::GroupBy { table, .. }
            | Command::Sort { table, .. }
            | Command::Open { table }
            | Command::Save { table, .. }
            | Command::Remove { table } => vec![table],
        }
    }
}

//! The plan itself: columns by position, every expression typed, every result's schema known.

use serde::Serialize;
use vdl_command::{Aggregate, ColumnMeta, Digest, How, SortKey, TableRules, Validate};

use crate::bounds::{self, Bounds};
use crate::expression::Typed;
use crate::kinds::number;
use crate::rounding::Rounding;
use crate::rules::{Added, Check, hidden_columns};

/// What is public of a table that a command reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Those that commands can name, and behind them the hidden ones of `rules`.
    pub columns: Vec<ColumnMeta>,
    /// Where counts are rounded, a few more may belong: see [`Input::row_bounds`].
    pub rows: u64,
    /// What its rows are known to be sorted by, the first key counting most; nulls last.
    pub sorted: Vec<Ordering>,
    pub rules: TableRules,
}

/// A command made concrete for its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub operation: Operation,
    /// With the columns of `added`.
    pub inputs: Vec<Input>,
    /// What each input is given, as its last columns, before anything else.
    pub added: Vec<Vec<Added>>,
    pub output: PlanOutput,
    /// What the rows of the result will be known to be sorted by.
    pub sorted: Vec<Ordering>,
    /// The rules of the result.
    pub rules: TableRules,
    /// What must hold before the operation opens anything.
    pub checks: Vec<Check>,
}

/// What the command gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum PlanOutput {
    Table {
        columns: Vec<ColumnMeta>,
    },
    /// Shares of these columns go to the analyst.
    Opened {
        columns: Vec<ColumnMeta>,
    },
    Nothing,
}

/// One variant per command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Operation {
    Upload,
    Get,
    Save,
    Remove,
    Open,
    Filter {
        condition: Typed,
        threshold: Option<u64>,
    },
    /// Positions of the input's columns, in the result's order.
    Project {
        columns: Vec<usize>,
    },
    Assign {
        columns: Vec<Assigned>,
    },
    Merge {
        how: How,
        validate: Validate,
        keys: Vec<KeyPair>,
        columns: Vec<MergeSource>,
    },
    /// For every table: where each column of the result lies in it.
    Concat {
        columns: Vec<Vec<usize>>,
    },
    Aggregate {
        reductions: Vec<Reduction>,
        threshold: Option<u64>,
    },
    GroupBy {
        keys: Vec<usize>,
        reductions: Vec<Reduction>,
    },
    Sort {
        keys: Vec<Ordering>,
    },
}

/// Where a column of an `assign` comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Assigned {
    Keep(usize),
    Compute(Typed),
}

/// Positions of two key columns that must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyPair {
    pub left: usize,
    pub right: usize,
}

/// Where a column of a merge comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum MergeSource {
    Left(usize),
    Right(usize),
    /// A key of one name in an outer merge: the left one, or the right one in rows that are only there.
    Both(KeyPair),
}

/// One aggregation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reduction {
    pub aggregate: Aggregate,
    pub value: Typed,
    /// How the result is rounded, where a provider asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
}

impl Reduction {
    /// Bounds of the sum of its values over so many rows, at least and at most.
    pub fn total(&self, (fewest, most): (u64, u64)) -> Bounds {
        let fewest = if self.value.ctype.nullable { 0 } else { fewest };
        bounds::sum(number(&self.value.ctype.kind).unwrap_or((0, 0)), fewest, most)
    }
}

/// One sort key; the first one counts most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ordering {
    pub column: usize,
    pub ascending: bool,
}

impl Input {
    /// A table whose rows are in no known order.
    pub fn new(columns: Vec<ColumnMeta>, rows: u64) -> Self {
        Self { columns, rows, sorted: Vec::new(), rules: TableRules::default() }
    }

    /// With the order its description names; ends at a column that is not there.
    pub fn sorted(mut self, by: &[SortKey]) -> Self {
        let place = |key: &SortKey| {
            let column = self.columns.iter().position(|column| column.name == key.column)?;
            Some(Ordering { column, ascending: key.ascending })
        };
        self.sorted = by.iter().map_while(place).collect();
        self
    }

    /// With these rules, whose hidden columns come last.
    pub fn with_rules(mut self, rules: TableRules) -> Self {
        self.columns.extend(hidden_columns(&rules.hidden));
        self.rules = rules;
        self
    }

    /// How many rows belong to it, at least and at most.
    pub fn row_bounds(&self) -> (u64, u64) {
        let more = self.rules.round_counts.map_or(0, |to| to.saturating_sub(1));
        (self.rows, self.rows.saturating_add(more))
    }

    /// The columns that commands can name.
    pub fn visible(&self) -> &[ColumnMeta] {
        let visible = self.columns.len().saturating_sub(self.rules.hidden.len());
        self.columns.get(..visible).unwrap_or_default()
    }

    /// The hidden columns.
    pub(crate) fn behind(&self) -> &[ColumnMeta] {
        self.columns.get(self.visible().len()..).unwrap_or_default()
    }

    /// Whether sorting by these columns, upwards, would change nothing.
    pub fn is_sorted_by(&self, columns: impl IntoIterator<Item = usize>) -> bool {
        let mut known = self.sorted.iter();
        columns.into_iter().all(|column| known.next() == Some(&Ordering { column, ascending: true }))
    }
}

impl Plan {
    /// Equal on two nodes exactly if they are about to compute the same.
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("vdl plan v1");
        // Writing to a hasher cannot fail, and nothing here has a fallible serializer.
        let written = serde_json::to_writer(&mut hasher, self);
        debug_assert!(written.is_ok());
        Digest(*hasher.finalize().as_bytes())
    }

    /// What the rows of the result are sorted by, in its own column names.
    pub fn sorted_by(&self) -> Vec<SortKey> {
        let columns = self.columns();
        let named = |key: &Ordering| {
            let column = columns.get(key.column)?.name.clone();
            Some(SortKey { column, ascending: key.ascending })
        };
        self.sorted.iter().map_while(named).collect()
    }

    /// The columns of the result that commands can name.
    pub fn visible(&self) -> &[ColumnMeta] {
        let columns = self.columns();
        columns.get(..columns.len().saturating_sub(self.rules.hidden.len())).unwrap_or_default()
    }

    /// The columns of what comes out, of either form, with hidden ones.
    pub fn columns(&self) -> &[ColumnMeta] {
        self.output.columns()
    }
}

impl PlanOutput {
    pub(crate) fn columns(&self) -> &[ColumnMeta] {
        match self {
            Self::Table { columns } | Self::Opened { columns } => columns,
            Self::Nothing => &[],
        }
    }
}

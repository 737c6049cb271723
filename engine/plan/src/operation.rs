//! The plan itself: columns by position, every expression typed, every result's schema known.

use serde::Serialize;
use vdl_command::{Aggregate, ColumnMeta, Digest, How, Validate};

use crate::expression::Typed;

/// What is public of a table that a command reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    pub columns: Vec<ColumnMeta>,
    pub rows: u64,
}

/// A command made concrete for its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub operation: Operation,
    pub inputs: Vec<Input>,
    pub output: PlanOutput,
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
}

/// One aggregation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reduction {
    pub aggregate: Aggregate,
    pub value: Typed,
}

/// One sort key; the first one counts most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ordering {
    pub column: usize,
    pub ascending: bool,
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

    /// The columns of what comes out, of either form.
    pub fn columns(&self) -> &[ColumnMeta] {
        match &self.output {
            PlanOutput::Table { columns } | PlanOutput::Opened { columns } => columns,
            PlanOutput::Nothing => &[],
        }
    }
}

//! A table as one party holds it.

use std::sync::OnceLock;

use crate::planes::Planes;
use crate::shared::Shared;

/// Columns of one party's shares. Physical rows may outnumber the table's rows: `selected` says
/// which ones belong to it.
#[derive(Clone, Debug)]
pub struct TableShares {
    pub rows: usize,
    pub columns: Vec<ColumnShares>,
    /// One plane; `None` means every row.
    pub selected: Option<Shared<Planes>>,
}

/// One column: bits, ring elements, or both once a conversion has been paid for.
///
/// Bits hold the value's offset from the type's minimum; ring elements hold the value itself.
/// Missing values are zero in both forms.
#[derive(Clone, Debug, Default)]
pub struct ColumnShares {
    pub bits: OnceLock<Shared<Planes>>,
    pub ring: OnceLock<Shared<Vec<u64>>>,
    /// The divisor of a mean that is still a sum and a count.
    pub count: Option<Shared<Vec<u64>>>,
    /// One plane, true where the value is there; `None` where the type is not nullable.
    pub valid: Option<Shared<Planes>>,
}

//! Finding columns by name, and helping with the ones that are not there.

use std::collections::HashSet;

use vdl_command::ColumnMeta;

use crate::error::PlanError;

pub(crate) fn find(columns: &[ColumnMeta], name: &str) -> Result<usize, PlanError> {
    columns
        .iter()
        .position(|column| column.name == name)
        .ok_or_else(|| PlanError::UnknownColumn { name: name.to_owned(), nearest: nearest(columns, name) })
}

/// Refuses two columns of one name.
pub(crate) fn distinct(columns: &[ColumnMeta]) -> Result<(), PlanError> {
    let mut seen = HashSet::new();
    match columns.iter().find(|column| !seen.insert(column.name.as_str())) {
        Some(column) => Err(PlanError::DuplicateColumn { name: column.name.clone() }),
        None => Ok(()),
    }
}

/// The name that differs least, if it differs little.
fn nearest(columns: &[ColumnMeta], name: &str) -> Option<String> {
    let limit = (name.chars().count() / 3).max(1);
    let best = columns.iter().map(|column| (distance(&column.name, name), &column.name)).min()?;
    (best.0 <= limit).then(|| best.1.clone())
}

/// Single-character edits between two names; letters of other case are alike.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("age", "age"), 0);
        assert_eq!(distance("Age", "age"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}

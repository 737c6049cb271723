//! Which order the rows of a result are known to have. Public: it follows from commands alone.

use vdl_command::How;

use crate::operation::{Assigned, Input, MergeSource, Operation, Ordering};

/// The sort keys of the result, by its own columns.
pub(crate) fn sorted(operation: &Operation, inputs: &[Input]) -> Vec<Ordering> {
    let Some(first) = inputs.first() else { return Vec::new() };
    match operation {
        Operation::Get | Operation::Save | Operation::Open | Operation::Filter { .. } => first.sorted.clone(),
        Operation::Project { columns } => {
            follow(&first.sorted, |column| columns.iter().position(|kept| *kept == column))
        }
        Operation::Assign { columns } => follow(&first.sorted, |column| {
            (columns.get(column) == Some(&Assigned::Keep(column))).then_some(column)
        }),
        Operation::Merge { how, columns, .. } => {
            let (input, is) = match how {
                How::Inner | How::Left => (Some(first), MergeSource::Left as fn(usize) -> MergeSource),
                How::Right => (inputs.get(1), MergeSource::Right as fn(usize) -> MergeSource),
                How::Outer => return Vec::new(),
            };
            let known = input.map_or(&[][..], |input| &input.sorted);
            follow(known, |column| columns.iter().position(|source| *source == is(column)))
        }
        Operation::GroupBy { keys, .. } => {
            (0..keys.len()).map(|column| Ordering { column, ascending: true }).collect()
        }
        // Stable: what was known before still orders the rows that are alike in the new keys.
        Operation::Sort { keys } => {
            let mut sorted: Vec<Ordering> = Vec::with_capacity(keys.len());
            for key in keys.iter().chain(&first.sorted) {
                if sorted.iter().all(|known| known.column != key.column) {
                    sorted.push(*key);
                }
            }
            sorted
        }
        Operation::Concat { .. } | Operation::Upload | Operation::Remove | Operation::Aggregate { .. } => {
            Vec::new()
        }
    }
}

/// The keys as columns of the result, up to the first one that is not there.
fn follow(keys: &[Ordering], place: impl Fn(usize) -> Option<usize>) -> Vec<Ordering> {
    keys.iter()
        .map_while(|key| place(key.column).map(|column| Ordering { column, ascending: key.ascending }))
        .collect()
}

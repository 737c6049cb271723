//! The rules of providers, followed from tables to what is made of them.
//!
//! Nearly always every row of a table is an original row of its own: then counting rows counts originals.
//! Where a merge may repeat or lose them, or rows of several tables come together, each row is first given
//! the number of the original row it is, as a column behind those that commands can name (decision 0020).

use std::collections::HashSet;

use serde::Serialize;
use vdl_command::{
    Aggregate, ColumnMeta, ColumnType, Command, Expression, Guard, How, Kind, Rules, TableRules, Validate,
};

use crate::error::PlanError;
use crate::expression::filled;
use crate::names::find;
use crate::operation::{Assigned, Input, MergeSource, Operation};
use crate::rounding::{COARSEST, up};

/// Guards of one table, and columns behind its own.
const MOST_GUARDS: usize = 16;

/// Before the operation opens anything, so many different original rows must be behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub min_rows: u64,
    /// Position of the column that numbers the original rows: in a merge of the result, otherwise of the
    /// input. Without one every row is an original row.
    pub rows_in: Option<usize>,
}

/// What an input is given before the operation, as a column behind its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Added {
    /// Every row its own number.
    Numbers,
    /// No value in any row.
    Nothing,
}

/// Which sides of a merge hold every key once: left, right.
pub(crate) fn unique(validate: Validate) -> (bool, bool) {
    match validate {
        Validate::OneToOne => (true, true),
        Validate::OneToMany => (true, false),
        Validate::ManyToOne => (false, true),
        Validate::ManyToMany => (false, false),
    }
}

/// The inputs with the columns they are given, and those columns.
pub(crate) fn prepared(
    command: &Command,
    inputs: &[Input],
) -> Result<(Vec<Input>, Vec<Vec<Added>>), PlanError> {
    let mut inputs = inputs.to_vec();
    let mut added = vec![Vec::new(); inputs.len()];
    match (command, inputs.as_mut_slice()) {
        (Command::Merge { how, validate, .. }, [left, right]) if guarded(left) || guarded(right) => {
            let (left_unique, right_unique) = unique(*validate);
            let (others_unique, base_unique) = match how {
                How::Right => (left_unique, right_unique),
                How::Inner | How::Left | How::Outer => (right_unique, left_unique),
            };
            if *how == How::Outer || !others_unique {
                return Err(PlanError::RuleUnchecked { what: "this kind of merge" });
            }
            let (base, other) = if *how == How::Right { (&*right, &*left) } else { (&*left, &*right) };
            counted_once(base, other, base_unique)?;
            // The leading side's rows occur at most once, and every row of the result has one.
            let (other, at) = if *how == How::Right { (left, 0) } else { (right, 1) };
            if (*how != How::Inner || !base_unique)
                && let Some(columns) = added.get_mut(at)
            {
                number(other, columns);
            }
        }
        (Command::Concat { .. }, parts @ [_, _, ..]) if parts.iter().any(guarded) => {
            if let Some(to) = parts.iter().find_map(|part| part.rules.round_counts) {
                // Copies of a row would make steps of the count smaller.
                return Err(PlanError::RuleRounded { what: "putting tables together", to });
            }
            for (part, columns) in parts.iter_mut().zip(&mut added) {
                number(part, columns);
            }
            let hidden: Vec<Vec<ColumnType>> = parts.iter().map(|part| part.rules.hidden.clone()).collect();
            for (at, (part, columns)) in parts.iter_mut().zip(&mut added).enumerate() {
                pad(part, columns, at, &hidden);
            }
        }
        _ => {}
    }
    if inputs.iter().any(|input| input.rules.guards.len().max(input.rules.hidden.len()) > MOST_GUARDS) {
        return Err(PlanError::RuleUnchecked { what: "a table made from so many with rules" });
    }
    Ok((inputs, added))
}

/// Where counts are rounded, a row occurs once: of rows that occur often, the count tells more.
fn counted_once(base: &Input, other: &Input, base_unique: bool) -> Result<(), PlanError> {
    let rounds = base.rules.round_counts.or(other.rules.round_counts);
    let both = |guard: &Guard| other.rules.guards.iter().any(|theirs| theirs.source == guard.source);
    if let Some(to) = rounds.filter(|_| base.rules.guards.iter().any(both)) {
        // One row stands in two places then, and in as many as there are merges of this kind.
        return Err(PlanError::RuleRounded { what: "joining rows of an upload with each other", to });
    }
    match (base.rules.round_counts, other.rules.round_counts) {
        (_, Some(to)) if !base_unique => {
            Err(PlanError::RuleRounded { what: "a merge that may repeat its rows", to })
        }
        (Some(to), Some(other)) if to != other => {
            let to = to.max(other);
            Err(PlanError::RuleRounded { what: "joining tables whose counts are rounded differently", to })
        }
        _ => Ok(()),
    }
}

fn guarded(input: &Input) -> bool {
    !input.rules.guards.is_empty()
}

/// Gives the rows numbers if a guard counts them.
fn number(input: &mut Input, added: &mut Vec<Added>) {
    let mut place = None;
    for guard in input.rules.guards.iter_mut().filter(|guard| guard.rows_in.is_none()) {
        if place.is_none() {
            // Rows that do not belong are numbered, too: what the planner knows of their number is this.
            let ctype = ColumnType { kind: Kind::Integer { min: 0, max: (1 << 31) - 1 }, nullable: true };
            place = Some(input.rules.hidden.len() as u32);
            input.columns.push(hidden_column(input.rules.hidden.len(), &ctype));
            input.rules.hidden.push(ctype);
            added.push(Added::Numbers);
        }
        guard.rows_in = place;
    }
}

/// Gives one part of a concat a column for every hidden one of the parts, in their order.
fn pad(part: &mut Input, added: &mut Vec<Added>, at: usize, hidden: &[Vec<ColumnType>]) {
    for types in hidden.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, types)| types) {
        for ctype in types {
            part.columns.push(hidden_column(part.rules.hidden.len(), ctype));
            part.rules.hidden.push(ctype.clone());
            added.push(Added::Nothing);
        }
    }
}

/// No command can name it: names are looked up among the visible columns only.
fn hidden_column(place: usize, ctype: &ColumnType) -> ColumnMeta {
    ColumnMeta { name: format!("\0rows {place}"), ctype: ctype.clone() }
}

/// Types of hidden columns as columns.
pub(crate) fn hidden_columns(types: &[ColumnType]) -> impl Iterator<Item = ColumnMeta> + '_ {
    types.iter().enumerate().map(|(place, ctype)| hidden_column(place, ctype))
}

/// Refuses what the rules of the inputs forbid, whatever the data.
pub(crate) fn allowed(command: &Command, inputs: &[Input]) -> Result<(), PlanError> {
    if let Command::Upload { columns, rules: Some(rules), .. } = command {
        return check_rules(filled(rules)?, filled(columns)?);
    }
    if let (Command::Merge { left_on, right_on, validate, .. }, [left, right]) = (command, inputs) {
        let (left_unique, right_unique) = unique(*validate);
        promised(left, left_on, left_unique)?;
        return promised(right, right_on, right_unique);
    }
    let Some(input) = inputs.first() else { return Ok(()) };
    let closed = |name: &str| match input.rules.join_only.iter().any(|column| column == name) {
        true => Err(PlanError::RuleColumn { name: name.to_owned() }),
        false => Ok(()),
    };
    let within = |expression: &Expression| walk(expression, &closed);
    let least = input.rules.guards.iter().map(|guard| guard.min_rows).max();
    match command {
        Command::Filter { condition, .. } => within(condition),
        Command::Assign { columns, .. } => columns.iter().try_for_each(|column| within(&column.value)),
        Command::Sort { by, .. } => by.iter().try_for_each(|key| closed(&key.column)),
        Command::Aggregate { aggregations, .. } | Command::GroupBy { aggregations, .. } => {
            let extreme = |aggregate| matches!(aggregate, Aggregate::Min | Aggregate::Max);
            match least {
                Some(least) if aggregations.iter().any(|one| extreme(one.aggregate)) => {
                    Err(PlanError::RuleRows { what: "the smallest or greatest value", least })
                }
                _ => aggregations.iter().try_for_each(|one| within(&one.value)),
            }
        }
        Command::Open { .. } => match least {
            Some(least) => Err(PlanError::RuleRows { what: "opening the table", least }),
            None => input.visible().iter().try_for_each(|column| closed(&column.name)),
        },
        Command::Upload { .. }
        | Command::Get { .. }
        | Command::Project { .. }
        | Command::Merge { .. }
        | Command::Concat { .. }
        | Command::Save { .. }
        | Command::Remove { .. } => Ok(()),
    }
}

fn check_rules(rules: &Rules, columns: &[ColumnMeta]) -> Result<(), PlanError> {
    if rules.min_rows.is_some_and(|least| least < 2) {
        return Err(PlanError::BadRules { reason: "at least 2 rows can be asked for".to_owned() });
    }
    if rules.round_counts.is_some_and(|to| !(2..=COARSEST).contains(&to)) {
        let reason = format!("counts can be rounded to multiples of 2 to {COARSEST}");
        return Err(PlanError::BadRules { reason });
    }
    let mut seen = HashSet::new();
    for name in &rules.join_only {
        find(columns, name)?;
        if !seen.insert(name) {
            return Err(PlanError::BadRules { reason: format!("`{name}` is named twice") });
        }
    }
    Ok(())
}

/// Whether keys are unique is opened. Of keys that were made up, or of rows that were chosen, it could be the
/// value of a single row.
fn promised(input: &Input, keys: &[String], unique: bool) -> Result<(), PlanError> {
    if !unique {
        return Ok(());
    }
    for guard in &input.rules.guards {
        if guard.rows_in.is_none() && input.rows < guard.min_rows {
            return Err(PlanError::RuleRows { what: "whether keys are unique", least: guard.min_rows });
        }
        if let Some(name) = keys.iter().find(|key| input.rules.derived.contains(key)) {
            return Err(PlanError::RuleKey { name: name.clone() });
        }
    }
    Ok(())
}

fn walk(expression: &Expression, visit: &dyn Fn(&str) -> Result<(), PlanError>) -> Result<(), PlanError> {
    match expression {
        Expression::Column(name) => visit(name),
        Expression::Integer(_) | Expression::Boolean(_) | Expression::Text(_) | Expression::Date(_) => Ok(()),
        Expression::Not(inner) | Expression::Negate(inner) | Expression::IsNull(inner) => walk(inner, visit),
        Expression::FillNull { value: left, with: right } | Expression::Binary { left, right, .. } => {
            walk(left, visit)?;
            walk(right, visit)
        }
    }
}

/// The rules of the result. Adds the hidden columns to the operation and to `columns`, the result's.
pub(crate) fn follow(
    command: &Command,
    (inputs, added): (&[Input], &[Vec<Added>]),
    operation: &mut Operation,
    columns: &mut Vec<ColumnMeta>,
) -> Result<TableRules, PlanError> {
    let Some(first) = inputs.first() else { return of_upload(command) };
    let before = &first.rules;
    let visible = first.visible().len();
    Ok(match (command, operation) {
        (Command::Project { columns: asked, .. }, Operation::Project { columns: positions }) => {
            positions.extend(visible..first.columns.len());
            columns.extend_from_slice(first.behind());
            let marks = |marked: &[String]| -> Vec<String> {
                let kept = asked.iter().filter(|asked| marked.contains(&asked.column));
                kept.map(|asked| asked.rename.as_ref().unwrap_or(&asked.column).clone()).collect()
            };
            TableRules {
                join_only: marks(&before.join_only),
                derived: marks(&before.derived),
                ..before.clone()
            }
        }
        (Command::Assign { columns: made, .. }, Operation::Assign { columns: sources }) => {
            sources.extend((visible..first.columns.len()).map(Assigned::Keep));
            columns.extend_from_slice(first.behind());
            let mut rules = before.clone();
            rules.join_only.retain(|name| made.iter().all(|made| made.name != *name));
            if guarded(first) {
                rules.derived.retain(|name| made.iter().all(|made| made.name != *name));
                rules.derived.extend(made.iter().map(|made| made.name.clone()));
            }
            rules
        }
        (Command::Merge { how, .. }, Operation::Merge { keys, columns: sources, .. }) => {
            let [left, right] = inputs else { return Ok(TableRules::default()) };
            let mut rules = joined([left, right], keys, sources, columns);
            if !rules.guards.is_empty() {
                rules.derived = unlike_base([left, right], *how, sources, columns);
            }
            for (input, source) in
                [(left, MergeSource::Left as fn(usize) -> MergeSource), (right, MergeSource::Right)]
            {
                sources.extend((input.visible().len()..input.columns.len()).map(source));
            }
            columns.extend(hidden_columns(&rules.hidden));
            rules
        }
        (Command::Concat { .. }, Operation::Concat { columns: places }) => {
            appended(inputs, added, places, columns)
        }
        (Command::GroupBy { by, .. }, _) => {
            let closed = by.iter().filter(|name| before.join_only.contains(name));
            TableRules { join_only: closed.cloned().collect(), ..TableRules::default() }
        }
        (Command::Filter { .. }, _) => {
            columns.extend_from_slice(first.behind());
            chosen(first)
        }
        (Command::Get { .. } | Command::Save { .. } | Command::Sort { .. }, _) => {
            columns.extend_from_slice(first.behind());
            before.clone()
        }
        _ => TableRules::default(),
    })
}

/// The rules of some of the rows: no column is as it was uploaded, even if all its values are.
fn chosen(input: &Input) -> TableRules {
    let mut rules = input.rules.clone();
    if guarded(input) {
        rules.derived = input.visible().iter().map(|column| column.name.clone()).collect();
    }
    rules
}

fn of_upload(command: &Command) -> Result<TableRules, PlanError> {
    let Command::Upload { rules: Some(rules), .. } = command else { return Ok(TableRules::default()) };
    let rules = filled(rules)?.clone();
    let guards = rules.fewest().map(|min_rows| Guard { source: None, min_rows, rows_in: None });
    let Rules { join_only, round_counts, .. } = rules;
    Ok(TableRules { guards: guards.into_iter().collect(), join_only, round_counts, ..TableRules::default() })
}

/// Guards, hidden columns and columns for joining only of a merge.
fn joined(
    [left, right]: [&Input; 2],
    keys: &[crate::KeyPair],
    sources: &[MergeSource],
    columns: &[ColumnMeta],
) -> TableRules {
    let mut rules = TableRules {
        guards: left.rules.guards.clone(),
        round_counts: left.rules.round_counts.or(right.rules.round_counts),
        ..TableRules::default()
    };
    let behind = left.rules.hidden.len() as u32;
    for guard in &right.rules.guards {
        let rows_in = guard.rows_in.map(|place| place + behind);
        let guard = Guard { rows_in, ..guard.clone() };
        if !rules.guards.contains(&guard) {
            rules.guards.push(guard);
        }
    }
    rules.hidden = left.rules.hidden.iter().chain(&right.rules.hidden).cloned().collect();

    let is_closed = |input: &Input, at: usize| {
        input.columns.get(at).is_some_and(|column| input.rules.join_only.contains(&column.name))
    };
    // What is joined on such a column equals it; and a table whose own key is not for joining only may hold
    // that key in any other column, too.
    let mut equal = [HashSet::new(), HashSet::new()];
    let mut whole = [false, false];
    for pair in keys {
        let closed = [is_closed(left, pair.left), is_closed(right, pair.right)];
        if closed != [false, false] {
            equal[0].insert(pair.left);
            equal[1].insert(pair.right);
            whole = [whole[0] | !closed[0], whole[1] | !closed[1]];
        }
    }
    let closed = |source: &MergeSource| {
        let of_left = |at| whole[0] || equal[0].contains(&at) || is_closed(left, at);
        let of_right = |at| whole[1] || equal[1].contains(&at) || is_closed(right, at);
        match *source {
            MergeSource::Left(at) => of_left(at),
            MergeSource::Right(at) => of_right(at),
            MergeSource::Both(pair) => of_left(pair.left) || of_right(pair.right),
        }
    };
    rules.join_only = sources
        .iter()
        .zip(columns)
        .filter(|(source, _)| closed(source))
        .map(|(_, column)| column.name.clone())
        .collect();
    rules
}

/// Columns of a merge that are not the leading side's as they were uploaded. In an inner merge the other side
/// chooses the rows, so none is.
fn unlike_base(
    [left, right]: [&Input; 2],
    how: How,
    sources: &[MergeSource],
    columns: &[ColumnMeta],
) -> Vec<String> {
    let base = if how == How::Right { right } else { left };
    let original = |source: &MergeSource| {
        let at = match (how, *source) {
            (How::Right, MergeSource::Right(at)) => at,
            (How::Left, MergeSource::Left(at)) => at,
            _ => return false,
        };
        let column = base.columns.get(at);
        guarded(base) && column.is_some_and(|column| !base.rules.derived.contains(&column.name))
    };
    let derived = sources.iter().zip(columns).filter(|(source, _)| !original(source));
    derived.map(|(_, column)| column.name.clone()).collect()
}

/// The rules of rows of several tables. Every guard still counts the rows of its own upload.
fn appended(
    inputs: &[Input],
    added: &[Vec<Added>],
    places: &mut [Vec<usize>],
    columns: &mut Vec<ColumnMeta>,
) -> TableRules {
    let mut rules = TableRules::default();
    let mut start = 0;
    // A part's own hidden columns come first in it, those of the others follow in order (see `pad`).
    for ((input, added), places) in inputs.iter().zip(added).zip(places) {
        let others = added.iter().filter(|added| **added == Added::Nothing).count();
        let mine = input.rules.hidden.len() - others;
        let visible = input.visible().len();
        let (before, after) = (visible + mine..visible + mine + start, visible + mine + start..);
        rules.guards.extend(input.rules.guards.iter().map(|guard| Guard {
            rows_in: guard.rows_in.map(|place| place + start as u32),
            ..guard.clone()
        }));
        rules.hidden.extend(input.rules.hidden.iter().take(mine).cloned());
        places.extend(before.chain(visible..visible + mine));
        places.extend(after.take_while(|place| *place < input.columns.len()));
        start += mine;
    }
    let any = |column: &ColumnMeta| inputs.iter().any(|input| input.rules.join_only.contains(&column.name));
    rules.join_only = columns.iter().filter(|column| any(column)).map(|column| column.name.clone()).collect();
    if let [only] = inputs {
        rules.derived.clone_from(&only.rules.derived);
        rules.round_counts = only.rules.round_counts;
    } else if !rules.guards.is_empty() {
        rules.derived = columns.iter().map(|column| column.name.clone()).collect();
    }
    columns.extend(hidden_columns(&rules.hidden));
    rules
}

/// What must be counted before the operation opens anything.
pub(crate) fn checks(
    operation: &Operation,
    inputs: &[Input],
    (rules, columns): (&TableRules, usize),
) -> Vec<Check> {
    match (operation, inputs) {
        (Operation::Filter { .. } | Operation::Aggregate { .. } | Operation::GroupBy { .. }, [input]) => {
            input.checks()
        }
        (Operation::Merge { how: How::Inner, .. }, _) => asked(rules, columns - rules.hidden.len()),
        _ => Vec::new(),
    }
}

fn asked(rules: &TableRules, visible: usize) -> Vec<Check> {
    let check = |guard: &Guard| Check {
        // Also a rule of another upload tells no more than the rounded count.
        min_rows: up(guard.min_rows, rules.round_counts),
        rows_in: guard.rows_in.map(|place| visible + place as usize),
    };
    rules.guards.iter().map(check).collect()
}

impl Input {
    /// What must be behind whatever is opened of some of its rows.
    pub fn checks(&self) -> Vec<Check> {
        asked(&self.rules, self.visible().len())
    }

    /// Before it is told whether the keys of an upload are unique, so many of its rows must have one: rows
    /// without a key are like no other.
    pub fn keyed(&self) -> Option<u64> {
        let own = |check: &Check| check.rows_in.is_none();
        self.checks().iter().filter(|check| own(check)).map(|check| check.min_rows).max()
    }
}

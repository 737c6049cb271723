//! What changed between two scripts: steps that came or went, and in the others the fields that differ.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::command::{Command, TableRef};
use crate::json::Tree;
use crate::script::{Script, Step};

/// Tables of more cells than this are not filled in; the steps are then compared one by one.
const MOST_CELLS: usize = 4 << 20;
/// Scripts that differ in more places ask something else.
const FEW: usize = 3;

/// All that differs, in the order of the steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptDiff {
    /// Outside the steps: the name, the order, what may be filled into holes.
    pub fields: Vec<FieldDiff>,
    pub steps: Vec<StepDiff>,
}

/// Steps count from 1. Source lines decide nothing and are not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepDiff {
    Same { left: usize, right: usize },
    Changed { left: usize, right: usize, fields: Vec<FieldDiff> },
    Removed { left: usize },
    Added { right: usize },
}

/// One place of a command, in compact JSON; `None` on the side that has no such place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldDiff {
    pub path: String,
    pub left: Option<String>,
    pub right: Option<String>,
}

impl ScriptDiff {
    /// Both say the same.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.steps.iter().all(|step| matches!(step, StepDiff::Same { .. }))
    }
}

/// Compares two scripts. A step that came in between changes nothing about those behind it.
pub fn diff_scripts(left: &Script, right: &Script) -> ScriptDiff {
    let pairs = pair_up(&left.steps, &right.steps);
    let partners: BTreeMap<u32, u32> = pairs
        .iter()
        .filter_map(|pair| match pair {
            (Some(left), Some(right)) => Some((u32::try_from(*right).ok()?, u32::try_from(*left).ok()?)),
            _ => None,
        })
        .collect();
    let compare = |(mine, theirs): (Option<usize>, Option<usize>)| match (mine, theirs) {
        (Some(mine), Some(theirs)) => {
            let (left_step, right_step) = (left.steps.get(mine)?, right.steps.get(theirs)?);
            let fields = compare_commands(&left_step.command, &right_step.command, &partners);
            let (left, right) = (mine + 1, theirs + 1);
            Some(match fields.is_empty() {
                true => StepDiff::Same { left, right },
                false => StepDiff::Changed { left, right, fields },
            })
        }
        (Some(mine), None) => Some(StepDiff::Removed { left: mine + 1 }),
        (None, theirs) => Some(StepDiff::Added { right: theirs? + 1 }),
    };
    let bare = |script: &Script| Script { steps: Vec::new(), ..script.clone() };
    let fields = diff_values(&bare(left), &bare(right));
    ScriptDiff { fields, steps: pairs.into_iter().filter_map(compare).collect() }
}

/// Every place where the written forms of two values differ.
pub fn diff_values<T: Serialize>(left: &T, right: &T) -> Vec<FieldDiff> {
    let mut fields = Vec::new();
    if let (Ok(left), Ok(right)) = (Tree::of(left), Tree::of(right)) {
        compare_trees(Some(&left), Some(&right), "", &mut fields);
    }
    fields
}

/// Whether `right` asks nearly what `left` asked: the same commands over the same tables, but for one to
/// three constants, minimums or conditions. What lies between the two answers can be the value of one row.
pub fn near_identical(left: &Script, right: &Script) -> Option<ScriptDiff> {
    let mut diff = diff_scripts(left, right);
    diff.fields.clear();
    let mut places = Vec::new();
    for step in &diff.steps {
        match step {
            StepDiff::Same { .. } => {}
            StepDiff::Changed { left, fields, .. } => {
                for field in fields {
                    places.push((*left, chosen_by_the_analyst(&field.path)?));
                }
            }
            StepDiff::Removed { .. } | StepDiff::Added { .. } => return None,
        }
    }
    places.dedup();
    (1..=FEW).contains(&places.len()).then_some(diff)
}

/// The condition, minimum or constant that a path leads into.
fn chosen_by_the_analyst(path: &str) -> Option<&str> {
    const CONDITION: &str = "filter.condition";
    match path.rsplit('.').next() {
        _ if path.starts_with(CONDITION) => path.get(..CONDITION.len()),
        Some("threshold" | "integer" | "text" | "date" | "boolean") => Some(path),
        _ => None,
    }
}

/// Steps side by side: equal ones first, then between them those of one verb.
fn pair_up(left: &[Step], right: &[Step]) -> Vec<(Option<usize>, Option<usize>)> {
    let verbs = |steps: &[Step]| steps.iter().map(|step| verb(&step.command)).collect::<Vec<_>>();
    let (mine, theirs) = (verbs(left), verbs(right));
    let equal = common_subsequence(&keys(left), &keys(right));
    let end = (left.len(), right.len());
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    for (next_i, next_j) in equal.into_iter().chain([end]) {
        let gap = (mine.get(i..next_i).unwrap_or_default(), theirs.get(j..next_j).unwrap_or_default());
        pairs.extend(common_subsequence(gap.0, gap.1).into_iter().map(|(a, b)| (i + a, j + b)));
        pairs.push((next_i, next_j));
        (i, j) = (next_i + 1, next_j + 1);
    }
    with_the_rest(&pairs)
}

/// Puts what has no partner between the pairs, the last of which is the end of both.
fn with_the_rest(pairs: &[(usize, usize)]) -> Vec<(Option<usize>, Option<usize>)> {
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    for (a, b) in pairs {
        all.extend((i..*a).map(|at| (Some(at), None)));
        all.extend((j..*b).map(|at| (None, Some(at))));
        all.push((Some(*a), Some(*b)));
        (i, j) = (a + 1, b + 1);
    }
    all.pop();
    all
}

/// Names each step by what it says and what the steps say that it refers to, wherever these stand.
fn keys(steps: &[Step]) -> Vec<[u8; 32]> {
    let mut keys: Vec<[u8; 32]> = Vec::new();
    for step in steps {
        let mut command = step.command.clone();
        let mut inputs = Vec::new();
        for input in command.inputs_mut() {
            if let TableRef::Step(earlier) = input {
                inputs.extend(keys.get(*earlier as usize).copied().unwrap_or_default());
                *earlier = 0;
            }
        }
        let mut hasher = blake3::Hasher::new_derive_key("vdl 2026 step of a script");
        hasher.update(&serde_json::to_vec(&command).unwrap_or_default());
        hasher.update(&inputs);
        keys.push(*hasher.finalize().as_bytes());
    }
    keys
}

fn verb(command: &Command) -> &'static str {
    match command {
        Command::Upload { .. } => "upload",
        Command::Get { .. } => "get",
        Command::Filter { .. } => "filter",
        Command::Project { .. } => "project",
        Command::Assign { .. } => "assign",
        Command::Merge { .. } => "merge",
        Command::Concat { .. } => "concat",
        Command::Aggregate { .. } => "aggregate",
        Command::GroupBy { .. } => "group_by",
        Command::Sort { .. } => "sort",
        Command::Open { .. } => "open",
        Command::Save { .. } => "save",
        Command::Remove { .. } => "remove",
    }
}

/// The places of a longest common subsequence, in order; of very long lists, what stands at the same place.
pub fn common_subsequence<T: PartialEq>(left: &[T], right: &[T]) -> Vec<(usize, usize)> {
    let alike = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let (tail, other) = (left.get(alike..).unwrap_or_default(), right.get(alike..).unwrap_or_default());
    let mut found: Vec<(usize, usize)> = (0..alike).map(|at| (at, at)).collect();
    let wide = other.len() + 1;
    if tail.len().saturating_mul(wide) > MOST_CELLS {
        let pairs = tail.iter().zip(other).enumerate().filter(|(_, (a, b))| a == b);
        found.extend(pairs.map(|(at, _)| (alike + at, alike + at)));
        return found;
    }
    let mut lengths = vec![0_u32; (tail.len() + 1) * wide];
    let length = |lengths: &[u32], i: usize, j: usize| lengths.get(i * wide + j).copied().unwrap_or(0);
    for (i, a) in tail.iter().enumerate().rev() {
        for (j, b) in other.iter().enumerate().rev() {
            let best = match a == b {
                true => length(&lengths, i + 1, j + 1) + 1,
                false => length(&lengths, i + 1, j).max(length(&lengths, i, j + 1)),
            };
            if let Some(cell) = lengths.get_mut(i * wide + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (tail.get(i), other.get(j)) {
        if a == b {
            found.push((alike + i, alike + j));
            (i, j) = (i + 1, j + 1);
        } else if length(&lengths, i + 1, j) >= length(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// Where references lead to partners they are the same, whatever their numbers.
fn compare_commands(left: &Command, right: &Command, partners: &BTreeMap<u32, u32>) -> Vec<FieldDiff> {
    let mut moved = right.clone();
    for (theirs, mine) in moved.inputs_mut().into_iter().zip(left.inputs()) {
        let TableRef::Step(step) = theirs else { continue };
        match partners.get(step) {
            Some(partner) if *mine == TableRef::Step(*partner) => *theirs = mine.clone(),
            // No step of a script has this number, so it equals no other reference.
            _ => *step = u32::MAX - *step,
        }
    }
    let mut fields = diff_values(left, &moved);
    for field in &mut fields {
        if let Some(number) = field.right.as_ref().and_then(|text| text.parse::<u32>().ok())
            && field.path.ends_with(".step")
        {
            field.right = Some((u32::MAX - number).to_string());
        }
    }
    fields
}

fn compare_trees(left: Option<&Tree>, right: Option<&Tree>, path: &str, found: &mut Vec<FieldDiff>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (left, right) {
        (Some(Tree::Object(mine)), Some(other @ Tree::Object(theirs))) => {
            for (key, value) in mine {
                compare_trees(Some(value), other.get(key), &below(key), found);
            }
            for (key, value) in
                theirs.iter().filter(|(key, _)| left.is_none_or(|tree| tree.get(key).is_none()))
            {
                compare_trees(None, Some(value), &below(key), found);
            }
        }
        (Some(Tree::List(mine)), Some(Tree::List(theirs))) => {
            for at in 0..mine.len().max(theirs.len()) {
                compare_trees(mine.get(at), theirs.get(at), &format!("{path}[{at}]"), found);
            }
        }
        _ if left == right => {}
        _ => {
            let text = |tree: &Tree| serde_json::to_string(tree).unwrap_or_default();
            found.push(FieldDiff { path: path.to_owned(), left: left.map(text), right: right.map(text) });
        }
    }
}

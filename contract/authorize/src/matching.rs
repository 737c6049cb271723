//! Whether a command is the one that was approved: tree against tree, holes bound as values.

use std::collections::BTreeMap;
use std::fmt;

use vdl_command::{Command, HoleName, Script, Tree, common_subsequence, holes};

/// What fills the holes. In a script one name means one value for the whole run; in an authorization
/// for commands in any order, for one command.
pub type Bindings = BTreeMap<HoleName, Tree>;

/// How a command differs from the approved one: for the eyes of the analyst who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Steps count from 0 here, from 1 in texts.
    pub step: u32,
    /// The Python line that was recorded for this step.
    pub source: Option<String>,
    /// Indented JSON.
    pub expected: String,
    pub actual: String,
    /// Where they differ first: `filter.threshold`.
    pub path: String,
    /// What stands there, in compact JSON; where the commands themselves differ, which these are.
    pub expected_field: Option<String>,
    pub actual_field: Option<String>,
    /// More than that they differ, where there is more.
    pub reason: Option<String>,
}

/// Compares `command` with step `step` of `script` and gives the bindings that make them equal.
pub fn match_step(
    script: &Script,
    step: u32,
    command: &Command,
    bindings: &Bindings,
) -> Result<Bindings, Box<Mismatch>> {
    let approved = script.steps.get(step as usize);
    let expected = approved.and_then(|approved| Tree::of(&approved.command).ok()).unwrap_or(Tree::Null);
    let actual = Tree::of(command).unwrap_or(Tree::Null);
    let mut found = bindings.clone();
    let mut reason = holes(command).first().map(|hole| format!("nothing was filled into {hole}"));
    let mut fills = |approved: &Tree, given: &Tree| {
        let Tree::Text(text) = approved else { return false };
        let Some(hole) = HoleName::parse(text) else { return false };
        match fill(script, &found, &hole, given) {
            Ok(()) => {
                found.insert(hole, given.clone());
                true
            }
            Err(why) => {
                reason.get_or_insert(why);
                false
            }
        }
    };
    let difference = expected.difference_except(&actual, &mut fills);
    if approved.is_some() && difference.is_none() && reason.is_none() {
        return Ok(found);
    }
    let path = difference.unwrap_or_else(|| "the top".to_owned());
    Err(Box::new(Mismatch {
        step,
        source: approved.and_then(|approved| approved.source.clone()),
        expected: expected.pretty(),
        actual: actual.pretty(),
        expected_field: field(&expected, &path),
        actual_field: field(&actual, &path),
        path,
        reason,
    }))
}

/// What stands at a place that [`Tree::difference_except`] named.
fn field(tree: &Tree, path: &str) -> Option<String> {
    let mut pieces = path.split(['.', '[']);
    let verb = pieces.next()?;
    let mut here = match tree {
        Tree::Object(entries) if path == verb => return entries.first().map(|(verb, _)| verb.clone()),
        _ => tree.get(verb)?,
    };
    for piece in pieces {
        here = match (here, piece.strip_suffix(']')) {
            (Tree::List(items), Some(number)) => items.get(number.parse::<usize>().ok()?)?,
            _ => here.get(piece)?,
        };
    }
    serde_json::to_string(here).ok()
}

/// The first command of an authorization in any order that `command` matches.
pub fn find_pattern(script: &Script, command: &Command) -> Option<u32> {
    let numbers = 0..u32::try_from(script.steps.len()).ok()?;
    numbers.into_iter().find(|step| match_step(script, *step, command, &Bindings::new()).is_ok())
}

fn fill(script: &Script, found: &Bindings, hole: &HoleName, given: &Tree) -> Result<(), String> {
    if found.get(hole).is_some_and(|earlier| earlier.difference(given).is_some()) {
        return Err(format!("{hole} stands for another value elsewhere"));
    }
    match script.holes.iter().find(|declared| declared.hole == *hole) {
        Some(declared) if !declared.domain.contains(given) => {
            Err(format!("{hole} may not stand for this value"))
        }
        _ => Ok(()),
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} is not the approved one; they differ first at {}", self.step + 1, self.path)?;
        let [approved, this] = self.fields();
        write!(f, ": approved is {approved}, this is {this}")?;
        match &self.reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

/// A piece of JSON that fits into a sentence.
fn shortened(field: &Option<String>) -> String {
    const ENOUGH: usize = 60;
    match field {
        None => "nothing".to_owned(),
        Some(text) if text.chars().count() <= ENOUGH => text.clone(),
        Some(text) => text.chars().take(ENOUGH).chain(['…']).collect(),
    }
}

impl Mismatch {
    /// Both fields where they differ first, short enough to stand in a line.
    pub fn fields(&self) -> [String; 2] {
        [shortened(&self.expected_field), shortened(&self.actual_field)]
    }

    /// Both texts in two columns, lines that differ marked with `|`, `<` or `>`.
    pub fn side_by_side(&self) -> String {
        let (left, right): (Vec<&str>, Vec<&str>) =
            (self.expected.lines().collect(), self.actual.lines().collect());
        let width = left.iter().map(|line| line.chars().count()).max().unwrap_or(0).clamp(20, 60);
        let mut text = format!("{:width$}   actual\n", "expected");
        for (mine, theirs) in aligned(&left, &right) {
            let mark = match (mine, theirs) {
                (Some(a), Some(b)) if a == b => ' ',
                (Some(_), Some(_)) => '|',
                (Some(_), None) => '<',
                (None, _) => '>',
            };
            let line = format!("{:width$} {mark} {}", mine.unwrap_or(""), theirs.unwrap_or(""));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Equal lines side by side; those between them stand for each other, one by one.
fn aligned<'a>(left: &[&'a str], right: &[&'a str]) -> Vec<(Option<&'a str>, Option<&'a str>)> {
    let (mut i, mut j, mut rows) = (0, 0, Vec::new());
    for (a, b) in common_subsequence(left, right).into_iter().chain([(left.len(), right.len())]) {
        let (mine, theirs) = (left.get(i..a).unwrap_or_default(), right.get(j..b).unwrap_or_default());
        let between = 0..mine.len().max(theirs.len());
        rows.extend(between.map(|at| (mine.get(at).copied(), theirs.get(at).copied())));
        rows.extend(left.get(a).map(|line| (Some(*line), right.get(b).copied())));
        (i, j) = (a + 1, b + 1);
    }
    rows
}

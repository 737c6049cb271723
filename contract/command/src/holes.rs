//! What an approver left open: `##name##` wherever a text may stand in a command.

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::expression::Integer;
use crate::handle::Handle;
use crate::json::{ReadError, Tree};
use crate::slot::HoleName;
use crate::types::ColumnType;

/// Says what may be filled into a hole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoleDomain {
    pub hole: HoleName,
    pub domain: Domain,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Domain {
    /// Whole numbers, bounds inclusive.
    Integer { min: Integer, max: Integer },
    /// One of these texts.
    OneOf(Vec<String>),
    /// One of these tables.
    Handles(Vec<Handle>),
    /// Texts that match from beginning to end: letters, digits and signs for themselves, `[A-Z]`, `(a|b)`,
    /// `?`, `*`, `+`, `{2,4}`, and `\` before a sign that shall stand for itself.
    Pattern(String),
    /// Days as `2027-01-31`, bounds inclusive.
    Date { min: String, max: String },
    /// Texts of at most so many characters.
    Text { most: u32 },
}

/// A pattern an approver can read.
const LONGEST_PATTERN: usize = 200;

/// What a pattern is tried on; nothing longer matches any.
const LONGEST_VALUE: usize = 4096;

impl Domain {
    /// Why it cannot be used, if so.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Domain::Integer { .. } | Domain::OneOf(_) | Domain::Handles(_) => Ok(()),
            Domain::Pattern(pattern) => {
                check_signs(pattern)?;
                whole(pattern).map(drop).map_err(|error| format!("`{pattern}` is no pattern: {error}"))
            }
            Domain::Date { min, max } => match (ColumnType::days_of(min), ColumnType::days_of(max)) {
                (Some(first), Some(last)) if first <= last => Ok(()),
                (Some(_), Some(_)) => Err(format!("no day lies between {min} and {max}")),
                _ => Err("a day is written like 2027-01-31".to_owned()),
            },
            Domain::Text { most: 0 } => Err("a text of at most 0 characters says nothing".to_owned()),
            Domain::Text { .. } => Ok(()),
        }
    }

    /// Whether the value that came for the hole is one of those allowed.
    pub fn contains(&self, value: &Tree) -> bool {
        match (self, value) {
            (Domain::Integer { min, max }, Tree::Integer(number)) => {
                (min.0..=max.0).contains(&i128::from(*number))
            }
            (Domain::Integer { min, max }, Tree::Text(text)) => {
                Integer::written(text).is_some_and(|number| (min.0..=max.0).contains(&number.0))
            }
            (Domain::OneOf(texts), Tree::Text(text)) => texts.contains(text),
            (Domain::Handles(handles), Tree::Text(text)) => {
                text.parse().is_ok_and(|handle| handles.contains(&handle))
            }
            (Domain::Pattern(pattern), Tree::Text(text)) => {
                text.len() <= LONGEST_VALUE && whole(pattern).is_ok_and(|pattern| pattern.is_match(text))
            }
            (Domain::Date { min, max }, Tree::Text(text)) => {
                let days = [min, text, max].map(|date| ColumnType::days_of(date));
                matches!(days, [Some(min), Some(day), Some(max)] if (min..=max).contains(&day))
            }
            (Domain::Text { most }, Tree::Text(text)) => text.chars().count() <= *most as usize,
            _ => false,
        }
    }
}

/// A pattern for whole texts. Matching takes time linear in the text.
fn whole(pattern: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build()
}

/// Only what means the same in every language that reads patterns.
fn check_signs(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() || pattern.len() > LONGEST_PATTERN {
        return Err(format!("a pattern has 1 to {LONGEST_PATTERN} characters"));
    }
    if !pattern.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err("a pattern is written in ASCII".to_owned());
    }
    let (mut rest, mut class) = (pattern.chars().peekable(), false);
    while let Some(sign) = rest.next() {
        let next = rest.peek().copied();
        let meant = match sign {
            // Before `<` and `>` it stands for the edges of a word.
            '\\' => rest.next().is_some_and(|next| next.is_ascii_punctuation() && !matches!(next, '<' | '>')),
            '[' if !class => {
                class = true;
                rest.next_if_eq(&'^');
                true
            }
            ']' => std::mem::take(&mut class),
            '[' | '^' => false,
            '&' | '-' | '~' if class => next != Some(sign),
            '.' | '$' => class,
            '(' => class || next != Some('?'),
            _ => true,
        };
        if !meant {
            return Err(format!("`{sign}` in a pattern; write \\{sign} if the sign itself is meant"));
        }
    }
    Ok(())
}

/// The holes of a command, each once, in the order in which they are written.
pub fn holes(command: &Command) -> Vec<HoleName> {
    marked(command).ok().flatten().map(|tree| holes_in(&tree)).unwrap_or_default()
}

fn holes_in(tree: &Tree) -> Vec<HoleName> {
    let mut found = Vec::new();
    tree.texts(&mut |text| {
        if let Some(hole) = HoleName::parse(text).filter(|hole| !found.contains(hole)) {
            found.push(hole);
        }
    });
    found
}

/// The command as a tree, if there is a `##` anywhere in it; most have none.
fn marked(command: &Command) -> Result<Option<Tree>, ReadError> {
    let text = serde_json::to_vec(command)?;
    match text.windows(2).any(|pair| pair == b"##") {
        true => Tree::read(&text).map(Some),
        false => Ok(None),
    }
}

/// A text between `##` and `##` that is no hole would silently match nothing: refused. Gives
/// the holes.
pub(crate) fn check_holes(command: &Command, place: &str) -> Result<Vec<HoleName>, ReadError> {
    let mut wrong = None;
    let Some(tree) = marked(command)? else { return Ok(Vec::new()) };
    tree.texts(&mut |text| {
        let meant = text.len() >= 4 && text.starts_with("##") && text.ends_with("##");
        if meant && HoleName::parse(text).is_none() {
            wrong = Some(text.to_owned());
        }
    });
    match wrong {
        None => Ok(holes_in(&tree)),
        Some(text) => Err(ReadError::within(
            place,
            format!("`{text}` is no hole: between the ## stand a letter, then letters, digits or _"),
        )),
    }
}

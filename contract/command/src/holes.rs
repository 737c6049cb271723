//! What an approver left open: `##name##` wherever a text may stand in a command.

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::expression::Integer;
use crate::handle::Handle;
use crate::json::{ReadError, Tree};
use crate::slot::HoleName;

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
}

impl Domain {
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
            _ => false,
        }
    }
}

/// The holes of a command, each once, in the order in which they are written.
pub fn holes(command: &Command) -> Vec<HoleName> {
    let mut found = Vec::new();
    if let Ok(tree) = Tree::of(command) {
        tree.texts(&mut |text| {
            if let Some(hole) = HoleName::parse(text).filter(|hole| !found.contains(hole)) {
                found.push(hole);
            }
        });
    }
    found
}

/// A text between `##` and `##` that is no hole would silently match nothing: refused.
pub(crate) fn check_holes(command: &Command, place: &str) -> Result<(), ReadError> {
    let mut wrong = None;
    Tree::of(command)?.texts(&mut |text| {
        let meant = text.len() >= 4 && text.starts_with("##") && text.ends_with("##");
        if meant && HoleName::parse(text).is_none() {
            wrong = Some(text.to_owned());
        }
    });
    match wrong {
        None => Ok(()),
        Some(text) => Err(ReadError::within(
            place,
            format!("`{text}` is no hole: between the ## stand a letter, then letters, digits or _"),
        )),
    }
}

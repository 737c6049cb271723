//! A position in a command that an approver may leave open.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value, or a hole written `##name##` that the analyst fills in when the command is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "neither a value of the right form nor a hole ##name##")]
pub enum Slot<T> {
    Hole(HoleName),
    Value(T),
}

impl<T> Slot<T> {
    /// The value, or `None` for a hole.
    pub fn value(&self) -> Option<&T> {
        match self {
            Slot::Value(value) => Some(value),
            Slot::Hole(_) => None,
        }
    }
}

impl<T> From<T> for Slot<T> {
    fn from(value: T) -> Self {
        Slot::Value(value)
    }
}

impl<T: fmt::Display> fmt::Display for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Hole(name) => write!(f, "{name}"),
            Slot::Value(value) => write!(f, "{value}"),
        }
    }
}

/// The name between the two `##` of a hole: a letter, then letters, digits or `_`; at most 64.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HoleName(String);

impl HoleName {
    /// The bare name, without the `##`.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Reads `##name##`; `None` where the text is no hole.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("##")?.strip_suffix("##")?;
        let mut characters = name.chars();
        let starts_well = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
        let goes_on_well = characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        (starts_well && goes_on_well && name.len() <= 64).then(|| Self(name.to_owned()))
    }
}

impl TryFrom<String> for HoleName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| "a hole is written ##name##".to_owned())
    }
}

impl From<HoleName> for String {
    fn from(hole: HoleName) -> Self {
        format!("##{}##", hole.0)
    }
}

impl fmt::Display for HoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "##{}##", self.0)
    }
}

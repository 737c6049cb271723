//! A position in a command that an approver may leave open.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A value, or a hole written `##name##` that the analyst fills in when the command is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
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

/// By hand, as reading would otherwise copy every value to try it twice: only a text can be a hole.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Slot<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
    type Value = Slot<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of the right form or a hole ##name##")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Slot<T>, E> {
        match HoleName::parse(text) {
            Some(hole) => Ok(Slot::Hole(hole)),
            None => T::deserialize(text.into_deserializer()).map(Slot::Value),
        }
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Slot<T>, E> {
        T::deserialize(truth.into_deserializer()).map(Slot::Value)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Slot<T>, E> {
        T::deserialize(number.into_deserializer()).map(Slot::Value)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Slot<T>, E> {
        T::deserialize(number.into_deserializer()).map(Slot::Value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Slot<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(items)).map(Slot::Value)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Slot<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Slot::Value)
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

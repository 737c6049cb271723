//! Strict JSON: what is signed must mean the same to every reader.
//!
//! Refused: duplicate keys, fractions, bare integers beyond ±2^53, text after the end, byte-order
//! marks, too much depth or size, and every way of writing a value that is not the way we write it.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use thiserror::Error;

/// The longest text that is looked at.
pub const LARGEST_JSON: usize = 16 << 20;
/// Arrays and objects within each other; some fifty operators nested in one expression.
pub const DEEPEST_JSON: usize = 120;
const EXACT: i64 = 1 << 53;

/// Why a text was refused, with the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    #[error("the text is longer than {} MiB", LARGEST_JSON >> 20)]
    TooLarge,
    #[error("the text starts with a byte-order mark; save it without one")]
    ByteOrderMark,
    /// Not JSON, or not of the expected form.
    #[error("{message} (line {line}, column {column})")]
    At { message: String, line: usize, column: usize },
    /// Well-formed, but not allowed at this place.
    #[error("{message} (at {path})")]
    In { message: String, path: String },
}

impl ReadError {
    pub(crate) fn within(path: impl Into<String>, message: impl Into<String>) -> Self {
        ReadError::In { message: message.into(), path: path.into() }
    }
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let mut message = error.to_string();
        if let Some(at) = message.rfind(" at line ") {
            message.truncate(at);
        }
        ReadError::At { message, line, column }
    }
}

/// JSON as a tree; the form in which an approved step and a concrete command are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
    List(Vec<Tree>),
    /// In the order written; no key twice.
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads one whole strict JSON text.
    pub fn read(bytes: &[u8]) -> Result<Tree, ReadError> {
        if bytes.len() > LARGEST_JSON {
            return Err(ReadError::TooLarge);
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(ReadError::ByteOrderMark);
        }
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let tree = Below { depth: 0 }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(tree)
    }

    /// The tree of what `value` is written as.
    pub fn of<T: Serialize>(value: &T) -> Result<Tree, ReadError> {
        Tree::read(&serde_json::to_vec(value)?)
    }

    pub fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Tree::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Indented, for people.
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Path of the first place where the two differ; the order of keys does not count.
    pub fn difference(&self, other: &Tree) -> Option<String> {
        let mut path = Path::default();
        self.differs(other, &mut path, &mut |_, _| false).then(|| path.to_string())
    }

    /// Like [`Tree::difference`], where `stands_for(mine, theirs)` may accept what is not equal.
    pub fn difference_except(
        &self,
        other: &Tree,
        stands_for: &mut dyn FnMut(&Tree, &Tree) -> bool,
    ) -> Option<String> {
        let mut path = Path::default();
        self.differs(other, &mut path, stands_for).then(|| path.to_string())
    }

    /// Leaves in `path` where the first difference is.
    fn differs(
        &self,
        other: &Tree,
        path: &mut Path,
        stands_for: &mut dyn FnMut(&Tree, &Tree) -> bool,
    ) -> bool {
        if stands_for(self, other) {
            return false;
        }
        match (self, other) {
            (Tree::List(mine), Tree::List(theirs)) => {
                for (at, (a, b)) in mine.iter().zip(theirs).enumerate() {
                    path.0.push(Piece::Item(at));
                    if a.differs(b, path, stands_for) {
                        return true;
                    }
                    path.0.pop();
                }
                if mine.len() != theirs.len() {
                    path.0.push(Piece::Item(mine.len().min(theirs.len())));
                }
                mine.len() != theirs.len()
            }
            (Tree::Object(mine), Tree::Object(theirs)) => {
                for (key, a) in mine {
                    path.0.push(Piece::Key(key.clone()));
                    if other.get(key).is_none_or(|b| a.differs(b, path, stands_for)) {
                        return true;
                    }
                    path.0.pop();
                }
                let extra = theirs.iter().find(|(key, _)| self.get(key).is_none());
                if let Some((key, _)) = extra {
                    path.0.push(Piece::Key(key.clone()));
                }
                extra.is_some()
            }
            _ => self != other,
        }
    }

    /// Every text below this place.
    pub(crate) fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        match self {
            Tree::Text(text) => visit(text),
            Tree::List(items) => items.iter().for_each(|item| item.texts(visit)),
            Tree::Object(entries) => entries.iter().for_each(|(_, value)| value.texts(visit)),
            Tree::Null | Tree::Boolean(_) | Tree::Integer(_) => {}
        }
    }
}

/// Where in a tree: `command.filter.columns[2]`.
#[derive(Default)]
struct Path(Vec<Piece>);

enum Piece {
    Key(String),
    Item(usize),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Key(key) if at == 0 => write!(f, "{key}")?,
                Piece::Key(key) => write!(f, ".{key}")?,
                Piece::Item(item) => write!(f, "[{item}]")?,
            }
        }
        if self.0.is_empty() { write!(f, "the top") } else { Ok(()) }
    }
}

/// Reads `bytes` as a `T`, strictly. What is accepted has one written form: a reading that would be
/// written differently (`null` for a missing field, a list for an object, a short type name) is refused.
pub fn read_strict<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, ReadError> {
    match read_as_written(bytes) {
        Some(value) => Ok(value),
        None => read_spaced(bytes),
    }
}

/// The quick way, for texts spaced as our own tools space them. What is written back byte for byte has no
/// second reading, if it keeps the limits too; whatever is not accepted here is read the other way.
fn read_as_written<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    if !keeps_limits(bytes) {
        return None;
    }
    let value: T = serde_json::from_slice(bytes).ok()?;
    let written = match bytes.split_last() {
        Some((b'\n', text)) => (serde_json::to_vec_pretty(&value).ok()?, text),
        _ => (serde_json::to_vec(&value).ok()?, bytes),
    };
    (written.0 == written.1).then_some(value)
}

/// Whether a text that is JSON surely keeps the limits of [`Tree::read`]: its size, depth and widths, and
/// no number but whole ones well below 2^53.
fn keeps_limits(bytes: &[u8]) -> bool {
    let (mut levels, mut digits, mut rest) = (Levels::default(), 0, bytes);
    while let Some((&byte, behind)) = rest.split_first() {
        let number = matches!(byte, b'.' | b'e' | b'E' | b'+') && digits > 0;
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        if number || digits > 15 || !levels.keep(byte) {
            return false;
        }
        rest = if byte == b'"' { behind_text(behind) } else { behind };
    }
    bytes.len() <= LARGEST_JSON
}

/// What comes behind the text that these bytes begin in.
fn behind_text(mut bytes: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', bytes) {
        match bytes.split_at(at).1 {
            [b'\\', _, behind @ ..] => bytes = behind,
            [_, behind @ ..] => return behind,
            [] => return &[],
        }
    }
    &[]
}

/// How deep a text is, and how many keys each open object has so far.
#[derive(Default)]
struct Levels(Vec<Option<usize>>);

impl Levels {
    fn keep(&mut self, byte: u8) -> bool {
        match (byte, self.0.last_mut()) {
            (b'{', _) => self.0.push(Some(1)),
            (b'[', _) => self.0.push(None),
            (b'}' | b']', _) => drop(self.0.pop()),
            (b',', Some(Some(keys))) => *keys += 1,
            _ => return true,
        }
        self.0.len() <= DEEPEST_JSON
            && self.0.last().is_none_or(|keys| keys.is_none_or(|k| k <= WIDEST_OBJECT))
    }
}

/// The thorough way, for any spacing and order of keys.
fn read_spaced<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, ReadError> {
    let tree = Tree::read(bytes)?;
    let value: T = serde_json::from_slice(bytes)?;
    match tree.difference(&Tree::of(&value)?) {
        None => Ok(value),
        Some(path) => Err(ReadError::within(path, "this is not the way it is written")),
    }
}

/// Writes `value`, indented or on one line, and makes sure that it reads back as the same.
pub fn write_strict<T: DeserializeOwned + Serialize + PartialEq>(
    value: &T,
    indented: bool,
) -> Result<String, ReadError> {
    let text = match indented {
        true => serde_json::to_string_pretty(value)? + "\n",
        false => serde_json::to_string(value)?,
    };
    match read_strict::<T>(text.as_bytes())? == *value {
        true => Ok(text),
        false => Err(ReadError::within("the top", "written, this would read as something else")),
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Null => serializer.serialize_unit(),
            Tree::Boolean(truth) => serializer.serialize_bool(*truth),
            Tree::Integer(number) => serializer.serialize_i64(*number),
            Tree::Text(text) => serializer.serialize_str(text),
            Tree::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Tree::Object(entries) => {
                let mut object = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    object.serialize_entry(key, value)?;
                }
                object.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Below { depth: 0 }.deserialize(deserializer)
    }
}

/// Reads whatever comes, so many levels down.
#[derive(Clone, Copy)]
struct Below {
    depth: usize,
}

impl Below {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        match self.depth < DEEPEST_JSON {
            true => Ok(Self { depth: self.depth + 1 }),
            false => Err(E::custom(format_args!("more than {DEEPEST_JSON} levels within each other"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Below {
    type Value = Tree;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Tree, E> {
        Ok(Tree::Boolean(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Tree, E> {
        match (-EXACT..=EXACT).contains(&number) {
            true => Ok(Tree::Integer(number)),
            false => Err(E::custom("a whole number beyond ±2^53 is written as a string")),
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Tree, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: de::Error>(self, _number: f64) -> Result<Tree, E> {
        Err(E::custom("a number is whole, without point or exponent, and beyond ±2^53 written as a string"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let below = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let below = self.deeper()?;
        let mut entries: Vec<(String, Tree)> = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            if entries.len() >= WIDEST_OBJECT {
                return Err(de::Error::custom(format_args!("an object with more than {WIDEST_OBJECT} keys")));
            }
            if entries.iter().any(|(earlier, _)| *earlier == key) {
                return Err(de::Error::custom(format_args!("the key `{key}` comes twice")));
            }
            entries.push((key, access.next_value_seed(below)?));
        }
        Ok(Tree::Object(entries))
    }
}

/// No object of the language has more than a dozen; keeps the search for duplicates short.
const WIDEST_OBJECT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// The quick way accepts nothing that the thorough one refuses, and reads it as the same.
    fn alike<T: DeserializeOwned + Serialize + PartialEq + fmt::Debug>(bytes: &[u8]) -> bool {
        let quick: Option<T> = read_as_written(bytes);
        if let Some(value) = &quick {
            assert_eq!(read_spaced::<T>(bytes).as_ref(), Ok(value), "{}", String::from_utf8_lossy(bytes));
        }
        quick.is_some()
    }

    #[test]
    fn the_quick_way_keeps_every_limit_of_the_thorough_one() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let wide = |keys: usize| {
            let each: Vec<String> = (0..keys).map(|key| format!("\"k{key}\":0")).collect();
            format!("{{{}}}", each.join(","))
        };
        for text in
            [&deep(120), &wide(64), "999999999999999", "\"\\\"[{,1.5\\\\\"", "[1,[2,{\"a\":\"b\"}],true]"]
        {
            assert!(alike::<Tree>(text.as_bytes()), "{text}");
        }
        for text in [
            &deep(121),
            &wide(65),
            "1.5",
            "1e5",
            "9007199254740993",
            "{\"a\":1,\"a\":1}",
            "\u{feff}1",
            "1 1",
            "",
        ] {
            assert!(!alike::<Tree>(text.as_bytes()), "{text}");
        }
        assert!(!keeps_limits(deep(121).as_bytes()) && !keeps_limits(wide(65).as_bytes()));
        assert!(!keeps_limits(b"[1.5]") && !keeps_limits(b"[1e5]") && !keeps_limits(b"1234567890123456"));
        assert!(keeps_limits(b"[true,false]"), "an e that is no exponent");
        let mut large = vec![b' '; LARGEST_JSON];
        large.push(b'1');
        assert!(!keeps_limits(&large));
    }

    #[test]
    fn both_ways_agree_on_every_vector_and_on_damaged_ones() {
        let scripts = [
            include_str!("../../../vectors/scripts/mean-stroke-age.json"),
            include_str!("../../../vectors/scripts/groups.json"),
            include_str!("../../../vectors/scripts/any-upload.json"),
            include_str!("../../../vectors/language.json"),
        ];
        let mut random = 1_u64;
        let mut below = |end: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap_or(0) % end
        };
        for script in scripts {
            let tree = Tree::read(script.as_bytes()).unwrap();
            let [compact, indented] =
                [serde_json::to_string(&tree), serde_json::to_string_pretty(&tree)].map(Result::unwrap);
            for text in [script, &compact, &(indented + "\n")] {
                for _ in 0..2_000 {
                    let mut damaged = text.as_bytes().to_vec();
                    let (at, from) = (below(damaged.len()), below(damaged.len()));
                    match below(3) {
                        0 => damaged[at] ^= 1 << below(8),
                        1 => drop(damaged.remove(at)),
                        _ => damaged.insert(at, damaged[from]),
                    }
                    alike::<crate::Script>(&damaged);
                    alike::<Tree>(&damaged);
                }
            }
        }
    }

    #[test]
    fn what_our_tools_write_is_read_the_quick_way() {
        let script = crate::read_script(include_bytes!("../../../vectors/scripts/groups.json")).unwrap();
        assert!(alike::<crate::Script>(crate::write_script(&script).unwrap().as_bytes()));
        let command = crate::write_command(&script.steps[0].command).unwrap();
        assert!(alike::<crate::Command>(command.as_bytes()));
    }
}

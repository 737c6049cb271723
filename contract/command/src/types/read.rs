//! Reading types as users write them. Every form has one canonical form, which `Display` writes.

use std::str::FromStr;

use super::{ColumnType, Kind, LARGEST, LARGEST_NARROW, LONGEST_TEXT, TypeError, dates};

impl FromStr for ColumnType {
    type Err = TypeError;

    /// Reads the canonical form and the short ones: `int8` to `int96`, `uint8` to `uint96`, `int` (32
    /// bits), `date` (1900 to 2099), `varchar[12,ascii]`, each with `?` behind it if values may be missing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let written = text.trim();
        let (body, question) = match written.strip_suffix('?') {
            Some(body) => (body.trim_end(), true),
            None => (written, false),
        };
        let (word, inside) = match body.split_once('[') {
            Some((word, rest)) => {
                (word.trim_end(), Some(rest.strip_suffix(']').ok_or_else(|| unclosed(text))?))
            }
            None => (body, None),
        };
        let mut arguments = Arguments::read(inside.unwrap_or(""), text)?;
        let kind = match word {
            "bool" => Kind::Boolean,
            "date" => arguments.date_bounds()?,
            "varchar" => arguments.text()?,
            "mean" => {
                let (min, max) = arguments.integer_bounds()?.ok_or_else(|| both(text))?;
                Kind::Mean { min, max }
            }
            "int" => {
                let (min, max) = arguments.integer_bounds()?.unwrap_or((i32::MIN.into(), i32::MAX.into()));
                Kind::Integer { min, max }
            }
            _ => sized(word)?,
        };
        let nullable = arguments.take_flag("nullable") || question;
        arguments.nothing_left()?;
        Ok(ColumnType { kind, nullable })
    }
}

/// `int8`, `uint24` and the like.
fn sized(word: &str) -> Result<Kind, TypeError> {
    let (signed, digits) = match (word.strip_prefix("uint"), word.strip_prefix("int")) {
        (Some(digits), _) => (false, digits),
        (None, Some(digits)) => (true, digits),
        (None, None) => return Err(unknown(word)),
    };
    let bits: u32 = match digits.parse() {
        Ok(bits) if bits % 8 == 0 && (8..=96).contains(&bits) && !digits.starts_with(['0', '+']) => bits,
        _ => return Err(unknown(word)),
    };
    Ok(match signed {
        // Every int64 has its negative, so that it can take part in arithmetic.
        true if bits == 64 => Kind::Integer { min: -LARGEST_NARROW, max: LARGEST_NARROW },
        true => Kind::Integer { min: -(1 << (bits - 1)), max: (1 << (bits - 1)) - 1 },
        false => Kind::Integer { min: 0, max: (1 << bits) - 1 },
    })
}

/// What stands between the brackets: `name=value` pairs and bare flags, each at most once.
struct Arguments<'a> {
    whole: &'a str,
    given: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Arguments<'a> {
    fn read(inside: &'a str, whole: &'a str) -> Result<Self, TypeError> {
        let mut given: Vec<(&str, Option<&str>)> = Vec::new();
        if !inside.trim().is_empty() {
            for part in inside.split(',') {
                let (name, value) = match part.split_once('=') {
                    Some((name, value)) => (name.trim(), Some(value.trim())),
                    None => (part.trim(), None),
                };
                if given.iter().any(|(earlier, _)| *earlier == name) {
                    return Err(TypeError(format!("the type {whole} gives `{name}` twice")));
                }
                given.push((name, value));
            }
        }
        Ok(Self { whole, given })
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.given.iter().position(|(given, value)| *given == name && value.is_some())?;
        self.given.remove(at).1
    }

    fn take_flag(&mut self, name: &str) -> bool {
        let at = self.given.iter().position(|(given, value)| *given == name && value.is_none());
        at.map(|at| self.given.remove(at)).is_some()
    }

    fn bounds<T: PartialOrd>(
        &mut self,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<(T, T)>, TypeError> {
        let (min, max) = match (self.take("min"), self.take("max")) {
            (None, None) => return Ok(None),
            (Some(min), Some(max)) => (min, max),
            _ => return Err(both(self.whole)),
        };
        match (read(min), read(max)) {
            (Some(min), Some(max)) if min <= max => Ok(Some((min, max))),
            (Some(_), Some(_)) => Err(TypeError(format!("in the type {}, min is above max", self.whole))),
            _ => Err(TypeError(format!(
                "the bounds of the type {} are no whole numbers below 2^96 (for a date: like \
                 2000-01-31)",
                self.whole
            ))),
        }
    }

    fn integer_bounds(&mut self) -> Result<Option<(i128, i128)>, TypeError> {
        self.bounds(|text| {
            let number: i128 = text.parse().ok()?;
            (number.abs_diff(0) <= LARGEST.unsigned_abs() && !text.starts_with('+')).then_some(number)
        })
    }

    fn date_bounds(&mut self) -> Result<Kind, TypeError> {
        let usual = dates::days("1900-01-01").zip(dates::days("2099-12-31"));
        match self.bounds(dates::days)?.or(usual) {
            Some((min, max)) => Ok(Kind::Date { min, max }),
            None => Err(both(self.whole)),
        }
    }

    /// The length is the one bare number.
    fn text(&mut self) -> Result<Kind, TypeError> {
        let length = |(name, value): &(&str, Option<&str>)| match value {
            None if !name.starts_with(['0', '+']) => name.parse::<u32>().ok(),
            _ => None,
        };
        let Some((at, length)) =
            self.given.iter().enumerate().find_map(|(at, given)| Some((at, length(given)?)))
        else {
            return Err(TypeError(format!("the type {} lacks its length, as in varchar[12]", self.whole)));
        };
        if length > LONGEST_TEXT {
            return Err(TypeError(format!(
                "the type {} is longer than {LONGEST_TEXT} characters",
                self.whole
            )));
        }
        self.given.remove(at);
        let (ascii, unicode) = (self.take_flag("ascii"), self.take_flag("unicode"));
        if ascii && unicode {
            return Err(TypeError(format!("the type {} is ascii or unicode, not both", self.whole)));
        }
        Ok(Kind::Text { length, ascii })
    }

    fn nothing_left(&self) -> Result<(), TypeError> {
        match self.given.first() {
            None => Ok(()),
            Some((name, _)) => Err(TypeError(format!("the type {} does not know `{name}`", self.whole))),
        }
    }
}

fn unknown(word: &str) -> TypeError {
    TypeError(format!(
        "`{word}` is no column type; there are int8 to int96, uint8 to uint96, int[min=,max=], bool, date \
         and varchar[n]"
    ))
}

fn both(whole: &str) -> TypeError {
    TypeError(format!("the type {whole} needs both min and max"))
}

fn unclosed(whole: &str) -> TypeError {
    TypeError(format!("the type {whole} lacks its closing bracket"))
}

//! Columns in the clear: at the provider before splitting, at the analyst after opening.

use vdl_command::{ColumnType, Kind, LARGEST, LARGEST_NARROW};

use crate::error::ClientError;

/// A column to upload.
pub struct ClearColumn {
    pub name: String,
    pub values: ClearValues,
    /// True where the value is there; `None` where none is missing. Missing values may hold anything.
    pub valid: Option<Vec<bool>>,
}

pub enum ClearValues {
    Integer(Vec<i64>),
    /// Whole numbers of any size that a column may hold.
    Wide(Vec<i128>),
    Boolean(Vec<bool>),
    /// Days since 1970-01-01.
    Date(Vec<i32>),
    Text(Vec<String>),
}

/// A column that was opened. Missing values are 0, empty or not-a-number.
#[derive(PartialEq)]
pub struct OpenedColumn {
    pub name: String,
    pub ctype: ColumnType,
    pub values: OpenedValues,
    pub valid: Option<Vec<bool>>,
}

#[derive(PartialEq)]
pub enum OpenedValues {
    Integer(Vec<i64>),
    /// Whole numbers of a type that 64 bits do not hold.
    Wide(Vec<i128>),
    Boolean(Vec<bool>),
    Date(Vec<i32>),
    Text(Vec<String>),
    Mean(Vec<f64>),
}

impl std::fmt::Debug for ClearColumn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClearColumn({:?}, {} rows)", self.name, self.rows())
    }
}

impl std::fmt::Debug for OpenedColumn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenedColumn({:?}, {})", self.name, self.ctype)
    }
}

impl ClearColumn {
    pub fn rows(&self) -> usize {
        match &self.values {
            ClearValues::Integer(values) => values.len(),
            ClearValues::Wide(values) => values.len(),
            ClearValues::Boolean(values) => values.len(),
            ClearValues::Date(values) => values.len(),
            ClearValues::Text(values) => values.len(),
        }
    }

    pub(crate) fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.get(row).copied().unwrap_or(false))
    }

    /// Smallest and largest of the values that are there.
    pub(crate) fn range<T: Ord + Copy>(&self, values: &[T]) -> Option<(T, T)> {
        let ends = |range: Option<(T, T)>, value: T| match range {
            None => Some((value, value)),
            Some((min, max)) => Some((min.min(value), max.max(value))),
        };
        match &self.valid {
            // One plain pass each, which the compiler vectorises.
            None => values.iter().copied().min().zip(values.iter().copied().max()),
            Some(valid) => values
                .iter()
                .zip(valid)
                .filter(|(_, valid)| **valid)
                .map(|(value, _)| *value)
                .fold(None, ends),
        }
    }

    /// Longest text and whether all are ASCII, among those that are there.
    fn text_shape(&self, values: &[String]) -> (usize, bool) {
        let there = values.iter().enumerate().filter(|(row, _)| self.is_valid(*row)).map(|(_, text)| text);
        there.fold((0, true), |(longest, ascii), text| {
            let (length, is_ascii) =
                if text.is_ascii() { (text.len(), true) } else { (text.chars().count(), false) };
            (longest.max(length), ascii && is_ascii)
        })
    }
}

/// The narrowest type that holds every value of a column. Its bounds become public with the upload.
pub fn derive_type(column: &ClearColumn) -> Result<ColumnType, ClientError> {
    let refused =
        |reason: &str| ClientError::Column { column: column.name.clone(), reason: reason.to_owned() };
    let kind = match &column.values {
        ClearValues::Boolean(_) => Kind::Boolean,
        ClearValues::Integer(values) => {
            let (min, max) = column.range(values).unwrap_or((0, 0));
            Kind::Integer { min: min.into(), max: max.into() }
        }
        ClearValues::Wide(values) => {
            let (min, max) = column.range(values).unwrap_or((0, 0));
            if min < -LARGEST || max > LARGEST {
                return Err(refused("holds a number beyond 2^96, which no integer type holds"));
            }
            Kind::Integer { min, max }
        }
        ClearValues::Date(values) => {
            let (min, max) = column.range(values).unwrap_or((0, 0));
            Kind::Date { min, max }
        }
        ClearValues::Text(values) => {
            let (length, ascii) = column.text_shape(values);
            let length =
                u32::try_from(length.max(1)).map_err(|_| refused("holds a text that is too long"))?;
            Kind::Text { length, ascii }
        }
    };
    let nullable = column.valid.as_ref().is_some_and(|valid| valid.contains(&false));
    Ok(ColumnType { kind, nullable })
}

/// 1900-01-01 and 2099-12-31, in days since 1970-01-01.
const CENTURIES: (i32, i32) = (-25_567, 47_481);

/// A standard type around a derived one: what a recording pins must not be the dummy's own bounds,
/// or the real data would hardly ever fit.
pub fn widen_type(derived: &ColumnType) -> ColumnType {
    let kind = match derived.kind {
        Kind::Integer { min, max } => {
            let narrow = (1..8).find_map(|bytes| standard(min, max, 8 * bytes));
            // Of 64 bits, what has its negative takes part in arithmetic.
            let most = LARGEST_NARROW;
            let full = (if min < 0 { -most } else { 0 }, most);
            let full = (full.0 <= min && max <= full.1).then_some(full);
            let wide = (9..=12).find_map(|bytes| standard(min, max, 8 * bytes));
            let (min, max) = narrow.or(full).or(wide).unwrap_or((-LARGEST, LARGEST));
            Kind::Integer { min, max }
        }
        Kind::Date { min, max } => Kind::Date { min: min.min(CENTURIES.0), max: max.max(CENTURIES.1) },
        Kind::Text { length, ascii } => Kind::Text { length: length.max(8).next_power_of_two(), ascii },
        ref other => other.clone(),
    };
    ColumnType { kind, nullable: derived.nullable }
}

/// The bounds of `uintN` or `intN` if they hold `min..=max`.
fn standard(min: i128, max: i128, bits: u32) -> Option<(i128, i128)> {
    let half = 1i128 << (bits - 1);
    let bounds = if min >= 0 { (0, 2 * (half - 1) + 1) } else { (-half, half - 1) };
    (bounds.0 <= min && max <= bounds.1).then_some(bounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: ClearValues, valid: Option<Vec<bool>>) -> ClearColumn {
        ClearColumn { name: "c".into(), values, valid }
    }

    fn derived(values: ClearValues, valid: Option<Vec<bool>>) -> String {
        derive_type(&column(values, valid)).unwrap().to_string()
    }

    #[test]
    fn derived_types_hold_exactly_the_values_that_are_there() {
        assert_eq!(derived(ClearValues::Integer(vec![32, -5, 21]), None), "int[min=-5,max=32]");
        let valid = Some(vec![true, false, true]);
        assert_eq!(derived(ClearValues::Integer(vec![32, -5, 21]), valid), "int[min=21,max=32]?");
        assert_eq!(derived(ClearValues::Integer(vec![]), None), "int[min=0,max=0]");
        assert_eq!(derived(ClearValues::Integer(vec![7]), Some(vec![false])), "int[min=0,max=0]?");
        assert_eq!(derived(ClearValues::Boolean(vec![true]), None), "bool");
        assert_eq!(derived(ClearValues::Text(vec!["abc".into(), "".into()]), None), "varchar[3,ascii]");
        assert_eq!(derived(ClearValues::Text(vec!["né".into()]), None), "varchar[2]");
    }

    #[test]
    fn numbers_without_a_type_are_refused() {
        assert!(derive_type(&column(ClearValues::Wide(vec![1 << 96]), None)).is_err());
        assert_eq!(
            derived(ClearValues::Wide(vec![-LARGEST, LARGEST]), None),
            "int[min=-79228162514264337593543950335,max=79228162514264337593543950335]"
        );
        assert_eq!(
            derived(ClearValues::Integer(vec![i64::MIN]), None),
            "int[min=-9223372036854775808,max=-9223372036854775808]"
        );
    }

    #[test]
    fn widened_types_do_not_follow_the_data() {
        let widen = |min, max| widen_type(&ColumnType::required(Kind::Integer { min, max })).to_string();
        assert_eq!(widen(1, 3), widen(0, 250));
        assert_eq!(widen(1, 3), "int[min=0,max=255]");
        assert_eq!(widen(-1, 127), "int[min=-128,max=127]");
        assert_eq!(widen(0, 1 << 60), format!("int[min=0,max={}]", i64::MAX));
        assert_eq!(widen(-1, 1 << 60), format!("int[min={},max={}]", -i64::MAX, i64::MAX));
        assert_eq!(widen(-1, 1 << 64), "int[min=-2361183241434822606848,max=2361183241434822606847]");
        assert_eq!(widen(-(1 << 96) + 1, 0), format!("int[min={},max={LARGEST}]", -LARGEST));
    }
}

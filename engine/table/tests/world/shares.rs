//! Splitting and putting together, with every promise about the shares checked on the way.

use std::sync::OnceLock;

use vdl_plain::{Column, Outcome as Clearly, Value};
use vdl_plan::Plan;
use vdl_plan::vdl_command::encoding::{encode_text, read_text, text_words};
use vdl_plan::vdl_command::{ColumnMeta, Kind};
use vdl_share::{ColumnShares, Planes, Rows, Shared, TableShares};
use vdl_share::{reconstruct_planes, reconstruct_ring, shares_for, split_planes, split_ring};
use vdl_table::Outcome;

use super::{Clear, Random};

fn seeds(random: &mut Random) -> [[u8; 16]; 2] {
    [0; 2].map(|_: u8| {
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&random.word().to_le_bytes());
        seed[8..].copy_from_slice(&random.word().to_le_bytes());
        seed
    })
}

pub fn planes(random: &mut Random, clear: &Planes) -> [Shared<Planes>; 3] {
    let parts = split_planes(clear, &seeds(random));
    [0, 1, 2].map(|id| shares_for(id, &parts))
}

pub fn ring(random: &mut Random, clear: &[u64]) -> [Shared<Vec<u64>>; 3] {
    let parts = split_ring(clear, &seeds(random));
    [0, 1, 2].map(|id| shares_for(id, &parts))
}

fn minimum(kind: &Kind) -> i128 {
    match *kind {
        Kind::Integer { min, .. } => min,
        Kind::Date { min, .. } => min.into(),
        _ => 0,
    }
}

/// The bits of a value, least significant word first.
fn encode(value: &Value, kind: &Kind) -> Vec<u64> {
    match (value, kind) {
        (Value::Text(text), Kind::Text { length, ascii }) => encode_text(text, *length, *ascii).unwrap(),
        _ => {
            let offset = value.number().wrapping_sub(minimum(kind)).cast_unsigned();
            vec![offset as u64, (offset >> 64) as u64]
        }
    }
}

pub fn split(random: &mut Random, table: &Clear) -> [TableShares; 3] {
    let rows = table.selected.as_ref().map_or(table.rows(), Vec::len);
    let belongs = |row: usize| table.selected.as_ref().is_none_or(|selected| selected[row]);
    let mut parties = [0; 3].map(|_: u8| TableShares { rows, columns: Vec::new(), selected: None });
    for (meta, data) in table.columns.iter().zip(&table.data) {
        // Rows that do not belong hold anything at all.
        let mut values = data.iter();
        let physical: Vec<Option<&Option<Value>>> =
            (0..rows).map(|row| belongs(row).then(|| values.next().unwrap())).collect();
        let columns = split_column(random, meta, &physical);
        for (party, column) in parties.iter_mut().zip(columns) {
            party.columns.push(column);
        }
    }
    if let Some(selected) = &table.selected {
        let flags = planes(random, &Planes::from_bools(selected.iter().copied()));
        for (party, flags) in parties.iter_mut().zip(flags) {
            party.selected = Some(flags);
        }
    }
    parties
}

fn split_column(
    random: &mut Random,
    meta: &ColumnMeta,
    physical: &[Option<&Option<Value>>],
) -> [ColumnShares; 3] {
    let kind = &meta.ctype.kind;
    let mut columns: [ColumnShares; 3] = Default::default();
    if meta.ctype.nullable {
        let valid: Vec<bool> =
            physical.iter().map(|row| row.map_or_else(|| random.chance(50), Option::is_some)).collect();
        for (column, flags) in columns.iter_mut().zip(planes(random, &Planes::from_bools(valid.into_iter())))
        {
            column.valid = Some(flags);
        }
    }
    if let Kind::Mean { .. } = kind {
        let pairs: Vec<(i128, u64)> = physical
            .iter()
            .map(|row| match row {
                Some(Some(Value::Mean { sum, count })) => (*sum, *count as u64),
                _ => (random.word().into(), random.word()),
            })
            .collect();
        let (sums, counts): (Vec<i128>, Vec<u64>) = pairs.into_iter().unzip();
        for (column, count) in columns.iter_mut().zip(ring(random, &counts)) {
            column.count = Some(count);
        }
        // Sums that could be wide are held in bits.
        if random.chance(50) {
            let words = sums.iter().flat_map(|sum| [*sum as u64, (*sum >> 64) as u64]).collect();
            let clear = Rows::from_raw(sums.len(), 2, words).unwrap().to_planes(128);
            for (column, bits) in columns.iter_mut().zip(planes(random, &clear)) {
                column.bits = OnceLock::from(bits);
            }
        } else {
            let sums: Vec<u64> = sums.iter().map(|sum| *sum as u64).collect();
            for (column, sum) in columns.iter_mut().zip(ring(random, &sums)) {
                column.ring = OnceLock::from(sum);
            }
        }
        return columns;
    }
    let number = !matches!(kind, Kind::Text { .. });
    // What the ring does not hold is there in bits only.
    let wide = vdl_plan::span(kind).is_some_and(|bounds| !vdl_plan::narrow(bounds));
    let form = if number && !wide { random.below(3) } else { 0 };
    if form != 1 {
        let width = meta.ctype.width() as usize;
        let stride = width.div_ceil(64);
        let mut words = Vec::with_capacity(stride * physical.len());
        for row in physical {
            let mut encoded = match row {
                Some(Some(value)) => encode(value, kind),
                Some(None) => vec![0; stride],
                None => (0..stride).map(|_| random.word()).collect(),
            };
            encoded.resize(stride, 0);
            words.extend(encoded);
        }
        let clear = Rows::from_raw(physical.len(), stride, words).unwrap().to_planes(width);
        for (column, bits) in columns.iter_mut().zip(planes(random, &clear)) {
            column.bits = OnceLock::from(bits);
        }
    }
    if form != 0 {
        let values: Vec<u64> = physical
            .iter()
            .map(|row| match row {
                Some(value) => value.as_ref().map_or(0, |value| value.number() as u64),
                None => random.word(),
            })
            .collect();
        for (column, ring) in columns.iter_mut().zip(ring(random, &values)) {
            column.ring = OnceLock::from(ring);
        }
    }
    columns
}

/// Puts three outcomes together; every form must say the same, missing values must be zero, and what
/// is there must lie within its type.
pub fn join(plan: &Plan, outcomes: [Outcome; 3]) -> Clearly {
    let mut tables = Vec::new();
    let mut opened = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Table { columns, rows, shares } => {
                assert_eq!(columns, plan.columns());
                tables.push((rows, shares));
            }
            Outcome::Opened { columns, rows, shares } => {
                assert_eq!(columns, plan.columns());
                opened.push((rows, shares));
            }
            Outcome::Nothing => return Clearly::Nothing,
        }
    }
    match (<[_; 3]>::try_from(tables), <[_; 3]>::try_from(opened)) {
        (Ok(tables), _) => {
            let [(rows, a), (_, b), (_, c)] = tables;
            let all = [a, b, c];
            let selected = all[0].selected.is_some().then(|| {
                let flags = [0, 1, 2].map(|id| all[id].selected.clone().unwrap());
                reconstruct_planes(&flags).unwrap().to_bools()
            });
            let columns = (0..all[0].columns.len()).map(|at| [0, 1, 2].map(|id| all[id].columns[at].clone()));
            let data: Vec<Column> = plan
                .columns()
                .iter()
                .zip(columns)
                .map(|(meta, shares)| join_column(meta, shares, all[0].rows, selected.as_deref()))
                .collect();
            let exact = data[0].len() as u64;
            match plan.rules.round_counts {
                None => assert_eq!(rows, exact, "the public row count"),
                Some(to) => assert!(rows <= exact && exact - rows < to, "{rows} of {exact} rows"),
            }
            Clearly::Table(data)
        }
        (_, Ok(opened)) => {
            let [(rows, a), (_, b), (_, c)] = opened;
            let data = plan
                .columns()
                .iter()
                .zip(a.into_iter().zip(b.into_iter().zip(c)))
                .map(|(meta, (a, (b, c)))| join_column(meta, [a, b, c], rows as usize, None))
                .collect();
            Clearly::Opened(data)
        }
        _ => panic!("outcomes of different kinds"),
    }
}

fn join_column(
    meta: &ColumnMeta,
    shares: [ColumnShares; 3],
    rows: usize,
    selected: Option<&[bool]>,
) -> Column {
    let kind = &meta.ctype.kind;
    let flags = |pick: &dyn Fn(&ColumnShares) -> Option<Shared<Planes>>| {
        let all = [0, 1, 2].map(|id| pick(&shares[id]));
        let [Some(a), Some(b), Some(c)] = all else { return None };
        Some(reconstruct_planes(&[a, b, c]).unwrap())
    };
    let numbers = |pick: &dyn Fn(&ColumnShares) -> Option<Shared<Vec<u64>>>| {
        let all = [0, 1, 2].map(|id| pick(&shares[id]));
        let [Some(a), Some(b), Some(c)] = all else { return None };
        Some(reconstruct_ring(&[a, b, c]).unwrap())
    };
    let bits = flags(&|column| column.bits.get().cloned());
    let valid = flags(&|column| column.valid.clone()).map(|flags| flags.to_bools());
    let ring = numbers(&|column| column.ring.get().cloned());
    let count = numbers(&|column| column.count.clone());
    assert_eq!(valid.is_some(), meta.ctype.nullable, "validity of `{}`", meta.name);
    assert!(bits.is_some() || ring.is_some(), "no values in `{}`", meta.name);
    let packed = bits.as_ref().map(|bits| {
        assert_eq!((bits.rows(), bits.width()), (rows, meta.ctype.width() as usize), "`{}`", meta.name);
        bits.to_rows()
    });
    let chosen = (0..rows).filter(|&row| selected.is_none_or(|selected| selected[row]));
    chosen
        .map(|row| {
            let there = valid.as_ref().is_none_or(|valid| valid[row]);
            let from_bits = packed.as_ref().map(|packed| packed.row(row).to_vec());
            let from_ring = ring.as_ref().map(|ring| ring[row]);
            if !there {
                assert!(from_bits.is_none_or(|bits| bits.iter().all(|word| *word == 0)), "`{}`", meta.name);
                assert!(from_ring.is_none_or(|ring| ring == 0), "missing is zero in `{}`", meta.name);
                return None;
            }
            let count = count.as_ref().map(|count| count[row].into());
            let a = from_bits.map(|words| decode(&words, kind, count));
            let b = from_ring.map(|word| match count {
                Some(count) => Value::Mean { sum: word.cast_signed().into(), count },
                None => from_number(word.cast_signed().into(), kind),
            });
            if let (Some(a), Some(b)) = (&a, &b) {
                assert_eq!(a, b, "both forms of `{}`", meta.name);
            }
            let value = a.or(b).unwrap();
            within(&value, kind, &meta.name);
            Some(value)
        })
        .collect()
}

fn decode(words: &[u64], kind: &Kind, count: Option<i128>) -> Value {
    let number = words.iter().rev().fold(0, |number, word| number << 64 | i128::from(*word));
    match kind {
        Kind::Mean { .. } => Value::Mean { sum: number, count: count.unwrap() },
        Kind::Text { length, ascii } => {
            assert_eq!(words.len(), text_words(*length, *ascii));
            Value::Text(read_text(words, *length, *ascii).unwrap())
        }
        _ => from_number(minimum(kind) + number, kind),
    }
}

fn from_number(number: i128, kind: &Kind) -> Value {
    match kind {
        Kind::Boolean => Value::Boolean(number == 1),
        Kind::Date { .. } => Value::Date(i32::try_from(number).unwrap()),
        _ => Value::Integer(number),
    }
}

fn within(value: &Value, kind: &Kind, name: &str) {
    let holds = match (value, kind.clone()) {
        (Value::Integer(value), Kind::Integer { min, max }) => (min..=max).contains(value),
        (Value::Date(days), Kind::Date { min, max }) => (min..=max).contains(days),
        (Value::Boolean(_), Kind::Boolean)
        | (Value::Text(_), Kind::Text { .. })
        | (Value::Mean { .. }, Kind::Mean { .. }) => true,
        _ => false,
    };
    assert!(holds, "`{name}` leaves its type {kind:?}");
}

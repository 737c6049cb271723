//! Generated tables, split between three parties and put together again.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod ask;
pub mod kept;
pub mod shares;

use vdl_plain::{Column, Refused, Value};
use vdl_plan::vdl_command::{ColumnMeta, ColumnType, Command, Kind};
use vdl_plan::{Input, Plan, plan};
use vdl_share::TableShares;
use vdl_table::{Outcome, TableError, run};
use vdl_trio::{Message, Trio};

/// A small generator (Steele et al., 2014); good enough to find trouble, the same everywhere.
pub struct Random(u64);

impl Random {
    /// `VDL_SEED` in the environment gives other tables to the same tests.
    pub fn of(seed: u64) -> Self {
        let other = std::env::var("VDL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        Self(seed ^ u64::wrapping_mul(other, 0xD6E8_FEB8_6659_FD93))
    }

    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.word() % limit }
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn between(&mut self, min: i128, max: i128) -> i128 {
        let word = u128::from(self.word()) << 64 | u128::from(self.word());
        min.wrapping_add_unsigned(word % (max.abs_diff(min) + 1))
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

/// A table in the clear, and how it lies on the servers.
#[derive(Clone)]
pub struct Clear {
    pub columns: Vec<ColumnMeta>,
    /// Rows that belong to the table.
    pub data: Vec<Column>,
    /// For every physical row, whether it belongs; `None` if all do.
    pub selected: Option<Vec<bool>>,
}

impl Clear {
    pub fn rows(&self) -> usize {
        self.data[0].len()
    }

    pub fn input(&self) -> Input {
        Input::new(self.columns.clone(), self.rows() as u64)
    }

    /// With foreign rows in between that do not belong.
    pub fn hidden(mut self, random: &mut Random, percent: u64) -> Self {
        let mut selected = Vec::new();
        for _ in 0..self.rows() {
            while random.chance(percent) {
                selected.push(false);
            }
            selected.push(true);
        }
        while random.chance(percent) {
            selected.push(false);
        }
        self.selected = Some(selected);
        self
    }
}

pub fn column(name: &str, kind: Kind, nullable: bool) -> ColumnMeta {
    ColumnMeta { name: name.into(), ctype: ColumnType { kind, nullable } }
}

pub fn int(name: &str, min: i128, max: i128) -> ColumnMeta {
    column(name, Kind::Integer { min, max }, false)
}

pub fn nullable(mut meta: ColumnMeta) -> ColumnMeta {
    meta.ctype.nullable = true;
    meta
}

/// Values at the bounds are likelier than others, and so are repeated ones.
pub fn value(random: &mut Random, kind: &Kind) -> Value {
    match *kind {
        Kind::Integer { min, max } => Value::Integer(match random.below(8) {
            0 => min,
            1 => max,
            2 => 0.clamp(min, max),
            3..=5 => random.between(min, max.min(min.saturating_add(3))),
            _ => random.between(min, max),
        }),
        Kind::Boolean => Value::Boolean(random.chance(50)),
        Kind::Date { min, max } => {
            let days = if random.chance(20) { min.into() } else { random.between(min.into(), max.into()) };
            Value::Date(days as i32)
        }
        Kind::Text { length, ascii } => {
            let alphabet: &[char] = if ascii { &['a', 'b', '~'] } else { &['a', 'b', 'é', '\u{10FFFF}'] };
            let count = random.below(u64::from(length) + 1);
            Value::Text((0..count).map(|_| random.pick(alphabet)).collect())
        }
        Kind::Mean { min, max } => {
            let count = random.below(5) as i128;
            Value::Mean { sum: random.between(min, max) * count, count }
        }
    }
}

pub fn generate(random: &mut Random, columns: &[ColumnMeta], rows: usize) -> Clear {
    let data = columns
        .iter()
        .map(|meta| {
            (0..rows)
                .map(|_| {
                    let missing = meta.ctype.nullable && random.chance(25);
                    (!missing).then(|| value(random, &meta.ctype.kind))
                })
                .collect()
        })
        .collect();
    Clear { columns: columns.to_vec(), data, selected: None }
}

/// A column of every kind, with bounds on both sides of zero.
pub fn everything() -> Vec<ColumnMeta> {
    vec![
        int("a", -5, 9),
        nullable(int("b", 3, 1000)),
        int("c", -4_000_000_000, 7),
        column("t", Kind::Boolean, false),
        column("u", Kind::Boolean, true),
        column("d", Kind::Date { min: -40, max: 20_000 }, true),
        column("s", Kind::Text { length: 4, ascii: true }, false),
        column("v", Kind::Text { length: 3, ascii: false }, true),
        nullable(int("e", -8, -1)),
    ]
}

pub const ROWS: [usize; 8] = [0, 1, 2, 3, 63, 64, 65, 150];

/// Plans, runs on three parties and in the clear, and wants the same.
pub fn agree(seed: u64, command: &Command, tables: &[Clear]) {
    let inputs: Vec<Input> = tables.iter().map(Clear::input).collect();
    let plan = plan(command, &inputs).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    agree_on(seed, &plan, tables);
}

pub fn agree_on(seed: u64, plan: &Plan, tables: &[Clear]) {
    let clear: Vec<Vec<Column>> = tables.iter().map(|table| table.data.clone()).collect();
    let expected = vdl_plain::run(plan, &clear);
    let got = compute(seed, plan, tables);
    match (expected, got) {
        (Ok(expected), Ok(got)) => assert_eq!(got, expected, "seed {seed}, {plan:?}"),
        (Err(Refused::TooFewRows), Err(TableError::TooFewRows { .. })) => {}
        (Err(Refused::KeyNotUnique), Err(TableError::KeyNotUnique)) => {}
        (expected, got) => panic!("seed {seed}: expected {expected:?}, got {got:?}"),
    }
}

/// The outcome on three parties, in the clear; an error must be everybody's.
pub fn compute(seed: u64, plan: &Plan, tables: &[Clear]) -> Result<vdl_plain::Outcome, TableError> {
    observe(seed, plan, tables).0
}

/// The same, and what the wires showed.
pub fn observe(
    seed: u64,
    plan: &Plan,
    tables: &[Clear],
) -> (Result<vdl_plain::Outcome, TableError>, Vec<Message>) {
    let mut random = Random::of(seed);
    let split: Vec<[TableShares; 3]> = tables.iter().map(|table| shares::split(&mut random, table)).collect();
    let mut trio = Trio::new(seed);
    let results = trio.run(|party| {
        let mine: Vec<&TableShares> = split.iter().map(|shares| &shares[party.id()]).collect();
        run(party, plan, &mine, &mut |_, _| {})
    });
    let outcomes: Result<Vec<Outcome>, TableError> = results.into_iter().collect();
    let joined = outcomes.map(|outcomes| shares::join(plan, outcomes.try_into().unwrap()));
    (joined, std::mem::take(&mut trio.last.messages))
}

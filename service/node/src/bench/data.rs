//! Made-up columns in the clear, and what one party holds of them.

use std::sync::OnceLock;

use vdl_plan::Input;
use vdl_plan::vdl_command::{ColumnMeta, ColumnType, Kind};
use vdl_share::{ColumnShares, Planes, Rows, TableShares, shares_for, split_planes, split_ring};

/// How a column lies on the servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Bits,
    Ring,
}

/// A column that everybody knows.
pub struct Clear {
    pub name: &'static str,
    pub kind: Kind,
    pub form: Form,
    /// Offsets from the kind's minimum; a text takes several words, least significant first.
    pub words: Vec<u64>,
}

pub struct ClearTable {
    pub rows: usize,
    pub columns: Vec<Clear>,
}

/// A small generator (Steele et al., 2014), the same at all parties.
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn words(&mut self, count: usize, bits: u32) -> Vec<u64> {
        (0..count).map(|_| self.word() >> (64 - bits)).collect()
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.word() % limit.max(1)
    }

    /// Numbers from zero on, in an order that looks like none.
    pub fn shuffled(&mut self, count: usize) -> Vec<u64> {
        let mut out: Vec<u64> = (0..count as u64).collect();
        for last in (1..count).rev() {
            out.swap(last, self.below(last as u64 + 1) as usize);
        }
        out
    }
}

impl Clear {
    /// An unsigned number of so many bits; the full 64 are a number with a sign, written as its offset.
    pub fn number(name: &'static str, bits: u32, form: Form, words: Vec<u64>) -> Self {
        let kind = match bits {
            64.. => Kind::Integer { min: i64::MIN.into(), max: i64::MAX.into() },
            _ => Kind::Integer { min: 0, max: (1 << bits) - 1 },
        };
        Self { name, kind, form, words }
    }

    pub fn meta(&self) -> ColumnMeta {
        ColumnMeta { name: self.name.into(), ctype: ColumnType::required(self.kind.clone()) }
    }

    fn planes(&self, rows: usize) -> Planes {
        let width = ColumnType::required(self.kind.clone()).width() as usize;
        if self.words.len() == rows {
            return Planes::from_values(&self.words, width);
        }
        let stride = width.div_ceil(64);
        let packed = Rows::from_raw(rows, stride, self.words.clone());
        packed.unwrap_or_else(|| Rows::zeros(rows, stride)).to_planes(width)
    }

    /// The parts are no secret here: their seeds are counted.
    fn share(&self, id: usize, rows: usize, column: usize) -> ColumnShares {
        let seeds = [0u8, 1].map(|part| {
            let mut seed = [part; 16];
            seed[..8].copy_from_slice(&(column as u64).to_le_bytes());
            seed
        });
        let mut out = ColumnShares::default();
        match self.form {
            Form::Bits => {
                let components = split_planes(&self.planes(rows), &seeds);
                out.bits = OnceLock::from(shares_for(id, &components));
            }
            Form::Ring => out.ring = OnceLock::from(shares_for(id, &split_ring(&self.words, &seeds))),
        }
        out
    }
}

impl ClearTable {
    pub fn input(&self) -> Input {
        let columns = self.columns.iter().map(Clear::meta).collect();
        Input::new(columns, self.rows as u64)
    }

    /// What party `id` holds of it.
    pub fn share(&self, id: usize, table: usize) -> TableShares {
        let columns = self.columns.iter().enumerate();
        let columns = columns.map(|(n, column)| column.share(id, self.rows, table * 256 + n)).collect();
        TableShares { rows: self.rows, columns, selected: None }
    }

    pub fn words(&self, column: usize) -> &[u64] {
        self.columns.get(column).map_or(&[], |column| &column.words)
    }
}

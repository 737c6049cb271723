//! What a workload made, still shared, and how it is looked at afterwards.

use vdl_plan::vdl_command::{ColumnMeta, Kind};
use vdl_protocol::{Party, ProtocolError, open_planes, open_ring};
use vdl_share::{ColumnShares, Planes, Shared};

/// The result of a run at one party.
pub struct Made {
    pub columns: Vec<ColumnShares>,
    /// What the bits of each column start from.
    pub minima: Vec<i64>,
    pub selected: Option<Shared<Planes>>,
}

impl Made {
    pub fn bits(bits: Shared<Planes>) -> Self {
        Self::column(ColumnShares { bits: bits.into(), ..ColumnShares::default() })
    }

    pub fn ring(ring: Shared<Vec<u64>>) -> Self {
        Self::column(ColumnShares { ring: ring.into(), ..ColumnShares::default() })
    }

    fn column(column: ColumnShares) -> Self {
        Self { columns: vec![column], minima: vec![0], selected: None }
    }

    pub fn of_plan(
        columns: Vec<ColumnShares>,
        metas: &[ColumnMeta],
        selected: Option<Shared<Planes>>,
    ) -> Self {
        let minimum = |meta: &ColumnMeta| match meta.ctype.kind {
            // Modulo 2^64, as everything here.
            Kind::Integer { min, .. } => min as i64,
            Kind::Date { min, .. } => min.into(),
            _ => 0,
        };
        Self { columns, minima: metas.iter().map(minimum).collect(), selected }
    }

    /// Reveals everything, which bench data allows: the columns of the rows that belong to the result; a
    /// mean is two columns, sum and count.
    pub fn open(&self, party: &mut Party) -> Result<Vec<Vec<u64>>, ProtocolError> {
        let selected = match &self.selected {
            Some(selected) => Some(open_planes(party, selected)?.to_bools()),
            None => None,
        };
        let mut columns = Vec::new();
        for (column, minimum) in self.columns.iter().zip(&self.minima) {
            columns.push(match (column.ring.get(), column.bits.get()) {
                (Some(ring), _) => open_ring(party, ring)?,
                (None, Some(bits)) => {
                    let offsets = open_planes(party, bits)?.to_values();
                    offsets.into_iter().map(|offset| offset.wrapping_add(minimum.cast_unsigned())).collect()
                }
                (None, None) => return Err(ProtocolError::Shape { step: "looking at a result" }),
            });
            if let Some(count) = &column.count {
                columns.push(open_ring(party, count)?);
            }
        }
        if let Some(selected) = selected {
            for column in &mut columns {
                let mut belongs = selected.iter();
                column.retain(|_| belongs.next().copied().unwrap_or_default());
            }
        }
        Ok(columns)
    }
}

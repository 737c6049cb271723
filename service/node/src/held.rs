//! A table in memory, and the forms its columns have been brought into.

use vdl_command::{JobId, TableMeta};
use vdl_share::{ColumnShares, Planes, Shared, TableShares};

/// One party's shares of a table.
///
/// A conversion makes fresh shares, so a converted column is usable only if all three nodes hold
/// that same conversion. Each form therefore carries a tag that says which job made it; forms
/// whose tags differ are dropped before the next job.
pub(crate) struct Held {
    pub meta: TableMeta,
    pub shares: TableShares,
    tags: Vec<Forms>,
}

/// Tags of the bit form and of the ring form; 0 where there is none.
pub(crate) type Forms = [u64; 2];

impl Held {
    /// A table whose present forms are its first ones.
    pub fn new(meta: TableMeta, shares: TableShares) -> Self {
        let origin = origin(&meta);
        let tags = shares.columns.iter().map(|column| present(column).map(|is| if is { origin } else { 0 }));
        Self { tags: tags.collect(), meta, shares }
    }

    pub fn forms(&self) -> &[Forms] {
        &self.tags
    }

    /// Drops what is not the same here and there; false where a column would be left with nothing.
    pub fn keep_common(&mut self, there: &[Forms]) -> bool {
        if there.len() != self.tags.len() {
            return false;
        }
        for ((column, here), there) in self.shares.columns.iter_mut().zip(&mut self.tags).zip(there) {
            if here[0] != there[0] {
                column.bits.take();
                here[0] = 0;
            }
            if here[1] != there[1] {
                column.ring.take();
                here[1] = 0;
            }
            if *here == [0; 2] {
                return false;
            }
        }
        true
    }

    /// Notes the forms that `job` has added, finished or not.
    pub fn note_new(&mut self, job: JobId) {
        let tag = tag(&job.0);
        for (column, tags) in self.shares.columns.iter().zip(&mut self.tags) {
            for (is, known) in present(column).into_iter().zip(tags.iter_mut()) {
                if is && *known == 0 {
                    *known = tag;
                }
            }
        }
    }

    /// The table with its first forms only, as it is stored.
    pub fn first_forms(&self) -> TableShares {
        let origin = origin(&self.meta);
        let mut shares = self.shares.clone();
        for (column, tags) in shares.columns.iter_mut().zip(&self.tags) {
            if tags[0] != origin {
                column.bits.take();
            }
            if tags[1] != origin {
                column.ring.take();
            }
        }
        shares
    }

    /// Memory the shares take.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.shares.columns.iter().map(column_bytes).sum();
        columns + self.shares.selected.as_ref().map_or(0, planes_bytes)
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held({})", self.meta.handle)
    }
}

fn origin(meta: &TableMeta) -> u64 {
    tag(&meta.handle.0)
}

fn tag(id: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *id;
    u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(1)
}

fn present(column: &ColumnShares) -> [bool; 2] {
    [column.bits.get().is_some(), column.ring.get().is_some()]
}

fn column_bytes(column: &ColumnShares) -> usize {
    let ring = |ring: &Shared<Vec<u64>>| (ring.own.len() + ring.next.len()) * 8;
    column.bits.get().map_or(0, planes_bytes)
        + column.ring.get().map_or(0, ring)
        + column.count.as_ref().map_or(0, ring)
        + column.valid.as_ref().map_or(0, planes_bytes)
}

fn planes_bytes(planes: &Shared<Planes>) -> usize {
    (planes.own.words().len() + planes.next.words().len()) * 8
}

//! Every protocol and how to run it. What the tests promise of protocols they promise of each one here: its
//! cost is the documented one, its messages tell nothing, and no tampering makes it panic or hang.
//!
//! A new public protocol needs a line here and a row in docs/protocols.md; a test fails until it has both.

use vdl_protocol::*;
use vdl_share::{Planes, Shared};

use crate::Trio;

/// One party's inputs. All come from one public shape and one secret number per row.
pub struct Inputs {
    pub n: usize,
    pub w: usize,
    /// `w` planes.
    pub a: Shared<Planes>,
    pub b: Shared<Planes>,
    /// The lowest plane of `a`.
    pub bit: Shared<Planes>,
    /// Below 2^w.
    pub x: Shared<Vec<u64>>,
    /// Below 2^w and odd.
    pub y: Shared<Vec<u64>>,
    pub wide: Shared<Vec<u128>>,
    /// An order of the rows.
    pub rank: Shared<Vec<u32>>,
}

pub type Work = fn(&mut Party, &Inputs) -> Result<()>;

/// One way to run one protocol.
#[derive(Clone, Copy)]
pub struct Entry {
    /// As `vdl_protocol` exports it.
    pub name: &'static str,
    /// Rows when its cost is measured.
    pub n: usize,
    /// Width of the inputs.
    pub w: usize,
    /// What else the formulas of its cost depend on.
    pub numbers: &'static [(&'static str, usize)],
    pub run: Work,
    /// What `run` does first, to be taken off its cost.
    pub after: Option<Work>,
    pub view: View,
}

/// What the sizes and the order of messages may depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    Public,
    /// The opened order, which is uniformly random: with the same randomness, the order of the rows' keys.
    Order,
}

/// Few rows: additions and comparisons take few rounds. A multiple of 64, so that planes have no unused bits.
pub const FEW: usize = 640;
/// Many rows: additions send few bits.
pub const MANY: usize = 64 * 600;
/// So many that comparisons send few bits.
pub const VAST: usize = 64 * 2100;

const fn entry(name: &'static str, run: Work) -> Entry {
    Entry { name, n: FEW, w: 64, numbers: &[], run, after: None, view: View::Public }
}

impl Entry {
    const fn n(self, n: usize) -> Self {
        Self { n, ..self }
    }

    const fn w(self, w: usize) -> Self {
        Self { w, ..self }
    }

    const fn with(self, numbers: &'static [(&'static str, usize)]) -> Self {
        Self { numbers, ..self }
    }

    const fn after(self, work: Work) -> Self {
        Self { after: Some(work), ..self }
    }

    const fn ordered(self) -> Self {
        Self { view: View::Order, ..self }
    }

    /// Inputs for each party, from a secret per row.
    pub fn inputs(&self, trio: &mut Trio, rows: usize, secret: impl Fn(u64) -> u64) -> Vec<Inputs> {
        let mask = if self.w < 64 { (1 << self.w) - 1 } else { u64::MAX };
        let x: Vec<u64> = (0..rows as u64).map(|row| secret(row) & mask).collect();
        let y: Vec<u64> = x.iter().map(|x| x.wrapping_mul(3) & mask | 1).collect();
        let wide: Vec<u128> = x.iter().map(|x| u128::from(*x)).collect();
        let mut rank: Vec<u32> = (0..rows as u32).collect();
        rank.sort_by_key(|row| x[*row as usize]);
        let planes = |values: &[u64]| {
            let planes = Planes::from_values(values, self.w.min(64));
            Planes::stack(rows, &[&planes, &planes]).resize(self.w)
        };
        let (a, b) = (trio.share_planes(&planes(&x)), trio.share_planes(&planes(&y)));
        let (x, y, wide) = (trio.share_ring(&x), trio.share_ring(&y), trio.share_ring(&wide));
        let (rank, (n, w)) = (trio.share_ring(&rank), (rows, self.w));
        (0..3)
            .map(|id| {
                let (a, b) = (a[id].clone(), b[id].clone());
                let (bit, x, y) = (a.select(0..w.min(1)), x[id].clone(), y[id].clone());
                Inputs { n, w, a, b, bit, x, y, wide: wide[id].clone(), rank: rank[id].clone() }
            })
            .collect()
    }
}

/// Each protocol once, in its first form.
pub fn names() -> impl Iterator<Item = &'static Entry> {
    let first = |at: usize, entry: &Entry| all().take(at).all(|before| before.name != entry.name);
    all().enumerate().filter(move |(at, entry)| first(*at, entry)).map(|(_, entry)| entry)
}

/// Everything.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    [LOGIC, COMPARISON, RINGS, CONVERSION, REAL, OPENING, MOVING, SORTING].into_iter().flatten()
}

const LOGIC: &[Entry] = &[
    entry("and", |p, i| and(p, &i.a, &i.b).map(drop)).w(12),
    entry("or", |p, i| or(p, &i.a, &i.b).map(drop)).w(12),
    entry("mux", |p, i| mux(p, &i.bit, &i.a, &i.b).map(drop)).w(12),
    entry("all_ones", |p, i| all_ones(p, &i.a).map(drop)).w(13),
    entry("any_one", |p, i| any_one(p, &i.a).map(drop)).w(13),
];

const COMPARISON: &[Entry] = &[
    entry("equal", |p, i| equal(p, &i.a, &i.b).map(drop)).w(13),
    entry("equal", |p, i| equal(p, &i.a, &i.b).map(drop)).w(100),
    entry("equal_public", |p, i| equal_public(p, &i.a, &[77]).map(drop)).w(12),
    entry("less_than", |p, i| less_than(p, &i.a, &i.b).map(drop)).w(13),
    entry("less_than", |p, i| less_than(p, &i.a, &i.b).map(drop)),
    entry("less_than", |p, i| less_than(p, &i.a, &i.b).map(drop)).n(VAST).w(12),
    entry("less_than_public", |p, i| less_than_public(p, &i.a, &[77]).map(drop)).w(13),
    entry("less_than_public", |p, i| less_than_public(p, &i.a, &[77]).map(drop)),
    entry("less_than_public", |p, i| less_than_public(p, &i.a, &[40]).map(drop))
        .n(VAST)
        .w(12)
        .with(&[("z", 3)]),
    entry("greater_public", |p, i| greater_public(p, &i.a, &[77]).map(drop)).w(12),
    entry("greater_public", |p, i| greater_public(p, &i.a, &[77]).map(drop)).n(VAST).w(12).with(&[("z", 1)]),
];

const RINGS: &[Entry] = &[
    entry("multiply", |p, i| multiply(p, &i.x, &i.y).map(drop)).with(&[("k", 64)]),
    entry("multiply", |p, i| multiply(p, &i.wide, &i.wide).map(drop)).with(&[("k", 128)]),
    entry("multiply", |p, i| multiply(p, &i.rank, &i.rank).map(drop)).with(&[("k", 32)]),
    entry("sum_of_products", |p, i| sum_of_products(p, &[(&i.x, &i.y), (&i.x, &i.x)]).map(drop))
        .with(&[("k", 64)]),
    entry("dot", |p, i| dot(p, &[(&i.x, &i.y), (&i.x, &i.x)]).map(drop)).with(&[("k", 64), ("p", 2)]),
];

const CONVERSION: &[Entry] = &[
    entry("bits_to_ring", |p, i| bits_to_ring::<u64>(p, &i.a).map(drop)).w(12).with(&[("k", 64)]),
    entry("bits_to_ring", |p, i| bits_to_ring::<u32>(p, &i.a).map(drop)).w(3).with(&[("k", 32)]),
    entry("planes_to_ring", |p, i| planes_to_ring::<u64>(p, &i.a).map(drop)).w(12).with(&[("k", 64)]),
    entry("planes_to_ring", |p, i| planes_to_ring::<u64>(p, &i.a).map(drop)).w(2).with(&[("k", 64)]),
    entry("planes_to_ring", |p, i| planes_to_ring::<u64>(p, &i.a).map(drop)).n(MANY).with(&[("k", 64)]),
    entry("planes_to_ring", |p, i| planes_to_ring::<u128>(p, &i.a).map(drop)).with(&[("k", 128)]),
    entry("ring_to_planes", |p, i| ring_to_planes(p, &i.x, i.w).map(drop)).w(12),
    entry("ring_to_planes", |p, i| ring_to_planes(p, &i.x, i.w).map(drop)).n(MANY).w(32),
    entry("add", |p, i| add(p, &i.a, &i.b, i.w).map(drop)).w(13),
    entry("add", |p, i| add(p, &i.a, &i.b, i.w).map(drop)).n(MANY).w(20),
    entry("add", |p, i| add(p, &i.a, &i.b, i.w).map(drop)),
    entry("add_public", |p, i| add_public(p, &i.a, 77, i.w).map(drop)).w(13).with(&[("z", 0)]),
    entry("add_public", |p, i| add_public(p, &i.a, 40, i.w).map(drop)).n(MANY).w(20).with(&[("z", 3)]),
    entry("add_public", |p, i| add_public(p, &i.a, 1 << 63, i.w).map(drop)).with(&[("z", 63)]),
    entry("sum_rows", |p, i| sum_rows(p, i.a.clone()).map(drop)).w(12),
    entry("sum_rows", |p, i| sum_rows(p, i.bit.clone()).map(drop)).w(1).n(MANY),
    entry("sum_rows", |p, i| sum_rows(p, i.a.clone()).map(drop)).n(64),
    entry("shift_right", |p, i| shift_right::<u64, u64>(p, &i.x, 20).map(drop)).w(32).with(&[
        ("k", 64),
        ("r", 64),
        ("s", 20),
    ]),
    entry("shift_right", |p, i| shift_right::<u64, u64>(p, &i.x, 9).map(drop)).n(MANY).w(32).with(&[
        ("k", 64),
        ("r", 64),
        ("s", 9),
    ]),
    entry("shift_right", |p, i| shift_right::<u64, u128>(p, &i.x, 0).map(drop)).w(32).with(&[
        ("k", 64),
        ("r", 128),
        ("s", 0),
    ]),
    entry("shift_right", |p, i| shift_right::<u128, u64>(p, &i.wide, 40).map(drop)).w(32).with(&[
        ("k", 128),
        ("r", 64),
        ("s", 40),
    ]),
    entry("shift_right", |p, i| shift_right::<u128, u64>(p, &i.wide, 0).map(drop)).w(32).with(&[
        ("k", 128),
        ("r", 64),
        ("s", 0),
    ]),
];

const REAL: &[Entry] = &[
    entry("fixed::multiply", |p, i| fixed::multiply(p, number(&i.x, i.w), number(&i.y, i.w), 20).map(drop))
        .w(30)
        .with(&[("s", 20)]),
    entry("fixed::multiply", |p, i| fixed::multiply(p, number(&i.x, i.w), number(&i.y, i.w), 20).map(drop))
        .w(40)
        .with(&[("s", 20)]),
    entry("fixed::multiply", |p, i| fixed::multiply(p, number(&i.x, i.w), number(&i.y, i.w), 16).map(drop))
        .n(MANY)
        .w(30)
        .with(&[("s", 16)]),
    entry("fixed::divide", |p, i| fixed::divide(p, number(&i.x, i.w), number(&i.y, i.w), 16, 40).map(drop))
        .w(30)
        .with(&[("s", 16), ("q", 40)]),
    entry("fixed::divide", |p, i| fixed::divide(p, number(&i.x, i.w), number(&i.y, i.w), 20, 45).map(drop))
        .w(40)
        .with(&[("s", 20), ("q", 45)]),
    entry("fixed::sqrt", |p, i| fixed::sqrt(p, number(&i.x, i.w), 16).map(drop)).w(30).with(&[("s", 16)]),
    entry("fixed::sqrt", |p, i| fixed::sqrt(p, number(&i.x, i.w), 13).map(drop)).w(40).with(&[("s", 13)]),
    entry("fixed::log", |p, i| fixed::log(p, number(&i.y, i.w), 16).map(drop)).w(30).with(&[("s", 16)]),
    entry("fixed::log", |p, i| fixed::log(p, number(&i.y, i.w), 20).map(drop)).w(40).with(&[("s", 20)]),
    entry("fixed::exp", |p, i| fixed::exp(p, number(&i.x, i.w), 16, 40).map(drop))
        .w(20)
        .with(&[("s", 16), ("q", 40)]),
    entry("fixed::exp", |p, i| fixed::exp(p, number(&i.x, i.w), 20, 45).map(drop))
        .w(30)
        .with(&[("s", 20), ("q", 45)]),
];

fn number(column: &Column<u64>, bits: usize) -> fixed::Number<'_> {
    fixed::Number { column, bits }
}

const OPENING: &[Entry] = &[
    entry("open_planes", |p, i| open_planes(p, &i.a).map(drop)).w(12),
    entry("open_ring", |p, i| open_ring(p, &i.x).map(drop)).with(&[("k", 64)]),
    entry("open_ring", |p, i| open_ring(p, &i.wide).map(drop)).with(&[("k", 128)]),
    entry("open_bit", |p, i| open_bit(p, &i.bit.slice_rows(0, 1)).map(drop)),
    entry("rerandomize_planes", |p, i| rerandomize_planes(p, &i.a).map(drop)).w(12),
    entry("rerandomize_ring", |p, i| rerandomize_ring(p, &i.x).map(drop)).with(&[("k", 64)]),
    entry("Party::coin", |p, _| p.coin().map(drop)),
];

const MOVING: &[Entry] = &[
    entry("Shuffle::random", |p, i| Shuffle::random(p, i.n).map(drop)),
    entry("Shuffle::apply", shuffled).w(100),
    entry("Shuffle::unapply", |p, i| {
        let shuffle = Shuffle::random(p, i.n)?;
        shuffle.unapply(p, &mut [Block::planes(&i.a)])
    })
    .w(12),
    entry("place", placed).w(65),
    entry("Placement::undo", |p, i| {
        let mut blocks = [Block::planes(&i.a)];
        place(p, i.rank.clone(), &mut blocks)?.undo(p, &mut blocks)
    })
    .after(placed)
    .w(12),
    entry("Permutation::apply", |p, i| permutation(p, i)?.apply(p, &mut [Block::planes(&i.a)]))
        .after(|p, i| permutation(p, i).map(drop))
        .w(12),
    entry("Permutation::undo", |p, i| permutation(p, i)?.undo(p, &mut [Block::planes(&i.a)]))
        .after(|p, i| permutation(p, i).map(drop))
        .w(12),
    entry("Permutation::then", |p, i| permutations(p, i).and_then(|[a, b]| a.then(p, b)).map(drop))
        .after(|p, i| permutations(p, i).map(drop))
        .w(12),
];

fn shuffled(party: &mut Party, inputs: &Inputs) -> Result<()> {
    let shuffle = Shuffle::random(party, inputs.n)?;
    shuffle.apply(party, &mut [Block::planes(&inputs.a)])
}

fn placed(party: &mut Party, inputs: &Inputs) -> Result<()> {
    place(party, inputs.rank.clone(), &mut [Block::planes(&inputs.a)]).map(drop)
}

fn permutation(party: &mut Party, inputs: &Inputs) -> Result<Permutation> {
    radix_sort(party, &inputs.bit)
}

fn permutations(party: &mut Party, inputs: &Inputs) -> Result<[Permutation; 2]> {
    Ok([permutation(party, inputs)?, permutation(party, inputs)?])
}

const SORTING: &[Entry] = &[
    entry("radix_sort", |p, i| radix_sort(p, &i.a).map(drop)).w(12),
    entry("radix_sort", |p, i| radix_sort(p, &i.a).map(drop)).w(1),
    entry("radix_sort", |p, i| radix_sort(p, &i.a).map(drop)).w(64),
    entry("quicksort", |p, i| quicksort(p, &i.a).map(drop)).w(12).ordered(),
    entry("quicksort", |p, i| quicksort(p, &i.a).map(drop)).w(32).n(MANY).ordered(),
    entry("sort", |p, i| sort(p, &i.a).map(drop)).w(8),
    entry("sort", |p, i| sort(p, &i.a).map(drop)).w(3).n(1280),
    entry("sort", |p, i| sort(p, &i.a).map(drop)).w(32).n(6400).ordered(),
    entry("sort_carrying", |p, i| sort_carrying(p, &i.a, &i.b).map(drop)).w(8),
    entry("sort_carrying", |p, i| sort_carrying(p, &i.a, &i.b).map(drop)).w(32).n(6400).ordered(),
];

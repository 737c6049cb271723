//! The order of rows by a secret key, comparing shuffled rows.

use std::ops::Range;

use vdl_share::{Planes, Rows, Shared, Tile, rows_to_planes, vectorised};

use crate::Result;
use crate::blocks::Block;
use crate::compare::less_than;
use crate::open::open_planes;
use crate::party::Party;
use crate::permutation::Permutation;
use crate::shuffle::Shuffle;

/// The stable ascending order of the rows by an unsigned key.
///
/// Shuffles key and row number, then sorts in the open: rows are compared with a pivot, the outcome is
/// opened, and each half goes on alone (Hamada et al., 2012). As the row number breaks every tie, the
/// rows are all different, and the order of shuffled different rows is uniformly random whatever
/// they hold; all outcomes follow from that order, so they tell nothing else. A sixteenth of the rows is
/// sorted first and gives the pivots of the rest, which brings the comparisons near log2(n!).
///
/// With k bits of key and row number together, many rows: about 1.1 log2(n) comparisons per row, each k
/// rounds and k + 1 bits; few rows: 2 + log2(k) rounds and about 3 k bits. Shuffling: 2 rounds, 4/3
/// of k as rows are moved. How many rounds and messages there are depends on the opened order only.
/// Opens: one uniformly random order.
pub fn quicksort(party: &mut Party, keys: &Shared<Planes>) -> Result<Permutation> {
    Ok(match Quick::run(party, keys, &none(keys.rows()))? {
        Some(quick) => Permutation::new(quick.shuffle, quick.opened, STEP)?,
        None => Permutation::identity(),
    })
}

/// The same, and the key with `carried` on top of it in that order: they move along in the same shuffle.
pub(crate) fn quicksort_carrying(
    party: &mut Party,
    keys: &Shared<Planes>,
    carried: &Shared<Planes>,
) -> Result<(Permutation, Shared<Planes>)> {
    let all = keys.width() + carried.width();
    let Some(Quick { shuffle, table, opened }) = Quick::run(party, keys, carried)? else {
        return Ok((Permutation::identity(), Shared::<Planes>::stack(keys.rows(), &[keys, carried])));
    };
    let (rows, numbers) = (opened.len(), table.width - keys.width());
    let order = Permutation::new(shuffle, opened, STEP)?;
    let opened = order.opened().unwrap_or_default();
    let whole = Table { width: numbers + all, ..table };
    let sorted = whole.planes(none(0), rows, |row| opened[row] as usize);
    Ok((order, sorted.select(numbers..numbers + all)))
}

const STEP: &str = "quicksort";

/// What a sort leaves behind.
struct Quick {
    shuffle: Shuffle,
    table: Table,
    opened: Vec<u32>,
}

impl Quick {
    /// `None` where every order is ascending.
    fn run(party: &mut Party, keys: &Shared<Planes>, carried: &Shared<Planes>) -> Result<Option<Self>> {
        let rows = keys.rows();
        if rows < 2 || keys.width() == 0 {
            return Ok(None);
        }
        let numbers: Vec<u64> = (0..rows as u64).collect();
        let bits = (usize::BITS - (rows - 1).leading_zeros()) as usize;
        let numbers = Shared::<Planes>::public(party.id(), &Planes::from_values(&numbers, bits));
        let unique = Shared::<Planes>::stack(rows, &[&numbers, keys, carried]);
        let mut block = [Block::planes(&unique)];
        drop((numbers, unique));
        let shuffle = Shuffle::random(party, rows)?;
        shuffle.apply(party, &mut block)?;
        let [block] = block;
        let table = Table::new(&block.into_rows()?, bits + keys.width());
        let opened = order(party, &table)?;
        Ok(Some(Self { shuffle, table, opened }))
    }
}

/// Both components of shuffled rows.
struct Table {
    /// How many bits are compared; there may be more.
    width: usize,
    /// Word by word of the row.
    words: Vec<Vec<[u64; 2]>>,
}

impl Table {
    fn new(rows: &Shared<Rows>, width: usize) -> Self {
        let (stride, own, next) = (rows.own.stride(), rows.own.words(), rows.next.words());
        let word = |at| own.iter().zip(next).skip(at).step_by(stride).map(|(own, next)| [*own, *next]);
        Self { width, words: (0..stride).map(|at| word(at).collect()).collect() }
    }

    fn rows(&self) -> usize {
        self.words.first().map_or(0, Vec::len)
    }

    /// The words that are compared.
    fn compared(&self) -> &[Vec<[u64; 2]>] {
        &self.words[..self.width.div_ceil(64)]
    }

    /// What is compared of these rows.
    fn gather(&self, from: impl Iterator<Item = usize> + Clone) -> Self {
        let gather = |words: &Vec<[u64; 2]>| from.clone().map(|row| words[row]).collect();
        Self { width: self.width, words: self.compared().iter().map(gather).collect() }
    }

    /// As planes: so many rows, of which row `k` is row `from(k)`. The memory of `room` is used again.
    fn planes(&self, room: Shared<Planes>, rows: usize, from: impl Fn(usize) -> usize) -> Shared<Planes> {
        let mut planes = room.map_into(|planes| {
            let mut words = planes.into_words();
            words.resize(self.width * Planes::stride(rows), 0);
            Planes::from_raw(rows, self.width, words).unwrap_or_else(|| Planes::zeros(rows, self.width))
        });
        for (words, first) in self.compared().iter().zip((0..).step_by(64)) {
            fill(&mut planes, first, |row| words[from(row)]);
        }
        planes
    }
}

/// From so many rows on a sample is sorted first.
const SAMPLED: usize = 4096;

/// So many rows at least lie between two neighbours in the sample, on average, and less than twice as many.
const BUCKET: usize = 12;

/// The rows in ascending order. They are all different.
fn order(party: &mut Party, table: &Table) -> Result<Vec<u32>> {
    let rows = table.rows();
    let levels = if rows < SAMPLED { 0 } else { (rows / BUCKET).ilog2() };
    let sample = (1 << levels) - 1;
    let pivots = if sample == 0 { Vec::new() } else { order(party, &table.gather(0..sample))? };
    let buckets = descend(party, table, &pivots, levels)?;
    let (starts, places) = by_bucket(&buckets, sample);
    drop(buckets);
    let sorted = party.split(places.len(), |party, range| {
        let first = starts.partition_point(|start| *start < range.start);
        let last = starts[..=sample].partition_point(|start| *start < range.end);
        let starts = &starts[first..=last];
        let places = &places[starts[0]..starts[starts.len() - 1]];
        Sorting::new(table, places, starts).run(party)
    })?;
    let (rest, mut all) = (sorted.concat(), Vec::with_capacity(rows));
    for (bucket, pair) in starts.windows(2).enumerate() {
        all.extend_from_slice(&rest[pair[0]..pair[1]]);
        all.extend(pivots.get(bucket));
    }
    Ok(all)
}

/// Between which of the sorted pivots each row after the sample lies: how many of them it is not less than.
///
/// Every row goes down the search tree, a level of all rows at a time. The rows stay where they are, and only
/// the pivots they are compared with change.
fn descend(party: &mut Party, table: &Table, pivots: &[u32], levels: u32) -> Result<Vec<u32>> {
    let sample = pivots.len();
    if sample == 0 {
        return Ok(vec![0; table.rows()]);
    }
    let tree: Vec<Table> = (0..levels)
        .map(|level| {
            let step = 1 << (levels - level);
            table.gather((step / 2 - 1..sample).step_by(step).map(|at| pivots[at] as usize))
        })
        .collect();
    let buckets = party.split(table.rows() - sample, |party, range| {
        let rows = table.planes(none(0), range.len(), |row| sample + range.start + row);
        let mut nodes = vec![0u32; range.len()];
        let mut pivots = none(0);
        for level in &tree {
            pivots = level.planes(pivots, range.len(), |row| nodes[row] as usize);
            let less = less_than(party, &rows, &pivots)?;
            go_down(&mut nodes, open_planes(party, &less)?.words());
        }
        Ok(nodes)
    })?;
    Ok(buckets.concat())
}

/// To the left child where less, else to the right one.
fn go_down(nodes: &mut [u32], less: &[u64]) {
    vectorised(
        #[inline(always)]
        move || {
            for (nodes, less) in nodes.chunks_mut(64).zip(less) {
                for (at, node) in nodes.iter_mut().enumerate() {
                    *node = 2 * *node + 1 - (less >> at & 1) as u32;
                }
            }
        },
    );
}

/// Where each bucket starts, and the end; and bucket after bucket, which rows after the sample are in it.
fn by_bucket(buckets: &[u32], sample: usize) -> (Vec<usize>, Vec<u32>) {
    let mut starts = vec![0; sample + 2];
    for bucket in buckets {
        starts[*bucket as usize + 1] += 1;
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut next: Vec<u32> = starts.iter().map(|start| *start as u32).collect();
    let mut places = vec![0; buckets.len()];
    for (row, bucket) in (sample as u32..).zip(buckets) {
        let at = &mut next[*bucket as usize];
        places[*at as usize] = row;
        *at += 1;
    }
    (starts, places)
}

/// Rows whose order is known segment by segment, but not yet within a segment.
struct Sorting<'a> {
    table: Table,
    /// Where each row came from.
    places: &'a [u32],
    /// The rows, each segment in its place.
    rows: Vec<u32>,
    /// Where nothing is known but that these rows belong here: two or more.
    segments: Vec<Range<usize>>,
    /// Rows to be compared, and with which.
    left: Vec<u32>,
    right: Vec<u32>,
    /// Room for both as planes.
    room: [Shared<Planes>; 2],
}

impl<'a> Sorting<'a> {
    /// The rows named, of which those between two neighbouring starts are one segment.
    fn new(table: &Table, places: &'a [u32], starts: &[usize]) -> Self {
        let segments = starts.windows(2).map(|pair| pair[0] - starts[0]..pair[1] - starts[0]);
        Self {
            table: table.gather(places.iter().map(|row| *row as usize)),
            places,
            rows: (0..places.len() as u32).collect(),
            segments: segments.filter(|segment| segment.len() > 1).collect(),
            left: Vec::new(),
            right: Vec::new(),
            room: [none(0), none(0)],
        }
    }

    /// The rows in order.
    fn run(mut self, party: &mut Party) -> Result<Vec<u32>> {
        while !self.segments.is_empty() {
            self.choose();
            let less = self.compare(party)?;
            self.part(&less);
        }
        Ok(self.rows.into_iter().map(|row| self.places[row as usize]).collect())
    }

    /// The first row of each segment is what the others are compared with.
    fn choose(&mut self) {
        self.left.clear();
        self.right.clear();
        for segment in &self.segments {
            let rows = &self.rows[segment.clone()];
            self.left.extend_from_slice(&rows[1..]);
            self.right.extend(std::iter::repeat_n(rows[0], rows.len() - 1));
        }
    }

    /// Which are less. Opened.
    fn compare(&mut self, party: &mut Party) -> Result<Planes> {
        let [left, right] = [(&self.left, 0), (&self.right, 1)].map(|(rows, side)| {
            let room = std::mem::replace(&mut self.room[side], none(0));
            self.table.planes(room, rows.len(), |row| rows[row] as usize)
        });
        let less = less_than(party, &left, &right)?;
        self.room = [left, right];
        open_planes(party, &less)
    }

    /// Those that are less to the front of their segment, the others to its end.
    fn part(&mut self, less: &Planes) {
        let mut parts = Vec::with_capacity(2 * self.segments.len());
        let mut compared = self.left.iter().enumerate();
        for segment in &self.segments {
            let rows = &mut self.rows[segment.clone()];
            let pivot = rows[0];
            let (mut low, mut high) = (0, rows.len() - 1);
            for (at, row) in compared.by_ref().take(rows.len() - 1) {
                let smaller = usize::from(less.get(at, 0));
                // Both ends are written, without a branch: the wrong one is written again later.
                rows[low] = *row;
                rows[high] = *row;
                low += smaller;
                high -= 1 - smaller;
            }
            rows[low] = pivot;
            parts.push(segment.start..segment.start + low);
            parts.push(segment.start + low + 1..segment.end);
        }
        parts.retain(|part| part.len() > 1);
        self.segments = parts;
    }
}

/// No planes of so many rows.
fn none(rows: usize) -> Shared<Planes> {
    Shared::<Planes>::zeros(rows, 0)
}

/// Groups of 64 rows in a tile, and tiles that are turned into planes together: several neighbouring lines
/// of the cache for each of many planes.
const GROUPS: usize = 8;
const TILES: usize = 4;
const ROOM: usize = TILES * GROUPS * 64;

/// Writes 64 planes, or as many as there are, from plane `first` on: one word of every row.
fn fill(planes: &mut Shared<Planes>, first: usize, row: impl Fn(usize) -> [u64; 2]) {
    let rows = planes.rows();
    let mut tiles: [[Tile; TILES]; 2] = [[[0; 64 * GROUPS]; TILES]; 2];
    for start in (0..rows).step_by(ROOM) {
        let end = rows.min(start + ROOM);
        let [own, next] = tiles.each_mut().map(|tiles| tiles.as_flattened_mut());
        for ((at, own), next) in (start..end).zip(own).zip(next) {
            [*own, *next] = row(at);
        }
        let groups = start / 64..end.div_ceil(64);
        turn(&mut tiles[0], &mut planes.own, first, groups.clone());
        turn(&mut tiles[1], &mut planes.next, first, groups);
    }
}

/// Rows to planes `first ..`, for the groups named.
fn turn(tiles: &mut [Tile; TILES], planes: &mut Planes, first: usize, groups: Range<usize>) {
    let used = &mut tiles[..groups.len().div_ceil(GROUPS)];
    used.iter_mut().for_each(rows_to_planes);
    let stride = Planes::stride(planes.rows());
    let planes = planes.words_mut()[first * stride..].chunks_exact_mut(stride);
    for (bit, plane) in planes.take(64).enumerate() {
        let (whole, rest) = plane[groups.clone()].as_chunks_mut::<GROUPS>();
        let mut lines = used.iter().map(|tile| &tile.as_chunks::<GROUPS>().0[bit]);
        whole.iter_mut().zip(lines.by_ref()).for_each(|(to, line)| *to = *line);
        rest.iter_mut().zip(lines.flatten()).for_each(|(to, word)| *to = *word);
    }
}

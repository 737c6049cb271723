//! The order of rows by a secret key, comparing shuffled rows.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use vdl_share::{Planes, Shared, Tile, rows_to_planes};

use crate::Result;
use crate::blocks::Block;
use crate::compare::differing_less;
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
    let rows = keys.rows();
    if rows < 2 || keys.width() == 0 {
        return Ok(Permutation::identity());
    }
    let numbers: Vec<u64> = (0..rows as u64).collect();
    let bits = (usize::BITS - (rows - 1).leading_zeros()) as usize;
    let numbers = Shared::<Planes>::public(party.id(), &Planes::from_values(&numbers, bits));
    let unique = Shared::<Planes>::stack(rows, &[&numbers, keys]);
    let shuffle = Shuffle::random(party, rows)?;
    let mut block = [Block::planes(&unique)];
    let width = unique.width();
    drop(unique);
    shuffle.apply(party, &mut block)?;
    let [block] = block;
    let shuffled = block.into_rows()?;
    let table = Table {
        words: (0..shuffled.own.stride())
            .map(|word| {
                let pick = |words: &[u64]| -> Vec<u64> {
                    words.iter().skip(word).step_by(shuffled.own.stride()).copied().collect()
                };
                let (own, next) = (pick(shuffled.own.words()), pick(shuffled.next.words()));
                own.into_iter().zip(next).map(|(own, next)| [own, next]).collect()
            })
            .collect(),
    };
    drop(shuffled);
    let opened = order(party, table, width)?;
    Permutation::new(shuffle, opened, "quicksort")
}

/// Both components of shuffled rows, word by word of the row.
struct Table {
    words: Vec<Vec<[u64; 2]>>,
}

impl Table {
    fn rows(&self) -> usize {
        self.words.first().map_or(0, Vec::len)
    }

    fn gather(&self, from: &[u32]) -> Self {
        let gather =
            |words: &Vec<[u64; 2]>| from.iter().map(|row| words[*row as usize]).collect::<Vec<[u64; 2]>>();
        Self { words: self.words.iter().map(gather).collect() }
    }

    fn head(&self, rows: usize) -> Self {
        Self { words: self.words.iter().map(|words| words[..rows].to_vec()).collect() }
    }
}

/// From so many rows on a sample is sorted first.
const SAMPLED: usize = 4096;

/// One row in so many is in the sample.
const SAMPLE: usize = 16;

/// The rows in ascending order. They are all different.
fn order(party: &mut Party, table: Table, width: usize) -> Result<Vec<u32>> {
    let rows = table.rows();
    let sample = if rows < SAMPLED { 0 } else { rows / SAMPLE };
    let pivots = if sample == 0 { Vec::new() } else { order(party, table.head(sample), width)? };
    let mut sorting = Sorting::new(table, pivots, width);
    while !sorting.segments.is_empty() {
        let less = sorting.compare(party)?;
        sorting.split(&joined(&less));
    }
    Ok(sorting.sorted)
}

/// The words of one plane after the other; all but the last hold whole words.
fn joined(planes: &[Planes]) -> Vec<u64> {
    planes.iter().flat_map(|planes| planes.words().iter().copied()).collect()
}

/// Something for every row, in the order the rows are in, and room for the next round. The rows of a segment
/// lie together, so that everything is read and written in streams.
struct Stream<T> {
    rows: Vec<T>,
    room: Vec<T>,
}

impl<T: Copy> Stream<T> {
    fn new(rows: Vec<T>) -> Self {
        Self { room: rows.clone(), rows }
    }

    /// The rows that are less to the front, the others to the end, from `start` on; returns how many are
    /// less. The order among the others is turned round, as it says nothing yet.
    fn part(&mut self, rows: Range<usize>, start: usize, less: &[u64], first: usize) -> usize {
        let room = &mut self.room[start..start + rows.len()];
        let (mut low, mut high) = (0, room.len());
        for (row, bit) in self.rows[rows].iter().zip(first..) {
            let smaller = (less[bit / 64] >> (bit % 64) & 1) as usize;
            // Both ends are written, without a branch: the wrong one is written again later.
            room[low] = *row;
            room[high - 1] = *row;
            low += smaller;
            high -= 1 - smaller;
        }
        low
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.rows, &mut self.room);
    }
}

/// Rows whose order is known segment by segment, but not yet within a segment.
struct Sorting {
    /// Both components, word by word.
    words: Vec<Stream<[u64; 2]>>,
    /// Where in the table each row is.
    places: Stream<u32>,
    width: usize,
    /// The rows of the sample, ascending.
    pivots: Vec<u32>,
    pivot_rows: Table,
    segments: Vec<Segment>,
    /// Room for the circuits of the lanes.
    circuits: Mutex<Vec<Circuit>>,
    /// The row at each rank, as far as known.
    sorted: Vec<u32>,
}

/// Rows among which nothing is known, and the pivots that lie among them.
struct Segment {
    rows: Range<usize>,
    pivots: Range<usize>,
    /// The rank of the least of them all.
    rank: usize,
}

impl Segment {
    /// The pivot from the sample that parts it, if there is one; else its first row does.
    fn listed(&self) -> Option<usize> {
        (!self.pivots.is_empty()).then_some(usize::midpoint(self.pivots.start, self.pivots.end))
    }

    /// The rows that are compared with the pivot.
    fn compared(&self) -> Range<usize> {
        let own = usize::from(self.pivots.is_empty());
        self.rows.start + own..self.rows.end
    }
}

impl Sorting {
    fn new(table: Table, pivots: Vec<u32>, width: usize) -> Self {
        let (all, sample) = (table.rows(), pivots.len());
        let pivot_rows = table.gather(&pivots);
        let rest = table.words.into_iter().map(|mut words| words.split_off(sample));
        let mut sorting = Self {
            words: rest.map(Stream::new).collect(),
            places: Stream::new((sample as u32..all as u32).collect()),
            width,
            pivots,
            pivot_rows,
            segments: Vec::new(),
            circuits: Mutex::default(),
            sorted: vec![0; all],
        };
        let all = Segment { rows: 0..all - sample, pivots: 0..sample, rank: 0 };
        sorting.segments = sorting.settle(all).into_iter().collect();
        sorting
    }

    /// Whether each row is less than the pivot of its segment, segment after segment. Opened.
    fn compare(&self, party: &mut Party) -> Result<Vec<Planes>> {
        let rows = self.segments.iter().map(|segment| segment.compared().len()).sum();
        party.split(rows, |party, range| {
            let spare = self.circuits.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut circuit = spare.unwrap_or_default().renew(range.len(), self.width);
            for word in 0..self.words.len() {
                self.fill(&mut circuit, word, range.clone());
            }
            let less = differing_less(party, &circuit.differs, &circuit.pivot)?;
            self.circuits.lock().unwrap_or_else(PoisonError::into_inner).push(circuit);
            open_planes(party, &less)
        })
    }

    /// One word of every row and of its pivot, for a range of the rows to be compared.
    fn fill(&self, circuit: &mut Circuit, word: usize, range: Range<usize>) {
        let (words, pivots) = (&self.words[word].rows, &self.pivot_rows.words[word]);
        let mut filling = Filling::new(circuit, word * 64);
        let mut before = 0;
        for segment in &self.segments {
            let compared = segment.compared();
            let from = range.start.clamp(before, before + compared.len()) - before;
            let to = range.end.clamp(before, before + compared.len()) - before;
            before += compared.len();
            if from == to {
                continue;
            }
            let pivot = match segment.listed() {
                Some(at) => pivots[at],
                None => words[segment.rows.start],
            };
            let mut left = &words[compared.start + from..compared.start + to];
            while !left.is_empty() {
                let (now, later) = left.split_at(filling.room().min(left.len()));
                filling.push(now.iter().copied(), pivot);
                left = later;
            }
        }
        filling.flush();
    }

    /// Parts every segment by what was opened.
    fn split(&mut self, less: &[u64]) {
        let mut parts = Vec::with_capacity(2 * self.segments.len());
        let mut bit = 0;
        for segment in std::mem::take(&mut self.segments) {
            let (compared, start) = (segment.compared(), segment.rows.start);
            let low = self.places.part(compared.clone(), start, less, bit);
            for words in &mut self.words {
                words.part(compared.clone(), start, less, bit);
            }
            bit += compared.len();
            let (end, pivot) = (start + compared.len(), segment.listed());
            let (lower, upper) = (segment.pivots.start, segment.pivots.end);
            let (before, after) = pivot.map_or((0..0, 0..0), |at| (lower..at, at + 1..upper));
            let rank = segment.rank + low + before.len();
            self.sorted[rank] = pivot.map_or_else(|| self.places.rows[start], |at| self.pivots[at]);
            parts.push(Segment { rows: start..start + low, pivots: before, rank: segment.rank });
            parts.push(Segment { rows: start + low..end, pivots: after, rank: rank + 1 });
        }
        self.places.swap();
        self.words.iter_mut().for_each(Stream::swap);
        self.segments = parts.into_iter().filter_map(|part| self.settle(part)).collect();
    }

    /// Takes down what is known of a segment in which nothing is left to compare.
    fn settle(&mut self, segment: Segment) -> Option<Segment> {
        match (segment.rows.len(), segment.pivots.len()) {
            (0, pivots) => {
                let ranks = segment.rank..segment.rank + pivots;
                self.sorted[ranks].copy_from_slice(&self.pivots[segment.pivots]);
                None
            }
            (1, 0) => {
                self.sorted[segment.rank] = self.places.rows[segment.rows.start];
                None
            }
            _ => Some(segment),
        }
    }
}

/// Where a row and its pivot differ, and the pivot.
struct Circuit {
    differs: Shared<Planes>,
    pivot: Shared<Planes>,
}

impl Default for Circuit {
    fn default() -> Self {
        let none = || Shared::<Planes>::zeros(0, 0);
        Self { differs: none(), pivot: none() }
    }
}

impl Circuit {
    /// The same memory for other rows; whoever renews it overwrites every word.
    fn renew(self, rows: usize, width: usize) -> Self {
        let renew = |planes: Planes| {
            let mut words = planes.into_words();
            words.resize(width * Planes::stride(rows), 0);
            Planes::from_raw(rows, width, words).unwrap_or_else(|| Planes::zeros(rows, width))
        };
        let both = |shared: Shared<Planes>| Shared::new(renew(shared.own), renew(shared.next));
        Self { differs: both(self.differs), pivot: both(self.pivot) }
    }
}

/// Groups of 64 rows in a tile, and tiles that are turned into planes together: several neighbouring lines
/// of the cache for each of many planes.
const GROUPS: usize = 8;
const TILES: usize = 4;
const ROOM: usize = TILES * GROUPS * 64;

/// Rows on their way into the planes of a circuit.
struct Filling<'a> {
    circuit: &'a mut Circuit,
    /// The plane of the lowest bit, and how many there are.
    first: usize,
    count: usize,
    /// The first group of those being filled.
    group: usize,
    rows: usize,
    /// Differences, own and next.
    differs: [[Tile; TILES]; 2],
    /// The pivot of every row, own and next.
    pivot: [[Tile; TILES]; 2],
    /// How many pivots these rows have.
    pivots: usize,
}

impl<'a> Filling<'a> {
    fn new(circuit: &'a mut Circuit, first: usize) -> Self {
        let empty = [[[0; 64 * GROUPS]; TILES]; 2];
        let count = (circuit.pivot.width() - first).min(64);
        Self { circuit, first, count, group: 0, rows: 0, differs: empty, pivot: empty, pivots: 0 }
    }

    /// Rows that can be pushed at once.
    fn room(&self) -> usize {
        ROOM - self.rows
    }

    /// Rows of one pivot, no more than there is room for.
    fn push(&mut self, rows: impl ExactSizeIterator<Item = [u64; 2]>, pivot: [u64; 2]) {
        let (start, end) = (self.rows, self.rows + rows.len());
        let [own, next] = self.differs.each_mut().map(|tiles| &mut tiles.as_flattened_mut()[start..end]);
        for ((row, own), next) in rows.zip(own).zip(next) {
            *own = row[0] ^ pivot[0];
            *next = row[1] ^ pivot[1];
        }
        for (tiles, pivot) in self.pivot.iter_mut().zip(pivot) {
            tiles.as_flattened_mut()[start..end].fill(pivot);
        }
        self.rows = end;
        self.pivots += 1;
        if self.rows == ROOM {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.rows == 0 {
            return;
        }
        let groups = self.group..self.group + self.rows.div_ceil(64);
        let (differs, pivot) = (&mut self.circuit.differs, &mut self.circuit.pivot);
        for (tiles, planes) in self.differs.iter_mut().zip([&mut differs.own, &mut differs.next]) {
            turn(tiles, planes, self.first, self.count, groups.clone());
        }
        for (tiles, planes) in self.pivot.iter_mut().zip([&mut pivot.own, &mut pivot.next]) {
            if self.pivots > 1 {
                turn(tiles, planes, self.first, self.count, groups.clone());
                continue;
            }
            let pivot = tiles[0][0];
            for bit in 0..self.count {
                planes.plane_mut(self.first + bit)[groups.clone()].fill(0u64.wrapping_sub(pivot >> bit & 1));
            }
        }
        self.group += TILES * GROUPS;
        (self.rows, self.pivots) = (0, 0);
    }
}

/// Rows to planes `first ..`, for the groups named.
fn turn(tiles: &mut [Tile; TILES], planes: &mut Planes, first: usize, count: usize, groups: Range<usize>) {
    let used = &mut tiles[..groups.len().div_ceil(GROUPS)];
    used.iter_mut().for_each(rows_to_planes);
    let stride = Planes::stride(planes.rows());
    let planes = planes.words_mut()[first * stride..].chunks_exact_mut(stride);
    for (bit, plane) in planes.take(count).enumerate() {
        let (whole, rest) = plane[groups.clone()].as_chunks_mut::<GROUPS>();
        let mut lines = used.iter().map(|tile| &tile.as_chunks::<GROUPS>().0[bit]);
        whole.iter_mut().zip(lines.by_ref()).for_each(|(to, line)| *to = *line);
        rest.iter_mut().zip(lines.flatten()).for_each(|(to, word)| *to = *word);
    }
}

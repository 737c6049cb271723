//! What was measured, for people and for programs.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

/// One workload at one size.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub workload: String,
    pub rows: usize,
    /// Median of the repeats; a repeat lasts until its last party is done.
    pub seconds: f64,
    pub repeats: Vec<f64>,
    /// Payload bytes that each party sent in one repeat.
    pub bytes_sent: [u64; 3],
    pub rounds: u64,
    /// The most memory each node held at a time in the first repeat, its inputs included.
    pub peak_memory_bytes: [u64; 3],
    /// What sending as many bytes takes: all parties' bytes over the link's throughput.
    pub floor_seconds: f64,
    /// Seconds over floor.
    pub ratio: f64,
    /// Measured first in this run: what all three parties together move.
    pub link_bytes_per_second: f64,
    /// One small message to a peer, and one from the other.
    pub link_round_seconds: f64,
}

pub const HEADER: &str =
    "workload                rows   seconds   MB/party   rounds   peak MB   floor s   ratio";

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sent: u64 = self.bytes_sent.iter().sum();
        let peak = self.peak_memory_bytes.iter().max().copied().unwrap_or_default();
        write!(
            f,
            "{:<18}{:>10}{:>10.4}{:>11.3}{:>9}{:>10.0}{:>10.4}{:>8.1}",
            self.workload,
            self.rows,
            self.seconds,
            sent as f64 / 3e6,
            self.rounds,
            peak as f64 / 1e6,
            self.floor_seconds,
            self.ratio
        )
    }
}

/// The middle one, or the mean of the two in the middle.
pub fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let at = |place: usize| sorted.get(place).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 }
}

/// A list of objects, one to a line.
pub fn write(path: &Path, rows: &[Row]) -> io::Result<()> {
    let lines = rows.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    let mut file = std::fs::File::create(path)?;
    writeln!(file, "[\n{}\n]", lines.join(",\n"))
}

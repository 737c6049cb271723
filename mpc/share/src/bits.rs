//! Runs of bits inside words, at any offset.

/// Copies `len` bits from bit `from` of `source` to bit `to` of `target`, whose bits there must be zero.
/// Bits of the last word past the run are left as they were.
pub fn copy_bits(target: &mut [u64], to: usize, source: &[u64], from: usize, len: usize) {
    let mut done = 0;
    while done < len {
        let (at, shift) = ((to + done) / 64, (to + done) % 64);
        let count = (64 - shift).min(len - done);
        target[at] |= word_at(source, from + done, count) << shift;
        done += count;
    }
}

/// `count <= 64` bits from bit `from`, the rest zero.
fn word_at(source: &[u64], from: usize, count: usize) -> u64 {
    let (at, shift) = (from / 64, from % 64);
    let mut word = source[at] >> shift;
    if shift + count > 64 {
        word |= source[at + 1] << (64 - shift);
    }
    if count < 64 { word & ((1 << count) - 1) } else { word }
}

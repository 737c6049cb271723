//! 64 x 64 bit transposition.

/// Swaps bit `c` of word `r` with bit `r` of word `c`, by halving blocks (Warren, Hacker's Delight 7-3).
pub fn transpose(block: &mut [u64; 64]) {
    let mut mask = 0x0000_0000_ffff_ffff_u64;
    let mut half = 32;
    while half != 0 {
        let mut low = 0;
        while low < 64 {
            for k in low..low + half {
                let swapped = ((block[k] >> half) ^ block[k + half]) & mask;
                block[k] ^= swapped << half;
                block[k + half] ^= swapped;
            }
            low += 2 * half;
        }
        half >>= 1;
        mask ^= mask << half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let mut block: [u64; 64] =
            std::array::from_fn(|r| (r as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let before = block;
        transpose(&mut block);
        for (c, column) in block.iter().enumerate() {
            for (r, row) in before.iter().enumerate() {
                assert_eq!(column >> r & 1, row >> c & 1);
            }
        }
    }
}

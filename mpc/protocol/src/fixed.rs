//! Fixed-point numbers: a value times 2^precision, as a ring element in two's complement.

use crate::arithmetic::{self, Column};
use crate::party::Party;
use crate::truncate::shift_right;
use crate::{ProtocolError, Result};

/// A column and what everybody knows of it: every element is below 2^bits in size. What breaks its bounds
/// gives wrong results, never an error: the bounds are checked when values are uploaded.
#[derive(Clone, Copy)]
pub struct Number<'a> {
    pub column: &'a Column<u64>,
    pub bits: usize,
}

/// Elements below 2^62 in size can be shifted in the ring of 64 bits.
const NARROW: usize = 62;

/// Row by row product, rounded down: exactly the floor of a b / 2^precision.
///
/// A product and a shift, in the ring of 64 bits where the bounds allow (sizes of at most 62 bits together), else
/// in the ring of 128 bits, for sizes up to 62 bits each and 63 for the result. Rounds: 1 and the shift's; in the
/// wide ring 4 more. Bits per row and party: 64 and the shift's; in the wide ring 128, the shift's, and 341 1/3
/// to get there. Opens: nothing.
pub fn multiply(party: &mut Party, a: Number, b: Number, precision: usize) -> Result<Column<u64>> {
    let bits = a.bits + b.bits;
    if bits <= NARROW {
        let product = arithmetic::multiply(party, a.column, b.column)?;
        return shift_right(party, &product, precision);
    }
    if a.bits.max(b.bits) > NARROW || bits > 63 + precision {
        return Err(ProtocolError::Bounds { step: "multiply fixed" });
    }
    let (a, b) = (shift_right::<u64, u128>(party, a.column, 0)?, shift_right(party, b.column, 0)?);
    let product = arithmetic::multiply(party, &a, &b)?;
    shift_right(party, &product, precision)
}

//! Splitting a value into three components and putting it together again.
//!
//! For clients and tests: no server ever holds three components.

use crate::planes::Planes;
use crate::ring::Ring;
use crate::shared::Shared;
use crate::{Keystream, ShareError};

/// Three components that XOR to `bits`; the first two come from `seeds`, which must be fresh.
pub fn split_planes(bits: &Planes, seeds: &[[u8; 16]; 2]) -> [Planes; 3] {
    let [first, second] = seeds.map(|seed| {
        let mut planes = Planes::zeros(bits.rows(), bits.width());
        Keystream::new(&seed).fill(planes.words_mut());
        planes
    });
    let mut third = bits.xor(&first);
    third.xor_in(&second);
    [first, second, third]
}

/// Three components that add to `values`; the first two come from `seeds`, which must be fresh.
pub fn split_ring<R: Ring>(values: &[R], seeds: &[[u8; 16]; 2]) -> [Vec<R>; 3] {
    let [first, second]: [Vec<R>; 2] = seeds.map(|seed| Keystream::new(&seed).words(values.len()));
    let third = values.iter().zip(first.iter().zip(&second)).map(|(x, (a, b))| x.sub(*a).sub(*b)).collect();
    [first, second, third]
}

/// What party `id` holds of three components.
pub fn shares_for<T: Clone>(id: usize, components: &[T; 3]) -> Shared<T> {
    Shared::new(components[id % 3].clone(), components[(id + 1) % 3].clone())
}

/// The bits behind three parties' shares, bits past the last row cleared.
pub fn reconstruct_planes(shares: &[Shared<Planes>; 3]) -> Result<Planes, ShareError> {
    check_copies(shares, |a, b| {
        let (mut a, mut b) = (a.clone(), b.clone());
        a.mask_tail();
        b.mask_tail();
        a == b
    })?;
    let mut out = shares[0].own.xor(&shares[1].own);
    out.xor_in(&shares[2].own);
    out.mask_tail();
    Ok(out)
}

/// The values behind three parties' shares.
pub fn reconstruct_ring<R: Ring>(shares: &[Shared<Vec<R>>; 3]) -> Result<Vec<R>, ShareError> {
    check_copies(shares, |a, b| a == b)?;
    let [a, b, c] = shares;
    Ok(a.own.iter().zip(&b.own).zip(&c.own).map(|((x, y), z)| x.add(*y).add(*z)).collect())
}

fn check_copies<T>(shares: &[Shared<T>; 3], same: impl Fn(&T, &T) -> bool) -> Result<(), ShareError> {
    for id in 0..3 {
        let after = (id + 1) % 3;
        if !same(&shares[id].next, &shares[after].own) {
            return Err(ShareError::Inconsistent(id, after));
        }
    }
    Ok(())
}

//! Plain loops, compiled for every vector width and chosen by the machine that runs them.

use fearless_simd::{Level, dispatch};

/// Runs `work` compiled for the widest vectors this machine has: AVX-512, AVX2, or what every machine has.
///
/// The compiler makes the vectors, so `work` is plain loops over slices; what it calls must be inlined to
/// come along. Write `vectorised(#[inline(always)] move || ...)`, with `move` as a number behind a reference
/// would be read again for every row, and with wrapping operators as a checked one is no vector operation.
/// Call it once per column, not per word.
#[inline(always)]
pub fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    at(Level::new(), work)
}

/// Word by word `step` of two columns of the same length.
pub fn zipped<T: Copy>(a: &[T], b: &[T], step: impl Fn(T, T) -> T + Copy) -> Vec<T> {
    assert_eq!(a.len(), b.len(), "columns of different length");
    vectorised(
        #[inline(always)]
        move || a.iter().zip(b).map(|(a, b)| step(*a, *b)).collect(),
    )
}

/// Word by word `step` of two columns of the same length, in place of the first.
pub fn zip_in<T: Copy>(to: &mut [T], from: &[T], step: impl Fn(T, T) -> T + Copy) {
    assert_eq!(to.len(), from.len(), "columns of different length");
    vectorised(
        #[inline(always)]
        move || to.iter_mut().zip(from).for_each(|(to, from)| *to = step(*to, *from)),
    );
}

/// Word by word `step` of a column.
pub fn mapped<T: Copy>(a: &[T], step: impl Fn(T) -> T + Copy) -> Vec<T> {
    vectorised(
        #[inline(always)]
        move || a.iter().map(|a| step(*a)).collect(),
    )
}

/// Runs `work` compiled for `level`.
#[inline(always)]
pub(crate) fn at<R>(level: Level, work: impl FnOnce() -> R) -> R {
    dispatch!(level, _simd => work())
}

/// Every level this machine can run, for tests.
#[cfg(test)]
pub(crate) fn levels() -> Vec<Level> {
    let level = Level::new();
    #[cfg(target_arch = "x86_64")]
    let levels = [
        level.as_sse2().map(Level::Sse2),
        level.as_sse4_2().map(Level::Sse4_2),
        level.as_avx2().map(Level::Avx2),
        level.as_avx512().map(Level::Avx512),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let levels = [Some(level)];
    levels.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_computes_the_same() {
        let a: Vec<u64> = (0..1003).map(|r: u64| r.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let plain: Vec<u64> = a.iter().map(|x| (x ^ (x >> 7)).wrapping_mul(x | 1)).collect();
        for level in levels() {
            let mut out = vec![0u64; a.len()];
            at(
                level,
                #[inline(always)]
                || out.iter_mut().zip(&a).for_each(|(out, x)| *out = (x ^ (x >> 7)).wrapping_mul(x | 1)),
            );
            assert_eq!(out, plain, "{level:?}");
        }
    }
}

//! The rings of integers modulo a power of two, and the groups shares are made in.

use bytemuck::{Pod, Zeroable};

/// Z_2^32 (row positions), Z_2^64 and Z_2^128 (values).
pub trait Ring: Pod + Send + Sync + PartialEq + Eq + 'static {
    const BITS: usize;
    const ZERO: Self;
    const ONE: Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// The upper bits, moved down by less than `BITS`.
    fn shr(self, by: usize) -> Self;
    /// The representative from 0 on.
    fn wide(self) -> u128;
    /// What is congruent to it here.
    fn of_wide(value: u128) -> Self;
}

macro_rules! ring {
    ($($t:ty),*) => {$(
        impl Ring for $t {
            const BITS: usize = <$t>::BITS as usize;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            #[inline(always)]
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn sub(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)]
            fn mul(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)]
            fn shr(self, by: usize) -> Self { self >> by }
            #[inline(always)]
            fn wide(self) -> u128 { self as u128 }
            #[inline(always)]
            fn of_wide(value: u128) -> Self { value as $t }
        }
    )*};
}
ring!(u32, u64, u128);

/// What a secret is split in: every share is one of these, and the three components combine with `plus`.
pub trait Group: Pod + Send + Sync + PartialEq + Eq + 'static {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
}

impl<R: Ring> Group for R {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.add(other)
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.sub(other)
    }
}

/// Bits under XOR; 64 of them unless said otherwise.
#[derive(Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Xor<W = u64>(pub W);

macro_rules! xor {
    ($($t:ty),*) => {$(
        impl Group for Xor<$t> {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                Self(self.0 ^ other.0)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                Self(self.0 ^ other.0)
            }
        }
    )*};
}
xor!(u8, u16, u32, u64);

impl<W> std::fmt::Debug for Xor<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Xor(..)")
    }
}

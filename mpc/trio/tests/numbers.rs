//! Shifts, fixed-point arithmetic and functions against clear arithmetic, with their stated error bounds.

#![allow(clippy::unwrap_used)]

use vdl_protocol::fixed::{self, Number};
use vdl_protocol::*;
use vdl_share::{Ring, Shared};
use vdl_trio::{Trio, ring_of};

/// Runs a protocol of one ring column and gives back the clear result.
fn one<R: Ring, S: Ring>(
    trio: &mut Trio,
    a: &[R],
    work: impl Fn(&mut Party, &Shared<Vec<R>>) -> Result<Shared<Vec<S>>> + Sync,
) -> Vec<S> {
    let a = trio.share_ring(a);
    ring_of(&trio.run(|party| work(party, &a[party.id()])).map(Result::unwrap))
}

/// Runs a protocol of two signed columns.
fn two(
    trio: &mut Trio,
    (a, b): (&[i64], &[i64]),
    work: impl Fn(&mut Party, &Shared<Vec<u64>>, &Shared<Vec<u64>>) -> Result<Shared<Vec<u64>>> + Sync,
) -> Vec<i64> {
    let (a, b) = (trio.share_ring(&unsigned(a)), trio.share_ring(&unsigned(b)));
    let ends = trio.run(|party| work(party, &a[party.id()], &b[party.id()])).map(Result::unwrap);
    ring_of(&ends).iter().map(|x| *x as i64).collect()
}

fn unsigned(values: &[i64]) -> Vec<u64> {
    values.iter().map(|x| *x as u64).collect()
}

/// Signed values below 2^bits in size: extremes, their neighbours, zero, and all magnitudes between.
fn signed(rows: usize, bits: usize, salt: u64) -> Vec<i128> {
    let most = (1i128 << bits) - 1;
    let edges = [0, 1, -1, 2, -2, most, -most, most / 2, -most / 2, most / 2 + 1];
    (0..rows)
        .map(|r| {
            let mut hash = blake3::Hasher::new();
            hash.update(&salt.to_le_bytes()).update(&(r as u64).to_le_bytes());
            let hash = *hash.finalize().as_bytes();
            let value = u128::from_le_bytes(*hash.first_chunk().unwrap());
            let size = usize::from(hash[16]) % (bits + 1);
            let value = (value & ((1 << size) - 1)) as i128;
            match edges.get(r) {
                Some(edge) => (*edge).clamp(-most, most),
                None if hash[17] & 1 == 1 => -value,
                None => value,
            }
        })
        .collect()
}

fn signed64(rows: usize, bits: usize, salt: u64) -> Vec<i64> {
    signed(rows, bits, salt).into_iter().map(|x| x as i64).collect()
}

/// Shifts in every pair of rings, at the whole range each ring allows.
fn shifts<R: Ring, S: Ring>(rows: usize, steps: &[usize]) {
    let mut trio = Trio::new(1);
    let values = signed(rows, R::BITS - 2, 5);
    let column: Vec<R> = values.iter().map(|x| R::of_wide(*x as u128)).collect();
    for shift in steps {
        let got = one::<R, S>(&mut trio, &column, |party, a| shift_right(party, a, *shift));
        let expected: Vec<S> = values.iter().map(|x| S::of_wide((x >> shift) as u128)).collect();
        assert!(got == expected, "{} bits to {} by {shift}", R::BITS, S::BITS);
    }
}

#[test]
fn shifts_are_exact_floors_in_and_between_all_rings() {
    for rows in [0, 1, 64, 777] {
        shifts::<u64, u64>(rows, &[0, 1, 7, 20, 33, 61, 62]);
        shifts::<u64, u128>(rows, &[0, 1, 40, 62]);
        shifts::<u128, u64>(rows, &[0, 1, 20, 63, 64, 65, 100, 126]);
        shifts::<u128, u128>(rows, &[0, 1, 20, 64, 126]);
    }
    shifts::<u64, u64>(40_000, &[1, 20]);
    let mut trio = Trio::new(2);
    let lowest = [(1u64 << 62).wrapping_neg()];
    let half = one::<u64, u64>(&mut trio, &lowest, |party, a| shift_right(party, a, 1));
    assert_eq!(half, [(1u64 << 61).wrapping_neg()]);
}

#[test]
fn a_shift_of_every_value_of_many_sharings_is_never_off_by_one() {
    let mut trio = Trio::new(3);
    let values: Vec<u64> = (0..5000u64).map(|x| (x % 50).wrapping_sub(25)).collect();
    for _ in 0..5 {
        let got = one::<u64, u64>(&mut trio, &values, |party, a| shift_right(party, a, 3));
        assert!(got.iter().zip(&values).all(|(q, x)| *q as i64 == *x as i64 >> 3));
    }
}

#[test]
fn products_are_exact_floors() {
    let mut trio = Trio::new(4);
    for (bits_a, bits_b, precision, rows) in [
        (31, 31, 16, 900),
        (10, 50, 20, 300),
        (40, 40, 20, 900),
        (62, 62, 62, 300),
        (5, 5, 0, 99),
        (1, 1, 5, 9),
    ] {
        let (a, b) = (signed64(rows, bits_a, 1), signed64(rows, bits_b, 2));
        let got = two(&mut trio, (&a, &b), |party, a, b| {
            fixed::multiply(
                party,
                Number { column: a, bits: bits_a },
                Number { column: b, bits: bits_b },
                precision,
            )
        });
        for ((x, y), z) in a.iter().zip(&b).zip(&got) {
            assert_eq!(i128::from(*z), (i128::from(*x) * i128::from(*y)) >> precision, "{x} {y}");
        }
    }
}

#[test]
fn bounds_that_fit_no_ring_are_refused() {
    let mut trio = Trio::new(5);
    let a = trio.share_ring(&[5u64]);
    for refused in trio.run(|party| {
        let column = &a[party.id()];
        let number = |bits| Number { column, bits };
        [
            fixed::multiply(party, number(63), number(10), 20).is_err(),
            fixed::multiply(party, number(62), number(62), 20).is_err(),
            shift_right::<u64, u64>(party, column, 63).is_err(),
        ]
    }) {
        assert_eq!(refused, [true; 3]);
    }
}

/// Fails where a result is further from the true value than `units` and `2^-30` of it.
#[track_caller]
fn close(got: i64, exact: f64, units: f64, of: &dyn std::fmt::Debug) {
    let allowed = units + exact.abs() / (1u64 << 30) as f64;
    assert!((got as f64 - exact).abs() <= allowed, "{got}, not {exact}, within {allowed}: {of:?}");
}

#[test]
fn quotients_are_within_their_bound() {
    let mut trio = Trio::new(6);
    for (bits_a, bits_b, precision, bits, rows) in [
        (32, 32, 16, 32, 2000),
        (31, 16, 16, 47, 500),
        (20, 40, 10, 30, 500),
        (50, 51, 20, 62, 500),
        (40, 1, 0, 40, 100),
        (3, 3, 30, 33, 100),
        (30, 24, 16, 46, 33_000),
    ] {
        let (mut a, b) = (signed64(rows, bits_a, 1), signed64(rows, bits_b, 2));
        // Numerators that would break the promised size of the quotient are made smaller.
        for (a, b) in a.iter_mut().zip(&b) {
            while *b != 0
                && (a.unsigned_abs() as f64 / b.unsigned_abs() as f64 * (1u64 << precision) as f64).log2()
                    >= bits as f64 - 0.01
            {
                *a /= 2;
            }
        }
        let got = two(&mut trio, (&a, &b), |party, a, b| {
            let (a, b) = (Number { column: a, bits: bits_a }, Number { column: b, bits: bits_b });
            fixed::divide(party, a, b, precision, bits)
        });
        for ((x, y), z) in a.iter().zip(&b).zip(&got) {
            if *y == 0 {
                assert_eq!(*z, 0, "{x} by zero");
            } else {
                close(*z, *x as f64 / *y as f64 * (1u64 << precision) as f64, 1.01, &(x, y));
            }
        }
    }
}

/// A function of one column of fixed-point numbers, row by row against the same function of a float.
fn function(
    trio: &mut Trio,
    x: &[i64],
    precision: usize,
    (units, relative): (f64, f64),
    clear: impl Fn(f64) -> f64,
    work: impl Fn(&mut Party, &Shared<Vec<u64>>) -> Result<Shared<Vec<u64>>> + Sync,
) {
    let unit = (1u64 << precision) as f64;
    let got = one::<u64, u64>(trio, &unsigned(x), work);
    for (x, z) in x.iter().zip(&got) {
        let exact = clear(*x as f64 / unit) * unit;
        let allowed = units + relative * exact.abs();
        assert!((*z as i64 as f64 - exact).abs() <= allowed, "{}, not {exact}, for {x}", *z as i64);
    }
}

const BILLIONTH: f64 = 1.0 / (1u64 << 30) as f64;

#[test]
fn roots_are_within_their_bound() {
    let mut trio = Trio::new(7);
    for (bits, precision, rows) in [
        (32, 16, 3000),
        (40, 20, 1000),
        (49, 21, 1000),
        (50, 0, 1000),
        (7, 5, 200),
        (1, 40, 9),
        (31, 17, 33_000),
    ] {
        let x: Vec<i64> = signed64(rows, bits, 1).iter().map(|x| x.abs()).collect();
        let bound = (1.01, BILLIONTH);
        function(&mut trio, &x, precision, bound, f64::sqrt, |party, x| {
            fixed::sqrt(party, Number { column: x, bits }, precision)
        });
    }
}

#[test]
fn logarithms_are_within_their_bound() {
    let mut trio = Trio::new(8);
    for (bits, precision, rows) in
        [(32, 16, 3000), (40, 20, 1000), (51, 30, 1000), (50, 0, 1000), (7, 5, 200), (31, 17, 33_000)]
    {
        let x: Vec<i64> = signed64(rows, bits, 1).iter().map(|x| x.abs().max(1)).collect();
        let bound = (0.51 + (1u64 << precision) as f64 * BILLIONTH / 2.0, 0.0);
        function(&mut trio, &x, precision, bound, f64::ln, |party, x| {
            fixed::log(party, Number { column: x, bits }, precision)
        });
    }
}

#[test]
fn exponentials_are_within_their_bound() {
    let mut trio = Trio::new(9);
    for (bits, precision, out, rows) in [
        (21, 16, 62, 3000),
        (20, 16, 40, 1000),
        (24, 20, 44, 1000),
        (43, 16, 32, 1000),
        (3, 0, 12, 50),
        (33, 30, 42, 500),
    ] {
        let most =
            ((out - precision) as f64 * std::f64::consts::LN_2 * (1u64 << precision) as f64) as i64 - 1;
        let mut x = signed64(rows, bits, 1);
        x.iter_mut().for_each(|x| *x = (*x).min(most));
        function(&mut trio, &x, precision, (1.6, BILLIONTH), f64::exp, |party, x| {
            fixed::exp(party, Number { column: x, bits }, precision, out)
        });
    }
}

#[test]
fn columns_without_rows_have_no_results() {
    let mut trio = Trio::new(10);
    let none: [u64; 0] = [];
    let lengths = one::<u64, u64>(&mut trio, &none, |party, x| {
        let number = Number { column: x, bits: 20 };
        let columns = [
            fixed::multiply(party, number, number, 10)?,
            fixed::divide(party, number, number, 10, 30)?,
            fixed::sqrt(party, number, 10)?,
            fixed::exp(party, number, 10, 40)?,
            fixed::log(party, number, 10)?,
        ];
        Ok(Shared::<Vec<u64>>::append_rows(&columns.iter().collect::<Vec<_>>()))
    });
    assert!(lengths.is_empty());
}

//! Every protocol against plain arithmetic.

#![allow(clippy::unwrap_used)]

use vdl_protocol::*;
use vdl_share::{Planes, Shared};
use vdl_trio::{Trio, planes_of, ring_of, values_of};

const SIZES: [usize; 8] = [0, 1, 2, 3, 63, 64, 65, 1000];
const WIDTHS: [usize; 7] = [1, 2, 3, 7, 32, 63, 64];

fn mask(width: usize) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Values with many ties, extremes included.
fn values(rows: usize, width: usize, salt: u64) -> Vec<u64> {
    (0..rows as u64)
        .map(|r| {
            let x = (r + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt).rotate_left(17);
            match (r + salt) % 7 {
                0 => 0,
                1 => mask(width),
                2 => 1,
                _ => (x ^ (x >> 29)) & mask(width),
            }
        })
        .collect()
}

/// Runs a protocol of two shared columns and gives back the clear result.
fn two<T>(
    trio: &mut Trio,
    width: usize,
    (a, b): (&[u64], &[u64]),
    work: impl Fn(&mut Party, &Shared<Planes>, &Shared<Planes>) -> Result<T> + Sync,
) -> [T; 3]
where
    T: Send,
{
    let (a, b) = (trio.share_values(a, width), trio.share_values(b, width));
    trio.run(|party| work(party, &a[party.id()], &b[party.id()])).map(Result::unwrap)
}

fn for_all(mut check: impl FnMut(&mut Trio, usize, &[u64], &[u64])) {
    let mut trio = Trio::new(7);
    for rows in SIZES {
        for width in WIDTHS {
            check(&mut trio, width, &values(rows, width, 1), &values(rows, width, 5));
        }
    }
}

fn zip<T>(a: &[u64], b: &[u64], step: impl Fn(u64, u64) -> T) -> Vec<T> {
    a.iter().zip(b).map(|(x, y)| step(*x, *y)).collect()
}

#[test]
fn logic_is_logic() {
    for_all(|trio, width, a, b| {
        assert_eq!(values_of(&two(trio, width, (a, b), and)), zip(a, b, |x, y| x & y));
        assert_eq!(values_of(&two(trio, width, (a, b), or)), zip(a, b, |x, y| x | y));
        let not = two(trio, width, (a, b), |party, a, _| Ok(not(party, a)));
        assert_eq!(values_of(&not), zip(a, b, |x, _| !x & mask(width)));
        let all = two(trio, width, (a, b), |party, a, _| all_ones(party, a));
        assert_eq!(values_of(&all), zip(a, b, |x, _| u64::from(x == mask(width))));
        let any = two(trio, width, (a, b), |party, a, _| any_one(party, a));
        assert_eq!(values_of(&any), zip(a, b, |x, _| u64::from(x != 0)));
    });
}

#[test]
fn a_choice_takes_the_one_or_the_other() {
    for_all(|trio, width, a, b| {
        let choice: Vec<u64> = (0..a.len() as u64).map(|r| r % 3 % 2).collect();
        let shared = trio.share_values(&choice, 1);
        let taken = two(trio, width, (a, b), |party, a, b| mux(party, &shared[party.id()], a, b));
        let expected: Vec<u64> =
            choice.iter().zip(a.iter().zip(b)).map(|(c, (a, b))| if *c == 1 { *a } else { *b }).collect();
        assert_eq!(values_of(&taken), expected);
    });
}

#[test]
fn comparisons_compare() {
    for_all(|trio, width, a, b| {
        assert_eq!(values_of(&two(trio, width, (a, b), equal)), zip(a, b, |x, y| u64::from(x == y)));
        assert_eq!(values_of(&two(trio, width, (a, a), equal)), vec![1; a.len()]);
        assert_eq!(values_of(&two(trio, width, (a, b), less_than)), zip(a, b, |x, y| u64::from(x < y)));
    });
}

#[test]
fn comparisons_with_a_public_number_compare() {
    for_all(|trio, width, a, b| {
        for c in [0, 1, mask(width) / 2, mask(width), mask(width).wrapping_add(1), u64::MAX] {
            let same = two(trio, width, (a, b), |party, a, _| equal_public(party, a, &[c]));
            assert_eq!(values_of(&same), zip(a, b, |x, _| u64::from(x == c)));
            let less = two(trio, width, (a, b), |party, a, _| less_than_public(party, a, &[c]));
            assert_eq!(values_of(&less), zip(a, b, |x, _| u64::from(x < c)));
            let greater = two(trio, width, (a, b), |party, a, _| greater_public(party, a, &[c, 0]));
            assert_eq!(values_of(&greater), zip(a, b, |x, _| u64::from(x > c)));
        }
    });
}

#[test]
fn wide_values_compare_too() {
    let mut trio = Trio::new(8);
    let rows = 130;
    let wide = |salt: u64| {
        let parts = [values(rows, 64, salt), values(rows, 36, salt / 2)];
        let planes = [Planes::from_values(&parts[0], 64), Planes::from_values(&parts[1], 36)];
        let numbers: Vec<u128> = parts[0]
            .iter()
            .zip(&parts[1])
            .map(|(low, high)| u128::from(*high) << 64 | u128::from(*low))
            .collect();
        (Planes::stack(rows, &[&planes[0], &planes[1]]), numbers)
    };
    let ((a, x), (b, y)) = (wide(2), wide(4));
    let (a, b) = (trio.share_planes(&a), trio.share_planes(&b));
    let less = trio.run(|party| less_than(party, &a[party.id()], &b[party.id()])).map(Result::unwrap);
    assert!(values_of(&less).iter().zip(x.iter().zip(&y)).all(|(less, (x, y))| *less == u64::from(x < y)));
    let same = trio.run(|party| equal(party, &a[party.id()], &b[party.id()])).map(Result::unwrap);
    assert!(values_of(&same).iter().zip(x.iter().zip(&y)).all(|(same, (x, y))| *same == u64::from(x == y)));
    let c = [x[9] as u64, (x[9] >> 64) as u64];
    let same = trio.run(|party| equal_public(party, &a[party.id()], &c)).map(Result::unwrap);
    assert!(values_of(&same).iter().zip(&x).all(|(same, v)| *same == u64::from(*v == x[9])));
}

#[test]
fn sums_of_planes_add() {
    for_all(|trio, width, a, b| {
        for out in [1, width, width + 1, 64] {
            let sum = two(trio, width, (a, b), |party, a, b| add(party, a, b, out));
            assert_eq!(values_of(&sum), zip(a, b, |x, y| x.wrapping_add(y) & mask(out.min(64))));
            for c in [0u64, 1, 6, 1 << 40, u64::MAX] {
                let sum = two(trio, width, (a, b), |party, a, _| add_public(party, a, c.into(), out));
                let expected = zip(a, b, |x, _| (x & mask(out)).wrapping_add(c) & mask(out.min(64)));
                assert_eq!(values_of(&sum).iter().map(|x| x & mask(out)).collect::<Vec<_>>(), expected);
            }
        }
    });
}

#[test]
fn comparisons_of_many_rows_with_a_public_number_ripple() {
    let mut trio = Trio::new(17);
    let rows = (1 << 17) + 3;
    for width in [1, 7, 64] {
        let a = values(rows, width, 1);
        for c in [0, 1, a[20], mask(width) / 2, mask(width) - 1, mask(width)] {
            let less = two(&mut trio, width, (&a, &[]), |party, a, _| less_than_public(party, a, &[c]));
            assert_eq!(values_of(&less), zip(&a, &a, |x, _| u64::from(x < c)));
            let greater = two(&mut trio, width, (&a, &[]), |party, a, _| greater_public(party, a, &[c, 0]));
            assert_eq!(values_of(&greater), zip(&a, &a, |x, _| u64::from(x > c)));
        }
    }
}

/// The one number that a row of planes holds.
fn number(row: &Planes) -> u128 {
    assert_eq!(row.rows(), 1);
    (0..row.width()).map(|j| u128::from(row.get(0, j)) << j).sum()
}

#[test]
fn rows_are_summed() {
    for_all(|trio, width, a, _| {
        let sum = two(trio, width, (a, &[]), |party, a, _| sum_rows(party, a.clone()));
        assert_eq!(number(&planes_of(&sum)), a.iter().map(|x| u128::from(*x)).sum());
    });
    let mut trio = Trio::new(18);
    for (rows, width) in (2..140).step_by(3).map(|rows| (rows, 5)).chain([(70_001, 42), (70_001, 1)]) {
        for a in [values(rows, width, 3), vec![mask(width); rows]] {
            let sum = two(&mut trio, width, (&a, &[]), |party, a, _| sum_rows(party, a.clone()));
            assert_eq!(number(&planes_of(&sum)), a.iter().map(|x| u128::from(*x)).sum());
        }
    }
}

/// What lies behind the last row belongs to nobody.
#[test]
fn bits_past_the_last_row_are_not_summed() {
    let mut trio = Trio::new(19);
    let all = Planes::from_raw(200, 3, vec![!0; 3 * 4]).unwrap();
    let shares = trio.share_planes(&all);
    let sum = trio.run(|party| sum_rows(party, shares[party.id()].clone())).map(Result::unwrap);
    assert_eq!(number(&planes_of(&sum)), 200 * 7);
}

#[test]
fn many_rows_take_the_long_way_to_the_same_sum() {
    let mut trio = Trio::new(9);
    let (a, b) = (values(40_001, 20, 1), values(40_001, 20, 2));
    let sum = two(&mut trio, 20, (&a, &b), |party, a, b| add(party, a, b, 21));
    assert_eq!(values_of(&sum), zip(&a, &b, |x, y| x + y));
    let sum = two(&mut trio, 20, (&a, &b), |party, a, _| add_public(party, a, 48, 21));
    assert_eq!(values_of(&sum), zip(&a, &b, |x, _| x + 48));
}

#[test]
fn products_multiply() {
    let mut trio = Trio::new(10);
    for rows in SIZES {
        let (x, y) = (values(rows, 64, 1), values(rows, 64, 2));
        let (a, b) = (trio.share_ring(&x), trio.share_ring(&y));
        let product = trio.run(|party| multiply(party, &a[party.id()], &b[party.id()])).map(Result::unwrap);
        assert_eq!(ring_of(&product), zip(&x, &y, u64::wrapping_mul));
        let sums = trio.run(|party| {
            let (a, b) = (&a[party.id()], &b[party.id()]);
            (dot(party, &[(a, b), (a, a)]).unwrap(), sum_of_products(party, &[(a, b), (b, b)]).unwrap())
        });
        let (dots, rowwise): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
        let sum = |a: &[u64], b: &[u64]| zip(a, b, u64::wrapping_mul).into_iter().fold(0, u64::wrapping_add);
        assert_eq!(ring_of(&dots.try_into().unwrap()), [sum(&x, &y), sum(&x, &x)]);
        let expected = zip(&x, &y, |x, y| x.wrapping_mul(y).wrapping_add(y.wrapping_mul(y)));
        assert_eq!(ring_of(&rowwise.try_into().unwrap()), expected);
    }
}

#[test]
fn the_other_rings_multiply_too() {
    let mut trio = Trio::new(11);
    let (x, y): (Vec<u128>, Vec<u128>) = ((0..99).map(|r| u128::MAX - r * r).collect(), (0..99).collect());
    let (a, b) = (trio.share_ring(&x), trio.share_ring(&y));
    let product = trio.run(|party| multiply(party, &a[party.id()], &b[party.id()])).map(Result::unwrap);
    assert!(ring_of(&product).iter().enumerate().all(|(r, z)| *z == x[r].wrapping_mul(y[r])));
    let x: Vec<u32> = (0..99).map(|r| u32::MAX - r).collect();
    let a = trio.share_ring(&x);
    let square = trio.run(|party| multiply(party, &a[party.id()], &a[party.id()])).map(Result::unwrap);
    assert!(ring_of(&square).iter().enumerate().all(|(r, z)| *z == x[r].wrapping_mul(x[r])));
}

#[test]
fn bits_become_zeros_and_ones() {
    for_all(|trio, width, a, b| {
        if a.len() > 100 && width > 8 {
            return;
        }
        let columns = two(trio, width, (a, b), |party, a, _| bits_to_ring::<u64>(party, a));
        let [x, y, z] = columns;
        for (j, ((x, y), z)) in x.into_iter().zip(y).zip(z).enumerate() {
            assert_eq!(ring_of(&[x, y, z]), zip(a, b, |x, _| x >> j & 1));
        }
        let wide = two(trio, width, (a, b), |party, a, _| bits_to_ring::<u128>(party, a));
        assert_eq!(ring_of(&wide.map(|w| w[0].clone())), zip(a, b, |x, _| u128::from(x & 1)));
    });
}

#[test]
fn planes_and_ring_hold_the_same_value() {
    for_all(|trio, width, a, b| {
        let ring = two(trio, width, (a, b), |party, a, _| planes_to_ring::<u64>(party, a));
        assert_eq!(ring_of(&ring), a);
        let planes = trio.run(|party| ring_to_planes(party, &ring[party.id()], width)).map(Result::unwrap);
        assert_eq!(values_of(&planes), a);
    });
    let mut trio = Trio::new(12);
    let a = values(40_000, 64, 3);
    let ring = two(&mut trio, 64, (&a, &[]), |party, a, _| planes_to_ring::<u64>(party, a));
    assert_eq!(ring_of(&ring), a);
    let planes = trio.run(|party| ring_to_planes(party, &ring[party.id()], 33)).map(Result::unwrap);
    assert_eq!(values_of(&planes), zip(&a, &a, |x, _| x & mask(33)));
}

#[test]
fn opening_and_new_shares_give_the_same_value() {
    for_all(|trio, width, a, b| {
        for opened in two(trio, width, (a, b), |party, a, _| open_planes(party, a)) {
            assert_eq!(opened.to_values(), a);
        }
        let fresh = two(trio, width, (a, b), |party, a, _| Ok((a.clone(), rerandomize_planes(party, a)?)));
        if a.len() > 60 && width > 8 {
            assert!(fresh.iter().all(|(old, new)| old.own != new.own && old.next != new.next));
        }
        assert_eq!(planes_of(&fresh.map(|(_, new)| new)), Planes::from_values(a, width));
    });
    let mut trio = Trio::new(13);
    let a = trio.share_ring(&[5u64, 6]);
    let bit = trio.share_values(&[1], 1);
    for (opened, ring, bit) in trio.run(|party| {
        let fresh = rerandomize_ring(party, &a[party.id()]).unwrap();
        (open_ring(party, &fresh).unwrap(), fresh, open_bit(party, &bit[party.id()]).unwrap())
    }) {
        assert_eq!(opened, [5, 6]);
        assert!(bit && ring != a[0]);
    }
}

#[test]
fn columns_of_different_shape_are_an_error() {
    let mut trio = Trio::new(14);
    let (a, b) = (trio.share_values(&[1, 2, 3], 4), trio.share_values(&[1, 2], 4));
    let narrow = trio.share_values(&[1, 2, 3], 3);
    let shape = |result: Result<Shared<Planes>>| matches!(result, Err(ProtocolError::Shape { .. }));
    for refused in trio.run(|party| {
        let (a, b, narrow) = (&a[party.id()], &b[party.id()], &narrow[party.id()]);
        [
            and(party, a, b),
            and(party, a, narrow),
            equal(party, a, b),
            less_than(party, a, b),
            add(party, a, b, 5),
        ]
        .map(shape)
    }) {
        assert_eq!(refused, [true; 5]);
    }
}

#[test]
fn a_coin_is_the_same_for_all_and_never_the_same_twice() {
    let mut trio = Trio::new(15);
    let [a, b, c] = trio.run(|party| [party.coin().unwrap(), party.coin().unwrap()]);
    assert!(a == b && b == c && a[0] != a[1]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn any_values_are_compared_added_and_converted(
        rows in proptest::collection::vec(proptest::prelude::any::<(u64, u64)>(), 0..150),
        width in 1usize..=64,
        constant in proptest::prelude::any::<u64>(),
    ) {
        let (a, b): (Vec<u64>, Vec<u64>) = rows.iter().map(|(a, b)| (a & mask(width), b & mask(width))).unzip();
        let mut trio = Trio::new(16);
        let less = two(&mut trio, width, (&a, &b), less_than);
        proptest::prop_assert_eq!(values_of(&less), zip(&a, &b, |x, y| u64::from(x < y)));
        let less = two(&mut trio, width, (&a, &b), |party, a, _| less_than_public(party, a, &[constant]));
        proptest::prop_assert_eq!(values_of(&less), zip(&a, &b, |x, _| u64::from(x < constant)));
        let sum = two(&mut trio, width, (&a, &b), |party, a, b| add(party, a, b, width));
        proptest::prop_assert_eq!(values_of(&sum), zip(&a, &b, |x, y| x.wrapping_add(y) & mask(width)));
        let sum = two(&mut trio, width, (&a, &b), |party, a, _| add_public(party, a, constant.into(), 64));
        proptest::prop_assert_eq!(values_of(&sum), zip(&a, &b, |x, _| x.wrapping_add(constant)));
        let ring = two(&mut trio, width, (&a, &b), |party, a, _| planes_to_ring::<u64>(party, a));
        proptest::prop_assert_eq!(ring_of(&ring), a);
    }
}

//! Bit planes against the plain values they hold.

use proptest::prelude::*;
use vdl_share::{Planes, Shared, reconstruct_planes, reconstruct_ring, shares_for, split_planes, split_ring};

const SIZES: [usize; 7] = [0, 1, 63, 64, 65, 130, 1000];

fn values(rows: usize, width: usize, salt: u64) -> Vec<u64> {
    let mask = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
    (0..rows as u64).map(|r| (r ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) & mask).collect()
}

#[test]
fn values_come_back_from_planes() {
    for rows in SIZES {
        for width in [0, 1, 7, 32, 63, 64] {
            let before = values(rows, width, 3);
            let planes = Planes::from_values(&before, width);
            assert_eq!((planes.rows(), planes.width()), (rows, width));
            assert_eq!(planes.to_values(), before, "{rows} rows of {width} bits");
        }
    }
}

#[test]
fn wide_rows_come_back_from_planes() {
    for rows in SIZES {
        let parts = [values(rows, 64, 1), values(rows, 64, 2), values(rows, 9, 3)];
        let planes: Vec<_> = parts.iter().map(|part| Planes::from_values(part, 64)).collect();
        let wide = Planes::stack(rows, &planes.iter().collect::<Vec<_>>()).resize(137);
        let moved = wide.to_rows();
        assert_eq!(moved.stride(), 3);
        for (k, part) in parts.iter().enumerate() {
            assert!(part.iter().enumerate().all(|(r, value)| moved.row(r)[k] == *value));
        }
        assert_eq!(moved.to_planes(137), wide);
    }
}

#[test]
fn whatever_is_past_the_last_row_is_not_read() {
    let before = values(70, 5, 9);
    let mut planes = Planes::from_values(&before, 5);
    for j in 0..5 {
        planes.plane_mut(j)[1] |= !0 << 6;
    }
    assert_eq!(planes.to_values(), before);
    assert_eq!(planes.slice_rows(3, 67).to_values(), before[3..]);
    planes.mask_tail();
    assert_eq!(planes, Planes::from_values(&before, 5));
}

#[test]
fn constants_and_ones_have_clean_tails() {
    for rows in SIZES {
        assert_eq!(Planes::constant(rows, 9, 0x155), Planes::from_values(&vec![0x155; rows], 9));
        assert_eq!(Planes::ones(rows, 2), Planes::from_values(&vec![3; rows], 2));
    }
}

#[test]
fn running_xor_is_undone_by_differences() {
    let planes = Planes::from_values(&values(100, 64, 5), 64);
    let before = planes.to_rows();
    let mut rows = before.clone();
    rows.prefix_xor();
    assert_eq!(rows.row(2)[0], before.row(0)[0] ^ before.row(1)[0] ^ before.row(2)[0]);
    rows.difference_xor();
    assert_eq!(rows, before);
}

#[test]
fn shares_rebuild_the_secret_and_a_changed_copy_is_noticed() {
    let secret = Planes::from_values(&values(100, 17, 8), 17);
    let components = split_planes(&secret, &[[1; 16], [2; 16]]);
    let mut shares = [0, 1, 2].map(|id| shares_for(id, &components));
    assert_eq!(reconstruct_planes(&shares).unwrap(), secret);
    shares[1].next.words_mut()[0] ^= 1;
    assert!(reconstruct_planes(&shares).is_err());

    let numbers = values(100, 64, 8);
    let components = split_ring(&numbers, &[[1; 16], [2; 16]]);
    let mut shares = [0, 1, 2].map(|id| shares_for(id, &components));
    assert_eq!(reconstruct_ring(&shares).unwrap(), numbers);
    shares[2].own[99] += 1;
    assert!(reconstruct_ring(&shares).is_err());
}

#[test]
fn public_values_are_shared_without_a_message() {
    let bits = Planes::from_values(&values(66, 5, 1), 5);
    let shares = [0, 1, 2].map(|id| Shared::<Planes>::public(id, &bits));
    assert_eq!(reconstruct_planes(&shares).unwrap(), bits);
    let flipped = [0, 1, 2].map(|id| shares[id].not(id));
    assert_eq!(reconstruct_planes(&flipped).unwrap(), bits.xor(&Planes::ones(66, 5)));
    let column = [5u64, 6, 7];
    let shares = [0, 1, 2].map(|id| Shared::<Vec<u64>>::public(id, &column).add_constant(id, 10));
    assert_eq!(reconstruct_ring(&shares).unwrap(), [15, 16, 17]);
}

proptest! {
    #[test]
    fn row_surgery_is_surgery_on_values(
        a in proptest::collection::vec(0u64..128, 0..200),
        b in proptest::collection::vec(0u64..128, 0..200),
        cut in 0usize..200,
        by in 0usize..200,
    ) {
        let (first, second) = (Planes::from_values(&a, 7), Planes::from_values(&b, 7));
        let both = [a, b].concat();
        let planes = Planes::append_rows(7, &[&first, &second]);
        prop_assert_eq!(planes.to_values(), both.clone());
        let cut = cut.min(both.len());
        prop_assert_eq!(planes.slice_rows(cut, both.len() - cut).to_values(), both[cut..].to_vec());
        let down: Vec<u64> = (0..both.len()).map(|r| if r < by { 0 } else { both[r - by] }).collect();
        prop_assert_eq!(planes.shift_down(by).to_values(), down);
        let up: Vec<u64> = (0..both.len()).map(|r| both.get(r + by).copied().unwrap_or(0)).collect();
        prop_assert_eq!(planes.shift_up(by).to_values(), up);
    }
}

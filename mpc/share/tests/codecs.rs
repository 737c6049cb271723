//! What goes over the wire and onto the disk comes back, and nothing else is taken for it.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use vdl_share::{
    ColumnShares, Opened, Planes, ShareError, Shared, UploadColumn, UploadData, UploadLayout, combine_opened,
    decode_segment, encode_segment, opened_answer, read_upload, reconstruct_planes, shares_for, split_planes,
    split_ring, split_upload,
};

const SEEDS: [[u8; 16]; 2] = [[3; 16], [4; 16]];

fn layout(rows: usize) -> UploadLayout {
    let columns = [(9, true), (0, false), (64, false), (130, true)];
    let columns = columns.map(|(width, nullable)| UploadColumn { width, nullable });
    UploadLayout::new(rows, columns.to_vec()).unwrap()
}

fn data(rows: usize) -> Vec<UploadData> {
    layout(rows)
        .columns()
        .iter()
        .map(|column| {
            let mut bits = Planes::zeros(rows, column.width);
            bits.words_mut()
                .iter_mut()
                .enumerate()
                .for_each(|(i, word)| *word = (i as u64 + 1) * 0x1234_5678_9abc);
            bits.mask_tail();
            UploadData { bits, valid: column.nullable.then(|| Planes::ones(rows, 1)) }
        })
        .collect()
}

#[test]
fn three_payloads_hold_the_upload_and_their_digests_agree() {
    for rows in [0, 1, 64, 1000] {
        let (layout, data) = (layout(rows), data(rows));
        let payloads = split_upload(&layout, &data, &SEEDS).unwrap();
        let nodes = payloads.map(|payload| read_upload(&layout, &payload).unwrap());
        for id in 0..3 {
            assert_eq!(nodes[id].digests.next, nodes[(id + 1) % 3].digests.own);
        }
        for (k, column) in data.iter().enumerate() {
            let shares = [0, 1, 2].map(|id| nodes[id].columns[k].bits.get().unwrap().clone());
            assert_eq!(reconstruct_planes(&shares).unwrap(), column.bits);
            let valid = [0, 1, 2].map(|id| nodes[id].columns[k].valid.clone());
            match (valid, &column.valid) {
                ([Some(a), Some(b), Some(c)], Some(valid)) => {
                    assert_eq!(reconstruct_planes(&[a, b, c]).unwrap(), *valid);
                }
                ([None, None, None], None) => {}
                _ => panic!("validity was lost"),
            }
        }
    }
}

#[test]
fn different_copies_to_two_nodes_have_different_digests() {
    let (layout, mut data) = (layout(64), data(64));
    let honest = split_upload(&layout, &data, &SEEDS).unwrap();
    data[0].bits.words_mut()[0] ^= 1;
    let other = split_upload(&layout, &data, &SEEDS).unwrap();
    let one = read_upload(&layout, &honest[1]).unwrap();
    let two = read_upload(&layout, &other[2]).unwrap();
    assert_ne!(one.digests.next, two.digests.own);
}

#[test]
fn an_upload_of_another_shape_is_refused() {
    let payload = &split_upload(&layout(64), &data(64), &SEEDS).unwrap()[2];
    assert!(matches!(read_upload(&layout(65), payload), Err(ShareError::Short { .. })));
    assert!(matches!(read_upload(&layout(0), payload), Err(ShareError::Trailing { .. })));
    let longer = [payload.as_slice(), &[0]].concat();
    assert!(matches!(read_upload(&layout(64), &longer), Err(ShareError::Trailing { extra: 1 })));
    assert_eq!(split_upload(&layout(64), &data(63), &SEEDS), Err(ShareError::Shape));
    assert_eq!(split_upload(&layout(64), &data(64)[..3], &SEEDS), Err(ShareError::Shape));
}

#[test]
fn a_layout_nobody_could_hold_is_refused() {
    let column = UploadColumn { width: usize::MAX, nullable: true };
    assert!(matches!(UploadLayout::new(64, vec![column]), Err(ShareError::TooLarge { .. })));
    let column = UploadColumn { width: 64, nullable: false };
    assert!(matches!(UploadLayout::new(usize::MAX, vec![column]), Err(ShareError::TooLarge { .. })));
}

fn columns_of(id: usize, rows: usize) -> Vec<ColumnShares> {
    let values: Vec<u64> = (0..rows as u64).collect();
    let bits = shares_for(id, &split_planes(&Planes::from_values(&values, 11), &SEEDS));
    let ring = shares_for(id, &split_ring(&values, &SEEDS));
    let valid = shares_for(id, &split_planes(&Planes::ones(rows, 1), &SEEDS));
    let wide = shares_for(id, &split_planes(&Planes::from_values(&values, 128), &SEEDS));
    vec![
        ColumnShares { bits: bits.into(), valid: Some(valid), ..ColumnShares::default() },
        ColumnShares { ring: ring.clone().into(), ..ColumnShares::default() },
        ColumnShares { ring: ring.clone().into(), count: Some(ring.clone()), ..ColumnShares::default() },
        ColumnShares { bits: Shared::<Planes>::zeros(rows, 0).into(), ..ColumnShares::default() },
        ColumnShares { bits: wide.into(), count: Some(ring), ..ColumnShares::default() },
    ]
}

#[test]
fn three_answers_give_the_opened_columns() {
    for rows in [0, 1, 64, 777] {
        let answers = [0, 1, 2].map(|id| opened_answer(&columns_of(id, rows)).unwrap());
        let opened = combine_opened(&[&answers[0], &answers[1], &answers[2]], rows).unwrap();
        let values: Vec<u64> = (0..rows as u64).collect();
        assert!(matches!(&opened[0].data, Opened::Bits(bits) if bits.to_values() == values));
        assert_eq!(opened[0].valid, Some(Planes::ones(rows, 1)));
        assert!(matches!(&opened[1].data, Opened::Ring(ring) if *ring == values));
        assert!(matches!(&opened[2].data, Opened::Mean { sum, count } if *sum == values && *count == values));
        assert!(matches!(&opened[3].data, Opened::Bits(bits) if bits.width() == 0));
        let Opened::WideMean { sum, count } = &opened[4].data else { panic!("no wide mean") };
        assert!(sum.width() == 128 && sum.to_values() == values && *count == values);
    }
}

#[test]
fn an_answer_that_differs_from_its_copy_is_noticed() {
    let answers = [0, 1, 2].map(|id| opened_answer(&columns_of(id, 70)).unwrap());
    for id in 0..3 {
        for at in [20, answers[id].len() - 1] {
            let mut cheated = answers.clone();
            cheated[id][at] ^= 1;
            let result = combine_opened(&[&cheated[0], &cheated[1], &cheated[2]], 70);
            assert!(matches!(result, Err(ShareError::Inconsistent(..))));
        }
    }
    let short = combine_opened(&[&answers[0], &answers[1], &[]], 70);
    assert!(matches!(short, Err(ShareError::Short { .. })));
    let rows = combine_opened(&[&answers[0], &answers[1], &answers[2]], 71);
    assert_eq!(rows, Err(ShareError::Rows { expected: 71, got: 70 }));
}

#[test]
fn a_mean_of_other_bits_than_128_is_refused() {
    let answers = [0, 1, 2].map(|id| {
        let mut column = columns_of(id, 70).remove(4);
        column.bits = Shared::<Planes>::zeros(70, 127).into();
        opened_answer(&[column]).unwrap()
    });
    let refused = combine_opened(&[&answers[0], &answers[1], &answers[2]], 70);
    assert!(matches!(refused, Err(ShareError::Unknown { .. })));
}

#[test]
fn bits_past_the_last_row_never_leave_a_node() {
    let mut column = columns_of(0, 3).remove(0);
    let clean = opened_answer(std::slice::from_ref(&column)).unwrap();
    let mut bits = column.bits.take().unwrap();
    bits.each(|planes| planes.words_mut()[0] ^= 1 << 60);
    column.bits = bits.into();
    assert_eq!(opened_answer(&[column]).unwrap(), clean);
}

#[test]
fn a_stored_column_comes_back() {
    for column in columns_of(1, 300) {
        let bytes = encode_segment(300, &column);
        let read = decode_segment(300, &bytes).unwrap();
        assert_eq!(read.bits.get(), column.bits.get());
        assert_eq!(read.ring.get(), column.ring.get());
        assert_eq!(read.count, column.count);
        assert_eq!(read.valid, column.valid);
        assert!(decode_segment(299, &bytes).is_err());
        assert!(decode_segment(300, &bytes[..bytes.len() - 1]).is_err());
        assert!(decode_segment(300, &[bytes, vec![0]].concat()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_bytes_make_a_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        rows in 0usize..200,
    ) {
        let _ = read_upload(&layout(rows), &bytes);
        let _ = decode_segment(rows, &bytes);
        let digest: [u8; 32] = vdl_share::component_digest(&bytes);
        let answer = [bytes, digest.to_vec()].concat();
        let _ = combine_opened(&[&answer, &answer, &answer], rows);
    }

    #[test]
    fn no_changed_byte_makes_a_decoder_panic(at in 0usize..400, to in any::<u8>(), cut in 0usize..400) {
        let mut segment = encode_segment(40, &columns_of(0, 40)[0]);
        let payload = split_upload(&layout(40), &data(40), &SEEDS).unwrap()[1].clone();
        for bytes in [&mut segment, &mut payload.clone()] {
            let at = at % bytes.len();
            bytes[at] = to;
            bytes.truncate(bytes.len() - cut % bytes.len());
            let _ = decode_segment(40, bytes);
            let _ = read_upload(&layout(40), bytes);
        }
    }
}

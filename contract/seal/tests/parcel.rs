//! Parcels: what opens, and every way in which one is refused.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use vdl_seal::{LARGEST_FRAME, SealError, SealingKey, seal};

const PATH: &str = "/v1/command";
const NO_LIMIT: usize = usize::MAX;

fn server(number: u8) -> SealingKey {
    SealingKey::derive(&[number; 32])
}

fn parcel(body: &[u8]) -> Vec<u8> {
    seal(&server(1).public(), PATH, body, [2; 32]).unwrap().0
}

/// The frames of a parcel, each with its length.
fn frames(parcel: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (enc, mut rest) = parcel.split_at(32);
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let (frame, after) = rest.split_at(4 + length);
        frames.push(frame.to_vec());
        rest = after;
    }
    (enc.to_vec(), frames)
}

fn refused(parcel: &[u8]) -> bool {
    server(1).open(parcel, NO_LIMIT).is_err()
}

#[test]
fn a_parcel_opens_at_its_server_and_the_answer_at_its_sender() {
    let plain = 1 + PATH.len();
    for length in [0, 1, LARGEST_FRAME - plain, LARGEST_FRAME - plain + 1, 3 * LARGEST_FRAME] {
        let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let (parcel, mine) = seal(&server(1).public(), PATH, &body, [2; 32]).unwrap();
        let frames = (plain + length).div_ceil(LARGEST_FRAME);
        assert_eq!(parcel.len(), 32 + plain + length + frames * (4 + 16));
        let opened = server(1).open(&parcel, plain + length).unwrap();
        assert_eq!((opened.path(), opened.body()), (PATH, body.as_slice()));
        let answer = opened.answer.seal(503, b"later", [9; 16]).unwrap();
        assert_eq!(mine.open(&answer), Ok((503, b"later".to_vec())));
    }
}

#[test]
fn a_key_survives_its_file() {
    let key = server(7);
    let again = SealingKey::from_bytes(&key.to_bytes()).unwrap();
    assert_eq!(again.public(), key.public());
    assert!(!format!("{key:?}").contains('['));
}

#[test]
fn no_other_server_opens_it_and_no_other_parcel_gives_its_answer() {
    let (parcel, mine) = seal(&server(1).public(), PATH, b"secret", [2; 32]).unwrap();
    assert_eq!(server(2).open(&parcel, NO_LIMIT).unwrap_err(), SealError::Unreadable);
    let (_, other) = seal(&server(1).public(), PATH, b"secret", [3; 32]).unwrap();
    let answer = server(1).open(&parcel, NO_LIMIT).unwrap().answer.seal(200, b"yes", [4; 16]).unwrap();
    assert_eq!(other.open(&answer), Err(SealError::Unreadable));
    assert!(mine.open(&answer).is_ok());
}

#[test]
fn frames_cut_off_swapped_repeated_or_left_out_are_refused() {
    let (enc, frames) = frames(&parcel(&vec![5; 3 * LARGEST_FRAME]));
    assert_eq!(frames.len(), 4);
    let put = |order: &[usize]| {
        let chosen: Vec<u8> = order.iter().flat_map(|at| frames[*at].clone()).collect();
        [enc.clone(), chosen].concat()
    };
    assert!(!refused(&put(&[0, 1, 2, 3])));
    let orders: [&[usize]; 10] = [
        &[],
        &[0],
        &[0, 1, 2],
        &[1, 2, 3],
        &[1, 0, 2, 3],
        &[0, 2, 1, 3],
        &[0, 1, 3],
        &[0, 1, 1, 2, 3],
        &[0, 1, 2, 3, 3],
        &[0, 1, 2, 3, 0, 1, 2, 3],
    ];
    for order in orders {
        assert!(refused(&put(order)), "{order:?}");
    }
}

#[test]
fn one_frame_cannot_take_the_place_of_another_parcels() {
    let mine = frames(&seal(&server(1).public(), PATH, &vec![1; LARGEST_FRAME], [2; 32]).unwrap().0);
    let other = frames(&seal(&server(1).public(), PATH, &vec![1; LARGEST_FRAME], [3; 32]).unwrap().0);
    assert!(refused(&[mine.0.clone(), mine.1[0].clone(), other.1[1].clone()].concat()));
    assert!(refused(&[other.0, mine.1[0].clone(), mine.1[1].clone()].concat()));
}

#[test]
fn any_bit_that_is_changed_and_any_byte_that_is_missing_is_noticed() {
    let whole = parcel(b"a command");
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            // X25519 ignores the top bit of a point; the key schedule does not.
            assert!(refused(&damaged), "byte {at}, bit {bit}");
        }
        assert!(refused(&whole[..at]), "{at} bytes");
    }
    assert!(refused(&[whole.as_slice(), &[0]].concat()));
}

#[test]
fn a_length_that_lies_is_refused_before_anything_is_allocated() {
    let enc = parcel(b"")[..32].to_vec();
    for length in [u32::MAX, (LARGEST_FRAME + 17) as u32, 15, 0, 1000] {
        let lying = [enc.as_slice(), &length.to_le_bytes(), &[0; 40]].concat();
        assert_eq!(server(1).open(&lying, NO_LIMIT).unwrap_err(), SealError::Malformed, "{length}");
    }
}

#[test]
fn more_than_is_allowed_is_refused_before_it_is_opened() {
    // Of another server: what was refused was not even tried.
    let parcel = parcel(&[0; 1000]);
    let limit = PATH.len() + 1000;
    assert_eq!(server(2).open(&parcel, limit).unwrap_err(), SealError::TooLong { limit });
    assert!(server(1).open(&parcel, limit + 1).is_ok());
}

#[test]
fn a_path_of_any_text_up_to_255_bytes_arrives_and_a_longer_one_is_not_sent() {
    for path in ["", "\u{ff}", &"x".repeat(255)] {
        let parcel = seal(&server(1).public(), path, b"body", [2; 32]).unwrap().0;
        let opened = server(1).open(&parcel, NO_LIMIT).unwrap();
        assert_eq!((opened.path(), opened.body()), (path, &b"body"[..]));
    }
    assert_eq!(seal(&server(1).public(), &"x".repeat(256), b"", [2; 32]).unwrap_err(), SealError::Malformed);
}

#[test]
fn a_public_key_that_shares_a_secret_with_everybody_is_refused() {
    // The points of small order: whatever the sender draws, the result is zero.
    for key in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        assert_eq!(seal(&key, PATH, b"", [2; 32]).unwrap_err(), SealError::Key);
        let hostile = [key.as_slice(), &parcel(b"")[32..]].concat();
        assert!(refused(&hostile));
    }
}

#[test]
fn an_answer_that_was_changed_is_refused() {
    let (parcel, mine) = seal(&server(1).public(), PATH, b"", [2; 32]).unwrap();
    let answer = server(1).open(&parcel, NO_LIMIT).unwrap().answer.seal(200, b"body", [8; 16]).unwrap();
    for at in 0..answer.len() {
        let mut damaged = answer.clone();
        damaged[at] ^= 1;
        assert!(mine.open(&damaged).is_err(), "byte {at}");
        assert!(mine.open(&answer[..at]).is_err(), "{at} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused_without_a_crash(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(refused(&bytes));
    }

    /// Whole frames with honest lengths around bytes that nobody sealed.
    #[test]
    fn well_formed_frames_that_nobody_sealed_are_refused(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 16..40), 1..5),
    ) {
        let mut forged = parcel(b"")[..32].to_vec();
        for part in &parts {
            forged.extend_from_slice(&(part.len() as u32).to_le_bytes());
            forged.extend_from_slice(part);
        }
        prop_assert!(refused(&forged));
    }

    #[test]
    fn pieces_of_real_parcels_in_any_order_are_refused(
        moves in proptest::collection::vec((0usize..2100, 0usize..2100), 1..4),
    ) {
        let whole = parcel(&(0..2048u32).map(|at| at as u8).collect::<Vec<_>>());
        let mut mixed = whole.clone();
        for (from, to) in moves {
            let (from, to) = (from % whole.len(), to % whole.len());
            mixed.swap(from, to);
        }
        prop_assert_eq!(refused(&mixed), mixed != whole);
    }
}

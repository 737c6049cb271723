//! Script files: what is read is written back to the same, and can be explained.
#![no_main]

use vdl_command::{explain_script, read_script, write_script};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(script) = read_script(bytes) {
        let again = write_script(&script).expect("what was read can be written");
        assert_eq!(read_script(again.as_bytes()), Ok(script.clone()));
        assert!(!explain_script(&script).is_empty());
    }
});

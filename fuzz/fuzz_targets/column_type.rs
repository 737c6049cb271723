//! Column types: every accepted form has one canonical form.
#![no_main]

use vdl_command::ColumnType;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(read) = text.parse::<ColumnType>() {
        assert_eq!(read.to_string().parse(), Ok(read.clone()));
        assert!(read.width() >= 1);
    }
});

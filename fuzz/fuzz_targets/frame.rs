//! Frames between nodes.
#![no_main]

use vdl_transport::Frame;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = Frame::decode(bytes) {
        assert_eq!(frame.encode().expect("what was read can be written"), bytes);
    }
});

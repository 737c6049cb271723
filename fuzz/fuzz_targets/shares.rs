//! Uploads, opened answers and stored segments.
#![no_main]

use vdl_share::{UploadColumn, UploadLayout, combine_opened, decode_segment, encode_segment, read_upload};

libfuzzer_sys::fuzz_target!(|input: (u16, u8, bool, &[u8])| {
    let (rows, width, nullable, bytes) = input;
    let rows = usize::from(rows);
    let columns = vec![UploadColumn { width: usize::from(width), nullable }];
    if let Ok(layout) = UploadLayout::new(rows, columns) {
        let _ = read_upload(&layout, bytes);
    }
    let (first, rest) = bytes.split_at(bytes.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let _ = combine_opened(&[first, second, third], rows);
    if let Ok(column) = decode_segment(rows, bytes) {
        assert!(decode_segment(rows, &encode_segment(rows, &column)).is_ok());
    }
});

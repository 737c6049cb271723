//! Gigabytes a second of the kernels, on one core.
//!
//! `cargo run --release -p vdl-share --example measure_kernels`

use std::hint::black_box;
use std::time::Instant;

use vdl_share::{Keystream, Planes, Shared, vectorised};

/// The best of nine: other work on the machine only ever slows down.
fn measure(name: &str, bytes: usize, mut work: impl FnMut()) {
    let mut best = f64::MAX;
    for _ in 0..9 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<40}{:>9.2} GB/s{:>12.1} us", bytes as f64 / best / 1e9, best * 1e6);
}

fn main() {
    let rows = 1 << 20;
    let values: Vec<u64> = (0..rows as u64).map(|r| r.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let planes = Planes::from_values(&values, 64);
    let moved = planes.to_rows();
    let bytes = rows * 8;
    measure("planes to rows, 64 wide", bytes, || drop(black_box(planes.to_rows())));
    measure("rows to planes, 64 wide", bytes, || drop(black_box(moved.to_planes(64))));
    let few = Planes::from_values(&values[..1 << 15], 64);
    let few_rows = few.to_rows();
    measure("planes to rows, 32768 rows", few.words().len() * 8, || drop(black_box(few.to_rows())));
    measure("rows to planes, 32768 rows", few.words().len() * 8, || drop(black_box(few_rows.to_planes(64))));
    measure("copy", bytes, || drop(black_box(values.clone())));

    for words in [8, 64, 512, 1024, 8192, rows] {
        let mut out = vec![0u64; words];
        let times = (rows / words).min(10_000);
        measure(&format!("keystream, {words} words, new key"), times * words * 8, || {
            for k in 0..times {
                Keystream::new(&[k as u8; 16]).fill(black_box(&mut out));
            }
        });
    }
    for words in [2048, rows] {
        let (a, b) = (Shared::new(values[..words].to_vec(), values[..words].to_vec()), &values[..words]);
        let mut out = vec![0u64; words];
        let out = out.as_mut_slice();
        let times = (1 << 22) / words;
        measure(&format!("and, {words} words"), times * words * 8, || {
            for _ in 0..times {
                vectorised(
                    #[inline(always)]
                    || {
                        let left = a.own.iter().zip(&a.next);
                        for ((out, (x0, x1)), y) in out.iter_mut().zip(left).zip(b) {
                            *out = (x0 & (y ^ x1)) ^ (x1 & y);
                        }
                    },
                );
                black_box(&*out);
            }
        });
    }
}

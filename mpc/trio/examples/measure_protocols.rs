//! Seconds, bytes and rounds of the protocols, three parties in this process.
//!
//! `cargo run --release -p vdl-trio --example measure_protocols [rows] [name] [lanes]`

use std::time::Instant;

use vdl_protocol::*;
use vdl_share::{Planes, Shared};
use vdl_trio::Trio;

type Work = fn(&mut Party, &Inputs) -> Result<()>;

struct Inputs {
    narrow: Shared<Planes>,
    wide: Shared<Planes>,
    other: Shared<Planes>,
    ring: Shared<Vec<u64>>,
}

const WORKS: &[(&str, Work)] = &[
    ("and 64", |p, i| and(p, &i.wide, &i.other).map(drop)),
    ("equal 64", |p, i| equal(p, &i.wide, &i.other).map(drop)),
    ("less_than 64", |p, i| less_than(p, &i.wide, &i.other).map(drop)),
    ("less_than_public 32", |p, i| less_than_public(p, &i.narrow, &[1 << 31]).map(drop)),
    ("add 64", |p, i| add(p, &i.wide, &i.other, 64).map(drop)),
    ("planes_to_ring 32", |p, i| planes_to_ring::<u64>(p, &i.narrow).map(drop)),
    ("ring_to_planes 64", |p, i| ring_to_planes(p, &i.ring, 64).map(drop)),
    ("bits_to_ring<u64> 1", |p, i| bits_to_ring::<u64>(p, &i.narrow.plane(0)).map(drop)),
    ("multiply u64", |p, i| multiply(p, &i.ring, &i.ring).map(drop)),
    ("shift_right u64", |p, i| shift_right::<u64, u64>(p, &i.ring, 20).map(drop)),
    ("fixed multiply", |p, i| {
        let number = fixed::Number { column: &i.ring, bits: 31 };
        fixed::multiply(p, number, number, 20).map(drop)
    }),
    ("fixed divide", |p, i| {
        let number = fixed::Number { column: &i.ring, bits: 32 };
        fixed::divide(p, number, number, 16, 32).map(drop)
    }),
    ("fixed sqrt", |p, i| fixed::sqrt(p, fixed::Number { column: &i.ring, bits: 32 }, 16).map(drop)),
    ("fixed exp", |p, i| fixed::exp(p, fixed::Number { column: &i.ring, bits: 20 }, 16, 32).map(drop)),
    ("fixed log", |p, i| fixed::log(p, fixed::Number { column: &i.ring, bits: 32 }, 16).map(drop)),
    ("open u64", |p, i| open_ring(p, &i.ring).map(drop)),
    ("shuffle 64", |p, i| {
        let shuffle = Shuffle::random(p, i.ring.rows())?;
        shuffle.apply(p, &mut [Block::Ring64(i.ring.clone())])
    }),
    ("sort 8", |p, i| sort(p, &i.narrow.select(0..8)).map(drop)),
    ("sort 32", |p, i| sort(p, &i.narrow).map(drop)),
    ("radix sort 8", |p, i| radix_sort(p, &i.narrow.select(0..8)).map(drop)),
    ("sort 64", |p, i| sort(p, &i.wide).map(drop)),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    let only = arguments.next().unwrap_or_default();
    let lanes = arguments.next().and_then(|lanes| lanes.parse().ok()).unwrap_or(1);
    let mut trio = Trio::new(1).lanes(lanes);
    let values: Vec<u64> = (1..=rows as u64).map(|r| r.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let (narrow, wide) = (trio.share_values(&values, 32), trio.share_values(&values, 64));
    let (other, ring) = (trio.share_values(&values, 64), trio.share_ring(&values));
    let mut parts = narrow.into_iter().zip(wide).zip(other.into_iter().zip(ring));
    let inputs: Vec<Inputs> =
        parts.by_ref().map(|((narrow, wide), (other, ring))| Inputs { narrow, wide, other, ring }).collect();
    println!("{:<22}{:>9}{:>8}{:>16}{:>10}", "", "seconds", "rounds", "bits/row/party", "MB sent");
    for (name, work) in WORKS.iter().filter(|(name, _)| name.contains(&only)) {
        let start = Instant::now();
        let ends = trio.run(|party| work(party, &inputs[party.id()]));
        let seconds = start.elapsed().as_secs_f64();
        if let Some(error) = ends.into_iter().find_map(Result::err) {
            println!("{name:<22}{error}");
            continue;
        }
        let (bytes, rounds) = (trio.last.bytes() as f64, trio.last.rounds());
        let bits = bytes * 8.0 / 3.0 / rows.max(1) as f64;
        println!("{name:<22}{seconds:>9.3}{rounds:>8}{bits:>16.1}{:>10.1}", bytes / 1e6);
    }
}

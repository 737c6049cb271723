//! What one node gets to see of an upload, all of it, does not hold the data.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use vdl_command::{Command, Request};
use vdl_share::Planes;
use vdl_store::Store;
use vdl_transport::{Frame, Peer, TransportError};

use super::{World, body, handle_of, job, request, table, upload};
use crate::net::{Wire, node_of};

/// Everything that arrives at each node from the other two.
type Seen = Arc<Mutex<[Vec<u8>; 3]>>;

struct Recording {
    me: u8,
    inner: Arc<dyn Wire>,
    seen: Seen,
}

impl Wire for Recording {
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        let node = usize::from(node_of(self.me, to));
        self.seen.lock().unwrap()[node].extend_from_slice(&frame.payload);
        self.inner.send(to, frame)
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        self.inner.wait_until_up(patience)
    }

    fn close(&self) {}
}

/// The same data as a careless engine would hold it: values, offsets, packed planes.
fn markers(values: &[u64], min: u64, width: usize) -> Vec<Vec<u8>> {
    let planes = Planes::from_values(values, width);
    let plane = |j: usize| planes.plane(j).iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let run = |add: u64, size: usize| {
        values[..4].iter().flat_map(|v| (v + add).to_le_bytes()[..size].to_vec()).collect::<Vec<u8>>()
    };
    let text = values[..3].iter().map(|v| (v + min).to_string()).collect::<Vec<_>>().join(",").into_bytes();
    (0..width)
        .map(plane)
        // A constant plane says nothing.
        .filter(|bytes| bytes.iter().any(|b| *b != 0) && bytes.iter().any(|b| *b != 255))
        .chain([run(0, 8), run(min, 8), run(0, 4), run(min, 4), text])
        .collect()
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn nothing_a_single_node_receives_or_keeps_holds_the_planted_values() {
    const MIN: u64 = 1_000_000;
    let values: Vec<u64> = (0..256u64).map(|row| (row * 2_654_435_761) % 900_000_007).collect();
    let ctype = format!("int[min={MIN},max={}]", MIN + (1 << 30) - 1);
    let seen = Seen::default();
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let stores = [0, 1, 2].map(|node: usize| Store::open(folders[node].path()).unwrap());
    let world = World::with(&[], stores, |me, inner| Arc::new(Recording { me, inner, seen: seen.clone() }));
    let (command, rows, payloads) = upload(&[("v", &ctype, &values)], Some("survey"));
    let request_ = Request { rows: Some(rows), ..request(&command, job(), None) };
    let bodies = payloads.map(|payload| body(&request_, &payload));
    let meta = table(world.ask(bodies.clone()));
    world.values(&Command::Open { table: handle_of(&meta) });
    let markers = markers(&values, MIN, 30);
    // The check can fail: the marker is found where it is planted.
    let planted = [vec![7; 100], markers[3].clone(), vec![7; 100]].concat();
    assert!(markers.iter().any(|marker| contains(&planted, marker)));
    let received = seen.lock().unwrap();
    for node in 0..3 {
        let mut view = bodies[node].clone();
        view.extend_from_slice(&received[node]);
        let mut folders_to_read = vec![folders[node].path().to_path_buf()];
        while let Some(folder) = folders_to_read.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders_to_read.push(path);
                } else {
                    view.extend_from_slice(&std::fs::read(path).unwrap());
                }
            }
        }
        assert!(view.len() > 2 * 30 * 256 / 8, "the view is not empty");
        for marker in &markers {
            assert!(!contains(&view, marker), "node {node} holds a planted value");
        }
    }
}

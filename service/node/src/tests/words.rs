//! Control frames as no honest server sends them. What steers jobs, starts and logs is read by one thread
//! for all; whatever comes, it goes on reading.

use vdl_authorize::audit::{Head, read_log, sign_head};
use vdl_authorize::{Revoked, Terms};
use vdl_command::{Digest, JobId};
use vdl_store::Store;
use vdl_transport::{Frame, Peer};

use super::runs::{approvers, begin, envelope, keys, steps, terms};
use super::standing::{revocation, standing};
use super::{World, opened, table};
use crate::net::control;

/// What each step may carry, well-formed; what is signed is what server 1 says of server 0's first entry.
fn good(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let id = "07".repeat(32);
    let signer = super::audit::key(&world.nodes[1]);
    let key = signer.verifying_key().to_base64().unwrap();
    let (log, _) = read_log(&world.nodes[0].store.log_end(u64::MAX).unwrap());
    let head = Head { sequence: 1, digest: log.entries[0].digest };
    let signature = sign_head(&signer, "production", 0, head);
    let head = serde_json::to_string(&head).unwrap();
    let standing = serde_json::to_string(&standing(&world.nodes[0])).unwrap();
    // Another approval: the run goes on.
    let revoked = revocation(Revoked::Approval(Digest([9; 32])), &keys().approvers[0]);
    let revoked = String::from_utf8(revoked).unwrap();
    let texts = [
        ("stop", r#"{"code":"busy","message":"too many jobs are waiting"}"#.to_owned()),
        ("started", format!(r#"{{"approval":"{id}","start":"{id}","refused":null}}"#)),
        (
            "started",
            format!(
                r#"{{"approval":"{id}","start":"{id}","refused":{{"code":"busy","message":"no","node":0}}}}"#
            ),
        ),
        ("head", format!(r#"{{"head":{head},"key":"{key}","signature":"{signature}"}}"#)),
        ("witness", format!(r#"{{"signed":{{"head":{head},"key":"{key}","signature":"{signature}"}}}}"#)),
        ("witness", format!(r#"{{"known":{{"head":{head},"signature":"{signature}"}}}}"#)),
        ("standing", format!(r#"{{"id":"{id}","answer":false,"standing":{standing}}}"#)),
        ("standing", format!(r#"{{"id":"{id}","answer":true,"standing":{standing}}}"#)),
        ("lacking", format!(r#"{{"policy":1,"revocations":["{id}"]}}"#)),
        ("documents", serde_json::json!({"policies": [], "revocations": [revoked]}).to_string()),
    ];
    let bytes = [("ready", vec![]), ("start", vec![]), ("ask", vec![7; 96]), ("tell", vec![7; 99])];
    texts.into_iter().map(|(step, text)| (step, text.into_bytes())).chain(bytes).collect()
}

struct Damage(u64);

impl Damage {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    fn apply(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..self.below(3) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ => bytes.insert(at, b"\"{}[],:019-e\x00\xff"[self.below(14)]),
            }
        }
        bytes
    }
}

#[test]
fn no_words_of_a_peer_stop_a_server_from_hearing_the_next() {
    let stores = [0, 1, 2].map(|_| Store::in_memory().unwrap());
    let world = World::with(&approvers(), stores, |_, wire| wire);
    let envelope = envelope(&Terms { max_runs: None, ..terms() });
    let run = begin(&world, &envelope);
    let (mut damage, good) = (Damage(5), good(&world));
    for _ in 0..150 {
        for (name, good) in &good {
            let (node, job) = (damage.below(3), JobId([damage.below(3) as u8; 32]));
            let from = [Peer::Next, Peer::Previous][damage.below(2)];
            let frame = Frame { lane: u16::MAX, ..control(job, name, damage.apply(good)) };
            world.nodes[node].post.deliver(from, frame);
        }
    }
    // The run goes on, and another one starts: for that the others must hear server 0.
    let steps = steps();
    for run in [run, begin(&world, &envelope)] {
        table(run.upload(&world, &keys().analyst));
        table(run.ask(&world, &run.signed(&keys().analyst, 1, &steps[1])));
        opened(run.ask(&world, &run.signed(&keys().analyst, 2, &steps[2])));
    }
    // No lie is written down.
    for node in &world.nodes {
        let (_, findings) = read_log(&node.store.log_end(u64::MAX).unwrap());
        assert_eq!(findings, []);
    }
}

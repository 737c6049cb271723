//! Wires over TLS: who may connect, how, and what happens when they stop.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use vdl_command::JobId;
use vdl_pin::Pinned;
use vdl_transport::{Frame, Lane, Peer, TransportError};

use super::{hasty, patient, wait_until};
use crate::net::{
    HYBRID_GROUP, Identity, Limits, LinkConfig, Links, NodeLane, Order, Post, Touches, Wire, certificate,
    peer_client_config,
};

struct Linked {
    posts: Vec<Arc<Post>>,
    links: Vec<Arc<Links>>,
    identities: Vec<Identity>,
    addresses: Vec<SocketAddr>,
}

impl Drop for Linked {
    fn drop(&mut self) {
        self.links.iter().for_each(|links| links.close());
    }
}

fn linked(limits: Limits) -> Linked {
    let identities: Vec<_> =
        (0..3).map(|n| Identity::generate(&format!("node {n}"), &["localhost"]).unwrap()).collect();
    let listeners: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let (mut posts, mut links) = (vec![], vec![]);
    for (node, listener) in listeners.into_iter().enumerate() {
        let (next, previous) = ((node + 1) % 3, (node + 2) % 3);
        let (post, _) = Post::new(limits, Order::new(node as u8, 4));
        let config = LinkConfig {
            identity: identities[node].clone(),
            addresses: [addresses[next], addresses[previous]],
            certificates: [identities[next].certificate.clone(), identities[previous].certificate.clone()],
        };
        links.push(Links::start(post.clone(), listener, &config).unwrap());
        posts.push(post);
    }
    for links in &links {
        links.wait_until_up(patient().connect).unwrap();
    }
    Linked { posts, links, identities, addresses }
}

fn lane(world: &Linked, node: usize, job: JobId) -> NodeLane {
    let post = &world.posts[node];
    let mailbox = post.find(job).unwrap_or_else(|| post.open(job, Touches::default()).unwrap());
    NodeLane::new(world.links[node].clone(), mailbox, 1, post.limits.round)
}

const JOB: JobId = JobId([4; 32]);

#[test]
fn frames_of_every_size_arrive_whole_and_in_order() {
    let world = linked(patient());
    let (mut a, mut b) = (lane(&world, 0, JOB), lane(&world, 1, JOB));
    for length in [0, 1, 100, 16_000, 16_384, 20_000, 1 << 20, (1 << 26) + 5] {
        let payload: Vec<u8> = (0..length).map(|n: usize| (n * 31 % 251) as u8).collect();
        a.send(Peer::Next, "step", payload.clone()).unwrap();
        assert!(b.receive(Peer::Previous, "step", length).unwrap() == payload, "{length}");
    }
    a.send(Peer::Next, "other", vec![1]).unwrap();
    assert!(matches!(b.receive(Peer::Previous, "step", 1), Err(TransportError::WrongFrame { .. })));
}

#[test]
fn a_stuck_peer_is_a_timeout_and_a_dead_one_a_closed_connection() {
    let world = linked(hasty());
    let (mut a, mut c) = (lane(&world, 0, JOB), lane(&world, 2, JOB));
    assert!(matches!(a.receive(Peer::Next, "step", 1), Err(TransportError::TimedOut { .. })));
    let waiting = std::thread::spawn(move || a.receive(Peer::Next, "step", 1));
    std::thread::sleep(Duration::from_millis(50));
    world.links[1].close();
    assert_eq!(waiting.join().unwrap(), Err(TransportError::Closed { peer: Peer::Next }));
    assert_eq!(c.receive(Peer::Previous, "step", 1), Err(TransportError::Closed { peer: Peer::Previous }));
    assert_eq!(world.links[0].wait_until_up(Duration::from_millis(50)), Err(Peer::Next));
}

#[test]
fn what_is_sent_with_the_last_word_of_the_handshake_is_not_lost() {
    let world = without_node_1(patient());
    // The loss of the old connection ends whatever is under way: it must be known before the job begins.
    wait_until(|| world.links[0].wait_until_up(Duration::ZERO) == Err(Peer::Next));
    std::thread::sleep(Duration::from_secs(1));
    let mut a = lane(&world, 0, JOB);
    let config = peer_client_config(&world.identities[1], &world.identities[0].certificate).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(config, name).unwrap();
    // Held back until the handshake allows it, so that it leaves in the same piece as the last message of that.
    let frame = Frame { job: JOB.0, lane: 1, sequence: 0, step: "step".into(), payload: vec![9; 3] };
    tls.writer().write_all(&frame.encode().unwrap()).unwrap();
    let mut socket = TcpStream::connect(world.addresses[0]).unwrap();
    while tls.is_handshaking() || tls.wants_write() {
        tls.complete_io(&mut socket).unwrap();
    }
    assert_eq!(a.receive(Peer::Next, "step", 3), Ok(vec![9; 3]));
}

#[test]
fn nodes_that_all_send_more_than_mailboxes_hold_before_they_read_come_through() {
    const PIECES: usize = 400;
    const PIECE: usize = 1 << 20;
    let world = linked(Limits { mailbox_bytes: 4 << 20, ..patient() });
    let lanes = [0, 1, 2].map(|node| lane(&world, node, JOB));
    let running = lanes.map(|mut lane| {
        std::thread::spawn(move || {
            for n in 0..PIECES {
                lane.send(Peer::Previous, "much", vec![n as u8; PIECE])?;
            }
            (0..PIECES).try_for_each(|n| {
                let piece = lane.receive(Peer::Next, "much", PIECE)?;
                assert!(piece[0] == n as u8 && piece[PIECE - 1] == n as u8);
                Ok::<_, TransportError>(())
            })
        })
    });
    running.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
}

#[test]
fn a_job_that_does_not_read_ends_and_lets_others_pass() {
    let world = linked(Limits { mailbox_bytes: 1 << 20, ..hasty() });
    let (mut a, mut b) = (lane(&world, 0, JOB), lane(&world, 1, JOB));
    let other = JobId([5; 32]);
    let (mut c, mut d) = (lane(&world, 0, other), lane(&world, 1, other));
    for _ in 0..4 {
        a.send(Peer::Next, "much", vec![0; 1 << 20]).unwrap();
    }
    c.send(Peer::Next, "little", vec![7]).unwrap();
    world.posts[1].find(JOB).unwrap().wait_until_ended(patient().round);
    assert_eq!(d.receive(Peer::Previous, "little", 1), Ok(vec![7]));
    assert!(matches!(b.receive(Peer::Previous, "much", 1 << 20), Err(TransportError::WrongFrame { .. })));
}

/// Node 1 has gone, so that a test can come in its place.
fn without_node_1(limits: Limits) -> Linked {
    let world = linked(limits);
    world.links[1].close();
    world
}

/// Tries to connect to node 0; gives what was negotiated if the node took it.
fn dial(world: &Linked, config: Arc<ClientConfig>) -> Option<rustls::NamedGroup> {
    let mut socket = TcpStream::connect(world.addresses[0]).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(config, name).unwrap();
    while tls.is_handshaking() || tls.wants_write() {
        tls.complete_io(&mut socket).ok()?;
    }
    // In TLS 1.3 a refusal of the client's certificate arrives after its own handshake is done.
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let refused = match tls.read_tls(&mut socket) {
        Ok(_) => true,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    (!refused).then(|| tls.negotiated_key_exchange_group().unwrap().name())
}

#[test]
fn only_a_known_certificate_over_the_hybrid_exchange_gets_in() {
    let world = without_node_1(patient());
    let server = &world.identities[0].certificate;
    let known = peer_client_config(&world.identities[1], server).unwrap();
    assert_eq!(dial(&world, known), Some(HYBRID_GROUP));
    let stranger = Identity::generate("node 1", &["localhost"]).unwrap();
    assert_eq!(dial(&world, peer_client_config(&stranger, server).unwrap()), None);
    // The right certificate, but not for this role: a node is no peer of itself.
    assert_eq!(dial(&world, peer_client_config(&world.identities[0], server).unwrap()), None);
    // A dialler that knows another certificate than the one it is shown goes away.
    let wrong = peer_client_config(&world.identities[1], &world.identities[2].certificate).unwrap();
    assert_eq!(dial(&world, wrong), None);
}

fn weaker(
    world: &Linked,
    version: &'static rustls::SupportedProtocolVersion,
    hybrid: bool,
) -> Arc<ClientConfig> {
    let groups = if hybrid { vec![kx_group::X25519MLKEM768] } else { vec![kx_group::X25519] };
    let provider = rustls::crypto::CryptoProvider { kx_groups: groups, ..default_provider() };
    let identity = &world.identities[1];
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned::new(
            vec![certificate(&world.identities[0].certificate).unwrap()],
            Arc::new(default_provider()),
        )))
        .with_client_auth_cert(identity.chain().unwrap(), identity.private_key().unwrap())
        .unwrap();
    config.alpn_protocols = vec![b"vdl-peer/1".to_vec()];
    Arc::new(config)
}

#[test]
fn the_classical_exchange_and_an_older_tls_are_refused() {
    let world = without_node_1(patient());
    assert_eq!(dial(&world, weaker(&world, &rustls::version::TLS13, true)), Some(HYBRID_GROUP));
    assert_eq!(dial(&world, weaker(&world, &rustls::version::TLS13, false)), None);
    // This build cannot even speak TLS 1.2: a hello of its form, by hand.
    let mut socket = TcpStream::connect(world.addresses[0]).unwrap();
    let hello = [&[3u8, 3][..], &[7; 32], &[0], &[0, 2, 0xc0, 0x2f], &[1, 0]].concat();
    let handshake = [&[1u8, 0, 0, hello.len() as u8][..], &hello].concat();
    let record = [&[22u8, 3, 1, 0, handshake.len() as u8][..], &handshake].concat();
    socket.write_all(&record).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    // An alert, fatal, and nothing else.
    assert_eq!(answer.first(), Some(&21));
    assert_eq!(answer.get(5), Some(&2));
    assert_eq!(answer.len(), 7);
}

#[test]
fn strangers_who_say_nothing_do_not_keep_peers_out() {
    let world = without_node_1(hasty());
    let _silent: Vec<_> = (0..40).map(|_| TcpStream::connect(world.addresses[0]).unwrap()).collect();
    let known = peer_client_config(&world.identities[1], &world.identities[0].certificate).unwrap();
    wait_until(|| dial(&world, known.clone()) == Some(HYBRID_GROUP));
}

#[test]
fn a_frame_for_an_unknown_job_is_dropped_and_a_malformed_one_ends_the_connection() {
    let world = linked(patient());
    let frame = |job: [u8; 32]| Frame { job, lane: 1, sequence: 0, step: "x".into(), payload: vec![0; 10] };
    world.links[1].send(Peer::Previous, frame([8; 32])).unwrap();
    let mut a = lane(&world, 0, JOB);
    let mut b = lane(&world, 1, JOB);
    b.send(Peer::Previous, "step", vec![5]).unwrap();
    assert_eq!(a.receive(Peer::Next, "step", 1), Ok(vec![5]));
}

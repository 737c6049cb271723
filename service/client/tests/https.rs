//! The client over TLS, against three real servers in threads of this process.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use vdl_client::{ClientError, Session};
use vdl_node::{cluster, server};
use world::{Analysis, integers, open, whole};

struct Cluster {
    _folder: tempfile::TempDir,
    connection: String,
}

/// The servers end with the test's process; nextest gives every test one of its own.
fn start() -> Cluster {
    let folder = tempfile::tempdir().unwrap();
    let made = cluster::prepare(folder.path(), &cluster::Wishes::default()).unwrap();
    let (sender, receiver) = mpsc::channel();
    for config in made.configs.clone() {
        let sender = sender.clone();
        std::thread::spawn(move || serve(&config, sender));
    }
    for _ in 0..3 {
        receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    Cluster { connection: std::fs::read_to_string(&made.connection).unwrap(), _folder: folder }
}

fn serve(config: &Path, ready: mpsc::Sender<()>) {
    server::serve(config, false, move || ready.send(()).unwrap()).unwrap();
}

fn error_of(connection: &str) -> ClientError {
    Session::connect(connection).err().unwrap()
}

#[test]
fn tables_travel_over_tls_to_servers_that_are_the_right_ones() {
    let cluster = start();
    let session = Session::connect(&cluster.connection).unwrap();
    let values: Vec<i64> = (0..10_000).collect();
    let table = session.upload(vec![integers("a", &values)]);
    assert!(whole(&session.opened(open(&table))[0].values) == values.as_slice());

    // Another token.
    let mut parsed: toml::Table = cluster.connection.parse().unwrap();
    parsed.insert("token".into(), "0000".into());
    assert_eq!(error_of(&parsed.to_string()).code(), "wrong_token");

    // Certificates of the other servers.
    let mut swapped: toml::Table = cluster.connection.parse().unwrap();
    let servers = swapped.get_mut("servers").unwrap().as_array_mut().unwrap();
    let other = servers[1]["certificate"].clone();
    servers[0].as_table_mut().unwrap().insert("certificate".into(), other);
    let error = error_of(&swapped.to_string());
    assert_eq!((error.code(), error.node()), ("node_unreachable", Some(0)));
    assert!(error.to_string().contains("another certificate"), "{error}");

    // Nobody there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut down: toml::Table = cluster.connection.parse().unwrap();
    let servers = down.get_mut("servers").unwrap().as_array_mut().unwrap();
    servers[2].as_table_mut().unwrap().insert("endpoint".into(), format!("https://{free}").into());
    let error = error_of(&down.to_string());
    assert_eq!((error.code(), error.node()), ("node_unreachable", Some(2)));
    assert!(error.to_string().contains(&free.to_string()), "{error}");
    assert!(error.remedy().is_some());
}

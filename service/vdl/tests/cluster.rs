//! Three real processes: started, asked, killed, stopped, started again.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use vdl_client::{
    Call, ClearColumn, ClearValues, ClientError, Connection, HttpsEndpoint, OpenedColumn, OpenedValues,
    Reply, Session,
};
use vdl_command::{JobId, TableMeta};

/// What happens at once may take so long where the machine has much else to do; what hangs takes longer.
const PROMPT: Duration = Duration::from_secs(30);
/// How long servers with shorter deadlines may take to miss one; with their own they take a minute at least.
const HURRIED: Duration = Duration::from_secs(50);
/// How long something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(90);

struct Cluster {
    up: Child,
    folder: PathBuf,
    connection: PathBuf,
}

impl Cluster {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let mut up = Process::new(env!("CARGO_BIN_EXE_vdl"))
            .args(["up", "--dir"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(up.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let connection = folder.join("default.vdlconn");
        assert_eq!(line, format!("ready {}\n", connection.display()));
        Self { up, folder: folder.to_owned(), connection }
    }

    fn session(&self) -> Session {
        Session::connect(self.connection.to_str().unwrap()).unwrap()
    }

    fn pid(&self, node: usize) -> u32 {
        let text = std::fs::read_to_string(self.folder.join(format!("node{node}.pid"))).unwrap();
        text.trim().parse().unwrap()
    }

    fn stop(mut self) {
        signal(self.up.id(), "TERM");
        let started = Instant::now();
        assert!(self.up.wait().unwrap().success());
        assert!(started.elapsed() < PROMPT, "stopping took {:?}", started.elapsed());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The nodes notice the end of their input.
        let _ = self.up.kill();
        let _ = self.up.wait();
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Process::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

fn alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

/// Shorter deadlines, for a cluster that is not running; yet a machine may stand still for a second.
fn hurry(folder: &Path) {
    for node in 0..3 {
        let path = folder.join(format!("node{node}/node.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("round_seconds = 60.0", "round_seconds = 4.0");
        let text = text.replace("connect_seconds = 10.0", "connect_seconds = 4.0");
        let text = text.replace("arrival_seconds = 60.0", "arrival_seconds = 4.0");
        std::fs::write(path, text).unwrap();
    }
}

fn execute(
    session: &Session,
    command: &str,
    columns: Option<Vec<ClearColumn>>,
) -> Result<Reply, ClientError> {
    let mut job = [0; 32];
    getrandom::fill(&mut job).unwrap();
    session.execute(Call { command, columns, ..Call::default() }, JobId(job))
}

fn table(reply: Reply) -> TableMeta {
    match reply {
        Reply::Table(meta) => meta,
        other => panic!("no table: {other:?}"),
    }
}

fn opened(reply: Reply) -> Vec<OpenedColumn> {
    match reply {
        Reply::Opened(columns) => columns,
        other => panic!("nothing opened: {other:?}"),
    }
}

fn ages() -> Vec<i64> {
    (0..1000).map(|row| (row * 37) % 90).collect()
}

fn weights() -> Vec<i64> {
    (0..1000).map(|row| 40 + (row * 53) % 80).collect()
}

fn upload(session: &Session) -> TableMeta {
    let command = r#"{"upload":{"columns":[
        {"name":"age","type":"int[min=0,max=127]"},{"name":"weight","type":"int[min=0,max=200]"}
    ],"name":"survey"}}"#;
    let column = |name: &str, values| ClearColumn {
        name: name.into(),
        values: ClearValues::Integer(values),
        valid: None,
    };
    let columns = vec![column("age", ages()), column("weight", weights())];
    table(execute(session, command, Some(columns)).unwrap())
}

/// The mean weight of those over forty, by the servers.
fn mean(session: &Session, meta: &TableMeta) -> Result<f64, ClientError> {
    let filter = format!(
        r#"{{"filter":{{"table":{{"handle":"{}"}},"condition":{{"binary":{{"op":"greater",
            "left":{{"column":"age"}},"right":{{"integer":40}}}}}}}}}}"#,
        meta.handle
    );
    let few = table(execute(session, &filter, None)?);
    let mean = format!(
        r#"{{"aggregate":{{"table":{{"handle":"{}"}},"aggregations":[
            {{"name":"m","aggregate":"mean","value":{{"column":"weight"}}}}]}}}}"#,
        few.handle
    );
    match opened(execute(session, &mean, None)?).remove(0).values {
        OpenedValues::Mean(values) => Ok(values[0]),
        _ => panic!("no mean"),
    }
}

fn clear_mean() -> f64 {
    let chosen: Vec<i64> =
        ages().iter().zip(weights()).filter(|(age, _)| **age > 40).map(|(_, weight)| weight).collect();
    chosen.iter().sum::<i64>() as f64 / chosen.len() as f64
}

#[test]
fn a_filtered_mean_is_right_and_a_restart_serves_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path(), &[]);
    let before = std::fs::read(&cluster.connection).unwrap();
    let session = cluster.session();
    let meta = upload(&session);
    assert!((mean(&session, &meta).unwrap() - clear_mean()).abs() < 1e-9);
    let pids = [0, 1, 2].map(|node| cluster.pid(node));
    cluster.stop();
    assert!(pids.iter().all(|pid| !alive(*pid)));
    let cluster = Cluster::start(folder.path(), &[]);
    assert_eq!(std::fs::read(&cluster.connection).unwrap(), before);
    let session = cluster.session();
    let again = table(execute(&session, r#"{"get":{"table":{"name":"survey"}}}"#, None).unwrap());
    assert_eq!(again, meta);
    assert!((mean(&session, &meta).unwrap() - clear_mean()).abs() < 1e-9);
    cluster.stop();
}

#[test]
fn the_connection_file_names_the_keys_that_parcels_are_sealed_to() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path(), &[]);
    let connection = Connection::open(cluster.connection.to_str().unwrap()).unwrap();
    let keys = connection.servers.each_ref().map(|server| server.seal.unwrap());
    let endpoints = connection.servers.each_ref().map(|server| -> Arc<dyn vdl_client::Endpoint> {
        let relay = Arc::new(HttpsEndpoint::new(server, &connection.token).unwrap());
        Arc::new(vdl_client::SealedEndpoint::new(relay, server.seal.unwrap()))
    });
    // Asks all three who they are, in parcels.
    vdl_client::Session::over(endpoints).unwrap();
    cluster.stop();
    // The keys outlive the servers.
    let cluster = Cluster::start(folder.path(), &[]);
    let again = Connection::open(cluster.connection.to_str().unwrap()).unwrap();
    assert_eq!(again.servers.each_ref().map(|server| server.seal.unwrap()), keys);
    cluster.stop();
}

#[test]
fn without_the_token_nothing_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path(), &[]);
    let connection = Connection::open(cluster.connection.to_str().unwrap()).unwrap();
    for token in ["", "x", &connection.token[1..], &format!("{}0", connection.token)] {
        let endpoint = HttpsEndpoint::new(&connection.servers[0], token).unwrap();
        for route in vdl_command::Route::ALL {
            let refused = vdl_client::Endpoint::call(&endpoint, route, vec![]).unwrap_err();
            let text = format!("{refused:?}");
            assert!(text.contains("wrong_token"), "{text}");
        }
    }
    let wrong = vdl_client::Server {
        certificate: connection.servers[1].certificate.clone(),
        ..connection.servers[0].clone()
    };
    let endpoint = HttpsEndpoint::new(&wrong, &connection.token).unwrap();
    assert!(vdl_client::Endpoint::call(&endpoint, vdl_command::Route::Info, vec![]).is_err());
    cluster.stop();
}

#[test]
fn a_killed_and_a_stuck_server_are_named_and_all_goes_on_when_they_are_back() {
    let folder = tempfile::tempdir().unwrap();
    Cluster::start(folder.path(), &[]).stop();
    hurry(folder.path());
    let cluster = Cluster::start(folder.path(), &[]);
    let session = cluster.session();
    let meta = upload(&session);
    mean(&session, &meta).unwrap();
    signal(cluster.pid(2), "STOP");
    let started = Instant::now();
    let stuck = mean(&session, &meta).unwrap_err();
    assert!(started.elapsed() < HURRIED, "{:?}", started.elapsed());
    assert!(stuck.to_string().contains('2'), "{stuck}");
    signal(cluster.pid(2), "CONT");
    retry(|| mean(&session, &meta));
    signal(cluster.pid(1), "KILL");
    let started = Instant::now();
    let dead = mean(&session, &meta).unwrap_err();
    assert!(started.elapsed() < HURRIED, "{:?}", started.elapsed());
    assert!(dead.to_string().contains('1'), "{dead}");
    // The other two still answer.
    let connection = Connection::open(cluster.connection.to_str().unwrap()).unwrap();
    for server in [&connection.servers[0], &connection.servers[2]] {
        let endpoint = HttpsEndpoint::new(server, &connection.token).unwrap();
        vdl_client::Endpoint::call(&endpoint, vdl_command::Route::Info, vec![]).unwrap();
    }
    let mut back = Process::new(env!("CARGO_BIN_EXE_vdl"))
        .args(["node", "--config"])
        .arg(folder.path().join("node1/node.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    retry(|| mean(&session, &meta));
    signal(back.id(), "TERM");
    assert!(back.wait().unwrap().success());
    cluster.stop();
}

fn retry(mut attempt: impl FnMut() -> Result<f64, ClientError>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(mean) => return assert!((mean - clear_mean()).abs() < 1e-9),
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn servers_do_not_outlive_whoever_started_them() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(folder.path(), &[]);
    let pids = [0, 1, 2].map(|node| cluster.pid(node));
    let second =
        Process::new(env!("CARGO_BIN_EXE_vdl")).args(["up", "--dir"]).arg(folder.path()).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("is running"), "{second:?}");
    signal(cluster.up.id(), "KILL");
    let deadline = Instant::now() + PROMPT;
    while pids.iter().any(|pid| alive(*pid)) {
        assert!(Instant::now() < deadline, "a server was left running");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_cluster_is_not_changed_into_another_by_other_options() {
    let folder = tempfile::tempdir().unwrap();
    Cluster::start(folder.path(), &["--environment", "here"]).stop();
    for other in [&["--environment", "there"][..], &["--mode", "authorized", "--approver", "none.pk"]] {
        let refused = Process::new(env!("CARGO_BIN_EXE_vdl"))
            .args(["up", "--dir"])
            .arg(folder.path())
            .args(other)
            .output()
            .unwrap();
        assert!(!refused.status.success());
    }
    let approvers = tempfile::tempdir().unwrap();
    let none = Process::new(env!("CARGO_BIN_EXE_vdl"))
        .args(["up", "--mode", "authorized", "--dir"])
        .arg(approvers.path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&none.stderr).contains("--approver"), "{none:?}");
    let (secret, public) = (approvers.path().join("a.sk"), approvers.path().join("a.pk"));
    vdl_client::generate_key(&secret, &public).unwrap();
    let twice = Process::new(env!("CARGO_BIN_EXE_vdl"))
        .args(["up", "--mode", "authorized", "--dir"])
        .arg(approvers.path())
        .args([Path::new("--approver"), &public, Path::new("--approver"), &public])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&twice.stderr).contains("same key"), "{twice:?}");
    assert!(!approvers.path().join("node0").exists(), "something was written");
}

/// Everything that flowed through any proxy.
type Captured = Arc<Mutex<Vec<u8>>>;

/// Passes bytes on to `target` and keeps a copy.
fn proxy(target: SocketAddr, captured: &Captured) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let captured = captured.clone();
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(target) else { continue };
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far.try_clone().unwrap(), near.try_clone().unwrap()),
            ] {
                let captured = captured.clone();
                thread::spawn(move || {
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(length @ 1..) = from.read(&mut buffer) {
                        captured.lock().unwrap().extend_from_slice(&buffer[..length]);
                        if to.write_all(&buffer[..length]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    address
}

/// Puts a proxy in front of every port that another process talks to.
fn intercept(folder: &Path, captured: &Captured) -> String {
    let mut connection = std::fs::read_to_string(folder.join("default.vdlconn")).unwrap();
    let replace = |text: &str, address: &str| {
        let target: SocketAddr = address.parse().unwrap();
        text.replace(address, &proxy(target, captured).to_string())
    };
    for node in 0..3 {
        let path = folder.join(format!("node{node}/node.toml"));
        let mut text = std::fs::read_to_string(&path).unwrap();
        let values = |text: &str, key: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix(key));
            lines.map(|line| line.trim_matches('"').to_owned()).collect()
        };
        for peer in values(&text, "address = ") {
            text = replace(&text, &peer);
        }
        connection = replace(&connection, &values(&text, "listen = ")[0]);
        std::fs::write(&path, text).unwrap();
    }
    connection
}

#[test]
fn neither_the_network_nor_any_folder_holds_the_planted_values() {
    const TEXT: &str = "Zebrafink-7731-Mustermann";
    const NUMBERS: [i64; 4] = [0x5EC2_E7A1_1234, 0x5EC2_E7A1_5678, 0x5EC2_E7A1_9ABC, 0x5EC2_E7A1_DEF0];
    let folder = tempfile::tempdir().unwrap();
    Cluster::start(folder.path(), &[]).stop();
    let captured = Captured::default();
    let connection = intercept(folder.path(), &captured);
    let cluster = Cluster::start(folder.path(), &[]);
    let session = Session::connect(&connection).unwrap();
    let command = r#"{"upload":{"columns":[
        {"name":"who","type":"varchar[25,ascii]"},{"name":"n","type":"int[min=0,max=1000000000000000]"}
    ]}}"#;
    let columns = vec![
        ClearColumn { name: "who".into(), values: ClearValues::Text(vec![TEXT.into(); 400]), valid: None },
        ClearColumn {
            name: "n".into(),
            values: ClearValues::Integer((0..400).map(|row| NUMBERS[row % 4]).collect()),
            valid: None,
        },
    ];
    let meta = table(execute(&session, command, Some(columns)).unwrap());
    let open = format!(r#"{{"open":{{"table":{{"handle":"{}"}}}}}}"#, meta.handle);
    let columns = opened(execute(&session, &open, None).unwrap());
    assert!(matches!(&columns[0].values, OpenedValues::Text(texts) if texts[399] == TEXT));
    cluster.stop();
    let mut needles = vec![TEXT.as_bytes().to_vec()];
    for number in NUMBERS {
        needles.extend([number.to_le_bytes()[..6].to_vec(), number.to_string().into_bytes()]);
    }
    // Packed by bits, with the row pattern of the four numbers: 64 rows to a word.
    for bit in 0..47 {
        let word = (0..64).fold(0u64, |word, row| word | (((NUMBERS[row % 4] >> bit) as u64 & 1) << row));
        if word != 0 && word != u64::MAX {
            needles.push(word.to_le_bytes().repeat(2));
        }
    }
    let captured = captured.lock().unwrap();
    assert!(captured.len() > 100_000, "the proxies saw {} bytes only", captured.len());
    let mut views = vec![("the network".to_owned(), captured.clone())];
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => views.push((path.display().to_string(), std::fs::read(path).unwrap())),
            }
        }
    }
    for (place, bytes) in &views {
        for needle in &needles {
            let found = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{place} holds a planted value");
        }
    }
}

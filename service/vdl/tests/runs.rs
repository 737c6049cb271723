//! Three real processes, and kill -9 at any moment around the start of a run.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vdl_authorize::audit::{Event, read_log};
use vdl_authorize::{SigningKey, Terms, approve_script, read_envelope, sign_start};
use vdl_client::{CallError, Connection, Endpoint, HttpsEndpoint};
use vdl_command::wire::{decode, encode};
use vdl_command::{Mode, Nonce, Route, StartedRun};
use vdl_node::cluster::{Cluster, Wishes, prepare};

const SCRIPT: &[u8] = br#"{"format":"vdl-script/1","ordered":true,"steps":[
    {"command":{"upload":{"columns":[{"name":"age","type":"int[min=0,max=127]"}]}}}]}"#;

/// How long something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(120);

struct Servers {
    cluster: Cluster,
    running: [Child; 3],
    endpoints: [Arc<HttpsEndpoint>; 3],
}

impl Servers {
    fn start(folder: &Path, approver: &SigningKey) -> Self {
        let key = folder.join("approver.pk");
        std::fs::write(&key, approver.verifying_key().write_pem().unwrap()).unwrap();
        let wishes = Wishes { mode: Some(Mode::Authorized), approvers: vec![key], ..Wishes::default() };
        let cluster = prepare(&folder.join("cluster"), &wishes).unwrap();
        for config in &cluster.configs {
            let text = std::fs::read_to_string(config).unwrap();
            let text = text.replace("connect_seconds = 10.0", "connect_seconds = 1.0");
            std::fs::write(config, text).unwrap();
        }
        let connection = Connection::open(cluster.connection.to_str().unwrap()).unwrap();
        let endpoint = |server| Arc::new(HttpsEndpoint::new(server, &connection.token).unwrap());
        let endpoints = [0, 1, 2].map(|node: usize| endpoint(&connection.servers[node]));
        let running = cluster.configs.each_ref().map(|config| spawn(config));
        let servers = Self { cluster, running, endpoints };
        servers.wait_until_up();
        servers
    }

    fn wait_until_up(&self) {
        let deadline = Instant::now() + PATIENCE;
        for endpoint in &self.endpoints {
            while endpoint.call(Route::Info, vec![]).is_err() {
                assert!(Instant::now() < deadline, "{} is not up", endpoint.address());
                thread::sleep(Duration::from_millis(20));
            }
        }
    }

    fn kill(&mut self, node: usize) {
        self.running[node].kill().unwrap();
        self.running[node].wait().unwrap();
        self.running[node] = spawn(&self.cluster.configs[node]);
    }

    fn ask(&self, body: &[u8]) -> [thread::JoinHandle<Result<StartedRun, CallError>>; 3] {
        self.endpoints.each_ref().map(|endpoint| {
            let (endpoint, body) = (endpoint.clone(), body.to_vec());
            thread::spawn(move || Ok(decode(&endpoint.call(Route::StartRun, body)?).unwrap().0))
        })
    }

    /// Sends the same start until all three have answered.
    fn insist(&self, body: &[u8]) -> [StartedRun; 3] {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answers = self.ask(body).map(|asked| asked.join().unwrap());
            if let [Ok(first), Ok(second), Ok(third)] = &answers {
                return [first.clone(), second.clone(), third.clone()];
            }
            assert!(Instant::now() < deadline, "{answers:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.running {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn spawn(config: &Path) -> Child {
    let mut server = Process::new(env!("CARGO_BIN_EXE_vdl"));
    server.args(["node", "--config"]).arg(config).stdout(Stdio::null()).stderr(Stdio::null());
    server.spawn().unwrap()
}

fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn envelope(analyst: &SigningKey, approver: &SigningKey, runs: u64) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let environment = vdl_command::DEFAULT_ENVIRONMENT.to_owned();
    let terms = Terms { environment, not_before: now - 60, max_runs: Some(runs), ..Terms::default() };
    approve_script(SCRIPT, &analyst.verifying_key(), &terms, approver).unwrap()
}

/// Two hundred rounds where time is no matter.
fn rounds() -> u64 {
    if std::env::var_os("VDL_PROVE").is_some() { 200 } else { 20 }
}

#[test]
fn killed_at_any_moment_every_server_counts_every_start_once() {
    let folder = tempfile::tempdir().unwrap();
    let (analyst, approver) = (SigningKey::from_seed([3; 32]), SigningKey::from_seed([1; 32]));
    let mut servers = Servers::start(folder.path(), &approver);
    let envelope = envelope(&analyst, &approver, rounds());
    let approval = read_envelope(&envelope).unwrap().digest;
    let start = || encode(&sign_start(&analyst, approval, Nonce(random())), &envelope).unwrap();
    for round in 1..=rounds() {
        let body = start();
        let asked = servers.ask(&body);
        let [which, moment] = random::<2>();
        thread::sleep(Duration::from_micros(u64::from(moment) * 80));
        servers.kill(usize::from(which % 3));
        let early = asked.map(|asked| asked.join().unwrap());
        let started = servers.insist(&body);
        assert_eq!(started.each_ref().map(|started| started.run), [round; 3]);
        for (early, started) in early.into_iter().zip(&started) {
            // Who had answered before says the same again.
            assert!(early.is_err() || early.as_ref() == Ok(started), "{early:?} is now {started:?}");
        }
    }
    // Nobody starts one more. A server that did not reach the others in time says that, and is asked again.
    let (body, deadline) = (start(), Instant::now() + PATIENCE);
    let used_up =
        |refused: &CallError| matches!(refused, CallError::Refused(answer) if answer.code == "runs_used_up");
    loop {
        let refused = servers.ask(&body).map(|asked| asked.join().unwrap().unwrap_err());
        if refused.iter().all(used_up) {
            break;
        }
        assert!(Instant::now() < deadline, "{refused:?}");
        thread::sleep(Duration::from_millis(20));
    }
    for node in 0..3 {
        let path = folder.path().join(format!("cluster/node{node}/data/audit.log"));
        // A line may be written right now; whatever else is wrong with a log stays so.
        let deadline = Instant::now() + Duration::from_secs(10);
        let log = loop {
            let (log, findings) = read_log(&std::fs::read(&path).unwrap());
            if findings.is_empty() {
                break log;
            }
            assert!(Instant::now() < deadline, "the log of server {node}: {findings:?}");
            thread::sleep(Duration::from_millis(50));
        };
        let starts: BTreeSet<Nonce> = log.entries.iter().filter_map(|line| run(&line.entry.event)).collect();
        assert_eq!(starts.len() as u64, rounds(), "every start is in the log of server {node}");
    }
}

fn run(event: &Event) -> Option<Nonce> {
    match event {
        Event::Run { start, .. } => Some(*start),
        _ => None,
    }
}

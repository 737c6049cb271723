//! `vdl up`: a whole cluster on this machine, as three processes.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use vdl_command::Mode;
use vdl_node::NodeError;
use vdl_node::cluster::{Cluster, Wishes, prepare};

use crate::node::READY;

#[derive(clap::Args)]
pub struct Args {
    /// Where everything is kept; made if it is not there, served again if it is
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Run every query (design, the default), or only what all approvers have signed (authorized)
    #[arg(long, value_enum)]
    mode: Option<WrittenMode>,
    /// An approver's verification key; give one for each approver
    #[arg(long = "approver", value_name = "A.pk")]
    approvers: Vec<PathBuf>,
    /// Instead of them: a policy made by `vdl policy new`
    #[arg(long, value_name = "POLICY.json", conflicts_with = "approvers")]
    policy: Option<PathBuf>,
    /// The environment's name, which approvals are made for
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The first of six ports; free ones are taken otherwise
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum WrittenMode {
    Design,
    Authorized,
}

/// How long the three may take to find each other.
const START: Duration = Duration::from_secs(15);
/// How long they may take to stop by themselves.
const STOP: Duration = Duration::from_millis(1700);

enum Event {
    Ready,
    Ended(usize),
    ToldToStop,
}

pub fn run(args: &Args) -> Result<(), NodeError> {
    let wishes = Wishes {
        mode: args.mode.map(|mode| match mode {
            WrittenMode::Design => Mode::Design,
            WrittenMode::Authorized => Mode::Authorized,
        }),
        environment: args.environment.clone(),
        policy: args.policy.clone(),
        approvers: args.approvers.clone(),
        port: args.port,
    };
    std::fs::create_dir_all(&args.dir).map_err(|error| failed(&args.dir, &error))?;
    let _lock = lock(&args.dir)?;
    let cluster = prepare(&args.dir, &wishes)?;
    let (sender, events) = mpsc::channel();
    watch_signals(sender.clone())?;
    let nodes = Nodes::start(&cluster, &sender)?;
    nodes.wait_until_ready(&events)?;
    println!("ready {}", cluster.connection.display());
    let _ = io::stdout().flush();
    nodes.wait_until_told(&events);
    Ok(())
}

/// The three processes. Dropping it stops them, and so does the end of this process, however it
/// comes: each node stops when its standard input ends.
struct Nodes([Option<Child>; 3]);

impl Nodes {
    fn start(cluster: &Cluster, sender: &Sender<Event>) -> Result<Self, NodeError> {
        let program = std::env::current_exe().map_err(|error| failed(Path::new("vdl"), &error))?;
        let mut nodes = Self([None, None, None]);
        for (number, config) in cluster.configs.iter().enumerate() {
            let mut child = Command::new(&program)
                .args(["node", "--stop-at-end-of-input", "--config"])
                .arg(config)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| failed(&program, &error))?;
            if let Some(output) = child.stdout.take() {
                let sender = sender.clone();
                thread::spawn(move || listen(number, BufReader::new(output), &sender));
            }
            if let Some(place) = nodes.0.get_mut(number) {
                *place = Some(child);
            }
        }
        Ok(nodes)
    }

    fn wait_until_ready(&self, events: &Receiver<Event>) -> Result<(), NodeError> {
        let deadline = Instant::now() + START;
        let mut ready = 0;
        while ready < self.0.len() {
            match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Event::Ready) => ready += 1,
                Ok(Event::Ended(node)) => {
                    return Err(NodeError::Link(format!("server {node} ended; its reason is above")));
                }
                Ok(Event::ToldToStop) => return Err(NodeError::Link("told to stop".into())),
                Err(_) => {
                    return Err(NodeError::Link(format!("the servers did not find each other in {START:?}")));
                }
            }
        }
        Ok(())
    }

    /// A server that ends leaves the other two serving: they say which one is missing.
    fn wait_until_told(&self, events: &Receiver<Event>) {
        for event in events {
            match event {
                Event::ToldToStop => return,
                Event::Ended(node) => eprintln!(
                    "server {node} has ended; start it with `vdl node --config .../node{node}/node.toml`"
                ),
                Event::Ready => {}
            }
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in self.0.iter_mut().flatten() {
            // The end of its input tells it to stop.
            drop(child.stdin.take());
        }
        let deadline = Instant::now() + STOP;
        for child in self.0.iter_mut().flatten() {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn listen(node: usize, output: impl BufRead, sender: &Sender<Event>) {
    for line in output.lines().map_while(Result::ok) {
        if line == READY {
            let _ = sender.send(Event::Ready);
        }
    }
    let _ = sender.send(Event::Ended(node));
}

fn watch_signals(sender: Sender<Event>) -> Result<(), NodeError> {
    let no_signals = |error: io::Error| NodeError::Config(format!("no signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_signals)?;
    let entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        let _ = sender.send(Event::ToldToStop);
    });
    Ok(())
}

/// One `vdl up` per folder.
fn lock(folder: &Path) -> Result<File, NodeError> {
    let path = folder.join("up.lock");
    let file = File::create(&path).map_err(|error| failed(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(NodeError::Config(format!("a cluster is running in {} already", folder.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed(&path, &error)),
    }
}

fn failed(path: &Path, error: &io::Error) -> NodeError {
    NodeError::Config(format!("{}: {error}", path.display()))
}

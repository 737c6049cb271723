//! `vdl up`: a whole cluster on this machine, as three processes, and the portal as a fourth.

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
use vdl_node::cluster::{Wishes, exists, prepare};

use crate::failure::Failure;
use crate::node::READY;
use crate::sample;

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
    /// The first of six ports, the portal's comes after them; free ones are taken otherwise
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Start the portal too, with sample people; without approvers of your own two of them are the cluster's
    #[arg(long)]
    portal: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum WrittenMode {
    Design,
    Authorized,
}

/// How long the three may take to find each other.
const START: Duration = Duration::from_secs(60);
/// How long the portal may take: it looks for its servers first.
const START_PORTAL: Duration = Duration::from_secs(60);
/// How long they may take to stop by themselves.
const STOP: Duration = Duration::from_millis(1700);

enum Event {
    /// What came behind the word.
    Ready(String),
    Ended(usize),
    ToldToStop,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut wishes = Wishes {
        mode: args.mode.map(|mode| match mode {
            WrittenMode::Design => Mode::Design,
            WrittenMode::Authorized => Mode::Authorized,
        }),
        environment: args.environment.clone(),
        policy: args.policy.clone(),
        approvers: args.approvers.clone(),
        port: args.port,
    };
    std::fs::create_dir_all(&args.dir).map_err(|error| failed(&args.dir, &error)).map_err(Failure::new)?;
    let _lock = lock(&args.dir).map_err(Failure::new)?;
    let portal = args.portal.then(|| sample::Folder::of(&args.dir));
    if let Some(folder) = &portal
        && !exists(&args.dir)
    {
        folder.approve_for(&mut wishes)?;
    }
    let cluster = prepare(&args.dir, &wishes).map_err(Failure::new)?;
    let (sender, events) = mpsc::channel();
    watch_signals(sender.clone()).map_err(Failure::new)?;
    let mut processes = Processes::default();
    for config in &cluster.configs {
        processes.start("node", config, &sender).map_err(Failure::new)?;
    }
    processes.wait_until_ready(3, &events, START).map_err(Failure::new)?;
    println!("ready {}", cluster.connection.display());
    let _ = io::stdout().flush();
    if let Some(folder) = &portal {
        let people = folder.prepare(&cluster, args.port.and_then(|first| first.checked_add(6)))?;
        processes.start("portal", &folder.config(), &sender).map_err(Failure::new)?;
        let address = processes.wait_until_ready(1, &events, START_PORTAL).map_err(Failure::new)?;
        print!("{}", people.unwrap_or_default());
        println!("portal {address}");
        let _ = io::stdout().flush();
    }
    processes.wait_until_told(&events);
    Ok(())
}

/// The processes. Dropping it stops them, and so does the end of this process, however it comes: each stops
/// when its standard input ends.
#[derive(Default)]
struct Processes(Vec<Child>);

impl Processes {
    /// Starts one more; its number is how many there were.
    fn start(&mut self, what: &str, config: &Path, sender: &Sender<Event>) -> Result<(), NodeError> {
        let program = std::env::current_exe().map_err(|error| failed(Path::new("vdl"), &error))?;
        let mut child = Command::new(&program)
            .args([what, "--stop-at-end-of-input", "--config"])
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&program, &error))?;
        if let Some(output) = child.stdout.take() {
            let (sender, number) = (sender.clone(), self.0.len());
            thread::spawn(move || listen(number, BufReader::new(output), &sender));
        }
        self.0.push(child);
        Ok(())
    }

    /// Waits for so many to say that they are, and gives what the last one said beside it.
    fn wait_until_ready(
        &self,
        count: usize,
        events: &Receiver<Event>,
        patience: Duration,
    ) -> Result<String, NodeError> {
        let deadline = Instant::now() + patience;
        let (mut ready, mut said) = (0, String::new());
        while ready < count {
            match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Event::Ready(what)) => (ready, said) = (ready + 1, what),
                Ok(Event::Ended(process)) => {
                    return Err(NodeError::Link(format!("{} ended; its reason is above", name(process))));
                }
                Ok(Event::ToldToStop) => return Err(NodeError::Link("told to stop".into())),
                Err(_) if self.0.len() > 3 => {
                    return Err(NodeError::Link(format!("the portal did not start in {patience:?}")));
                }
                Err(_) => {
                    return Err(NodeError::Link(format!(
                        "the servers did not find each other in {patience:?}"
                    )));
                }
            }
        }
        Ok(said)
    }

    /// A server that ends leaves the other two serving: they say which one is missing.
    fn wait_until_told(&self, events: &Receiver<Event>) {
        for event in events {
            match event {
                Event::ToldToStop => return,
                Event::Ended(node @ 0..3) => eprintln!(
                    "server {node} has ended; start it with `vdl node --config .../node{node}/node.toml`"
                ),
                Event::Ended(_) => eprintln!(
                    "the portal has ended; start it with `vdl portal --config .../portal/portal.toml`"
                ),
                Event::Ready(_) => {}
            }
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // The end of its input tells it to stop.
            drop(child.stdin.take());
        }
        let deadline = Instant::now() + STOP;
        for child in &mut self.0 {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn name(process: usize) -> String {
    match process {
        0..3 => format!("server {process}"),
        _ => "the portal".to_owned(),
    }
}

fn listen(process: usize, output: impl BufRead, sender: &Sender<Event>) {
    for line in output.lines().map_while(Result::ok) {
        if let Some(said) = line.strip_prefix(READY) {
            let _ = sender.send(Event::Ready(said.trim().to_owned()));
        }
    }
    let _ = sender.send(Event::Ended(process));
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

//! A node as a process: ports, signals, a beginning and an end.

use std::fs;
use std::io::{self, IsTerminal};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use vdl_listen::{Most, Patience, Port, told_to_stop};
use vdl_store::Store;

use crate::config::{Loaded, NodeFile};
use crate::error::NodeError;
use crate::https::{Https, MOST_READERS, router};
use crate::net::{Links, Wire, https_config};
use crate::node::Node;

/// How long requests under way may take to end once the node is told to stop.
const FAREWELL: Duration = Duration::from_millis(1000);

/// Clients keep idle connections for a minute and a half.
const PATIENCE: Patience = Patience {
    handshake: Duration::from_secs(10),
    head: Duration::from_secs(120),
    reading: Duration::from_secs(120),
};
/// All analysts of an organisation may come from one address, and so does a portal for everybody it serves.
const MOST: Most = Most { all: 640, of_one_network: Some(256) };

/// Serves one node until it is told to stop: by SIGTERM, SIGINT, or, if asked for, by the end of its
/// standard input, which is how it notices that whoever started it is gone. `ready` is called when
/// the node can reach both others.
pub fn serve(
    config: &Path,
    stop_at_end_of_input: bool,
    ready: impl FnOnce() + Send + 'static,
) -> Result<(), NodeError> {
    keep_log(stop_at_end_of_input);
    let loaded = NodeFile::load(config)?;
    let limits = loaded.node.limits;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(limits.jobs + 64)
        .enable_all()
        .build()
        .map_err(|error| NodeError::Config(format!("no runtime: {error}")))?;
    let served = runtime.block_on(serve_until_told(loaded, stop_at_end_of_input, ready));
    runtime.shutdown_timeout(Duration::from_millis(200));
    served
}

/// Under `vdl up` three nodes share a terminal: what goes well is not worth a line there.
fn keep_log(shared: bool) {
    let level = if shared { tracing::Level::WARN } else { tracing::Level::INFO };
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(level);
    // Whoever embeds a node may keep a log of their own.
    let _ = log.try_init();
}

async fn serve_until_told(
    loaded: Loaded,
    stop_at_end_of_input: bool,
    ready: impl FnOnce() + Send + 'static,
) -> Result<(), NodeError> {
    // From here on a signal stops the node instead of killing it.
    let unwatched = |error: io::Error| NodeError::Config(format!("nothing could stop it: {error}"));
    let told = told_to_stop(stop_at_end_of_input).map_err(unwatched)?;
    let listener = bind(loaded.file.https.listen)?;
    let node = open(&loaded)?;
    let _pid = loaded.pid_file.as_ref().map(PidFile::write).transpose()?;
    let failed = |error: io::Error| NodeError::Link(format!("HTTPS cannot be served: {error}"));
    let port = Port::open(listener, Some(https_config(&loaded.https)?), MOST, PATIENCE).map_err(failed)?;
    let app = router(Https {
        node: node.clone(),
        token: blake3::hash(loaded.file.token.0.as_bytes()),
        longest_request: loaded.file.limits.request_mib << 20,
        readers: Arc::new(Semaphore::new(MOST_READERS)),
    });
    let (stopping, stopped) = (Arc::new(Notify::new()), node.clone());
    let server = tokio::spawn(port.serve(app, stopping.clone()));
    tokio::task::spawn_blocking(move || announce(&stopped, ready));
    told.notified().await;
    tracing::info!(node = loaded.file.node, "stopping");
    node.stop();
    stopping.notify_one();
    let _ = tokio::time::timeout(FAREWELL, server).await;
    Ok(())
}

/// The node of a configuration, its links up and dialling.
fn open(loaded: &Loaded) -> Result<Arc<Node>, NodeError> {
    fs::create_dir_all(&loaded.data)
        .map_err(|error| NodeError::Config(format!("{}: {error}", loaded.data.display())))?;
    let store = Store::open(&loaded.data)?;
    let listener = bind(loaded.file.link.listen)?;
    Node::open(loaded.node.clone(), store, |post| {
        let links: Arc<dyn Wire> = Links::start(post, listener, &loaded.links)?;
        Ok(links)
    })
}

fn announce(node: &Node, ready: impl FnOnce()) {
    loop {
        match node.wait_for_peers() {
            Ok(()) => return ready(),
            Err(_) if node.stopped() => return,
            Err(answer) => tracing::warn!("{}", answer.message),
        }
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address)
        .map_err(|error| NodeError::Link(format!("port {address} cannot be used: {error}")))
}

/// Holds the process id while the process lives.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: &PathBuf) -> Result<Self, NodeError> {
        fs::write(path, format!("{}\n", std::process::id()))
            .map_err(|error| NodeError::Config(format!("{}: {error}", path.display())))?;
        Ok(Self(path.clone()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

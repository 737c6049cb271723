//! Three nodes on one machine that know each other: keys, certificates, ports, token and the
//! connection file, made once and kept. Made for trying out; in earnest each party makes its own.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use vdl_authorize::{Policy, VerifyingKey};
use vdl_command::{DEFAULT_ENVIRONMENT, Mode};
use zeroize::Zeroizing;

use crate::config::{LimitsFile, NodeFile, PeerFile, Secret, Served};
use crate::error::NodeError;
use crate::net::Identity;
use crate::sealed::{sealing_key, shown};

/// What a cluster is to be; `None` leaves it as it is, or to the default where there is none yet.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    pub mode: Option<Mode>,
    pub environment: Option<String>,
    /// PEM files of verification keys.
    pub approvers: Vec<PathBuf>,
    /// Instead of them, a policy as it is pinned.
    pub policy: Option<PathBuf>,
    /// The first of six ports.
    pub port: Option<u16>,
}

/// A cluster on disk.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub configs: [PathBuf; 3],
    pub connection: PathBuf,
}

const CONNECTION: &str = "default.vdlconn";
/// Of one node, in its own folder.
const DATA: &str = "data";

/// Whether there is a finished cluster in `folder`.
pub fn exists(folder: &Path) -> bool {
    folder.join(CONNECTION).exists()
}

/// Finds the cluster in `folder`, or makes it. An existing one is not changed: wishes that differ
/// from what it is are refused.
pub fn prepare(folder: &Path, wishes: &Wishes) -> Result<Cluster, NodeError> {
    let cluster = Cluster {
        configs: [0, 1, 2].map(|node| folder.join(format!("node{node}")).join("node.toml")),
        connection: folder.join(CONNECTION),
    };
    // The connection file is written last: without it the cluster was never finished.
    if cluster.connection.exists() {
        check(&cluster, wishes)?;
    } else {
        make(folder, &cluster, wishes)?;
    }
    Ok(cluster)
}

fn check(cluster: &Cluster, wishes: &Wishes) -> Result<(), NodeError> {
    let [first, ..] = &cluster.configs;
    let file = NodeFile::read(first)?;
    let differs = |what: &str| {
        Err(NodeError::Config(format!(
            "the cluster in this folder has another {what}; leave the option out, or use a new folder"
        )))
    };
    if wishes.mode.is_some_and(|mode| mode != file.mode) {
        return differs("mode");
    }
    if wishes.environment.as_ref().is_some_and(|environment| *environment != file.environment) {
        return differs("environment");
    }
    if wishes.port.is_some_and(|port| port != file.https.listen.port()) {
        return differs("port");
    }
    if !wishes.approvers.is_empty() || wishes.policy.is_some() {
        let wished = match &wishes.policy {
            Some(path) => policy(path)?,
            None => Policy::pinned(&keys(&wishes.approvers)?, &file.environment)?,
        };
        if NodeFile::load(first)?.node.policy != Some(wished) {
            return differs("set of approvers");
        }
    }
    Ok(())
}

/// One node of a new cluster.
struct New {
    https: Identity,
    link: Identity,
    seal: String,
    https_address: SocketAddr,
    link_address: SocketAddr,
}

fn make(folder: &Path, cluster: &Cluster, wishes: &Wishes) -> Result<(), NodeError> {
    let mode = wishes.mode.unwrap_or(Mode::Design);
    let approvers = keys(&wishes.approvers)?;
    let pinned = wishes.policy.as_deref().map(policy).transpose()?;
    match (mode, approvers.is_empty() && pinned.is_none()) {
        (Mode::Design, false) => {
            return Err(NodeError::Config("approvers belong to --mode authorized".into()));
        }
        (Mode::Authorized, true) => {
            return Err(NodeError::Config(
                "--mode authorized needs an --approver KEY.pk for each approver, or a --policy".into(),
            ));
        }
        _ => {}
    }
    let environment = wishes.environment.clone().unwrap_or_else(|| match (mode, &pinned) {
        (Mode::Design, _) => "design".to_owned(),
        (Mode::Authorized, Some(policy)) => policy.environment().to_owned(),
        (Mode::Authorized, None) => DEFAULT_ENVIRONMENT.to_owned(),
    });
    // What a node would refuse at its start is refused before anything is written.
    match &pinned {
        Some(policy) if policy.environment() != environment => {
            return Err(NodeError::Config("the policy is for another environment".into()));
        }
        None if mode == Mode::Authorized => drop(Policy::pinned(&approvers, &environment)?),
        _ => {}
    }
    let policy = pinned.as_ref();
    let token = Zeroizing::new(token()?);
    let ports = ports(wishes.port)?;
    let hosts = ["localhost", "127.0.0.1"];
    private_folder(folder)?;
    let new = |node: usize| {
        let data = folder.join(format!("node{node}")).join(DATA);
        private_folder(&data)?;
        Ok::<_, NodeError>(New {
            https: Identity::generate(&format!("vdl node {node}"), &hosts)?,
            link: Identity::generate(&format!("vdl node {node} link"), &hosts)?,
            seal: shown(&sealing_key(Some(&data))?),
            https_address: (Ipv4Addr::LOCALHOST, ports[node]).into(),
            link_address: (Ipv4Addr::LOCALHOST, ports[node + 3]).into(),
        })
    };
    let nodes = [new(0)?, new(1)?, new(2)?];
    for node in 0..3 {
        let shape = Shape { mode, environment: &environment, token: &token, approvers: &approvers, policy };
        write_node(folder, node, &nodes, &shape)?;
    }
    write(&cluster.connection, connection_file(mode, &environment, &token, &nodes)?.as_bytes())
}

/// What the three nodes have in common.
struct Shape<'a> {
    mode: Mode,
    environment: &'a str,
    token: &'a Zeroizing<String>,
    approvers: &'a [VerifyingKey],
    policy: Option<&'a Policy>,
}

fn write_node(folder: &Path, node: usize, nodes: &[New; 3], shape: &Shape) -> Result<(), NodeError> {
    let own = folder.join(format!("node{node}"));
    private_folder(&own)?;
    let (me, next, previous) = (&nodes[node], &nodes[(node + 1) % 3], &nodes[(node + 2) % 3]);
    let served = |name: &str, identity: &Identity, listen: SocketAddr| {
        let served =
            Served { listen, certificate: format!("{name}.pem").into(), key: format!("{name}.key").into() };
        write(&own.join(&served.certificate), identity.certificate.as_bytes())?;
        write(&own.join(&served.key), identity.key.as_bytes())?;
        Ok::<_, NodeError>(served)
    };
    let peer = |name: &str, of: &New| {
        let certificate = PathBuf::from(format!("{name}.pem"));
        write(&own.join(&certificate), of.link.certificate.as_bytes())?;
        Ok::<_, NodeError>(PeerFile { address: of.link_address, certificate })
    };
    let mut approvers = Vec::new();
    for (number, key) in shape.approvers.iter().enumerate() {
        let path = PathBuf::from(format!("approver{number}.pk"));
        let pem = key.write_pem().map_err(|error| NodeError::Config(error.to_string()))?;
        write(&own.join(&path), pem.as_bytes())?;
        approvers.push(path);
    }
    let policy = shape.policy.map(|policy| write_policy(&own, policy)).transpose()?;
    let file = NodeFile {
        node: u8::try_from(node).unwrap_or_default(),
        mode: shape.mode,
        environment: shape.environment.to_owned(),
        token: Secret(shape.token.to_string()),
        approvers,
        policy,
        policies: Vec::new(),
        revocations: Vec::new(),
        pid_file: Some(format!("../node{node}.pid").into()),
        data: DATA.into(),
        https: served("https", &me.https, me.https_address)?,
        link: served("link", &me.link, me.link_address)?,
        next: peer("next", next)?,
        previous: peer("previous", previous)?,
        limits: LimitsFile::default(),
    };
    let text = toml::to_string(&file).map_err(|error| NodeError::Config(error.to_string()))?;
    write(&own.join("node.toml"), text.as_bytes())
}

fn write_policy(folder: &Path, policy: &Policy) -> Result<PathBuf, NodeError> {
    let path = PathBuf::from("policy.json");
    write(&folder.join(&path), &policy.to_payload()?)?;
    Ok(path)
}

fn policy(path: &Path) -> Result<Policy, NodeError> {
    let text = fs::read(path)
        .map_err(|error| NodeError::Config(format!("{} cannot be read: {error}", path.display())))?;
    Policy::read(&text).map_err(|refusal| NodeError::Config(format!("{}: {refusal}", path.display())))
}

#[derive(Serialize)]
struct Connection<'a> {
    connection_file_version: &'a str,
    mode: Mode,
    environment: &'a str,
    token: &'a str,
    servers: Vec<Server<'a>>,
}

#[derive(Serialize)]
struct Server<'a> {
    endpoint: String,
    certificate: &'a str,
    /// Base64 of the key to which parcels for it are sealed.
    seal: &'a str,
}

/// What a client needs to know; whoever has it may ask.
fn connection_file(
    mode: Mode,
    environment: &str,
    token: &str,
    nodes: &[New; 3],
) -> Result<Zeroizing<String>, NodeError> {
    let servers = nodes
        .iter()
        .map(|New { https, https_address, seal, .. }| Server {
            endpoint: format!("https://{https_address}"),
            certificate: &https.certificate,
            seal,
        })
        .collect();
    let connection = Connection { connection_file_version: "2.0.0", mode, environment, token, servers };
    let text = toml::to_string_pretty(&connection).map_err(|error| NodeError::Config(error.to_string()))?;
    Ok(Zeroizing::new(text))
}

fn keys(paths: &[PathBuf]) -> Result<Vec<VerifyingKey>, NodeError> {
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path)
            .map_err(|error| NodeError::Config(format!("{} cannot be read: {error}", path.display())))?;
        VerifyingKey::read_pem(&text)
            .map_err(|error| NodeError::Config(format!("{}: {error}", path.display())))
    };
    paths.iter().map(read).collect()
}

/// Six ports: those asked for, or ones that are free now.
fn ports(first: Option<u16>) -> Result<Vec<u16>, NodeError> {
    if let Some(first) = first {
        let last = first.checked_add(5);
        let last = last.ok_or_else(|| NodeError::Config("the ports would pass 65535".into()))?;
        return Ok((first..=last).collect());
    }
    free_ports(6)
}

/// All are held until all are found.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>, NodeError> {
    let bind = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners: Result<Vec<_>, _> = (0..count).map(bind).collect();
    let ports = listeners.and_then(|listeners| listeners.iter().map(kept_free).collect());
    ports.map_err(|error| NodeError::Link(format!("no free ports: {error}")))
}

/// This listener's port, for a program that is started next. Nobody else who asks for any port is given it
/// for a minute: the end of a connection that was had there stays with it so long.
pub fn kept_free(listener: &TcpListener) -> io::Result<u16> {
    let address = listener.local_addr()?;
    let mut asks = TcpStream::connect(address)?;
    // It stays with whoever ends first. Where somebody else came before, nothing is lost but that.
    drop(listener.accept()?);
    asks.set_read_timeout(Some(Duration::from_secs(1)))?;
    let _ = asks.read_to_end(&mut Vec::new());
    Ok(address.port())
}

fn token() -> Result<String, NodeError> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| NodeError::Config(format!("no randomness: {error}")))?;
    Ok(hex::encode(*bytes))
}

fn private_folder(path: &Path) -> Result<(), NodeError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| NodeError::Config(format!("{}: {error}", path.display())))
}

/// Files of a cluster are their owner's only: most of them hold a secret.
fn write(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| NodeError::Config(format!("{} cannot be written: {error}", path.display())))
}

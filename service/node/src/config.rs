//! A node's configuration file, `node.toml`. Files are named relative to it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vdl_authorize::{Policy, Refusal, VerifyingKey};
use vdl_command::Mode;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::NodeError;
use crate::net::{Identity, Limits, LinkConfig};
use crate::node::NodeConfig;

/// The file as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFile {
    /// 0, 1 or 2.
    pub node: u8,
    pub mode: Mode,
    pub environment: String,
    /// What a client must show.
    pub token: Secret,
    /// Verification keys; all of them must have signed what runs in authorized mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<PathBuf>,
    /// Instead of them: a policy, which says itself whose signatures it takes. Later ones are published to
    /// the running servers; a higher version here is the operator's word. Keep the three nodes' alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
    /// Policies that followed it, oldest first, for a server that is to know them before it meets its peers.
    /// What was read once is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PathBuf>,
    /// The same with what approvers took back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocations: Vec<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_file: Option<PathBuf>,
    /// Where tables are kept.
    pub data: PathBuf,
    pub https: Served,
    pub link: Served,
    pub next: PeerFile,
    pub previous: PeerFile,
    #[serde(default)]
    pub limits: LimitsFile,
}

/// A port of this node, and the certificate it shows there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    pub listen: SocketAddr,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Another node, and the one certificate it is known by.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerFile {
    pub address: SocketAddr,
    pub certificate: PathBuf,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsFile {
    /// For a peer's next message within a job.
    pub round_seconds: f64,
    /// For a connection to a peer.
    pub connect_seconds: f64,
    /// For the same request to reach all three.
    pub arrival_seconds: f64,
    /// For a job's turn.
    pub queue_seconds: f64,
    /// Jobs that compute at the same time; node 0 decides.
    pub running_jobs: usize,
    /// Threads, and lanes between the nodes, on which one job may work; the fewest of the three nodes are
    /// used.
    pub lanes: u16,
    /// Memory for tables.
    pub memory_mib: usize,
    /// Messages of one job that wait to be read.
    pub mailbox_mib: usize,
    /// The longest request, which is held in memory: an upload's shares.
    pub request_mib: usize,
}

impl Default for LimitsFile {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            round_seconds: limits.round.as_secs_f64(),
            connect_seconds: limits.connect.as_secs_f64(),
            arrival_seconds: limits.arrival.as_secs_f64(),
            queue_seconds: limits.queue.as_secs_f64(),
            running_jobs: limits.running,
            lanes: limits.lanes,
            memory_mib: 8 << 10,
            mailbox_mib: limits.mailbox_bytes >> 20,
            request_mib: 4 << 10,
        }
    }
}

/// A text that is not shown when the configuration is printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret(..)")
    }
}

/// A configuration with everything it names.
pub struct Loaded {
    pub file: NodeFile,
    pub node: NodeConfig,
    pub links: LinkConfig,
    pub https: Identity,
    /// Paths of the file, found.
    pub data: PathBuf,
    pub pid_file: Option<PathBuf>,
}

impl NodeFile {
    pub fn read(path: &Path) -> Result<Self, NodeError> {
        let file: Self = toml::from_str(&text(path)?)
            .map_err(|error| NodeError::Config(format!("{}: {}", path.display(), error.message())))?;
        if file.node > 2 {
            return Err(NodeError::Config(format!("{}: `node` is 0, 1 or 2", path.display())));
        }
        if file.token.0.len() < 32 {
            return Err(NodeError::Config(format!(
                "{}: `token` needs at least 32 characters",
                path.display()
            )));
        }
        Ok(file)
    }

    /// Reads the keys and certificates beside the file.
    pub fn load(path: &Path) -> Result<Loaded, NodeError> {
        let file = Self::read(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let at = |relative: &Path| folder.join(relative);
        let identity = |served: &Served| {
            let key = Zeroizing::new(text(&at(&served.key))?);
            Ok::<_, NodeError>(Identity { certificate: text(&at(&served.certificate))?, key })
        };
        let (policy, documents) = file.rules(folder)?;
        let node = NodeConfig {
            node: file.node,
            mode: file.mode,
            environment: file.environment.clone(),
            policy,
            documents,
            memory_bytes: file.limits.memory_mib << 20,
            limits: limits(&file.limits)?,
            data: Some(at(&file.data)),
        };
        let links = LinkConfig {
            identity: identity(&file.link)?,
            addresses: [file.next.address, file.previous.address],
            certificates: [text(&at(&file.next.certificate))?, text(&at(&file.previous.certificate))?],
        };
        let https = identity(&file.https)?;
        let (data, pid_file) = (at(&file.data), file.pid_file.as_deref().map(at));
        Ok(Loaded { file, node, links, https, data, pid_file })
    }

    /// The policy this node begins with, and the documents listed beside it. A node that is given one is
    /// never in design mode.
    #[expect(clippy::type_complexity, reason = "the two fields of a node's configuration")]
    fn rules(&self, folder: &Path) -> Result<(Option<Policy>, Vec<(PathBuf, Vec<u8>)>), NodeError> {
        let listed = || self.policies.iter().chain(&self.revocations);
        if self.mode == Mode::Design {
            return match self.policy.is_none() && self.approvers.is_empty() && listed().next().is_none() {
                true => Ok((None, Vec::new())),
                false => Err(NodeError::Config("approvers belong to authorized mode".into())),
            };
        }
        let document =
            |path: &PathBuf| Ok::<_, NodeError>((path.clone(), text(&folder.join(path))?.into_bytes()));
        Ok((Some(self.pinned(folder)?), listed().map(document).collect::<Result<_, _>>()?))
    }

    fn pinned(&self, folder: &Path) -> Result<Policy, NodeError> {
        let Some(path) = &self.policy else {
            let approver = |path: &PathBuf| {
                VerifyingKey::read_pem(&text(&folder.join(path))?)
                    .map_err(|error| NodeError::Config(format!("{}: {error}", path.display())))
            };
            let approvers = self.approvers.iter().map(approver).collect::<Result<Vec<_>, _>>()?;
            return Ok(Policy::pinned(&approvers, &self.environment)?);
        };
        if !self.approvers.is_empty() {
            return Err(NodeError::Config("give `policy` or `approvers`, not both".into()));
        }
        let policy = Policy::read(text(&folder.join(path))?.as_bytes())?;
        if policy.environment() != self.environment {
            let (signed, here) = (policy.environment().to_owned(), self.environment.clone());
            return Err(Refusal::Environment { signed, here }.into());
        }
        Ok(policy)
    }
}

/// More would not be quicker.
const MOST_LANES: u16 = 64;

fn limits(file: &LimitsFile) -> Result<Limits, NodeError> {
    let seconds = |name: &str, seconds: f64| {
        let duration =
            Duration::try_from_secs_f64(seconds).ok().filter(|d| !d.is_zero() && d.as_secs() < 1 << 22);
        duration.ok_or_else(|| NodeError::Config(format!("`{name}` is no sensible number of seconds")))
    };
    Ok(Limits {
        round: seconds("round_seconds", file.round_seconds)?,
        arrival: seconds("arrival_seconds", file.arrival_seconds)?,
        queue: seconds("queue_seconds", file.queue_seconds)?,
        connect: seconds("connect_seconds", file.connect_seconds)?,
        mailbox_bytes: file.mailbox_mib << 20,
        running: file.running_jobs.max(1),
        lanes: file.lanes.clamp(1, MOST_LANES),
        ..Limits::default()
    })
}

fn text(path: &Path) -> Result<String, NodeError> {
    fs::read_to_string(path)
        .map_err(|error| NodeError::Config(format!("{} cannot be read: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use vdl_authorize::{
        PolicyStatement, REVOCATION_TYPE, Revocation, Revoked, SigningKey, add_signature, draft_policy,
        sign_revocation,
    };
    use vdl_store::Store;

    use super::*;
    use crate::authority::Authorities;
    use crate::cluster::{Wishes, prepare};

    #[test]
    fn a_policy_is_pinned_by_a_list_of_keys_or_by_a_file_and_never_in_design_mode() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed([1; 32]).verifying_key();
        let path = folder.path().join("alice.pk");
        fs::write(&path, key.write_pem().unwrap()).unwrap();
        let wishes = Wishes { mode: Some(Mode::Authorized), approvers: vec![path], ..Wishes::default() };
        let [config, ..] = prepare(folder.path(), &wishes).unwrap().configs;
        let listed = text(&config).unwrap();
        let with = |changed: String| {
            fs::write(&config, changed).unwrap();
            NodeFile::load(&config).map(|loaded| loaded.node.policy)
        };
        let policy = Policy::pinned(std::slice::from_ref(&key), "production").unwrap();
        assert_eq!(with(listed.clone()).unwrap(), Some(policy.clone()));
        assert!(with(listed.replace("\"authorized\"", "\"design\"")).is_err());

        let in_file = listed.replace("approvers = [\"approver0.pk\"]", "policy = \"policy.json\"");
        fs::write(config.with_file_name("policy.json"), policy.to_payload().unwrap()).unwrap();
        assert_eq!(with(in_file.clone()).unwrap(), Some(policy));
        assert!(with(in_file.replace("policy =", "approvers = [\"approver0.pk\"]\npolicy =")).is_err());
        let elsewhere = Policy::pinned(&[key], "elsewhere").unwrap();
        fs::write(config.with_file_name("policy.json"), elsewhere.to_payload().unwrap()).unwrap();
        assert!(with(in_file).is_err());
    }

    #[test]
    fn a_later_policy_counts_if_all_signed_it_and_a_revocation_if_an_approver_did() {
        let folder = tempfile::tempdir().unwrap();
        let [alice, bob, eve] = [1, 2, 3].map(|seed| SigningKey::from_seed([seed; 32]));
        let path = folder.path().join("alice.pk");
        fs::write(&path, alice.verifying_key().write_pem().unwrap()).unwrap();
        let wishes = Wishes { mode: Some(Mode::Authorized), approvers: vec![path], ..Wishes::default() };
        let [config, ..] = prepare(folder.path(), &wishes).unwrap().configs;
        let listed = text(&config).unwrap();
        let keep = |name: &str, bytes: &[u8]| fs::write(config.with_file_name(name), bytes).unwrap();
        let rules = |more: &str| {
            fs::write(&config, format!("{more}\n{listed}")).unwrap();
            let loaded = NodeFile::load(&config)?;
            let authorities = Authorities::new(&loaded.node, &Store::in_memory()?)?;
            let gate = authorities.rules.now().gate.clone();
            Ok::<_, NodeError>((gate.policy().unwrap().clone(), gate.revocations().unwrap().clone()))
        };
        let first = Policy::pinned(&[alice.verifying_key()], "production").unwrap();
        let next = PolicyStatement {
            version: 2,
            adopt_before: Some(0),
            ..Policy::pinned(&[bob.verifying_key()], "production").unwrap().statement().clone()
        };
        let next = Policy::new(next).unwrap();
        let by_alice = add_signature(&draft_policy(&next).unwrap(), &alice).unwrap();
        keep("half.policy", &by_alice);
        keep("next.policy", &add_signature(&by_alice, &bob).unwrap());
        let revoke = |revokes: Revoked, version: u32, signer: &SigningKey| {
            let kind = REVOCATION_TYPE.to_owned();
            let environment = "production".to_owned();
            let revocation =
                Revocation { kind, environment, policy_version: version, revokes, reason: None, time: 0 };
            sign_revocation(&revocation, signer).unwrap()
        };
        let analyst = || Revoked::Analyst(eve.verifying_key().to_base64().unwrap());
        keep("bob.revocation", &revoke(analyst(), 2, &bob));
        keep("eve.revocation", &revoke(analyst(), 2, &eve));
        keep("cancel.revocation", &revoke(Revoked::Policy(next.digest()), 1, &alice));

        assert_eq!(rules("").unwrap().0, first);
        assert_eq!(rules(r#"policies = ["next.policy"]"#).unwrap().0, next);
        assert_eq!(rules(r#"policies = ["next.policy", "next.policy"]"#).unwrap().0, next);
        let both = "policies = [\"next.policy\"]\nrevocations = [\"bob.revocation\"]";
        assert!(rules(both).unwrap().1.analyst(&eve.verifying_key()));
        for refused in [
            r#"policies = ["half.policy"]"#,
            r#"revocations = ["bob.revocation"]"#,
            "policies = [\"next.policy\"]\nrevocations = [\"eve.revocation\"]",
            "policies = [\"cancel.revocation\", \"next.policy\"]",
            "policies = [\"next.policy\"]\nrevocations = [\"cancel.revocation\"]",
        ] {
            assert!(rules(refused).is_err(), "{refused}");
        }
    }
}

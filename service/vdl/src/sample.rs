//! `vdl up --portal`: the portal beside a local cluster, with people to try it out as.
//!
//! Everything is in the folder `portal` of the cluster's. Where the cluster is made with it, the two sample
//! approvers are the cluster's approvers; otherwise they have accounts and no keys that count.

use std::fmt::Write;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use vdl_authorize::{Approver, POLICY_TYPE, Policy, PolicyStatement, Rule, SigningKey, VerifyingKey};
use vdl_command::{DEFAULT_ENVIRONMENT, Mode};
use vdl_node::cluster::{Cluster, Wishes, kept_free};
use vdl_portal::{Purpose, Role, Sample, add_people};

use crate::failure::Failure;
use crate::files;

/// Somebody to try the portal out as.
struct Person {
    /// Before the @ of the address, and of the key's file.
    word: &'static str,
    name: &'static str,
    role: Role,
    purpose: Option<Purpose>,
}

const PEOPLE: [Person; 5] = [
    Person { word: "administrator", name: "Ada Administrator", role: Role::Administrator, purpose: None },
    Person {
        word: "provider",
        name: "Piet Provider",
        role: Role::Provider,
        purpose: Some(Purpose::Provider),
    },
    Person { word: "analyst", name: "Ana Analyst", role: Role::Analyst, purpose: Some(Purpose::Analyst) },
    Person { word: "alice", name: "Alice Approver", role: Role::Approver, purpose: Some(Purpose::Approver) },
    Person { word: "bob", name: "Bob Approver", role: Role::Approver, purpose: Some(Purpose::Approver) },
];

/// The portal's folder in a cluster's.
pub struct Folder(PathBuf);

impl Folder {
    pub fn of(cluster: &Path) -> Self {
        Self(cluster.join("portal"))
    }

    pub fn config(&self) -> PathBuf {
        self.0.join("portal.toml")
    }

    /// Addresses, passwords and keys, for their owner only. It is written last.
    fn people(&self) -> PathBuf {
        self.0.join("people.txt")
    }

    fn policy(&self) -> PathBuf {
        self.0.join("policy.json")
    }

    fn key(&self, person: &Person) -> PathBuf {
        self.0.join("people").join(format!("{}.sk", person.word))
    }

    /// Makes the sample approvers those of a cluster that is still to be made, where nobody names others.
    pub fn approve_for(&self, wishes: &mut Wishes) -> Result<(), Failure> {
        let named = !wishes.approvers.is_empty() || wishes.policy.is_some();
        if named || wishes.mode == Some(Mode::Design) {
            return Ok(());
        }
        wishes.mode = Some(Mode::Authorized);
        wishes.policy = Some(self.policy());
        if self.policy().exists() {
            return Ok(());
        }
        let approver = |person: &Person| {
            let key = self.make_key(person)?.to_base64().map_err(Failure::new)?;
            Ok(Approver { name: person.word.to_owned(), key })
        };
        let approvers = PEOPLE.iter().filter(|person| person.purpose == Some(Purpose::Approver));
        let policy = Policy::new(PolicyStatement {
            kind: POLICY_TYPE.to_owned(),
            environment: wishes.environment.clone().unwrap_or_else(|| DEFAULT_ENVIRONMENT.to_owned()),
            version: 1,
            expires: None,
            adopt_before: None,
            approvers: approvers.map(approver).collect::<Result<_, Failure>>()?,
            rule: Rule::All,
            approvals_since: 1,
        });
        let text = policy.and_then(|policy| policy.to_payload()).map_err(Failure::new)?;
        files::create(&self.policy(), &text, 0o644)
    }

    /// Makes configuration and people where there are none yet, and says who they are. `port` is the one
    /// to listen on, if it matters.
    pub fn prepare(&self, cluster: &Cluster, port: Option<u16>) -> Result<Option<String>, Failure> {
        if self.people().exists() {
            return Ok(None);
        }
        private_folder(&self.0)?;
        if !self.config().exists() {
            let connection = fs::canonicalize(&cluster.connection)
                .map_err(|error| Failure::of_file(&cluster.connection, error))?;
            files::create(&self.config(), configuration(free_port(port)?, &connection).as_bytes(), 0o600)?;
        }
        let mut list = String::new();
        let mut people = Vec::new();
        for person in &PEOPLE {
            let (sample, line) = self.sample(person)?;
            people.push(sample);
            list += &line;
        }
        if !add_people(&self.config(), &people).map_err(Failure::new)? {
            let data = self.0.join("data");
            return Err(Failure::of_file(&data, "the portal was not finished when it was made")
                .remedy("remove this folder and start again"));
        }
        files::create(&self.people(), list.as_bytes(), 0o600)?;
        Ok(Some(format!("people to try the portal out as, kept in {}:\n{list}", self.people().display())))
    }

    /// Somebody as the portal takes them, and as they read about themselves.
    fn sample(&self, person: &Person) -> Result<(Sample, String), Failure> {
        let counts = person.purpose != Some(Purpose::Approver) || self.policy().exists();
        let key = match person.purpose.filter(|_| counts) {
            Some(purpose) => Some((purpose, self.make_key(person)?)),
            None => None,
        };
        let (email, password) = (format!("{}@example.org", person.word), password()?);
        let mut line = format!("  {email:<25}  {password}");
        if key.is_some() {
            // Writing to a string does not fail.
            let _ = write!(line, "  {}", self.key(person).display());
        }
        line.push('\n');
        let (name, roles) = (person.name.to_owned(), vec![person.role]);
        Ok((Sample { name, email, password: password.into(), roles, key }, line))
    }

    /// The public half of somebody's key, which is made if it is not there.
    fn make_key(&self, person: &Person) -> Result<VerifyingKey, Failure> {
        let path = self.key(person);
        if path.exists() {
            return Ok(files::read_signing_key(&path)?.verifying_key());
        }
        private_folder(&self.0.join("people"))?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Failure::new(format!("no randomness: {error}")))?;
        let key = SigningKey::from_seed(seed);
        files::create(&path, key.write_pem().map_err(Failure::new)?.as_bytes(), 0o600)?;
        Ok(key.verifying_key())
    }
}

fn configuration(port: u16, connection: &Path) -> String {
    // A literal string of TOML, which takes any path without a quote or a line's end in it. The origin is a
    // name, because browsers take no passkeys for a number.
    let connection = connection.display();
    format!(
        "listen = \"127.0.0.1:{port}\"\norigin = \"http://localhost:{port}\"\nsecure = \"loopback\"\n\
         data = \"data\"\n\n[[project]]\nname = \"Sample\"\nconnection = '''{connection}'''\n"
    )
}

fn free_port(wished: Option<u16>) -> Result<u16, Failure> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, wished.unwrap_or(0)));
    let port = bound.and_then(|listener| kept_free(&listener));
    port.map_err(|error| Failure::new(format!("no port for the portal: {error}")))
}

/// A hundred random bits, in letters that are hard to confuse.
fn password() -> Result<String, Failure> {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v',
        'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    let mut bytes = [0u8; 20];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("no randomness: {error}")))?;
    let letters: Vec<char> =
        bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied()).collect();
    Ok(letters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-"))
}

fn private_folder(path: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Failure::of_file(path, error))
}

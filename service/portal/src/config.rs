//! `portal.toml`. Files are named relative to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::PortalError;

/// The file as it is written; docs/portal.md explains each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: SocketAddr,
    /// What stands in the browser's address bar: `https://portal.example.org`.
    pub origin: String,
    pub data: PathBuf,
    pub secure: Secure,
    #[serde(default)]
    pub database: Option<Secret>,
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    #[serde(default)]
    pub mail: Option<Mail>,
    #[serde(default)]
    pub oidc: Option<Oidc>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    second_factor: Option<SecondFactor>,
    #[serde(rename = "project")]
    pub projects: Vec<Project>,
}

/// Who keeps others from reading along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secure {
    /// The portal, with the files under `[tls]`.
    Tls,
    /// A reverse proxy, which takes HTTPS and names the caller in `X-Forwarded-For`.
    Proxy,
    /// Nobody has to: only this machine can reach it.
    Loopback,
}

/// For whom the portal asks for a passkey; a password alone is not enough for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Those who chose so themselves.
    Off,
    /// Approvers and administrators of any project.
    Signers,
    All,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    pub name: String,
    /// The connection file of its three servers.
    pub connection: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub server: String,
    pub port: u16,
    pub encryption: Encryption,
    pub from: String,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
}

/// An OpenID provider at which people sign in beside here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// To the letter as the provider says it.
    pub issuer: String,
    pub client_id: String,
    pub client_secret_file: PathBuf,
    /// What stands on the button.
    pub name: String,
}

impl Oidc {
    fn check(&self) -> Result<(), &'static str> {
        let local = self.issuer.strip_prefix("http://").is_some_and(|rest| {
            let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
            is_this_machine(host)
        });
        let named = self.issuer.strip_prefix("https://").is_some_and(|rest| !rest.starts_with(['/', ':']))
            && self.issuer.len() > "https://".len();
        let strange = |c: char| !c.is_ascii_graphic() || "@?#\\".contains(c);
        if !(named || local) || self.issuer.contains(strange) {
            return Err("the issuer under [oidc] is written https://..., without a question mark");
        }
        if self.client_id.is_empty() {
            return Err("[oidc] needs the client_id that the provider gave to the portal");
        }
        let readable = (1..=40).contains(&self.name.chars().count());
        if !readable || self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err("the name under [oidc] has 1 to 40 characters: it stands on a button");
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    Tls,
    Starttls,
    /// For a mail server on this machine.
    Loopback,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The three parcels of one upload together.
    pub upload_mib: u64,
    /// What one user's unfinished uploads may take on disk.
    pub user_spool_mib: u64,
    /// What everybody's may.
    pub spool_mib: u64,
    /// Unfinished uploads of one user.
    pub user_uploads: i64,
    /// After so many hours an upload that was not sent is deleted.
    pub upload_hours: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { upload_mib: 4096, user_spool_mib: 8192, spool_mib: 65_536, user_uploads: 16, upload_hours: 24 }
    }
}

/// A text that is not shown when the configuration is printed.
#[derive(Clone, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Config {
    pub fn load(path: &Path) -> Result<Self, PortalError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| PortalError::Config(format!("{}: {error}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder)
            .map_err(|error| PortalError::Config(format!("{}: {error}", path.display())))
    }

    /// Relative paths are taken from `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, PortalError> {
        let mut config: Self =
            toml::from_str(text).map_err(|error| PortalError::Config(error.message().to_owned()))?;
        config.check().map_err(|why| PortalError::Config(why.to_owned()))?;
        let mut paths: Vec<&mut PathBuf> = vec![&mut config.data];
        if let Some(tls) = &mut config.tls {
            paths.extend([&mut tls.certificate, &mut tls.key]);
        }
        paths.extend(config.oidc.as_mut().map(|oidc| &mut oidc.client_secret_file));
        for project in &mut config.projects {
            paths.push(&mut project.connection);
        }
        paths.into_iter().for_each(|path| *path = folder.join(&*path));
        Ok(config)
    }

    /// Where nothing else is said, those who sign need one, unless only this machine reaches the portal.
    pub fn second_factor(&self) -> SecondFactor {
        let usual = match self.secure {
            Secure::Tls | Secure::Proxy => SecondFactor::Signers,
            Secure::Loopback => SecondFactor::Off,
        };
        self.second_factor.unwrap_or(usual)
    }

    /// Whether browsers reach it over HTTPS.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    fn check(&self) -> Result<(), &'static str> {
        let host = self.origin.split_once("://").map(|(_, host)| host).unwrap_or_default();
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err("origin is written https://host or https://host:port, without a slash at the end");
        }
        match self.secure {
            Secure::Tls if self.tls.is_none() => {
                return Err("secure = \"tls\" needs [tls] certificate and key");
            }
            Secure::Tls | Secure::Proxy if !self.is_https() => {
                return Err("origin begins with https://, unless secure = \"loopback\"");
            }
            Secure::Loopback if !self.is_https() && !is_this_machine(host) => {
                return Err("an origin of http:// names this machine: http://localhost or http://127.0.0.1");
            }
            Secure::Loopback if !self.listen.ip().is_loopback() => {
                return Err(
                    "secure = \"loopback\" needs an address to listen on that only this machine reaches",
                );
            }
            _ => {}
        }
        if self.secure != Secure::Tls && self.tls.is_some() {
            return Err("[tls] goes with secure = \"tls\"");
        }
        self.oidc.as_ref().map_or(Ok(()), Oidc::check)?;
        if self.projects.is_empty() {
            return Err("at least one [[project]] is needed, with its name and its connection file");
        }
        if self.projects.iter().any(|project| !(1..=100).contains(&project.name.chars().count())) {
            return Err("a project has a name of 1 to 100 characters");
        }
        let mut names: Vec<&str> = self.projects.iter().map(|project| project.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).any(|pair| pair.first() == pair.last()) {
            true => Err("two projects have the same name"),
            false => Ok(()),
        }
    }
}

/// Whether a host, with or without a port, is one that browsers trust without HTTPS: nobody is in between.
fn is_this_machine(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    matches!(name, "localhost" | "127.0.0.1") && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "listen = '127.0.0.1:8080'\norigin = 'http://localhost:8080'\nsecure = 'loopback'\n\
        data = 'data'\n[[project]]\nname = 'Stroke'\nconnection = 'default.vdlconn'\n";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/srv")).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_found_beside_the_configuration() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.projects[0].connection, Path::new("/srv/default.vdlconn"));
        assert_eq!(config.data, Path::new("/srv/data"));
    }

    #[test]
    fn nothing_is_served_openly_by_mistake() {
        for (from, to, reason) in [
            ("127.0.0.1:8080", "0.0.0.0:8080", "only this machine"),
            ("'loopback'", "'tls'", "[tls]"),
            ("'loopback'", "'proxy'", "https://"),
            ("secure = 'loopback'\n", "", "secure"),
            ("http://localhost:8080", "http://localhost:8080/", "slash"),
            ("http://localhost:8080", "http://portal.example:8080", "http://127.0.0.1"),
            ("http://localhost:8080", "http://localhost.example", "http://127.0.0.1"),
            ("data = 'data'", "data = 'data'\nsecrue = 1", "secrue"),
            ("connection =", "audit = ['a', 'b', 'c']\nconnection =", "audit"),
        ] {
            let error = parse(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
        assert!(parse(&format!("{GOOD}[[project]]\nname='Stroke'\nconnection='c'\n")).is_err());
    }

    #[test]
    fn those_who_sign_need_a_second_factor_where_others_reach_the_portal() {
        let served =
            GOOD.replace("http://localhost:8080", "https://portal.example").replace("loopback", "proxy");
        let asked = |text: &str| parse(text).unwrap().second_factor();
        assert_eq!(asked(GOOD), SecondFactor::Off);
        assert_eq!(asked(&served), SecondFactor::Signers);
        let said = |word: &str| served.replace("data =", &format!("second_factor = '{word}'\ndata ="));
        assert_eq!(asked(&said("off")), SecondFactor::Off);
        assert_eq!(asked(&said("all")), SecondFactor::All);
        assert!(parse(&said("none")).is_err());
    }

    #[test]
    fn a_provider_is_reached_by_https_or_on_this_machine() {
        let with = |issuer: &str| {
            parse(&format!(
                "{GOOD}[oidc]\nissuer = '{issuer}'\nclient_id = 'vdl'\nclient_secret_file = 'oidc.secret'\n\
                 name = 'Hospital'\n"
            ))
        };
        for good in ["https://login.example/realms/a", "http://127.0.0.1:8080/a", "http://localhost:1"] {
            let oidc = with(good).unwrap().oidc.unwrap();
            assert_eq!(oidc.client_secret_file, Path::new("/srv/oidc.secret"));
        }
        for bad in [
            "http://login.example",
            "http://127.0.0.1.example/",
            "http://localhost:1@login.example/",
            "https://",
            "https:///a",
            "https://login.example?a",
            "https://user@login.example",
            "login.example",
            "file:///etc",
        ] {
            assert!(with(bad).unwrap_err().contains("https://"), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = parse(&format!("database = 'postgres://u:hush@h/d'\n{GOOD}")).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}

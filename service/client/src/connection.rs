//! The connection file: where the three servers are, how to recognise them, the token to show.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::error::ClientError;

const VERSION: &str = "2.0.0";

/// A connection file that has been read.
#[derive(Clone)]
pub struct Connection {
    pub token: String,
    pub servers: [Server; 3],
}

/// One server: its address, and the one certificate (DER) it is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub endpoint: String,
    pub certificate: Vec<u8>,
    /// To which parcels for it are sealed; older files lack it.
    pub seal: Option<[u8; 32]>,
}

/// Mode and environment are there for the reader; the servers say themselves what they are.
#[derive(Deserialize)]
struct Written {
    connection_file_version: String,
    token: String,
    servers: Vec<WrittenServer>,
}

#[derive(Deserialize)]
struct WrittenServer {
    endpoint: String,
    certificate: String,
    #[serde(default)]
    seal: Option<String>,
}

impl Connection {
    /// Reads a file, or the text of one.
    pub fn open(path_or_text: &str) -> Result<Self, ClientError> {
        if path_or_text.contains('\n') {
            return Self::parse(path_or_text);
        }
        let text = std::fs::read_to_string(Path::new(path_or_text)).map_err(|error| {
            ClientError::ConnectionFile(format!("connection file {path_or_text} cannot be read: {error}"))
        })?;
        Self::parse(&text)
    }

    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let refused = |why: String| ClientError::ConnectionFile(format!("this is no connection file: {why}"));
        let written: Written = toml::from_str(text).map_err(|error| refused(error.message().to_owned()))?;
        if written.connection_file_version != VERSION {
            let found = &written.connection_file_version;
            return Err(refused(format!("its version is {found}, this client reads {VERSION}")));
        }
        let servers = written
            .servers
            .into_iter()
            .map(|server| {
                if !server.endpoint.starts_with("https://") {
                    return Err(refused(format!("{} is no https:// address", server.endpoint)));
                }
                let certificate = certificate_der(&server.certificate)
                    .ok_or_else(|| refused(format!("the certificate of {} is no PEM", server.endpoint)))?;
                let seal = server.seal.as_deref().map(|text| seal_key(text).ok_or(&server.endpoint));
                let seal = seal
                    .transpose()
                    .map_err(|endpoint| refused(format!("the sealing key of {endpoint} is none")))?;
                Ok(Server { endpoint: server.endpoint.trim_end_matches('/').to_owned(), certificate, seal })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let count = servers.len();
        let servers =
            servers.try_into().map_err(|_| refused(format!("it lists {count} servers, there are three")))?;
        Ok(Self { token: written.token, servers })
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c] = &self.servers;
        write!(f, "Connection({}, {}, {})", a.endpoint, b.endpoint, c.endpoint)
    }
}

/// The bytes between the two marks of a PEM certificate.
fn certificate_der(pem: &str) -> Option<Vec<u8>> {
    let inside = pem.trim().strip_prefix("-----BEGIN CERTIFICATE-----")?;
    let inside = inside.strip_suffix("-----END CERTIFICATE-----")?;
    let compact: String = inside.split_whitespace().collect();
    STANDARD.decode(compact).ok().filter(|der| !der.is_empty())
}

/// The 32 bytes of a public sealing key.
pub(crate) fn seal_key(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(servers: usize, version: &str) -> String {
        let mut text = format!(
            "connection_file_version=\"{version}\"\nmode=\"design\"\nenvironment=\"x\"\ntoken=\"t\"\n"
        );
        for n in 0..servers {
            text += &format!(
                "[[servers]]\nendpoint=\"https://127.0.0.1:{n}/\"\ncertificate=\"\"\"\n\
                 -----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n\"\"\"\n"
            );
        }
        text
    }

    #[test]
    fn a_connection_file_is_read() {
        let connection = Connection::open(&file(3, "2.0.0")).unwrap();
        assert_eq!(connection.servers[1].endpoint, "https://127.0.0.1:1");
        assert_eq!(connection.servers[2].certificate, [0, 1, 2]);
        assert_eq!(connection.servers[0].seal, None);
        assert!(!format!("{connection:?}").contains("\"t\""));
    }

    #[test]
    fn a_server_may_have_a_sealing_key() {
        let with = |key: &str| {
            file(3, "2.0.0").replacen("certificate=", &format!("seal=\"{key}\"\ncertificate="), 1)
        };
        let connection = Connection::open(&with(&STANDARD.encode([7; 32]))).unwrap();
        assert_eq!(connection.servers[0].seal, Some([7; 32]));
        assert_eq!(connection.servers[1].seal, None);
        let error = Connection::open(&with("AAEC")).unwrap_err().to_string();
        assert!(error.contains("sealing key"), "{error}");
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        for (text, reason) in [
            (file(2, "2.0.0"), "2 servers"),
            (file(3, "1.0.0"), "version"),
            (file(3, "2.0.0").replace("https:", "http:"), "https"),
            (file(3, "2.0.0").replace("AAEC", "*"), "PEM"),
            ("\n{}".to_owned(), "connection file"),
        ] {
            let error = Connection::open(&text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(Connection::open("/no/such/file").unwrap_err().to_string().contains("/no/such/file"));
    }
}

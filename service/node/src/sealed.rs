//! Requests in sealed parcels: whoever relays them cannot read them, nor their answers (vdl-seal).
//!
//! The key is `seal.sk` in the node's data folder, made when it is first needed: an X25519 key in PKCS #8,
//! PEM, for its owner only. Whoever loses it makes a new one by starting the node, and tells its public half.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vdl_command::{ErrorAnswer, Route};
use vdl_seal::{Opened, SealError, SealingKey};
use zeroize::Zeroizing;

use crate::agreement::random;
use crate::error::NodeError;
use crate::https::{SHORT_REQUEST, status};
use crate::node::Node;
use crate::refusal::{Remedy, refuse};

impl Node {
    /// Opens a parcel, answers what is in it, and seals the answer, whatever it is. Only where the parcel
    /// does not open is the refusal in the clear: there is nobody to seal it for.
    pub(crate) fn sealed(&self, parcel: &[u8]) -> Result<Vec<u8>, ErrorAnswer> {
        let opened = self.sealing.open(parcel, parcel.len()).map_err(unreadable)?;
        let (status, body) = match self.inside(&opened) {
            Ok(body) => (200, body),
            Err(answer) => (status(&answer).as_u16(), serde_json::to_vec(&answer).unwrap_or_default()),
        };
        let mut nonce = [0; 16];
        nonce.iter_mut().zip(random()?).for_each(|(to, from)| *to = from);
        opened.answer.seal(status, &body, nonce).map_err(unreadable)
    }

    /// What somebody may ask through others, with the limits it has outside.
    fn inside(&self, opened: &Opened) -> Result<Vec<u8>, ErrorAnswer> {
        let route = Route::ALL.into_iter().find(|route| route.path() == opened.path());
        let Some(route) = route.filter(|route| is_for_parcels(*route)) else {
            return Err(refuse("no_such_route", "the server offers nothing of this name in a parcel"));
        };
        if route != Route::Command && opened.body().len() > SHORT_REQUEST {
            let message = format!("the request is longer than {SHORT_REQUEST} bytes");
            return Err(refuse("request_too_long", message).remedy("see what made it so long"));
        }
        self.answer(route, opened.body())
    }
}

/// Whoever relays cannot tell parcels apart: what one may hold is open to all who may send any. That is what
/// runs and their commands need. Policies and the books are asked for in the clear, where the relay can
/// refuse.
fn is_for_parcels(route: Route) -> bool {
    match route {
        Route::Info
        | Route::Command
        | Route::StartRun
        | Route::CloseRun
        | Route::Cancel
        | Route::Progress => true,
        Route::Policy | Route::Publish | Route::Runs | Route::Audit | Route::Sealed => false,
    }
}

fn unreadable(error: SealError) -> ErrorAnswer {
    refuse("sealed_unreadable", error.to_string())
        .remedy("fetch the server's current sealing key, then seal and send it again")
}

/// Base64 of the public half.
pub(crate) fn shown(key: &SealingKey) -> String {
    STANDARD.encode(key.public())
}

const FILE: &str = "seal.sk";

/// The key in a node's data folder; made now if there is none. Without a folder, a key of this process.
pub(crate) fn sealing_key(folder: Option<&Path>) -> Result<SealingKey, NodeError> {
    let Some(folder) = folder else { return fresh() };
    let path = folder.join(FILE);
    let about = |why: &dyn std::fmt::Display| NodeError::Config(format!("{}: {why}", path.display()));
    match fs::read_to_string(&path) {
        Ok(text) => read_pem(&Zeroizing::new(text)).ok_or_else(|| about(&"this is no X25519 key in PEM")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = fresh()?;
            keep(folder, &key).map_err(|error| about(&error))?;
            Ok(key)
        }
        Err(error) => Err(about(&error)),
    }
}

fn fresh() -> Result<SealingKey, NodeError> {
    let seed = random().map_err(|answer| NodeError::Config(answer.message))?;
    Ok(SealingKey::derive(&Zeroizing::new(seed)))
}

/// Under another name first: a key is whole or not there, and durable before anybody is told of it.
fn keep(folder: &Path, key: &SealingKey) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = folder.join("seal.new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(write_pem(key).as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

/// What stands before the 32 bytes of an X25519 key in PKCS #8 (RFC 8410).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
const END: &str = "\n-----END PRIVATE KEY-----\n";

fn write_pem(key: &SealingKey) -> Zeroizing<String> {
    let der = Zeroizing::new([PKCS8.as_slice(), key.to_bytes().as_slice()].concat());
    Zeroizing::new(format!("{BEGIN}{}{END}", *Zeroizing::new(STANDARD.encode(&*der))))
}

fn read_pem(text: &str) -> Option<SealingKey> {
    let inside = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let der = Zeroizing::new(STANDARD.decode(inside).ok()?);
    SealingKey::from_bytes(der.strip_prefix(&PKCS8)?.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made = sealing_key(Some(&data)).unwrap();
        assert_eq!(sealing_key(Some(&data)).unwrap().public(), made.public());
        let mode = fs::metadata(data.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_ne!(sealing_key(None).unwrap().public(), made.public());
    }

    #[test]
    fn a_damaged_key_is_not_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        sealing_key(Some(folder.path())).unwrap();
        let path = folder.path().join(FILE);
        let whole = fs::read_to_string(&path).unwrap();
        let ed25519 = whole.replace("MC4CAQAwBQYDK2Vu", "MC4CAQAwBQYDK2Vw");
        for text in ["", &whole[..whole.len() - 30], &whole.replace("PRIVATE", "PUBLIC"), &ed25519] {
            fs::write(&path, text).unwrap();
            assert!(sealing_key(Some(folder.path())).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}

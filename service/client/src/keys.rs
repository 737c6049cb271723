//! Key files: the analyst's, and new pairs.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use vdl_authorize::{KeyError, SigningKey};

use crate::error::ClientError;
use crate::random::random;

/// The key that signs commands, and the file it came from.
pub(crate) struct Analyst {
    path: PathBuf,
    key: SigningKey,
}

impl Analyst {
    pub(crate) fn read(path: &Path) -> Result<Self, ClientError> {
        let refused = |why: &str, remedy: &str| ClientError::KeyFile {
            message: format!("{}: {why}", path.display()),
            remedy: remedy.to_owned(),
        };
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => refused("this is no text, so no PEM key file", MAKE_ONE),
            _ => refused(
                &format!("cannot be read: {error}"),
                "give the path of the analyst's signing key (.sk)",
            ),
        })?;
        if text.contains("ENCRYPTED") {
            let remedy = "decrypt it first: openssl pkey -in encrypted.sk -out analyst.sk";
            return Err(refused("this key file is encrypted with a password", remedy));
        }
        let key = SigningKey::read_pem(&text).map_err(|error| refused(&error.to_string(), remedy(error)))?;
        Ok(Self { path: path.to_owned(), key })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(crate) fn missing() -> ClientError {
        ClientError::authorization(
            "commands in an authorized environment are signed by the analyst, and no analyst key is set",
            "set crandas.base.session.analyst_key to the path of your signing key (.sk)",
        )
    }
}

const MAKE_ONE: &str =
    "make a pair with generate_key.py analyst.sk analyst.pk (or vdl keygen) and use the .sk file";

fn remedy(error: KeyError) -> &'static str {
    match error {
        KeyError::PublicInsteadOfSecret => "use the .sk file of the same pair",
        _ => MAKE_ONE,
    }
}

/// Writes a new key pair; neither file may exist. The secret one can be read by its owner only.
pub fn generate_key(signing_key: &Path, verification_key: &Path) -> Result<(), ClientError> {
    let key = SigningKey::from_seed(random()?);
    let unwritable = |error: KeyError| ClientError::System(error.to_string());
    let (secret, public) =
        (key.write_pem().map_err(unwritable)?, key.verifying_key().write_pem().map_err(unwritable)?);
    if verification_key.exists() {
        return Err(occupied(verification_key, "it exists already"));
    }
    write_new(signing_key, secret.as_bytes(), 0o600)?;
    write_new(verification_key, public.as_bytes(), 0o644)
}

fn write_new(path: &Path, text: &[u8], mode: u32) -> Result<(), ClientError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => occupied(path, "it exists already"),
        _ => occupied(path, &error.to_string()),
    })?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(|error| occupied(path, &error.to_string()))
}

fn occupied(path: &Path, why: &str) -> ClientError {
    ClientError::KeyFile {
        message: format!("{} was not written: {why}", path.display()),
        remedy: "choose another path, or move the existing key away".to_owned(),
    }
}

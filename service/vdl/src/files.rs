//! Reading and writing the files people pass around, and showing what strangers wrote in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use vdl_authorize::{Policy, SigningKey, VerifyingKey};

use crate::failure::Failure;

/// Scripts are refused beyond 16 MiB; base64 and signatures make an approved file a little more.
const LARGEST_FILE: u64 = 32 << 20;

pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::of_file(path, error);
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Failure::of_file(path, "larger than any script or approval may be"));
    }
    Ok(bytes)
}

pub fn read_signing_key(path: &Path) -> Result<SigningKey, Failure> {
    SigningKey::read_pem(&read_pem(path)?).map_err(|error| Failure::of_file(path, error))
}

pub fn read_verifying_key(path: &Path) -> Result<VerifyingKey, Failure> {
    VerifyingKey::read_pem(&read_pem(path)?).map_err(|error| Failure::of_file(path, error))
}

/// A policy, in its envelope or as it is pinned; whether it counts is for the servers to say.
pub fn read_policy(path: &Path) -> Result<Policy, Failure> {
    vdl_authorize::read_policy(&read(path)?).map_err(|refusal| Failure::refused(path, &refusal))
}

fn read_pem(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?)
        .map_err(|_| Failure::of_file(path, "this is no key file; a key file starts with -----BEGIN"))
}

/// Writes a file that must not exist yet, readable as `mode` says, and makes sure it is on the disk.
pub fn create(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::of_file(path, "the file exists and is not overwritten")
            .remedy("choose another name, or move the file away first"),
        _ => Failure::of_file(path, error),
    })?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = fs::remove_file(path);
        Failure::of_file(path, error)
    })
}

/// Replaces a file as a whole or not at all.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary: PathBuf = path.with_file_name(name);
    create(&temporary, content, 0o644)?;
    fs::rename(&temporary, path).map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Failure::of_file(path, error)
    })
}

/// For programs, on standard output. Plain ASCII, so that nothing in it paints on a terminal either.
pub fn print_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    println!("{}", ascii(&serde_json::to_string_pretty(value).map_err(Failure::new)?));
    Ok(())
}

/// The same JSON without any character that has to be known to be seen.
fn ascii(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        match character {
            '\n' | ' '..='~' => written.push(character),
            _ => {
                let units = character.encode_utf16(&mut units).iter();
                written.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    written
}

/// Text from a file for a terminal: nothing in it can move the cursor, change colours or turn the
/// direction of reading, so an approver sees what is there.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('\n'),
            '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' => {
                shown.extend(character.escape_unicode());
            }
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

/// The same on one line.
pub fn printable_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_paint_there_either_and_means_the_same() {
        let text = "a\u{202e}b\u{7f}ü𝒳\u{1b}\n";
        let written = ascii(&serde_json::to_string(text).unwrap());
        assert_eq!(written, r#""a\u202eb\u007f\u00fc\ud835\udcb3\u001b\n""#);
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn a_script_cannot_paint_on_the_approvers_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\r"), "a\\u{1b}[2Jb\\u{202e}c\\r");
        assert_eq!(printable_line("one\ntwo"), "one\\ntwo");
        assert_eq!(printable("häufig · 年"), "häufig · 年");
    }
}

//! What the fuzz targets do with bytes from outside, a function each: nothing crashes, and what is accepted
//! is read back as the same. A test of the gate (`service/vdl/tests/corpus.rs`) includes this file and puts
//! the committed corpora through the same functions, without a fuzzer and on a stable compiler.

use std::fmt::Debug;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vdl_authorize::audit::{Event, compare_logs, read_log};
use vdl_authorize::{
    Bindings, Gatekeeper, Policy, Revocation, Revocations, SigningKey, Statement, VerifyingKey,
    explain_statement, is_envelope, is_signed_by, match_step, read_envelope, read_policy, read_revocation,
    verify_envelope,
};
use vdl_command::{
    Answer, CloseRun, ColumnType, ErrorAnswer, Info, JobId, Progress, Request, Script, StartRun, StartedRun,
    Step, explain_script, holes, read_command, read_script, report, wire, write_command, write_script,
};
use vdl_seal::{SealingKey, seal};
use vdl_share::{UploadColumn, UploadLayout, combine_opened, decode_segment, encode_segment, read_upload};
use vdl_transport::{Assembler, Frame};

type Target = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("audit", audit),
    ("column_type", column_type),
    ("command", command),
    ("envelope", envelope),
    ("frame", frame),
    ("parcel", parcel),
    ("policy", policy),
    ("request", request),
    ("revocation", revocation),
    ("script", script),
    ("shares", shares),
];

/// Column types: every accepted form has one canonical form.
pub fn column_type(bytes: &[u8]) {
    if let Ok(read) = text(bytes).parse::<ColumnType>() {
        assert_eq!(read.to_string().parse(), Ok(read.clone()));
        assert!(read.width() >= 1);
    }
}

/// Commands: what is read is written back to the same, and matches itself when nothing is left open.
pub fn command(bytes: &[u8]) {
    if let Ok(command) = read_command(&text(bytes)) {
        let again = write_command(&command).expect("what was read can be written");
        assert_eq!(read_command(&again), Ok(command.clone()));
        let script = Script::new(None, vec![Step { command: command.clone(), source: None }]);
        let matches = match_step(&script, 0, &command, &Bindings::new()).is_ok();
        assert_eq!(matches, holes(&command).is_empty());
    }
}

/// Script files: what is read is written back to the same, and can be explained.
pub fn script(bytes: &[u8]) {
    if let Ok(script) = read_script(bytes) {
        let again = write_script(&script).expect("what was read can be written");
        assert_eq!(read_script(again.as_bytes()), Ok(script.clone()));
        assert!(!explain_script(&script).is_empty());
        assert_eq!(report(&script).steps.len(), script.steps.len());
    }
}

/// Approved files, the statements in them, and keys: nothing is believed without signatures.
pub fn envelope(bytes: &[u8]) {
    assert!(verify_envelope(bytes, &NOBODY_SIGNED, &Revocations::default(), 0).is_err());
    let _ = (read_envelope(bytes), is_envelope(bytes));
    assert!(!is_signed_by(bytes, &STRANGER).is_ok_and(|signed| signed));
    if let Ok(statement) = Statement::read(bytes) {
        assert!(!explain_statement(&statement).is_empty());
        same_again(&statement, |written| Statement::read(written).ok());
    }
    let text = text(bytes);
    let _ = SigningKey::read_pem(&text);
    for key in [VerifyingKey::read_pem(&text), VerifyingKey::from_base64(&text)].into_iter().flatten() {
        let written = key.to_base64().expect("what was read can be written");
        assert_eq!(VerifyingKey::from_base64(&written), Ok(key));
    }
}

/// Policies, bare and in their envelopes: one text each, and none follows without everybody's signatures.
pub fn policy(bytes: &[u8]) {
    assert!(NOBODY_SIGNED.follow(bytes).is_err());
    assert!(NOBODY_SIGNED.succeed(bytes, &Revocations::default(), 0).is_err());
    if let Ok(policy) = read_policy(bytes) {
        let payload = policy.to_payload().expect("what was read can be written");
        assert_eq!(Policy::read(&payload), Ok(policy.clone()));
        assert!(!policy.rule_in_words().is_empty() && policy.approvers().count() >= 1);
        assert!(policy.succeed(bytes, &Revocations::default(), 0).is_err(), "no policy follows itself");
    }
}

/// Revocations: strangers revoke nothing, and what is read has one digest.
pub fn revocation(bytes: &[u8]) {
    let mut none = Revocations::default();
    assert!(none.add(bytes, &[&NOBODY_SIGNED]).is_err() && none == Revocations::default());
    let mut gate = Gatekeeper::authorized(NOBODY_SIGNED.clone(), Revocations::default());
    assert!(gate.revoke(bytes, &[]).is_err());
    for revocation in [Revocation::read(bytes), read_revocation(bytes)].into_iter().flatten() {
        assert!(!revocation.revokes.to_string().is_empty());
        let digest = revocation.digest();
        same_again(&revocation, |written| Revocation::read(written).ok());
        assert!(digest.is_ok());
    }
}

/// Audit logs: whatever the lines are, they are read and judged; a whole log is whole with one more entry.
pub fn audit(bytes: &[u8]) {
    let (log, findings) = read_log(bytes);
    let shown = findings.iter().all(|finding| !finding.to_string().is_empty());
    assert!(shown && log.entries.iter().all(|found| !found.entry.event.to_string().is_empty()));
    if findings.is_empty() && (bytes.is_empty() || bytes.ends_with(b"\n")) {
        let (line, head) = log.head().follow(0, Event::Recovered { cut: 1 }).expect("a short entry");
        let (longer, findings) = read_log(&[bytes, &line].concat());
        assert_eq!((longer.head(), findings), (head, Vec::new()));
    }
    let half = bytes.split_at(bytes.len() / 2);
    for (_, finding) in compare_logs(&[log, read_log(half.0).0, read_log(half.1).0]) {
        assert!(!finding.to_string().is_empty());
    }
}

/// Bodies of requests and answers.
pub fn request(bytes: &[u8]) {
    body::<Request>(bytes);
    body::<StartRun>(bytes);
    body::<CloseRun>(bytes);
    body::<JobId>(bytes);
    body::<Answer>(bytes);
    body::<Info>(bytes);
    body::<StartedRun>(bytes);
    body::<Progress>(bytes);
    body::<ErrorAnswer>(bytes);
}

/// Frames between nodes, whole and as a stream that is cut anywhere.
pub fn frame(bytes: &[u8]) {
    if let Ok(frame) = Frame::decode(bytes) {
        assert_eq!(frame.encode().expect("what was read can be written"), bytes);
    }
    let (mut at_once, mut frames) = (Assembler::default(), Vec::new());
    let whole = at_once.feed(bytes, |frame| frames.push(frame)).is_ok();
    let size = 1 + usize::from(bytes.first().copied().unwrap_or(0)) % 97;
    let (mut in_pieces, mut same) = (Assembler::default(), Vec::new());
    let fed = bytes.chunks(size).all(|piece| in_pieces.feed(piece, |frame| same.push(frame)).is_ok());
    assert_eq!((whole, frames), (fed, same), "cut every {size} bytes");
}

/// Parcels and answers to them: what opens was sealed to this server, and what is sealed arrives as it was.
pub fn parcel(bytes: &[u8]) {
    // The server of the vectors, and one for which nobody sealed anything.
    let [server, other] = [0x11, 0xF5].map(|seed| SealingKey::derive(&[seed; 32]));
    assert!(other.open(bytes, bytes.len()).is_err());
    if let Ok(opened) = server.open(bytes, bytes.len()) {
        assert!(opened.path().len() + opened.body().len() < bytes.len());
    }
    let (parcel, mine) = seal(&server.public(), "/v1/command", bytes, [2; 32]).expect("a short path");
    assert!(mine.open(bytes).is_err());
    let opened = server.open(&parcel, parcel.len()).expect("it was sealed to this server");
    assert_eq!((opened.path(), opened.body()), ("/v1/command", bytes));
    let answer = opened.answer.seal(200, bytes, [3; 16]).expect("not too long");
    assert_eq!(mine.open(&answer), Ok((200, bytes.to_vec())));
}

/// Uploads, opened answers and stored segments. The first four bytes say for which rows and columns.
pub fn shares(bytes: &[u8]) {
    let Some(([low, high, width, nullable], bytes)) = bytes.split_first_chunk::<4>().map(|(a, b)| (*a, b))
    else {
        return;
    };
    let rows = usize::from(u16::from_le_bytes([low, high]));
    let columns = vec![UploadColumn { width: usize::from(width), nullable: nullable % 2 == 1 }];
    if let Ok(layout) = UploadLayout::new(rows, columns) {
        let _ = read_upload(&layout, bytes);
    }
    let (first, rest) = bytes.split_at(bytes.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let _ = combine_opened(&[first, second, third], rows);
    if let Ok(column) = decode_segment(rows, bytes) {
        assert!(decode_segment(rows, &encode_segment(rows, &column)).is_ok());
    }
}

/// A body that is read is written and read as the same, with the same payload behind it.
fn body<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok((header, payload)) = wire::decode::<T>(bytes) {
        let again = wire::encode(&header, payload).expect("what was read can be written");
        assert_eq!(wire::decode::<T>(&again), Ok((header, payload)));
    }
}

/// What was read strictly is written in compact form and read as the same.
fn same_again<T: Serialize + PartialEq + Debug>(value: &T, read: impl Fn(&[u8]) -> Option<T>) {
    let written = serde_json::to_vec(value).expect("what was read can be written");
    assert_eq!(read(&written).as_ref(), Some(value));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A key that has signed nothing of all this.
static STRANGER: LazyLock<VerifyingKey> = LazyLock::new(|| SigningKey::from_seed([0xF5; 32]).verifying_key());

/// The policy under which that key would have to sign.
static NOBODY_SIGNED: LazyLock<Policy> = LazyLock::new(|| {
    Policy::pinned(std::slice::from_ref(&STRANGER), "production").expect("one approver is enough")
});

//! Reading logs again: what is missing, altered, out of its place, or not what others saw.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use vdl_command::{Digest, read_strict};

use super::{Entry, Event, Head, LONGEST_ENTRY, entry_digest, verify_head};
use crate::keys::VerifyingKey;

/// What does not fit in a log. Numbers of lines and entries count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The line is no entry.
    Unreadable { line: usize },
    /// The entry behind it names another digest.
    Altered { sequence: u64 },
    /// No line has these numbers.
    Missing { from: u64, to: u64 },
    /// It stands behind a later one, or its number is there already.
    Reordered { sequence: u64 },
    /// Server `by` saw an entry beyond the last one.
    CutOff { last: u64, witnessed: u64, by: u8 },
    /// The chain holds, but server `by` signed another entry `sequence`. What it saw up to `after` fits.
    Rewritten { after: u64, sequence: u64, by: u8 },
    /// The entry holds a signature which is not that server's.
    BadWitness { sequence: u64, by: u8 },
    /// This server signed an entry of the log of server `of`, and its own log does not say so.
    Forgotten { of: u8, sequence: u64 },
    /// An older copy of the folder was put back, and the log itself says so.
    Restored { from: u64, to: u64 },
}

/// An entry where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub line: usize,
    pub digest: Digest,
    pub entry: Entry,
}

/// A log that was read: the lines that are entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// As in the file.
    pub entries: Vec<LogEntry>,
    /// Whose log it is, as its last start says.
    pub node: Option<u8>,
    pub environment: Option<String>,
    /// What this server signs with, in SPKI and base64.
    pub key: Option<String>,
    /// Where the entry with a number stands.
    places: BTreeMap<u64, usize>,
    /// The heads of this log that others signed.
    witnesses: Vec<(u8, Head)>,
}

impl Log {
    /// What the next entry follows.
    pub fn head(&self) -> Head {
        let last = self.entries.last();
        last.map_or(Head::START, |last| Head { sequence: last.entry.sequence, digest: last.digest })
    }

    /// The entry with this number.
    pub fn get(&self, sequence: u64) -> Option<&LogEntry> {
        self.entries.get(*self.places.get(&sequence)?)
    }

    /// How far server `by` signed this log.
    pub fn witnessed_by(&self, by: u8) -> Option<u64> {
        let signed = self.witnesses.iter().filter(|(who, _)| *who == by);
        signed.map(|(_, head)| head.sequence).max()
    }

    fn last(&self) -> u64 {
        self.places.keys().next_back().copied().unwrap_or(0)
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.entries.iter().map(|found| &found.entry.event)
    }

    /// Which heads of the log of server `node` this one signed.
    fn signed(&self, node: u8) -> impl Iterator<Item = Head> {
        self.events().filter_map(move |event| match event {
            Event::Countersigned { node: of, sequence, head } if *of == node => {
                Some(Head { sequence: *sequence, digest: *head })
            }
            _ => None,
        })
    }

    /// From which head of server `of` on it must know what it signed: all, or those since an older copy of
    /// this log was put back.
    fn remembers(&self, of: u8) -> u64 {
        let mut since = Some(0);
        for event in self.events() {
            match event {
                Event::Restored { .. } => since = None,
                Event::Countersigned { node, sequence, .. } if *node == of => {
                    since = since.or(Some(*sequence))
                }
                _ => {}
            }
        }
        since.unwrap_or(u64::MAX)
    }

    fn is_restored(&self, sequence: u64) -> bool {
        self.events().any(|event| match event {
            Event::Restored { missing_from, missing_to, .. } => {
                (*missing_from..=*missing_to).contains(&sequence)
            }
            _ => false,
        })
    }
}

/// Reads a log and follows its chain. Believes no entry because another one does.
pub fn read_log(bytes: &[u8]) -> (Log, Vec<Finding>) {
    let (mut log, mut findings) = (Log::default(), Vec::new());
    let mut unreadable: BTreeMap<u64, u64> = BTreeMap::new();
    for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line_number = at + 1;
        let Some(entry) = read_line(line) else {
            findings.push(Finding::Unreadable { line: line_number });
            // Stands for one of the numbers that come next, which is not missing as well.
            *unreadable.entry(log.last() + 1).or_default() += 1;
            continue;
        };
        let place = log.entries.len();
        if entry.sequence <= log.last() {
            findings.push(Finding::Reordered { sequence: entry.sequence });
        }
        if let Event::Opened { node, environment, key, .. } = &entry.event {
            log.node = Some(*node);
            log.environment = Some(environment.clone());
            log.key = Some(key.clone());
        }
        log.places.entry(entry.sequence).or_insert(place);
        let digest = entry_digest(line.strip_suffix(b"\n").unwrap_or(line));
        log.entries.push(LogEntry { line: line_number, digest, entry });
    }
    check_chain(&log, &unreadable, &mut findings);
    check_witnesses(&mut log, &mut findings);
    (log, findings)
}

fn read_line(line: &[u8]) -> Option<Entry> {
    let text = line.strip_suffix(b"\n").filter(|_| line.len() <= LONGEST_ENTRY)?;
    read_strict::<Entry>(text).ok().filter(|entry| entry.sequence > 0)
}

/// Each entry against the one numbered before it, wherever that stands.
fn check_chain(log: &Log, unreadable: &BTreeMap<u64, u64>, findings: &mut Vec<Finding>) {
    let mut before = Head::START;
    for place in log.places.values() {
        let Some(LogEntry { digest, entry, .. }) = log.entries.get(*place) else { continue };
        let mut gap = Some((before.sequence + 1, entry.sequence - 1)).filter(|(from, to)| from <= to);
        if let Event::Restored { missing_from, missing_to, .. } = entry.event {
            findings.push(Finding::Restored { from: missing_from, to: missing_to });
            gap = gap.filter(|(from, to)| missing_from > *from || missing_to < *to);
        }
        match gap {
            Some((from, to)) => findings.extend(missing(from, to, unreadable)),
            None if entry.previous != before.digest => {
                findings.push(Finding::Altered { sequence: before.sequence.max(1) });
            }
            None => {}
        }
        before = Head { sequence: entry.sequence, digest: *digest };
    }
}

/// The numbers of a gap that no unreadable line stands for.
fn missing(from: u64, to: u64, unreadable: &BTreeMap<u64, u64>) -> Option<Finding> {
    let from = from + unreadable.get(&from).copied().unwrap_or(0);
    (from <= to).then_some(Finding::Missing { from, to })
}

/// The signatures that stand in the log itself; a server keeps its key.
fn check_witnesses(log: &mut Log, findings: &mut Vec<Finding>) {
    let (Some(node), Some(environment)) = (log.node, &log.environment) else { return };
    let mut keys: BTreeMap<u8, &str> = BTreeMap::new();
    for found in &log.entries {
        let Event::Witnessed { by, key, sequence, head, signature } = &found.entry.event else { continue };
        let head = Head { sequence: *sequence, digest: *head };
        let same_key = *keys.entry(*by).or_insert(key) == key;
        let signed = VerifyingKey::from_base64(key)
            .is_ok_and(|key| verify_head(&key, environment, node, head, signature));
        match signed && same_key && *by != node {
            true => log.witnesses.push((*by, head)),
            false => findings.push(Finding::BadWitness { sequence: found.entry.sequence, by: *by }),
        }
    }
}

/// Holds each log against the heads that others signed; with it stands which log a finding is about.
/// A log that was copied before the others may lack what they saw since.
pub fn compare_logs(logs: &[Log]) -> Vec<(usize, Finding)> {
    let mut findings = Vec::new();
    for (at, log) in logs.iter().enumerate() {
        let others: Vec<&Log> =
            logs.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, log)| log).collect();
        let found = check_heads(log, &others)
            .into_iter()
            .chain(check_keys(log, &others))
            .chain(check_memory(log, &others));
        findings.extend(found.map(|finding| (at, finding)));
    }
    findings
}

/// Against every head of it that somebody signed.
fn check_heads(log: &Log, others: &[&Log]) -> Vec<Finding> {
    let mut claims: BTreeMap<u8, BTreeSet<Head>> = BTreeMap::new();
    for (by, head) in &log.witnesses {
        claims.entry(*by).or_default().insert(*head);
    }
    for other in others {
        if let (Some(mine), Some(by)) = (log.node, other.node) {
            claims.entry(by).or_default().extend(other.signed(mine));
        }
    }
    claims.iter().flat_map(|(by, heads)| check_claims(log, *by, heads)).collect()
}

/// Against the heads one server signed: the first that differs, and the last if it is beyond the end.
fn check_claims(log: &Log, by: u8, heads: &BTreeSet<Head>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let last = log.last();
    if let Some(beyond) = heads.last().filter(|head| head.sequence > last) {
        findings.push(Finding::CutOff { last, witnessed: beyond.sequence, by });
    }
    let mut after = 0;
    for head in heads {
        match log.get(head.sequence) {
            Some(found) if found.digest == head.digest => after = head.sequence,
            Some(_) if !log.is_restored(head.sequence) => {
                let after = after.min(head.sequence - 1);
                findings.push(Finding::Rewritten { after, sequence: head.sequence, by });
                return findings;
            }
            // What is not there at all is missing or cut off, and was reported as that.
            Some(_) | None => {}
        }
    }
    findings
}

/// Whether its witnesses are who they say, where their own logs are there to tell.
fn check_keys(log: &Log, others: &[&Log]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for found in &log.entries {
        let Event::Witnessed { by, key, .. } = &found.entry.event else { continue };
        let mut own = others.iter().filter(|other| other.node == Some(*by));
        if own.any(|other| other.key.as_ref().is_some_and(|own| own != key)) {
            findings.push(Finding::BadWitness { sequence: found.entry.sequence, by: *by });
        }
    }
    findings
}

/// Whether it remembers what it signed in the logs of others: it wrote that down before it answered.
fn check_memory(log: &Log, others: &[&Log]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(mine) = log.node else { return findings };
    for other in others {
        let Some(of) = other.node else { continue };
        let known: BTreeSet<Head> = log.signed(of).collect();
        let since = log.remembers(of);
        let mut given = other.witnesses.iter().filter(|(by, head)| *by == mine && head.sequence >= since);
        if let Some((_, head)) = given.find(|(_, head)| !known.contains(head)) {
            findings.push(Finding::Forgotten { of, sequence: head.sequence });
        }
    }
    findings
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = |from: &u64, to: &u64| match from == to {
            true => format!("entry {from}"),
            false => format!("entries {from} to {to}"),
        };
        match self {
            Finding::Unreadable { line } => write!(f, "line {line} cannot be read as an entry"),
            Finding::Altered { sequence } => {
                write!(f, "entry {sequence} was altered: the one behind it names another digest")
            }
            Finding::Missing { from, to } if from == to => write!(f, "entry {from} is missing"),
            Finding::Missing { from, to } => write!(f, "{} are missing", entries(from, to)),
            Finding::Reordered { sequence } => write!(f, "entry {sequence} is not in its place"),
            Finding::CutOff { last, witnessed, by } => {
                write!(f, "it ends with entry {last}, and server {by} has seen entry {witnessed}")
            }
            Finding::Rewritten { after, sequence, by } => {
                let where_to_look = entries(&(after + 1), sequence);
                write!(f, "{where_to_look}: rewritten; server {by} signed another entry {sequence}")
            }
            Finding::BadWitness { sequence, by } => {
                write!(f, "entry {sequence} holds a signature that is not server {by}'s")
            }
            Finding::Forgotten { of, sequence } => {
                write!(f, "it does not say that it signed entry {sequence} of server {of}")
            }
            Finding::Restored { from, to } => {
                write!(f, "{} lost when an older copy was put back", entries(from, to))
            }
        }
    }
}

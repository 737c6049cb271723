//! The first frames of a job: do all three nodes mean the same, do the copies agree, and what fresh
//! secrets do they compute with?
//!
//! One message to each peer, one round. It carries: digest of what is about to be done, a nonce for
//! the result's handle, this node's half of a fresh pair key, the digest of the uploaded component
//! that both hold (never of one that the peer does not hold: its digest would be a guess's check),
//! how many lanes this node can work on and how far away its peers are, and the tags of the forms that the
//! input columns are held in.

use std::time::Duration;

use vdl_command::{Digest, ErrorAnswer, Handle, JobId};
use vdl_transport::{Lane, Peer};
use zeroize::Zeroizing;

use crate::held::{Forms, Held};
use crate::net::{NodeLane, PEERS, node_of, slot};
use crate::refusal::{Remedy, disagree, from_transport, refuse};

/// What the three nodes have agreed upon.
pub(crate) struct Agreement {
    /// The handle of the result.
    pub handle: Handle,
    /// Fresh keys shared with the next and with the previous node.
    pub keys: [Zeroizing<[u8; 32]>; 2],
    /// The fewest lanes that any of the three offers.
    pub lanes: u16,
    /// The longest round trip that any of the three knows of.
    pub round_trip: Duration,
}

/// What this node brings: a digest of the whole intention, and of the upload's two components.
pub(crate) struct Intention {
    pub digest: Digest,
    /// Component shared with the next node, and with the previous one.
    pub components: [[u8; 32]; 2],
    pub lanes: u16,
    pub round_trip: Duration,
}

const STEP: &str = "agree";
const FIXED: usize = 4 * 32 + 2 + 4;

/// Talks to both peers; afterwards all three hold their inputs in the same forms.
pub(crate) fn agree(
    me: u8,
    job: JobId,
    lane: &mut NodeLane,
    intention: &Intention,
    inputs: &mut [&mut Held],
) -> Result<Agreement, ErrorAnswer> {
    let failed = |error| from_transport(me, &error);
    let nonce = random()?;
    let halves = [Zeroizing::new(random()?), Zeroizing::new(random()?)];
    let round_trip = u32::try_from(intention.round_trip.as_micros()).unwrap_or(u32::MAX);
    let forms: Vec<Forms> = inputs.iter().flat_map(|held| held.forms()).copied().collect();
    for peer in PEERS {
        let mut message = Vec::with_capacity(FIXED + forms.len() * 16);
        message.extend_from_slice(&intention.digest.0);
        message.extend_from_slice(&nonce);
        message.extend_from_slice(&*halves[slot(peer)]);
        message.extend_from_slice(&intention.components[slot(peer)]);
        message.extend_from_slice(&intention.lanes.to_le_bytes());
        message.extend_from_slice(&round_trip.to_le_bytes());
        message.extend(forms.iter().flatten().flat_map(|tag| tag.to_le_bytes()));
        lane.send(peer, STEP, message).map_err(failed)?;
    }
    let mut nonces = [[0; 32]; 3];
    nonces[usize::from(me)] = nonce;
    let mut keys = halves.clone();
    let mut others = Vec::with_capacity(2);
    let (mut lanes, mut longest) = (intention.lanes, round_trip);
    for peer in PEERS {
        let message = Zeroizing::new(lane.receive_any(peer, STEP).map_err(failed)?);
        let heard = Heard::read(&message).ok_or_else(|| disagree(peer, me, "speak different versions"))?;
        heard.check(me, peer, intention, forms.len())?;
        nonces[usize::from(node_of(me, peer))] = heard.nonce;
        keys[slot(peer)] = pair_key(job, peer, &halves[slot(peer)], &Zeroizing::new(heard.half));
        lanes = lanes.min(heard.lanes);
        longest = longest.max(heard.round_trip);
        others.push(heard.forms);
    }
    keep_common(inputs, &others)?;
    let round_trip = Duration::from_micros(longest.into());
    Ok(Agreement { handle: result_handle(job, &nonces), keys, lanes: lanes.max(1), round_trip })
}

/// A peer's message, taken apart.
struct Heard {
    digest: [u8; 32],
    nonce: [u8; 32],
    half: [u8; 32],
    component: [u8; 32],
    lanes: u16,
    /// In microseconds.
    round_trip: u32,
    forms: Vec<Forms>,
}

impl Heard {
    fn read(message: &[u8]) -> Option<Self> {
        let (fixed, rest) = message.split_at_checked(FIXED)?;
        let part = |index: usize| fixed.get(index * 32..)?.first_chunk::<32>().copied();
        let (tags, odd) = rest.as_chunks::<8>();
        let tags: Vec<u64> = tags.iter().map(|tag| u64::from_le_bytes(*tag)).collect();
        let (forms, half_form) = tags.as_chunks::<2>();
        (odd.is_empty() && half_form.is_empty()).then_some(Self {
            digest: part(0)?,
            nonce: part(1)?,
            half: part(2)?,
            component: part(3)?,
            lanes: u16::from_le_bytes(*fixed.get(4 * 32..)?.first_chunk()?),
            round_trip: u32::from_le_bytes(*fixed.last_chunk()?),
            forms: forms.to_vec(),
        })
    }

    fn check(&self, me: u8, peer: Peer, intention: &Intention, columns: usize) -> Result<(), ErrorAnswer> {
        if self.digest != intention.digest.0 || self.forms.len() != columns {
            return Err(disagree(peer, me, "were asked for different things, or see different tables")
                .remedy("send the same request to all three servers; if a name was given anew, try again"));
        }
        if self.component != intention.components[slot(peer)] {
            return Err(refuse(
                "copies_differ",
                format!("servers {me} and {} were given different copies of the data", node_of(me, peer)),
            )
            .remedy("upload again; nothing was stored"));
        }
        Ok(())
    }
}

fn keep_common(inputs: &mut [&mut Held], others: &[Vec<Forms>]) -> Result<(), ErrorAnswer> {
    for forms in others {
        let mut rest = forms.as_slice();
        for held in &mut *inputs {
            let (of_this, behind) = rest.split_at_checked(held.forms().len()).unwrap_or((&[], &[]));
            rest = behind;
            if !held.keep_common(of_this) {
                return Err(refuse(
                    "servers_disagree",
                    format!("the servers hold table {} differently", held.meta.handle),
                )
                .remedy("upload or compute it again"));
            }
        }
    }
    Ok(())
}

/// Both halves in the order of the ring, so that both nodes derive one key.
fn pair_key(job: JobId, peer: Peer, own: &[u8; 32], theirs: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let (first, second) = match peer {
        Peer::Next => (own, theirs),
        Peer::Previous => (theirs, own),
    };
    let mut hasher = blake3::Hasher::new_derive_key("vdl pair key 1");
    hasher.update(&job.0).update(first).update(second);
    Zeroizing::new(*hasher.finalize().as_bytes())
}

/// No single node chooses a handle.
fn result_handle(job: JobId, nonces: &[[u8; 32]; 3]) -> Handle {
    let mut hasher = blake3::Hasher::new_derive_key("vdl result handle 1");
    hasher.update(&job.0);
    for nonce in nonces {
        hasher.update(nonce);
    }
    Handle(*hasher.finalize().as_bytes())
}

pub(crate) fn random() -> Result<[u8; 32], ErrorAnswer> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| refuse("internal", "the system gives no randomness"))?;
    Ok(bytes)
}

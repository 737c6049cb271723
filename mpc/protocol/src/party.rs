//! One of the three parties, and the five primitives everything else is made of.

use std::ops::Range;
use std::time::Duration;

use vdl_share::{Group, Keystream, Shared, Xor};
use vdl_transport::{Lane, Peer};

use crate::randomness::{Context, PairKeys, Randomness};
use crate::{ProtocolError, Result};

/// What a protocol may touch: who I am, lanes to the two others, randomness in common with each.
///
/// The five primitives are `reshare` (with its form for two known parts), `open` (with its form towards two
/// parties), `input`, the shuffle pass (in `shuffle`) and `coin`. Nothing else sends, so a party that detects
/// cheating replaces these and only these.
pub struct Party {
    id: usize,
    lane: Box<dyn Lane>,
    lane_number: u16,
    randomness: Randomness,
    steps: u64,
    costs: Costs,
    /// Received buffers, used again for sending: fresh memory costs more than the copy.
    spare: Vec<Vec<u8>>,
    /// The same party on further lanes, see `split`.
    others: Vec<Party>,
    /// How many times longer a round takes than on the line that figures are given for.
    stretch: usize,
}

/// What this party has spent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Messages that had to wait for one another; the same at all three parties.
    pub rounds: u64,
    /// Payload bytes this party sent.
    pub bytes_sent: u64,
}

/// One use of a primitive, numbered alike at all three parties.
#[derive(Clone, Copy)]
pub struct Step {
    pub name: &'static str,
    number: u64,
}

impl Step {
    /// 0, 1 or 2, in turn and alike at all parties: who takes the busy role.
    pub fn turn(self) -> usize {
        (self.number % 3) as usize
    }
}

/// Made at a time, few enough to stay in the nearest cache; smaller buffers are not kept.
const PIECE_BYTES: usize = 16384;

/// Sent at a time: enough to keep the wire busy, few enough to be on it while the next ones are made.
const FRAME_BYTES: usize = 1 << 20;

const SPARES: usize = 16;

/// The round trip that all figures are given for.
const NEAR: Duration = Duration::from_micros(100);
/// From here on the line is what takes the time.
const FAR: Duration = Duration::from_millis(1);
/// No line on Earth is longer.
const LONGEST: Duration = Duration::from_secs(1);

/// Fewer rows than this are not worth a thread.
pub(crate) const LANE_ROWS: usize = 1 << 16;

impl Party {
    /// `keys` must be fresh, and known to the other party of each pair only.
    pub fn new(id: usize, lane: Box<dyn Lane>, keys: PairKeys, lane_number: u16) -> Self {
        let randomness = Randomness::new(keys);
        Self {
            id: id % 3,
            lane,
            lane_number,
            randomness,
            steps: 0,
            costs: Costs::default(),
            spare: Vec::new(),
            others: Vec::new(),
            stretch: 1,
        }
    }

    /// How long a message and its answer travel, where that is long; the same at all three parties. Protocols that
    /// come in a form of few rounds and one of few bits choose by it.
    pub fn with_round_trip(mut self, time: Duration) -> Self {
        // Between near machines a measured time says more about their load than about the line.
        let time = if time < FAR { NEAR } else { time.min(LONGEST) };
        self.stretch = usize::try_from(time.as_micros() / NEAR.as_micros()).unwrap_or(1);
        for other in &mut self.others {
            other.stretch = self.stretch;
        }
        self
    }

    /// Up to how many rows rounds are what costs, where it is `near` between neighbouring machines.
    pub fn few_rows(&self, near: usize) -> usize {
        near.saturating_mul(self.stretch)
    }

    /// Further lanes to work on side by side, one thread each. All three parties must have as many. They
    /// are numbered on from this party's own, which is part of every context, so no randomness is shared.
    pub fn with_lanes(mut self, lanes: impl IntoIterator<Item = Box<dyn Lane>>) -> Self {
        for (number, lane) in (self.lane_number + 1..).zip(lanes) {
            let other = Self::new(self.id, lane, self.randomness.keys(), number);
            self.others.push(Self { stretch: self.stretch, ..other });
        }
        self
    }

    pub(crate) fn lanes(&self) -> usize {
        1 + self.others.len()
    }

    /// Cuts the rows into one range per lane, each of whole groups of 64 rows and none of few, and works on
    /// all of them at once. The results come in the order of the rows.
    pub fn split<T: Send>(
        &mut self,
        rows: usize,
        work: impl Fn(&mut Party, Range<usize>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let parts = (rows / LANE_ROWS).clamp(1, self.lanes());
        let size = rows.div_ceil(parts).next_multiple_of(64);
        let ranges = (0..parts).map(|part| (part * size).min(rows)..((part + 1) * size).min(rows));
        self.side_by_side(ranges.collect(), work)
    }

    /// Works on all parts at once, each on a lane of its own; there must be no more of them than lanes. The results
    /// come in the order of the parts.
    pub(crate) fn side_by_side<P: Send, T: Send>(
        &mut self,
        parts: Vec<P>,
        work: impl Fn(&mut Party, P) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let mut others = std::mem::take(&mut self.others);
        let before: Vec<Costs> = others.iter().map(Party::costs).collect();
        let (own, work) = (self.costs, &work);
        let mut parts = parts.into_iter();
        let first = parts.next();
        let results = std::thread::scope(|scope| {
            let running: Vec<_> =
                parts.zip(&mut others).map(|(part, party)| scope.spawn(move || work(party, part))).collect();
            let mut results: Vec<_> = first.map(|part| work(self, part)).into_iter().collect();
            results.extend(running.into_iter().map(|thread| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            results
        });
        // Rounds pass side by side, bytes add up.
        for (party, before) in others.iter().zip(before) {
            self.costs.rounds = self.costs.rounds.max(own.rounds + party.costs.rounds - before.rounds);
            self.costs.bytes_sent += party.costs.bytes_sent - before.bytes_sent;
        }
        self.others = others;
        results.into_iter().collect()
    }

    pub fn id(&self) -> usize {
        self.id
    }

    pub fn costs(&self) -> Costs {
        self.costs
    }

    /// Keeps the context of every stream from now on, for tests.
    pub fn record_contexts(&mut self) {
        self.randomness.record();
        self.others.iter_mut().for_each(Self::record_contexts);
    }

    /// What was recorded, lane by lane.
    pub fn contexts(&self) -> Vec<Context> {
        let mut all = self.randomness.recorded().to_vec();
        all.extend(self.others.iter().flat_map(Self::contexts));
        all
    }

    pub(crate) fn begin(&mut self, name: &'static str) -> Step {
        self.steps += 1;
        Step { name, number: self.steps }
    }

    pub(crate) fn rounds(&mut self, count: u64) {
        self.costs.rounds += count;
    }

    pub(crate) fn peer(&self, id: usize) -> Peer {
        if id % 3 == (self.id + 1) % 3 { Peer::Next } else { Peer::Previous }
    }

    pub(crate) fn stream(&mut self, step: Step, peer: Peer, purpose: &'static str) -> Keystream {
        let (lane, number) = (self.lane_number, step.number);
        self.randomness.stream(Context { peer, lane, number, step: step.name, purpose })
    }

    pub(crate) fn send<G: Group>(&mut self, to: Peer, step: Step, words: &[G]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        self.costs.bytes_sent += bytes.len() as u64;
        pieces(bytes.len()).try_for_each(|piece| self.send_frame(to, step, &bytes[piece]))
    }

    fn send_frame(&mut self, to: Peer, step: Step, bytes: &[u8]) -> Result<()> {
        let spare = if bytes.len() < PIECE_BYTES { None } else { self.spare.pop() };
        let mut payload = spare.unwrap_or_default();
        payload.clear();
        payload.extend_from_slice(bytes);
        Ok(self.lane.send(to, step.name, payload)?)
    }

    pub(crate) fn receive<G: Group>(&mut self, from: Peer, step: Step, count: usize) -> Result<Vec<G>> {
        let size = size_of::<G>();
        let mut words = Vec::with_capacity(count);
        for piece in pieces(count * size) {
            let got = self.lane.receive(from, step.name, piece.len())?;
            if got.len() != piece.len() {
                return Err(ProtocolError::Shape { step: step.name });
            }
            match bytemuck::try_cast_slice::<u8, G>(&got) {
                Ok(got) => words.extend_from_slice(got),
                Err(_) => words.extend(got.chunks_exact(size).map(bytemuck::pod_read_unaligned::<G>)),
            }
            if got.len() >= PIECE_BYTES && self.spare.len() < SPARES {
                self.spare.push(got);
            }
        }
        Ok(words)
    }

    /// Turns three summands, one at each party, into a sharing of their sum.
    ///
    /// Araki et al., CCS 2016: each party adds its part of a sharing of zero, which costs nothing, and
    /// sends the result to the previous party. Rounds: 1. Bits per element and party: its size. Opens:
    /// nothing.
    pub(crate) fn reshare<G: Group>(
        &mut self,
        name: &'static str,
        mut summand: Vec<G>,
    ) -> Result<Shared<Vec<G>>> {
        let step = self.begin(name);
        let mut ours = self.stream(step, Peer::Previous, "zero");
        let mut theirs = self.stream(step, Peer::Next, "zero");
        self.costs.bytes_sent += size_of_val(summand.as_slice()) as u64;
        // Piece by piece, so that the first is on its way while the next is made.
        for piece in pieces(size_of_val(summand.as_slice())) {
            let piece = piece.start / size_of::<G>()..piece.end / size_of::<G>();
            let piece = &mut summand[piece];
            Keystream::combine_both([&mut ours, &mut theirs], piece, |x, a, b| x.plus(a).minus(b));
            self.send_frame(Peer::Previous, step, bytemuck::cast_slice(piece))?;
        }
        let next = self.receive(Peer::Next, step, summand.len())?;
        self.rounds(1);
        Ok(Shared { own: summand, next })
    }

    /// `reshare` of summands that `make` writes, range by range: what is made is masked and sent while it is in
    /// the nearest cache.
    pub(crate) fn reshare_made<G: Group>(
        &mut self,
        name: &'static str,
        count: usize,
        mut make: impl FnMut(Range<usize>, &mut [G]),
    ) -> Result<Shared<Vec<G>>> {
        let step = self.begin(name);
        let mut ours = self.stream(step, Peer::Previous, "zero");
        let mut theirs = self.stream(step, Peer::Next, "zero");
        let size = size_of::<G>();
        self.costs.bytes_sent += (count * size) as u64;
        let mut summand: Vec<G> = Vec::with_capacity(count);
        for frame in pieces(count * size) {
            let (start, end) = (frame.start / size, frame.end / size);
            while summand.len() < end {
                let range = summand.len()..end.min(summand.len() + PIECE_BYTES / size);
                summand.resize(range.end, G::zeroed());
                let piece = &mut summand[range.clone()];
                make(range, piece);
                Keystream::combine_both([&mut ours, &mut theirs], piece, |x, a, b| x.plus(a).minus(b));
            }
            self.send_frame(Peer::Previous, step, bytemuck::cast_slice(&summand[start..]))?;
        }
        let next = self.receive(Peer::Next, step, count)?;
        self.rounds(1);
        Ok(Shared { own: summand, next })
    }

    /// Turns two summands, one at party 1 and one at party 2, into a sharing of their sum; party 0 gives
    /// `None`.
    ///
    /// Components 0 and 1 are fresh randomness of the pairs that hold them; parties 1 and 2 send each other
    /// their summand less the component the other does not know. Rounds: 1. Bits per element and party: its
    /// size, at parties 1 and 2 only. Opens: nothing.
    pub(crate) fn reshare_two<G: Group>(
        &mut self,
        name: &'static str,
        count: usize,
        summand: Option<Vec<G>>,
    ) -> Result<Shared<Vec<G>>> {
        let step = self.begin(name);
        self.rounds(1);
        let (known, other) = match self.id {
            0 => {
                let own = self.stream(step, Peer::Previous, "component").words(count);
                let next = self.stream(step, Peer::Next, "component").words(count);
                return Ok(Shared { own, next });
            }
            1 => (Peer::Previous, Peer::Next),
            _ => (Peer::Next, Peer::Previous),
        };
        let mut part =
            summand.filter(|part| part.len() == count).ok_or(ProtocolError::Shape { step: name })?;
        let component: Vec<G> = self.stream(step, known, "component").words(count);
        add_in(&mut part, &component, G::minus);
        self.send(other, step, &part)?;
        let theirs = self.receive(other, step, count)?;
        add_in(&mut part, &theirs, G::plus);
        Ok(match known {
            Peer::Previous => Shared { own: component, next: part },
            Peer::Next => Shared { own: part, next: component },
        })
    }

    /// Reveals a secret to all three parties.
    ///
    /// Each party gets the component it lacks from the previous party, and its digest from the next, who
    /// holds the other copy. Rounds: 1. Bits per element and party: its size, and 256 for the digest. Opens:
    /// the secret.
    pub(crate) fn open<G: Group>(&mut self, name: &'static str, secret: &Shared<Vec<G>>) -> Result<Vec<G>> {
        let step = self.begin(name);
        self.verify_before_open(step, Peer::Previous, &secret.next)?;
        self.send(Peer::Next, step, &secret.own)?;
        let mut value = self.receive_checked(step, Peer::Previous, Peer::Next, secret.own.len())?;
        add_in(&mut value, &secret.own, G::plus);
        add_in(&mut value, &secret.next, G::plus);
        self.rounds(1);
        Ok(value)
    }

    /// Reveals a secret to parties 1 and 2 only; party 0 gets `None`.
    ///
    /// The two send each other the component the other lacks; party 0, which holds both copies, sends the
    /// digests. Rounds: 1. Bits per element and party: its size, at parties 1 and 2. Opens: the secret, to
    /// these two.
    pub(crate) fn open_to_two<G: Group>(
        &mut self,
        name: &'static str,
        secret: &Shared<Vec<G>>,
    ) -> Result<Option<Vec<G>>> {
        let step = self.begin(name);
        self.rounds(1);
        let (other, sent) = match self.id {
            0 => {
                self.verify_before_open(step, Peer::Next, &secret.own)?;
                self.verify_before_open(step, Peer::Previous, &secret.next)?;
                return Ok(None);
            }
            1 => (Peer::Next, &secret.own),
            _ => (Peer::Previous, &secret.next),
        };
        self.send(other, step, sent)?;
        let witness = self.peer(0);
        let mut value = self.receive_checked(step, other, witness, secret.own.len())?;
        add_in(&mut value, &secret.own, G::plus);
        add_in(&mut value, &secret.next, G::plus);
        Ok(Some(value))
    }

    /// What must hold before anything is revealed; every opening passes here.
    ///
    /// This party is semi-honest: it vouches for its copy of the component that somebody else is about to
    /// send to `to`, who releases nothing unless both agree. A party secure against active cheating also
    /// proves here every multiplication since the last opening.
    fn verify_before_open<G: Group>(&mut self, step: Step, to: Peer, copy: &[G]) -> Result<()> {
        let digest = self.digest(step, copy);
        self.send(to, step, &digest)
    }

    /// The other half of the hook: a component from one party, the digest of its copy from the other.
    fn receive_checked<G: Group>(
        &mut self,
        step: Step,
        from: Peer,
        witness: Peer,
        count: usize,
    ) -> Result<Vec<G>> {
        let digest: Vec<Xor> = self.receive(witness, step, 4)?;
        let component = self.receive(from, step, count)?;
        if self.digest(step, &component)[..] != digest[..] {
            return Err(ProtocolError::Inconsistent { step: step.name });
        }
        Ok(component)
    }

    fn digest<G: Group>(&self, step: Step, words: &[G]) -> [Xor; 4] {
        let mut hasher = blake3::Hasher::new_derive_key("vdl 2026 opened component v1");
        hasher.update(&step.number.to_le_bytes());
        hasher.update(bytemuck::cast_slice(words));
        bytemuck::cast(*hasher.finalize().as_bytes())
    }

    /// Shares what `owner` alone knows; the others give `None`.
    ///
    /// Component `owner` is fresh randomness in common with the previous party, component `owner + 1` the
    /// difference, sent to the next one, and the third is zero. Rounds: 1. Bits per element: its size, at the
    /// owner only. Opens: nothing.
    pub(crate) fn input<G: Group>(
        &mut self,
        name: &'static str,
        owner: usize,
        count: usize,
        secret: Option<Vec<G>>,
    ) -> Result<Shared<Vec<G>>> {
        let step = self.begin(name);
        self.rounds(1);
        if self.id == owner {
            let mut rest = secret.filter(|s| s.len() == count).ok_or(ProtocolError::Shape { step: name })?;
            let mask: Vec<G> = self.stream(step, Peer::Previous, "mask").words(count);
            add_in(&mut rest, &mask, G::minus);
            self.send(Peer::Next, step, &rest)?;
            return Ok(Shared { own: mask, next: rest });
        }
        let zeros = vec![G::zeroed(); count];
        match self.peer(owner) {
            Peer::Previous => Ok(Shared { own: self.receive(Peer::Previous, step, count)?, next: zeros }),
            Peer::Next => Ok(Shared { own: zeros, next: self.stream(step, Peer::Next, "mask").words(count) }),
        }
    }

    /// 256 bits that nobody knew before and everybody knows after.
    ///
    /// Opens a sharing made of the three pairs' randomness. Rounds: 1. Bits per party: 512. Opens: the bits.
    pub fn coin(&mut self) -> Result<[u8; 32]> {
        let step = self.begin("coin");
        let own: Vec<Xor> = self.stream(step, Peer::Previous, "coin").words(4);
        let next: Vec<Xor> = self.stream(step, Peer::Next, "coin").words(4);
        let coin = self.open("coin", &Shared { own, next })?;
        let mut out = [0; 32];
        out.copy_from_slice(bytemuck::cast_slice(&coin));
        Ok(out)
    }
}

/// The frames a message is cut into; an empty message is one empty frame.
fn pieces(length: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..length.max(1)).step_by(FRAME_BYTES).map(move |start| start..length.min(start + FRAME_BYTES))
}

pub(crate) fn add_in<G: Group>(to: &mut [G], from: &[G], step: impl Fn(G, G) -> G) {
    for (a, b) in to.iter_mut().zip(from) {
        *a = step(*a, *b);
    }
}

pub(crate) fn add_stream<G: Group>(to: &mut [G], stream: &mut Keystream, step: impl Fn(G, G) -> G + Copy) {
    stream.combine(to, step);
}

//! The shuffle pass, one of the five primitives: rows carried through three permutations.
//!
//! Araki et al., CCS 2021, section 5.2. Each permutation is known to one pair of parties. Party *One*
//! knows the first two, *Two* the first and the last, *Three* the last two. One adds its two components
//! and carries the sum through the first two permutations, under fresh masks; Two and Three carry the
//! third component. One's two components of the result are fresh randomness in common with Two and with
//! Three; these exchange what makes up the rest.
//!
//! ```text
//! One   -> Two    second(first(a + b) + mask of One and Two) + mask of One and Three
//! Two   -> Three  first(c) - mask of One and Two
//! Two   -> Three  third(what One sent) - fresh component of One and Two
//! Three -> Two    third(second(what Two sent) - mask of One and Three) - fresh component of One and Three
//! ```

use vdl_share::{Group, Shared};
use vdl_transport::Peer;

use crate::Result;
use crate::blocks::{Block, gather, scatter};
use crate::party::{Party, Step, add_in, add_stream};
use crate::pieces::{Piece, cut, join};

#[derive(Clone, Copy)]
pub enum Role {
    One { two: Peer, three: Peer },
    Two { one: Peer, three: Peer },
    Three { one: Peer, two: Peer },
}

#[derive(Clone, Copy)]
pub enum Way {
    There,
    Back,
}

/// The permutations this party knows.
pub struct Orders<'a> {
    pub next: &'a [u32],
    pub previous: &'a [u32],
    pub way: Way,
}

impl Role {
    /// Backwards the permutations come in the opposite order, so One and Three change places.
    pub fn of(first: usize, party: &Party, way: Way) -> Self {
        let [one, two, three] = match way {
            Way::There => [first, first + 1, first + 2],
            Way::Back => [first + 2, first + 1, first],
        }
        .map(|id| id % 3);
        let peer = |id| party.peer(id);
        match party.id() {
            id if id == one => Role::One { two: peer(two), three: peer(three) },
            id if id == two => Role::Two { one: peer(one), three: peer(three) },
            _ => Role::Three { one: peer(one), two: peer(two) },
        }
    }
}

impl Orders<'_> {
    fn carry<G: Group>(&self, with: Peer, words: &[G], stride: usize) -> Vec<G> {
        let order = match with {
            Peer::Next => self.next,
            Peer::Previous => self.previous,
        };
        match self.way {
            Way::There => gather(words, stride, order),
            Way::Back => scatter(words, stride, order),
        }
    }
}

/// Carries all blocks in the same two rounds.
pub fn pass(party: &mut Party, blocks: &mut [Block], role: Role, orders: &Orders) -> Result<()> {
    let mut parts: Vec<Box<dyn Carry>> = Vec::with_capacity(blocks.len());
    let mut shapes = Vec::with_capacity(blocks.len());
    for block in blocks.iter_mut() {
        let (pieces, shape) = cut(std::mem::take(block));
        shapes.push(shape);
        for piece in pieces {
            let step = party.begin("shuffle");
            parts.push(carried(step, role, piece));
        }
    }
    for part in &mut parts {
        part.first(party, orders)?;
    }
    for part in &mut parts {
        part.second(party, orders)?;
    }
    let mut parts = parts.into_iter();
    for (block, shape) in blocks.iter_mut().zip(shapes) {
        let pieces = parts.by_ref().take(shape.pieces).map(|part| part.last(party));
        *block = join(pieces.collect::<Result<_>>()?, shape)?;
    }
    party.rounds(2);
    Ok(())
}
fn carried(step: Step, role: Role, piece: Piece) -> Box<dyn Carry> {
    fn boxed<G: Group>(
        (step, role, stride): (Step, Role, usize),
        shares: Shared<Vec<G>>,
        back: fn(Shared<Vec<G>>, usize) -> Piece,
    ) -> Box<dyn Carry> {
        Box::new(Carried { step, role, stride, shares, back })
    }
    let how = (step, role, piece.stride());
    match piece {
        Piece::Words(shares, _) => boxed(how, shares, Piece::Words),
        Piece::Xor32(shares) => boxed(how, shares, |shares, _| Piece::Xor32(shares)),
        Piece::Xor16(shares) => boxed(how, shares, |shares, _| Piece::Xor16(shares)),
        Piece::Xor8(shares) => boxed(how, shares, |shares, _| Piece::Xor8(shares)),
        Piece::Ring32(shares) => boxed(how, shares, |shares, _| Piece::Ring32(shares)),
        Piece::Ring64(shares) => boxed(how, shares, |shares, _| Piece::Ring64(shares)),
        Piece::Ring128(shares) => boxed(how, shares, |shares, _| Piece::Ring128(shares)),
    }
}

/// One piece between the messages, whatever group it is shared in.
trait Carry {
    fn first(&mut self, party: &mut Party, orders: &Orders) -> Result<()>;
    fn second(&mut self, party: &mut Party, orders: &Orders) -> Result<()>;
    fn last(self: Box<Self>, party: &mut Party) -> Result<Piece>;
}

struct Carried<G: Group> {
    step: Step,
    role: Role,
    stride: usize,
    shares: Shared<Vec<G>>,
    back: fn(Shared<Vec<G>>, usize) -> Piece,
}

impl<G: Group> Carry for Carried<G> {
    /// Everything that is sent before anything is received.
    fn first(&mut self, party: &mut Party, orders: &Orders) -> Result<()> {
        let (step, stride) = (self.step, self.stride);
        match self.role {
            Role::One { two, three } => {
                add_in(&mut self.shares.own, &self.shares.next, G::plus);
                let mut rows = orders.carry(two, &self.shares.own, stride);
                add_stream(&mut rows, &mut party.stream(step, two, "first mask"), G::plus);
                let mut rows = orders.carry(three, &rows, stride);
                add_stream(&mut rows, &mut party.stream(step, three, "second mask"), G::plus);
                party.send(two, step, &rows)
            }
            Role::Two { one, three } => {
                let mut rows = orders.carry(one, held_with(&mut self.shares, three), stride);
                add_stream(&mut rows, &mut party.stream(step, one, "first mask"), G::minus);
                party.send(three, step, &rows)
            }
            Role::Three { .. } => Ok(()),
        }
    }

    /// Two and Three: carry what came, keep it as this party's part of the component they hold together.
    fn second(&mut self, party: &mut Party, orders: &Orders) -> Result<()> {
        let (step, stride, count) = (self.step, self.stride, self.shares.own.len());
        let (mut part, one, other) = match self.role {
            Role::One { .. } => return Ok(()),
            Role::Two { one, three } => {
                let rows: Vec<G> = party.receive(one, step, count)?;
                (orders.carry(three, &rows, stride), one, three)
            }
            Role::Three { one, two } => {
                let rows: Vec<G> = party.receive(two, step, count)?;
                let mut rows = orders.carry(one, &rows, stride);
                add_stream(&mut rows, &mut party.stream(step, one, "second mask"), G::minus);
                (orders.carry(two, &rows, stride), one, two)
            }
        };
        let fresh = held_with(&mut self.shares, one);
        party.stream(step, one, "fresh").fill(fresh);
        add_in(&mut part, fresh, G::minus);
        party.send(other, step, &part)?;
        *held_with(&mut self.shares, other) = part;
        Ok(())
    }

    fn last(mut self: Box<Self>, party: &mut Party) -> Result<Piece> {
        let step = self.step;
        match self.role {
            Role::One { two, three } => {
                for peer in [two, three] {
                    party.stream(step, peer, "fresh").fill(held_with(&mut self.shares, peer));
                }
            }
            Role::Two { three: other, .. } | Role::Three { two: other, .. } => {
                let rest: Vec<G> = party.receive(other, step, self.shares.own.len())?;
                add_in(held_with(&mut self.shares, other), &rest, G::plus);
            }
        }
        Ok((self.back)(self.shares, self.stride))
    }
}

/// The component this party holds in common with `peer`.
fn held_with<G>(shares: &mut Shared<Vec<G>>, peer: Peer) -> &mut Vec<G> {
    match peer {
        Peer::Next => &mut shares.next,
        Peer::Previous => &mut shares.own,
    }
}

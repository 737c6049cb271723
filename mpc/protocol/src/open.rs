//! Revealing, and fresh shares of the same secret.

use vdl_share::{Planes, Ring, Shared, Xor};

use crate::logic::planes;
use crate::party::Party;
use crate::{ProtocolError, Result};

/// Reveals planes to all three parties. Bits past the last row are cleared first, as they could be anything.
///
/// Rounds: 1. Bits per row and party: the width. Opens: the planes.
pub fn open_planes(party: &mut Party, secret: &Shared<Planes>) -> Result<Planes> {
    let words = party.open("open planes", &masked_words(secret))?;
    Planes::from_raw(secret.rows(), secret.width(), bytemuck::allocation::cast_vec(words))
        .ok_or(ProtocolError::Shape { step: "open planes" })
}

/// Reveals a ring column to all three parties.
///
/// Rounds: 1. Bits per row and party: the ring's. Opens: the column.
pub fn open_ring<R: Ring>(party: &mut Party, secret: &Shared<Vec<R>>) -> Result<Vec<R>> {
    party.open("open ring", secret)
}

/// Reveals the only bit of one row and one plane.
pub fn open_bit(party: &mut Party, secret: &Shared<Planes>) -> Result<bool> {
    if (secret.rows(), secret.width()) != (1, 1) {
        return Err(ProtocolError::Shape { step: "open bit" });
    }
    Ok(open_planes(party, secret)?.get(0, 0))
}

/// Fresh components of the same planes, independent of all that was seen before; wanted before shares leave
/// for a client. Rounds: 1. Bits per row and party: the width. Opens: nothing.
pub fn rerandomize_planes(party: &mut Party, secret: &Shared<Planes>) -> Result<Shared<Planes>> {
    let words = masked_words(secret).own;
    planes(secret.rows(), secret.width(), party.reshare("rerandomize", words)?)
}

/// Fresh components of the same ring column. Rounds: 1. Bits per row and party: the ring's. Opens: nothing.
pub fn rerandomize_ring<R: Ring>(party: &mut Party, secret: &Shared<Vec<R>>) -> Result<Shared<Vec<R>>> {
    party.reshare("rerandomize", secret.own.clone())
}

pub(crate) fn masked_words(secret: &Shared<Planes>) -> Shared<Vec<Xor>> {
    secret.map(|planes| {
        let mut planes = planes.clone();
        planes.mask_tail();
        bytemuck::allocation::cast_vec(planes.into_words())
    })
}

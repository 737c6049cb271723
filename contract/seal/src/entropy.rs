//! Randomness that was given, as the HPKE crate wants to be handed it.

use hpke::rand_core::{Infallible, TryCryptoRng, TryRng};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The given bytes, once. HPKE draws the seed of one key pair, which is as long.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Given {
    bytes: [u8; 32],
    at: usize,
}

impl Given {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether exactly what was given has been drawn.
    pub(crate) fn used_up(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn next(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }
}

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(std::array::from_fn(|_| self.next())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(std::array::from_fn(|_| self.next())))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.iter_mut().for_each(|byte| *byte = self.next());
        Ok(())
    }
}

impl TryCryptoRng for Given {}

//! Reading bytes that came from outside: every length is checked before it is believed.

use crate::ShareError;
use crate::planes::Planes;

pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub fn take(&mut self, count: u64) -> Result<&'a [u8], ShareError> {
        let have = self.bytes.len() as u64;
        let short = ShareError::Short { need: count, have };
        let count = usize::try_from(count).map_err(|_| short.clone())?;
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(short)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ShareError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64)?);
        Ok(out)
    }

    pub fn u8(&mut self) -> Result<u8, ShareError> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Result<u32, ShareError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, ShareError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// `count` words; the bytes must be there before anything is allocated.
    pub fn words(&mut self, count: u64) -> Result<Vec<u64>, ShareError> {
        let bytes = self.take(count.checked_mul(8).ok_or(ShareError::TooLarge { limit: u64::MAX })?)?;
        let mut words = vec![0u64; bytes.len() / 8];
        bytemuck::cast_slice_mut(&mut words).copy_from_slice(bytes);
        Ok(words)
    }

    pub fn planes(&mut self, rows: usize, width: usize) -> Result<Planes, ShareError> {
        let count = (width as u64).checked_mul(Planes::stride(rows) as u64);
        let words = self.words(count.ok_or(ShareError::TooLarge { limit: u64::MAX })?)?;
        Planes::from_raw(rows, width, words).ok_or(ShareError::Shape)
    }

    /// A byte that must be 0 or 1.
    pub fn flag(&mut self) -> Result<bool, ShareError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ShareError::Unknown { what: "a flag that is neither yes nor no" }),
        }
    }

    pub fn rows(&mut self, expected: usize) -> Result<(), ShareError> {
        let (expected, got) = (expected as u64, self.u64()?);
        if got == expected { Ok(()) } else { Err(ShareError::Rows { expected, got }) }
    }

    pub fn end(&self) -> Result<(), ShareError> {
        match self.bytes.len() {
            0 => Ok(()),
            extra => Err(ShareError::Trailing { extra: extra as u64 }),
        }
    }
}

//! Bytes nobody else can know.

use crate::error::ClientError;

pub(crate) fn random<const BYTES: usize>() -> Result<[u8; BYTES], ClientError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| ClientError::System(format!("no randomness: {error}")))?;
    Ok(bytes)
}

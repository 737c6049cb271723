//! A body: `u32` little-endian header length, header in JSON, payload.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A header as large as the largest script, and some room.
const LONGEST_HEADER: usize = 32 << 20;

/// A body whose payload is still to be appended; `payload` bytes are reserved for it, so that a
/// large upload is written once.
pub(crate) fn body<H: Serialize>(header: &H, payload: usize) -> Result<Vec<u8>, String> {
    let text = serde_json::to_vec(header).map_err(|error| error.to_string())?;
    let length = u32::try_from(text.len()).map_err(|_| "the request is too long".to_owned())?;
    let mut body = Vec::with_capacity(4 + text.len() + payload);
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(&text);
    Ok(body)
}

/// The header, and where the payload begins.
pub(crate) fn read<H: DeserializeOwned>(body: &[u8]) -> Result<(H, &[u8]), String> {
    let (length, rest) = body.split_first_chunk::<4>().ok_or("it is too short")?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > LONGEST_HEADER {
        return Err("its header is too long".into());
    }
    let (header, payload) = rest.split_at_checked(length).ok_or("it is cut off")?;
    let header = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    Ok((header, payload))
}

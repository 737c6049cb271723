//! Which refusals stand in the audit log already. Whoever recorded a signed request can send it for ever; it is
//! one line all the same.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use vdl_command::{Digest, ErrorAnswer};

/// What was asked for: a start or a job, of an approval.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub approval: Digest,
    pub id: [u8; 32],
}

/// The latest refusals; the oldest is forgotten first.
#[derive(Default)]
pub(crate) struct Refused(Mutex<Latest>);

#[derive(Default)]
struct Latest {
    known: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

/// A few megabytes. The analyst has to sign more refused requests than that, one by one, before a recording of
/// them makes the log grow.
const MOST_REMEMBERED: usize = 1 << 16;

impl Refused {
    /// Notes a refusal, unless it was noted before. What could not be noted may be noted again.
    pub fn once(
        &self,
        asked: Asked,
        code: &str,
        note: impl FnOnce() -> Result<(), ErrorAnswer>,
    ) -> Result<(), ErrorAnswer> {
        let mut hasher = blake3::Hasher::new_derive_key("vdl refusal 1");
        hasher.update(&asked.approval.0).update(&asked.id).update(code.as_bytes());
        let name = *hasher.finalize().as_bytes();
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.known.contains(&name) {
            return Ok(());
        }
        note()?;
        if latest.order.len() >= MOST_REMEMBERED
            && let Some(oldest) = latest.order.pop_front()
        {
            latest.known.remove(&oldest);
        }
        latest.known.insert(name);
        latest.order.push_back(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_noted_once_and_the_memory_of_it_has_an_end() {
        let refused = Refused::default();
        let mut lines = 0;
        let mut ask = |number: usize, code: &str, works: bool| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&(number as u64).to_le_bytes());
            let full = || crate::refusal::refuse("storage_failed", "the disk is full");
            let _ = refused.once(Asked { approval: Digest([1; 32]), id }, code, || {
                lines += usize::from(works);
                if works { Ok(()) } else { Err(full()) }
            });
            lines
        };
        // A full disk keeps no line, and none is counted as kept.
        assert_eq!(ask(0, "revoked", false), 0);
        assert_eq!(ask(0, "revoked", true), 1);
        assert_eq!(ask(0, "revoked", true), 1);
        assert_eq!(ask(0, "approval_void", true), 2);
        for number in 1..=MOST_REMEMBERED {
            ask(number, "revoked", true);
        }
        assert_eq!(ask(MOST_REMEMBERED, "revoked", true), 2 + MOST_REMEMBERED);
        assert_eq!(ask(0, "revoked", true), 3 + MOST_REMEMBERED);
        let latest = refused.0.lock().unwrap();
        assert_eq!((latest.known.len(), latest.order.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
    }
}

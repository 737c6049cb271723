//! Whether signatures are enough. Decided by the code that servers decide with, and away from the threads
//! that everybody's requests share: what is signed may be long.

use vdl_authorize::{Policy, Refusal, Revocations, Statement, verify_envelope};
use vdl_command::Digest;

use super::store::{self, Stored};
use crate::db::Conn;
use crate::error::Fault;
use crate::ids::now;
use crate::policy::adopted;
use crate::publication::revocations;

/// Does work that takes a while on a thread of its own.
pub async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Fault::internal("a thread", &error))?
}

/// Whether those who signed are as many as the policy asks for. What can never be approved is an error,
/// however many have signed it.
pub async fn is_enough(conn: &mut Conn, stored: &Stored, payload: &[u8]) -> Result<bool, Fault> {
    let (policy, _) = adopted(conn, &stored.project).await?.ok_or(Fault::NoPolicy)?;
    let envelope = store::envelope(conn, stored, payload).await?;
    let (revoked, payload) = (revocations(conn, &stored.project).await?, payload.to_vec());
    apart(move || judge(&envelope, &payload, &policy, &revoked, now())).await
}

/// The same for a file that goes out.
pub async fn check_file(
    envelope: &[u8],
    payload: Vec<u8>,
    policy: Policy,
    revoked: Revocations,
) -> Result<(), Fault> {
    let envelope = envelope.to_vec();
    apart(move || Ok(verify(&envelope, &payload, &policy, &revoked, now())?)).await
}

fn judge(
    envelope: &[u8],
    payload: &[u8],
    policy: &Policy,
    revoked: &Revocations,
    now: i64,
) -> Result<bool, Fault> {
    match verify(envelope, payload, policy, revoked, now) {
        Ok(()) => Ok(true),
        Err(Refusal::RuleUnmet { .. }) => {
            policy.check_time(now)?;
            let digest = Digest(*blake3::hash(payload).as_bytes());
            if revoked.approval(digest) {
                return Err(Refusal::Revoked(format!("the approval {digest}")).into());
            }
            let statement = Statement::read(payload).map_err(Refusal::Statement)?;
            match statement.expires {
                Some(expires) if expires < now => Err(Fault::NotNow(
                    "the last day of this approval is over; ask for another version".into(),
                )),
                _ => Ok(false),
            }
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// An approval for later is approved now.
fn verify(
    envelope: &[u8],
    payload: &[u8],
    policy: &Policy,
    revoked: &Revocations,
    now: i64,
) -> Result<(), Refusal> {
    match verify_envelope(envelope, policy, revoked, now) {
        Err(Refusal::NotYetValid { .. }) => {
            let statement = Statement::read(payload).map_err(Refusal::Statement)?;
            verify_envelope(envelope, policy, revoked, statement.not_before).map(drop)
        }
        verified => verified.map(drop),
    }
}

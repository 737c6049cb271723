//! Passwords: Argon2id, few at a time, and the same work whether an account exists or not. Strangers wait for
//! each other, and nobody who is logged in waits for them.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::Fault;

/// As many as are computed at once for strangers; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// For whoever is logged in.
const OWN_AT_ONCE: usize = 1;
/// Those who come when so many wait are told to come again.
const MOST_WAITING: usize = 32;
const SHORTEST: usize = 12;
const LONGEST: usize = 128;
/// Words that people fall back on even where twelve characters are asked for.
const COMMON: &[&str] =
    &["password", "passwort", "wachtwoord", "welkom", "welcome", "qwerty", "123456", "abcdef"];

/// Whose password it is.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// Of somebody who is not logged in, or says so.
    Strangers,
    /// Of whoever is logged in.
    Own,
}

/// Where they wait.
struct Queue {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

pub struct Passwords {
    strangers: Queue,
    own: Queue,
    /// Of a password nobody has: compared where there is no account.
    decoy: String,
}

impl Passwords {
    pub fn new() -> Result<Self, Fault> {
        let decoy = hash(&crate::ids::fresh_secret()?)?;
        Ok(Self { strangers: Queue::new(AT_ONCE), own: Queue::new(OWN_AT_ONCE), decoy })
    }

    fn queue(&self, whose: Whose) -> &Queue {
        match whose {
            Whose::Strangers => &self.strangers,
            Whose::Own => &self.own,
        }
    }

    /// What is stored of a password.
    pub async fn hash(&self, whose: Whose, password: Zeroizing<String>) -> Result<String, Fault> {
        self.queue(whose).compute(move || hash(&password)).await
    }

    /// Whether it is the one; `None` where there is no account, or one without a password.
    pub async fn fits(
        &self,
        whose: Whose,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> Result<bool, Fault> {
        let (known, stored) = (stored.is_some(), stored.unwrap_or_else(|| self.decoy.clone()));
        let fits = self.queue(whose).compute(move || {
            let parsed = PasswordHash::new(&stored).map_err(|error| Fault::internal("password", &error))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
        });
        Ok(fits.await? && known)
    }

    /// Takes all places of strangers, as a crowd does that comes at once.
    #[cfg(test)]
    pub async fn crowd(&self) -> tokio::sync::OwnedSemaphorePermit {
        let all = u32::try_from(AT_ONCE + MOST_WAITING).unwrap();
        self.strangers.places.clone().acquire_many_owned(all).await.unwrap()
    }

    /// Takes all places of those who are logged in.
    #[cfg(test)]
    pub async fn members(&self) -> tokio::sync::OwnedSemaphorePermit {
        let all = u32::try_from(OWN_AT_ONCE + MOST_WAITING).unwrap();
        self.own.places.clone().acquire_many_owned(all).await.unwrap()
    }
}

impl Queue {
    fn new(at_once: usize) -> Self {
        let places = Arc::new(Semaphore::new(at_once + MOST_WAITING));
        Self { turns: Arc::new(Semaphore::new(at_once)), places }
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Fault::TooOften)?;
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|error| Fault::internal("password", &error))?;
        let work = move || {
            // Until it is done, also where nobody waits for it any more.
            let _held = (place, turn);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Fault::internal("password", &error))?
    }
}

/// Argon2id with 19 MiB and two passes, the salt random.
fn hash(password: &str) -> Result<String, Fault> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed.map(|hashed| hashed.to_string()).map_err(|error| Fault::internal("password", &error))
}

/// Length is what counts; beside it, nothing that is tried first.
pub fn check_strength(password: &str, email: &str) -> Result<(), Fault> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Fault::WeakPassword("it has fewer than 12 characters"));
    }
    if length > LONGEST {
        return Err(Fault::WeakPassword("it has more than 128 characters, which is more than is read"));
    }
    let lower = password.to_lowercase();
    let name = email.split('@').next().unwrap_or_default();
    if name.len() >= 4 && lower.contains(name) {
        return Err(Fault::WeakPassword("your address is in it"));
    }
    let mut distinct: Vec<char> = lower.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 6 {
        return Err(Fault::WeakPassword("it has the same few characters again and again"));
    }
    let rest = COMMON.iter().fold(lower, |rest, common| rest.replace(common, ""));
    match rest.chars().filter(|c| c.is_alphabetic()).count() < 4 && rest.chars().count() < 8 {
        true => Err(Fault::WeakPassword("many people have it")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_passwords_are_argon2id_and_salted() {
        let (first, second) =
            (hash("correct horse battery").unwrap(), hash("correct horse battery").unwrap());
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn a_crowd_is_sent_away_and_not_queued() {
        let passwords = Passwords::new().unwrap();
        let guess = || passwords.fits(Whose::Strangers, Zeroizing::new("guess after guess".into()), None);
        let answers = futures_util::future::join_all((0..200).map(|_| guess())).await;
        let sent_away = answers.iter().filter(|answer| matches!(answer, Err(Fault::TooOften))).count();
        assert!(sent_away >= 100, "{sent_away}");
        assert!(answers.iter().all(|answer| !matches!(answer, Ok(true))));
        assert!(!guess().await.unwrap());
    }

    #[test]
    fn weak_ones_are_refused_and_phrases_are_not() {
        for weak in [
            "short",
            "password1234",
            "aaaaaaaaaaaaaaaa",
            "jansen-secret-1",
            "welkomwelkom123",
            &"ab".repeat(99),
        ] {
            assert!(check_strength(weak, "jansen@example.org").is_err(), "{weak}");
        }
        for good in ["correct horse battery", "vier woorden zonder verband", "K7#pQ2!vX9@mZ4"] {
            check_strength(good, "jansen@example.org").unwrap();
        }
    }
}

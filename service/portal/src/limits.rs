//! How often: guesses at one account, and requests of one address or user.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use vdl_listen::network;

use crate::error::Fault;
use crate::ids::hashed;

type Keyed = DefaultKeyedRateLimiter<String>;

pub struct Limits {
    /// Passwords tried for one account from one network, whether there is such an account or not.
    guesses: Keyed,
    /// The same from everywhere: looser, or strangers would keep whoever has the account out.
    accounts: Keyed,
    /// Passwords tried from one network for any account.
    networks: Keyed,
    /// Passwords tried by somebody who is logged in, for their own account.
    own: Keyed,
    /// Challenges for passkeys given to strangers in one network: each is a row until it is swept.
    challenges: Keyed,
    /// The same of all networks together.
    all_challenges: Keyed,
    /// Wrong passwords and passkeys that are written down, so that the journal does not grow with guesses.
    noted: Keyed,
    /// Everything from one address.
    addresses: Keyed,
    /// Everything by one user.
    users: Keyed,
    /// Ways to the provider that were begun, from one address or by one user.
    sign_ins: Keyed,
    /// Codes that are given to the provider, by everybody together.
    codes: Keyed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Ten at once, then one every fifteen seconds.
            guesses: keyed(10, Duration::from_secs(15)),
            accounts: keyed(100, Duration::from_secs(5)),
            networks: keyed(200, Duration::from_secs(1)),
            own: keyed(10, Duration::from_secs(15)),
            challenges: keyed(300, Duration::from_millis(500)),
            all_challenges: keyed(20_000, Duration::from_millis(20)),
            noted: keyed(500, Duration::from_secs(60)),
            // A whole institute may be behind one address.
            addresses: keyed(4000, Duration::from_millis(2)),
            users: keyed(1000, Duration::from_millis(5)),
            sign_ins: keyed(60, Duration::from_secs(1)),
            codes: keyed(200, Duration::from_millis(50)),
        }
    }
}

fn keyed(burst: u32, every: Duration) -> Keyed {
    let quota = Quota::with_period(every).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::keyed(quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)))
}

impl Limits {
    /// Before the password of an account is compared for somebody who is not logged in. The address as it was
    /// typed, in lower case.
    pub fn check_guess(&self, email: &str, peer: Option<IpAddr>) -> Result<(), Fault> {
        let network = peer.map(network).unwrap_or_default();
        if peer.is_some() {
            check(&self.networks, &network)?;
        }
        // Of the same length, however long a text somebody thinks of.
        check(&self.guesses, &hashed(&format!("{network} {email}")))?;
        check(&self.accounts, &hashed(email))
    }

    /// Before somebody who is logged in shows their own password.
    pub fn check_own(&self, user: &str) -> Result<(), Fault> {
        check(&self.own, user)
    }

    /// Whether one more wrong password or passkey is written down.
    /// Those for an account count for it alone, and all for accounts that are not there together (`user` is
    /// empty): guesses at nobody do not hide those at somebody.
    pub fn may_note(&self, user: &str) -> bool {
        check(&self.noted, user).is_ok()
    }

    /// Before somebody who is not signed in gets a challenge.
    pub fn check_challenge(&self, peer: Option<IpAddr>) -> Result<(), Fault> {
        if let Some(peer) = peer {
            check(&self.challenges, &network(peer))?;
        }
        check(&self.all_challenges, "")
    }

    pub fn check_address(&self, peer: Option<IpAddr>) -> Result<(), Fault> {
        match peer {
            Some(peer) => check(&self.addresses, &network(peer)),
            None => Ok(()),
        }
    }

    pub fn check_user(&self, user: &str) -> Result<(), Fault> {
        check(&self.users, user)
    }

    /// Before somebody is sent to the provider, which the portal then asks for its keys. By a user or
    /// from a network.
    pub fn check_sign_in(&self, whose: &str) -> Result<(), Fault> {
        check(&self.sign_ins, whose)
    }

    /// Before a code is given to the provider: it may lock out a portal that brings it too many wrong ones.
    pub fn check_code(&self) -> Result<(), Fault> {
        check(&self.codes, "")
    }

    /// Forgets whoever has been quiet, so that memory does not grow with strangers.
    pub fn sweep(&self) {
        let guesses = [&self.guesses, &self.accounts, &self.networks, &self.own];
        let others = [&self.challenges, &self.sign_ins, &self.codes, &self.addresses, &self.users];
        for limiter in guesses.into_iter().chain(others) {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.noted.retain_recent();
        self.noted.shrink_to_fit();
    }
}

fn check(limiter: &Keyed, key: &str) -> Result<(), Fault> {
    limiter.check_key(&key.to_owned()).map_err(|_| Fault::TooOften)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_ends_after_ten_and_others_are_not_held_up() {
        let limits = Limits::default();
        let at = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let allowed =
            |last| (0..50).filter(|_| limits.check_guess("eve@example.org", at(last)).is_ok()).count();
        let counted = allowed(1);
        assert!((10..12).contains(&counted), "{counted}");
        assert!(limits.check_guess("bob@example.org", at(1)).is_ok());
        // Whoever has the account comes in from elsewhere, unless all the world guesses.
        assert!(limits.check_guess("eve@example.org", at(2)).is_ok());
        let counted: usize = (10..100).map(allowed).sum();
        assert!((80..120).contains(&counted), "{counted}");
        assert!(limits.check_own("eve").is_ok());
    }

    #[test]
    fn one_network_tries_no_list_of_accounts() {
        let limits = Limits::default();
        let at = Some(IpAddr::from([192, 0, 2, 1]));
        let allowed =
            (0..1000).filter(|n| limits.check_guess(&format!("{n}@example.org"), at).is_ok()).count();
        assert!((200..300).contains(&allowed), "{allowed}");
    }
}

//! How often: guesses at one account, and requests of one address or user.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::Fault;

type Keyed = DefaultKeyedRateLimiter<String>;

pub struct Limits {
    /// Passwords tried for one account, whether it exists or not.
    guesses: Keyed,
    /// Everything from one address.
    addresses: Keyed,
    /// Everything by one user.
    users: Keyed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Ten at once, then one every fifteen seconds.
            guesses: keyed(10, Duration::from_secs(15)),
            // A whole institute may be behind one address.
            addresses: keyed(4000, Duration::from_millis(2)),
            users: keyed(1000, Duration::from_millis(5)),
        }
    }
}

fn keyed(burst: u32, every: Duration) -> Keyed {
    let quota = Quota::with_period(every).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::keyed(quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)))
}

impl Limits {
    /// Before a password is compared. The account's name as it was typed, in lower case.
    pub fn check_guess(&self, email: &str) -> Result<(), Fault> {
        check(&self.guesses, email)
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

    /// Forgets whoever has been quiet, so that memory does not grow with strangers.
    pub fn sweep(&self) {
        for limiter in [&self.guesses, &self.addresses, &self.users] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

fn check(limiter: &Keyed, key: &str) -> Result<(), Fault> {
    limiter.check_key(&key.to_owned()).map_err(|_| Fault::TooOften)
}

/// Somebody with IPv6 has a whole /64 of addresses.
fn network(peer: IpAddr) -> String {
    match peer {
        IpAddr::V4(peer) => peer.to_string(),
        IpAddr::V6(peer) => {
            let [a, b, c, d, ..] = peer.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_ends_after_ten_and_others_are_not_held_up() {
        let limits = Limits::default();
        let allowed = (0..100).filter(|_| limits.check_guess("eve@example.org").is_ok()).count();
        assert!((10..12).contains(&allowed), "{allowed}");
        assert!(limits.check_guess("bob@example.org").is_ok());
    }

    #[test]
    fn one_network_is_one_caller() {
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::ffff".parse().unwrap()));
        assert_ne!(network("192.0.2.1".parse().unwrap()), network("192.0.2.2".parse().unwrap()));
    }
}

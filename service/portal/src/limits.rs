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
    /// The same from one site, which may have many networks.
    sites: Keyed,
    /// Passwords tried by somebody who is logged in, for their own account.
    own: Keyed,
    /// Challenges for passkeys given to strangers in one network: each is a row until it is swept.
    challenges: Keyed,
    /// The same in one site, which is not to use up what all have together.
    site_challenges: Keyed,
    /// The same of all networks together.
    all_challenges: Keyed,
    /// Wrong passwords and passkeys that are written down, so that the journal does not grow with guesses.
    noted: Keyed,
    /// Everything from one address.
    addresses: Keyed,
    /// Everything by one user.
    users: Keyed,
    /// Ways to the provider that were begun, from one network or by one user.
    sign_ins: Keyed,
    /// The same from one site.
    site_sign_ins: Keyed,
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
            sites: keyed(600, Duration::from_millis(250)),
            own: keyed(10, Duration::from_secs(15)),
            challenges: keyed(300, Duration::from_millis(500)),
            site_challenges: keyed(1000, Duration::from_millis(200)),
            all_challenges: keyed(20_000, Duration::from_millis(20)),
            noted: keyed(500, Duration::from_secs(60)),
            // A whole institute may be behind one address.
            addresses: keyed(4000, Duration::from_millis(2)),
            users: keyed(1000, Duration::from_millis(5)),
            sign_ins: keyed(60, Duration::from_secs(1)),
            site_sign_ins: keyed(300, Duration::from_millis(500)),
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
        if let Some(peer) = peer {
            check(&self.sites, &site(peer))?;
        }
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
            check(&self.site_challenges, &site(peer))?;
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

    /// Before somebody who is logged in is sent to the provider, which the portal then asks for its keys.
    pub fn check_sign_in(&self, user: &str) -> Result<(), Fault> {
        check(&self.sign_ins, user)
    }

    /// The same of somebody who is not.
    pub fn check_stranger(&self, peer: Option<IpAddr>) -> Result<(), Fault> {
        check(&self.sign_ins, &peer.map(network).unwrap_or_default())?;
        peer.map_or(Ok(()), |peer| check(&self.site_sign_ins, &site(peer)))
    }

    /// Before a code is given to the provider: it may lock out a portal that brings it too many wrong ones.
    pub fn check_code(&self) -> Result<(), Fault> {
        check(&self.codes, "")
    }

    /// Forgets whoever has been quiet, so that memory does not grow with strangers.
    pub fn sweep(&self) {
        let guesses = [&self.guesses, &self.accounts, &self.networks, &self.sites, &self.own, &self.noted];
        let ways = [&self.challenges, &self.site_challenges, &self.sign_ins, &self.site_sign_ins];
        let others = [&self.all_challenges, &self.codes, &self.addresses, &self.users];
        for limiter in guesses.into_iter().chain(ways).chain(others) {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

fn check(limiter: &Keyed, key: &str) -> Result<(), Fault> {
    limiter.check_key(&key.to_owned()).map_err(|_| Fault::TooOften)
}

/// What one provider gives one customer: of version 6 a /48, of version 4 a /24 of neighbours.
fn site(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(peer) => {
            let [a, b, c, _] = peer.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(peer) => {
            let [a, b, c, ..] = peer.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
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

    /// A /48 has 256 networks, and each could take its share of what belongs to everybody.
    #[test]
    fn one_site_does_not_use_up_what_belongs_to_everybody() {
        let limits = Limits::default();
        let at =
            |site: u16, network: u16| Some(IpAddr::from([0x2001, 0xdb8, site, network << 8, 0, 0, 0, 1]));
        type Asked = fn(&Limits, Option<IpAddr>, usize) -> bool;
        let asked: [(Asked, usize); 3] = [
            (|limits, peer, _| limits.check_stranger(peer).is_ok(), 300),
            (|limits, peer, _| limits.check_challenge(peer).is_ok(), 1000),
            (|limits, peer, n| limits.check_guess(&format!("{n}@example.org"), peer).is_ok(), 600),
        ];
        for (asked, most) in asked {
            let tries = (0..100_u16).flat_map(|network| (0..50_usize).map(move |n| (network, n)));
            let allowed = tries.filter(|(network, n)| asked(&limits, at(1, *network), *n)).count();
            assert!((most..most + 100).contains(&allowed), "{allowed} of {most}");
            assert!(asked(&limits, at(2, 0), 99));
        }
        assert_eq!(site("::ffff:192.0.2.1".parse().unwrap()), site("192.0.2.9".parse().unwrap()));
        assert_ne!(site("192.0.2.1".parse().unwrap()), site("192.0.3.1".parse().unwrap()));
    }
}

//! How many come in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at once. Each is a descriptor, of which a process has 1024 where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    pub all: usize,
    /// Of one network, where connections come from whoever calls and not from a proxy that stands for all.
    pub of_one_network: Option<usize>,
}

pub(crate) struct Doors {
    all: Arc<Semaphore>,
    networks: Arc<Networks>,
}

struct Networks {
    most: Option<usize>,
    inside: Mutex<HashMap<String, usize>>,
}

/// Somebody is inside until it is dropped.
pub(crate) struct Inside {
    networks: Arc<Networks>,
    network: String,
}

impl Doors {
    pub fn new(most: Most) -> Self {
        let networks = Networks { most: most.of_one_network, inside: Mutex::default() };
        Self { all: Arc::new(Semaphore::new(most.all)), networks: Arc::new(networks) }
    }

    /// Waits for one of all places.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.all.clone().acquire_owned().await.ok()
    }

    /// Lets somebody in, unless as many of the same network are inside already.
    pub fn admit(&self, from: IpAddr) -> Option<Inside> {
        let network = network(from);
        let mut inside = self.networks.inside();
        let count = inside.entry(network.clone()).or_default();
        if self.networks.most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        drop(inside);
        Some(Inside { networks: self.networks.clone(), network })
    }
}

impl Networks {
    fn inside(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut inside = self.networks.inside();
        let left = inside.get(&self.network).map_or(0, |count| count - 1);
        match left {
            0 => inside.remove(&self.network),
            left => inside.insert(self.network.clone(), left),
        };
    }
}

/// Whom an address counts with. With IPv6 a site gets a /64 at least and often a /56: all of a /56 is one
/// caller. An IPv4 address is itself, also where a port for both kinds writes it as an IPv6 one.
pub fn network(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(peer) => peer.to_string(),
        IpAddr::V6(peer) => {
            let [a, b, c, d, ..] = peer.segments();
            format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(text: &str) -> String {
        network(text.parse().unwrap())
    }

    #[test]
    fn one_network_is_one_caller() {
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff"));
        assert_eq!(at("2001:db8:0:1200::1"), at("2001:db8:0:12ff::1"));
        assert_ne!(at("2001:db8:0:1200::1"), at("2001:db8:0:1300::1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[test]
    fn all_of_ipv4_is_not_one_caller_behind_a_port_for_both_kinds() {
        assert_ne!(at("::ffff:192.0.2.1"), at("::ffff:192.0.2.2"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }

    #[test]
    fn nobody_is_counted_who_has_left() {
        let doors = Doors::new(Most { all: 9, of_one_network: Some(2) });
        let from = IpAddr::from([192, 0, 2, 1]);
        let (first, second) = (doors.admit(from), doors.admit(from));
        assert!(first.is_some() && second.is_some() && doors.admit(from).is_none());
        drop(first);
        assert!(doors.admit(from).is_some());
        drop(second);
        assert!(doors.networks.inside().is_empty());
    }
}

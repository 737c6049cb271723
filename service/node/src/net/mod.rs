//! How the three nodes reach each other: one post office per node, and wires between them.

mod certificate;
mod frame;
mod incoming;
mod lane;
mod links;
mod memory;
mod order;
mod outgoing;
mod post;
mod slow;
mod tls;

pub use certificate::Identity;
#[cfg(test)]
pub(crate) use certificate::certificate;
pub(crate) use frame::{control, step};
pub(crate) use lane::NodeLane;
pub use links::{LinkConfig, Links};
pub use memory::memory_wires;
pub(crate) use order::{Order, Touches};
pub use post::Limits;
pub(crate) use post::{End, Inquiry, Mailbox, NoBox, Notice, Post};
pub use slow::SlowWire;
pub use tls::{HYBRID_GROUP, https_config, peer_client_config, peer_server_config};

use std::time::Duration;

use vdl_transport::{Frame, Peer, TransportError};

/// Carries frames to the two other nodes; what arrives from them is delivered to the node's post.
pub trait Wire: Send + Sync {
    /// Hands one frame over, to be sent after those before it.
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError>;

    /// Called before a large frame is sent: may wait while many bytes are on their way to `to`, but no longer
    /// than until `urgent`, when this node must read before its peers can.
    fn wait_for_room(&self, _to: Peer, _urgent: &dyn Fn() -> bool) {}

    /// Waits until both peers can be reached; otherwise says who cannot.
    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer>;

    /// How long a message to a peer and its answer travel at most, as far as known.
    fn round_trip(&self) -> Duration {
        Duration::ZERO
    }

    /// Ends all connections.
    fn close(&self);
}

/// Which node `peer` is, seen from node `me`.
pub(crate) fn node_of(me: u8, peer: Peer) -> u8 {
    match peer {
        Peer::Next => (me + 1) % 3,
        Peer::Previous => (me + 2) % 3,
    }
}

/// Which peer `node` is, seen from node `me`.
pub(crate) fn peer_of(me: u8, node: u8) -> Option<Peer> {
    match (node + 3 - me) % 3 {
        1 => Some(Peer::Next),
        2 => Some(Peer::Previous),
        _ => None,
    }
}

pub(crate) const PEERS: [Peer; 2] = [Peer::Next, Peer::Previous];

/// A place in a pair of things, one per peer.
pub(crate) fn slot(peer: Peer) -> usize {
    match peer {
        Peer::Next => 0,
        Peer::Previous => 1,
    }
}

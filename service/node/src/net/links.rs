//! Wires over the network: TCP and mutual TLS, one connection per direction and pair. The dialling
//! side only sends, the listening side only receives, so that no lock is ever held across both.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ServerConfig};
use vdl_transport::{Assembler, Frame, Peer, TransportError};

use super::certificate::{Identity, certificate};
use super::incoming::Incoming;
use super::outgoing::{Line, Outgoing, RECORD};
use super::post::Post;
use super::tls::{HYBRID_GROUP, peer_client_config, peer_server_config};
use super::{PEERS, Wire, slot};
use crate::error::NodeError;

/// Who this node is and how to reach and know its peers; `Next` first.
pub struct LinkConfig {
    pub identity: Identity,
    pub addresses: [SocketAddr; 2],
    pub certificates: [String; 2],
}

/// The wires of one node.
pub struct Links {
    post: Arc<Post>,
    addresses: [SocketAddr; 2],
    dialling: [Arc<ClientConfig>; 2],
    listening: Arc<ServerConfig>,
    pins: [CertificateDer<'static>; 2],
    outgoing: [Mutex<Option<Outgoing>>; 2],
    lines: [Line; 2],
    /// Sockets to cut when all is over, and what is up; guarded by one lock.
    standing: Mutex<Standing>,
    changed: Condvar,
    closing: AtomicBool,
    /// Connections that have not shown who they are.
    strangers: AtomicUsize,
    /// Microseconds that each peer took to accept the latest connection, which is one round trip.
    round_trips: [AtomicU64; 2],
    own_address: SocketAddr,
}

#[derive(Default)]
struct Standing {
    outgoing: [Option<TcpStream>; 2],
    incoming: [Option<(u64, TcpStream)>; 2],
    connections: u64,
}

const MOST_STRANGERS: usize = 16;
/// How long what was sent last may take to leave.
const FAREWELL: Duration = Duration::from_millis(200);

impl Links {
    /// Listens and dials from now on.
    pub(crate) fn start(
        post: Arc<Post>,
        listener: TcpListener,
        config: &LinkConfig,
    ) -> Result<Arc<Self>, NodeError> {
        let [next, previous] = &config.certificates;
        let own_address = listener.local_addr().map_err(|error| NodeError::Link(error.to_string()))?;
        let links = Arc::new(Self {
            post,
            addresses: config.addresses,
            dialling: [
                peer_client_config(&config.identity, next)?,
                peer_client_config(&config.identity, previous)?,
            ],
            listening: peer_server_config(&config.identity, [next, previous])?,
            pins: [certificate(next)?, certificate(previous)?],
            outgoing: [Mutex::new(None), Mutex::new(None)],
            lines: [Line::default(), Line::default()],
            standing: Mutex::default(),
            changed: Condvar::new(),
            closing: AtomicBool::new(false),
            strangers: AtomicUsize::new(0),
            round_trips: Default::default(),
            own_address,
        });
        let listening = links.clone();
        spawn("listen", move || listening.listen(&listener))?;
        for peer in PEERS {
            let (dialling, sending) = (links.clone(), links.clone());
            spawn("dial", move || dialling.keep_dialling(peer))?;
            spawn("send", move || sending.keep_sending(peer))?;
        }
        Ok(links)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn outgoing(&self, peer: Peer) -> MutexGuard<'_, Option<Outgoing>> {
        self.outgoing[slot(peer)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dials, waits for the connection to end, dials again; ever more patiently while nobody answers.
    fn keep_dialling(&self, peer: Peer) {
        const SHORTEST: Duration = Duration::from_millis(10);
        const LONGEST: Duration = Duration::from_secs(1);
        let mut pause = SHORTEST;
        while !self.closing() {
            match self.dial(peer) {
                Ok(watch) => {
                    pause = SHORTEST;
                    // The peer never sends on this connection: whatever ends the read ends the link.
                    let _ = (&watch).read(&mut [0; 1]);
                    self.drop_link(peer);
                }
                Err(error) => tracing::debug!(?peer, %error, "the peer does not answer yet"),
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST);
        }
    }

    fn dial(&self, peer: Peer) -> io::Result<TcpStream> {
        let limits = &self.post.limits;
        let asked = Instant::now();
        let mut socket = TcpStream::connect_timeout(&self.addresses[slot(peer)], limits.connect)?;
        let took = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.round_trips[slot(peer)].store(took, Ordering::Relaxed);
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(limits.connect))?;
        socket.set_write_timeout(Some(limits.round))?;
        let name = ServerName::IpAddress(self.addresses[slot(peer)].ip().into());
        let mut tls =
            ClientConnection::new(self.dialling[slot(peer)].clone(), name).map_err(io::Error::other)?;
        // Encrypt this much before handing it to the system.
        tls.set_buffer_limit(Some(16 * RECORD));
        while tls.is_handshaking() || tls.wants_write() {
            tls.complete_io(&mut socket)?;
        }
        socket.set_read_timeout(None)?;
        let watch = socket.try_clone()?;
        let mut standing = self.standing();
        if self.closing() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        standing.outgoing[slot(peer)] = Some(socket.try_clone()?);
        *self.outgoing(peer) = Some(Outgoing { tls, socket });
        drop(standing);
        self.changed.notify_all();
        Ok(watch)
    }

    /// The link to `peer` is gone: whatever was under way with it ends now, on this side too.
    fn drop_link(&self, peer: Peer) {
        if let Some(socket) = self.standing().outgoing[slot(peer)].take() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.post.lost(peer);
        self.lines[slot(peer)].clear();
        *self.outgoing(peer) = None;
    }

    /// Large frames, and those behind them.
    fn keep_sending(&self, peer: Peer) {
        let line = &self.lines[slot(peer)];
        while let Some(frame) = line.next() {
            // Whoever waits for an answer hears that the connection is gone.
            let _ = self.write(peer, &frame);
            drop(frame);
            line.end_turn();
        }
    }

    fn write(&self, to: Peer, frame: &Frame) -> Result<(), TransportError> {
        let closed = TransportError::Closed { peer: to };
        let mut guard = self.outgoing(to);
        let outgoing = guard.as_mut().ok_or_else(|| closed.clone())?;
        if let Err(error) = outgoing.send(frame) {
            tracing::warn!(peer = ?to, %error, "sending to a peer failed");
            // The watching thread sees the end and dials again; half a frame must not be continued.
            let _ = outgoing.socket.shutdown(Shutdown::Both);
            *guard = None;
            return Err(closed);
        }
        Ok(())
    }

    fn listen(self: &Arc<Self>, listener: &TcpListener) {
        for socket in listener.incoming() {
            if self.closing() {
                return;
            }
            let Ok(socket) = socket else { continue };
            if self.strangers.fetch_add(1, Ordering::AcqRel) >= MOST_STRANGERS {
                self.strangers.fetch_sub(1, Ordering::AcqRel);
                continue;
            }
            let links = self.clone();
            if spawn("receive", move || links.receive(socket)).is_err() {
                self.strangers.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    /// One connection from a peer, from its first byte to its last.
    fn receive(&self, socket: TcpStream) {
        let greeted = self.greet(socket);
        self.strangers.fetch_sub(1, Ordering::AcqRel);
        let (peer, connection, mut incoming) = match greeted {
            Ok(greeted) => greeted,
            Err(error) => return tracing::warn!(%error, "refused a connection on the peer port"),
        };
        self.changed.notify_all();
        let mut frames = Assembler::default();
        let deliver = |bytes: &[u8]| {
            // A job that does not read holds up this connection, not this node's memory.
            let take = |frame| {
                if let Some(full) = self.post.deliver(peer, frame) {
                    full.wait_for_room(peer);
                }
            };
            frames.feed(bytes, take).map_err(io::Error::other)
        };
        let error = incoming.read_to_end(deliver);
        let mut standing = self.standing();
        let entry = &mut standing.incoming[slot(peer)];
        let current = entry.as_ref().is_some_and(|(number, _)| *number == connection);
        if current {
            *entry = None;
        }
        drop(standing);
        if current && !self.closing() {
            tracing::info!(?peer, %error, "the connection from a peer ended");
            self.drop_link(peer);
        }
    }

    /// The handshake: who is it, and is the key exchange the hybrid one?
    fn greet(&self, socket: TcpStream) -> io::Result<(Peer, u64, Incoming)> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(self.post.limits.connect))?;
        socket.set_write_timeout(Some(self.post.limits.connect))?;
        let deadline = Instant::now() + self.post.limits.connect;
        let mut incoming = Incoming::new(self.listening.clone(), socket.try_clone()?)?;
        incoming.shake_hands(deadline)?;
        let shown = incoming.tls.peer_certificates().and_then(|chain| chain.first());
        let peer = PEERS.into_iter().find(|peer| shown == Some(&self.pins[slot(*peer)]));
        let group = incoming.tls.negotiated_key_exchange_group().map(|group| group.name());
        let (Some(peer), Some(HYBRID_GROUP)) = (peer, group) else {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a peer of this node"));
        };
        socket.set_read_timeout(None)?;
        let mut standing = self.standing();
        if self.closing() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        standing.connections += 1;
        let connection = standing.connections;
        let older = standing.incoming[slot(peer)].replace((connection, socket.try_clone()?));
        drop(standing);
        if let Some((_, older)) = older {
            let _ = older.shutdown(Shutdown::Both);
            self.post.lost(peer);
        }
        Ok((peer, connection, incoming))
    }

    fn up(&self, standing: &Standing, peer: Peer) -> bool {
        standing.outgoing[slot(peer)].is_some() && standing.incoming[slot(peer)].is_some()
    }
}

impl Wire for Links {
    fn round_trip(&self) -> Duration {
        let slowest = self.round_trips.iter().map(|time| time.load(Ordering::Relaxed)).max();
        Duration::from_micros(slowest.unwrap_or_default())
    }

    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        if self.standing().outgoing[slot(to)].is_none() {
            return Err(TransportError::Closed { peer: to });
        }
        let line = &self.lines[slot(to)];
        let Some(frame) = line.enter(frame) else { return Ok(()) };
        let sent = self.write(to, &frame);
        line.end_turn();
        sent
    }

    fn wait_for_room(&self, to: Peer, urgent: &dyn Fn() -> bool) {
        self.lines[slot(to)].wait_for_room(urgent);
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        let deadline = Instant::now() + patience;
        let mut standing = self.standing();
        loop {
            let Some(missing) = PEERS.into_iter().find(|peer| !self.up(&standing, *peer)) else {
                return Ok(());
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.closing() {
                return Err(missing);
            }
            standing = self.changed.wait_timeout(standing, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn close(&self) {
        let deadline = Instant::now() + FAREWELL;
        self.lines.iter().for_each(|line| line.close(deadline));
        self.closing.store(true, Ordering::Release);
        let mut standing = self.standing();
        let Standing { outgoing, incoming, .. } = &mut *standing;
        let sockets = outgoing.iter_mut().filter_map(Option::take);
        for socket in sockets.chain(incoming.iter_mut().filter_map(Option::take).map(|(_, socket)| socket)) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        drop(standing);
        self.changed.notify_all();
        // Wakes the listening thread, so that it lets the port go.
        let _ = TcpStream::connect_timeout(&self.own_address, Duration::from_millis(100));
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), NodeError> {
    thread::Builder::new()
        .name(format!("vdl-{name}"))
        .spawn(run)
        .map(drop)
        .map_err(|error| NodeError::Link(format!("no thread: {error}")))
}

//! Connections of a port: how many, how long each may keep it waiting, and what is asked on them.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::doors::{Doors, Most};
use crate::stall::Impatient;

/// How long a connection waits for whoever it is with.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For TLS to be agreed on.
    pub handshake: Duration,
    /// For a whole head of a request: idle connections are open so long.
    pub head: Duration,
    /// For a reader of its answer to read on.
    pub reading: Duration,
}

/// Where whoever calls is: with every request, among its extensions.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub SocketAddr);

/// A port that speaks HTTP/1.1, over TLS or openly. Whoever comes is counted before anything is said to them,
/// so that those who say nothing take no more places than others.
pub struct Port {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    doors: Doors,
    patience: Patience,
}

impl Port {
    /// Must be called within a runtime.
    pub fn open(
        listener: std::net::TcpListener,
        tls: Option<Arc<ServerConfig>>,
        most: Most,
        patience: Patience,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Self { listener, tls: tls.map(TlsAcceptor::from), doors: Doors::new(most), patience })
    }

    /// Takes connections until it is told to stop, then waits for the requests under way.
    pub async fn serve(self, app: Router, stopping: Arc<Notify>) {
        let Self { listener, tls, doors, patience } = self;
        let (told, tells) = watch::channel(());
        loop {
            let next = async {
                // Who comes when all places are taken waits at the port.
                let place = doors.place().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = stopping.notified() => break,
                accepted = next => accepted,
            };
            let Ok((socket, remote)) = accepted else {
                // Out of descriptors, say, which others will give back.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            // Who has too many is sent away.
            let Some(inside) = doors.admit(remote.ip()) else { continue };
            let conversation = Conversation { remote, app: app.clone(), patience, tells: tells.clone() };
            let tls = tls.clone();
            tokio::spawn(async move {
                conversation.begin(socket, tls).await;
                drop((place, inside));
            });
        }
        drop((listener, tells));
        let _ = told.send(());
        told.closed().await;
    }
}

/// What is said on one connection.
struct Conversation {
    remote: SocketAddr,
    app: Router,
    patience: Patience,
    tells: watch::Receiver<()>,
}

impl Conversation {
    async fn begin(mut self, socket: TcpStream, tls: Option<TlsAcceptor>) {
        // Small answers must not wait for more to come.
        let _ = socket.set_nodelay(true);
        let Some(tls) = tls else { return self.go_on(socket).await };
        let shaken = tokio::select! {
            shaken = timeout(self.patience.handshake, tls.accept(socket)) => shaken,
            _ = self.tells.changed() => return,
        };
        if let Ok(Ok(stream)) = shaken {
            self.go_on(stream).await;
        }
    }

    /// Requests, one after the other.
    async fn go_on(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (app, remote) = (TowerToHyperService::new(self.app), Remote(self.remote));
        let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(remote);
            app.call(request)
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(self.patience.head);
        let stream = TokioIo::new(Impatient::new(stream, self.patience.reading));
        let mut connection = pin!(server.serve_connection(stream, answer));
        tokio::select! {
            // Whatever ends a connection is over with it.
            _ = connection.as_mut() => {}
            _ = self.tells.changed() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! The receiving end of a link: ciphertext is read in large pieces and decrypted record by record.
//!
//! The plain TLS connection of the library reads four kilobytes per system call, so this one keeps its own
//! buffer.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};

/// Bytes read at a time: many records, and still in the second nearest cache.
const BUFFER: usize = 512 * 1024;

pub(super) struct Incoming {
    pub tls: UnbufferedServerConnection,
    socket: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are not decrypted yet, from its start.
    filled: usize,
    /// What came together with the end of the handshake.
    first: Vec<u8>,
}

impl Incoming {
    pub fn new(config: Arc<ServerConfig>, socket: TcpStream) -> io::Result<Self> {
        let tls = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self { tls, socket, buffer: vec![0; BUFFER], filled: 0, first: Vec::new() })
    }

    /// Until both sides know each other. The socket's own timeout ends each wait.
    pub fn shake_hands(&mut self, deadline: Instant) -> io::Result<()> {
        // What the peer sends behind its last handshake message may come with it.
        let mut first = Vec::new();
        while self.tls.is_handshaking() {
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.read()?;
            self.process(|data| {
                first.extend_from_slice(data);
                Ok(())
            })?;
        }
        self.first = first;
        Ok(())
    }

    /// Gives `data` all that arrives, in order, until the connection ends; says why it did.
    pub fn read_to_end(&mut self, mut data: impl FnMut(&[u8]) -> io::Result<()>) -> io::Error {
        let first = std::mem::take(&mut self.first);
        if let Err(error) = data(&first) {
            return error;
        }
        loop {
            if let Err(error) = self.read().and_then(|()| self.process(&mut data)) {
                return error;
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match self.socket.read(free) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.filled += count;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Handles all whole records in the buffer.
    fn process(&mut self, mut data: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let (mut at, mut out) = (0, Vec::new());
        loop {
            let records = self.buffer.get_mut(at..self.filled).unwrap_or_default();
            let UnbufferedStatus { discard, state, .. } = self.tls.process_tls_records(records);
            at += discard;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        data(record.map_err(io::Error::other)?.payload)?;
                    }
                }
                Ok(ConnectionState::EncodeTlsData(message)) => encode(message, &mut out)?,
                Ok(ConnectionState::TransmitTlsData(sent)) => {
                    self.socket.write_all(&std::mem::take(&mut out))?;
                    sent.done();
                }
                Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => break,
                Ok(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => {
                    self.say_why();
                    return Err(io::Error::other(error));
                }
            }
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(())
    }

    /// The last thing the other side hears: what it did wrong.
    fn say_why(&mut self) {
        let mut out = Vec::new();
        if let Ok(ConnectionState::EncodeTlsData(alert)) = self.tls.process_tls_records(&mut []).state {
            // It is over either way.
            let _ = encode(alert, &mut out).and_then(|()| self.socket.write_all(&out));
        }
    }
}

fn encode(mut message: EncodeTlsData<'_, ServerConnectionData>, out: &mut Vec<u8>) -> io::Result<()> {
    let at = out.len();
    let Err(EncodeError::InsufficientSize(need)) = message.encode(&mut []) else { return Ok(()) };
    out.resize(at + need.required_size, 0);
    message.encode(out.get_mut(at..).unwrap_or_default()).map(drop).map_err(io::Error::other)
}

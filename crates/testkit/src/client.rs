//! A client that sends bytes as they are given and reads responses strictly.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use thiserror::Error;

use crate::conn::Conn;
use crate::oracle::{self, Fault, Fields, Framing, StatusLine};
use crate::wire::{Stop, Wire};

/// Longest wait for anything, unless [`RawClient::set_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why no response could be read.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nothing came in time.
    #[error("timed out after {} bytes of content", .0.len())]
    TimedOut(Vec<u8>),
    /// The connection ended before the response did.
    #[error("connection ended after {} bytes of content", .0.len())]
    Ended(Vec<u8>),
    /// The connection was reset, or could not be written.
    #[error("connection failed")]
    Io(#[source] io::Error),
    /// The bytes are no response.
    #[error("malformed response: {0:?}")]
    Malformed(Fault),
}

impl ClientError {
    fn of(stop: Stop, content: Vec<u8>) -> Self {
        match stop {
            Stop::Ended => Self::Ended(content),
            Stop::Fault(fault) => Self::Malformed(fault),
            Stop::Io(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Self::TimedOut(content)
            }
            Stop::Io(e) => Self::Io(e),
        }
    }
}

/// One response, read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    /// Version, status, reason.
    pub line: StatusLine,
    /// Header fields in order.
    pub fields: Fields,
    /// Content without framing.
    pub body: Vec<u8>,
    /// Trailer fields.
    pub trailers: Fields,
    /// How the body ended.
    pub framing: Framing,
    /// Interim responses (1xx other than 101) that came before, in order.
    pub interim: Vec<(StatusLine, Fields)>,
}

impl Response {
    /// The status.
    pub fn status(&self) -> u16 {
        self.line.status
    }

    /// The body as text, wrong bytes replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Value of the first field of that name, or empty.
    pub fn field(&self, name: &str) -> &str {
        self.fields.first(name).unwrap_or("")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none; the test that asked is wrong or the answer is.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {}", self.text()))
    }
}

/// A connection to whatever is tested.
pub struct RawClient {
    wire: Wire,
}

impl RawClient {
    /// Connects to `host:port` or `unix:/path`.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(address: &str) -> Result<Self, ClientError> {
        let conn = Conn::connect(address, TIMEOUT).map_err(ClientError::Io)?;
        Ok(Self { wire: Wire::new(conn) })
    }

    /// Replaces the longest wait.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.wire.conn.set_timeouts(Some(timeout)).expect("a time-out above zero is accepted");
    }

    /// The connection itself, for socket options and raw writes.
    pub fn conn(&mut self) -> &mut Conn {
        &mut self.wire.conn
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the peer has gone or takes nothing any more.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), ClientError> {
        self.wire.send(bytes.as_ref()).map_err(|e| ClientError::of(e.into(), Vec::new()))
    }

    /// Sends every byte in a segment of its own.
    ///
    /// # Errors
    /// As [`RawClient::send`].
    pub fn send_bytewise(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), ClientError> {
        bytes.as_ref().iter().try_for_each(|b| self.send([*b]))
    }

    /// Closes the sending direction only.
    ///
    /// # Errors
    /// When the peer has gone.
    pub fn finish_sending(&mut self) -> Result<(), ClientError> {
        self.wire.conn.shutdown(Shutdown::Write).map_err(ClientError::Io)
    }

    /// Sends a request and reads its response; the method is read from the request.
    ///
    /// # Errors
    /// As [`RawClient::response`].
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> Result<Response, ClientError> {
        let request = request.as_ref();
        self.send(request)?;
        let method = request.split(|&b| b == b' ').next().unwrap_or(b"GET");
        self.response(&String::from_utf8_lossy(method))
    }

    /// Reads one head: final or interim.
    ///
    /// # Errors
    /// What kept it from being read.
    pub fn head(&mut self) -> Result<(StatusLine, Fields), ClientError> {
        self.wire.take(oracle::response_head).map_err(|stop| ClientError::of(stop, Vec::new()))
    }

    /// Reads the response to a request of `method`, with the interim ones before it.
    ///
    /// # Errors
    /// What kept it from being read to its end, with the content that came.
    pub fn response(&mut self, method: &str) -> Result<Response, ClientError> {
        let mut body = Vec::new();
        let mut response = self.response_into(method, &mut |piece| body.extend_from_slice(piece));
        match &mut response {
            Ok(response) => response.body = body,
            Err(ClientError::TimedOut(content) | ClientError::Ended(content)) => *content = body,
            Err(_) => {}
        }
        response
    }

    /// Like [`RawClient::response`], handing the content to `sink` instead of keeping it.
    ///
    /// # Errors
    /// What kept it from being read to its end.
    pub fn response_into(
        &mut self,
        method: &str,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Response, ClientError> {
        let mut interim = Vec::new();
        let (line, fields) = loop {
            let (line, fields) = self.head()?;
            if line.status >= 200 || line.status == 101 {
                break (line, fields);
            }
            interim.push((line, fields));
        };
        let framing = oracle::response_framing(&line, &fields, method).map_err(ClientError::Malformed)?;
        let trailers = self.wire.body(framing, sink).map_err(|stop| ClientError::of(stop, Vec::new()))?;
        Ok(Response { line, fields, body: Vec::new(), trailers, framing, interim })
    }

    /// Reads exactly `count` bytes, as in a tunnel.
    ///
    /// # Errors
    /// What kept them from coming.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        let framing = Framing::Length(count as u64);
        match self.wire.body(framing, &mut |piece| bytes.extend_from_slice(piece)) {
            Ok(_) => Ok(bytes),
            Err(stop) => Err(ClientError::of(stop, bytes)),
        }
    }

    /// Reads everything until the peer closes.
    ///
    /// # Errors
    /// When it does not close in time.
    pub fn rest(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        match self.wire.body(Framing::Close, &mut |piece| bytes.extend_from_slice(piece)) {
            Ok(_) => Ok(bytes),
            Err(stop) => Err(ClientError::of(stop, bytes)),
        }
    }

    /// Whether the peer closes (or resets) now, without one more byte.
    pub fn is_closed(&mut self) -> bool {
        match self.rest() {
            Ok(rest) => rest.is_empty(),
            Err(ClientError::Io(_)) => true,
            Err(_) => false,
        }
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        // A socket that is gone already needs no reset.
        let _ = self.wire.conn.reset_on_close();
    }
}

/// Sends one request on a connection of its own and reads the response.
///
/// # Errors
/// As [`RawClient::response`].
pub fn ask(address: &str, request: impl AsRef<[u8]>) -> Result<Response, ClientError> {
    RawClient::connect(address)?.ask(request)
}

//! Scripts by which an origin answers: lists of steps.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// One step of an answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads the request's body to its end.
    ReadBody,
    /// Reads the request's body in pieces of at most this many bytes, pausing before each.
    ReadBodySlowly(usize, Duration),
    /// Sends bytes.
    Send(Arc<[u8]>),
    /// Sends bytes in pieces of this many, pausing after each.
    Drip(Arc<[u8]>, usize, Duration),
    /// Sends so many bytes of [`pattern`] made on the fly.
    Generate(u64),
    /// The same in chunks of 64 KiB, without the last chunk.
    GenerateChunks(u64),
    /// Answers 200 with the request as JSON.
    Echo,
    /// Sends every byte back until the peer closes; nothing after this step is a request.
    Tunnel,
    /// Answers WebSocket frames as RFC 6455 asks of an echo server, until the peer closes.
    WebSocketEcho,
    /// Waits for the gate to open.
    Wait(Gate),
    /// Opens the gate, so that the test knows how far the script has come.
    Open(Gate),
    /// Waits until the peer closes, reading nothing into requests.
    Hold,
    /// Closes the sending direction.
    CloseWrite,
    /// Closes.
    Close,
    /// Closes with a reset.
    Reset,
}

/// What an origin does with one request. After the last step the connection waits for the next request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub(crate) steps: Vec<Step>,
}

impl Answer {
    /// Nothing yet; the request's body is not read unless a step says so.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the body, then sends `bytes` as they are.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::new().then(Step::ReadBody).send(bytes)
    }

    /// Reads the body, then answers 200 with `body` and its length.
    pub fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status(200, body)
    }

    /// Reads the body, then answers with a status, `body` and its length.
    pub fn status(status: u16, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        Self::bytes([head.as_bytes(), body].concat())
    }

    /// Reads the body, then answers with the request as JSON.
    pub fn echo() -> Self {
        Self::new().then(Step::ReadBody).then(Step::Echo)
    }

    /// Reads the body, then answers 200 with `count` bytes of [`pattern`] and their length.
    pub fn generated(count: u64) -> Self {
        Self::bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n\r\n")).then(Step::Generate(count))
    }

    /// Adds a step.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a step that sends bytes.
    #[must_use]
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Send(bytes.as_ref().into()))
    }

    /// Adds a step that closes.
    #[must_use]
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }
}

/// A gate that a test opens once; scripts wait at it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everyone through from now on.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits at most `timeout`; says whether the gate is open.
    pub fn wait(&self, timeout: Duration) -> bool {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(open, timeout, |open| !*open);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Length of the repeated block; a prime, so that shifted or lost blocks show.
const PATTERN_BYTES: usize = 65_521;

/// The bytes of the endless test pattern from `offset` on, up to the end of its block.
pub fn pattern(offset: u64) -> &'static [u8] {
    static BLOCK: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let block = BLOCK.get_or_init(|| (0..PATTERN_BYTES).map(|i| (i * 31 + (i >> 8) * 7) as u8).collect());
    &block[(offset % PATTERN_BYTES as u64) as usize..]
}

/// Checks that bytes continue the pattern; counts them.
#[derive(Clone, Copy, Debug, Default)]
pub struct PatternCheck {
    /// Bytes seen.
    pub bytes: u64,
    /// Whether all of them were right.
    pub broken: bool,
}

impl PatternCheck {
    /// Looks at the next bytes.
    pub fn take(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let expected = pattern(self.bytes);
            let count = expected.len().min(piece.len());
            self.broken |= expected[..count] != piece[..count];
            self.bytes += count as u64;
            piece = &piece[count..];
        }
    }
}

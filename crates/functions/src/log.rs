//! What a guest prints, line by line into the gateway's log.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{fmt, io};

use bytes::Bytes;
use lockgate_event::EventId;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

/// Longest line in the log, bytes; a longer one becomes several.
const LINE_BYTES_MAX: usize = 4096;

/// What a line counts at least, bytes: the log says of each, be it empty, when it was written, by whom, and for which request.
const LINE_BYTES_MIN: u64 = 64;

/// Most a guest may write in one go, bytes.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Which of the two a guest writes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Stdout = 0,
    Stderr = 1,
}

/// The log of one instance; of one call after the other, where it is used again.
#[derive(Debug)]
pub(crate) struct GuestLog {
    function: Arc<str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    request: RequestId,
    bytes_left: u64,
    /// Whether the log says already that something is missing.
    cut: bool,
    /// What came since the last end of a line, of each stream.
    open: [Vec<u8>; 2],
}

impl GuestLog {
    pub(crate) fn new(function: Arc<str>) -> Self {
        Self { function, state: Mutex::default() }
    }

    /// Starts the log of a call.
    pub(crate) fn begin_call(&self, request: RequestId, bytes_max: u64) {
        *self.state() = State { request, bytes_left: bytes_max, ..State::default() };
    }

    /// Prints the lines that were not ended.
    pub(crate) fn end_call(&self) {
        let mut state = self.state();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let open = std::mem::take(&mut state.open[stream as usize]);
            if !open.is_empty() {
                self.print(&mut state, stream, &open);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.state();
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let taken = part.len().min(usize::try_from(state.bytes_left).unwrap_or(usize::MAX));
            state.bytes_left -= taken as u64;
            self.append(&mut state, stream, &part[..taken]);
            if taken < part.len() {
                self.cut(&mut state);
                break;
            }
        }
    }

    /// Says once that something is missing.
    fn cut(&self, state: &mut State) {
        if !std::mem::replace(&mut state.cut, true) {
            let request = state.request;
            tracing::warn!(target: "function", function = &*self.function, %request, "log cut: the call wrote more than the function's `log`");
        }
    }

    /// Adds a line or a part of one.
    fn append(&self, state: &mut State, stream: Stream, part: &[u8]) {
        let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
        let mut open = std::mem::take(&mut state.open[stream as usize]);
        for piece in text.chunks(LINE_BYTES_MAX) {
            if open.len() + piece.len() > LINE_BYTES_MAX {
                self.print(state, stream, &open);
                open.clear();
            }
            open.extend_from_slice(piece);
        }
        if ends {
            self.print(state, stream, &open);
            open.clear();
        }
        state.open[stream as usize] = open;
    }

    fn print(&self, state: &mut State, stream: Stream, line: &[u8]) {
        let missing = LINE_BYTES_MIN.saturating_sub(line.len() as u64);
        state.bytes_left = state.bytes_left.saturating_sub(missing);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = String::from_utf8_lossy(line);
        let request = state.request;
        let stream = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        tracing::info!(target: "function", function = &*self.function, %request, stream, "{}", Printable(&line));
    }
}

/// The exchange that a call answers; none, where a function is started before it is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) Option<EventId>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => id.fmt(f),
            None => f.write_str("start"),
        }
    }
}

/// Text of strangers as a line: control characters are escaped.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, from) = rest.split_at(at);
            f.write_str(plain)?;
            let mut characters = from.chars();
            if let Some(control) = characters.next() {
                write!(f, "{}", control.escape_default())?;
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// One of the two streams, as `wasi:cli` hands it to the guest.
#[derive(Clone, Debug)]
pub(crate) struct LogStream {
    pub(crate) log: Arc<GuestLog>,
    pub(crate) stream: Stream,
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.log.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.log.write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;

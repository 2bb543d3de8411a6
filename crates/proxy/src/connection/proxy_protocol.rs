//! For whom a balancer has connected, said before anything else on the connection.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use policy::proxy_protocol::{
    BINARY_BYTES, Ends, Form, LINE_BYTES_MAX, PREFIX_BYTES, Said, binary_rest, parse_binary, parse_line,
};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::TcpStream;

use crate::limits::PROXY_HEADER_BYTES;
use crate::timers::Timer;

/// Reads the header, not a byte more, and says whose connection it is, those of the connection itself being `own`; `None`: it is
/// missing, malformed or late.
pub(super) async fn ends(stream: &mut TcpStream, own: Ends, timer: &Timer) -> Option<Ends> {
    let mut reading = pin!(read(stream));
    let said = poll_fn(|context| match reading.as_mut().poll(context) {
        Poll::Pending if timer.expired() => Poll::Ready(Ok(None)),
        polled => polled,
    });
    match said.await {
        Ok(Some(Said::For(ends))) => Some(ends),
        Ok(Some(Said::Itself)) => Some(own),
        Ok(None) | Err(_) => None,
    }
}

/// A connection whose next bytes can be looked at without being taken.
pub(crate) trait Peek: AsyncRead + Unpin {
    /// Waits for bytes and says how many there are; 0: there will be none.
    fn poll_peek(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<usize>>;
}

impl Peek for TcpStream {
    fn poll_peek(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        Self::poll_peek(self, context, into)
    }
}

/// Reads the header, not a byte more; `None`: it is missing or malformed.
///
/// # Errors
/// That of the connection, and its end.
pub(crate) async fn read(stream: &mut impl Peek) -> io::Result<Option<Said>> {
    let mut prefix = [0; PREFIX_BYTES];
    stream.read_exact(&mut prefix).await?;
    match Form::of(&prefix) {
        None => Ok(None),
        Some(Form::Line) => read_line(stream, prefix).await,
        Some(Form::Binary) => {
            let mut start = [0; BINARY_BYTES];
            start[..PREFIX_BYTES].copy_from_slice(&prefix);
            stream.read_exact(&mut start[PREFIX_BYTES..]).await?;
            let mut rest = [0; PROXY_HEADER_BYTES];
            let Some(rest) = rest.get_mut(..binary_rest(&start)) else { return Ok(None) };
            stream.read_exact(rest).await?;
            Ok(parse_binary(&start, rest))
        }
    }
}

/// What follows the line is not ours, so that it is looked at first, and only the line is taken.
async fn read_line(stream: &mut impl Peek, prefix: [u8; PREFIX_BYTES]) -> io::Result<Option<Said>> {
    let mut line = [0; LINE_BYTES_MAX];
    line[..PREFIX_BYTES].copy_from_slice(&prefix);
    let mut length = PREFIX_BYTES;
    loop {
        let room = &mut line[length..];
        let seen = poll_fn(|context| stream.poll_peek(context, &mut ReadBuf::new(room))).await?;
        let end = room[..seen].iter().position(|&byte| byte == b'\n').map(|at| at + 1);
        let taken = end.unwrap_or(seen);
        if taken == 0 {
            // The peer has closed, or the line is longer than a line may be.
            return Ok(None);
        }
        stream.read_exact(&mut room[..taken]).await?;
        length += taken;
        if end.is_some() {
            return Ok(parse_line(&line[..length]));
        }
    }
}

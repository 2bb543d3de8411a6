//! A connection as bytes; a client's is a socket, or TLS over one.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio_rustls::server::TlsStream;

use crate::h1::Readiness;

/// A connection as bytes, whichever side it is to.
pub(crate) trait ByteStream: std::fmt::Debug {
    /// The reading side.
    type Read<'a>: AsyncRead + Readiness + Unpin + std::fmt::Debug
    where
        Self: 'a;
    /// The writing side.
    type Write<'a>: AsyncWrite + Unpin + std::fmt::Debug
    where
        Self: 'a;

    /// Both sides, to be used at the same time.
    fn split(&mut self) -> (Self::Read<'_>, Self::Write<'_>);

    /// Says that nothing more comes, as far as that can be done without waiting; for a connection that is idle.
    fn farewell(&mut self);
}

/// What a client's connection is served by.
pub(crate) trait ClientStream: ByteStream + Readiness {
    /// Whether bytes wait in the kernel of which the reactor has not heard yet: closing over them would reset the connection.
    fn has_bytes(&self) -> bool;

    /// Has the socket be reset when it is closed.
    fn reset(&self);
}

impl ByteStream for TcpStream {
    type Read<'a> = ReadHalf<'a>;
    type Write<'a> = WriteHalf<'a>;

    fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        Self::split(self)
    }

    fn farewell(&mut self) {}
}

impl ClientStream for TcpStream {
    fn has_bytes(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        SockRef::from(self).peek(&mut byte).is_ok_and(|count| count > 0)
    }

    fn reset(&self) {
        // A socket that takes no option is gone already.
        let _ = SockRef::from(self).set_linger(Some(std::time::Duration::ZERO));
    }
}

impl Readiness for TcpStream {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }
}

/// TLS over a socket, after its handshake.
#[derive(Debug)]
pub(crate) struct TlsClient {
    stream: RefCell<Box<TlsStream<TcpStream>>>,
}

impl TlsClient {
    pub(crate) fn new(stream: Box<TlsStream<TcpStream>>) -> Self {
        Self { stream: RefCell::new(stream) }
    }
}

impl ByteStream for TlsClient {
    type Read<'a> = Half<'a, Box<TlsStream<TcpStream>>>;
    type Write<'a> = Half<'a, Box<TlsStream<TcpStream>>>;

    fn split(&mut self) -> (Self::Read<'_>, Self::Write<'_>) {
        (Half(&self.stream), Half(&self.stream))
    }

    fn farewell(&mut self) {
        // `close_notify` (RFC 8446 §6.1) fits into an idle socket, or the client is gone.
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(self.stream.get_mut()).poll_shutdown(&mut context);
    }
}

impl ClientStream for TlsClient {
    fn has_bytes(&self) -> bool {
        self.stream.borrow().get_ref().0.has_bytes()
    }

    fn reset(&self) {
        self.stream.borrow().get_ref().0.reset();
    }
}

impl Readiness for TlsClient {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_readable(&self.stream.borrow(), context)
    }
}

/// Bytes that rustls has decrypted are not in the socket any more.
fn poll_readable(stream: &TlsStream<TcpStream>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
    let (socket, connection) = stream.get_ref();
    if connection.wants_read() { socket.poll_read_ready(context) } else { Poll::Ready(Ok(())) }
}

/// One side of a connection whose two sides are polled by one task, one after the other.
pub(crate) struct Half<'a, S>(pub(crate) &'a RefCell<S>);

impl<S> std::fmt::Debug for Half<'_, S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Half")
    }
}

impl<S: Unpin> Half<'_, S> {
    fn poll<R>(&self, poll: impl FnOnce(Pin<&mut S>) -> R) -> R {
        poll(Pin::new(&mut *self.0.borrow_mut()))
    }
}

impl Readiness for Half<'_, Box<TlsStream<TcpStream>>> {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_readable(&self.0.borrow(), context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Half<'_, S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_read(context, into))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Half<'_, S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_shutdown(context))
    }
}

//! A byte stream to an endpoint: a socket, or TLS over one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{tcp, unix};

use super::socket::{ShelvedSocket, Socket};
use super::tls::{TlsHalf, TlsStream};
use crate::h1::Readiness;
use crate::stream::ByteStream;

/// A byte stream to an endpoint.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Cleartext.
    Plain(Socket),
    /// TLS. Boxed, since it is large and most upstreams speak cleartext.
    Tls(Box<TlsStream>),
}

/// An idle stream registered with no worker.
#[derive(Debug)]
pub(super) enum ShelvedStream {
    Plain(ShelvedSocket),
    /// TLS without the socket it runs over.
    Tls(ShelvedSocket, Box<TlsStream>),
}

impl Stream {
    /// Whether something has come on an idle connection, as far as the event loop has heard: an upstream that sends or closes unasked is
    /// done with.
    pub(crate) fn has_news(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_ready(),
            Self::Tls(stream) => stream.has_news(),
        }
    }

    /// The same, as the kernel knows it: a socket that has just been registered has no readiness yet.
    pub(super) fn has_news_now(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_readable(),
            Self::Tls(stream) => stream.has_news_now(),
        }
    }

    /// Whether a handshake has agreed on HTTP/2.
    pub(super) fn agreed_on_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.is_http2(),
        }
    }

    /// Both directions, to be used at the same time.
    pub(crate) fn split(&mut self) -> (ReadSide<'_>, WriteSide<'_>) {
        match self {
            Self::Plain(Socket::Tcp(stream)) => {
                let (read, write) = stream.split();
                (ReadSide::Tcp(read), WriteSide::Tcp(write))
            }
            Self::Plain(Socket::Unix(stream)) => {
                let (read, write) = stream.split();
                (ReadSide::Unix(read), WriteSide::Unix(write))
            }
            Self::Tls(stream) => {
                let (read, write) = stream.split();
                (ReadSide::Tls(read), WriteSide::Tls(write))
            }
        }
    }

    /// Says that an idle connection is not used any more, where there is a way to say so without waiting.
    pub(crate) fn farewell(&mut self) {
        if let Self::Tls(stream) = self {
            stream.farewell();
        }
    }

    /// Takes an idle connection away from this worker's reactor.
    pub(super) fn deregister(self) -> io::Result<ShelvedStream> {
        Ok(match self {
            Self::Plain(socket) => ShelvedStream::Plain(socket.deregister()?),
            Self::Tls(mut stream) => ShelvedStream::Tls(stream.take_socket()?.deregister()?, stream),
        })
    }

    /// Registers an idle connection with this worker's reactor.
    pub(super) fn register(shelved: ShelvedStream) -> io::Result<Self> {
        Ok(match shelved {
            ShelvedStream::Plain(socket) => Self::Plain(Socket::register(socket)?),
            ShelvedStream::Tls(socket, mut stream) => {
                stream.put_socket(Socket::register(socket)?);
                Self::Tls(stream)
            }
        })
    }
}

impl ByteStream for Stream {
    type Read<'a> = ReadSide<'a>;
    type Write<'a> = WriteSide<'a>;

    fn split(&mut self) -> (ReadSide<'_>, WriteSide<'_>) {
        Self::split(self)
    }

    fn farewell(&mut self) {
        Self::farewell(self);
    }
}

/// The reading half of a [`Stream`].
#[derive(Debug)]
pub(crate) enum ReadSide<'a> {
    /// TCP
    Tcp(tcp::ReadHalf<'a>),
    /// Unix socket
    Unix(unix::ReadHalf<'a>),
    /// TLS over either
    Tls(TlsHalf<'a>),
}

impl Readiness for ReadSide<'_> {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => half.as_ref().poll_read_ready(context),
            Self::Unix(half) => half.as_ref().poll_read_ready(context),
            Self::Tls(half) => half.poll_readable(context),
        }
    }
}

impl AsyncRead for ReadSide<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_read(context, into),
            Self::Unix(half) => Pin::new(half).poll_read(context, into),
            Self::Tls(half) => Pin::new(half).poll_read(context, into),
        }
    }
}

/// The writing half of a [`Stream`].
#[derive(Debug)]
pub(crate) enum WriteSide<'a> {
    /// TCP
    Tcp(tcp::WriteHalf<'a>),
    /// Unix socket
    Unix(unix::WriteHalf<'a>),
    /// TLS over either
    Tls(TlsHalf<'a>),
}

impl AsyncWrite for WriteSide<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_write(context, bytes),
            Self::Unix(half) => Pin::new(half).poll_write(context, bytes),
            Self::Tls(half) => Pin::new(half).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_write_vectored(context, slices),
            Self::Unix(half) => Pin::new(half).poll_write_vectored(context, slices),
            Self::Tls(half) => Pin::new(half).poll_write_vectored(context, slices),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_flush(context),
            Self::Unix(half) => Pin::new(half).poll_flush(context),
            Self::Tls(half) => Pin::new(half).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(half) => Pin::new(half).poll_shutdown(context),
            Self::Unix(half) => Pin::new(half).poll_shutdown(context),
            Self::Tls(half) => Pin::new(half).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleartext_has_no_room_for_tls() {
        assert_eq!(size_of::<Stream>(), size_of::<Socket>());
        assert_eq!(size_of::<ReadSide<'_>>(), 2 * size_of::<usize>());
    }
}

//! A socket to an endpoint: registered with a worker's reactor, or on the shelf.

use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::endpoint::Address;
use crate::h1::wait;
use crate::timers::Timer;

/// A socket of this worker.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is the transport of that name")]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A socket registered with no worker.
#[derive(Debug)]
pub(super) enum ShelvedSocket {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Socket {
    /// Connects, within the time that the timer was set to.
    pub(super) async fn connect(address: &Address, timer: &Timer) -> io::Result<Self> {
        match address {
            Address::Ip(address) => {
                let mut connecting = pin!(TcpStream::connect(*address));
                let stream = wait(timer, |context| connecting.as_mut().poll(context)).await?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
            Address::Unix(path) => {
                let mut connecting = pin!(UnixStream::connect(path));
                Ok(Self::Unix(wait(timer, |context| connecting.as_mut().poll(context)).await?))
            }
        }
    }

    /// Takes it away from this worker's reactor.
    pub(super) fn deregister(self) -> io::Result<ShelvedSocket> {
        Ok(match self {
            Self::Tcp(stream) => ShelvedSocket::Tcp(stream.into_std()?),
            Self::Unix(stream) => ShelvedSocket::Unix(stream.into_std()?),
        })
    }

    /// Registers it with this worker's reactor.
    pub(super) fn register(shelved: ShelvedSocket) -> io::Result<Self> {
        Ok(match shelved {
            ShelvedSocket::Tcp(stream) => Self::Tcp(TcpStream::from_std(stream)?),
            ShelvedSocket::Unix(stream) => Self::Unix(UnixStream::from_std(stream)?),
        })
    }

    /// Whether the reactor has heard of bytes, an end or an error.
    pub(super) fn is_ready(&self) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let ready = match self {
            Self::Tcp(stream) => stream.poll_read_ready(&mut context),
            Self::Unix(stream) => stream.poll_read_ready(&mut context),
        };
        ready.is_ready()
    }

    /// Whether the kernel has bytes, an end or an error: the reactor may not have heard of them yet.
    pub(super) fn is_readable(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = self.kernels().peek(&mut byte);
        !matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Reads what the kernel has, past the reactor: to be used while nobody waits.
    pub(super) fn read_now(&self, into: &mut [u8]) -> io::Result<usize> {
        (&*self.kernels()).read(into)
    }

    fn kernels(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, into),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

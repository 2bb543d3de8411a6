//! TLS to an endpoint: the handshake, both directions, and what an idle connection hears.

use std::cell::RefCell;
use std::io::{self, IoSlice, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tls::ServerName;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Inner;
use tokio_rustls::rustls::{AlertDescription, ClientConfig, Error};

use super::socket::Socket;
use crate::h1::Readiness;
use crate::limits::UNASKED_READS;
use crate::stream::Half;

/// TLS over a socket, after its handshake.
#[derive(Debug)]
pub(crate) struct TlsStream {
    inner: RefCell<Inner<Wire>>,
}

/// What TLS runs over. On the shelf it is empty: the socket is registered with no reactor then, and lies beside it.
#[derive(Debug)]
pub(crate) struct Wire(Option<Socket>);

/// One side of such a connection.
pub(crate) type TlsHalf<'a> = Half<'a, Inner<Wire>>;

impl TlsStream {
    /// Shakes hands with whoever proves to have this name.
    pub(super) async fn shake(
        config: &Arc<ClientConfig>,
        name: ServerName<'static>,
        socket: Socket,
    ) -> io::Result<Self> {
        let connector = TlsConnector::from(config.clone());
        let inner = RefCell::new(connector.connect(name, Wire(Some(socket))).await?);
        Ok(Self { inner })
    }

    /// Whether HTTP/2 was agreed on (RFC 9113 §3.2).
    pub(super) fn is_http2(&self) -> bool {
        self.inner.borrow().get_ref().1.alpn_protocol() == Some(b"h2")
    }

    pub(super) fn split(&mut self) -> (TlsHalf<'_>, TlsHalf<'_>) {
        (Half(&self.inner), Half(&self.inner))
    }

    pub(super) fn has_news(&self) -> bool {
        let is_quiet = {
            let inner = self.inner.borrow();
            let (wire, connection) = inner.get_ref();
            connection.wants_read() && wire.0.as_ref().is_some_and(|socket| !socket.is_ready())
        };
        !is_quiet && self.has_news_now()
    }

    /// Session tickets and new keys come unasked (RFC 8446 §4.6) and are no news. Data, an end or an error is.
    pub(super) fn has_news_now(&self) -> bool {
        let mut inner = self.inner.borrow_mut();
        let (wire, connection) = inner.get_mut();
        for _ in 0..UNASKED_READS {
            // Not where data has been decrypted, or the end been announced.
            if !connection.wants_read() {
                return true;
            }
            match connection.read_tls(wire) {
                Ok(count) if count > 0 && connection.process_new_packets().is_ok() => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Ok(_) | Err(_) => return true,
            }
        }
        true
    }

    /// `close_notify` (RFC 8446 §6.1) fits into an idle socket, or the endpoint is gone.
    pub(super) fn farewell(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(self.inner.get_mut()).poll_shutdown(&mut context);
    }

    /// Takes the socket away, for the shelf.
    pub(super) fn take_socket(&mut self) -> io::Result<Socket> {
        self.inner.get_mut().get_mut().0.0.take().ok_or_else(no_socket)
    }

    /// Puts the socket back.
    pub(super) fn put_socket(&mut self, socket: Socket) {
        self.inner.get_mut().get_mut().0.0 = Some(socket);
    }
}

impl Readiness for Half<'_, Inner<Wire>> {
    /// Reads up to the first data, so that nobody takes a buffer for a ticket and waits on with it.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        Pin::new(&mut *inner).poll_fill_buf(context).map_ok(|_| ()).map_err(told)
    }
}

/// By TLS 1.3 a client learns that its certificate is refused only after its own handshake; nothing but this says so.
fn told(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::InvalidData {
        tracing::debug!(%error, "TLS with an upstream ends");
    }
    error
}

/// Whether a handshake failed because nothing that was offered is spoken (RFC 7301 §3.2).
pub(super) fn refuses_protocol(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol)))
}

impl Wire {
    fn poll<R>(&mut self, poll: impl FnOnce(Pin<&mut Socket>) -> Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match &mut self.0 {
            Some(socket) => poll(Pin::new(socket)),
            None => Poll::Ready(Err(no_socket())),
        }
    }
}

fn no_socket() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// Past the reactor.
impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.as_ref().ok_or_else(no_socket)?.read_now(into)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll(|socket| socket.poll_read(context, into))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll(|socket| socket.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll(|socket| socket.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll(|socket| socket.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll(|socket| socket.poll_shutdown(context))
    }
}

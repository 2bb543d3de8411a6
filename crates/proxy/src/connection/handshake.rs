//! TLS before the first request.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;

use tls::{Session, Terminator};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::listen::{Admission, TlsSettings};
use crate::timers::Timer;

/// What a connection begins with that speaks TLS (RFC 8446 §5.1: the content type of a handshake).
const HANDSHAKE_RECORD: u8 = 22;

/// What a program is told that speaks HTTP to a port of TLS: it would show nothing but a broken connection otherwise.
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n\
    content-length: 57\r\n\r\ntls_expected: this port speaks TLS; ask it with https://\n";

/// Shakes hands within the listener's time, and says what was shown; `None`: there is no connection to serve. The first bytes are there.
pub(super) async fn shake(
    admission: &Admission,
    settings: &TlsSettings,
    stream: TcpStream,
    timer: &Timer,
) -> Option<(Box<TlsStream<TcpStream>>, Session)> {
    let listener = &admission.listener;
    timer.set(settings.handshake_timeout);
    let mut shaking = pin!(accept(stream, &settings.terminator));
    let shaken = poll_fn(|context| {
        if admission.cut_reason().is_some() {
            return Poll::Ready(None);
        }
        match shaking.as_mut().poll(context) {
            Poll::Ready(shaken) => Poll::Ready(Some(shaken)),
            Poll::Pending if timer.expired() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    match shaken.await {
        Some(Ok(stream)) => {
            let session = Session::of(stream.get_ref().1);
            listener.handshakes.done(session.resumed);
            Some((Box::new(stream), session))
        }
        Some(Err(error)) => {
            listener.handshakes.failed();
            tracing::debug!(%error, address = %listener.address(), "a TLS handshake failed");
            None
        }
        None => {
            listener.handshakes.failed();
            None
        }
    }
}

async fn accept(stream: TcpStream, terminator: &Terminator) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
        // What is not read would have the connection reset, and the answer lost.
        let _ = stream.try_read(&mut [0; 4096]);
        // A fresh socket takes so few bytes at once or not at all.
        let _ = stream.try_write(SPEAK_TLS);
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not begin like TLS"));
    }
    let stream = TlsAcceptor::from(terminator.config().clone()).accept(stream).await?;
    terminator.verify_again(stream.get_ref().1).map_err(io::Error::other)?;
    Ok(stream)
}

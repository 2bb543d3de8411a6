//! Making connections to endpoints.

use std::io;
use std::pin::pin;

use tokio::net::{TcpStream, UnixStream};

use super::endpoint::{Address, ShelvedStream};
use crate::h1::{Stream, wait};
use crate::timers::{Ticks, Timer};

/// Connects, within the time given.
pub(super) async fn connect(address: &Address, timer: &Timer, within: Ticks) -> io::Result<Stream> {
    timer.set(within);
    match address {
        Address::Ip(address) => {
            let mut connecting = pin!(TcpStream::connect(*address));
            let stream = wait(timer, |context| connecting.as_mut().poll(context)).await?;
            stream.set_nodelay(true)?;
            Ok(Stream::Tcp(stream))
        }
        Address::Unix(path) => {
            let mut connecting = pin!(UnixStream::connect(path));
            Ok(Stream::Unix(wait(timer, |context| connecting.as_mut().poll(context)).await?))
        }
    }
}

/// Takes a connection away from this worker's reactor.
pub(super) fn deregister(stream: Stream) -> io::Result<ShelvedStream> {
    Ok(match stream {
        Stream::Tcp(stream) => ShelvedStream::Tcp(stream.into_std()?),
        Stream::Unix(stream) => ShelvedStream::Unix(stream.into_std()?),
    })
}

/// Registers a connection with this worker's reactor.
pub(super) fn register(stream: ShelvedStream) -> io::Result<Stream> {
    Ok(match stream {
        ShelvedStream::Tcp(stream) => Stream::Tcp(TcpStream::from_std(stream)?),
        ShelvedStream::Unix(stream) => Stream::Unix(UnixStream::from_std(stream)?),
    })
}

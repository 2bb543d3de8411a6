//! One connection, over TCP or a Unix socket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use socket2::SockRef;

/// A blocking connection of either kind.
#[derive(Debug)]
pub enum Conn {
    /// TCP, without Nagle's delay.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
}

impl Conn {
    /// Connects to `host:port` or `unix:/path`, waiting at most `timeout`.
    ///
    /// # Errors
    /// What the operating system says, or that the address cannot be read.
    pub fn connect(address: &str, timeout: Duration) -> io::Result<Self> {
        let conn = match address.strip_prefix("unix:") {
            Some(path) => Self::Unix(UnixStream::connect(path)?),
            None => {
                let address = address.parse().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
                let stream = TcpStream::connect_timeout(&address, timeout)?;
                stream.set_nodelay(true)?;
                Self::Tcp(stream)
            }
        };
        conn.set_timeouts(Some(timeout))?;
        Ok(conn)
    }

    /// A second handle on the same connection.
    ///
    /// # Errors
    /// When descriptors run out.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    /// Sets both time-outs; `None`: wait for ever.
    ///
    /// # Errors
    /// When `timeout` is zero.
    pub fn set_timeouts(&self, timeout: Option<Duration>) -> io::Result<()> {
        let socket = self.socket();
        socket.set_read_timeout(timeout)?;
        socket.set_write_timeout(timeout)
    }

    /// Closes one or both directions for every handle.
    ///
    /// # Errors
    /// When the peer has gone already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(how)
    }

    /// Makes the coming close a reset instead of an orderly end (TCP only).
    ///
    /// # Errors
    /// When the socket refuses the option.
    pub fn reset_on_close(&self) -> io::Result<()> {
        self.socket().set_linger(Some(Duration::ZERO))
    }

    /// The socket, for options.
    pub fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }
}

impl Read for Conn {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Conn {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buf),
            Self::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Stands before an origin that wants PROXY headers: takes them off, remembers them, and passes on what follows.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::conn::Conn;

/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Longest wait for a byte.
const WAIT: Duration = Duration::from_secs(20);

/// It goes on until the test ends.
#[derive(Debug)]
pub struct Porter {
    address: String,
    headers: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Porter {
    /// Listens on a free port of the loopback address, before the origin at `address`.
    ///
    /// # Panics
    /// When no socket can be made.
    pub fn before(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let own = listener.local_addr().expect("a bound socket has an address").to_string();
        Self::run(own, address, move || {
            let stream = listener.accept()?.0;
            stream.set_nodelay(true)?;
            Ok(Conn::Tcp(stream))
        })
    }

    /// Listens on a Unix socket.
    ///
    /// # Panics
    /// When the path cannot be bound.
    pub fn unix(path: &Path, address: &str) -> Self {
        let listener = UnixListener::bind(path).expect("the path is free and short");
        Self::run(format!("unix:{}", path.display()), address, move || Ok(Conn::Unix(listener.accept()?.0)))
    }

    fn run(own: String, origin: &str, accept: impl Fn() -> io::Result<Conn> + Send + 'static) -> Self {
        let headers = Arc::default();
        let (kept, origin) = (Arc::clone(&headers), origin.to_owned());
        thread::spawn(move || {
            while let Ok(visitor) = accept() {
                let (kept, origin) = (Arc::clone(&kept), origin.clone());
                // One that does not say who it is, or goes away, is of no concern to the others.
                thread::spawn(move || admit(visitor, &origin, &kept));
            }
        });
        Self { address: own, headers }
    }

    /// Where it listens, as an endpoint of a configuration is written.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The headers so far, one for each connection.
    pub fn headers(&self) -> Vec<Vec<u8>> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn admit(mut visitor: Conn, origin: &str, headers: &Mutex<Vec<Vec<u8>>>) -> io::Result<()> {
    visitor.set_timeouts(Some(WAIT))?;
    let header = read_header(&mut visitor)?;
    headers.lock().unwrap_or_else(PoisonError::into_inner).push(header);
    let origin = Conn::connect(origin, WAIT)?;
    let (from, to) = (visitor.try_clone()?, origin.try_clone()?);
    thread::spawn(move || pass(from, to));
    pass(origin, visitor);
    Ok(())
}

/// Reads a header and not a byte more.
fn read_header(visitor: &mut Conn) -> io::Result<Vec<u8>> {
    let mut header = vec![0; SIGNATURE.len()];
    visitor.read_exact(&mut header)?;
    if header == SIGNATURE {
        header.resize(16, 0);
        visitor.read_exact(&mut header[12..])?;
        header.resize(16 + usize::from(u16::from_be_bytes([header[14], header[15]])), 0);
        visitor.read_exact(&mut header[16..])?;
        return Ok(header);
    }
    while header.starts_with(b"PROXY ") && header.len() < 107 {
        if header.ends_with(b"\n") {
            return Ok(header);
        }
        let mut byte = [0];
        visitor.read_exact(&mut byte)?;
        header.extend(byte);
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// One direction, with its end.
fn pass(mut from: Conn, mut to: Conn) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Both sides may have gone already.
    let _ = to.shutdown(Shutdown::Write);
}

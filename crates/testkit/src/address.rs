//! Addresses of loopback where nobody answers.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// An address where nobody listens: connecting is refused at once.
///
/// While this lives the system gives its port to nobody else, neither to a listener on port 0 nor to an outgoing connection.
/// A server that is told of it may listen there all the same, as servers set `SO_REUSEADDR` (Linux: where nobody listens yet).
pub struct FreeAddress {
    address: String,
    _socket: Socket,
}

impl FreeAddress {
    /// Makes one.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn new() -> Self {
        let socket = stream_socket();
        socket.set_reuse_address(true).expect("sockets can share their address");
        socket.bind(&ANY.into()).expect("loopback has a free port");
        Self { address: bound_to(&socket), _socket: socket }
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Default for FreeAddress {
    fn default() -> Self {
        Self::new()
    }
}

/// An address where connecting is never answered, while this lives: its queue is full and nobody accepts.
pub struct SilentAddress {
    address: String,
    _listener: Socket,
    _queue: Vec<Socket>,
}

impl SilentAddress {
    /// Makes one.
    ///
    /// # Panics
    /// When no socket can be made.
    pub fn new() -> Self {
        let listener = stream_socket();
        listener.bind(&ANY.into()).expect("loopback has a free port");
        listener.listen(0).expect("a bound socket can listen");
        let address = bound_to(&listener);
        let to = listener.local_addr().expect("a bound socket has an address");
        let queue = (0..4)
            .map(|_| {
                let socket = stream_socket();
                socket.set_nonblocking(true).expect("sockets can be non-blocking");
                // Those beyond the queue stay in progress for ever, which is what they are for.
                let _ = socket.connect(&to);
                socket
            })
            .collect();
        Self { address, _listener: listener, _queue: queue }
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Default for SilentAddress {
    fn default() -> Self {
        Self::new()
    }
}

fn stream_socket() -> Socket {
    Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors are left")
}

fn bound_to(socket: &Socket) -> String {
    let address = socket.local_addr().expect("a bound socket has an address");
    address.as_socket().expect("an IPv4 address").to_string()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{Conn, RawClient};

    #[test]
    fn a_free_address_refuses_until_somebody_listens_there() {
        let free = FreeAddress::new();
        assert!(RawClient::connect(free.address()).is_err());
        let listener = TcpListener::bind(free.address()).unwrap();
        assert!(RawClient::connect(free.address()).is_ok());
        drop(listener);
        assert!(RawClient::connect(free.address()).is_err());
    }

    #[test]
    fn a_free_address_is_given_to_nobody_else() {
        // Some of a hundred would be met by what comes below, were they not kept.
        let kept: Vec<_> = (0..100).map(|_| FreeAddress::new()).collect();
        let is_kept = |address: SocketAddr| kept.iter().any(|free| free.address() == address.to_string());
        let listeners: Vec<_> = (0..400).map(|_| TcpListener::bind(ANY).unwrap()).collect();
        assert!(!listeners.iter().any(|listener| is_kept(listener.local_addr().unwrap())));
        let to = listeners[0].local_addr().unwrap();
        for _ in 0..1000 {
            assert!(!is_kept(TcpStream::connect(to).unwrap().local_addr().unwrap()));
            drop(listeners[0].accept().unwrap());
        }
    }

    #[test]
    fn a_silent_address_never_answers() {
        let silent = SilentAddress::new();
        let start = Instant::now();
        assert!(Conn::connect(silent.address(), Duration::from_millis(200)).is_err());
        assert!(start.elapsed() >= Duration::from_millis(150));
    }
}

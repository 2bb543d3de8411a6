//! Listening sockets: one per worker and listener, so that the kernel spreads connections and no lock is shared.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::limits::BACKLOG;

/// The sockets of one address, bound and listening.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The address, with the port the kernel chose where none was given.
    pub(crate) address: SocketAddr,
    /// One per worker.
    pub(crate) sockets: Vec<TcpListener>,
}

/// Whether other sockets may be bound to the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    Alone,
    AmongOwn,
}

/// Shows that nobody listens on an address: sockets that share a port would let any process of the same user join them.
pub(crate) fn probe(address: SocketAddr) -> io::Result<()> {
    bound(address, Sharing::Alone).map(drop)
}

/// Makes `count` sockets on one address. The kernel shares connections out among them (Linux; elsewhere one of them gets most).
pub(crate) fn bind(address: SocketAddr, count: usize) -> io::Result<Bound> {
    let mut found = address;
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        let socket = listening(found, Sharing::AmongOwn)?;
        found = socket.local_addr()?;
        sockets.push(socket);
    }
    Ok(Bound { address: found, sockets })
}

/// Makes the one socket of the admin side.
pub(crate) fn bind_alone(address: SocketAddr) -> io::Result<TcpListener> {
    listening(address, Sharing::Alone)
}

fn listening(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = bound(address, sharing)?;
    // Accepted sockets inherit it on Linux, which saves a call for each.
    socket.set_tcp_nodelay(true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections of the process before to be forgotten (RFC 9293, section 3.6.1).
    socket.set_reuse_address(true)?;
    if sharing == Sharing::AmongOwn {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn the_sockets_of_a_free_port_share_it() {
        let bound = bind(ANY, 3).unwrap();
        assert_ne!(bound.address.port(), 0);
        for socket in &bound.sockets {
            assert_eq!(socket.local_addr().unwrap(), bound.address);
        }
        TcpStream::connect(bound.address).unwrap();
    }

    #[test]
    fn another_gateway_is_noticed_though_its_port_is_shared() {
        let other = bind(ANY, 2).unwrap();
        assert_eq!(probe(other.address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(bind_alone(other.address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_port_of_ones_own_can_be_joined() {
        let own = bind(ANY, 1).unwrap();
        assert_eq!(bind(own.address, 1).unwrap().address, own.address);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn accepted_connections_do_not_wait_to_fill_a_packet() {
        let bound = bind(ANY, 1).unwrap();
        let _client = TcpStream::connect(bound.address).unwrap();
        let listener = &bound.sockets[0];
        listener.set_nonblocking(false).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }
}

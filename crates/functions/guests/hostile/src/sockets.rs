//! Sockets, by the interfaces themselves: not every standard library has them.

use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

/// Connects to this machine.
pub(crate) fn connect() -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_connect(&instance_network(), here(80))?;
    waited(&socket, TcpSocket::finish_connect).map(drop)
}

/// Listens on this machine.
pub(crate) fn listen() -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), here(0))?;
    waited(&socket, TcpSocket::finish_bind)?;
    socket.start_listen()?;
    waited(&socket, TcpSocket::finish_listen)
}

/// Takes datagrams on this machine.
pub(crate) fn bind() -> Result<(), ErrorCode> {
    let socket = create_udp_socket(IpAddressFamily::Ipv4)?;
    socket.start_bind(&instance_network(), here(0))?;
    socket.subscribe().block();
    socket.finish_bind()
}

/// Looks this machine's name up.
pub(crate) fn look_up() -> Result<Option<IpAddress>, ErrorCode> {
    let addresses = resolve_addresses(&instance_network(), "localhost")?;
    addresses.subscribe().block();
    addresses.resolve_next_address()
}

fn waited<T>(
    socket: &TcpSocket,
    finish: impl FnOnce(&TcpSocket) -> Result<T, ErrorCode>,
) -> Result<T, ErrorCode> {
    socket.subscribe().block();
    finish(socket)
}

fn here(port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) })
}

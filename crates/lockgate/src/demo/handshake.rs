//! The server's half of a WebSocket handshake (RFC 6455, section 4.2.2).

/// The response that accepts a handshake with this key.
pub(super) fn accept(key: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        http1::websocket_accept(key.as_bytes())
    )
}

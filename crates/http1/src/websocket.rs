//! The handshake of WebSockets in HTTP/1 (RFC 6455 §4): a key, and what shows that it was understood. Neither is for security.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// Joined to a key before it is hashed (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Key` that stands for 16 random bytes (RFC 6455 §4.1).
pub fn websocket_key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

/// Whether a `Sec-WebSocket-Key` is well-formed.
pub fn is_websocket_key(value: &[u8]) -> bool {
    STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == 16)
}

/// The value of `Sec-WebSocket-Accept` that answers a key (RFC 6455 §4.2.2).
pub fn websocket_accept(key: &[u8]) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_the_rfc_shows() {
        assert_eq!(websocket_accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(websocket_key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn a_key_stands_for_sixteen_bytes() {
        assert!(is_websocket_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for value in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", "dGhl HNhbXBsZSBub25jZQ==", "x"] {
            assert!(!is_websocket_key(value.as_bytes()), "{value}");
        }
    }
}

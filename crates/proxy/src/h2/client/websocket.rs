//! What WebSockets do without in HTTP/2, and not in HTTP/1.

/// A key for the handshake of HTTP/1 (RFC 8441 §5): 16 random bytes in base64 (RFC 6455 §4.1).
pub(super) fn key() -> [u8; 24] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut key = [0; 24];
    // Should there be no randomness, the key is still one: it only tells caches apart.
    let _ = getrandom::fill(&mut key);
    let mut key = key.map(|byte| DIGITS[usize::from(byte & 63)]);
    // The last digit has two bits, and two are missing.
    key[21] = DIGITS[usize::from(key[21] & 3) << 4];
    key[22..].fill(b'=');
    key
}

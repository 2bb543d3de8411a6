//! The name an upstream proves to have.

use rustls::pki_types::ServerName;

/// A host name, or an IP address, as certificates have them: a final dot, which makes a name absolute, is no part of it
/// (RFC 6066 §3). `None`: it is neither.
pub fn server_name(text: &str) -> Option<ServerName<'static>> {
    let text = text.strip_suffix('.').unwrap_or(text);
    ServerName::try_from(text.to_ascii_lowercase()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_host_name_or_an_address() {
        for (text, expected) in [
            ("Orders.Internal", Some("orders.internal")),
            ("orders.internal.", Some("orders.internal")),
            ("my_service", Some("my_service")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("::1", Some("::1")),
            ("", None),
            (".", None),
            ("orders.internal:9001", None),
            ("https://orders.internal", None),
            ("*.orders.internal", None),
            ("a b", None),
        ] {
            let found = server_name(text);
            assert_eq!(found.as_ref().map(|name| name.to_str()).as_deref(), expected, "{text}");
        }
    }
}

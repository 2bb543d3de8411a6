//! What a gateway adds to a request and takes away before it sends it on.

use std::net::IpAddr;

use crate::fields::elements;
use crate::{Known, Request, Version};

/// What is known of the connection a request came on.
#[derive(Clone, Copy, Debug)]
pub struct Forwarding<'a> {
    /// The peer's address.
    pub peer: IpAddr,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Id used when the request has none of its own.
    pub request_id: &'a [u8],
}

/// Longest X-Request-ID taken over from a client, bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Applies the forwarding rules to a request without [claims](drop_claims): the peer's X-Forwarded-* are appended or set, `Via` names
/// this hop (RFC 9110 §7.6.3), and X-Request-ID is there.
pub fn forward_request(request: &mut Request, by: &Forwarding<'_>) {
    let fields = &mut request.fields;
    let mut text = AddressText::default();
    let peer = text.write(by.peer);
    append_to_list(fields, Known::XForwardedFor, "x-forwarded-for", peer);
    if fields.get_known(Known::XForwardedProto).is_none() {
        fields.append_checked(Known::XForwardedProto, b"x-forwarded-proto", by.scheme.as_bytes());
    }
    if fields.get_known(Known::XForwardedHost).is_none() && !request.authority.is_empty() {
        fields.append_stored(Known::XForwardedHost, "x-forwarded-host", request.authority);
    }
    let hop: &[u8] = match request.version {
        Version::Http10 => b"1.0 lockgate",
        Version::Http11 => b"1.1 lockgate",
        Version::Http2 => b"2.0 lockgate",
    };
    append_to_list(fields, Known::Via, "via", hop);
    let mut ids = fields.values_of(Known::XRequestId);
    let has_one_id = ids.next().is_some_and(is_request_id) && ids.next().is_none();
    drop(ids);
    if !has_one_id {
        fields.remove_known(Known::XRequestId);
        fields.append_checked(Known::XRequestId, b"x-request-id", by.request_id);
    }
}

/// Drops what is never believed from outside, X-Lockgate-*, and X-Forwarded-* where the peer is not one whose are. To be done before
/// anybody decides by a request's fields.
pub fn drop_claims(request: &mut Request, peer_is_trusted: bool) {
    request.fields.remove_where(|known, _| match known {
        Known::XLockgate => true,
        Known::Forwarded
        | Known::XForwardedFor
        | Known::XForwardedHost
        | Known::XForwardedPort
        | Known::XForwardedProto => !peer_is_trusted,
        _ => false,
    });
}

fn is_request_id(value: &[u8]) -> bool {
    !value.is_empty() && value.len() <= REQUEST_ID_BYTES_MAX && value.iter().all(u8::is_ascii_graphic)
}

/// Adds an element to a comma list that may be spread over several fields.
fn append_to_list(fields: &mut crate::Fields, known: Known, name: &str, element: &[u8]) {
    if fields.get_known(known).is_none() {
        fields.append_checked(known, name.as_bytes(), element);
        return;
    }
    let mut joined = Vec::with_capacity(128);
    for earlier in fields.values_of(known).flat_map(elements) {
        joined.extend_from_slice(earlier);
        joined.extend_from_slice(b", ");
    }
    joined.extend_from_slice(element);
    fields.remove_known(known);
    fields.append_checked(known, name.as_bytes(), &joined);
}

/// Text of an address without an allocation.
struct AddressText {
    bytes: [u8; 46],
    len: usize,
}

impl Default for AddressText {
    fn default() -> Self {
        Self { bytes: [0; 46], len: 0 }
    }
}

impl AddressText {
    fn write(&mut self, address: IpAddr) -> &[u8] {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                for (at, octet) in v4.octets().into_iter().enumerate() {
                    if at > 0 {
                        self.push(b".");
                    }
                    self.push(itoa::Buffer::new().format(octet).as_bytes());
                }
            }
            IpAddr::V6(v6) => {
                use std::io::Write;
                let mut rest = &mut self.bytes[..];
                let before = rest.len();
                // An IPv6 address takes at most 39 bytes, so the write cannot fail.
                let _ = write!(rest, "{v6}");
                self.len = before - rest.len();
            }
        }
        &self.bytes[..self.len]
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(trusted: bool, given: &[(&str, &str)], expected: &[(&str, Option<&str>)]) {
        let mut request = Request::default();
        for (name, value) in given {
            request.fields.append(name, value.as_bytes());
        }
        request.set_authority("shop.example:8080");
        let peer = "203.0.113.9".parse().expect("an address");
        drop_claims(&mut request, trusted);
        forward_request(&mut request, &Forwarding { peer, scheme: "http", request_id: b"made" });
        for (name, value) in expected {
            let all: Vec<_> = request.fields.values(name).collect();
            assert!(all.len() <= 1, "{name} stands once");
            assert_eq!(
                request.fields.get(name).map(|v| String::from_utf8_lossy(v).into_owned()).as_deref(),
                *value,
                "{name}"
            );
        }
    }

    #[test]
    fn an_untrusted_peer_claims_nothing() {
        check(
            false,
            &[
                ("X-Forwarded-For", "1.2.3.4"),
                ("X-Forwarded-Proto", "https"),
                ("X-Lockgate-User", "7"),
                ("Forwarded", "for=1"),
            ],
            &[
                ("x-forwarded-for", Some("203.0.113.9")),
                ("x-forwarded-proto", Some("http")),
                ("x-forwarded-host", Some("shop.example:8080")),
                ("x-lockgate-user", None),
                ("forwarded", None),
                ("via", Some("1.1 lockgate")),
                ("x-request-id", Some("made")),
            ],
        );
    }

    #[test]
    fn a_trusted_peer_is_kept_and_the_peer_appended() {
        check(
            true,
            &[
                ("X-Forwarded-For", "1.2.3.4"),
                ("x-forwarded-for", "5.6.7.8"),
                ("X-Forwarded-Proto", "https"),
                ("X-Lockgate-A", "7"),
                ("Via", "1.0 a"),
            ],
            &[
                ("x-forwarded-for", Some("1.2.3.4, 5.6.7.8, 203.0.113.9")),
                ("x-forwarded-proto", Some("https")),
                ("x-lockgate-a", None),
                ("via", Some("1.0 a, 1.1 lockgate")),
            ],
        );
    }

    #[test]
    fn a_request_id_is_kept_unless_it_is_unusable() {
        check(false, &[("X-Request-ID", "abc-1")], &[("x-request-id", Some("abc-1"))]);
        check(false, &[("X-Request-ID", "a b")], &[("x-request-id", Some("made"))]);
        check(false, &[("X-Request-ID", "a"), ("x-request-id", "b")], &[("x-request-id", Some("made"))]);
    }

    #[test]
    fn addresses_are_written_as_usual() {
        for (address, text) in
            [("1.20.255.0", "1.20.255.0"), ("2001:db8::1", "2001:db8::1"), ("::ffff:10.0.0.1", "10.0.0.1")]
        {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(AddressText::default().write(address), text.as_bytes());
        }
    }
}

//! A request's head.

use std::borrow::Cow;
use std::convert::Infallible;

use crate::{Body, Fields, Known, Method, Span};

/// Version of HTTP a message came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
    /// HTTP/2
    Http2,
}

/// Visible ASCII that may come as part of a path and stands in none of a URI.
const NOT_IN_PATH: &[u8] = b"\"<>`{}";

/// A request's head: what every protocol says of a request, in one form.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// End-to-end fields, and the arena of all spans below.
    pub fields: Fields,
    /// The method as a kind.
    pub method: Method,
    /// The method as written.
    pub method_text: Span,
    /// Normal form of the path; `/` for the asterisk form.
    pub path: Span,
    /// The query without `?`.
    pub query: Span,
    /// Whether there was a `?`.
    pub has_query: bool,
    /// Host and port as the client asked for them; sent on as `Host`.
    pub authority: Span,
    /// Host in lower case, without port.
    pub host: Span,
    /// Whether the target was `*` (RFC 9112 §3.2.4).
    pub asterisk: bool,
    /// Whether the path holds `%2F` or `%5C`.
    pub encoded_slash: bool,
    /// Version spoken.
    pub version: Version,
    /// What follows the head.
    pub body: Body,
    /// The protocol asked for by a well-formed Upgrade (RFC 9110 §7.8); empty for none.
    pub upgrade: Span,
    /// Whether the client waits for 100 (RFC 9110 §10.1.1).
    pub expects_continue: bool,
    /// Whether the client takes trailers (`TE: trailers`).
    pub takes_trailers: bool,
    /// Whether the client wants the connection kept.
    pub keep_alive: bool,
}

impl Request {
    /// Makes it ready for the next head and keeps its memory.
    pub fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Self { fields, ..Self::default() };
    }

    /// The method as written.
    pub fn method_text(&self) -> &str {
        self.fields.text(self.method_text)
    }

    /// Normal form of the path.
    pub fn path(&self) -> &str {
        self.fields.text(self.path)
    }

    /// The query without `?`; empty for none.
    pub fn query(&self) -> &str {
        self.fields.text(self.query)
    }

    /// Host in lower case, without port; empty when an HTTP/1.0 client named none.
    pub fn host(&self) -> &str {
        self.fields.text(self.host)
    }

    /// Host and port as asked for.
    pub fn authority(&self) -> &str {
        self.fields.text(self.authority)
    }

    /// The protocol of an Upgrade, or empty.
    pub fn upgrade(&self) -> &str {
        self.fields.text(self.upgrade)
    }

    /// Whether a field of that name is there, with that value if one is given.
    pub fn has_field(&self, name: &str, value: Option<&str>) -> bool {
        match value {
            None => self.fields.get(name).is_some(),
            Some(value) => self.fields.values(name).any(|other| other == value.as_bytes()),
        }
    }

    /// Replaces the path by another in normal form. What would end a path (`?`, `#`, a space, anything but visible ASCII) is
    /// percent-encoded, and a missing first `/` is added, so that no path can change the request line around it.
    pub fn set_path(&mut self, path: &[u8]) {
        let written = self.fields.store_with(|arena| -> Result<(), Infallible> {
            if path.first() != Some(&b'/') {
                arena.push(b'/');
            }
            escape(path, b"?#", arena);
            Ok(())
        });
        self.path = match written {
            Ok(path) => path,
            Err(never) => match never {},
        };
    }

    /// Path and query as they stand in a URI (RFC 3986 §3.3, §3.4): the few bytes that may pass here and stand in none are escaped.
    pub fn uri_target(&self) -> Cow<'_, [u8]> {
        let path = self.fields.bytes(self.path);
        if !self.has_query && path.iter().all(|byte| byte.is_ascii_graphic() && !NOT_IN_PATH.contains(byte)) {
            return path.into();
        }
        let query = self.fields.bytes(self.query);
        let mut target = Vec::with_capacity(path.len() + query.len() + 1);
        escape(path, NOT_IN_PATH, &mut target);
        if self.has_query {
            target.push(b'?');
            escape(query, b"\"<>#", &mut target);
        }
        target.into()
    }

    /// Replaces the authority sent on. Bytes that stand in no authority (RFC 3986 §3.2) are left out.
    pub fn set_authority(&mut self, authority: &str) {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
        let authority: Vec<u8> = authority.bytes().filter(fits).collect();
        self.authority = self.fields.store(&authority);
    }

    /// Whether the client asked to switch to `protocol`, as a 101 names it (RFC 9110 §7.8): the name without its version suffices.
    pub fn asked_for(&self, protocol: &[u8]) -> bool {
        !protocol.is_empty()
            && crate::fields::elements(self.fields.bytes(self.upgrade)).any(|asked| {
                let name = asked.split(|&byte| byte == b'/').next().unwrap_or_default();
                asked.eq_ignore_ascii_case(protocol) || name.eq_ignore_ascii_case(protocol)
            })
    }

    /// Trace id of a well-formed `traceparent`, 32 hex digits not all zero (W3C Trace Context §3.2); empty otherwise.
    pub fn trace_id(&self) -> &str {
        let Some(value) = self.fields.get_known(Known::Traceparent) else { return "" };
        let well_formed = value.len() >= 55 && value[2] == b'-' && value[35] == b'-' && value[52] == b'-';
        let Some(id) = value.get(3..35).filter(|_| well_formed) else { return "" };
        let is_hex = id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex && id.iter().any(|&byte| byte != b'0') {
            std::str::from_utf8(id).unwrap_or_default()
        } else {
            ""
        }
    }
}

/// Percent-encodes what is not visible ASCII, and some that is.
fn escape(bytes: &[u8], escaped: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_graphic() && !escaped.contains(&byte) {
            out.push(byte);
        } else {
            out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_set_stays_in_its_place() {
        for (path, sent) in [
            ("/a/b", "/a/b"),
            ("a", "/a"),
            ("", "/"),
            ("/a b?c#d", "/a%20b%3Fc%23d"),
            ("/x HTTP/1.1\r\nevil: 1", "/x%20HTTP/1.1%0D%0Aevil:%201"),
            ("/%2F\u{e9}", "/%2F%C3%A9"),
        ] {
            let mut request = Request::default();
            request.set_path(path.as_bytes());
            assert_eq!(request.path(), sent, "{path:?}");
        }
    }

    #[test]
    fn an_authority_that_is_set_stays_in_its_line() {
        for (authority, sent) in [
            ("a.example:80", "a.example:80"),
            ("[::1]:80", "[::1]:80"),
            ("a\r\nevil: 1", "aevil:1"),
            ("user@a/b", "userab"),
        ] {
            let mut request = Request::default();
            request.set_authority(authority);
            assert_eq!(request.authority(), sent, "{authority:?}");
        }
    }

    #[test]
    fn only_a_protocol_that_was_asked_for_may_be_switched_to() {
        for (asked, switched, expected) in [
            ("websocket", "websocket", true),
            ("websocket", "WebSocket", true),
            ("websocket", "h2c", false),
            ("websocket", "", false),
            ("", "websocket", false),
            ("a/1, b", "b", true),
            ("a/1, b", "a", true),
            ("a/1, b", "a/1", true),
            ("a/1, b", "a/2", false),
        ] {
            let mut request = Request::default();
            request.upgrade = request.fields.store(asked.as_bytes());
            assert_eq!(request.asked_for(switched.as_bytes()), expected, "{switched} for {asked}");
        }
    }

    #[test]
    fn only_a_well_formed_traceparent_names_a_trace() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (value, expected) in [
            (format!("00-{id}-00f067aa0ba902b7-01"), id),
            (format!("cc-{id}-00f067aa0ba902b7-01-more"), id),
            (format!("00-{id}-00f067aa0ba902b7"), ""),
            (format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()), ""),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), ""),
            (format!("00_{id}-00f067aa0ba902b7-01"), ""),
            (String::new(), ""),
        ] {
            let mut request = Request::default();
            request.fields.append("traceparent", value.as_bytes());
            assert_eq!(request.trace_id(), expected, "{value}");
        }
    }
}

//! A request's head.

use crate::{Body, Fields, Known, Method, Span};

/// Version of HTTP a message came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
}

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

    /// Replaces the path by another in normal form.
    pub fn set_path(&mut self, path: &[u8]) {
        self.path = self.fields.store(path);
    }

    /// Replaces the authority sent on.
    pub fn set_authority(&mut self, authority: &str) {
        self.authority = self.fields.store(authority.as_bytes());
    }

    /// Trace id of a well-formed `traceparent`, 32 hex digits (W3C Trace Context §3.2); empty otherwise.
    pub fn trace_id(&self) -> &str {
        let Some(value) = self.fields.get_known(Known::Traceparent) else { return "" };
        let well_formed = value.len() >= 55 && value[2] == b'-' && value[35] == b'-' && value[52] == b'-';
        let Some(id) = value.get(3..35).filter(|_| well_formed) else { return "" };
        if id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            std::str::from_utf8(id).unwrap_or_default()
        } else {
            ""
        }
    }
}

//! Trailers: from the fields of their block to [`message::Fields`].

use http1::HeadLimits;
use message::{Fields, is_field_value, may_be_trailer, trim_ows};

use crate::syntax::is_field_name;

/// Takes the fields behind a body in order.
#[derive(Debug)]
pub struct TrailersReader {
    fields: Fields,
    limits: HeadLimits,
    bytes: usize,
    count: usize,
    /// Whether space around a value is passed over.
    trims: bool,
    is_malformed: bool,
}

impl TrailersReader {
    /// One of a request that has seen nothing.
    pub fn new(limits: &HeadLimits) -> Self {
        let fields = Fields::default();
        Self { fields, limits: *limits, bytes: 0, count: 0, trims: false, is_malformed: false }
    }

    /// The same of a response. Messages of gRPC may end in a space, which should not stand there, and means nothing.
    pub fn of_response(limits: &HeadLimits) -> Self {
        Self { trims: true, ..Self::new(limits) }
    }

    /// Takes the next field. What frames, routes, authenticates or says how to read the content comes too late to be true, and is left
    /// out (RFC 9110 §6.5.1).
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        self.bytes = self.bytes.saturating_add(name.len() + value.len() + 4);
        self.count += 1;
        let value = if self.trims { trim_ows(value) } else { value };
        // No pseudo-field is a token (RFC 9113 §8.1).
        self.is_malformed |= !is_field_name(name)
            || !is_field_value(value)
            || self.bytes > self.limits.head_bytes
            || self.count > self.limits.fields;
        if let Ok(name) = std::str::from_utf8(name)
            && !self.is_malformed
            && may_be_trailer(name)
        {
            self.fields.append(name, value);
        }
    }

    /// All of them; `None`: they are malformed or too large (RFC 9113 §8.1.1).
    pub fn finish(self) -> Option<Fields> {
        if self.is_malformed { None } else { Some(self.fields) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut reader = TrailersReader::new(&HeadLimits::default());
        for (name, value) in fields {
            reader.field(name.as_bytes(), value.as_bytes());
        }
        let fields = reader.finish()?;
        Some(fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect())
    }

    #[test]
    fn what_comes_too_late_is_left_out() {
        let read = read(&[("x-a", "1"), ("content-length", "9"), ("host", "b"), ("cookie", "c")]);
        assert_eq!(read, Some(vec![(b"x-a".to_vec(), b"1".to_vec())]));
    }

    #[test]
    fn malformed_trailers_are_none() {
        for bad in [(":path", "/"), ("X-A", "1"), ("x-a", "1\n"), ("", ""), ("x-a", &"x".repeat(33 << 10))] {
            assert_eq!(read(&[("x-b", "1"), bad]), None, "{bad:?}");
        }
    }

    #[test]
    fn space_around_a_value_is_passed_over_in_those_of_a_response_alone() {
        let limits = HeadLimits::default();
        let (mut asks, mut answers) = (TrailersReader::new(&limits), TrailersReader::of_response(&limits));
        for reader in [&mut asks, &mut answers] {
            reader.field(b"grpc-message", b"not found: ");
        }
        assert!(asks.finish().is_none());
        assert_eq!(answers.finish().unwrap().get("grpc-message"), Some(&b"not found:"[..]));
    }
}

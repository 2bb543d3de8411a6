//! One stream of what is written.

use http2::Code;
use proxy::fuzz::h2::pattern;

/// An answer so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Whether HEAD was asked.
    pub(super) is_head: bool,
    pub(super) has_head: bool,
    pub(super) ended: bool,
    pub(super) is_reset: bool,
    /// Whether the gateway knows that nobody wants it any more.
    pub(super) is_reset_by_client: bool,
    /// Bytes of its body.
    pub(super) sent: u64,
    /// Bytes that the client was told that it may send.
    pub(super) credited: u64,
    length: Option<u64>,
    is_pattern: bool,
}

type Field = (Vec<u8>, Vec<u8>);

impl Answer {
    fn check_open(&self) {
        assert!(!self.is_reset, "nothing follows a reset");
        assert!(!self.is_reset_by_client, "nothing is said to who wants nothing");
    }

    pub(super) fn head(&mut self, fields: &[Field], ends: bool) {
        self.check_open();
        assert!(!self.ended, "nothing follows the end");
        let is_plain = |name: &[u8]| !name.is_empty() && !name.iter().any(u8::is_ascii_uppercase);
        assert!(fields.iter().all(|(name, _)| is_plain(name)), "{fields:?}");
        if self.has_head {
            assert!(ends, "trailers end their stream");
            assert!(fields.iter().all(|(name, _)| !name.starts_with(b":")), "{fields:?}");
        } else {
            let (name, status) = fields.first().expect("a head says something");
            assert!(name == b":status" && status.len() == 3, "{fields:?}");
            assert!(fields[1..].iter().all(|(name, _)| !name.starts_with(b":")), "{fields:?}");
            if status.starts_with(b"1") {
                assert!(!ends, "an interim answer is not the last");
                return;
            }
            self.has_head = true;
            let value =
                |name: &[u8]| fields.iter().find(|field| field.0 == name).map(|field| field.1.as_slice());
            let length = value(b"content-length").and_then(|value| std::str::from_utf8(value).ok());
            self.length = length.map(|length| length.parse().expect("a length"));
            self.is_pattern = value(b"content-type") == Some(b"application/x-pattern");
        }
        self.end(ends);
    }

    pub(super) fn data(&mut self, payload: &[u8], ends: bool) {
        self.check_open();
        assert!(self.has_head && !self.ended, "a body is between its head and its end");
        let begin = self.sent as usize;
        let is_as_it_was = payload.iter().enumerate().all(|(at, byte)| *byte == pattern(begin + at));
        assert!(!self.is_pattern || is_as_it_was, "a body is what was answered");
        self.sent += payload.len() as u64;
        assert!(!self.is_head || self.sent == 0, "HEAD is answered without a body");
        self.end(ends);
    }

    fn end(&mut self, ends: bool) {
        self.ended = ends;
        let is_whole = self.length.is_none_or(|length| length == self.sent) || self.is_head;
        assert!(!ends || is_whole, "a body is as long as was said: {self:?}");
    }

    pub(super) fn reset(&mut self, code: Code) {
        self.check_open();
        self.is_reset = true;
        assert_ne!(code, Code::CANCEL, "a server does not take it back");
    }

    pub(super) fn credit(&mut self, bytes: u64) {
        self.check_open();
        self.credited += bytes;
    }
}

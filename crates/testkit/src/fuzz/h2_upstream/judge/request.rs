//! One stream of what is written.

use proxy::fuzz::h2::upstream::{Question, pattern};

type Field = (Vec<u8>, Vec<u8>);

/// A request so far.
#[derive(Clone, Debug)]
pub(super) struct Request<'j> {
    pub(super) exchange: usize,
    question: &'j Question,
    pub(super) ended: bool,
    pub(super) is_reset: bool,
    /// Whether the gateway knows that the endpoint does not want it any more.
    pub(super) is_reset_by_endpoint: bool,
    /// Bytes of its body.
    pub(super) sent: u64,
    /// Bytes that the endpoint was told that it may send.
    pub(super) credited: u64,
}

impl<'j> Request<'j> {
    pub(super) fn new(exchange: usize, question: &'j Question, fields: &[Field], ends: bool) -> Self {
        let mut expected = match question.is_tunnel {
            true => vec![(":method", "CONNECT".to_owned()), (":protocol", "websocket".to_owned())],
            false => vec![(":method", question.method.to_owned())],
        };
        expected.extend([
            (":scheme", "http".to_owned()),
            (":authority", "shop.example".to_owned()),
            (":path", format!("/{exchange}")),
        ]);
        if question.is_tunnel {
            expected.push(("sec-websocket-version", "13".to_owned()));
        }
        if question.says_length {
            expected.push(("content-length", question.count.to_string()));
        }
        let is_as_asked = fields
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
            .eq(expected.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        assert!(is_as_asked, "{fields:?} is not what was asked: {expected:?}");
        let request = Self {
            exchange,
            question,
            ended: ends,
            is_reset: false,
            is_reset_by_endpoint: false,
            sent: 0,
            credited: 0,
        };
        assert!(
            !ends || question.count == 0 && !question.has_trailers && !question.is_tunnel,
            "more than a head was asked"
        );
        request
    }

    fn check_open(&self) {
        assert!(!self.is_reset, "nothing follows a reset");
        assert!(!self.is_reset_by_endpoint, "nothing is said to who wants nothing");
    }

    /// DATA; `opens`: what the endpoint has answered opens the tunnel that was asked for.
    pub(super) fn data(&mut self, payload: &[u8], ends: bool, opens: bool) {
        self.check_open();
        assert!(!self.ended, "nothing follows the end");
        if self.question.is_tunnel && !opens {
            assert!(payload.is_empty() && ends, "what was to go through a tunnel goes nowhere else");
            self.ended = true;
            return;
        }
        let begin = self.exchange + self.sent as usize;
        let is_as_it_was = payload.iter().enumerate().all(|(at, byte)| *byte == pattern(begin + at));
        assert!(is_as_it_was, "a body is what was asked");
        self.sent += payload.len() as u64;
        assert!(self.sent <= self.question.count as u64, "{self:?} is longer than was asked");
        assert!(
            !ends || self.is_whole() && !self.question.has_trailers,
            "{self:?} is shorter than was asked"
        );
        self.ended = ends;
    }

    pub(super) fn trailers(&mut self, fields: &[Field], ends: bool) {
        self.check_open();
        assert!(ends && !self.ended, "trailers end their stream");
        assert!(self.is_whole() && self.question.has_trailers, "{self:?} has no trailers yet");
        assert_eq!(fields, [(b"x-trailer".to_vec(), b"1".to_vec())]);
        self.ended = true;
    }

    const fn is_whole(&self) -> bool {
        self.sent == self.question.count as u64
    }

    pub(super) fn reset(&mut self) {
        self.check_open();
        self.is_reset = true;
    }

    pub(super) fn credit(&mut self, bytes: u64) {
        self.check_open();
        self.credited += bytes;
    }
}

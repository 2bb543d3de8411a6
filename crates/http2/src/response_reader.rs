//! A response's head: from the fields of its block to a [`message::Response`].

use http1::{HeadError, HeadLimits};
use message::{Body, Known, Method, Response, Version, is_field_value, trim_ows};

use crate::syntax::is_field_name;

/// Takes the fields of a head in order, and makes a response of them, or says why there is none.
///
/// The whole block has to be gone through whatever is wrong with it, since the fields of later ones may refer to it.
#[derive(Debug)]
pub struct ResponseReader<'r> {
    response: &'r mut Response,
    limits: HeadLimits,
    /// What is wrong first.
    fault: Option<HeadError>,
    /// Whether a field that is no pseudo-field has come.
    past_pseudo: bool,
    bytes: usize,
    fields: usize,
    length: Option<u64>,
    /// Whether a success makes the stream a tunnel.
    may_switch: bool,
}

impl<'r> ResponseReader<'r> {
    /// Reads what answers a request with this method into `response`, which is cleared. CONNECT is one for a WebSocket: its success is
    /// what switching protocols is in HTTP/1 (RFC 8441 §5).
    pub fn new(limits: &HeadLimits, method: Method, response: &'r mut Response) -> Self {
        response.clear();
        response.version = Version::Http2;
        response.keep_alive = true;
        response.answers_head = method == Method::Head;
        Self {
            response,
            limits: *limits,
            fault: None,
            past_pseudo: false,
            bytes: 0,
            fields: 0,
            length: None,
            may_switch: method == Method::Connect,
        }
    }

    /// Takes the next field.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        if self.fault.is_none() {
            self.fault = self.take(name, value).err();
        }
    }

    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        if name.first() == Some(&b':') {
            return self.take_pseudo(name, value);
        }
        self.past_pseudo = true;
        self.fields += 1;
        if self.fields > self.limits.fields {
            return Err(HeadError::TooManyFields);
        }
        self.bytes += name.len() + value.len() + 4;
        if self.bytes > self.limits.head_bytes {
            return Err(HeadError::TooLarge);
        }
        if !is_field_name(name) {
            return Err(HeadError::FieldName);
        }
        // Space around a value should not be there, but some servers send it, and it means nothing.
        let value = trim_ows(value);
        if !is_field_value(value) {
            return Err(HeadError::FieldValue);
        }
        self.take_field(name, value)
    }

    /// The one pseudo-field of responses (RFC 9113 §8.3.2).
    fn take_pseudo(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        if name != b":status" || self.response.status != 0 || self.past_pseudo {
            return Err(HeadError::FieldName);
        }
        let &[b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] = value else { return Err(HeadError::Status) };
        let status = value.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
        // RFC 9113 §8.6
        if status == 101 {
            return Err(HeadError::Status);
        }
        self.response.status = status;
        Ok(())
    }

    fn take_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
        let known = Known::of(name);
        match known {
            Known::ContentLength => {
                let length = http1::parse_length(value).ok_or(HeadError::ContentLength)?;
                if self.length.replace(length).is_some_and(|other| other != length) {
                    return Err(HeadError::ContentLengthRepeated);
                }
            }
            // RFC 9113 §8.2.2
            Known::FramingLookalike
            | Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::TransferEncoding
            | Known::Upgrade => return Err(HeadError::FieldName),
            // Of a request, between a proxy and its client, or what looks like a field of the gateway's: dropped, as in HTTP/1.
            Known::Host => {}
            _ if known.is_connection_level() => {}
            _ => {
                self.response.fields.append_checked(known, name, value);
            }
        }
        Ok(())
    }

    /// Looks at the head as a whole; `is_whole`: nothing follows it. Answers with the bytes that its body has to have, where it is
    /// known: a response that has none by rule has none, whatever length it announces (RFC 9113 §8.1.1).
    ///
    /// # Errors
    /// Any deviation that another client might read differently.
    pub fn finish(self, is_whole: bool) -> Result<Option<u64>, HeadError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Self { response, length, may_switch, .. } = self;
        if response.status < 100 {
            return Err(HeadError::StatusLine);
        }
        if response.status < 200 {
            // A final one follows (RFC 9113 §8.1).
            return if is_whole { Err(HeadError::Status) } else { Ok(None) };
        }
        if may_switch && response.status < 300 {
            // Whatever it says of a body, it has none (RFC 9110 §9.3.6).
            response.status = 101;
            response.body = Body::Tunnel;
            response.upgrade = response.fields.store(b"websocket");
            return Ok(None);
        }
        if response.has_no_body_by_rule() {
            response.announced_length = length.filter(|_| response.status != 204);
            return Ok(Some(0));
        }
        if is_whole && length.is_some_and(|length| length > 0) {
            return Err(HeadError::ContentLength);
        }
        response.body = match length {
            _ if is_whole => Body::Empty,
            Some(length) => Body::Length(length),
            None => Body::Streamed,
        };
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{BlockPlace, Decoder, HEADER_BYTES, encode_response};

    const LIMITS: HeadLimits = HeadLimits { head_bytes: 1_000, fields: 10, target_bytes: 0 };

    fn read_to(
        method: Method,
        fields: &[(&str, &str)],
        is_whole: bool,
    ) -> (Result<Option<u64>, HeadError>, Response) {
        let mut response = Response::default();
        let mut reader = ResponseReader::new(&LIMITS, method, &mut response);
        for (name, value) in fields {
            reader.field(name.as_bytes(), value.as_bytes());
        }
        let finished = reader.finish(is_whole);
        (finished, response)
    }

    fn read(fields: &[(&str, &str)], is_whole: bool) -> (Result<Option<u64>, HeadError>, Response) {
        read_to(Method::Get, fields, is_whole)
    }

    #[test]
    fn a_head_says_what_one_of_http_1_says() {
        let head =
            [(":status", "200"), ("content-length", "5"), ("x-a", " 1\t"), ("proxy-authenticate", "x")];
        let (read, response) = read(&head, false);
        assert_eq!(read, Ok(Some(5)));
        assert_eq!((response.status, response.body, response.keep_alive), (200, Body::Length(5), true));
        assert_eq!(response.fields.iter().collect::<Vec<_>>(), [(&b"x-a"[..], &b"1"[..])]);
    }

    #[test]
    fn what_follows_is_known_by_the_rules_and_the_head() {
        let length = ("content-length", "5");
        for (method, status, more, is_whole, left, body, announced) in [
            (Method::Get, "200", None, false, None, Body::Streamed, None),
            (Method::Get, "200", None, true, None, Body::Empty, None),
            (Method::Head, "200", Some(length), true, Some(0), Body::Empty, Some(5)),
            (Method::Head, "200", Some(length), false, Some(0), Body::Empty, Some(5)),
            (Method::Get, "304", Some(length), true, Some(0), Body::Empty, Some(5)),
            (Method::Get, "204", Some(length), true, Some(0), Body::Empty, None),
            (Method::Get, "103", Some(length), false, None, Body::Empty, None),
        ] {
            let head: Vec<_> = [(":status", status)].into_iter().chain(more).collect();
            let (read, response) = read_to(method, &head, is_whole);
            assert_eq!(read, Ok(left), "{status}");
            assert_eq!((response.body, response.announced_length), (body, announced), "{status}");
        }
    }

    #[test]
    fn a_success_of_connect_switches_protocols() {
        for (status, is_whole) in [("200", false), ("299", false), ("204", false), ("200", true)] {
            let head = [(":status", status), ("content-length", "5"), ("sec-websocket-protocol", "chat")];
            let (read, response) = read_to(Method::Connect, &head, is_whole);
            assert_eq!((read, response.status, response.body), (Ok(None), 101, Body::Tunnel), "{status}");
            assert_eq!(response.fields.bytes(response.upgrade), b"websocket");
        }
        let (read, response) =
            read_to(Method::Connect, &[(":status", "403"), ("content-length", "5")], false);
        assert_eq!((read, response.status, response.body), (Ok(Some(5)), 403, Body::Length(5)));
        let (read, _) = read_to(Method::Connect, &[(":status", "103")], false);
        assert_eq!(read, Ok(None));
    }

    #[test]
    fn the_first_fault_counts() {
        let long = "x".repeat(1_000);
        for (head, fault) in [
            (&[][..], HeadError::StatusLine),
            (&[("x-a", "1")], HeadError::StatusLine),
            (&[("x-a", "1"), (":status", "200")], HeadError::FieldName),
            (&[(":status", "200"), (":status", "200")], HeadError::FieldName),
            (&[(":status", "200"), (":path", "/")], HeadError::FieldName),
            (&[(":status", "20")], HeadError::Status),
            (&[(":status", "2000")], HeadError::Status),
            (&[(":status", "2 0")], HeadError::Status),
            (&[(":status", "099")], HeadError::Status),
            (&[(":status", "600")], HeadError::Status),
            (&[(":status", "101")], HeadError::Status),
            (&[(":status", "100")], HeadError::Status),
            (&[(":status", "200"), ("X-A", "1")], HeadError::FieldName),
            (&[(":status", "200"), ("x a", "1")], HeadError::FieldName),
            (&[(":status", "200"), ("", "1")], HeadError::FieldName),
            (&[(":status", "200"), ("x-a", "1\r\nb: 2")], HeadError::FieldValue),
            (&[(":status", "200"), ("x-a", "1\n")], HeadError::FieldValue),
            (&[(":status", "200"), ("x-a", "1\0")], HeadError::FieldValue),
            (&[(":status", "200"), ("connection", "close")], HeadError::FieldName),
            (&[(":status", "200"), ("keep-alive", "5")], HeadError::FieldName),
            (&[(":status", "200"), ("proxy-connection", "x")], HeadError::FieldName),
            (&[(":status", "200"), ("transfer-encoding", "chunked")], HeadError::FieldName),
            (&[(":status", "200"), ("upgrade", "x")], HeadError::FieldName),
            (&[(":status", "200"), ("content_length", "1")], HeadError::FieldName),
            (&[(":status", "200"), ("content-length", "1")], HeadError::ContentLength),
            (&[(":status", "200"), ("content-length", "+1")], HeadError::ContentLength),
            (&[(":status", "200"), ("content-length", "")], HeadError::ContentLength),
            (
                &[(":status", "200"), ("content-length", "1"), ("content-length", "2")],
                HeadError::ContentLengthRepeated,
            ),
            (&[(":status", "200"), ("x-a", &long)], HeadError::TooLarge),
        ] {
            assert_eq!(read(head, true).0, Err(fault), "{head:?}");
        }
        let many = [&[(":status", "200")][..], &[("x-a", "1"); 11]].concat();
        assert_eq!(read(&many, true).0, Err(HeadError::TooManyFields));
        let twice = [(":status", "200"), ("content-length", "1"), ("content-length", "01")];
        assert_eq!(read(&twice, false).0, Ok(Some(1)), "the same twice is once");
    }

    proptest! {
        #[test]
        fn a_response_reads_back(
            status in prop_oneof![100_u16..=100, 102_u16..600],
            length in proptest::option::of(any::<u32>()),
            fields in proptest::collection::vec(("x-[a-z0-9-]{0,8}", "([!-~]([ -~\u{80}-\u{ff}]{0,20}[!-~])?)?"), 0..6),
            frame_bytes in 1_usize..100,
        ) {
            let body = length.map_or(Body::Streamed, |length| Body::Length(u64::from(length) + 1));
            let mut sent = Response::default();
            sent.start(status, body);
            if sent.has_no_body_by_rule() {
                sent.body = Body::Empty;
            }
            for (name, value) in &fields {
                sent.fields.append(name, value.as_bytes());
            }
            let mut frames = Vec::new();
            let place = BlockPlace { stream: 1, ends_stream: false, is_first: true, frame_bytes };
            encode_response(&sent, place, &mut frames);
            let mut block = Vec::new();
            let mut rest = frames.as_slice();
            while let Some(header) = crate::Header::read(rest) {
                let (payload, behind) = rest[HEADER_BYTES..].split_at(header.length);
                block.extend_from_slice(payload);
                rest = behind;
            }
            let mut response = Response::default();
            let mut reader = ResponseReader::new(&HeadLimits::default(), Method::Get, &mut response);
            let keep = |name: &[u8], value: &[u8]| reader.field(name, value);
            Decoder::new(4_096).decode(&block, &mut Vec::new(), keep).unwrap();
            let left = reader.finish(false);
            prop_assert_eq!(left, Ok(match sent.body {
                Body::Length(length) => Some(length),
                Body::Empty if status >= 200 => Some(0),
                _ => None,
            }));
            prop_assert_eq!((response.status, response.body), (sent.status, sent.body));
            prop_assert!(response.fields.iter().eq(sent.fields.iter()));
        }
    }
}

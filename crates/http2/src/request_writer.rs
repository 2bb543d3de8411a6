//! A request's head: from a message to frames.

use message::Request;

use crate::block::{BlockPlace, encode_block};
use crate::hpack::encode_field;

/// Appends a request's head. Another protocol is not asked for: the answer is one of HTTP.
pub fn encode_request(request: &Request, scheme: &str, place: BlockPlace, out: &mut Vec<u8>) {
    encode_block(place, out, |out| {
        encode_field(b":method", request.fields.bytes(request.method_text), out);
        encode_target(request, scheme, out);
        for (name, value) in request.fields.iter() {
            encode_field(name, value, out);
        }
        if let Some(length) = request.body.length() {
            encode_field(b"content-length", itoa::Buffer::new().format(length).as_bytes(), out);
        }
        if request.takes_trailers {
            encode_field(b"te", b"trailers", out);
        }
    });
}

/// Appends the head of a request for a WebSocket: a GET with `Upgrade` in HTTP/1 is a CONNECT here, and has no key (RFC 8441 §5).
pub fn encode_websocket(request: &Request, scheme: &str, place: BlockPlace, out: &mut Vec<u8>) {
    encode_block(place, out, |out| {
        encode_field(b":method", b"CONNECT", out);
        encode_field(b":protocol", b"websocket", out);
        encode_target(request, scheme, out);
        for (name, value) in request.fields.iter() {
            if !name.eq_ignore_ascii_case(b"sec-websocket-key") {
                encode_field(name, value, out);
            }
        }
    });
}

/// Appends what is asked for (RFC 9113 §8.3.1).
fn encode_target(request: &Request, scheme: &str, out: &mut Vec<u8>) {
    encode_field(b":scheme", scheme.as_bytes(), out);
    encode_field(b":authority", request.fields.bytes(request.authority), out);
    match request.asterisk {
        true => encode_field(b":path", b"*", out),
        false => encode_field(b":path", &request.uri_target(), out),
    }
}

#[cfg(test)]
mod tests {
    use http1::HeadLimits;
    use message::{Body, Fields, Method};
    use proptest::prelude::*;

    use super::*;
    use crate::{Decoder, HEADER_BYTES, Header, RequestReader};

    const PLACE: BlockPlace =
        BlockPlace { stream: 0, ends_stream: false, is_first: false, frame_bytes: 16_384 };

    fn request(method: &str, path: &str, query: Option<&str>, authority: &str) -> Request {
        let mut request = Request::default();
        request.method = Method::of(method.as_bytes());
        request.method_text = request.fields.store(method.as_bytes());
        request.path = request.fields.store(path.as_bytes());
        request.query = request.fields.store(query.unwrap_or_default().as_bytes());
        request.has_query = query.is_some();
        request.set_authority(authority);
        request
    }

    fn block_of(mut frames: &[u8]) -> Vec<u8> {
        let mut block = Vec::new();
        while let Some(header) = Header::read(frames) {
            let (payload, rest) = frames[HEADER_BYTES..].split_at(header.length);
            block.extend_from_slice(payload);
            frames = rest;
        }
        block
    }

    fn said(request: &Request) -> Vec<(String, String)> {
        let mut frames = Vec::new();
        encode_request(request, "https", PLACE, &mut frames);
        let mut said = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let keep = |name: &[u8], value: &[u8]| said.push((text(name), text(value)));
        Decoder::new(4_096).decode(&block_of(&frames), &mut Vec::new(), keep).unwrap();
        said
    }

    #[test]
    fn what_every_request_says_comes_first_and_in_few_bytes() {
        let mut call = request("POST", "/a", Some("b=\"c\""), "shop.example");
        call.fields.append("X-Case", b"Kept");
        call.body = Body::Length(7);
        call.takes_trailers = true;
        let expected = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "shop.example"),
            (":path", "/a?b=%22c%22"),
            ("x-case", "Kept"),
            ("content-length", "7"),
            ("te", "trailers"),
        ];
        assert_eq!(said(&call), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut frames = Vec::new();
        encode_request(&request("GET", "/", None, "a"), "http", PLACE, &mut frames);
        assert_eq!(frames[HEADER_BYTES..], [0x82, 0x86, 0x01, 0x01, b'a', 0x84]);
    }

    #[test]
    fn a_websocket_is_asked_for_by_connect() {
        let mut asked = request("GET", "/chat", Some("x"), "shop.example");
        asked.fields.append("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==");
        asked.fields.append("Sec-WebSocket-Version", b"13");
        let mut frames = Vec::new();
        encode_websocket(&asked, "http", PLACE, &mut frames);
        let mut got = Request::default();
        let mut reader = RequestReader::new(&HeadLimits::default(), &mut got);
        let keep = |name: &[u8], value: &[u8]| reader.field(name, value);
        Decoder::new(4_096).decode(&block_of(&frames), &mut Vec::new(), keep).unwrap();
        assert_eq!(reader.finish(false), Ok(None));
        assert_eq!((got.method, got.upgrade(), got.path()), (Method::Get, "websocket", "/chat"));
        assert_eq!(got.fields.iter().collect::<Vec<_>>(), [(&b"sec-websocket-version"[..], &b"13"[..])]);
    }

    #[test]
    fn an_asterisk_stands_alone() {
        let mut options = request("OPTIONS", "/", None, "a");
        options.asterisk = true;
        assert_eq!(said(&options)[3], (":path".to_owned(), "*".to_owned()));
    }

    fn some_fields() -> impl Strategy<Value = Fields> {
        let field = ("[a-z][a-z0-9_.-]{0,9}", "([!-~]([ -~\u{80}-\u{ff}]{0,20}[!-~])?)?");
        proptest::collection::vec(field, 0..6).prop_map(|fields| {
            let mut all = Fields::default();
            for (name, value) in fields {
                // What is joined, or says something of the whole.
                if !matches!(name.as_str(), "cookie" | "expect") {
                    all.append(&name, value.as_bytes());
                }
            }
            all
        })
    }

    proptest! {
        #[test]
        fn a_request_reads_back(
            method in "(GET|HEAD|POST|OPTIONS|[A-Z]{1,12})",
            path in "/[a-z0-9/._~-]{0,30}",
            query in proptest::option::of("[a-z0-9=&%+]{0,20}"),
            authority in "[a-z]{1,10}(\\.example)?(:[1-9][0-9]{0,3})?",
            fields in some_fields(),
            length in proptest::option::of(1_u64..1 << 40),
            takes_trailers in any::<bool>(),
            frame_bytes in 1_usize..100,
        ) {
            prop_assume!(method != "CONNECT");
            prop_assume!(is_in_one_form(&path));
            let mut sent = request(&method, &path, query.as_deref(), &authority);
            for (name, value) in fields.iter() {
                sent.fields.append(std::str::from_utf8(name).unwrap(), value);
            }
            sent.body = length.map_or(Body::Streamed, Body::Length);
            sent.takes_trailers = takes_trailers;
            let mut frames = Vec::new();
            let place = BlockPlace { frame_bytes, is_first: true, ..PLACE };
            encode_request(&sent, "http", place, &mut frames);
            let mut got = Request::default();
            let mut reader = RequestReader::new(&HeadLimits::default(), &mut got);
            let keep = |name: &[u8], value: &[u8]| reader.field(name, value);
            Decoder::new(4_096).decode(&block_of(&frames), &mut Vec::new(), keep).unwrap();
            prop_assert_eq!(reader.finish(false), Ok(length));
            prop_assert_eq!((got.method, got.method_text()), (sent.method, sent.method_text()));
            prop_assert_eq!((got.path(), got.has_query, got.query()), (sent.path(), sent.has_query, sent.query()));
            prop_assert_eq!(got.authority(), sent.authority());
            prop_assert_eq!((got.body, got.takes_trailers), (sent.body, sent.takes_trailers));
            prop_assert!(got.fields.iter().eq(fields.iter()));
        }
    }

    /// Whether a path has no segment that its one form is without.
    fn is_in_one_form(path: &str) -> bool {
        !path.contains("//") && !path.split('/').any(|segment| matches!(segment, "." | ".."))
    }
}

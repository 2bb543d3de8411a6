//! An answer's head and trailers: from a message to frames.

use message::{Fields, Response};

use crate::block::{BlockPlace, encode_block};
use crate::hpack::{encode_field, encode_status};

/// Appends an answer's head. Switching protocols is a success there (RFC 8441 §5).
pub fn encode_response(response: &Response, place: BlockPlace, out: &mut Vec<u8>) {
    encode_block(place, out, |out| {
        let switches = response.status == 101;
        encode_status(if switches { 200 } else { response.status }, out);
        for (name, value) in response.fields.iter() {
            if !(switches && name.eq_ignore_ascii_case(b"sec-websocket-accept")) {
                encode_field(name, value, out);
            }
        }
        if let Some(length) = response.length().filter(|_| !switches) {
            encode_field(b"content-length", itoa::Buffer::new().format(length).as_bytes(), out);
        }
    });
}

/// Appends trailers, with which the stream ends.
pub fn encode_trailers(trailers: &Fields, place: BlockPlace, out: &mut Vec<u8>) {
    encode_block(place, out, |out| {
        for (name, value) in trailers.iter() {
            encode_field(name, value, out);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{CONTINUATION, END_HEADERS, END_STREAM, HEADER_BYTES, HEADERS, Header};
    use crate::{Decoder, end_stream};

    const PLACE: BlockPlace =
        BlockPlace { stream: 3, ends_stream: true, is_first: true, frame_bytes: 16_384 };

    /// The headers of the frames, and the fields of the block in them.
    fn decode(mut bytes: &[u8]) -> (Vec<Header>, Vec<(String, String)>) {
        let (mut headers, mut block, mut fields) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(header) = Header::read(bytes) {
            let (payload, rest) = bytes[HEADER_BYTES..].split_at(header.length);
            block.extend_from_slice(payload);
            headers.push(header);
            bytes = rest;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Decoder::new(4_096)
            .decode(&block, &mut Vec::new(), |name, value| fields.push((text(name), text(value))))
            .unwrap();
        (headers, fields)
    }

    #[test]
    fn an_answer_is_read_as_it_was_meant() {
        let mut response = Response::default();
        response.start(200, message::Body::Length(12));
        response.fields.append("X-Case", b"Kept");
        let mut out = b"before".to_vec();
        encode_response(&response, BlockPlace { ends_stream: false, ..PLACE }, &mut out);
        end_stream(&mut out[6..]);
        let (headers, fields) = decode(&out[6..]);
        assert_eq!(headers.len(), 1);
        assert_eq!((headers[0].flags, headers[0].stream), (END_HEADERS | END_STREAM, 3));
        let expected = [(":status", "200"), ("x-case", "Kept"), ("content-length", "12")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn switching_protocols_is_a_success() {
        let mut response = Response::default();
        response.start(101, message::Body::Tunnel);
        response.fields.append("Sec-WebSocket-Accept", b"x");
        response.fields.append("sec-websocket-protocol", b"chat");
        let mut out = Vec::new();
        encode_response(&response, BlockPlace { ends_stream: false, ..PLACE }, &mut out);
        let (headers, fields) = decode(&out);
        assert_eq!(headers[0].flags, END_HEADERS);
        assert_eq!(fields[0], (":status".to_owned(), "200".to_owned()));
        assert_eq!(fields.len(), 2, "{fields:?}");
    }

    #[test]
    fn a_large_block_goes_out_in_pieces() {
        let mut trailers = Fields::default();
        trailers.append("x-large", &vec![b'~'; 40_000]);
        let mut out = Vec::new();
        encode_trailers(&trailers, PLACE, &mut out);
        let (headers, fields) = decode(&out);
        let kinds: Vec<(u8, u8)> = headers.iter().map(|header| (header.kind, header.flags)).collect();
        assert_eq!(kinds, [(HEADERS, END_STREAM), (CONTINUATION, 0), (CONTINUATION, END_HEADERS)]);
        assert_eq!(fields[0].1.len(), 40_000);
    }
}

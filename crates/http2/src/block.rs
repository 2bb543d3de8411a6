//! Header blocks: from fields to the frames they go out in (RFC 9113 §4.3).

use crate::frame::{CONTINUATION, END_HEADERS, END_STREAM, HEADER_BYTES, HEADERS, Header};
use crate::hpack::encode_no_table;

/// Where the frames of a block go, and of what size they may be.
#[derive(Clone, Copy, Debug)]
pub struct BlockPlace {
    /// The stream.
    pub stream: u32,
    /// Whether nothing follows.
    pub ends_stream: bool,
    /// Whether no block has gone out on the connection before.
    pub is_first: bool,
    /// Largest frame to be sent, bytes.
    pub frame_bytes: usize,
}

/// Makes an encoded head the end of its stream.
pub fn end_stream(head: &mut [u8]) {
    if let Some(flags) = head.get_mut(4) {
        *flags |= END_STREAM;
    }
}

/// Gives an encoded head the number of its stream, where that was not known when it was encoded.
pub fn number_stream(head: &mut [u8], stream: u32) {
    let mut rest = head;
    while let Some(header) = Header::read(rest) {
        rest[5..HEADER_BYTES].copy_from_slice(&stream.to_be_bytes());
        rest = rest.get_mut(HEADER_BYTES + header.length..).unwrap_or_default();
    }
}

/// Appends a block in as many frames as it takes (RFC 9113 §4.3).
pub(crate) fn encode_block(place: BlockPlace, out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let BlockPlace { stream, ends_stream, is_first, frame_bytes } = place;
    let start = out.len();
    let ends = if ends_stream { END_STREAM } else { 0 };
    let first = |length, flags| Header { length, kind: HEADERS, flags: flags | ends, stream };
    first(0, END_HEADERS).write(out);
    if is_first {
        // Nothing is ever stored, and the other side may know (RFC 7541 §4.2).
        encode_no_table(out);
    }
    encode(out);
    let length = out.len() - start - HEADER_BYTES;
    if length <= frame_bytes {
        // It is known only now.
        let [_, bytes @ ..] = (length as u32).to_be_bytes();
        out[start..start + bytes.len()].copy_from_slice(&bytes);
        return;
    }
    let block = out.split_off(start + HEADER_BYTES);
    out.truncate(start);
    let mut parts = block.chunks(frame_bytes.max(1)).peekable();
    let mut kind = HEADERS;
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_none() { END_HEADERS } else { 0 };
        let header = match kind {
            HEADERS => first(part.len(), flags),
            _ => Header { length: part.len(), kind, flags, stream },
        };
        header.write(out);
        out.extend_from_slice(part);
        kind = CONTINUATION;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_gets_its_number_in_all_its_frames() {
        let place = BlockPlace { stream: 0, ends_stream: false, is_first: true, frame_bytes: 7 };
        let mut head = Vec::new();
        encode_block(place, &mut head, |out| out.extend_from_slice(&[0xff; 20]));
        number_stream(&mut head, 0x0102_0305);
        let mut rest = head.as_slice();
        let mut frames = Vec::new();
        while let Some(header) = Header::read(rest) {
            frames.push((header.kind, header.length, header.stream));
            rest = &rest[HEADER_BYTES + header.length..];
        }
        let of = |kind| (kind, 7, 0x0102_0305);
        assert_eq!(frames, [of(HEADERS), of(CONTINUATION), of(CONTINUATION)]);
    }
}

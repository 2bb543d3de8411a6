//! The little of RFC 6455 that an echo and its client need: the accept key and unfragmented frames.

/// The `Sec-WebSocket-Accept` that proves a handshake with `key` was understood (RFC 6455 section 4.2.2).
pub(crate) fn accept_key(key: &[u8]) -> String {
    let mut text = key.to_vec();
    text.extend_from_slice(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64(&sha1(&text))
}

/// A frame's place in the bytes received so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Text, binary, close, …
    pub(crate) opcode: u8,
    /// Where the payload begins.
    pub(crate) start: usize,
    /// Where it ends, and the next frame begins.
    pub(crate) end: usize,
    /// The client's mask.
    pub(crate) mask: Option<[u8; 4]>,
}

/// Finds the first frame in `bytes`; `None`: it has not all arrived. Payloads over 64 KiB are not spoken here.
pub(crate) fn first_frame(bytes: &[u8]) -> Option<Frame> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (mut start, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        short => (2, usize::from(short)),
    };
    let mask = if second & 0x80 == 0 {
        None
    } else {
        start += 4;
        Some(*bytes.get(start - 4..start)?.first_chunk()?)
    };
    let end = start + length;
    (bytes.len() >= end).then_some(Frame { opcode: first & 0x0f, start, end, mask })
}

/// Appends one final frame; `mask` as clients must, none as servers must not.
pub(crate) fn write_frame(out: &mut Vec<u8>, opcode: u8, mask: Option<[u8; 4]>, payload: &[u8]) {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.push(0x80 | opcode);
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => out.push(masked | short),
        _ => {
            out.push(masked | 126);
            out.extend_from_slice(&u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    let mask = mask.inspect(|mask| out.extend_from_slice(mask)).unwrap_or_default();
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

fn sha1(text: &[u8]) -> [u8; 20] {
    let mut padded = text.to_vec();
    padded.push(0x80);
    let end = (padded.len() + 8).next_multiple_of(64);
    padded.resize(end, 0);
    padded[end - 8..].copy_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks_exact(64) {
        sha1_block(&mut state, block);
    }
    let mut digest = [0; 20];
    for (to, word) in digest.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn sha1_block(state: &mut [u32; 5], block: &[u8]) {
    let mut words = [0_u32; 80];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    for i in 16..80 {
        words[i] = (words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (i, word) in words.iter().enumerate() {
        let (mix, constant) = match i {
            0..20 => (b & c | !b & d, 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6_u32),
        };
        let next =
            a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (sum, value) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(value);
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let padded = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            let sextet = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(sextet) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_the_one_of_the_rfc() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn the_digest_holds_at_every_padding() {
        let hex = |length: usize| -> String {
            sha1(&vec![b'a'; length]).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(hex(0), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(hex(55), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
        assert_eq!(hex(56), "c2db330f6083854c99d4b5bfb6e8f29f201be699");
        assert_eq!(hex(63), "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
        assert_eq!(hex(64), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    }

    #[test]
    fn a_frame_comes_back_whole_whatever_its_length_and_mask() {
        for length in [0, 1, 125, 126, 4000] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let payload = vec![0x55; length];
                let mut bytes = Vec::new();
                write_frame(&mut bytes, 1, mask, &payload);
                for cut in 0..bytes.len() {
                    assert_eq!(first_frame(&bytes[..cut]), None, "cut at {cut} of {length}");
                }
                let frame = first_frame(&bytes).unwrap();
                let unmasked: Vec<u8> = bytes[frame.start..frame.end]
                    .iter()
                    .zip(mask.unwrap_or_default().iter().cycle())
                    .map(|(byte, mask)| byte ^ mask)
                    .collect();
                assert_eq!((frame.opcode, unmasked, frame.end), (1, payload, bytes.len()));
            }
        }
    }
}

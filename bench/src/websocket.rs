//! The little of RFC 6455 that an echo and its client need: unfragmented frames.

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

#[cfg(test)]
mod tests {
    use super::*;

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

//! Where delimiters, quotes and ends of lines are, eight bytes looked at at once.

const CHUNK_BYTES: usize = 8;
const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Goes through the places of delimiters, quotes and ends of lines.
pub(super) struct Marks<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// Start of the chunk that `found` is about.
    chunk: usize,
    /// The marks in the chunk that have not been told, the highest bit of each.
    found: u64,
}

impl<'a> Marks<'a> {
    pub(super) fn new(bytes: &'a [u8], delimiter: u8) -> Self {
        let mut marks = Self { bytes, delimiter, chunk: 0, found: 0 };
        marks.go_to(0);
        marks
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Tells no mark before `at` any more, and all from there on.
    pub(super) fn go_to(&mut self, at: usize) {
        self.chunk = at;
        self.found = self.look();
    }

    /// The place of the next mark; the length of the bytes where there is no more.
    #[inline(always)]
    pub(super) fn next(&mut self) -> usize {
        while self.found == 0 {
            if self.chunk + CHUNK_BYTES >= self.bytes.len() {
                return self.bytes.len();
            }
            self.chunk += CHUNK_BYTES;
            self.found = self.look();
        }
        let place = self.chunk + (self.found.trailing_zeros() / 8) as usize;
        self.found &= self.found - 1;
        place
    }

    #[inline(always)]
    fn look(&self) -> u64 {
        let rest = self.bytes.get(self.chunk..).unwrap_or_default();
        match rest.first_chunk() {
            Some(chunk) => marks_of(u64::from_le_bytes(*chunk), self.delimiter),
            None => {
                // Nothing that is looked for is a zero.
                let mut padded = [0; CHUNK_BYTES];
                padded[..rest.len()].copy_from_slice(rest);
                marks_of(u64::from_le_bytes(padded), self.delimiter)
            }
        }
    }
}

/// Sets the highest bit of each byte that is a mark, and no other.
#[inline(always)]
fn marks_of(word: u64, delimiter: u8) -> u64 {
    // The highest bit is not set where the byte is the one that is looked for, and there alone: no carry leaves a byte.
    let differs = |byte: u8| {
        let difference = word ^ (LOW * u64::from(byte));
        ((difference & !HIGH) + !HIGH) | difference
    };
    !(differs(delimiter) & differs(b'"') & differs(b'\n')) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn every_mark_is_told_once_from_any_place_on(bytes in "[a,\"\n;\\x00\\xffé]{0,60}", from in 0_usize..70) {
            let bytes = bytes.as_bytes();
            let mut marks = Marks::new(bytes, b';');
            marks.go_to(from);
            let mut found = Vec::new();
            loop {
                let place = marks.next();
                if place >= bytes.len() {
                    break;
                }
                found.push(place);
            }
            let expected: Vec<_> = (from..bytes.len()).filter(|place| matches!(bytes[*place], b';' | b'"' | b'\n')).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn eight_bytes_at_once_are_as_one_by_one(chunk: [u8; CHUNK_BYTES], delimiter: u8) {
            let is_mark = |byte: u8| byte == delimiter || byte == b'"' || byte == b'\n';
            let expected = chunk.map(|byte| if is_mark(byte) { 0x80 } else { 0 });
            prop_assert_eq!(marks_of(u64::from_le_bytes(chunk), delimiter).to_le_bytes(), expected);
        }
    }
}

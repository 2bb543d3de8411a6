//! The text of an exchange's id: `<node>-<boot>-<worker>-<sequence>` in lower-case hexadecimal, the node in 16 digits.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::EventId;

/// A text that is not an [`EventId`] as this crate prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseEventIdError;

impl fmt::Display for ParseEventIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not an event id of the form `<node>-<boot>-<worker>-<sequence>` in lower-case hexadecimal",
        )
    }
}

impl core::error::Error for ParseEventIdError {}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, boot, worker, sequence } = self;
        write!(f, "{node:016x}-{boot:x}-{worker:x}-{sequence:x}")
    }
}

impl EventId {
    /// Appends the same text as `Display`, without the cost of formatting.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        write_hex(self.node, 16, out);
        for part in [u64::from(self.boot), u64::from(self.worker), self.sequence] {
            out.push(b'-');
            write_hex(part, 1, out);
        }
    }
}

/// Writes a number with at least `digits` digits.
fn write_hex(number: u64, digits: u32, out: &mut Vec<u8>) {
    let needed = (u64::BITS - number.leading_zeros()).div_ceil(4).max(digits);
    for place in (0..needed).rev() {
        out.push(b"0123456789abcdef"[(number >> (place * 4)) as usize & 15]);
    }
}

impl FromStr for EventId {
    type Err = ParseEventIdError;

    /// Reads an id back; every id has exactly one text, so that texts can be compared.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(ParseEventIdError);
        let node = next()?;
        if node.len() != 16 {
            return Err(ParseEventIdError);
        }
        let id = Self {
            node: hex(node)?,
            boot: shortest(next()?)?.try_into().map_err(|_| ParseEventIdError)?,
            worker: shortest(next()?)?.try_into().map_err(|_| ParseEventIdError)?,
            sequence: shortest(next()?)?,
        };
        if parts.next().is_some() { Err(ParseEventIdError) } else { Ok(id) }
    }
}

fn shortest(digits: &str) -> Result<u64, ParseEventIdError> {
    if digits.len() > 1 && digits.starts_with('0') { Err(ParseEventIdError) } else { hex(digits) }
}

fn hex(digits: &str) -> Result<u64, ParseEventIdError> {
    if digits.is_empty() || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(ParseEventIdError);
    }
    u64::from_str_radix(digits, 16).map_err(|_| ParseEventIdError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_round_trips(node: u64, boot: u32, worker: u16, sequence: u64) {
            let id = EventId { node, boot, worker, sequence };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let mut written = Vec::new();
            id.write_text(&mut written);
            prop_assert_eq!(written, id.to_string().into_bytes());
        }

        #[test]
        fn every_id_has_one_text(text in "[0-9a-fA-F]{15,17}-[0-9a-f]{1,9}-[0-9a-f]{1,5}-[0-9a-f]{1,17}") {
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "-",
            "1-1-1-1",
            "00000000000000ab-1-1",
            "00000000000000ab-1-1-1-1",
            "00000000000000ab-+1-1-1",
            "00000000000000AB-1-1-1",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(ParseEventIdError), "{text}");
        }
    }
}

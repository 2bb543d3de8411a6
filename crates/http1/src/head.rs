//! Finding the end of a head without reading a slowly sent one over and over.

/// Limits of one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Start line and fields together, bytes.
    pub head_bytes: usize,
    /// Number of fields, at most [`HeadLimits::FIELDS_MAX`].
    pub fields: usize,
    /// Request target, bytes.
    pub target_bytes: usize,
}

impl HeadLimits {
    /// The parser's own bound on the number of fields.
    pub const FIELDS_MAX: usize = 256;
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { head_bytes: 32 << 10, fields: 100, target_bytes: 8 << 10 }
    }
}

/// Remembers how much of an incomplete head has been looked at, so that a client that sends one byte at a time costs linear work.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadScan {
    seen: usize,
    parse_again_at: usize,
}

impl HeadScan {
    /// Whether a parse of `buffer` can say something new: its end may be in it, or it has doubled since the last try.
    pub fn is_worth_parsing(&mut self, buffer: &[u8]) -> bool {
        let from = self.seen.saturating_sub(3).min(buffer.len());
        self.seen = buffer.len();
        // The first look is always worth it, and mostly the only one: then the parser finds the end by itself.
        if buffer.len() < self.parse_again_at && !has_empty_line(&buffer[from..]) {
            return false;
        }
        self.parse_again_at = buffer.len().saturating_mul(2);
        true
    }
}

/// Whether a line feed is followed by another, with or without a carriage return between.
fn has_empty_line(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes)
        .any(|at| matches!(bytes.get(at + 1..), Some([b'\n', ..] | [b'\r', b'\n', ..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_sent_byte_by_byte_is_parsed_a_logarithmic_number_of_times() {
        let head = [&b"GET / HTTP/1.1\r\nHost: a\r\n"[..], &[b'x'; 5000], b": 1\r\n\r\n"].concat();
        let mut scan = HeadScan::default();
        let parses: Vec<usize> = (1..=head.len()).filter(|&n| scan.is_worth_parsing(&head[..n])).collect();
        assert!(parses.len() < 16, "{parses:?}");
        assert_eq!(parses.last(), Some(&head.len()));
    }
}

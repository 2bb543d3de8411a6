//! Finds the ends of JSON values, eight bytes at a time, and checks what lies before.

use std::string::String;

use wide::{i8x16, u8x16};

use crate::swar::leading_digits;

pub(super) const NOT_UTF8: &str = "a text that is not UTF-8";
const NOT_ENDED: &str = "the line ends within a text";
const CONTROL: &str = "a control character in a text";
const ESCAPE: &str = "an escape that stands for no character";

/// A text's end, and what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// Place of the closing quote.
    pub(super) end: usize,
    /// Whether there are escapes in it.
    pub(super) is_escaped: bool,
}

/// Which of sixteen bytes are equal, the first one in the lowest bit.
#[inline(always)]
pub(super) fn equal(left: &[u8; 16], right: &[u8; 16]) -> u32 {
    u8x16::new(*left).simd_eq(u8x16::new(*right)).to_bitmask()
}

/// Which of sixteen bytes are quotes, and which are quotes, backslashes, control characters or not ASCII.
#[inline(always)]
fn specials(bytes: &[u8; 16]) -> (u32, u32) {
    let all = i8x16::new(bytes.map(u8::cast_signed));
    let quotes = all.simd_eq(i8x16::splat(b'"' as i8));
    let backslashes = all.simd_eq(i8x16::splat(b'\\' as i8));
    // Bytes beyond ASCII are negative.
    let others = all.simd_lt(i8x16::splat(0x20));
    (quotes.to_bitmask(), (quotes | backslashes | others).to_bitmask())
}

/// Finds the end of a plain text that starts at `start`, behind its quote; `None` when anything else than a plain one is there.
#[inline(always)]
pub(super) fn plain_text(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let (quotes, specials) = specials(bytes.get(at..)?.first_chunk()?);
        if specials == 0 {
            at += 16;
            continue;
        }
        let first = specials.trailing_zeros();
        let end = at + first as usize;
        return if quotes >> first & 1 == 1 { Some(end) } else { text_beyond_ascii(bytes, start, end) };
    }
}

/// The same for a text whose first byte that is not plain ASCII is at `at`.
#[cold]
fn text_beyond_ascii(bytes: &[u8], start: usize, at: usize) -> Option<usize> {
    if bytes[at].is_ascii() {
        return None;
    }
    let end = at + memchr::memchr(b'"', &bytes[at..])?;
    let is_plain = |byte: &u8| *byte >= 0x20 && *byte != b'\\';
    let plain = bytes[at..end].iter().all(is_plain) && std::str::from_utf8(&bytes[start..end]).is_ok();
    plain.then_some(end)
}

/// Finds the end of any text that starts at `start`, behind its quote.
pub(super) fn text(bytes: &[u8], start: usize) -> Result<Text, &'static str> {
    let mut at = start;
    let mut is_escaped = false;
    loop {
        match bytes.get(at) {
            None => return Err(NOT_ENDED),
            Some(b'"') => break,
            Some(b'\\') => {
                is_escaped = true;
                at += escape(&bytes[at..]).ok_or(ESCAPE)?.1;
            }
            Some(0..0x20) => return Err(CONTROL),
            Some(_) => at += 1,
        }
    }
    std::str::from_utf8(&bytes[start..at]).map_err(|_| NOT_UTF8)?;
    Ok(Text { end: at, is_escaped })
}

/// The character an escape stands for, and the bytes it takes (RFC 8259, section 7).
fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let simple = |c| Some((c, 2));
    match bytes.get(1)? {
        b'"' => simple('"'),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' => {
            let first = hex(bytes, 2)?;
            if !(0xd800..0xdc00).contains(&first) {
                return Some((char::from_u32(first)?, 6));
            }
            let second = hex(bytes, 8).filter(|_| bytes[6..8] == *b"\\u")?;
            let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
            Some((char::from_u32(0x10000 + ((first - 0xd800) << 10) + low)?, 12))
        }
        _ => None,
    }
}

fn hex(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
}

/// Appends a text that [`text`] has found, without its escapes.
pub(super) fn unescape(bytes: &[u8], out: &mut String) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.push_str(std::str::from_utf8(&rest[..plain]).unwrap_or_default());
        rest = &rest[plain..];
        if let Some((character, length)) = escape(rest) {
            out.push(character);
            rest = &rest[length..];
        } else if !rest.is_empty() {
            return;
        }
    }
}

/// Finds the end of a number, whose first byte is at `start`; `None` when it is none (RFC 8259, section 6).
#[inline(always)]
pub(super) fn number(bytes: &[u8], start: usize) -> Option<usize> {
    match short_number(bytes, start) {
        Some(end) => Some(end),
        None => any_number(bytes, start),
    }
}

/// A number of few digits, perhaps with a point and few more.
#[inline(always)]
fn short_number(bytes: &[u8], start: usize) -> Option<usize> {
    let word = u64::from_le_bytes(*bytes.get(start..)?.first_chunk()?);
    let count = leading_digits(word);
    let behind = word.checked_shr(count as u32 * 8)? as u8;
    if count == 0 || (count > 1 && word as u8 == b'0') {
        return None;
    }
    let end = start + count;
    if behind == b',' {
        return Some(end);
    }
    if behind == b'.' {
        let fraction = u64::from_le_bytes(*bytes.get(end + 1..)?.first_chunk()?);
        let count = leading_digits(fraction);
        let behind = fraction.checked_shr(count as u32 * 8)? as u8;
        return (count > 0 && behind | 0x20 != b'e').then_some(end + 1 + count);
    }
    (behind | 0x20 != b'e').then_some(end)
}

fn any_number(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    let whole = at;
    at = digits(bytes, at)?;
    if bytes[whole] == b'0' && at > whole + 1 {
        return None;
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Some(at)
}

/// Finds the end of one digit or more.
fn digits(bytes: &[u8], start: usize) -> Option<usize> {
    let count = bytes.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(start + count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sixteen_bytes_are_looked_at_like_one(bytes: [u8; 16], others: [u8; 16]) {
            let mask = |is: &dyn Fn(usize) -> bool| (0..16).map(|at| u32::from(is(at)) << at).sum::<u32>();
            let quotes = mask(&|at| bytes[at] == b'"');
            let all = mask(&|at| matches!(bytes[at], b'"' | b'\\' | 0..0x20 | 0x80..));
            prop_assert_eq!(specials(&bytes), (quotes, all));
            prop_assert_eq!(equal(&bytes, &others), mask(&|at| bytes[at] == others[at]));
        }

        #[test]
        fn a_plain_text_ends_where_the_slow_way_says(bytes in "[a-c\"\\\\\u{7f}é\n]{0,40}") {
            let padded = [bytes.as_bytes(), &[b' '; 16]].concat();
            let slow = text(&padded, 0).ok().filter(|text| !text.is_escaped).map(|text| text.end);
            let fast = plain_text(&padded, 0);
            // Without a quote the slow way ends in the padding; neither finds one.
            prop_assert_eq!(fast, slow);
        }

        #[test]
        fn short_numbers_end_where_any_number_does(text in "-?[0-9]{0,9}(\\.[0-9]{0,9})?([eE][+-]?[0-9]{0,2})?", more in "[,} a0-9.eE-]{0,12}") {
            let text = std::format!("{text}{more}");
            prop_assert_eq!(number(text.as_bytes(), 0), any_number(text.as_bytes(), 0));
        }

        #[test]
        fn no_bytes_make_the_scanners_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = (plain_text(&bytes, 0), text(&bytes, 0), number(&bytes, 0));
            let mut out = String::new();
            unescape(&bytes, &mut out);
        }

        #[test]
        fn numbers_end_where_they_are_read(text in "-?[0-9]{0,3}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,2})?") {
            let whole = number(text.as_bytes(), 0) == Some(text.len());
            prop_assert_eq!(whole, crate::Number::parse(text.as_bytes()).is_ok() || (whole && text.contains(['e', 'E'])));
        }
    }

    #[test]
    fn escapes_are_characters_or_nothing() {
        for (written, expected) in [
            (r#"a\"\\\/\b\f\n\r\t"#, Some("a\"\\/\u{8}\u{c}\n\r\t")),
            (r"\u00e9\u20AC", Some("é€")),
            (r"\ud83d\ude00!", Some("😀!")),
            (r"\ud83d", None),
            (r"\ud83d\u0041", None),
            (r"\ude00", None),
            (r"\x41", None),
            (r"\u12", None),
        ] {
            let quoted = std::format!("{written}\"");
            let found = text(quoted.as_bytes(), 0).ok().map(|found| {
                let mut out = String::new();
                unescape(&quoted.as_bytes()[..found.end], &mut out);
                out
            });
            assert_eq!(found.as_deref(), expected, "{written}");
        }
    }
}

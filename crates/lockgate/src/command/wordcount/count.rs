//! Words and lines of a part of a text. Parts that follow each other add up, wherever the text was divided.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Words,
    Lines,
}

/// The words of a part of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    count: u64,
    /// How it begins and ends; `None` for nothing.
    edges: Option<Edges>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edges {
    begins_in_word: bool,
    ends_in_word: bool,
}

impl Words {
    /// Counts the words of a part that begins and ends between characters.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut in_word = false;
        let mut count = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let (block, behind) = rest.split_at(rest.len().min(BLOCK_BYTES));
            if block.is_ascii() {
                count += ascii_words(block, in_word);
                in_word = !is_ascii_space(block[block.len() - 1]);
                rest = behind;
            } else {
                let (found, length) = words(rest, block.len(), &mut in_word);
                count += found;
                rest = &rest[length..];
            }
        }
        let begins_in_word = !text.is_empty() && space(text).is_none();
        let edges = (!text.is_empty()).then_some(Edges { begins_in_word, ends_in_word: in_word });
        Self { count, edges }
    }

    /// How many there are.
    pub(super) fn count(self) -> u64 {
        self.count
    }

    /// The words of this part and the one that follows it.
    pub(super) fn followed_by(self, next: Self) -> Self {
        let (Some(edges), Some(following)) = (self.edges, next.edges) else {
            return if self.edges.is_some() { self } else { next };
        };
        let is_one_word = edges.ends_in_word && following.begins_in_word;
        Self {
            count: self.count + next.count - u64::from(is_one_word),
            edges: Some(Edges { ends_in_word: following.ends_in_word, ..edges }),
        }
    }
}

/// Bytes that are looked at together where all of them are ASCII: counts of starts fit a byte.
const BLOCK_BYTES: usize = 128;

#[inline(always)]
fn is_ascii_space(byte: u8) -> bool {
    byte == b' ' || byte.wrapping_sub(b'\t') < 5
}

/// Words that start in a block of ASCII. Without branches, so that the compiler makes vectors of it.
#[inline]
fn ascii_words(block: &[u8], in_word: bool) -> u64 {
    let first = u8::from(!is_ascii_space(block[0]) && !in_word);
    let starts = block
        .iter()
        .zip(&block[1..])
        .map(|(before, byte)| u8::from(is_ascii_space(*before)) & u8::from(!is_ascii_space(*byte)));
    u64::from(starts.fold(first, u8::wrapping_add))
}

/// Words that start in the first `least` bytes, and how long the part is that was looked at: a character may reach over its end.
fn words(text: &[u8], least: usize, in_word: &mut bool) -> (u64, usize) {
    let (mut count, mut at) = (0, 0);
    while at < least {
        let space = space(&text[at..]);
        count += u64::from(space.is_none() && !*in_word);
        *in_word = space.is_none();
        at += space.unwrap_or(1);
    }
    (count, at)
}

/// Length of the white space that a text begins with, one character of the property White_Space; bytes.
#[inline]
fn space(text: &[u8]) -> Option<usize> {
    match *text {
        [byte, ..] if byte < 0x80 => is_ascii_space(byte).then_some(1),
        // U+0085, U+00A0
        [0xc2, 0x85 | 0xa0, ..] => Some(2),
        // U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => Some(3),
        _ => None,
    }
}

/// Bytes at the end of a part that may be the start of a character that goes on behind it.
pub(super) fn unfinished(text: &[u8]) -> usize {
    match *text {
        [.., 0xc2 | 0xe1..=0xe3] => 1,
        [.., 0xe1..=0xe3, 0x80..=0xbf] => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(text: &[u8]) -> u64 {
        Words::of(text).count()
    }

    #[test]
    fn every_white_space_of_unicode_divides_words() {
        for character in '\0'..=char::MAX {
            let text = format!("a{character}b");
            let expected = if character.is_whitespace() { 2 } else { 1 };
            assert_eq!(count(text.as_bytes()), expected, "{character:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_part_of_words() {
        for (text, expected) in [
            (&b""[..], 0),
            (b" \n\t ", 0),
            (b"a\xffb c", 2),
            (b"\xc2", 1),
            (b"\xe2\x80", 1),
            (b"a \xe2\x80", 2),
            (b"\xe2\x80\x80", 0),
            (b"\0 \0", 2),
        ] {
            assert_eq!(count(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn words_are_those_of_the_standard_library(text in "[a\u{a0}\u{2003}é€ \n\t]{0,400}") {
            prop_assert_eq!(count(text.as_bytes()), text.split_whitespace().count() as u64);
        }

        #[test]
        fn parts_add_up_wherever_the_text_is_divided(
            text in proptest::collection::vec(
                proptest::sample::select(&b"ab \n\xc2\x85\xa0\xe1\x9a\x80\xe2\x81\x9f\xe3\xff"[..]), 0..600),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            ends.push(text.len());
            ends.sort_unstable();
            let (mut sum, mut start) = (Words::default(), 0);
            for end in ends {
                let end = if end == text.len() { end } else { end - unfinished(&text[start.min(end)..end]) };
                if end >= start {
                    sum = sum.followed_by(Words::of(&text[start..end]));
                    start = end;
                }
            }
            prop_assert_eq!(sum.count(), count(&text));
        }
    }
}

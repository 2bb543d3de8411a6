//! Requests that differ in one word: a key, an id, a number of their own.

use std::fmt::Write;

use anyhow::Context;

use super::Options;
use super::work::{COUNTED_WORD_BYTES, Work};

/// Writes one request after another.
pub(crate) struct Rotation {
    before: String,
    words: Words,
    after: String,
}

enum Words {
    None,
    /// Any of these, by chance; the same ones in every run.
    Listed {
        words: Vec<String>,
        state: u64,
    },
    Counted {
        next: u64,
    },
}

impl Rotation {
    /// The rotation of the work that has one.
    ///
    /// # Errors
    ///
    /// When there is no file of words, or nothing in it.
    pub(crate) fn of(options: &Options) -> anyhow::Result<Option<Self>> {
        let Some((before, after)) = options.work.around_word(&options.token) else { return Ok(None) };
        let words = match options.work {
            Work::Metered | Work::ShowUser => {
                let path = options.words.as_ref().context("this work needs --words")?;
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
                let words: Vec<String> = text.lines().map(str::to_owned).collect();
                anyhow::ensure!(!words.is_empty(), "no word in {}", path.display());
                Words::Listed { words, state: 1 }
            }
            Work::CreateUser => Words::Counted { next: 0 },
            _ => Words::None,
        };
        Ok(Some(Self { before, words, after }))
    }

    /// Puts the next request in the place of the one in `request`.
    pub(crate) fn write_next(&mut self, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(self.before.as_bytes());
        self.words.write_next(request);
        request.extend_from_slice(self.after.as_bytes());
    }
}

impl Words {
    fn write_next(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Listed { words, state } => {
                // Knuth's generator: its high bits are good enough to visit all words equally often and in no order.
                *state =
                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                out.extend_from_slice(words[(*state >> 33) as usize % words.len()].as_bytes());
            }
            Self::Counted { next } => {
                let mut word = String::with_capacity(COUNTED_WORD_BYTES);
                // Writing to a String cannot fail.
                let _ = write!(word, "{next:0COUNTED_WORD_BYTES$}");
                out.extend_from_slice(word.as_bytes());
                *next += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn rotation(work: Work, words: Words) -> Rotation {
        let (before, after) = work.around_word("secret").unwrap();
        Rotation { before, words, after }
    }

    #[test]
    fn all_words_take_their_turn() {
        let words = ["a", "b", "c"].map(str::to_owned).to_vec();
        let mut rotation = rotation(Work::Metered, Words::Listed { words, state: 1 });
        let mut request = Vec::new();
        let mut seen = HashSet::new();
        for _ in 0..100 {
            rotation.write_next(&mut request);
            let text = String::from_utf8(request.clone()).unwrap();
            assert!(text.starts_with("GET /metered HTTP/1.1\r\n") && text.ends_with("\r\n\r\n"), "{text}");
            let (_, key) = text.split_once("Authorization: Bearer ").unwrap();
            seen.insert(key.lines().next().unwrap().to_owned());
        }
        assert_eq!(seen, HashSet::from(["a", "b", "c"].map(str::to_owned)));
    }

    #[test]
    fn a_new_user_has_an_address_of_its_own_and_the_body_its_stated_length() {
        let mut rotation = rotation(Work::CreateUser, Words::Counted { next: 9 });
        let mut request = Vec::new();
        for address in ["000000000009@bench.example", "000000000010@bench.example"] {
            rotation.write_next(&mut request);
            let text = String::from_utf8(request.clone()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
            assert!(head.contains("Authorization: Bearer secret"), "{head}");
            assert!(body.contains(address) && body.starts_with('{') && body.ends_with('}'), "{body}");
        }
    }

    #[test]
    fn requests_without_a_word_are_whole() {
        for work in [Work::Health, Work::ListUsers] {
            let mut request = Vec::new();
            rotation(work, Words::None).write_next(&mut request);
            assert!(request.starts_with(b"GET /") && request.ends_with(b"\r\n\r\n"), "{work:?}");
        }
    }
}

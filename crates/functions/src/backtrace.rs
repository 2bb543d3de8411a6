//! What a guest's error says, as a few lines of the log. Names of functions are the component's own words: they may be of any length,
//! and hold whatever looks like a line of somebody else.

use std::fmt::{self, Display, Write};

use wasmtime::WasmBacktrace;

use crate::log::Printable;

/// Longest line, characters.
const LINE_CHARS_MAX: usize = 200;

/// Longest text, bytes, but for the end of its last line.
const TEXT_BYTES_MAX: usize = 4096;

/// What stands before each line but the first.
const INDENT: &str = "    ";

/// The guest's own calls at the moment of the trap, innermost first, one a line; empty when nothing is known of them.
pub(crate) fn guest_backtrace(error: &wasmtime::Error) -> String {
    error.downcast_ref::<WasmBacktrace>().map(excerpt).unwrap_or_default()
}

/// What an error says, with the guest's calls.
pub(crate) fn excerpt_of(error: &wasmtime::Error) -> String {
    match guest_backtrace(error) {
        backtrace if backtrace.is_empty() => excerpt(format_args!("{error:#}")),
        // Behind the cause, of which all is wanted.
        backtrace => format!("{}\n{INDENT}{backtrace}", excerpt(error.root_cause())),
    }
}

/// The beginning of a text, of which no line but the first looks like one of the log.
pub(crate) fn excerpt(text: impl Display) -> String {
    let mut excerpt = Excerpt::default();
    if write!(excerpt, "{text}").is_err() {
        excerpt.text.push_str("\n    …");
    }
    excerpt.text
}

/// Takes text until there is enough.
#[derive(Default)]
struct Excerpt {
    text: String,
    line_chars: usize,
    /// Whether a line has ended, of which nothing shows until there is another.
    has_ended: bool,
}

impl Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (at, part) in text.split('\n').enumerate() {
            self.has_ended |= at > 0;
            self.append(part)?;
        }
        Ok(())
    }
}

impl Excerpt {
    /// Adds a line or a part of one.
    fn append(&mut self, part: &str) -> fmt::Result {
        if part.is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut self.has_ended) {
            if self.text.len() >= TEXT_BYTES_MAX {
                return Err(fmt::Error);
            }
            self.text.push('\n');
            self.text.push_str(INDENT);
            self.line_chars = 0;
        }
        if self.line_chars > LINE_CHARS_MAX {
            return Ok(());
        }
        let left = LINE_CHARS_MAX - self.line_chars;
        match part.char_indices().nth(left) {
            Some((end, _)) => {
                self.line_chars = LINE_CHARS_MAX + 1;
                write!(self.text, "{}…", Printable(&part[..end]))
            }
            None => {
                self.line_chars += part.chars().count();
                write!(self.text, "{}", Printable(part))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_escaped_and_indented() {
        let long = "é".repeat(1000);
        let cut = "é".repeat(LINE_CHARS_MAX);
        for (text, expected) in [
            ("", String::new()),
            ("one", "one".into()),
            ("one\n  two\n\n\nthree\n", "one\n      two\n    three".into()),
            ("a\u{1b}[31mb\rc", "a\\u{1b}[31mb\\rc".into()),
            (&format!("{long}\n{long}"), format!("{cut}…\n    {cut}…")),
        ] {
            assert_eq!(excerpt(text), expected);
            // However it is written.
            let mut pieces = Excerpt::default();
            for character in text.chars() {
                pieces.write_char(character).expect("short enough");
            }
            assert_eq!(pieces.text, expected);
        }
    }

    #[test]
    fn a_text_without_an_end_has_one() {
        let cut = excerpt("x\n".repeat(1_000_000));
        assert!(cut.len() < TEXT_BYTES_MAX + 20 && cut.ends_with("\n    …"), "{} bytes", cut.len());
        assert!(excerpt("x".repeat(1_000_000)).len() < 2 * LINE_CHARS_MAX);
    }
}

//! The words of a condition.

use alloc::format;
use alloc::string::String;
use core::str::Chars;

use super::{Comparison, ParseFilterError};
use crate::Number;

/// A word, a sign or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name or a word of the language.
    Word(&'t str),
    /// A name in backticks.
    Name(String),
    Number(Number),
    /// A text in quotes.
    Text(String),
    Sign(Comparison),
    Open,
    Close,
    Comma,
    End,
}

/// Words that are no field and no text unless they stand in quotes.
const RESERVED: [&str; 8] = ["and", "or", "not", "in", "is", "null", "true", "false"];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

/// Whether a field needs no backticks.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.starts_with(starts_word) && name.chars().all(continues_word) && !is_reserved(name)
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// Takes a condition apart, one token after the other.
pub(super) struct Lexer<'t> {
    text: &'t str,
    /// Where the next token is looked for.
    at: usize,
}

type Error = ParseFilterError;

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and where it starts; [`Token::End`] for ever at the end.
    pub(super) fn next(&mut self) -> Result<(usize, Token<'t>), Error> {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        let (token, length) = match rest.chars().next() {
            None => (Token::End, 0),
            Some('(') => (Token::Open, 1),
            Some(')') => (Token::Close, 1),
            Some(',') => (Token::Comma, 1),
            Some('\'' | '`') => doubled(rest, start)?,
            Some('"') => escaped(rest, start)?,
            Some('=' | '!' | '<' | '>') => sign(rest, start)?,
            Some('-' | '0'..='9') => number(rest, start)?,
            Some(c) if starts_word(c) => word(rest),
            Some(c) => return Err(unexpected(c, start)),
        };
        self.at = start + length;
        Ok((start, token))
    }
}

fn error(at: usize, what: impl Into<String>) -> Error {
    Error { at, what: what.into() }
}

fn unexpected(c: char, at: usize) -> Error {
    error(
        at,
        format!("`{}` means nothing here: texts stand in quotes, as in `path = '/orders'`", c.escape_debug()),
    )
}

fn word(rest: &str) -> (Token<'_>, usize) {
    let length = rest.find(|c| !continues_word(c)).unwrap_or(rest.len());
    (Token::Word(&rest[..length]), length)
}

fn sign(rest: &str, at: usize) -> Result<(Token<'_>, usize), Error> {
    let (comparison, length) = match rest.as_bytes() {
        [b'=', b'=', ..] => (Comparison::Equal, 2),
        [b'=', ..] => (Comparison::Equal, 1),
        [b'!', b'=', ..] | [b'<', b'>', ..] => (Comparison::NotEqual, 2),
        [b'<', b'=', ..] => (Comparison::LessOrEqual, 2),
        [b'<', ..] => (Comparison::Less, 1),
        [b'>', b'=', ..] => (Comparison::GreaterOrEqual, 2),
        [b'>', ..] => (Comparison::Greater, 1),
        _ => return Err(error(at, "expected `!=`; to turn a condition round write `not`")),
    };
    Ok((Token::Sign(comparison), length))
}

fn number(rest: &str, at: usize) -> Result<(Token<'_>, usize), Error> {
    let length = rest.find(|c| !continues_word(c) && !matches!(c, '+' | ':')).unwrap_or(rest.len());
    let text = &rest[..length];
    match text.parse() {
        Ok(number) => Ok((Token::Number(number), length)),
        Err(why) => Err(error(at, format!("`{text}` is {why}; texts stand in quotes"))),
    }
}

/// A text between two quotes, or a name between two backticks; doubled they stand for themselves.
fn doubled(rest: &str, at: usize) -> Result<(Token<'static>, usize), Error> {
    let mut chars = rest.chars();
    let quote = chars.next();
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err(unclosed(at)),
            c if c == quote && !chars.as_str().starts_with(quote.as_slice()) => break,
            c if c == quote => text.extend(chars.next()),
            Some(c) => text.push(c),
        }
    }
    let length = rest.len() - chars.as_str().len();
    match quote {
        Some('`') if text.is_empty() => Err(error(at, "expected a field between the backticks")),
        Some('`') => Ok((Token::Name(text), length)),
        _ => Ok((Token::Text(text), length)),
    }
}

fn escaped(rest: &str, at: usize) -> Result<(Token<'static>, usize), Error> {
    let mut chars = rest[1..].chars();
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err(unclosed(at)),
            Some('"') => break,
            Some('\\') => text.push(escape(&mut chars, || at + rest.len())?),
            Some(c) => text.push(c),
        }
    }
    Ok((Token::Text(text), rest.len() - chars.as_str().len()))
}

fn escape(chars: &mut Chars<'_>, end: impl Fn() -> usize) -> Result<char, Error> {
    let at = end() - chars.as_str().len() - 1;
    Ok(match chars.next() {
        Some(c @ ('"' | '\\')) => c,
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        _ => {
            return Err(error(
                at,
                "expected `\\\"`, `\\\\`, `\\n`, `\\r` or `\\t`; a backslash itself is `\\\\`",
            ));
        }
    })
}

fn unclosed(at: usize) -> Error {
    error(at, "the quote opened here is not closed: expected it once more")
}

//! A line of an access log, and the request in it, as their parts.

use memchr::{memchr, memchr_iter, memchr2};

use crate::{Cell, Number};

/// Length of `21/Nov/2026:01:20:23 +0000`.
const TIME_BYTES: usize = 26;
/// Digits of a number that always fit 64 bits.
const DIGITS_MAX: usize = 15;

/// The parts of a line as they are written; `None` for `-` and for what is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'l> {
    pub(super) host: Option<&'l str>,
    pub(super) client: &'l str,
    pub(super) user: Option<&'l str>,
    pub(super) time: &'l str,
    pub(super) request: &'l str,
    pub(super) status: &'l str,
    pub(super) bytes_out: &'l str,
    pub(super) referer: Option<&'l str>,
    pub(super) agent: Option<&'l str>,
}

impl<'l> Line<'l> {
    /// Takes a line apart.
    pub(super) fn read(line: &'l str) -> Result<Self, &'static str> {
        let time = time_start(line.as_bytes()).ok_or("no time in brackets before a request in quotes")?;
        let (host, client, user) = who(&line[..time - 2]).ok_or("no client, `-` and user before the time")?;
        let (request, rest) = quoted(&line[time + TIME_BYTES + 3..]).ok_or("a request without its end")?;
        let (status, rest) = word(rest).ok_or("no status behind the request")?;
        let (bytes_out, rest) = word(rest).ok_or("no size behind the status")?;
        if status.len() != 3 && status != "-" {
            return Err("a status that is none");
        }
        let (referer, rest) = text_behind(rest)?;
        let (agent, _) = text_behind(rest)?;
        let time = &line[time..time + TIME_BYTES];
        whole(status).and(whole(bytes_out))?;
        Ok(Self { host, client, user, time, request, status, bytes_out, referer, agent })
    }
}

/// Where the time starts: in brackets, and a request in quotes behind it. Whatever a user is called, nothing else looks like that.
fn time_start(line: &[u8]) -> Option<usize> {
    memchr_iter(b'[', line).map(|bracket| bracket + 1).find(|start| {
        *start > 1
            && line[start - 2] == b' '
            && line.get(start + TIME_BYTES..).is_some_and(|rest| rest.starts_with(b"] \""))
            && line[*start..start + TIME_BYTES].is_ascii()
    })
}

/// Host, client and user. Where the user may have spaces, the `-` of the identity tells the places apart.
fn who(text: &str) -> Option<(Option<&str>, &str, Option<&str>)> {
    let (first, rest) = text.split_once(' ')?;
    let (second, third) = rest.split_once(' ')?;
    let (host, client, user) = match third.split_once(' ') {
        Some(("-", user)) if second != "-" => (Some(without_port(first)), second, user),
        Some(_) if second != "-" => return None,
        _ => (None, first, third),
    };
    (!client.is_empty() && !user.is_empty()).then_some((host, client, said(user)))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| *text != "-")
}

/// The text up to the quote that ends it, and what is behind.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some((&text[..at], &text[at + 1..]));
        }
        at += 2;
    }
}

/// The word behind a space, and what is behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix(' ')?;
    let (word, rest) = text.split_at(memchr(b' ', text.as_bytes()).unwrap_or(text.len()));
    (!word.is_empty()).then_some((word, rest))
}

/// The text in quotes behind a space, if there is one, and what is behind it.
fn text_behind(rest: &str) -> Result<(Option<&str>, &str), &'static str> {
    match rest.strip_prefix(" \"") {
        None => Ok((None, "")),
        Some(text) => {
            let (text, rest) = quoted(text).ok_or("a quote that is not closed")?;
            Ok((said(text), rest))
        }
    }
}

/// A whole number, or `-` for none.
pub(super) fn whole(digits: &str) -> Result<Cell<'static>, &'static str> {
    if digits == "-" {
        return Ok(Cell::Null);
    }
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("a number that is none");
    }
    let number = digits.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Ok(Cell::Number(Number::whole(number)))
}

/// The parts of a request line; all `None` when it is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request<'l> {
    pub(super) method: Option<&'l str>,
    pub(super) path: Option<&'l str>,
    pub(super) query: Option<&'l str>,
    /// Version, as in `1.1`.
    pub(super) http: Option<&'l str>,
}

impl<'l> Request<'l> {
    /// Takes a request line apart (RFC 9112, section 3); one of HTTP/0.9 has no version.
    pub(super) fn read(line: &'l str) -> Self {
        let Some((method, rest)) = line.split_once(' ') else { return Self::default() };
        let (target, http) = match rest.rsplit_once(" HTTP/") {
            Some((target, version)) => (target, Some(version)),
            None => (rest, None),
        };
        let is_method = !method.is_empty() && method.bytes().all(is_token);
        let is_version = http.is_none_or(|version| {
            version.starts_with(|first: char| first.is_ascii_digit())
                && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        });
        let is_target =
            !target.is_empty() && !target.contains(' ') && (http.is_some() || target.starts_with('/'));
        if !is_method || !is_version || !is_target {
            return Self::default();
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Self { method: Some(method), path: Some(path), query, http }
    }
}

/// Characters of a method (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

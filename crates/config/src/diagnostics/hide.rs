//! What is never shown of a configuration's text: the user, password, path and query of a URL that has or may have a password, what
//! stands under the key of a token, and values that reading found to be secrets.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::Span;
use crate::environment;

/// The text with those parts of URLs, tokens and those values covered, so that places in it stay what they are. For URLs and tokens it
/// is searched as it stands, not as it was understood: what is broken, written twice or under a wrong key is shown, too.
pub(super) fn without_secrets(text: &str, values: &[Span]) -> Arc<str> {
    let mut values = [values, &tokens(text)].concat();
    let text = covered(text, secrets_of_urls(text).into_iter());
    values.sort();
    covered(&text, values.into_iter().flat_map(|value| lines_within(&text, value))).into()
}

/// The lines of a value without the quotes around it.
fn lines_within(text: &str, value: Span) -> impl Iterator<Item = Range<usize>> {
    let end = text.floor_char_boundary(value.end);
    let start = text.floor_char_boundary(value.start).min(end);
    let opened = text[start..end].trim_start_matches(['"', '\'']);
    let inner = opened.trim_end_matches(['"', '\'']);
    let first = end - opened.len();
    let mut at = first;
    inner.split('\n').map(move |line| {
        let from = at;
        at += line.len() + 1;
        from..from + line.len()
    })
}

/// What stands under keys that end in `token`, unless it only says where the token is.
fn tokens(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("token") {
        from += at + "token".len();
        let Some(value) = assigned(text, from) else { continue };
        from = value.end;
        if !environment::is_variable(&text[value.clone()]) {
            found.push(value.into());
        }
    }
    found
}

/// The value of the key that ends at a place, without the quotes around it.
fn assigned(text: &str, key_end: usize) -> Option<Range<usize>> {
    let rest = &text[key_end..];
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix('=')?.trim_start_matches([' ', '\t']);
    let lines = ["\"\"\"", "'''"].into_iter().find_map(|quotes| Some((quotes, rest.strip_prefix(quotes)?)));
    let (inner, length) = match lines {
        Some((quotes, inner)) => (inner, inner.find(quotes).unwrap_or(inner.len())),
        None => {
            let inner = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
            (inner, length(&text[..text.len() - inner.len()], inner))
        }
    };
    let start = text.len() - inner.len();
    Some(start..start + length)
}

fn secrets_of_urls(text: &str) -> Vec<Range<usize>> {
    let mut covered = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let at = from + found;
        from = match secret_url(text, from, at) {
            Some((url, open)) => {
                covered.extend([url.start..open.start, open.end..url.end]);
                url.end
            }
            None => at + "://".len(),
        };
    }
    covered
}

/// The text with these parts, in their order, covered.
fn covered(text: &str, parts: impl Iterator<Item = Range<usize>>) -> Cow<'_, str> {
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for secret in parts {
        // A value that lies within another is covered with it.
        let start = secret.start.max(shown.len());
        shown.push_str(&text[shown.len()..start]);
        shown.extend(text[start..secret.end.max(start)].chars().map(cover));
    }
    shown.push_str(&text[shown.len()..]);
    Cow::Owned(shown)
}

/// What stands for a character: as long as it, so that neither bytes nor characters behind it count otherwise.
fn cover(hidden: char) -> char {
    match hidden.len_utf8() {
        1 => '*',
        2 => '\u{b7}',
        3 => '\u{2022}',
        _ => '\u{1f784}',
    }
}

/// What follows the `://` at a place, and the host in it with its `@`; `None` when it can hold no password.
fn secret_url(text: &str, from: usize, at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let scheme_length = text[from..at].chars().rev().take_while(|c| is_scheme(*c)).count();
    let (before, scheme) = text[..at].split_at(at - scheme_length);
    let start = at + "://".len();
    let rest = &text[start..];
    let at_sign = match is_database(scheme) {
        // A password that was not encoded may hold anything.
        true => rest[..length(before, rest)].rfind('@'),
        false => {
            let authority = rest.find(['/', '?', '#', '"', '\'', ' ', '\n']).unwrap_or(rest.len());
            Some(rest[..authority].rfind('@')?)
        }
    };
    let end = start + length(before, rest);
    let open = start + at_sign.unwrap_or(0);
    let host = open + usize::from(at_sign.is_some());
    let is_host = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let host_length = text.as_bytes()[host..end].iter().take_while(|b| is_host(b)).count();
    Some((start..end, open..host + host_length))
}

/// Whether it is or was meant to be the scheme of a database that asks for a password.
fn is_database(scheme: &str) -> bool {
    let scheme = scheme.to_ascii_lowercase();
    (scheme.contains("sql") && scheme != "sqlite") || scheme.starts_with("post")
}

/// How much of the rest belongs to a URL: up to the quote that closes the string it begins, else up to the end of the line.
fn length(before: &str, rest: &str) -> usize {
    let quote = before.bytes().next_back().filter(|b| matches!(b, b'"' | b'\''));
    let mut escaped = false;
    let end = rest.bytes().position(|b| {
        let ends = b == b'\n' || (Some(b) == quote && !escaped);
        escaped = b == b'\\' && quote == Some(b'"') && !escaped;
        ends
    });
    end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(&*without_secrets(text, &[]), expected);
        assert_eq!(expected.len(), text.len(), "{text}");
    }

    #[test]
    fn of_a_database_only_the_host_is_shown() {
        for (text, expected) in [
            (
                r#"a = "postgres://u:pw@db.example:5432/x" # b"#,
                r#"a = "postgres://****@db.example*******" # b"#,
            ),
            ("'postgresql://h/x?password=pw'", "'postgresql://h**************'"),
            (r#""Postgres://u:p/w@h" "#, r#""Postgres://*****@h" "#),
            (r#""postgres://u:p\"w@h/""#, r#""postgres://******@h*""#),
            (r#""postgres://u:p'w@h/é" 'x'"#, r#""postgres://*****@h*·" 'x'"#),
            ("a = postgres://u:p w@h\nb", "a = postgres://*****@h\nb"),
            ("\"postgres://u:pw\nb@c", "\"postgres://u***\nb@c"),
            ("'postgres://u:://@h/://' b", "'postgres://*****@h****' b"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn a_value_is_covered_within_its_quotes() {
        for (text, expected) in [
            (r#"a = "s3cret" # b"#, r#"a = "******" # b"#),
            ("a = 'é•📈' # b", "a = '·•🞄' # b"),
            ("a = 12345 # b", "a = ***** # b"),
            ("a = \"\"\"s\nt\"\"\" # b", "a = \"\"\"*\n*\"\"\" # b"),
            ("a = '' # b", "a = '' # b"),
            ("a = 'http://u:p@h' # b", "a = '************' # b"),
        ] {
            let value = Span { start: 4, end: text.len() - " # b".len() };
            assert_eq!(&*without_secrets(text, &[value]), expected);
        }
    }

    #[test]
    fn what_stands_under_the_key_of_a_token_is_covered() {
        for (text, expected) in [
            (r#"token = "a b" # c"#, r#"token = "***" # c"#),
            (r#"read-token='a"b', c = 'd'"#, r#"read-token='***', c = 'd'"#),
            (r#"{ "token" = "a\"b", c = 1 }"#, r#"{ "token" = "****", c = 1 }"#),
            ("token = \"a\nb = 1", "token = \"*\nb = 1"),
            ("token = a b\nb = 1", "token = ***\nb = 1"),
            ("token = \"\"\"a\nb\"\"\"\nc", "token = \"\"\"*\n*\"\"\"\nc"),
            ("token = '''a\nb", "token = '''*\n*"),
            ("token\t=\t\"a\"\ntoken = \"b\"", "token\t=\t\"*\"\ntoken = \"*\""),
        ] {
            check(text, expected);
        }
        for text in [
            "token = \"$NAME\"",
            "token = '${NAME}'",
            "tokens = 1",
            "token",
            "token =",
            "token = \"\"",
            "token\n= a",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn values_may_come_in_any_order_and_lie_within_each_other() {
        let span = |start, end| Span { start, end };
        let shown = without_secrets("abcdefgh", &[span(6, 7), span(1, 4), span(2, 3), span(7, 90)]);
        assert_eq!(&*shown, "a***ef**");
    }

    #[test]
    fn of_another_url_all_is_shown_unless_somebody_is_named_in_it() {
        for text in [
            "",
            "://",
            "'sqlite:///a/b'",
            "a://b",
            "\"https://h/@x\" @",
            "to = \"https://h{path}\"",
            "# https://h a@b",
        ] {
            check(text, text);
        }
        check(r#""https://u:pw@h/x", "https://h/y""#, r#""https://****@h**", "https://h/y""#);
    }
}

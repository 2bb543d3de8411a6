//! What is never shown of a configuration's text: the user, password, path and query of a URL that has or may have a password, and
//! values that reading found to be secrets.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::Span;

/// The text with those parts of URLs and those values covered, byte for byte, so that places in it stay what they are. For URLs it is
/// searched as it stands, not as it was understood: what is broken or written under a wrong key is shown, too.
pub(super) fn without_secrets(text: &str, values: &[Span]) -> Arc<str> {
    let text = covered(text, secrets_of_urls(text).into_iter());
    let mut values = values.to_vec();
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
        shown.extend(std::iter::repeat_n('*', secret.end.saturating_sub(start)));
    }
    shown.push_str(&text[shown.len()..]);
    Cow::Owned(shown)
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
            (r#""postgres://u:p'w@h/é" 'x'"#, r#""postgres://*****@h***" 'x'"#),
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
            ("a = 'é' # b", "a = '**' # b"),
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

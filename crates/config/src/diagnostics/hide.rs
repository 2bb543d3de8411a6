//! What is never shown of a configuration's text: the user, password, path and query of a URL that has or may have a password.

use std::ops::Range;
use std::sync::Arc;

/// The text with those parts of URLs covered, byte for byte, so that places in it stay what they are. It is searched as
/// it stands, not as it was understood: what is broken or written under a wrong key is shown, too.
pub(super) fn without_secrets(text: &str) -> Arc<str> {
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
    if covered.is_empty() {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for secret in covered {
        shown.push_str(&text[shown.len()..secret.start]);
        shown.extend(std::iter::repeat_n('*', secret.len()));
    }
    shown.push_str(&text[shown.len()..]);
    shown.into()
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
        assert_eq!(&*without_secrets(text), expected);
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

//! The normal form by example, and against a reference that is too simple to be wrong.

use proptest::prelude::*;

use super::{PathError, PathFacts, normalize_path};

fn form(raw: &[u8]) -> Result<(String, PathFacts), PathError> {
    let mut out = b"kept".to_vec();
    let result = normalize_path(raw, &mut out);
    let rest = out.strip_prefix(b"kept").expect("what was there before stays");
    match result {
        Ok(facts) => Ok((String::from_utf8(rest.to_vec()).unwrap(), facts)),
        Err(error) => {
            assert!(rest.is_empty(), "nothing is left behind by an error");
            Err(error)
        }
    }
}

#[track_caller]
fn check(raw: &str, expected: &str) {
    let (path, facts) = form(raw.as_bytes()).unwrap();
    assert_eq!(path, expected, "{raw}");
    let raw = raw.to_ascii_uppercase();
    assert_eq!(facts.encoded_slash, raw.contains("%2F") || raw.contains("%5C"), "{raw}");
}

#[track_caller]
fn check_refused(raw: impl AsRef<[u8]>, error: PathError) {
    assert_eq!(form(raw.as_ref()), Err(error), "{:?}", raw.as_ref());
}

#[test]
fn a_normal_path_stays() {
    for path in [
        "/",
        "/a",
        "/a/b/",
        "/a.b",
        "/a..",
        "/...",
        "/..a",
        "/.well-known/x",
        "//",
        "//a//b",
        "/a:b@c!$&'()*+,;=",
        "/~_-",
        "/a%20b",
        "/a%25b",
        "/%C3%A9",
        "/a|b",
        "/[x]",
    ] {
        check(path, path);
    }
    check("", "/");
}

#[test]
fn unreserved_escapes_are_decoded() {
    check("/%61%5A%30", "/aZ0");
    check("/%2d%2e%5f%7e", "/-._~");
    check("/%7Euser/x", "/~user/x");
}

#[test]
fn other_escapes_become_upper_case() {
    check("/%c3%a9", "/%C3%A9");
    check("/%3a%3A:", "/%3A%3A:");
    check("/%0a", "/%0A");
}

#[test]
fn an_escape_is_decoded_once() {
    check("/%2561", "/%2561");
    check("/%252e%252e/x", "/%252e%252e/x");
    check("/%2500", "/%2500");
}

#[test]
fn dot_segments_are_removed() {
    for (raw, expected) in [
        ("/.", "/"),
        ("/..", "/"),
        ("/./", "/"),
        ("/../", "/"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/../../a", "/a"),
        ("/a/b/../../c", "/c"),
        ("/a/b/c/./../../g", "/a/g"),
        ("/mid/content=5/../6", "/mid/6"),
        ("/a/b/..", "/a/"),
        ("/.a/.", "/.a/"),
    ] {
        check(raw, expected);
    }
}

#[test]
fn escaped_dot_segments_are_removed_too() {
    check("/a/%2e%2e/b", "/b");
    check("/a/%2E./b", "/b");
    check("/a/.%2e", "/");
    check("/a/%2e/b", "/a/b");
    check("/%2e%2e%61", "/..a");
}

#[test]
fn empty_segments_stay() {
    check("/a//b", "/a//b");
    check("/a//../b", "/a/b");
    check("/a/..//b", "//b");
    check("//..", "/");
    check("//../..//x", "//x");
}

#[test]
fn encoded_slashes_stay_and_are_told() {
    check("/a%2fb", "/a%2Fb");
    check("/a%5cb", "/a%5Cb");
    check("/a/..%2f..%2fb", "/a/..%2F..%2Fb");
    check("/a%2Fb/../c", "/c");
}

#[test]
fn what_has_no_normal_form_is_refused() {
    check_refused("a", PathError::NotAbsolute);
    check_refused("*", PathError::NotAbsolute);
    check_refused("/%", PathError::BadEscape { at: 1 });
    check_refused("/a%2", PathError::BadEscape { at: 2 });
    check_refused("/a%2g", PathError::BadEscape { at: 2 });
    check_refused("/a%g2", PathError::BadEscape { at: 2 });
    check_refused("/%+1", PathError::BadEscape { at: 1 });
    check_refused("/%%41", PathError::BadEscape { at: 1 });
    check_refused("/a/../%00", PathError::EncodedNul { at: 6 });
    check_refused("/é", PathError::BadByte { at: 1, byte: 0xc3 });
    for byte in (0..=b' ').chain(0x7f..=0xff).chain(*b"#?\\") {
        check_refused([b'/', b'a', byte, b'b'], PathError::BadByte { at: 2, byte });
        check_refused([b'/', b'%', b'4', b'1', byte], PathError::BadByte { at: 4, byte });
    }
}

/// The steps of RFC 3986 one after the other, each on text of its own.
fn reference(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    if text.is_empty() {
        return Some("/".to_owned());
    }
    let refused = |c: char| !c.is_ascii_graphic() || matches!(c, '#' | '?' | '\\');
    if !text.starts_with('/') || text.contains(refused) {
        return None;
    }
    let mut decoded = String::new();
    let mut parts = text.split('%');
    decoded.push_str(parts.next()?);
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))?;
        match u8::from_str_radix(digits, 16).ok()? {
            0 => return None,
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => decoded.push(char::from(byte)),
            byte => decoded.push_str(&format!("%{byte:02X}")),
        }
        decoded.push_str(&part[2..]);
    }
    let segments: Vec<&str> = decoded.split('/').skip(1).collect();
    let mut kept: Vec<&str> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let dots = matches!(*segment, "." | "..");
        if *segment == ".." {
            kept.pop();
        }
        if !dots {
            kept.push(segment);
        } else if at + 1 == segments.len() {
            kept.push("");
        }
    }
    Some(format!("/{}", kept.join("/")))
}

/// Paths dense in what matters.
fn raw_path() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec!["/", "/", ".", "..", "a", "b", "%2e", "%2E", "%61", "//"]),
        2 => prop::sample::select(vec!["%2f", "%5c", "%25", "%c3%A9", "%0a", ":", "*", "|"]),
        1 => prop::sample::select(vec!["%", "%0", "%00", "?", "#", "\\", " ", "é", "\u{7f}"]),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| {
        let mut path = b"/".to_vec();
        path.extend(pieces.concat().bytes());
        path
    })
}

proptest! {
    #[test]
    fn the_form_is_that_of_the_reference(raw in raw_path()) {
        prop_assert_eq!(form(&raw).ok().map(|(path, _)| path), reference(&raw));
    }

    #[test]
    fn the_form_of_any_bytes_is_that_of_the_reference(raw: Vec<u8>) {
        prop_assert_eq!(form(&raw).ok().map(|(path, _)| path), reference(&raw));
    }

    #[test]
    fn a_normal_form_is_its_own(raw in raw_path()) {
        if let Ok((path, _)) = form(&raw) {
            prop_assert_eq!(form(path.as_bytes()).map(|(path, _)| path), Ok(path));
        }
    }

    #[test]
    fn a_normal_form_has_no_dot_segment_and_begins_with_a_slash(raw in raw_path()) {
        if let Ok((path, _)) = form(&raw) {
            prop_assert!(path.starts_with('/'));
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")));
        }
    }
}

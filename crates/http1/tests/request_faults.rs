//! Request heads that are refused: everything two servers could read differently (RFC 9112 §11.2).

use http1::{HeadError, HeadLimits, parse_request};
use message::Request;

/// Each head, escaped as in a string, is refused for the reason given, however many of its bytes come at once.
#[track_caller]
fn check(table: &[(&str, HeadError)]) {
    for (head, expected) in table {
        assert_eq!(outcome(head.as_bytes()), Err(*expected), "{head:?}");
        let early = (0..head.len()).find_map(|length| outcome(&head.as_bytes()[..length]).err());
        assert!(early.is_none_or(|early| early == *expected), "{head:?} is first refused for {early:?}");
    }
}

/// A head with these lines between the request line and the end is refused.
#[track_caller]
fn check_fields(method: &str, table: &[(&str, HeadError)]) {
    for (fields, expected) in table {
        let head = format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        assert_eq!(outcome(head.as_bytes()), Err(*expected), "{fields:?}");
    }
}

fn outcome(head: &[u8]) -> Result<Option<usize>, HeadError> {
    parse_request(head, &HeadLimits::default(), &mut Request::default())
}

#[test]
fn two_framings_are_refused() {
    for (first, second) in [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 0", "transfer-encoding: CHUNKED"),
    ] {
        check_fields("POST", &[(&format!("{first}\r\n{second}"), HeadError::FramingConflict)]);
    }
}

#[test]
fn a_content_length_is_plain_digits() {
    for value in [
        "",
        "+5",
        "-5",
        "0x5",
        "5,5",
        "5, 5",
        "5 5",
        "5.0",
        "5e1",
        "5;",
        "\"5\"",
        "five",
        "5a",
        "\u{665}",
        "5\t5",
        "20000000000000000000",
        "18446744073709551616",
        "99999999999999999999999999999999",
    ] {
        check_fields("POST", &[(&format!("Content-Length: {value}"), HeadError::ContentLength)]);
    }
}

#[test]
fn a_content_length_stands_once() {
    check_fields(
        "POST",
        &[
            ("Content-Length: 5\r\nContent-Length: 5", HeadError::ContentLengthRepeated),
            ("Content-Length: 5\r\ncontent-length: 6", HeadError::ContentLengthRepeated),
            ("Content-Length: 5\r\nX: y\r\nCONTENT-LENGTH: 5", HeadError::ContentLengthRepeated),
        ],
    );
}

#[test]
fn a_transfer_encoding_is_one_final_chunked() {
    for value in [
        "",
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked,",
        ",chunked",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "\"chunked\"",
        "chunked chunked",
        "chunked\tx",
        "\u{212a}chunked",
        "c hunked",
        "\u{b}chunked",
        "'chunked'",
        "chunked\u{85}",
    ] {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {value}\r\n\r\n");
        let refused = outcome(head.as_bytes());
        let fits = matches!(refused, Err(HeadError::TransferEncoding | HeadError::FieldValue));
        assert!(fits, "{value:?}: {refused:?}");
    }
    check_fields(
        "POST",
        &[
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", HeadError::TransferEncoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", HeadError::TransferEncoding),
            ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", HeadError::TransferEncoding),
        ],
    );
    check(&[
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError::TransferEncodingVersion),
        (
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            HeadError::TransferEncodingVersion,
        ),
    ]);
}

/// A head of every part there is, to be damaged at every place.
const WHOLE: &[u8] = b"POST /a?b HTTP/1.1\r\nHost: a.example\r\nX-Long-Enough-For-A-Vector: 0123456789abcdefghijklmnopqrstuv\r\n\
    Content-Length: 3\r\nX: y\r\n\r\n";

#[test]
fn a_bare_line_end_is_refused_wherever_it_stands() {
    assert_eq!(outcome(WHOLE), Ok(Some(WHOLE.len())));
    for at in 0..WHOLE.len() {
        for bare in [b'\n', b'\r'] {
            let inserted = [&WHOLE[..at], &[bare], &WHOLE[at..]].concat();
            // A line feed before the last one ends the head itself; the other is then the next request's fault.
            let is_behind = bare == b'\n' && at == WHOLE.len() - 1;
            assert_eq!(outcome(&inserted).is_err(), !is_behind, "{} at {at}", inserted.escape_ascii());
        }
    }
    for at in (0..WHOLE.len()).filter(|&at| matches!(WHOLE[at], b'\r' | b'\n')) {
        let without = [&WHOLE[..at], &WHOLE[at + 1..]].concat();
        assert_ne!(outcome(&without), Ok(Some(without.len())), "{} without {at}", without.escape_ascii());
    }
}

#[test]
fn a_head_of_bare_line_feeds_is_refused() {
    let bare: Vec<u8> = WHOLE.iter().copied().filter(|&byte| byte != b'\r').collect();
    assert_eq!(outcome(&bare), Err(HeadError::LineEnd));
    for line in 0..5 {
        let mut seen = 0;
        let one_bare: Vec<u8> = WHOLE
            .iter()
            .copied()
            .filter(|&byte| {
                seen += usize::from(byte == b'\r');
                !(byte == b'\r' && seen == line + 1)
            })
            .collect();
        assert!(outcome(&one_bare).is_err(), "{}", one_bare.escape_ascii());
    }
}

#[test]
fn control_bytes_are_refused_wherever_they_stand() {
    for at in 0..WHOLE.len() - 1 {
        for byte in (0..0x20).chain([0x7f]).filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n')) {
            let replaced = [&WHOLE[..at], &[byte], &WHOLE[at + 1..]].concat();
            assert!(outcome(&replaced).is_err(), "{byte:#x} for {at}: {}", replaced.escape_ascii());
            let inserted = [&WHOLE[..at], &[byte], &WHOLE[at..]].concat();
            assert!(outcome(&inserted).is_err(), "{byte:#x} at {at}: {}", inserted.escape_ascii());
        }
    }
}

#[test]
fn a_folded_line_is_refused() {
    check_fields(
        "GET",
        &[
            ("X: y\r\n z", HeadError::FieldName),
            ("X: y\r\n\tz", HeadError::FieldName),
            ("X:\r\n y", HeadError::FieldName),
        ],
    );
    check(&[
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", HeadError::FieldName),
        ("GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n", HeadError::FieldName),
    ]);
}

#[test]
fn a_field_name_is_a_token_right_before_its_colon() {
    for name in [
        "X ",
        "X\t",
        " X",
        "X Y",
        "",
        "X\"",
        "X(",
        "X,",
        "X/",
        "X;",
        "X<",
        "X=",
        "X?",
        "X@",
        "X[",
        "X]",
        "X{",
        "X}",
        "X\\",
        "\u{e9}",
        "Content-Length ",
        "Transfer-Encoding\t",
    ] {
        check_fields("GET", &[(&format!("{name}: 5"), HeadError::FieldName)]);
    }
    check_fields("GET", &[("no colon", HeadError::FieldName), ("nocolon", HeadError::FieldName)]);
}

#[test]
fn a_field_that_could_be_taken_for_framing_is_refused() {
    for name in ["Content_Length", "content.length", "Transfer_Encoding", "TRANSFER!ENCODING"] {
        check_fields("POST", &[(&format!("{name}: 5"), HeadError::FieldName)]);
    }
}

#[test]
fn connection_does_not_name_more_fields_than_a_head_may_have() {
    let options = |count: usize| format!("Connection: {}", vec!["x"; count].join(","));
    let head = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    assert!(outcome(head(&options(100)).as_bytes()).is_ok());
    check_fields("GET", &[(&options(101), HeadError::TooManyFields)]);
    check_fields("GET", &[(&format!("{}\r\n{}", options(60), options(60)), HeadError::TooManyFields)]);
}

//! The chunked coding, in one piece and in many, and the other framings.

use http1::{BodyDecoder, BodyError, Chunked, Decoded, encode_trailers, write_chunk_size};
use message::{Body, Fields};
use proptest::prelude::*;

/// What a decoder makes of bytes.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    content: Vec<u8>,
    trailers: String,
    /// Bytes behind the body's end; `None`: it has not ended.
    behind: Option<usize>,
}

/// Shows a decoder the bytes in pieces that end at `cuts`, as a connection would: what is not consumed is shown again.
fn read(bytes: &[u8], cuts: &[usize]) -> Result<Read, BodyError> {
    let mut decoder = Chunked::new();
    let mut outcome = Read { content: Vec::new(), trailers: String::new(), behind: None };
    let mut consumed = 0;
    for &shown in cuts.iter().chain([&bytes.len()]) {
        let mut buffer = bytes[consumed..shown.max(consumed)].to_vec();
        let decoded = decoder.decode(&mut buffer)?;
        assert!(decoded.data <= decoded.consumed && decoded.consumed <= buffer.len());
        outcome.content.extend_from_slice(&buffer[..decoded.data]);
        consumed += decoded.consumed;
        if decoded.end {
            outcome.trailers = lines(decoder.trailers());
            outcome.behind = Some(bytes.len() - consumed);
            return Ok(outcome);
        }
        assert!(decoder.trailers().is_none(), "there are no trailers before the end");
    }
    Ok(outcome)
}

fn lines(fields: Option<&Fields>) -> String {
    let mut out = Vec::new();
    if let Some(fields) = fields {
        fields.write_to(&mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The bytes are a whole body with this content and these trailers, wherever they are cut in two, and byte by byte.
#[track_caller]
fn check(bytes: &str, content: &str, trailers: &str) {
    let expected = Read { content: content.into(), trailers: trailers.into(), behind: Some(0) };
    for cut in 0..bytes.len() {
        assert_eq!(read(bytes.as_bytes(), &[cut]).as_ref(), Ok(&expected), "{bytes:?} cut at {cut}");
    }
    let all: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(read(bytes.as_bytes(), &all), Ok(expected), "{bytes:?} byte by byte");
}

/// The bytes are refused, in one piece and byte by byte, and their beginning is never taken for a whole body.
#[track_caller]
fn check_refused(table: &[(&str, BodyError)]) {
    for (bytes, expected) in table {
        assert_eq!(read(bytes.as_bytes(), &[]), Err(*expected), "{bytes:?}");
        let all: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(read(bytes.as_bytes(), &all), Err(*expected), "{bytes:?} byte by byte");
    }
}

#[test]
fn chunks_become_their_content() {
    check("0\r\n\r\n", "", "");
    check("5\r\nhello\r\n0\r\n\r\n", "hello", "");
    check("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", "hello", "");
    check("00000000000000A\r\n0123456789\r\n000\r\n\r\n", "0123456789", "");
    check("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", "");
}

#[test]
fn extensions_are_dropped() {
    check("2;a=b\r\nhi\r\n0;last\r\n\r\n", "hi", "");
    check("2;a=\"b;c\";d\r\nhi\r\n0\r\n\r\n", "hi", "");
    check("2;\tx y\r\nhi\r\n0\r\n\r\n", "hi", "");
}

#[test]
fn trailers_are_kept_if_they_may_stand_there() {
    check("0\r\nX-Sum: 1\r\n\r\n", "", "X-Sum: 1\r\n");
    check("2\r\nhi\r\n0\r\nA:1\r\nb: 2 \r\nA: \t\r\n\r\n", "hi", "A: 1\r\nb: 2\r\nA: \r\n");
    check(
        "0\r\nServer-Timing: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nAuthorization: x\r\n\
         Connection: close\r\nCookie: a\r\nSet-Cookie: a\r\nContent-Encoding: gzip\r\nIf-Match: x\r\nTE: x\r\nX-Forwarded-For: 1\r\n\
         X-Lockgate-User: 1\r\nX_Lockgate_User: 1\r\nContent_Length: 5\r\nX-Forwarded-Prefix: /\r\nUpgrade: x\r\n\r\n",
        "",
        "Server-Timing: a\r\n",
    );
}

#[test]
fn a_chunk_size_is_up_to_16_hexadecimal_digits_and_nothing_else() {
    check_refused(&[
        ("-1\r\n", BodyError::ChunkSize),
        ("+1\r\n", BodyError::ChunkSize),
        ("0x1\r\n", BodyError::ChunkSize),
        ("x\r\n", BodyError::ChunkSize),
        ("g\r\n", BodyError::ChunkSize),
        ("\r\n", BodyError::ChunkSize),
        (" 1\r\n", BodyError::ChunkSize),
        ("1 \r\n", BodyError::ChunkSize),
        ("1\t\r\n", BodyError::ChunkSize),
        ("1 ;a\r\n", BodyError::ChunkSize),
        ("1_0\r\n", BodyError::ChunkSize),
        ("1.0\r\n", BodyError::ChunkSize),
        ("00000000000000001\r\n", BodyError::ChunkSize),
        ("fffffffffffffffff\r\n", BodyError::ChunkSize),
        ("10000000000000000\r\n", BodyError::ChunkSize),
        ("\u{661}\r\n", BodyError::ChunkSize),
        ("1\0\r\n", BodyError::ChunkSize),
    ]);
}

#[test]
fn the_largest_chunk_size_is_waited_for() {
    let mut buffer = *b"FFFFFFFFFFFFFFFF\r\nabc";
    let decoded = Chunked::new().decode(&mut buffer);
    assert_eq!(decoded, Ok(Decoded { consumed: 21, data: 3, end: false }));
    assert_eq!(&buffer[..3], b"abc");
}

#[test]
fn every_line_ends_in_cr_lf() {
    check_refused(&[
        ("1\nh\r\n0\r\n\r\n", BodyError::ChunkSize),
        ("1\rh\r\n0\r\n\r\n", BodyError::ChunkSize),
        ("1\r\r\nh\r\n", BodyError::ChunkSize),
        ("1;a\nh\r\n0\r\n\r\n", BodyError::ChunkExtension),
        ("1;a\rb\r\nh\r\n", BodyError::ChunkExtension),
        ("1;a=\"\n\"\r\nh\r\n", BodyError::ChunkExtension),
        ("1;\0\r\n", BodyError::ChunkExtension),
        ("1;\u{7f}\r\n", BodyError::ChunkExtension),
        ("1\r\nh\n0\r\n\r\n", BodyError::ChunkEnd),
        ("1\r\nh\r0\r\n\r\n", BodyError::ChunkEnd),
        ("1\r\nh0\r\n\r\n", BodyError::ChunkEnd),
        ("1\r\nhello\r\n0\r\n\r\n", BodyError::ChunkEnd),
        ("5\r\nhi\r\n0\r\n\r\n5\r\n", BodyError::ChunkSize),
        ("0\r\n\n", BodyError::Trailers),
        ("0\r\n\r\r\n", BodyError::Trailers),
        ("0\n\r\n", BodyError::ChunkSize),
        ("0\r\nA: b\n\r\n", BodyError::Trailers),
        ("0\r\nA: b\rc\r\n\r\n", BodyError::Trailers),
    ]);
}

#[test]
fn trailers_are_fields() {
    check_refused(&[
        ("0\r\nno colon\r\n\r\n", BodyError::Trailers),
        ("0\r\n: a\r\n\r\n", BodyError::Trailers),
        ("0\r\nA : b\r\n\r\n", BodyError::Trailers),
        ("0\r\nA: b\r\n c\r\n\r\n", BodyError::Trailers),
        ("0\r\nA: \0\r\n\r\n", BodyError::Trailers),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", BodyError::Trailers),
        ("0\r\n\u{e9}: b\r\n\r\n", BodyError::Trailers),
    ]);
}

#[test]
fn extensions_and_trailers_are_bounded() {
    let extended = |length: usize| format!("1;{}\r\nx\r\n", "a".repeat(length));
    assert!(read(extended(4095).as_bytes(), &[]).is_ok());
    check_refused(&[
        (&extended(4096), BodyError::ChunkExtension),
        (&format!("1;{}", "a".repeat(4096)), BodyError::ChunkExtension),
        (&extended(3999).repeat(17), BodyError::ChunkExtension),
    ]);
    assert!(read(extended(3999).repeat(16).as_bytes(), &[]).is_ok());
    let trailers = |count: usize, length: usize| {
        format!("0\r\n{}\r\n", format!("a:{}\r\n", "x".repeat(length)).repeat(count))
    };
    assert!(read(trailers(64, 254).as_bytes(), &[]).is_ok_and(|read| read.behind == Some(0)));
    check_refused(&[
        (&trailers(65, 0), BodyError::TrailersTooLarge),
        (&trailers(64, 255), BodyError::TrailersTooLarge),
        (&trailers(1, 16 << 10), BodyError::TrailersTooLarge),
        (&format!("0\r\na: {}", "x".repeat(16 << 10)), BodyError::TrailersTooLarge),
    ]);
}

#[test]
fn bytes_behind_the_end_are_left_alone() {
    let body = "5\r\nhello\r\n0\r\nX: y\r\n\r\n";
    let both = format!("{body}GET / HTTP/1.1\r\n\r\n");
    for cut in 0..both.len() {
        let read = read(both.as_bytes(), &[cut]).expect("it is well-formed");
        // Cut behind the body's end, the rest has not even been shown.
        assert_eq!(read.behind, Some(both.len() - body.len()), "cut at {cut}");
        assert_eq!(read.content, b"hello");
    }
    let mut decoder = Chunked::new();
    let mut buffer = body.as_bytes().to_vec();
    assert!(decoder.decode(&mut buffer).expect("it is well-formed").end);
    let again = decoder.decode(&mut b"GET".to_vec());
    assert_eq!(again, Ok(Decoded { consumed: 0, data: 0, end: true }), "an ended body takes nothing more");
}

#[test]
fn a_body_by_length_ends_behind_its_last_byte() {
    let mut decoder = BodyDecoder::new(Body::Length(5));
    assert_eq!(decoder.decode(&mut b"hel".to_vec()), Ok(Decoded { consumed: 3, data: 3, end: false }));
    assert_eq!((decoder.left(), decoder.close()), (Some(2), Err(BodyError::Truncated)));
    assert_eq!(decoder.decode(&mut b"loGET".to_vec()), Ok(Decoded { consumed: 2, data: 2, end: true }));
    assert_eq!(decoder.left(), Some(0));
}

#[test]
fn an_empty_body_takes_nothing() {
    let mut decoder = BodyDecoder::new(Body::Empty);
    assert_eq!(decoder.decode(&mut b"GET".to_vec()), Ok(Decoded { consumed: 0, data: 0, end: true }));
}

#[test]
fn only_a_body_without_an_end_of_its_own_ends_by_closing() {
    for (body, expected) in [
        (Body::Length(1), Err(BodyError::Truncated)),
        (Body::Streamed, Err(BodyError::Truncated)),
        (Body::UntilClose, Ok(())),
        (Body::Tunnel, Ok(())),
    ] {
        assert_eq!(BodyDecoder::new(body).close(), expected, "{body:?}");
    }
    let mut decoder = BodyDecoder::new(Body::UntilClose);
    assert_eq!(decoder.decode(&mut b"abc".to_vec()), Ok(Decoded { consumed: 3, data: 3, end: false }));
    assert_eq!((decoder.left(), decoder.trailers().is_none()), (None, true));
}

#[test]
fn chunk_sizes_are_written_without_leading_zeros() {
    for (size, written) in [
        (0, "0\r\n"),
        (1, "1\r\n"),
        (15, "f\r\n"),
        (16, "10\r\n"),
        (0x1234, "1234\r\n"),
        (usize::MAX, "ffffffffffffffff\r\n"),
    ] {
        let mut out = Vec::new();
        write_chunk_size(size, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), written);
    }
}

/// A body as a sender would write it.
fn encoded(pieces: &[Vec<u8>], trailers: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        write_chunk_size(piece.len(), &mut out);
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    encode_trailers(Some(trailers), &mut out);
    out
}

/// Bytes that are often nearly a chunked body.
fn nearly_chunked() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => Just(&b"\r\n"[..]),
        2 => Just(&b"1\r\nx\r\n"[..]),
        1 => Just(&b"3;e\r\nabc\r\n"[..]),
        2 => Just(&b"0\r\n"[..]),
        1 => Just(&b"A: b\r\n"[..]),
        1 => Just(&b"2"[..]),
        1 => Just(&b";x"[..]),
        1 => Just(&b"\n"[..]),
        1 => Just(&b"\r"[..]),
        1 => Just(&b" "[..]),
        1 => Just(&b"\0"[..]),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_again(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8),
        values in proptest::collection::vec("[!-~]{0,9}", 0..4),
        cuts in proptest::collection::vec(0_usize..400, 0..6),
    ) {
        let mut trailers = Fields::default();
        for value in &values {
            trailers.append("x-trailer", value.as_bytes());
        }
        let bytes = encoded(&pieces, &trailers);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let expected = Read { content: pieces.concat(), trailers: lines(Some(&trailers)), behind: Some(0) };
        prop_assert_eq!(read(&bytes, &cuts), Ok(expected));
    }

    #[test]
    fn cuts_make_no_difference(bytes in nearly_chunked(), cuts in proptest::collection::vec(0_usize..60, 0..6)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(read(&bytes, &cuts), read(&bytes, &[]));
        let all: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(read(&bytes, &all), read(&bytes, &[]));
    }
}

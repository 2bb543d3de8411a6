//! Two other readers of the same bytes: the naive parser of testkit, and http_desync_guardian, which looks for smuggling.
//!
//! Whatever is accepted here must be accepted there, with the same request, the same body and the same end.

use http_desync_guardian::http_token_utils::{TokenSimilarity, determine_similarity};
use http_desync_guardian::request_analyzer::HttpRequestData;
use http_desync_guardian::{ClassificationReason, RequestSafetyTier};
use http1::{BodyDecoder, BodyError, HeadError, HeadLimits, parse_request};
use message::{Fields, Known, Request};
use proptest::prelude::*;
use testkit::oracle::{self, Fault, Parsed};
use testkit::random::{Random, mutate, request as random_request};

/// What became of bytes.
enum Outcome {
    /// A whole request, its content and trailers, and how many bytes all took.
    Whole(Box<Request>, Vec<u8>, Vec<(String, String)>, usize),
    Incomplete,
    Refused(Refusal),
}

#[derive(Clone, Copy, Debug)]
enum Refusal {
    Head(HeadError),
    Body(BodyError),
}

fn read(bytes: &[u8]) -> Outcome {
    let mut request = Box::<Request>::default();
    let head = match parse_request(bytes, &HeadLimits::default(), &mut request) {
        Ok(Some(length)) => length,
        Ok(None) => return Outcome::Incomplete,
        Err(error) => return Outcome::Refused(Refusal::Head(error)),
    };
    let mut body = bytes[head..].to_vec();
    let mut decoder = BodyDecoder::new(request.body);
    match decoder.decode(&mut body) {
        Ok(decoded) if decoded.end => {
            body.truncate(decoded.data);
            let trailers = decoder.trailers().map(pairs).unwrap_or_default();
            Outcome::Whole(request, body, trailers, head + decoded.consumed)
        }
        Ok(_) => Outcome::Incomplete,
        Err(error) => Outcome::Refused(Refusal::Body(error)),
    }
}

fn pairs(fields: &Fields) -> Vec<(String, String)> {
    let latin = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
    fields.iter().map(|(name, value)| (latin(name), latin(value))).collect()
}

/// Compares both readings.
fn compare(bytes: &[u8]) -> Result<(), TestCaseError> {
    let shown = bytes.escape_ascii();
    // Empty lines before a request are passed over (RFC 9112 §2.2); the oracle refuses them.
    let skipped = 2 * bytes.chunks(2).take(2).take_while(|pair| pair == b"\r\n").count();
    match (read(bytes), oracle::request(&bytes[skipped..])) {
        (Outcome::Whole(request, content, trailers, used), Parsed::Complete(its, its_used)) => {
            prop_assert_eq!(used, skipped + its_used, "the end of {}", shown);
            prop_assert_eq!(&content, &its.body.content, "the content of {}", shown);
            // Trailers that may not be passed on are dropped; none is made up.
            for (name, value) in &trailers {
                prop_assert!(its.body.trailers.all(name).contains(&value.as_str()), "{} of {}", name, shown);
            }
            compare_heads(&request, &its)
        }
        // An extension is dropped and need not be of a form that nobody reads (RFC 9112 §7.1.1); its line end is judged.
        (Outcome::Whole(..), Parsed::Refused(Fault::ChunkExtension)) => Ok(()),
        (Outcome::Whole(..), other) => {
            Err(TestCaseError::fail(format!("{shown} was accepted, of which the oracle says {other:?}")))
        }
        (Outcome::Incomplete, Parsed::Complete(..)) => {
            Err(TestCaseError::fail(format!("{shown} is whole, but more was waited for")))
        }
        (Outcome::Refused(error), Parsed::Complete(its, _)) => {
            prop_assert!(may_be_stricter(error, bytes, &its), "{} is refused for {:?}", shown, error);
            Ok(())
        }
        (Outcome::Incomplete | Outcome::Refused(_), _) => Ok(()),
    }
}

/// What is well-formed and refused all the same: forms of paths and hosts that servers read differently, what the gateway does not
/// offer, a field whose name looks like one that frames, and the space that RFC 9112 §7.1.1 lets stand before a chunk extension.
fn may_be_stricter(error: Refusal, bytes: &[u8], request: &oracle::Request) -> bool {
    let is_lookalike = |name: &String| Known::of(name.as_bytes()) == Known::FramingLookalike;
    match error {
        Refusal::Head(HeadError::Target | HeadError::Connect | HeadError::HostMalformed) => true,
        Refusal::Head(HeadError::FieldName) => request.fields.0.iter().any(|(name, _)| is_lookalike(name)),
        Refusal::Head(_) => false,
        Refusal::Body(error) => {
            error == BodyError::ChunkSize && bytes.windows(2).any(|pair| matches!(pair, [b' ' | b'\t', b';']))
        }
    }
}

fn compare_heads(request: &Request, its: &oracle::Request) -> Result<(), TestCaseError> {
    prop_assert_eq!(request.method_text(), &its.line.method);
    let target = its.line.target.as_str();
    let (authority, rest) = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
        }
        _ => (its.fields.first("host").unwrap_or(""), target),
    };
    prop_assert_eq!(request.authority(), authority);
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    prop_assert_eq!(request.has_query.then(|| request.query()), query);
    let is_plain = !path.contains('%') && !path.contains("/.") && path.starts_with('/');
    prop_assert!(!is_plain || request.path() == path, "{} became {}", path, request.path());
    Ok(())
}

/// What is accepted here may be doubtful to the guardian, but not dangerous.
fn ask_guardian(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(Some(length)) = parse_request(bytes, &HeadLimits::default(), &mut Request::default()) else {
        return Ok(());
    };
    let head = &bytes[..length];
    let verdict = HttpRequestData::analyze_raw_request(head.trim_ascii_start());
    prop_assert!(
        verdict.tier != RequestSafetyTier::Severe || is_excepted(head, verdict.reason),
        "{} is {:?}",
        head.escape_ascii(),
        verdict.message
    );
    Ok(())
}

/// The one thing the guardian objects to that is accepted: a value it would not have in a framing field, in a field whose name it
/// finds too close to one (`-Content-Length`, `Transfer--Encoding`, `ContentmLength`). No server makes the same name or variable of
/// it, so it is a field like any other; those of which one might are refused ([`Known::FramingLookalike`]).
fn is_excepted(head: &[u8], reason: ClassificationReason) -> bool {
    use ClassificationReason::{
        BadContentLength, BadTransferEncoding, MultipleContentLength, MultipleTransferEncodingChunked,
    };
    let by_value = matches!(
        reason,
        BadContentLength | BadTransferEncoding | MultipleContentLength | MultipleTransferEncodingChunked
    );
    let is_too_close = |name: &[u8]| {
        [&b"content-length"[..], b"transfer-encoding"]
            .into_iter()
            .any(|framing| determine_similarity(framing, name) == TokenSimilarity::SameLetters)
    };
    by_value
        && head.split(|&byte| byte == b'\n').any(|line| {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            Known::of(name) == Known::Other && is_too_close(name)
        })
}

/// Requests that are nearly right, of more kinds than the generator of testkit makes.
fn nearly_requests() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        8 => Just("POST / HTTP/1.1"),
        1 => Just("GET http://b:80/x?y HTTP/1.1"),
        1 => Just("OPTIONS * HTTP/1.1"),
        1 => Just("POST / HTTP/1.0"),
        1 => Just("POST /a/../b/%7e?c HTTP/1.1"),
    ];
    let name = prop_oneof![
        3 => Just("Content-Length"),
        3 => Just("Transfer-Encoding"),
        1 => Just("content_length"),
        1 => Just("Transfer.Encoding"),
        1 => Just("Content-Length-"),
        1 => Just("Connection"),
        1 => Just("Host"),
        1 => Just("X"),
    ];
    let colon = prop_oneof![6 => Just(": "), 1 => Just(":"), 1 => Just(" :"), 1 => Just(":\t"), 1 => Just(""), 1 => Just(":\r\n ")];
    let value = prop_oneof![
        3 => Just("5"),
        3 => Just("chunked"),
        1 => Just("0"),
        1 => Just("05"),
        1 => Just("5, 5"),
        1 => Just("5 "),
        1 => Just("+5"),
        1 => Just("gzip, chunked"),
        1 => Just("chunked, chunked"),
        1 => Just("\u{b}chunked"),
        1 => Just("Chunked"),
        1 => Just("close, content-length"),
        1 => Just("a"),
        1 => Just(""),
    ];
    let end = prop_oneof![16 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("\r\r\n"), 1 => Just("\r\n\r\n")];
    let body = prop_oneof![
        Just("hello"),
        Just("5\r\nhello\r\n0\r\n\r\n"),
        Just("5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n"),
        Just("5\nhello\n0\n\n"),
        Just("5\r\nhello\r\n00\r\n\r\n"),
        Just("0\r\n\r\nGET"),
        Just("05;\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n"),
    ];
    let field =
        (name, colon, value, end).prop_map(|(name, colon, value, end)| [name, colon, value, end].concat());
    (line, any::<bool>(), proptest::collection::vec(field, 0..4), body).prop_map(
        |(line, host, fields, body)| {
            let host = if host { "Host: a\r\n" } else { "" };
            [line, "\r\n", host, &fields.concat(), "\r\n", body].concat().into_bytes()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn random_requests_are_read_alike(seed in any::<u64>(), mutations in 0_u32..3) {
        let mut random = Random::new(seed);
        let mut bytes = random_request(&mut random);
        for _ in 0..mutations {
            mutate(&mut random, &mut bytes);
        }
        compare(&bytes)?;
        ask_guardian(&bytes)?;
    }

    #[test]
    fn nearly_right_requests_are_read_alike(mut bytes in nearly_requests(), seed in any::<u64>(), is_mutated in any::<bool>()) {
        if is_mutated {
            mutate(&mut Random::new(seed), &mut bytes);
        }
        compare(&bytes)?;
        ask_guardian(&bytes)?;
    }
}

#[test]
fn the_generators_make_requests_of_every_kind() {
    let mut random = Random::new(1);
    let (mut whole, mut refused, mut incomplete) = (0, 0, 0);
    for _ in 0..2000 {
        match read(&random_request(&mut random)) {
            Outcome::Whole(..) => whole += 1,
            Outcome::Refused(_) => refused += 1,
            Outcome::Incomplete => incomplete += 1,
        }
    }
    assert!(whole > 200 && refused > 200 && incomplete > 20, "{whole} {refused} {incomplete}");
}

/// What any two readers could disagree about, as it is used against chains of them: none of it is accepted.
#[test]
fn known_ways_to_smuggle_are_refused() {
    let chunked = "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n";
    for fields in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 6",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\u{b}chunked",
        " Transfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "Transfer-Encoding\r\n : chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: identity",
        "Transfer_Encoding: chunked",
        "Content-Length: 6\r\nContent-Length: 5",
        "Content-Length: 6, 6",
        "Content-Length: 6\r\n 0",
        "Content-Length: 6\0",
        "Content-Length: 0x6",
        "Content-Length: -0",
        "X\0: y\r\nContent-Length: 6",
        "X: y\r\rContent-Length: 6",
        "Content-Length\u{a0}: 6",
        "Foo\u{1}Transfer-Encoding: chunked",
    ] {
        let bytes = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{chunked}");
        assert!(matches!(read(bytes.as_bytes()), Outcome::Refused(_)), "{fields:?}");
    }
}

//! What the oracle accepts and refuses.

use super::*;

#[track_caller]
fn check_refused(table: &[(&[u8], Fault)]) {
    for (bytes, fault) in table {
        assert_eq!(request(bytes), Parsed::Refused(*fault), "{}", bytes.escape_ascii());
    }
}

#[track_caller]
fn check_whole(bytes: &[u8], content: &[u8]) -> Request {
    let Parsed::Complete(request, used) = request(bytes) else { panic!("{:?}", request(bytes)) };
    assert_eq!(used, bytes.len());
    assert_eq!(request.body.content, content);
    request
}

#[test]
fn head_faults_are_named() {
    check_refused(&[
        (b"GET / HTTP/1.1\nHost: a\n\n", Fault::BareLineFeed),
        (b"GET / HTTP/1.1\r\nHost: a\rX\r\n\r\n", Fault::BareCarriageReturn),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::StartLine),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", Fault::Version),
        (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::Method),
        (b"GET x HTTP/1.1\r\nHost: a\r\n\r\n", Fault::Target),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Fault::Target),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", Fault::FieldName),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", Fault::FieldValue),
        (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", Fault::Folding),
        (b"GET / HTTP/1.1\r\nX: a\r\n\r\n", Fault::HostMissing),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Fault::HostRepeated),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Fault::HostInvalid),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", Fault::LengthInvalid),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            Fault::LengthRepeated,
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Fault::LengthWithCoding,
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Fault::CodingUnknown),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::CodingInOldVersion),
    ]);
}

#[test]
fn chunk_faults_are_named() {
    for (chunks, fault) in [
        (&b"x\r\n"[..], Fault::ChunkSize),
        (b"\r\n", Fault::ChunkSize),
        (b"11111111111111111\r\n", Fault::ChunkSize),
        (b"1;\r\n", Fault::ChunkExtension),
        (b"1;a=\"\r\n", Fault::ChunkExtension),
        (b"1 \r\n", Fault::ChunkExtension),
        (b"1\r\nab\r\n", Fault::ChunkEnd),
        (b"0\r\nbad name: x\r\n\r\n", Fault::TrailerField),
        (b"1\na\n", Fault::BareLineFeed),
    ] {
        assert_eq!(chunked(chunks), Parsed::Refused(fault), "{}", chunks.escape_ascii());
    }
}

#[test]
fn whole_requests_are_read() {
    check_whole(b"GET /a?b HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", b"");
    check_whole(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"");
    check_whole(b"GET http://a.b/c HTTP/1.1\r\nHost: a.b\r\n\r\n", b"");
    check_whole(b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", b"abc");
    let chunks = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n2;x=\"y\\\"\";z\r\nab\r\n0\r\nT: u\r\n\r\n";
    assert_eq!(check_whole(chunks, b"ab").body.trailers.first("t"), Some("u"));
}

#[test]
fn every_proper_prefix_is_partial() {
    let bytes =
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: u\r\n\r\n";
    for end in 0..bytes.len() {
        assert_eq!(request(&bytes[..end]), Parsed::Partial, "{end}");
    }
}

#[test]
fn a_connection_is_read_request_by_request() {
    let one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let two = [&one[..], &one[..], b"GET"].concat();
    let stream = requests(&two);
    assert_eq!((stream.requests.len(), stream.rest), (2, Rest::Partial(3)));
    assert_eq!(requests(b"\r\n").rest, Rest::Refused(Fault::StartLine));
}

#[test]
fn response_bodies_follow_method_and_status() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert!(matches!(response(head, "HEAD", false), Parsed::Complete(_, n) if n == head.len()));
    assert_eq!(response(head, "GET", true), Parsed::Partial);
    let open = b"HTTP/1.1 200 \r\n\r\nrest";
    assert_eq!(response(open, "GET", false), Parsed::Partial);
    assert!(matches!(response(open, "GET", true), Parsed::Complete(m, _) if m.body.content == b"rest"));
    assert!(matches!(
        response(b"HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", "GET", false),
        Parsed::Complete(..)
    ));
    assert_eq!(response(b"HTTP/1.1 200\r\n\r\n", "GET", true), Parsed::Refused(Fault::StartLine));
}

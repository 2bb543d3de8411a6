//! Heads there and back, by example and by chance.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::Scheme;
use message::{
    Body, Fields, Known, Method, Request, Response, is_field_value, is_token, to_header_map, trailers_of,
};
use proptest::collection::vec;
use proptest::prelude::*;
use testkit::fuzz::check_fields;

use super::*;
use crate::{Failure, HttpError, body};

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let parsed = fields.iter().map(|(name, value)| {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        (name.parse::<HeaderName>().expect("a name"), value)
    });
    let mut map = HeaderMap::new();
    parsed.for_each(|(name, value)| {
        map.append(name, value);
    });
    map
}

fn lines(fields: &Fields) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|(name, value)| format!("{}: {}", text(name), text(value))).collect()
}

fn message(method: &str, path: &str, query: Option<&str>, authority: &str) -> Request {
    let mut request = Request::default();
    request.method = Method::of(method.as_bytes());
    request.method_text = request.fields.store(method.as_bytes());
    request.path = request.fields.store(path.as_bytes());
    request.has_query = query.is_some();
    request.query = request.fields.store(query.unwrap_or_default().as_bytes());
    request.authority = request.fields.store(authority.as_bytes());
    request
}

#[test]
fn a_request_reaches_the_guest_as_it_is() {
    let mut request = message("POST", "/a/%2F", Some("b=c"), "shop.example:8080");
    request.fields.append("x-a", b"1");
    request.fields.append("x-a", b"\xe9");
    request.body = Body::Length(7);
    let parts = request_to_guest(&request, Scheme::HTTP).expect("a head");
    assert_eq!(parts.uri, "http://shop.example:8080/a/%2F?b=c");
    assert_eq!(parts.method, http::Method::POST);
    let values: Vec<_> = parts.headers.get_all("x-a").iter().map(HeaderValue::as_bytes).collect();
    assert_eq!(values, [&b"1"[..], b"\xe9"]);
    assert_eq!(parts.headers["content-length"], "7");
}

#[test]
fn a_request_that_a_guest_cannot_be_told_of_is_refused() {
    for (request, expected) in [
        (message("GET", "/", None, "a b"), Err(Unspeakable::Authority)),
        (message("G T", "/", None, "a"), Err(Unspeakable::Method)),
        (message("GET", &format!("/{}", "a".repeat(70_000)), None, "a"), Err(Unspeakable::TargetTooLong)),
        (message("GET", "/<a>`{}\"", Some("\"<>"), "a"), Ok("http://a/%3Ca%3E%60%7B%7D%22?%22%3C%3E")),
        (message("GET", "/", None, ""), Ok("http://localhost/")),
        (message("GET", "/", Some(""), "a"), Ok("http://a/?")),
    ] {
        let uri = request_to_guest(&request, Scheme::HTTP).map(|parts| parts.uri.to_string());
        assert_eq!(uri.as_deref().map_err(|error| *error), expected);
    }
}

#[test]
fn what_a_guest_asks_takes_the_one_form() {
    let check = |uri: &str, expected: Option<(&str, &str, &str)>| {
        let (parts, ()) = http::Request::builder().uri(uri).body(()).expect("a request").into_parts();
        let mut request = Request::default();
        let asked = request_from_guest(&parts, &body::empty(), &mut request);
        let found = asked.is_ok().then(|| (request.authority(), request.path(), request.query()));
        assert_eq!(found, expected, "{uri}: {asked:?}");
    };
    check("http://A.example:81/a/./b/../%63?d=e", Some(("A.example:81", "/a/c", "d=e")));
    check("http://[::1]/", Some(("[::1]", "/", "")));
    check("http://a", Some(("a", "/", "")));
    check("http://a/%00", None);
    check("http://a/%zz", None);
    check("http://user@a/", None);
    check("/relative", None);
}

#[test]
fn a_guests_request_frames_nothing_itself() {
    let (mut parts, ()) = http::Request::builder().uri("http://a/").body(()).expect("a request").into_parts();
    parts.headers = map(&[
        ("content-length", "5"),
        ("connection", "x-private, close"),
        ("x-private", "1"),
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("content_length", "6"),
        ("x-kept", "  1 "),
    ]);
    let mut request = Request::default();
    request_from_guest(&parts, &body::empty(), &mut request).expect("a request");
    assert_eq!(lines(&request.fields), ["x-kept: 1"]);
    assert_eq!((request.body, request.takes_trailers, request.host()), (Body::Length(5), true, "a"));
    parts.method = http::Method::CONNECT;
    let refused = request_from_guest(&parts, &body::empty(), &mut request);
    assert!(matches!(refused, Err(HttpError::HttpRequestMethodInvalid)));
    parts.method = http::Method::GET;
    parts.headers = map(&[("content-length", "5"), ("content-length", "5")]);
    assert!(request_from_guest(&parts, &body::empty(), &mut request).is_err());
    parts.headers = HeaderMap::new();
    request_from_guest(&parts, &body::empty(), &mut request).expect("a request");
    assert_eq!(request.body, Body::Empty);
    request_from_guest(&parts, &body::channel(1).1, &mut request).expect("a request");
    assert_eq!(request.body, Body::Streamed);
}

#[test]
fn a_response_has_the_one_framing_that_fits_it() {
    for (status, fields, answers_head, expected) in [
        (200, &[][..], false, Ok((Body::Streamed, None))),
        (200, &[("content-length", "5")], false, Ok((Body::Length(5), None))),
        (200, &[("content-length", "5")], true, Ok((Body::Empty, Some(5)))),
        (200, &[], true, Ok((Body::Empty, None))),
        (204, &[("content-length", "5")], false, Ok((Body::Empty, None))),
        (205, &[("content-length", "5")], false, Ok((Body::Length(0), None))),
        (304, &[("content-length", "5")], false, Ok((Body::Empty, Some(5)))),
        (200, &[("content-length", "5"), ("content-length", "5")], false, Err(())),
        (200, &[("content-length", "5, 5")], false, Err(())),
        (200, &[("content-length", "+5")], false, Err(())),
        (200, &[("content-length", "")], false, Err(())),
        (200, &[("content-length", "18446744073709551616")], false, Err(())),
        (101, &[], false, Err(())),
        (100, &[], false, Err(())),
        (600, &[], false, Err(())),
    ] {
        let (mut head, ()) = http::Response::builder().status(status).body(()).expect("a head").into_parts();
        head.headers = map(fields);
        let mut response = Response::default();
        let framed = response_from_guest(&head, answers_head, &mut response);
        let found = framed.map(|()| (response.body, response.announced_length));
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{status} {fields:?}"),
            (Err(Failure::Malformed { .. }), Err(())) => {}
            (found, expected) => panic!("{status} {fields:?}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_response_reaches_the_guest_with_its_length() {
    let mut response = Response::default();
    response.start(404, Body::Length(3));
    response.fields.append("x-a", b"1");
    let head = response_to_guest(&response);
    assert_eq!((head.status.as_u16(), head.headers.len()), (404, 2));
    assert_eq!(head.headers["content-length"], "3");
}

#[test]
fn trailers_that_come_too_late_to_be_true_are_left_out() {
    let given = map(&[
        ("x-sum", "1"),
        ("grpc-status", "0"),
        ("content-length", "1"),
        ("content-type", "a/b"),
        ("transfer-encoding", "chunked"),
        ("set-cookie", "a=b"),
        ("host", "a"),
        ("authorization", "a"),
        ("if-match", "a"),
        ("x-lockgate-user", "1"),
    ]);
    let trailers = trailers_of(&given);
    assert_eq!(lines(&trailers), ["x-sum: 1", "grpc-status: 0"]);
    assert_eq!(to_header_map(&trailers, None).len(), 2);
}

/// Names that mean something on the way, names that nearly do, and others.
fn names() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "connection",
        "content-length",
        "content_length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "host",
        "keep-alive",
        "proxy-connection",
        "expect",
        "x-lockgate-user",
        "x_lockgate_user",
        "x-private",
        "set-cookie",
    ]);
    prop_oneof![known.prop_map(str::to_owned), "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}"]
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(vec!["5", "x-private", "close, te", "chunked", " a", "a\t"]);
    prop_oneof![
        telling.prop_map(|value| value.as_bytes().to_vec()),
        vec(any::<u8>().prop_filter("a byte of a value", |&byte| byte >= 32 && byte != 127), 0..20),
    ]
}

fn maps() -> impl Strategy<Value = HeaderMap> {
    vec((names(), values()), 0..12).prop_map(|fields| {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_bytes(&value).expect("a value"));
        }
        map
    })
}

proptest! {
    #[test]
    fn nothing_a_guest_answers_speaks_of_the_connection(
        given in maps(), status in 100_u16..1000, answers_head: bool,
    ) {
        let (mut head, ()) = http::Response::builder().status(status).body(()).expect("a head").into_parts();
        head.headers = given.clone();
        let mut response = Response::default();
        let answered = response_from_guest(&head, answers_head, &mut response);
        prop_assert_eq!(answered.is_ok(), framing(&head, answers_head).is_ok());
        if answered.is_ok() {
            prop_assert!((200..=599).contains(&response.status));
            check_fields(&response.fields, &given);
            prop_assert!(given.get_all("content-length").iter().count() <= 1);
        }
    }

    #[test]
    fn nothing_a_guest_asks_speaks_of_the_connection(given in maps(), path in "/[!-~]{0,30}") {
        let Ok(request) = http::Request::builder().uri(format!("http://a{path}")).body(()) else {
            return Ok(());
        };
        let (mut head, ()) = request.into_parts();
        head.headers = given.clone();
        let mut request = Request::default();
        if request_from_guest(&head, &body::empty(), &mut request).is_ok() {
            check_fields(&request.fields, &given);
            let mut form = Vec::new();
            prop_assert!(policy::normalize_path(request.path().as_bytes(), &mut form).is_ok());
            prop_assert_eq!(request.path().as_bytes(), &form[..]);
            prop_assert!(request.query().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn a_request_comes_back_from_a_guest_that_passes_it_on(
        method in "[A-Z]{1,8}", path in "/[a-z0-9/_~-]{0,20}", query in proptest::option::of("[a-z0-9=&%+]{0,20}"),
        fields in vec(("x-[a-z]{1,8}", "[!-~]([ -~]{0,8}[!-~])?"), 0..8),
    ) {
        prop_assume!(method != "CONNECT");
        let mut request = message(&method, &path, query.as_deref(), "shop.example:81");
        for (name, value) in &fields {
            request.fields.append(name, value.as_bytes());
        }
        let parts = request_to_guest(&request, Scheme::HTTP).expect("a head");
        let mut back = Request::default();
        request_from_guest(&parts, &body::empty(), &mut back).expect("a request");
        prop_assert_eq!(back.method_text(), request.method_text());
        prop_assert_eq!(back.path(), request.path());
        prop_assert_eq!((back.has_query, back.query()), (request.has_query, request.query()));
        prop_assert_eq!(back.authority(), request.authority());
        let sorted = |fields: &Fields| {
            let mut lines = lines(fields);
            lines.sort();
            lines
        };
        prop_assert_eq!(sorted(&back.fields), sorted(&request.fields));
    }

    #[test]
    fn no_trailer_frames_a_message(given in maps()) {
        let trailers = trailers_of(&given);
        for (name, value) in trailers.iter() {
            let known = Known::of(name);
            prop_assert!(is_token(name) && is_field_value(value), "{:?}", lines(&trailers));
            prop_assert!(!known.is_connection_level() && known != Known::Host && known != Known::XLockgate);
        }
    }
}

//! Answers that are wrong, too large, or never end.

use wasip2::http::types::{ErrorCode, Fields, OutgoingResponse, ResponseOutparam};

use crate::answer::{self, Answer};
use crate::query::Query;

/// `count` fields of `bytes` bytes each.
pub(crate) fn headers(query: &Query<'_>, out: ResponseOutparam) {
    let value = vec![b'x'; query.number("bytes", 10)];
    let fields = Fields::new();
    for number in 0..query.number("count", usize::MAX) {
        if let Err(error) = fields.append(&format!("x-flood-{number}"), &value) {
            return answer::text(out, &format!("field {number} was refused: {error}\n"));
        }
    }
    Answer::begin(out, fields).end(None);
}

/// A body without end.
pub(crate) fn stream(out: ResponseOutparam) {
    let answer = Answer::begin(out, Fields::new());
    while answer.write(&[b'x'; 4096]).is_ok() {}
}

/// One write of `bytes` bytes, however many the host says it takes.
pub(crate) fn big_chunk(query: &Query<'_>, out: ResponseOutparam) {
    let answer = Answer::begin(out, Fields::new());
    _ = answer.stream().write(&vec![b'x'; query.number("bytes", 16 << 20)]);
    _ = answer.stream().blocking_flush();
    answer.end(None);
}

/// A status that is `code`, where the host lets it be set.
pub(crate) fn status(query: &Query<'_>, out: ResponseOutparam) {
    let code = u16::try_from(query.number("code", 0)).unwrap_or(u16::MAX);
    let response = OutgoingResponse::new(Fields::new());
    match response.set_status_code(code) {
        Ok(()) => Answer::begin_with(out, response).end(None),
        Err(()) => answer::text(out, &format!("status {code} was refused\n")),
    }
}

/// A `content-length` for each `claims`, and a body of `sends` bytes.
pub(crate) fn content_length(query: &Query<'_>, out: ResponseOutparam) {
    let fields = Fields::new();
    for claim in query.all("claims") {
        if let Err(error) = fields.append("content-length", claim.as_bytes()) {
            return answer::text(out, &format!("content-length was refused: {error}\n"));
        }
    }
    let answer = Answer::begin(out, fields);
    _ = answer.write(&vec![b'x'; query.number("sends", 0)]);
    answer.end(None);
}

/// Every field that a function has no business with; the body says which of them could be set.
pub(crate) fn forbidden_headers(out: ResponseOutparam) {
    const FORBIDDEN: [(&str, &str); 11] = [
        ("connection", "x-private"),
        ("x-private", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authenticate", "Basic"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers"),
        ("trailer", "x-late"),
        ("upgrade", "websocket"),
        ("host", "elsewhere.example"),
        ("x-line", "a\r\nx-smuggled: 1"),
    ];
    let fields = Fields::new();
    let set = FORBIDDEN.map(|(name, value)| match fields.append(name, value.as_bytes()) {
        Ok(()) => format!("{name}: set\n"),
        Err(error) => format!("{name}: {error}\n"),
    });
    let answer = Answer::begin(out, fields);
    _ = answer.write(set.concat().as_bytes());
    answer.end(None);
}

/// Trailers, one of them good.
pub(crate) fn trailers(out: ResponseOutparam) {
    let answer = Answer::begin(out, Fields::new());
    _ = answer.write(b"body\n");
    let trailers = Fields::new();
    for (name, value) in
        [("x-late", "good"), ("content-length", "1"), ("transfer-encoding", "chunked"), ("set-cookie", "a=b")]
    {
        // What the host refuses at once does not arrive, which is as good.
        _ = trailers.append(name, value.as_bytes());
    }
    answer.end(Some(trailers));
}

/// An error in the place of an answer.
pub(crate) fn error_code(out: ResponseOutparam) {
    let why = "this guest fails when it is asked to".to_owned();
    ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(why))));
}

pub(crate) fn trap() {
    core::arch::wasm32::unreachable()
}

pub(crate) fn trap_after_head(out: ResponseOutparam) {
    let _answer = Answer::begin(out, Fields::new());
    trap();
}

pub(crate) fn trap_in_body(out: ResponseOutparam) {
    let answer = Answer::begin(out, Fields::new());
    _ = answer.write(b"so far\n");
    trap();
}

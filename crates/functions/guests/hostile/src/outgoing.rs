//! Requests to wherever it is told.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, FutureIncomingResponse, IncomingBody, Method};
use wasip2::http::types::{OutgoingRequest, RequestOptions, ResponseOutparam, Scheme};
use wasip2::io::streams::StreamError;

use crate::answer;
use crate::query::Query;

/// `n` requests to `to`, all sent before the first answer is read; a line for each says what came of it. Each waits `connect_ms` for a
/// connection, if that is given, and says each `field` that is given, as `name:value`.
pub(crate) fn call(query: &Query<'_>, out: ResponseOutparam) {
    let to = query.all("to").next().unwrap_or_default();
    let mut lines = String::new();
    let connect_ms = query.number("connect_ms", 0) as u64;
    let sent: Vec<_> = (0..query.number("n", 1)).map(|_| send(to, &said(query), connect_ms)).collect();
    for answer in sent {
        lines += &match answer.and_then(|answer| read(&answer)) {
            Ok((status, bytes)) => format!("{status} {bytes} bytes\n"),
            Err(error) => format!("{error:?}\n"),
        };
    }
    answer::text(out, &lines);
}

/// `n` requests that are never sent, each with a method of `bytes` bytes, which the host keeps.
pub(crate) fn hoard(query: &Query<'_>, out: ResponseOutparam) {
    let method = Method::Other("A".repeat(query.number("bytes", 1 << 20)));
    let made: Vec<_> = (0..query.number("n", usize::MAX))
        .map(|_| {
            let request = OutgoingRequest::new(Fields::new());
            request.set_method(&method).map(|()| request)
        })
        .collect();
    answer::text(out, &format!("{} requests\n", made.iter().flatten().count()));
}

fn said(query: &Query<'_>) -> Vec<(String, Vec<u8>)> {
    let pairs = query.all("field").filter_map(|field| field.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
}

fn send(
    url: &str,
    fields: &[(String, Vec<u8>)],
    connect_ms: u64,
) -> Result<FutureIncomingResponse, ErrorCode> {
    let (scheme, rest) = url.split_once("://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let fields = Fields::from_list(fields).map_err(|_| ErrorCode::HttpRequestHeaderSize(None))?;
    let request = OutgoingRequest::new(fields);
    let refused = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(refused)?;
    request.set_authority(Some(authority)).map_err(refused)?;
    request.set_path_with_query(Some(path)).map_err(refused)?;
    let options = (connect_ms > 0).then(RequestOptions::new);
    if let Some(options) = &options {
        options.set_connect_timeout(Some(connect_ms * 1_000_000)).map_err(refused)?;
    }
    outgoing_handler::handle(request, options)
}

/// The status of an answer, and how many bytes its body has.
fn read(answer: &FutureIncomingResponse) -> Result<(u16, usize), ErrorCode> {
    answer.subscribe().block();
    let response = answer.get().expect("it is there").expect("it is taken once")?;
    let body = response.consume().expect("the body is taken once");
    let stream = body.stream().expect("the stream is taken once");
    let mut bytes = 0;
    let end = loop {
        match stream.blocking_read(64 * 1024) {
            Ok(piece) => bytes += piece.len(),
            Err(StreamError::Closed) => break Ok((response.status(), bytes)),
            Err(StreamError::LastOperationFailed(error)) => {
                break Err(ErrorCode::InternalError(Some(format!("body: {}", error.to_debug_string()))));
            }
        }
    };
    drop(stream);
    IncomingBody::finish(body);
    end
}

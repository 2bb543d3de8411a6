//! Requests to wherever it is told.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, FutureIncomingResponse, IncomingBody, OutgoingRequest};
use wasip2::http::types::{ResponseOutparam, Scheme};
use wasip2::io::streams::StreamError;

use crate::answer;
use crate::query::Query;

/// `n` requests to `to`, all sent before the first answer is read; a line for each says what came of it.
pub(crate) fn call(query: &Query<'_>, out: ResponseOutparam) {
    let to = query.all("to").next().unwrap_or_default();
    let mut lines = String::new();
    let sent: Vec<_> = (0..query.number("n", 1)).map(|_| send(to)).collect();
    for answer in sent {
        lines += &match answer.and_then(|answer| read(&answer)) {
            Ok((status, bytes)) => format!("{status} {bytes} bytes\n"),
            Err(error) => format!("{error:?}\n"),
        };
    }
    answer::text(out, &lines);
}

fn send(url: &str) -> Result<FutureIncomingResponse, ErrorCode> {
    let (scheme, rest) = url.split_once("://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let request = OutgoingRequest::new(Fields::new());
    let refused = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(refused)?;
    request.set_authority(Some(authority)).map_err(refused)?;
    request.set_path_with_query(Some(path)).map_err(refused)?;
    outgoing_handler::handle(request, None)
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

//! Where pictures come from: requests, and the upstream `pictures`.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingBody, IncomingRequest, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

/// The upstream that the gateway has to let this function ask: `outbound = ["pictures"]`.
const UPSTREAM: &str = "pictures.internal";
/// Most bytes of a file that are read.
const FILE_BYTES_MAX: usize = 16 << 20;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("the file did not arrive whole")]
    Body,
    #[error("the file has more than {} MiB", FILE_BYTES_MAX >> 20)]
    TooLarge,
    #[error("there is no such picture")]
    Missing,
    #[error("{UPSTREAM} does not answer: {0}")]
    NotReached(ErrorCode),
}

/// The body of a request.
pub(crate) fn sent(request: &IncomingRequest) -> Result<Vec<u8>, SourceError> {
    whole(&request.consume().expect("the body is taken once"))
}

/// A file of the upstream.
pub(crate) fn fetched(name: &str) -> Result<Vec<u8>, SourceError> {
    let request = OutgoingRequest::new(Fields::new());
    let refused = |()| SourceError::Missing;
    request.set_scheme(Some(&Scheme::Http)).map_err(refused)?;
    request.set_authority(Some(UPSTREAM)).map_err(refused)?;
    request.set_path_with_query(Some(&format!("/{name}"))).map_err(refused)?;
    let answer = outgoing_handler::handle(request, None).map_err(SourceError::NotReached)?;
    answer.subscribe().block();
    let response = answer.get().expect("it is there").expect("it is taken once");
    let response = response.map_err(SourceError::NotReached)?;
    match response.status() {
        200 => whole(&response.consume().expect("the body is taken once")),
        _ => Err(SourceError::Missing),
    }
}

fn whole(body: &IncomingBody) -> Result<Vec<u8>, SourceError> {
    let stream = body.stream().expect("the stream is taken once");
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(piece) if bytes.len() + piece.len() > FILE_BYTES_MAX => return Err(SourceError::TooLarge),
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(SourceError::Body),
        }
    }
}

//! Answers, piece by piece.

use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::{OutputStream, StreamError};

/// Most bytes that one blocking write takes.
const WRITE_BYTES_MAX: usize = 4096;

/// The body of an answer whose head has been given.
pub(crate) struct Answer {
    // Before the body: it may not outlive the stream.
    stream: OutputStream,
    body: OutgoingBody,
}

impl Answer {
    /// Gives a head of 200 with these fields.
    pub(crate) fn begin(out: ResponseOutparam, fields: Fields) -> Self {
        Self::begin_with(out, OutgoingResponse::new(fields))
    }

    /// Gives this head.
    pub(crate) fn begin_with(out: ResponseOutparam, response: OutgoingResponse) -> Self {
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        Self { stream: body.write().expect("the stream is taken once"), body }
    }

    /// Writes all of it.
    ///
    /// # Errors
    ///
    /// When nobody takes it any more.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut pieces = bytes.chunks(WRITE_BYTES_MAX);
        pieces.try_for_each(|piece| self.stream.blocking_write_and_flush(piece))
    }

    /// Where to write without being asked how much.
    pub(crate) fn stream(&self) -> &OutputStream {
        &self.stream
    }

    /// Ends the body. A client that went away makes that fail, and nobody is left to be told.
    pub(crate) fn end(self, trailers: Option<Fields>) {
        drop(self.stream);
        _ = OutgoingBody::finish(self.body, trailers);
    }
}

/// Answers with 200 and a text.
pub(crate) fn text(out: ResponseOutparam, text: &str) {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain; charset=utf-8").expect("a field that may be set");
    let answer = Answer::begin(out, fields);
    _ = answer.write(text.as_bytes());
    answer.end(None);
}

/// Answers with 404.
pub(crate) fn not_found(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(404).expect("a status that exists");
    Answer::begin_with(out, response).end(None);
}

//! The least a function can be: an answer that names the path.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Hello;

wasip2::http::proxy::export!(Hello);

impl Guest for Hello {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let fields = Fields::new();
        fields.append("content-type", b"text/plain; charset=utf-8").expect("a field that may be set");
        let response = OutgoingResponse::new(fields);
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(answer, Ok(response));
        // The head is on its way. A client that went away makes the next two fail, and nobody is left to be told.
        let written = body
            .write()
            .expect("the stream is taken once")
            .blocking_write_and_flush(format!("Hello from Rust, {path}\n").as_bytes());
        if written.is_ok() {
            _ = OutgoingBody::finish(body, None);
        }
    }
}

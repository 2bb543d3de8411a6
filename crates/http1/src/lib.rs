//! HTTP/1.1 bytes to messages and back, as a state machine without I/O.
//!
//! RFC 9112 as an intermediary must read it: where a lenient reading could differ from another server's, the message is refused
//! (§11.2). Heads are scanned by `httparse`; what it lets pass is checked again here.

mod chunked;
mod encode;
mod error;
mod framing;
mod head;
mod lines;
mod request;
mod response;
mod websocket;

pub use chunked::{Chunked, Decoded};
pub use encode::{encode_request, encode_response, encode_trailers, framing_for, write_chunk_size};
pub use error::{BodyError, HeadError};
pub use framing::BodyDecoder;
pub use head::{HeadLimits, HeadScan};
pub use lines::parse_length;
pub use request::{parse_request, read_origin_form};
pub use response::parse_response;
pub use websocket::{is_websocket_key, websocket_accept, websocket_key};

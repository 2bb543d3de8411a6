//! HTTP/2 bytes to messages and back, as state machines without I/O (RFC 9113, RFC 7541).
//!
//! Both sides: frames are found in what the other side sends, header blocks become requests or responses, and what answers or asks
//! becomes frames. What could be read as another message in HTTP/1.1 is refused, as in `http1`. Nothing is kept per connection but what
//! the other side's own header table holds, so that an idle one costs little.

mod block;
mod code;
mod frame;
mod hpack;
mod request;
mod request_writer;
mod response;
mod response_reader;
mod settings;
mod syntax;
mod trailers;
mod window;

pub use block::{BlockPlace, end_stream, number_stream};
pub use code::Code;
pub use frame::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADER_BYTES, HEADERS, Header, PADDED, PING,
    PREFACE, PRIORITIZED, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, unpadded,
    write_goaway, write_ping, write_reset, write_window_update,
};
pub use hpack::{Decoder, Malformed, encode_field, encode_no_table, encode_status};
pub use request::RequestReader;
pub use request_writer::{encode_request, encode_websocket};
pub use response::{encode_response, encode_trailers};
pub use response_reader::ResponseReader;
pub use settings::{Announced, AnnouncedByClient, PeerSettings};
pub use trailers::TrailersReader;
pub use window::Window;

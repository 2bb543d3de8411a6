//! HTTP/2 bytes to messages and back, as state machines without I/O (RFC 9113, RFC 7541).
//!
//! A server's side: frames are found in what a client sends, header blocks become requests, and answers become frames. What could be
//! read as another request in HTTP/1.1 is refused, as in `http1`. Nothing is kept per connection but what the client's own header
//! table holds, so that an idle one costs little.

mod code;
mod frame;
mod hpack;
mod request;
mod response;
mod settings;
mod trailers;
mod window;

pub use code::Code;
pub use frame::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADER_BYTES, HEADERS, Header, PADDED, PING,
    PREFACE, PRIORITIZED, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, unpadded,
    write_goaway, write_ping, write_reset, write_window_update,
};
pub use hpack::{Decoder, Malformed, encode_field, encode_no_table, encode_status};
pub use request::RequestReader;
pub use response::{BlockPlace, encode_response, encode_trailers, end_stream};
pub use settings::{Announced, PeerSettings};
pub use trailers::TrailersReader;
pub use window::Window;

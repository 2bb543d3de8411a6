//! HTTP/2 towards clients and upstreams (RFC 9113), over the crate `h2`: each stream is an exchange of its own.

mod body;
mod budget;
mod conversation;
mod frames;
mod request;
mod response;
mod serve;
mod tasks;
mod upstream;

pub(crate) use serve::serve;
pub(crate) use tasks::StreamTasks;
pub(crate) use upstream::Asking;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use {request::read as read_request, upstream::read as read_response};

/// What a client begins a connection with (RFC 9113 §3.4).
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

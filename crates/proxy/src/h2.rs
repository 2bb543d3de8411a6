//! HTTP/2 towards clients, by `http2`, and towards upstreams, over the crate `h2` (RFC 9113): each stream is an exchange of its own.

mod budget;
mod client;
mod conversation;
mod exchange;
mod link;
mod receive;
mod serve;
mod stream;
mod tasks;
mod upstream;
mod websocket;

pub(crate) use serve::serve;
pub(crate) use tasks::StreamTasks;
pub(crate) use upstream::Asking;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use upstream::read as read_response;

//! HTTP/2 towards clients and upstreams, by `http2` (RFC 9113): each stream is an exchange of its own.

mod body;
mod budget;
mod client;
mod link;
mod peer;
mod receive;
mod stream;
mod upstream;
mod wire;

pub(crate) use client::{StreamTasks, serve};
pub(crate) use upstream::{Asking, Handle, begin, is_websocket};

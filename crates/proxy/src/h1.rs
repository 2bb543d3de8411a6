//! HTTP/1.1 on a byte stream, as the pipeline wants it: the same reader and writer towards clients and upstreams.

mod client;
mod reader;
mod upstream;
mod writer;

pub(crate) use client::ClientConversation;
pub(crate) use reader::{InState, Reader, Readiness, wait};
pub(crate) use upstream::Connection;
pub(crate) use writer::{OutState, Writer};

//! Request and response heads in one arena, body frames, hop-by-hop and forwarding rules.
//!
//! A message here is what is true end to end: framing and connection management (RFC 9112 §6, §9) belong to the adapter that
//! read it and to the adapter that will write it. Heads own one byte arena and an index of spans into it, so that a worker can
//! use the same two allocations for every exchange it serves.

mod authority;
mod body;
mod fields;
mod forward;
#[cfg(feature = "http")]
mod header_map;
mod known;
mod method;
mod request;
mod response;
mod syntax;
mod trailer;

pub use body::{Body, Piece};
pub use fields::{Fields, Span};
pub use forward::{Forwarding, drop_claims, forward_request};
#[cfg(feature = "http")]
pub use header_map::{to_header_map, trailers_of};
pub use known::Known;
pub use method::Method;
pub use request::{Request, Version};
pub use response::{Response, reason_phrase};
pub use syntax::{is_field_value, is_token, trim_ows};
pub use trailer::may_be_trailer;

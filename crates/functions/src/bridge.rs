//! Heads and trailers between the gateway's messages and what `wasi:http` deals in: pure, and suspicious of the guest's side.
//!
//! What goes to a guest has been checked by whoever read it. What comes from a guest is checked here: nothing it says can frame a
//! message, speak of a connection, or take another form of a path than the one that is matched.

mod fields;
mod request;
mod response;

pub(crate) use fields::announced_length;
pub use request::{Unspeakable, request_from_guest, request_to_guest};
pub(crate) use response::{Framing, framing};
pub use response::{response_from_guest, response_to_guest};

#[cfg(test)]
mod tests;

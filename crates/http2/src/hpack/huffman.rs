//! Text in the code of RFC 7541 Appendix B (§5.2).

mod code;
mod read;
mod write;

pub(super) use read::{decode, decoded_max};
pub(super) use write::{encode, encoded_len};

#[cfg(test)]
mod tests;

//! Header compression of HTTP/2 (RFC 7541): blocks to fields and back.
//!
//! Only the reading side keeps a dynamic table, for there the other end decides. The writing side does without: it says so once
//! with [`encode_no_table`], holds no memory for it, and needs no order among the streams of a connection.

mod decode;
mod encode;
mod huffman;
mod integer;
mod static_table;
mod table;

pub use decode::Decoder;
pub use encode::{encode_field, encode_no_table, encode_status};

use thiserror::Error;

/// A block that no encoder may send (RFC 7541); a connection error of type COMPRESSION_ERROR (RFC 9113 §4.3).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    /// The block ends within a field.
    #[error("the block ends within a field")]
    Truncated,
    /// An integer has more bytes than it may have, or is 2³² or more (§5.1).
    #[error("an integer is too long or too large")]
    Integer,
    /// An index is zero or beyond both tables (§2.3.3, §6.1).
    #[error("an index is zero or beyond the tables")]
    Index,
    /// A size update stands behind a field (§4.2).
    #[error("a size update is not at the start of its block")]
    SizeUpdatePlace,
    /// A size update asks for more than was announced (§6.3).
    #[error("a size update asks for more than was announced")]
    SizeUpdateTooLarge,
    /// A coded text holds the end-of-string code, or its padding is not at most seven bits of one (§5.2).
    #[error("a Huffman-coded text is not one")]
    Huffman,
}

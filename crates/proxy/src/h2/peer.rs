//! What the two kinds of other side differ in: a client's connection, and one to an upstream.

use std::rc::Rc;

use http2::{Code, Decoder, Header, TrailersReader};

use super::link::Link;
use super::stream::Stream;

/// A connection as its receiver sees it.
pub(super) trait Peer {
    fn link(&self) -> &Link;

    /// Takes note of a frame; the length of DATA is without its padding.
    ///
    /// # Errors
    /// When there have been too many that ask for work and give none.
    fn charge(&self, frame: Header) -> Result<(), Code>;

    /// The same of a head that is larger than any may be, by so many bytes.
    ///
    /// # Errors
    /// When they are far too many.
    fn charge_excess(&self, bytes: usize) -> Result<(), Code>;

    /// Ends a stream for a fault of the other side (RFC 9113 §5.4.2).
    ///
    /// # Errors
    /// When there have been too many.
    fn fault(&self, stream: &Stream, code: Code) -> Result<(), Code>;

    /// Largest head, as settings count it: an entry has 32 bytes more than its name and value (RFC 9113 §6.5.2).
    fn head_bytes_max(&self) -> usize;

    /// Whether a stream has begun, be it over or not.
    fn has_begun(&self, id: u32) -> bool;

    /// Whether frames may still come for a stream that is not open.
    fn passes_over(&self, id: u32) -> bool;

    /// Takes a header block of a stream that is not open.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    fn receive_head(
        self: &Rc<Self>,
        decoder: &mut Decoder,
        id: u32,
        ends_stream: bool,
        block: &[u8],
    ) -> Result<(), Code>;

    /// What reads the trailers of a stream.
    fn trailers(&self, stream: &Stream) -> TrailersReader;

    /// Takes note that the other side has reset a stream.
    fn reset(&self, stream: &Stream, code: Code);

    /// Takes note that the other side ends the connection with the streams up to this one.
    fn go_away(&self, last: u32);

    /// Takes note of the answer to a PING.
    fn answer_ping(&self, ping: [u8; 8]);
}

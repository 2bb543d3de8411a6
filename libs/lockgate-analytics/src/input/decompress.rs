//! Compressed streams as what they hold: gzip (RFC 1952) and zstd (RFC 8878), known by their first bytes, not their names.
//!
//! Both are decompressed as they are read, in bounded memory whatever they grow to: gzip keeps 32 KiB, zstd a window of at most
//! [`WINDOW_LOG_MAX`]. Several members or frames one behind the other are one stream.

#[cfg(all(feature = "zstd-rust", any(test, not(feature = "zstd"))))]
mod frames;

use std::boxed::Box;
use std::io::{self, Cursor, Read};
use std::vec::Vec;

/// Largest window of zstd that is accepted, 2^27 bytes: what `zstd -19` and `--long` write.
#[cfg(any(feature = "zstd", feature = "zstd-rust"))]
const WINDOW_LOG_MAX: u32 = 27;
/// Bytes that tell a compressed stream.
const MAGIC_BYTES: usize = 4;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// Tells it from the first bytes.
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            // A frame, or one to be skipped, as some writers begin with.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Whether bytes are the start of a compressed stream.
#[must_use]
pub fn is_compressed(start: &[u8]) -> bool {
    Compression::of(start).is_some()
}

/// The stream's content: decompressed if it is compressed, else as it is.
///
/// # Errors
///
/// When the first bytes cannot be read, or they are compressed in a way that the crate was built without. Reading on fails where compressed
/// bytes are damaged or end too early, saying which.
pub fn decoded<'a>(mut reader: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut start = Vec::with_capacity(MAGIC_BYTES);
    (&mut reader).take(MAGIC_BYTES as u64).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole = Cursor::new(start).chain(reader);
    match compression {
        None => Ok(Box::new(whole)),
        Some(compression) => decompressed(compression, whole),
    }
}

fn decompressed<'a>(
    compression: Compression,
    stream: impl Read + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    match compression {
        Compression::Gzip => gzip(stream),
        Compression::Zstd => zstd(stream),
    }
}

#[cfg(feature = "gzip")]
fn gzip<'a>(stream: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(Box::new(Decoder { decoder: flate2::read::MultiGzDecoder::new(stream), name: "gzip" }))
}

#[cfg(not(feature = "gzip"))]
fn gzip<'a>(_stream: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    Err(built_without("gzip"))
}

#[cfg(feature = "zstd")]
fn zstd<'a>(stream: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut decoder = zstd::stream::read::Decoder::new(stream)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(Box::new(Decoder { decoder, name: "zstd" }))
}

#[cfg(all(feature = "zstd-rust", not(feature = "zstd")))]
fn zstd<'a>(stream: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(Box::new(Decoder { decoder: frames::Frames::new(stream), name: "zstd" }))
}

#[cfg(not(any(feature = "zstd", feature = "zstd-rust")))]
fn zstd<'a>(_stream: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    Err(built_without("zstd"))
}

#[cfg(not(all(feature = "gzip", any(feature = "zstd", feature = "zstd-rust"))))]
fn built_without(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, std::format!("{name} is not read: this was built without it"))
}

/// Says of an error that the compressed bytes are at fault.
#[cfg(any(feature = "gzip", feature = "zstd", feature = "zstd-rust"))]
struct Decoder<D> {
    decoder: D,
    name: &'static str,
}

#[cfg(any(feature = "gzip", feature = "zstd", feature = "zstd-rust"))]
impl<D: Read> Read for Decoder<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(error.kind(), std::format!("the {} data ends too early", self.name))
            }
            // The system's own errors, as of a disk, are told as they are.
            _ if error.raw_os_error().is_some() => error,
            kind => io::Error::new(kind, std::format!("the {} data is damaged: {error}", self.name)),
        })
    }
}

#[cfg(test)]
#[cfg(feature = "compression")]
mod tests;

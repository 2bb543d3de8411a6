//! zstd in Rust: one frame after the other (RFC 8878), the checksum of each compared.

use std::format;
use std::io::{self, BufRead, BufReader, Read};
use std::string::ToString;

use ruzstd::decoding::errors::FrameDecoderError::{self, ReadFrameHeaderError, WindowSizeTooBig};
use ruzstd::decoding::errors::ReadFrameHeaderError::SkipFrame;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::WINDOW_LOG_MAX;

/// Frames behind one another as one stream.
pub(super) struct Frames<R> {
    decoder: FrameDecoder,
    source: Source<R>,
    is_within_frame: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(reader: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(1 << WINDOW_LOG_MAX);
        let source = Source { reader: BufReader::new(reader), has_ended: false, failure: None };
        Self { decoder, source, is_within_frame: false }
    }

    /// Begins the next frame, passing over those that are to be skipped; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.reader.fill_buf()?.is_empty() {
            let length = match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(ReadFrameHeaderError(SkipFrame { length, .. })) => u64::from(length),
                Err(error) => return Err(self.source.blame(&error)),
            };
            if io::copy(&mut (&mut self.source.reader).take(length), &mut io::sink())? < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(false)
    }

    fn check_sum(&self) -> io::Result<()> {
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(told), Some(found)) if told != found => Err(io::Error::other("its checksum is wrong")),
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_within_frame {
                if !self.begin()? {
                    return Ok(0);
                }
                self.is_within_frame = true;
            }
            let Self { decoder, source, .. } = self;
            while decoder.can_collect() == 0 && !decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                decoder.decode_blocks(&mut *source, one).map_err(|error| source.blame(&error))?;
            }
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.check_sum()?;
            self.is_within_frame = false;
        }
    }
}

/// What the decoder reads from. It wraps errors in its own; what they came from is remembered here.
struct Source<R> {
    reader: BufReader<R>,
    has_ended: bool,
    failure: Option<io::Error>,
}

impl<R> Source<R> {
    /// Whose fault an error of the decoder is: that of the reader below, of an early end, else of what it holds.
    fn blame(&mut self, error: &FrameDecoderError) -> io::Error {
        match self.failure.take() {
            Some(failure) => failure,
            None if self.has_ended => io::ErrorKind::UnexpectedEof.into(),
            None => match error {
                WindowSizeTooBig { requested, .. } => {
                    io::Error::other(format!("it would take too much memory: a window of {requested} bytes"))
                }
                error => io::Error::other(error.to_string()),
            },
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(read) => {
                self.has_ended |= read == 0 && !buffer.is_empty();
                Ok(read)
            }
            Err(error) => {
                let kind = error.kind();
                if kind != io::ErrorKind::Interrupted {
                    self.failure = Some(error);
                }
                Err(kind.into())
            }
        }
    }
}

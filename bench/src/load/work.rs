//! What a request looks like and which answer is the right one.

use clap::ValueEnum;

use crate::origin::answers::{LARGE_BYTES, MEDIUM_BYTES, SMALL_BYTES, SUNK_BYTES};
use crate::websocket::{accept_key, write_frame};

/// The kinds of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// GET of 128 bytes.
    Small,
    /// GET of 64 KiB.
    #[value(name = "64k")]
    Medium,
    /// GET of 1 MiB.
    #[value(name = "1m")]
    Large,
    /// POST of 1 MiB, answered by 12 bytes.
    Post,
    /// A text message of 64 bytes and its echo.
    Websocket,
}

/// The same key for every handshake: its answer is checked, its randomness serves nothing here.
const WEBSOCKET_KEY: &str = "bG9ja2dhdGUgYmVuY2ggMQ==";
const MESSAGE: [u8; 64] = [b'w'; 64];
const TEXT: u8 = 1;

impl Work {
    /// The word for it on the command line.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "64k",
            Self::Large => "1m",
            Self::Post => "post",
            Self::Websocket => "websocket",
        }
    }

    /// Bytes of the answer's body (for a message: of its frame).
    pub(crate) fn answer_bytes(self) -> usize {
        match self {
            Self::Small => SMALL_BYTES,
            Self::Medium => MEDIUM_BYTES,
            Self::Large => LARGE_BYTES,
            Self::Post => SUNK_BYTES,
            Self::Websocket => MESSAGE.len() + 2,
        }
    }

    /// The request, on a path below `prefix`.
    pub(crate) fn request(self, prefix: &str) -> Vec<u8> {
        match self {
            Self::Small => get(&format!("{prefix}/small"), ""),
            Self::Medium => get(&format!("{prefix}/64k"), ""),
            Self::Large => get(&format!("{prefix}/1m"), ""),
            Self::Post => post(&format!("{prefix}/sink"), 1024 * 1024),
            Self::Websocket => {
                let mut frame = Vec::new();
                write_frame(&mut frame, TEXT, Some([0x2a, 0x51, 0x0f, 0x93]), &MESSAGE);
                frame
            }
        }
    }

    /// The handshake that comes before the first request, if there is one.
    pub(crate) fn handshake(self) -> Option<Vec<u8>> {
        let upgrade = format!(
            "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {WEBSOCKET_KEY}\r\n"
        );
        (self == Self::Websocket).then(|| get("/echo", &upgrade))
    }
}

/// Whether `value` answers our handshake.
pub(crate) fn is_accepted(value: &[u8]) -> bool {
    value == accept_key(WEBSOCKET_KEY.as_bytes()).as_bytes()
}

/// Whether `frame` is our message, come back.
pub(crate) fn is_echo(frame: &[u8]) -> bool {
    frame.starts_with(&[0x80 | TEXT, 64]) && frame[2..] == MESSAGE
}

/// Eight fields of together 400 bytes: what a browser or an SDK sends.
fn get(path: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{FIELDS}{more}\r\n").into_bytes()
}

fn post(path: &str, body_bytes: usize) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\n{FIELDS}content-type: application/octet-stream\r\ncontent-length: {body_bytes}\r\n\r\n"
    )
    .into_bytes();
    request.resize(request.len() + body_bytes, b'p');
    request
}

const FIELDS: &str = "Host: api.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Authorization: Bearer 7f3c9a51d2e84b60a1c5f7e9031b6d48\r\n\
    Referer: https://shop.example.com/orders\r\n\
    Cookie: session=b3a1f0c2d4e5\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_request_is_as_large_as_real_ones() {
        let request = Work::Small.request("/service-7");
        assert!(request.starts_with(b"GET /service-7/small HTTP/1.1\r\n"));
        assert!((380..=480).contains(&request.len()), "{} bytes", request.len());
    }

    #[test]
    fn each_word_names_its_work() {
        for work in Work::value_variants() {
            assert_eq!(Work::from_str(work.argument(), false), Ok(*work));
        }
    }

    #[test]
    fn only_the_message_itself_is_its_echo() {
        let mut frame = Vec::new();
        write_frame(&mut frame, TEXT, None, &MESSAGE);
        assert!(is_echo(&frame));
        frame[10] ^= 1;
        assert!(!is_echo(&frame));
    }
}

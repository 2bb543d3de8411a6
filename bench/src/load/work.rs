//! What a request looks like and which answer is the right one.

use clap::ValueEnum;

use crate::origin::answers::{LARGE_BYTES, MEDIUM_BYTES, SMALL_BYTES, SUNK_BYTES};
use crate::websocket::write_frame;

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
    /// GET of a line of text that names the path, from a function.
    Hello,
    /// GET of 128 bytes and a number of units, each with another key.
    Metered,
    /// GET of a JSON constant from a users service.
    Health,
    /// GET of one user, each time another.
    ShowUser,
    /// GET of a page of 100 users.
    ListUsers,
    /// POST of a new user.
    CreateUser,
}

/// Users in a page.
const PAGE_USERS: usize = 100;
/// Bytes of a word that counts requests.
pub(crate) const COUNTED_WORD_BYTES: usize = 12;
/// Bytes of the frame that [`MESSAGE`] comes back in.
pub(crate) const ECHO_BYTES: usize = MESSAGE.len() + 2;

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
            Self::Hello => "hello",
            Self::Metered => "metered",
            Self::Health => "health",
            Self::ShowUser => "show-user",
            Self::ListUsers => "list-users",
            Self::CreateUser => "create-user",
        }
    }

    /// The one right status.
    pub(crate) fn answer_status(self) -> u16 {
        if self == Self::CreateUser { 201 } else { 200 }
    }

    /// Bytes of the answer's body, where there is one right number of them.
    pub(crate) fn answer_bytes(self) -> Option<usize> {
        match self {
            Self::Small | Self::Metered => Some(SMALL_BYTES),
            Self::Medium => Some(MEDIUM_BYTES),
            Self::Large => Some(LARGE_BYTES),
            Self::Post => Some(SUNK_BYTES),
            Self::Websocket
            | Self::Hello
            | Self::Health
            | Self::ShowUser
            | Self::ListUsers
            | Self::CreateUser => None,
        }
    }

    /// Users in the answer, where that is what makes it right.
    pub(crate) fn answer_users(self) -> Option<usize> {
        match self {
            Self::ShowUser | Self::CreateUser => Some(1),
            Self::ListUsers => Some(PAGE_USERS),
            _ => None,
        }
    }

    /// How the answer's text begins and ends, where that is what makes it right, whichever way its length is told.
    pub(crate) fn answer_text(self) -> Option<(&'static str, &'static str)> {
        (self == Self::Hello).then_some(("Hello from ", "/hello\n"))
    }

    /// Where it is found, if it is one resource of the origin.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Small => "/small",
            Self::Medium => "/64k",
            Self::Large => "/1m",
            _ => "/",
        }
    }

    /// The request, on a path below `prefix`; a [`super::rotation::Rotation`] writes those in which each differs from the last.
    pub(crate) fn request(self, prefix: &str) -> Vec<u8> {
        match self {
            Self::Metered | Self::Health | Self::ShowUser | Self::ListUsers | Self::CreateUser => Vec::new(),
            Self::Small => get(&format!("{prefix}{}", self.path()), ""),
            Self::Hello => get(&format!("{prefix}/hello"), ""),
            Self::Medium | Self::Large => get(&format!("{prefix}{}", self.path()), ""),
            Self::Post => post(&format!("{prefix}/sink"), 1024 * 1024),
            Self::Websocket => {
                let mut frame = Vec::new();
                write_frame(&mut frame, TEXT, Some([0x2a, 0x51, 0x0f, 0x93]), &MESSAGE);
                frame
            }
        }
    }

    /// What stands before and after the word in which each request differs from the last.
    pub(crate) fn around_word(self, token: &str) -> Option<(String, String)> {
        let fields = format!("{SERVICE_FIELDS}Authorization: Bearer {token}\r\n");
        Some(match self {
            Self::Metered => {
                let (before, after) = FIELDS.split_once(FIXED_KEY)?;
                (format!("GET /metered HTTP/1.1\r\n{before}"), format!("{after}\r\n"))
            }
            Self::Health => (format!("GET /health HTTP/1.1\r\n{SERVICE_FIELDS}\r\n"), String::new()),
            Self::ShowUser => ("GET /users/".into(), format!(" HTTP/1.1\r\n{fields}\r\n")),
            Self::ListUsers => {
                (format!("GET /users?limit={PAGE_USERS} HTTP/1.1\r\n{fields}\r\n"), String::new())
            }
            Self::CreateUser => {
                let (start, end) = (r#"{"name":"Ada Lovelace","email":"#, r#"@bench.example"}"#);
                // The word is of one length, and so is the body.
                let length = start.len() + 1 + COUNTED_WORD_BYTES + end.len();
                let head = format!(
                    "POST /users HTTP/1.1\r\n{fields}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
                );
                (format!("{head}{start}\""), end.into())
            }
            _ => return None,
        })
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
    value == http1::websocket_accept(WEBSOCKET_KEY.as_bytes()).as_bytes()
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

/// The fields of a GET but for `Host`.
pub(crate) fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.lines().filter_map(|line| line.split_once(": ")).filter(|(name, _)| *name != "Host")
}

/// What a program's own client sends to a users service.
const SERVICE_FIELDS: &str =
    "Host: users.internal\r\nUser-Agent: billing/1.4\r\nAccept: application/json\r\n";

/// Stands in [`FIELDS`] where requests with keys have theirs.
const FIXED_KEY: &str = "7f3c9a51d2e84b60a1c5f7e9031b6d48";
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

//! Heads of requests.

use http2::encode_field;

use crate::fuzz::h2_sides::Input;

const METHODS: [&str; 8] = ["GET", "GET", "HEAD", "POST", "POST", "PUT", "OPTIONS", "CONNECT"];
const PATHS: [&str; 16] = [
    "/0",
    "/1",
    "/100",
    "/16384",
    "/16385",
    "/70000",
    "/200000",
    "/fixed",
    "/late/10",
    "/late/70000",
    "/echo",
    "/40000?query",
    "/unknown",
    "*",
    "nothing",
    "/65535",
];
/// What a head may say besides; behind the first few, none of them may be said.
const FIELDS: [(&str, &str); 12] = [
    ("te", "trailers"),
    ("cookie", "a=1"),
    ("cookie", "b=2"),
    ("expect", "100-continue"),
    ("accept-encoding", "gzip, br"),
    ("priority", "u=1"),
    ("content-length", "0"),
    ("content-length", "100"),
    ("connection", "close"),
    ("X-Upper", "1"),
    ("x-line", "a\r\nb"),
    (":late", "1"),
];
const FIELDS_LAWFUL: usize = 6;

/// An encoded head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) block: Vec<u8>,
    pub(super) is_lawful: bool,
}

impl Head {
    pub(super) fn read(input: &mut Input<'_>) -> Self {
        let (choice, path, count) = (input.byte(), usize::from(input.byte() % 16), input.byte());
        let method = METHODS[usize::from(choice & 7)];
        let mut head = Self { block: Vec::new(), is_lawful: !matches!(path, 13 | 14) && method != "CONNECT" };
        head.add(":method", method, input);
        head.add(":scheme", "http", input);
        head.add(":authority", "shop.example", input);
        head.add(":path", PATHS[path], input);
        for _ in 0..count % 4 {
            let field = usize::from(input.byte() % 12);
            head.is_lawful &= field < FIELDS_LAWFUL;
            head.add(FIELDS[field].0, FIELDS[field].1, input);
        }
        if choice & 0xe0 == 0xe0 {
            let value = "v".repeat(usize::from(count) * 200);
            encode_field(b"x-large", value.as_bytes(), &mut head.block);
        }
        head
    }

    /// As a literal, now and then one to be remembered.
    fn add(&mut self, name: &str, value: &str, input: &Input<'_>) {
        let is_to_be_remembered = input.0.len() % 2 == 1;
        if is_to_be_remembered && name.len() < 127 && value.len() < 127 {
            self.block.extend_from_slice(&[0x40, name.len() as u8]);
            self.block.extend_from_slice(name.as_bytes());
            self.block.push(value.len() as u8);
            self.block.extend_from_slice(value.as_bytes());
        } else if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.block.extend_from_slice(&[0, name.len() as u8]);
            self.block.extend_from_slice(name.as_bytes());
            self.block.push(value.len() as u8);
            self.block.extend_from_slice(value.as_bytes());
        } else {
            encode_field(name.as_bytes(), value.as_bytes(), &mut self.block);
        }
    }
}

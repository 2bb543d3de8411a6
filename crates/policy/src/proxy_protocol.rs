//! The header by which a balancer, or the gateway, says for whom it has connected: PROXY protocol, versions 1 and 2 (HAProxy's specification,
//! revision of 2020-03-05).

mod write;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use write::header;

/// Bytes that tell which version comes: less than the shortest header of either has.
pub const PREFIX_BYTES: usize = 12;

/// Longest line of version 1, its end included (section 2.1).
pub const LINE_BYTES_MAX: usize = 107;

/// Version 2 up to its addresses (section 2.2).
pub const BINARY_BYTES: usize = 16;

/// What version 2 begins with.
const SIGNATURE: [u8; PREFIX_BYTES] = *b"\r\n\r\n\0\r\nQUIT\n";

/// What version 1 begins with.
const WORD: &[u8] = b"PROXY ";

/// Which form a header has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Version 1: a line.
    Line,
    /// Version 2: [`BINARY_BYTES`] and what they announce.
    Binary,
}

/// Both ends of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Who has connected; port 0: it is not known.
    pub client: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// For whom the connection was made, and where that client had connected to.
    For(Ends),
    /// The balancer speaks for itself, or for somebody without an address of the internet.
    Itself,
}

impl Form {
    /// By the first bytes; `None`: there is no header.
    pub fn of(prefix: &[u8; PREFIX_BYTES]) -> Option<Self> {
        if *prefix == SIGNATURE { Some(Self::Binary) } else { prefix.starts_with(WORD).then_some(Self::Line) }
    }
}

/// Reads a line, its end included; `None`: it is malformed.
pub fn parse_line(line: &[u8]) -> Option<Said> {
    let line = std::str::from_utf8(line.strip_suffix(b"\r\n")?).ok()?;
    let mut words = line.strip_prefix("PROXY ")?.split(' ');
    let (is_four, is_six) = match words.next()? {
        "TCP4" => (true, false),
        "TCP6" => (false, true),
        // Whatever else it says is not looked at.
        "UNKNOWN" => return Some(Said::Itself),
        _ => return None,
    };
    let (source, destination) = (address(words.next()?)?, address(words.next()?)?);
    let (from, to) = (port(words.next()?)?, port(words.next()?)?);
    let fits = |address: IpAddr| address.is_ipv4() == is_four && address.is_ipv6() == is_six;
    let is_good = words.next().is_none() && fits(source) && fits(destination);
    let ends = Ends { client: SocketAddr::new(source, from), destination: SocketAddr::new(destination, to) };
    is_good.then_some(Said::For(ends))
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// A port as the specification has it: decimal, without zeros in front.
fn port(text: &str) -> Option<u16> {
    let is_plain = text == "0" || !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// How many bytes follow the first [`BINARY_BYTES`].
pub fn binary_rest(start: &[u8; BINARY_BYTES]) -> usize {
    usize::from(u16::from_be_bytes([start[14], start[15]]))
}

/// Reads version 2, of which `rest` is what [`binary_rest`] announced, further fields included; `None`: it is malformed.
pub fn parse_binary(start: &[u8; BINARY_BYTES], rest: &[u8]) -> Option<Said> {
    let (version, command) = (start[12] >> 4, start[12] & 15);
    match (version, command) {
        // LOCAL: a health check of the balancer itself.
        (2, 0) => return Some(Said::Itself),
        (2, 1) => {}
        _ => return None,
    }
    let port = |at: usize| Some(u16::from_be_bytes([*rest.get(at)?, *rest.get(at + 1)?]));
    match start[13] >> 4 {
        1 => {
            let at = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(rest.get(at..at + 4)?).ok()?));
            Some(said((at(0)?.into(), port(8)?), (at(4)?.into(), port(10)?)))
        }
        2 => {
            let at = |at: usize| Some(Ipv6Addr::from(<[u8; 16]>::try_from(rest.get(at..at + 16)?).ok()?));
            Some(said((at(0)?.into(), port(32)?), (at(16)?.into(), port(34)?)))
        }
        // Unspecified, or a Unix socket.
        0 | 3 => Some(Said::Itself),
        _ => None,
    }
}

fn said(client: (IpAddr, u16), destination: (IpAddr, u16)) -> Said {
    Said::For(Ends { client: client.into(), destination: destination.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(client: &str, destination: &str) -> Option<Said> {
        let end = |text: &str| text.parse().expect("an address");
        Some(Said::For(Ends { client: end(client), destination: end(destination) }))
    }

    #[test]
    fn a_line_says_who_it_is_for() {
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", said("192.0.2.1:56324", "198.51.100.2:443")),
            (
                "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n",
                said("[2001:db8::1]:1", "[2001:db8::2]:65535"),
            ),
            ("PROXY UNKNOWN\r\n", Some(Said::Itself)),
            ("PROXY UNKNOWN ffff:f...f:ffff whatever 65535 65535\r\n", Some(Said::Itself)),
            ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.2 056324 443\r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n", None),
            ("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", None),
            ("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", None),
            ("PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n", None),
            ("PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", None),
            ("PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n", None),
        ] {
            assert_eq!(parse_line(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn the_first_bytes_tell_the_form() {
        assert_eq!(Form::of(b"PROXY TCP4 1"), Some(Form::Line));
        assert_eq!(Form::of(&SIGNATURE), Some(Form::Binary));
        assert_eq!(Form::of(b"GET / HTTP/1"), None);
        assert_eq!(Form::of(b"PROXYTCP4 12"), None);
    }

    fn start(command: u8, family: u8, length: u16) -> [u8; BINARY_BYTES] {
        let mut start = [0; BINARY_BYTES];
        start[..PREFIX_BYTES].copy_from_slice(&SIGNATURE);
        (start[12], start[13]) = (command, family);
        start[14..].copy_from_slice(&length.to_be_bytes());
        start
    }

    #[test]
    fn version_two_says_who_it_is_for() {
        let four = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 4, 1, 187];
        let mut six = [0; 36];
        (six[0], six[1], six[2], six[3], six[15], six[33]) = (0x20, 1, 0xd, 0xb8, 1, 80);
        (six[31], six[34], six[35]) = (2, 1, 187);
        let behind = [&four[..], &[3, 0, 4, 0, 0, 0, 0]].concat();
        for (command, family, rest, expected) in [
            (0x21, 0x11, &four[..], said("192.0.2.1:56324", "198.51.100.2:443")),
            (0x21, 0x21, &six, said("[2001:db8::1]:80", "[::2]:443")),
            (0x21, 0x11, &behind, said("192.0.2.1:56324", "198.51.100.2:443")),
            (0x20, 0x00, &[], Some(Said::Itself)),
            (0x20, 0x11, &four, Some(Said::Itself)),
            (0x21, 0x00, &[], Some(Said::Itself)),
            (0x21, 0x31, &[0; 216], Some(Said::Itself)),
            (0x21, 0x11, &four[..11], None),
            (0x21, 0x21, &six[..35], None),
            (0x21, 0x41, &four, None),
            (0x22, 0x11, &four, None),
            (0x11, 0x11, &four, None),
        ] {
            let start = start(command, family, rest.len() as u16);
            assert_eq!(binary_rest(&start), rest.len());
            assert_eq!(parse_binary(&start, rest), expected, "{command:x} {family:x} {rest:?}");
        }
    }
}

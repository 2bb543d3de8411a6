//! PROXY headers: read without a byte too many however they arrive, and written so that they are read back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use policy::proxy_protocol::{Ends, Form, Said, header};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Most that is read of a header: what version 2 announces is bounded.
const HEADER_BYTES_MAX: usize = 16 + 2048;

/// Takes the bytes for a connection that begins with a header, of which so many arrive at a time as the first says; then for the
/// addresses of one to be written.
pub fn proxy_header(data: &[u8]) {
    let Some((&piece, bytes)) = data.split_first() else { return };
    let piece = usize::from(piece).max(1);
    check_reading(bytes, piece);
    if let Some(ends) = ends(bytes) {
        check_writing(ends, piece);
    }
}

fn check_reading(bytes: &[u8], piece: usize) {
    let (said, taken) = proxy::fuzz::proxy_header(bytes, piece);
    assert!(taken <= bytes.len().min(HEADER_BYTES_MAX));
    let at_once = proxy::fuzz::proxy_header(bytes, bytes.len().max(1));
    assert_eq!(said, at_once.0, "how it arrives makes a difference");
    let Some(said) = said else { return };
    let length = length(bytes).expect("what is read is a header");
    assert_eq!(taken, length);
    match said {
        Said::For(found) if bytes.starts_with(SIGNATURE) => check_binary(&bytes[..length], found),
        Said::For(found) => check_line(&bytes[..length], found),
        Said::Itself => {}
    }
}

/// How long the header is that stands at the beginning, if one does.
fn length(bytes: &[u8]) -> Option<usize> {
    let length = if bytes.starts_with(SIGNATURE) {
        16 + usize::from(u16::from_be_bytes([*bytes.get(14)?, *bytes.get(15)?]))
    } else {
        let end = bytes.iter().position(|&byte| byte == b'\n')? + 1;
        (bytes.starts_with(b"PROXY ") && end <= 107).then_some(end)?
    };
    (length <= bytes.len()).then_some(length)
}

fn check_line(line: &[u8], found: Ends) {
    let text = std::str::from_utf8(line).expect("a line of text");
    let words: Vec<&str> = text.strip_suffix("\r\n").expect("a whole line").split(' ').collect();
    let [_, family, from, to, from_port, to_port] = words[..] else { panic!("{text:?}") };
    let end = |address: &str, port: &str| {
        SocketAddr::new(address.parse().expect("an address"), port.parse().expect("a port"))
    };
    assert_eq!(found, Ends { client: end(from, from_port), destination: end(to, to_port) });
    assert_eq!(found.client.is_ipv4(), family == "TCP4");
    assert_eq!(found.client.is_ipv4(), found.destination.is_ipv4());
}

fn check_binary(header: &[u8], found: Ends) {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let ports = [found.client.port().to_be_bytes(), found.destination.port().to_be_bytes()].concat();
    let again = [octets(found.client.ip()), octets(found.destination.ip()), ports].concat();
    assert!(header[16..].starts_with(&again), "{found:?}");
    assert_eq!(header[12], 0x21);
}

/// Addresses and ports from 37 bytes, of which the first says the families.
fn ends(bytes: &[u8]) -> Option<Ends> {
    let (families, rest) = bytes.split_first()?;
    let end = |is_six: bool, bytes: &[u8; 18]| {
        let address = match is_six {
            true => Ipv6Addr::from_bits(u128::from_be_bytes(*bytes.first_chunk().expect("16 of 18"))).into(),
            false => IpAddr::from(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
        };
        SocketAddr::new(address, u16::from_be_bytes([bytes[16], bytes[17]]))
    };
    let (client, destination) = (rest.get(..18)?.try_into().ok()?, rest.get(18..36)?.try_into().ok()?);
    Some(Ends { client: end(families & 1 > 0, client), destination: end(families & 2 > 0, destination) })
}

fn check_writing(ends: Ends, piece: usize) {
    for form in [Form::Line, Form::Binary] {
        for (ends, said) in [(Some(ends), Said::For(canonical(ends))), (None, Said::Itself)] {
            let mut written = header(form, ends);
            let length = written.len();
            assert!(form == Form::Binary || length <= 107, "{length} bytes");
            // What follows is not looked at.
            written.extend_from_slice(b"\r\nPROXY ");
            let (read, taken) = proxy::fuzz::proxy_header(&written, piece);
            let read = read.map(|said| match said {
                Said::For(ends) => Said::For(canonical(ends)),
                Said::Itself => Said::Itself,
            });
            assert_eq!((read, taken), (Some(said), length), "{}", written.escape_ascii());
        }
    }
}

/// Without regard to what is mapped.
fn canonical(ends: Ends) -> Ends {
    let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    Ends { client: canonical(ends.client), destination: canonical(ends.destination) }
}

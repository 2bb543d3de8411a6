//! A header as it is sent: for whom a connection to an upstream is made.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::{Ends, Form, SIGNATURE};

/// PROXY, version 2.
const PROXIED: u8 = 0x21;

/// LOCAL, version 2.
const LOCAL: u8 = 0x20;

/// Writes a header; without ends, that of a connection which the sender makes for itself: `UNKNOWN` in version 1, LOCAL in version 2.
///
/// IPv4-mapped addresses are written as IPv4. Where one end is of IPv4 and the other of IPv6, the first is mapped into IPv6: a header has
/// one family for both.
pub fn header(form: Form, ends: Option<Ends>) -> Vec<u8> {
    let families = ends.map(one_family);
    match form {
        Form::Line => line(families),
        Form::Binary => binary(families),
    }
}

/// Both ends in one family, as far as IPv4 goes.
fn one_family(ends: Ends) -> Ends {
    let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    let (client, destination) = (canonical(ends.client), canonical(ends.destination));
    if client.is_ipv4() == destination.is_ipv4() {
        return Ends { client, destination };
    }
    let mapped = |end: SocketAddr| SocketAddr::new(in_six(end.ip()).into(), end.port());
    Ends { client: mapped(client), destination: mapped(destination) }
}

fn in_six(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// Section 2.1.
fn line(ends: Option<Ends>) -> Vec<u8> {
    let Some(Ends { client, destination }) = ends else { return b"PROXY UNKNOWN\r\n".to_vec() };
    let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (text(client.ip()), text(destination.ip()));
    format!("PROXY {family} {from} {to} {} {}\r\n", client.port(), destination.port()).into_bytes()
}

/// IPv6 is written in hexadecimal digits alone, also where it stands for IPv4.
fn text(address: IpAddr) -> String {
    match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => {
            let [.., high, low] = six.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        address => address.to_string(),
    }
}

/// Section 2.2.
fn binary(ends: Option<Ends>) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    let Some(Ends { client, destination }) = ends else {
        header.extend([LOCAL, 0, 0, 0]);
        return header;
    };
    match (client.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            header.extend([PROXIED, 0x11, 0, 12]);
            header.extend(from.octets().into_iter().chain(to.octets()));
        }
        (from, to) => {
            header.extend([PROXIED, 0x21, 0, 36]);
            header.extend(in_six(from).octets().into_iter().chain(in_six(to).octets()));
        }
    }
    header.extend(client.port().to_be_bytes());
    header.extend(destination.port().to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(client: &str, destination: &str) -> Ends {
        let end = |text: &str| text.parse().expect("an address");
        Ends { client: end(client), destination: end(destination) }
    }

    #[test]
    fn a_line_names_both_ends() {
        for (client, destination, expected) in [
            ("192.0.2.1:56324", "198.51.100.2:443", "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"),
            ("[2001:db8::1]:1", "[2001:db8::2]:65535", "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"),
            ("[2001:db8::1]:0", "198.51.100.2:80", "PROXY TCP6 2001:db8::1 ::ffff:c633:6402 0 80\r\n"),
            ("192.0.2.1:7", "[2001:db8::2]:80", "PROXY TCP6 ::ffff:c000:201 2001:db8::2 7 80\r\n"),
            ("[::ffff:192.0.2.1]:7", "198.51.100.2:80", "PROXY TCP4 192.0.2.1 198.51.100.2 7 80\r\n"),
            ("0.0.0.0:0", "255.255.255.255:65535", "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"),
        ] {
            let written = header(Form::Line, Some(ends(client, destination)));
            assert_eq!(written.escape_ascii().to_string(), expected.escape_debug().to_string());
        }
        assert_eq!(header(Form::Line, None), b"PROXY UNKNOWN\r\n");
        let long = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
        assert!(header(Form::Line, Some(ends(long, long))).len() < super::super::LINE_BYTES_MAX);
    }

    #[test]
    fn version_two_names_both_ends() {
        let four = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb";
        assert_eq!(header(Form::Binary, Some(ends("192.0.2.1:56324", "198.51.100.2:443"))), four);
        let six = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24\
            \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x01\xff\xff";
        assert_eq!(header(Form::Binary, Some(ends("[2001:db8::1]:1", "[2001:db8::2]:65535"))), six);
        let mixed = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24\
            \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x02\0\0\0\x50";
        assert_eq!(header(Form::Binary, Some(ends("[2001:db8::1]:0", "198.51.100.2:80"))), mixed);
        assert_eq!(header(Form::Binary, None), b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
    }
}

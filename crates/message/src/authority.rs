//! Host and port, in the one form that every server reads alike.

use std::net::Ipv6Addr;

use crate::{Request, Span};

impl Request {
    /// Takes `uri-host [ ":" port ]` (RFC 9110 §7.2), which lies in this arena, for what the client asks; `false`: it is none. User
    /// information is refused (§4.2.4). The host is then in the one form that rules are written in: in lower case, without the final dot
    /// of a name (RFC 1034 §3.1), and an address of IPv6 as RFC 5952 §4 writes it.
    #[must_use]
    pub fn read_authority(&mut self, authority: Span) -> bool {
        let bytes = self.fields.bytes(authority);
        if let [b'[', rest @ ..] = bytes {
            let Some((address, port)) = split_address(rest) else { return false };
            if !is_port(port) {
                return false;
            }
            self.host = self.fields.store(format!("[{address}]").as_bytes());
        } else {
            let (host_len, has_upper_case) = name_length(bytes);
            let (host, port) = bytes.split_at(host_len);
            let host = host.strip_suffix(b".").unwrap_or(host);
            if host.is_empty() || !is_port(port) {
                return false;
            }
            let start = authority.start as usize;
            self.host = Span::new(start, start + host.len());
            if has_upper_case {
                let lower = host.to_ascii_lowercase();
                self.host = self.fields.store(&lower);
            }
        }
        self.authority = authority;
        true
    }
}

/// The address behind an opening bracket, and what follows its closing one.
fn split_address(bytes: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    let length = bytes.iter().position(|&byte| byte == b']')?;
    let address = std::str::from_utf8(&bytes[..length]).ok()?.parse().ok()?;
    Some((address, &bytes[length + 1..]))
}

/// Length of the name at the front of an authority, and whether it has upper-case letters.
fn name_length(bytes: &[u8]) -> (usize, bool) {
    let mut has_upper_case = false;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {}
            b'A'..=b'Z' => has_upper_case = true,
            _ => return (at, has_upper_case),
        }
    }
    (bytes.len(), has_upper_case)
}

/// Nothing, or a colon and a port, which may be missing behind it (RFC 3986 §3.2.3).
fn is_port(bytes: &[u8]) -> bool {
    match bytes {
        [] | [b':'] => true,
        [b':', digits @ ..] if digits.len() <= 5 => {
            let number = digits.iter().try_fold(0_u32, |sum, byte| {
                byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))
            });
            number.is_some_and(|number| number <= u32::from(u16::MAX))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_and_a_port_are_an_authority() {
        for (authority, host) in [
            ("a.example", Some("a.example")),
            ("A.Example:8080", Some("a.example")),
            ("a:", Some("a")),
            ("[2001:DB8::1]:80", Some("[2001:db8::1]")),
            ("[2001:db8:0:0::1]", Some("[2001:db8::1]")),
            ("A.example.:80", Some("a.example")),
            ("a..", Some("a.")),
            (".", None),
            ("[::1]x", None),
            ("a:65536", None),
            ("a:1x", None),
            (":80", None),
            ("", None),
            ("user@a", None),
            ("a/b", None),
            ("[::1", None),
            ("[v1.a]", None),
        ] {
            let mut request = Request::default();
            let span = request.fields.store(authority.as_bytes());
            assert_eq!(request.read_authority(span).then(|| request.host()), host, "{authority:?}");
        }
    }
}

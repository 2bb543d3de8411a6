//! Addresses, and the patterns of hosts and paths.

use std::net::{IpAddr, SocketAddr};

use policy::{Cidr, HostPattern, PathPattern};

use crate::config::EndpointAddress;
use crate::form::{Fault, Text, TextForm};

impl TextForm for SocketAddr {
    const TEXT: Text = Text {
        noun: "address",
        with_article: "an address",
        example: "127.0.0.1:8080",
        pattern: None,
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|_| address_fault(text))
    }
}

fn address_fault(text: &str) -> Fault {
    let example = |address: &str| format!("write an IP address and a port, such as \"{address}\"");
    if text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()) {
        return Fault::new("the port is missing").hint(example(&format!("{text}:8080")));
    }
    if text.parse::<IpAddr>().is_ok() {
        return Fault::new("an IPv6 address stands in brackets").hint(example(&format!("[{text}]:8080")));
    }
    if let Some(port) = text.strip_prefix(':').filter(|port| port.parse::<u16>().is_ok()) {
        return Fault::new("the address is missing").hint(example(&format!("0.0.0.0:{port}")));
    }
    if let Some(port) = text.strip_prefix("localhost:").filter(|port| port.parse::<u16>().is_ok()) {
        return Fault::new("not an IP address").hint(example(&format!("127.0.0.1:{port}")));
    }
    Fault::new("not an IP address and a port").hint(example("127.0.0.1:8080"))
}

impl TextForm for EndpointAddress {
    const TEXT: Text = Text {
        noun: "endpoint",
        with_article: "an endpoint",
        example: "127.0.0.1:9001",
        pattern: None,
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return match address.port() {
                0 => Err(port_fault()),
                _ => Ok(Self::Ip(address)),
            };
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let rest = rest.split('/').next().unwrap_or_default();
            // What stands before the host may be a password.
            let rest = rest.rsplit('@').next().unwrap_or_default();
            return Err(Fault::new(format!("an endpoint has no scheme (`{scheme}://`)"))
                .hint(format!("write only host and port: \"{rest}\"")));
        }
        let (name, port) = text.rsplit_once(':').ok_or_else(|| {
            Fault::new("the port is missing").hint("write host and port, such as \"orders.internal:9001\"")
        })?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0).ok_or_else(port_fault)?;
        host(name).map(|name| Self::Host { name, port })
    }
}

fn port_fault() -> Fault {
    Fault::new("the port is not a number from 1 to 65535")
        .hint("write host and port, such as \"orders.internal:9001\"")
}

/// The longest path that fits `sockaddr_un` on Linux with its final NUL.
pub(crate) const UNIX_PATH_BYTES_MAX: usize = 107;

fn unix(path: &str) -> Result<EndpointAddress, Fault> {
    if path.is_empty() || path.contains('\0') {
        return Err(
            Fault::new("the path of the socket is missing").hint("write it as in \"unix:/run/orders.sock\"")
        );
    }
    match path.len() > UNIX_PATH_BYTES_MAX {
        true => Err(Fault::new(format!("the path of a socket has at most {UNIX_PATH_BYTES_MAX} bytes"))),
        false => Ok(EndpointAddress::Unix(path.into())),
    }
}

/// A DNS name: letters, digits, `-` and `_` in labels of 1 to 63 (RFC 1035, 2.3.4), a final dot allowed.
pub(super) fn host(name: &str) -> Result<String, Fault> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if labels.len() > 253 || !labels.split('.').all(label_ok) {
        return Err(
            Fault::new("not a host name").hint("write host and port, such as \"orders.internal:9001\"")
        );
    }
    // Four numbers are no name: a resolver would take them for an address.
    let last = labels.rsplit('.').next().unwrap_or_default();
    match last.bytes().all(|b| b.is_ascii_digit()) {
        true => Err(Fault::new("not a valid IP address")),
        false => Ok(name.to_ascii_lowercase()),
    }
}

impl TextForm for Cidr {
    const TEXT: Text = Text {
        noun: "address block",
        with_article: "an address or block",
        example: "10.0.0.0/8",
        pattern: None,
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| Fault::of(&error))
    }
}

impl TextForm for HostPattern {
    const TEXT: Text = Text {
        noun: "host",
        with_article: "a host",
        example: "api.example.com",
        pattern: None,
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| Fault::of(&error))
    }
}

impl TextForm for PathPattern {
    const TEXT: Text = Text {
        noun: "path",
        with_article: "a path",
        example: "/orders/*",
        pattern: Some("^/"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| Fault::of(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_a_name_or_a_socket() {
        let host = |name: &str| EndpointAddress::Host { name: name.to_owned(), port: 9001 };
        for (text, expected) in [
            ("127.0.0.1:9001", EndpointAddress::Ip(([127, 0, 0, 1], 9001).into())),
            ("[::1]:9001", EndpointAddress::Ip("[::1]:9001".parse().unwrap())),
            ("Orders.internal:9001", host("orders.internal")),
            ("my_service:9001", host("my_service")),
            ("orders.internal.:9001", host("orders.internal.")),
            ("unix:/run/a.sock", EndpointAddress::Unix("/run/a.sock".into())),
        ] {
            assert_eq!(EndpointAddress::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_endpoint() {
        for text in [
            "",
            ":80",
            "a",
            "a:",
            "a:0",
            "a:65536",
            "1.2.3:80",
            "256.1.1.1:80",
            "1.2.3.4:0",
            "a b:80",
            "unix:",
            "http://a:80",
            "::1:80x",
            "-:x",
        ] {
            assert!(EndpointAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_that_lacks_something_is_completed_in_the_hint() {
        for (text, hint) in [
            ("127.0.0.1", "127.0.0.1:8080"),
            ("::1", "[::1]:8080"),
            (":80", "0.0.0.0:80"),
            ("localhost:80", "127.0.0.1:80"),
        ] {
            let fault = SocketAddr::parse(text).unwrap_err();
            assert!(fault.hint.unwrap().contains(hint), "{text}");
        }
    }
}

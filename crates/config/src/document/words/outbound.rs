//! Whom a function may call, and where it is kept.

use std::path::PathBuf;

use super::address::host;
use super::{Name, PathWord};
use crate::config::EndpointAddress;
use crate::form::{Fault, Text, TextForm};

/// The component of a function.
#[derive(Clone, Debug)]
pub(crate) struct ComponentPath(pub(crate) PathBuf);

impl TextForm for ComponentPath {
    const TEXT: Text = Text {
        noun: "path of a component",
        with_article: "a path",
        example: "functions/hello.wasm",
        pattern: Some("\\.wasm$"),
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        let PathWord(path) = PathWord::parse(text)?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("wasm") => Ok(Self(path)),
            // Machine code runs outside any sandbox.
            Some("cwasm") => {
                Err(Fault::new("compiled code is not taken").hint("name the `.wasm` file it was made of"))
            }
            _ => Err(Fault::new("not a `.wasm` file")
                .hint("name a WebAssembly component, such as \"functions/hello.wasm\"")),
        }
    }
}

/// One that a function may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutboundWord {
    /// `orders`
    Upstream(Name),
    /// `https://api.example.com`, `http://api.example.com:8080`
    Origin(HttpOrigin),
}

/// An origin of `http` or `https`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpOrigin {
    /// Whether it is of `https`.
    pub(crate) is_secure: bool,
    /// In lower case, without the port when that is the scheme's own.
    authority: String,
    pub(crate) address: EndpointAddress,
}

/// The port of `http` (RFC 9110, 4.2.1).
const HTTP_PORT: u16 = 80;

/// The port of `https` (RFC 9110, 4.2.2).
const HTTPS_PORT: u16 = 443;

impl TextForm for OutboundWord {
    const TEXT: Text = Text {
        noun: "upstream or origin",
        with_article: "the name of an upstream, or an origin",
        example: "https://api.example.com",
        pattern: None,
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        const HINT: &str =
            "write scheme and host, with a port if it is not the usual one: \"https://api.example.com\"";
        let Some((scheme, authority)) = text.split_once("://") else {
            return Name::parse(text).map(Self::Upstream);
        };
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(Fault::new("not a scheme that can be asked").hint(HINT)),
        };
        if authority.contains('@') {
            return Err(Fault::new("an origin has no user and no password").hint(HINT));
        }
        if authority.contains(['/', '?', '#']) {
            return Err(Fault::new("an origin has no path, not even `/`").hint(HINT));
        }
        let origin = HttpOrigin::parse(is_secure, authority);
        origin.map(Self::Origin).ok_or_else(|| Fault::new("not an origin").hint(HINT))
    }
}

impl HttpOrigin {
    fn parse(is_secure: bool, authority: &str) -> Option<Self> {
        let usual = if is_secure { HTTPS_PORT } else { HTTP_PORT };
        let behind_host = &authority[authority.find(']').unwrap_or(0)..];
        let full = match behind_host.contains(':') {
            true => authority.to_owned(),
            false => format!("{authority}:{usual}"),
        };
        let (host, port, address) = match EndpointAddress::parse(&full).ok()? {
            EndpointAddress::Ip(address) => {
                let shown = address.to_string();
                let host = shown.rsplit_once(':')?.0.to_owned();
                (host, address.port(), EndpointAddress::Ip(address))
            }
            EndpointAddress::Host { name, port } => {
                (name.clone(), port, EndpointAddress::Host { name, port })
            }
            EndpointAddress::Unix(_) => return None,
        };
        let authority = if port == usual { host } else { format!("{host}:{port}") };
        Some(Self { is_secure, authority, address })
    }

    /// The URL in its one form, which is the name of the upstream it becomes.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// The same without `http://`.
    pub(crate) fn short(&self) -> String {
        if self.is_secure { self.url() } else { self.authority.clone() }
    }
}

/// The authority that functions ask an upstream at; `None` when its name cannot be part of a host name.
pub(crate) fn internal_authority(upstream: &str) -> Option<String> {
    host(&format!("{upstream}.internal")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = match OutboundWord::parse(text) {
            Ok(OutboundWord::Origin(origin)) => Some(origin.url()),
            Ok(OutboundWord::Upstream(name)) => Some(format!("upstream {}", name.0)),
            Err(_) => None,
        };
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn an_origin_has_one_form() {
        for (text, expected) in [
            ("http://api.example.com", "http://api.example.com"),
            ("HTTP://API.Example.com:80", "http://api.example.com"),
            ("http://api.example.com:0080", "http://api.example.com"),
            ("http://api.example.com:8080", "http://api.example.com:8080"),
            ("http://api.example.com:443", "http://api.example.com:443"),
            ("HTTPS://API.Example.com:443", "https://api.example.com"),
            ("https://api.example.com:80", "https://api.example.com:80"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
            ("http://192.0.2.1:80", "http://192.0.2.1"),
            ("http://[2001:DB8:0::1]", "http://[2001:db8::1]"),
            ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
            ("orders", "upstream orders"),
            ("api.example.com:8080", "upstream api.example.com:8080"),
        ] {
            check(text, Some(expected));
        }
    }

    #[test]
    fn anything_else_is_no_origin() {
        for text in [
            "",
            "http://",
            "http://:80",
            "http://a:",
            "http://a:0",
            "http://a:65536",
            "http://a/",
            "http://a?b",
            "http://u:p@a",
            "http://unix:/run/a.sock",
            "http://unix:x",
            "http://256.1.1.1",
            "http://[::1",
            "http://::1",
            "http://a b",
            "https://",
            "https://a/",
            "ftp://a",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn an_upstream_is_asked_at_its_name_if_that_can_be_a_host() {
        assert_eq!(internal_authority("Orders-next").as_deref(), Some("orders-next.internal"));
        for name in ["a/b", "ä", "a:80", "a.", &"a".repeat(64)] {
            assert_eq!(internal_authority(name), None, "{name}");
        }
    }
}

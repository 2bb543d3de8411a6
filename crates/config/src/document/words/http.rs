//! Words of HTTP: methods, header fields, origins, targets.

use crate::form::{Fault, Text, TextForm};

/// A method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Method(pub(crate) String);

/// Methods in common use, for hints only.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];

impl TextForm for Method {
    const TEXT: Text = Text {
        noun: "method",
        with_article: "a method",
        example: "GET",
        pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        let upper = text.to_ascii_uppercase();
        if text == "CONNECT" {
            return Err(Fault::new("CONNECT is refused by the gateway, whatever the route"));
        }
        if upper != text && METHODS.contains(&upper.as_str()) {
            return Err(Fault::new("methods are case-sensitive").hint(format!("write \"{upper}\"")));
        }
        match is_token(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(Fault::new("not a method: RFC 9110 allows letters, digits and !#$%&'*+-.^_`|~")),
        }
    }
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

const HEADER_NAME: Text = Text {
    noun: "header name",
    with_article: "a header name",
    example: "x-tenant",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    environment: false,
};

/// The name of a header field, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderName(pub(crate) String);

impl TextForm for HeaderName {
    const TEXT: Text = HEADER_NAME;

    fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(name) = text.strip_suffix(':').filter(|name| is_token(name)) {
            return Err(Fault::new("the colon is not part of the name").hint(format!("write \"{name}\"")));
        }
        match is_token(text) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => {
                Err(Fault::new("not a header name: RFC 9110 allows letters, digits and !#$%&'*+-.^_`|~"))
            }
        }
    }
}

/// The name of a header field that a route may change, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EditedName(pub(crate) String);

impl TextForm for EditedName {
    const TEXT: Text = HEADER_NAME;

    fn parse(text: &str) -> Result<Self, Fault> {
        let HeaderName(name) = HeaderName::parse(text)?;
        match refusal(&name) {
            None => Ok(Self(name)),
            Some((reason, hint)) => Err(Fault {
                message: Some(format!("`{text}` is not for a route to change")),
                label: reason.to_owned(),
                hint: Some(hint.to_owned()),
            }),
        }
    }
}

/// Why a field is not a route's to change.
fn refusal(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        // RFC 9110, 7.6.1: they speak of one connection, not of the message.
        "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding"
        | "upgrade" => Some(("the gateway sets it for each connection (RFC 9110, 7.6.1)", "take it out")),
        "content-length" => Some(("it says where the body ends; the gateway sets it", "take it out")),
        "host" => Some((
            "it says which host is asked",
            "write `host = \"…\"` in the `[upstream.NAME]` to send another one",
        )),
        "expect" => Some(("the gateway answers and sends it itself (RFC 9110, 10.1.1)", "take it out")),
        _ => None,
    }
}

/// The value of a header field; `$NAME` in it is taken from the environment.
#[derive(Clone, Debug)]
pub(crate) struct HeaderText(pub(crate) String);

impl TextForm for HeaderText {
    const TEXT: Text = Text {
        noun: "header value",
        with_article: "a header value",
        example: "no-store",
        pattern: Some(
            "^([^\\u0000-\\u0020\\u007F]([^\\u0000-\\u0008\\u000A-\\u001F\\u007F]*[^\\u0000-\\u0020\\u007F])?)?$",
        ),
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(Fault::new("a header value has no control characters (RFC 9110, 5.5)"));
        }
        match text.trim_matches([' ', '\t']) == text {
            true => Ok(Self(text.to_owned())),
            false => Err(Fault::new("spaces around a header value are not part of it (RFC 9110, 5.5)")
                .hint("take them out")),
        }
    }
}

/// A `Host` to send.
#[derive(Clone, Debug)]
pub(crate) struct HostValue(pub(crate) String);

impl TextForm for HostValue {
    const TEXT: Text = Text {
        noun: "host",
        with_article: "a host",
        example: "orders.internal",
        pattern: Some("^[!-~]+$"),
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        match is_authority(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(Fault::new("not a host")
                .hint("write a name, with a port if one is meant: \"orders.internal:8443\"")),
        }
    }
}

/// A host and perhaps a port, as in RFC 3986, 3.2, without user information.
fn is_authority(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((inside, behind)) = rest.split_once(']') else { return false };
        return inside.parse::<std::net::Ipv6Addr>().is_ok() && (behind.is_empty() || is_port(behind));
    }
    let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
    let name_ok = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    !name.is_empty() && name_ok && (port.is_empty() || is_port(port))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok())
}

/// An origin (RFC 6454), in lower case, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) String);

impl TextForm for Origin {
    const TEXT: Text = Text {
        noun: "origin",
        with_article: "an origin",
        example: "https://app.example.com",
        pattern: Some("^(\\*|[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\s]+)$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        const HINT: &str =
            "write scheme and host, with a port if it is not the scheme's own: \"https://app.example.com\"";
        if text == "*" {
            return Ok(Self(text.to_owned()));
        }
        let Some((scheme, host)) = text.split_once("://") else {
            return Err(Fault::new("the scheme is missing").hint(HINT));
        };
        let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        if host.contains(['/', '?', '#']) {
            return Err(Fault::new("an origin has no path, not even `/`").hint(HINT));
        }
        match scheme_ok && is_authority(host) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(Fault::new("not an origin").hint(HINT)),
        }
    }
}

/// The name of a query parameter, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParameterName(pub(crate) String);

impl TextForm for ParameterName {
    const TEXT: Text = Text {
        noun: "parameter name",
        with_article: "a parameter name",
        example: "version",
        pattern: Some("^.+$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        match text.is_empty() {
            true => Err(Fault::new("a parameter has a name")),
            false => Ok(Self(text.to_owned())),
        }
    }
}

/// The beginning of a path.
#[derive(Clone, Debug)]
pub(crate) struct PathStart(pub(crate) String);

impl TextForm for PathStart {
    const TEXT: Text = Text {
        noun: "path prefix",
        with_article: "a path prefix",
        example: "/orders",
        pattern: Some("^/[^*?#]+$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        let trimmed = text.strip_suffix("/*").or_else(|| text.strip_suffix('/')).unwrap_or(text);
        if trimmed != text && trimmed.len() > 1 {
            return Err(Fault::new("a prefix ends before the slash").hint(format!("write \"{trimmed}\"")));
        }
        if text == "/" || text == "/*" {
            return Err(Fault::new("every path begins with `/`: nothing would be taken off"));
        }
        check_path(text).map(Self)
    }
}

/// What a path is replaced by.
#[derive(Clone, Debug)]
pub(crate) struct RewriteTo(pub(crate) String);

impl TextForm for RewriteTo {
    const TEXT: Text = Text {
        noun: "path to rewrite to",
        with_article: "a path",
        example: "/v2/*",
        pattern: Some("^/[^*?#]*\\*?$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        check_path(text.strip_suffix('*').unwrap_or(text))?;
        Ok(Self(text.to_owned()))
    }
}

/// A literal path in its normal form, as it is matched and forwarded.
fn check_path(text: &str) -> Result<String, Fault> {
    if !text.starts_with('/') {
        return Err(Fault::new("a path begins with `/`").hint(format!("write \"/{text}\"")));
    }
    if text.contains('*') {
        return Err(Fault::new("`*` can only be the last character of a path to rewrite to"));
    }
    if text.contains(['?', '#']) {
        return Err(Fault::new("a path has no query and no fragment"));
    }
    let mut form = Vec::new();
    let normal = policy::normalize_path(text.as_bytes(), &mut form);
    normal.map_err(|error| Fault::new(error.to_string()))?;
    match form == text.as_bytes() {
        true => Ok(text.to_owned()),
        false => Err(Fault::new("not the normal form of a path").hint(format!(
            "paths are matched and forwarded in one form: write \"{}\"",
            String::from_utf8_lossy(&form)
        ))),
    }
}

/// Where a redirect goes.
#[derive(Clone, Debug)]
pub(crate) struct RedirectTo(pub(crate) String);

impl TextForm for RedirectTo {
    const TEXT: Text = Text {
        noun: "redirect target",
        with_article: "a URL or path",
        example: "https://example.com{path}{query}",
        pattern: Some("^[!-~]+$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Fault::new("a URL is made of visible ASCII characters without spaces")
                .hint("write other characters in their percent-encoded form"));
        }
        // Without a literal start, a request such as `//evil.example` would choose the host.
        if !text.starts_with('/') && !starts_with_host(text) {
            return Err(Fault::new("neither an absolute URL nor a path")
                .hint("write \"https://example.com{path}{query}\" or \"/new\""));
        }
        if text.starts_with("//") || text.starts_with("/{") {
            return Err(
                Fault::new("the request could choose the host").hint("write scheme and host before it")
            );
        }
        placeholders(text).map(|()| Self(text.to_owned()))
    }
}

fn starts_with_host(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = &rest[..rest.find(['/', '?', '#', '{']).unwrap_or(rest.len())];
    matches!(scheme, "http" | "https") && is_authority(host)
}

/// Braces stand only around the two names there are.
fn placeholders(text: &str) -> Result<(), Fault> {
    let rest = text.replace("{path}", "").replace("{query}", "");
    match rest.contains(['{', '}']) {
        true => Err(Fault::new("unknown placeholder").hint("`{path}` and `{query}` may stand here")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;

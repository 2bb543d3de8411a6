//! A host, or all hosts under one.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// One host (`api.example.com`, `192.0.2.1`, `[2001:db8::1]`), or all hosts under one (`*.example.com`).
///
/// Kept in lower case. The star stands for one or more labels, so `*.example.com` matches `a.example.com` and
/// `a.b.example.com`, and not `example.com`. A port is never part of it. An IPv6 address is kept in brackets and in
/// its canonical text form (RFC 5952), with or without brackets as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern(HostKind);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum HostKind {
    Exact(String),
    /// What stands behind the star, with its dot: `.example.com`.
    Under(String),
}

/// Why a text is no host pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// Nothing is written.
    #[error("a host cannot be empty; leave `host` out to match any host")]
    Empty,
    /// A star and nothing else.
    #[error("`*` alone is not a host; leave `host` out to match any host")]
    AnyHost,
    /// A star elsewhere than as the whole first label.
    #[error("`*` can only be the whole first label, as in `*.example.com`")]
    MisplacedStar,
    /// A port is written.
    #[error("a host has no port here; write `{host}`")]
    Port {
        /// What stands before the port.
        host: String,
    },
    /// A scheme or a path is written.
    #[error("only the host's name belongs here, without scheme and path, as in `api.example.com`")]
    Url,
    /// A dot ends the name.
    #[error("a host is written without a final dot: `{host}`")]
    FinalDot {
        /// What stands before the dot.
        host: String,
    },
    /// A label is empty or too long, or the whole name is.
    #[error("each part between dots has 1 to 63 characters, and a host at most 253")]
    Length,
    /// A character no host name has.
    #[error("`{found}` cannot stand in a host name; names in other scripts are written in their `xn--` form")]
    Character {
        /// The first such character.
        found: char,
    },
    /// Brackets around something that is not an IPv6 address.
    #[error("`[…]` holds an IPv6 address, as in `[2001:db8::1]`")]
    BadAddress,
}

impl HostPattern {
    /// Whether `host`, in lower case and without port, is one of those meant.
    pub fn matches(&self, host: &str) -> bool {
        match &self.0 {
            HostKind::Exact(name) => name == host,
            HostKind::Under(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        }
    }

    pub(crate) fn kind(&self) -> &HostKind {
        &self.0
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            HostKind::Exact(name) => f.write_str(name),
            HostKind::Under(suffix) => write!(f, "*{suffix}"),
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => return Err(HostPatternError::Empty),
            "*" => return Err(HostPatternError::AnyHost),
            _ => {}
        }
        if text.contains('/') {
            return Err(HostPatternError::Url);
        }
        if text.starts_with('[') || text.parse::<Ipv6Addr>().is_ok() {
            return bracketed(text).map(|host| Self(HostKind::Exact(host)));
        }
        if let Some((host, _)) = text.rsplit_once(':') {
            return Err(HostPatternError::Port { host: host.to_owned() });
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        check_name(name)?;
        let lower = text.to_ascii_lowercase();
        Ok(Self(match lower.strip_prefix('*') {
            Some(suffix) => HostKind::Under(suffix.to_owned()),
            None => HostKind::Exact(lower),
        }))
    }
}

/// An IPv6 address, with brackets or without, as it stands in `Host`.
fn bracketed(text: &str) -> Result<String, HostPatternError> {
    let inside = match text.strip_prefix('[') {
        None => text,
        Some(rest) => {
            let (inside, behind) = rest.split_once(']').ok_or(HostPatternError::BadAddress)?;
            if !behind.is_empty() {
                return Err(HostPatternError::Port { host: format!("[{inside}]") });
            }
            inside
        }
    };
    let address: Ipv6Addr = inside.parse().map_err(|_| HostPatternError::BadAddress)?;
    Ok(format!("[{address}]"))
}

fn check_name(name: &str) -> Result<(), HostPatternError> {
    if name.contains('*') {
        return Err(HostPatternError::MisplacedStar);
    }
    if let Some(host) = name.strip_suffix('.') {
        return Err(HostPatternError::FinalDot { host: host.to_owned() });
    }
    // The underscore is no host name character by RFC 952, but names with one are in use.
    if let Some(found) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')) {
        return Err(HostPatternError::Character { found });
    }
    if name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err(HostPatternError::Length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{HostPattern, HostPatternError};

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, matched: &[&str], unmatched: &[&str]) {
        let pattern = pattern(text);
        for host in matched {
            assert!(pattern.matches(host), "{text} matches {host}");
        }
        for host in unmatched {
            assert!(!pattern.matches(host), "{text} does not match {host}");
        }
        assert_eq!(pattern.to_string().parse::<HostPattern>().unwrap(), pattern);
    }

    #[test]
    fn a_name_matches_itself_alone() {
        check(
            "api.example.com",
            &["api.example.com"],
            &["example.com", "a.api.example.com", "api.example.org"],
        );
        check("API.Example.COM", &["api.example.com"], &[]);
        check("localhost", &["localhost"], &["localhost.localdomain"]);
        check("192.0.2.1", &["192.0.2.1"], &["192.0.2.10"]);
    }

    #[test]
    fn a_star_stands_for_one_or_more_labels() {
        check(
            "*.Example.com",
            &["a.example.com", "a.b.example.com"],
            &["example.com", ".example.com", "aexample.com"],
        );
    }

    #[test]
    fn an_ipv6_address_is_kept_in_brackets() {
        check("[::1]", &["[::1]"], &["::1"]);
        assert_eq!(pattern("2001:DB8:0::1").to_string(), "[2001:db8::1]");
    }

    #[test]
    fn a_port_is_refused_with_the_host_to_write() {
        let refused = |text: &str| text.parse::<HostPattern>().unwrap_err();
        assert_eq!(refused("a.example:80"), HostPatternError::Port { host: "a.example".into() });
        assert_eq!(refused("[::1]:80"), HostPatternError::Port { host: "[::1]".into() });
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for (text, error) in [
            ("", HostPatternError::Empty),
            ("*", HostPatternError::AnyHost),
            ("a.*.com", HostPatternError::MisplacedStar),
            ("*a.com", HostPatternError::MisplacedStar),
            ("**.com", HostPatternError::MisplacedStar),
            ("https://a.com", HostPatternError::Url),
            ("a.com/x", HostPatternError::Url),
            ("a.com.", HostPatternError::FinalDot { host: "a.com".into() }),
            ("a..com", HostPatternError::Length),
            (".com", HostPatternError::Length),
            ("*.", HostPatternError::Length),
            ("bücher.example", HostPatternError::Character { found: 'ü' }),
            ("a b", HostPatternError::Character { found: ' ' }),
            ("[::g]", HostPatternError::BadAddress),
            ("[::1", HostPatternError::BadAddress),
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(error), "{text}");
        }
        assert_eq!("a".repeat(64).parse::<HostPattern>(), Err(HostPatternError::Length));
    }
}

//! The strings a configuration is made of, each with what it may look like.

mod address;
mod check;
mod database;
mod http;
mod outbound;
mod secret;

use std::path::PathBuf;

pub(crate) use address::UNIX_PATH_BYTES_MAX;
pub(crate) use check::{CheckTarget, GrpcService};
pub(crate) use database::DatabaseWord;
pub(crate) use http::{
    EditedName, HeaderName, HeaderText, HostValue, Method, Origin, ParameterName, PathStart, RedirectTo,
    RewriteTo,
};
pub(crate) use outbound::{ComponentPath, HttpOrigin, OutboundWord, internal_authority};
pub(crate) use secret::{SecretReference, SecretWord};

use crate::form::{Fault, Text, TextForm};

/// The name of an upstream, a function or a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) String);

/// Names stand in logs and as labels of metrics.
const NAME_BYTES_MAX: usize = 100;

impl TextForm for Name {
    const TEXT: Text = Text {
        noun: "name",
        with_article: "a name",
        example: "orders",
        pattern: Some(r#"^[^\s"'\\{}]{1,100}$"#),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() || text.len() > NAME_BYTES_MAX {
            return Err(Fault::new(format!("a name has 1 to {NAME_BYTES_MAX} bytes")));
        }
        let strange =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\' | '{' | '}');
        match text.contains(strange) {
            true => Err(Fault::new("a name has no spaces, quotes, braces or control characters")
                .hint("write it with letters, digits, `-`, `_`, `.` and `/`")),
            false => Ok(Self(text.to_owned())),
        }
    }
}

/// A path in the file system.
#[derive(Clone, Debug)]
pub(crate) struct PathWord(pub(crate) PathBuf);

impl TextForm for PathWord {
    const TEXT: Text = Text {
        noun: "path",
        with_article: "a path",
        example: "lockgate-data",
        pattern: Some("^[^\\u0000]+$"),
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        match text.is_empty() || text.contains('\0') {
            true => Err(Fault::new("a path is not empty and has no NUL character")),
            false => Ok(Self(text.into())),
        }
    }
}

/// A file in PEM.
#[derive(Clone, Debug)]
pub(crate) struct PemPath(pub(crate) PathBuf);

impl TextForm for PemPath {
    const TEXT: Text = Text { noun: "path of a PEM file", example: "site.pem", ..PathWord::TEXT };

    fn parse(text: &str) -> Result<Self, Fault> {
        PathWord::parse(text).map(|PathWord(path)| Self(path))
    }
}

/// The name on an upstream's certificate.
#[derive(Clone, Debug)]
pub(crate) struct PeerName(pub(crate) tls::ServerName<'static>);

impl TextForm for PeerName {
    const TEXT: Text = Text {
        noun: "server name",
        with_article: "a server name",
        example: "orders.internal",
        pattern: None,
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        tls::server_name(text).map(Self).ok_or_else(|| {
            Fault::new("neither a host name nor an IP address")
                .hint("write it as it stands on the certificate, without scheme, port and `*`")
        })
    }
}

/// Any text.
#[derive(Clone, Debug)]
pub(crate) struct AnyText(pub(crate) String);

impl TextForm for AnyText {
    const TEXT: Text =
        Text { noun: "text", with_article: "a text", example: "ok", pattern: None, environment: false };

    fn parse(text: &str) -> Result<Self, Fault> {
        Ok(Self(text.to_owned()))
    }
}

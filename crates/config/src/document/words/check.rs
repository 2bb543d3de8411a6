//! Words of health checks: what is asked for.

use crate::form::{Fault, Text, TextForm};

/// Path and query of a check.
#[derive(Clone, Debug)]
pub(crate) struct CheckTarget(pub(crate) String);

impl TextForm for CheckTarget {
    const TEXT: Text = Text {
        noun: "path to ask for",
        with_article: "a path",
        example: "/healthz",
        pattern: Some("^/[!-\"$-~]*$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if !text.starts_with('/') {
            let hint = format!("write \"/{}\"", text.rsplit("://").next().unwrap_or(text));
            return Err(Fault::new("a path begins with `/`").hint(hint));
        }
        if text.contains('#') {
            return Err(Fault::new("a fragment is never sent").hint("take out what begins with `#`"));
        }
        match text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err(Fault::new("a path is made of visible ASCII characters without spaces")
                .hint("write other characters in their percent-encoded form")),
        }
    }
}

/// The name of a service of gRPC; empty for the server as a whole.
#[derive(Clone, Debug)]
pub(crate) struct GrpcService(pub(crate) String);

/// Enough for any package and service.
const SERVICE_CHARS_MAX: usize = 256;

impl TextForm for GrpcService {
    const TEXT: Text = Text {
        noun: "service of gRPC",
        with_article: "a service of gRPC",
        example: "helloworld.Greeter",
        pattern: Some("^[^\\u0000-\\u0020/\\u007F]{0,256}$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.chars().count() > SERVICE_CHARS_MAX {
            return Err(Fault::new(format!("a service has at most {SERVICE_CHARS_MAX} characters")));
        }
        match text.contains(|c: char| c == '/' || c == ' ' || c.is_ascii_control()) {
            true => Err(Fault::new("a service is named without slashes and spaces")
                .hint("write package and name: \"helloworld.Greeter\", or \"\" for the server as a whole")),
            false => Ok(Self(text.to_owned())),
        }
    }
}

//! Which fields mean something behind a body.

use crate::Known;

/// Whether a field means something behind a body: none that frames, routes, authenticates, or says how to read what came before
/// (RFC 9110 §6.5.1).
pub fn may_be_trailer(name: &str) -> bool {
    let has_prefix = |prefix: &str| name.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix));
    let is = |other: &&str| name.eq_ignore_ascii_case(other);
    Known::of(name.as_bytes()) == Known::Other
        && !["content-", "if-", "proxy-", "x-forwarded-"].into_iter().any(has_prefix)
        && !NEVER_TRAILERS.iter().any(is)
}

/// Fields that steer what was read long before a trailer comes, besides those the gateway knows.
const NEVER_TRAILERS: &[&str] = &[
    "age",
    "authorization",
    "cache-control",
    "cookie",
    "expires",
    "max-forwards",
    "pragma",
    "range",
    "retry-after",
    "set-cookie",
    "vary",
    "warning",
    "www-authenticate",
];

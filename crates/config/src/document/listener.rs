//! `[[listener]]`

use std::net::SocketAddr;
use std::time::Duration;

use policy::Cidr;

use super::DAY_MS;
use crate::config::Protocol;
use crate::form::{At, choice, section};

section! {
    /// An address to listen on.
    ListenerSection = "[[listener]]", later ["tls", "proxy_protocol"] {
        /// Address and port to listen on.
        address: Option<At<SocketAddr>> { required: true },
        /// Protocols spoken.
        protocols: Option<At<Vec<At<Protocol>>>> { otherwise: Some("`[\"h1\"]`") },
        /// Peers whose `X-Forwarded-*` fields are believed.
        trusted_proxies: At<Vec<At<Cidr>>> { otherwise: Some("none") },
        /// Open connections on this listener over all workers; 0: no limit.
        connections: At<u64> {
            default: Some("0"),
            range: Some((0, 10_000_000)),
            status: Some("503, then close")
        },
        /// From the first byte of a request to the end of its head.
        head_timeout: At<Duration> { default: Some("10s"), range: Some((1, DAY_MS)), status: Some("408") },
        /// No byte of a request body or of a response moved on the client's side.
        body_timeout: At<Duration> {
            default: Some("60s"),
            range: Some((1, DAY_MS)),
            status: Some("408, or the connection is cut when the response has begun")
        },
        /// Idle time between requests of one connection.
        keep_alive: At<Duration> {
            default: Some("75s"),
            range: Some((1, DAY_MS)),
            status: Some("closed without an answer")
        },
        /// Requests served on one connection before it is closed; 0: no limit.
        requests: At<u64> { default: Some("0"), status: Some("`Connection: close` on the last answer") },
    }
}

choice!(Protocol {
    "h1" => Protocol::H1, "HTTP/1.0 and HTTP/1.1";
} later ["h2", "h2c"]);

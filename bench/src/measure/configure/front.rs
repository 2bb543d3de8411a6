//! What clients and origin speak, in each peer's words.

use std::path::Path;

use super::super::peer::Peer;

/// What a peer's clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front<'a> {
    /// HTTP/1.1 in cleartext.
    Http1,
    /// HTTP/2 in cleartext, of which clients know beforehand.
    Http2Cleartext,
    /// TLS, and behind it HTTP/2 or HTTP/1.1 by ALPN; certificate.pem, key.pem and both.pem are in this folder.
    Tls(&'a Path),
}

/// What a peer speaks to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    Http1,
    /// In cleartext, as to a gRPC service.
    Http2,
}

/// What stands for a front in a configuration.
#[derive(Default)]
pub(crate) struct Words {
    /// Where the address is.
    pub(crate) short: String,
    /// Lines elsewhere.
    pub(crate) more: String,
}

impl Words {
    fn short(short: impl Into<String>) -> Self {
        Self { short: short.into(), more: String::new() }
    }
}

/// What Envoy's documentation advises for an edge, where others have it by default.
const ENVOY_HTTP2: &str = "          http2_protocol_options: { max_concurrent_streams: 100, initial_stream_window_size: 65536, initial_connection_window_size: 1048576 }\n";

impl Front<'_> {
    pub(super) fn words(self, peer: Peer) -> Words {
        match self {
            Self::Http1 => Words::default(),
            Self::Http2Cleartext => cleartext(peer),
            Self::Tls(folder) => by_tls(peer, folder),
        }
    }
}

fn cleartext(peer: Peer) -> Words {
    match peer {
        Peer::Lockgate => Words::short("protocols = [\"h2c\"]\n"),
        Peer::Nginx => Words::short(" http2"),
        Peer::Haproxy => Words::short(" proto h2"),
        Peer::Envoy => Words { short: String::new(), more: ENVOY_HTTP2.into() },
        Peer::Floor | Peer::Pingora | Peer::Caddy | Peer::Node => Words::default(),
    }
}

fn by_tls(peer: Peer, folder: &Path) -> Words {
    let [certificate, key, both] =
        ["certificate.pem", "key.pem", "both.pem"].map(|name| folder.join(name).display().to_string());
    match peer {
        Peer::Lockgate => {
            Words::short(format!("tls = [{{ certificate = \"{certificate}\", key = \"{key}\" }}]\n"))
        }
        Peer::Nginx => Words {
            short: " ssl http2".into(),
            more: format!(
                "        ssl_certificate {certificate};\n        ssl_certificate_key {key};\n        ssl_protocols TLSv1.2 TLSv1.3;\n"
            ),
        },
        Peer::Haproxy => Words::short(format!(" ssl crt {both} alpn h2,http/1.1 prefer-client-ciphers")),
        Peer::Envoy => {
            let context = format!(
                "{{ alpn_protocols: [h2, http/1.1], tls_certificates: [{{ certificate_chain: {{ filename: {certificate} }}, private_key: {{ filename: {key} }} }}] }}"
            );
            Words {
                short: format!(
                    "transport_socket:\n        name: envoy.transport_sockets.tls\n        typed_config:\n          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext\n          common_tls_context: {context}\n      "
                ),
                more: ENVOY_HTTP2.into(),
            }
        }
        Peer::Floor | Peer::Pingora | Peer::Caddy | Peer::Node => Words::default(),
    }
}

impl Back {
    pub(super) fn words(self, peer: Peer) -> &'static str {
        match (self, peer) {
            (Self::Http2, Peer::Lockgate) => "protocol = \"h2\"\n",
            (Self::Http2, Peer::Haproxy) => " proto h2",
            (Self::Http2, Peer::Envoy) => {
                "    typed_extension_protocol_options:\n      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n        explicit_http_config: { http2_protocol_options: {} }\n"
            }
            _ => "",
        }
    }

    /// What NGINX is to do with everything.
    pub(super) fn pass(self) -> &'static str {
        match self {
            Self::Http1 => "proxy_pass http://origin",
            Self::Http2 => "grpc_pass grpc://origin",
        }
    }
}

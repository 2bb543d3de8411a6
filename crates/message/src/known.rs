//! Field names the gateway itself acts on, told apart once while a head is read.

/// A field name with a meaning to the gateway; all others are [`Known::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of that name")]
pub enum Known {
    Other,
    Accept,
    Connection,
    ContentLength,
    ContentType,
    Date,
    Expect,
    Forwarded,
    Host,
    KeepAlive,
    Location,
    Origin,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    Server,
    Te,
    Traceparent,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    XForwardedFor,
    XForwardedHost,
    XForwardedPort,
    XForwardedProto,
    /// `X-Lockgate-*`: what the gateway says to its upstreams; never believed from outside.
    XLockgate,
    XRequestId,
}

impl Known {
    /// Tells which field `name` is, ignoring case (RFC 9110 §5.1).
    pub fn of(name: &[u8]) -> Self {
        let candidates: &[(&[u8], Self)] = match name.len() {
            2 => &[(b"te", Self::Te)],
            3 => &[(b"via", Self::Via)],
            4 => &[(b"host", Self::Host), (b"date", Self::Date)],
            6 => &[
                (b"accept", Self::Accept),
                (b"origin", Self::Origin),
                (b"expect", Self::Expect),
                (b"server", Self::Server),
            ],
            7 => &[(b"upgrade", Self::Upgrade), (b"trailer", Self::Trailer)],
            8 => &[(b"location", Self::Location)],
            9 => &[(b"forwarded", Self::Forwarded)],
            10 => &[(b"connection", Self::Connection), (b"keep-alive", Self::KeepAlive)],
            11 => &[(b"traceparent", Self::Traceparent)],
            12 => &[(b"content-type", Self::ContentType), (b"x-request-id", Self::XRequestId)],
            14 => &[(b"content-length", Self::ContentLength)],
            15 => &[(b"x-forwarded-for", Self::XForwardedFor)],
            16 => &[
                (b"proxy-connection", Self::ProxyConnection),
                (b"x-forwarded-host", Self::XForwardedHost),
                (b"x-forwarded-port", Self::XForwardedPort),
            ],
            17 => &[
                (b"transfer-encoding", Self::TransferEncoding),
                (b"x-forwarded-proto", Self::XForwardedProto),
            ],
            18 => &[(b"proxy-authenticate", Self::ProxyAuthenticate)],
            19 => &[(b"proxy-authorization", Self::ProxyAuthorization)],
            _ => &[],
        };
        for (candidate, known) in candidates {
            if name.eq_ignore_ascii_case(candidate) {
                return *known;
            }
        }
        if name.len() > 11 && name[..11].eq_ignore_ascii_case(b"x-lockgate-") {
            Self::XLockgate
        } else {
            Self::Other
        }
    }

    /// Whether the field speaks of one connection only, or frames the message: it never enters a [`crate::Fields`] from the wire
    /// (RFC 9110 §7.6.1; RFC 9112 §6).
    pub const fn is_connection_level(self) -> bool {
        matches!(
            self,
            Self::Connection
                | Self::ContentLength
                | Self::KeepAlive
                | Self::ProxyAuthenticate
                | Self::ProxyAuthorization
                | Self::ProxyConnection
                | Self::Te
                | Self::TransferEncoding
                | Self::Upgrade
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_ignoring_case() {
        for (name, known) in [
            ("Host", Known::Host),
            ("TRANSFER-ENCODING", Known::TransferEncoding),
            ("x-lockgate-user", Known::XLockgate),
            ("x-lockgate-", Known::Other),
            ("x-custom", Known::Other),
            ("", Known::Other),
            ("Traceparent", Known::Traceparent),
        ] {
            assert_eq!(Known::of(name.as_bytes()), known, "{name}");
        }
    }
}

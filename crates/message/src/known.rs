//! Field names the gateway itself acts on, told apart once while a head is read.

/// A field name with a meaning to the gateway; all others are [`Known::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of that name")]
pub enum Known {
    Other,
    Accept,
    Authorization,
    Connection,
    ContentLength,
    ContentType,
    Date,
    Expect,
    Forwarded,
    Host,
    KeepAlive,
    Location,
    /// Differs from X-Forwarded-* or X-Lockgate-* only by `_` or the like for `-`. Servers that make variables of fields, as CGI
    /// does (RFC 3875 §4.1.18), cannot tell the two apart, so it is never passed on.
    Lookalike,
    /// Differs so from Content-Length or Transfer-Encoding: no honest sender writes it, so its message is refused.
    FramingLookalike,
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
    XApiKey,
    XForwardedFor,
    XForwardedHost,
    XForwardedPort,
    XForwardedProto,
    /// `X-Lockgate-*`: what the gateway says to its upstreams; never believed from outside.
    XLockgate,
    XRequestId,
}

/// What the names of the gateway's own fields begin with.
const OURS: &[u8] = b"x-lockgate-";

impl Known {
    /// Tells which field `name`, a token, is, ignoring case (RFC 9110 §5.1). Length and first letter leave one candidate, or none.
    pub fn of(name: &[u8]) -> Self {
        let Some(&first) = name.first() else { return Self::Other };
        let (candidate, known): (&[u8], Self) = match (name.len(), first | 0x20) {
            (2, b't') => (b"te", Self::Te),
            (3, b'v') => (b"via", Self::Via),
            (4, b'h') => (b"host", Self::Host),
            (4, b'd') => (b"date", Self::Date),
            (6, b'a') => (b"accept", Self::Accept),
            (6, b'o') => (b"origin", Self::Origin),
            (6, b'e') => (b"expect", Self::Expect),
            (6, b's') => (b"server", Self::Server),
            (7, b'u') => (b"upgrade", Self::Upgrade),
            (7, b't') => (b"trailer", Self::Trailer),
            (8, b'l') => (b"location", Self::Location),
            (9, b'f') => (b"forwarded", Self::Forwarded),
            (9, b'x') => (b"x-api-key", Self::XApiKey),
            (10, b'c') => (b"connection", Self::Connection),
            (10, b'k') => (b"keep-alive", Self::KeepAlive),
            (11, b't') => (b"traceparent", Self::Traceparent),
            (12, b'c') => (b"content-type", Self::ContentType),
            (12, b'x') if name[2] | 0x20 == b'r' => (b"x-request-id", Self::XRequestId),
            (13, b'a') => (b"authorization", Self::Authorization),
            (14, b'c') => (b"content-length", Self::ContentLength),
            (15, b'x') if name[2] | 0x20 == b'f' => (b"x-forwarded-for", Self::XForwardedFor),
            (16, b'x') if name[2] | 0x20 == b'f' && name[12] | 0x20 == b'h' => {
                (b"x-forwarded-host", Self::XForwardedHost)
            }
            (16, b'x') if name[2] | 0x20 == b'f' && name[12] | 0x20 == b'p' => {
                (b"x-forwarded-port", Self::XForwardedPort)
            }
            (16, b'p') => (b"proxy-connection", Self::ProxyConnection),
            (17, b't') => (b"transfer-encoding", Self::TransferEncoding),
            (17, b'x') if name[2] | 0x20 == b'f' => (b"x-forwarded-proto", Self::XForwardedProto),
            (18, b'p') => (b"proxy-authenticate", Self::ProxyAuthenticate),
            (19, b'p') => (b"proxy-authorization", Self::ProxyAuthorization),
            _ => (OURS, Self::XLockgate),
        };
        if known != Self::XLockgate && is_same_token(name, candidate) {
            return known;
        }
        if first | 0x20 == b'x'
            && name.get(..OURS.len()).is_some_and(|start| start.eq_ignore_ascii_case(OURS))
        {
            return Self::XLockgate;
        }
        let lookalike = known.lookalike();
        if lookalike != Self::Other && is_lookalike(name, candidate) { lookalike } else { Self::Other }
    }

    /// What a field is that a server might take for this one.
    const fn lookalike(self) -> Self {
        match self {
            Self::ContentLength | Self::TransferEncoding => Self::FramingLookalike,
            Self::XForwardedFor
            | Self::XForwardedHost
            | Self::XForwardedPort
            | Self::XForwardedProto
            | Self::XLockgate => Self::Lookalike,
            _ => Self::Other,
        }
    }

    /// The kind's own bit in a set of kinds.
    pub(crate) const fn bit(self) -> u32 {
        const { assert!((Self::XRequestId as u32) < u32::BITS, "the last kind has a bit") };
        1 << self as u32
    }

    /// Whether the field speaks of one connection only, or frames the message, or looks like one that does: it never enters a
    /// [`crate::Fields`] from the wire (RFC 9110 §7.6.1; RFC 9112 §6).
    pub const fn is_connection_level(self) -> bool {
        matches!(
            self,
            Self::Connection
                | Self::ContentLength
                | Self::KeepAlive
                | Self::Lookalike
                | Self::FramingLookalike
                | Self::ProxyAuthenticate
                | Self::ProxyAuthorization
                | Self::ProxyConnection
                | Self::Te
                | Self::TransferEncoding
                | Self::Upgrade
        )
    }
}

/// Whether a token is `candidate`, which is of the same length, at most 24, and in lower case: word by word, since this is asked of
/// most fields of most heads. Setting bit 5 makes letters lower case; of the bytes of a token it changes no other into one that
/// stands in a candidate.
fn is_same_token(name: &[u8], candidate: &[u8]) -> bool {
    let last = candidate.len().wrapping_sub(8);
    match candidate.len() {
        0..4 => name.eq_ignore_ascii_case(candidate),
        4..8 => {
            let last = candidate.len() - 4;
            half(name, 0) == half(candidate, 0) && half(name, last) == half(candidate, last)
        }
        8..=16 => word(name, 0) == word(candidate, 0) && word(name, last) == word(candidate, last),
        _ => [0, 8, last].into_iter().all(|at| word(name, at) == word(candidate, at)),
    }
}

/// Eight bytes from `at` in lower case.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*eight) | 0x2020_2020_2020_2020)
}

/// Four bytes from `at` in lower case.
fn half(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*four) | 0x2020_2020)
}

/// Whether `name` begins like `candidate` when all punctuation is taken for `-`; as long as it, unless that is a prefix of names.
fn is_lookalike(name: &[u8], candidate: &[u8]) -> bool {
    let fits = candidate == OURS || name.len() == candidate.len();
    let fold = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    fits && name.len() >= candidate.len()
        && name.iter().zip(candidate).all(|(&byte, &other)| fold(byte) == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_ignoring_case() {
        for (name, known) in [
            ("Host", Known::Host),
            ("TRANSFER-ENCODING", Known::TransferEncoding),
            ("Transfer-Encodinh", Known::Other),
            ("x-forwarded-host", Known::XForwardedHost),
            ("X-Forwarded-Port", Known::XForwardedPort),
            ("x-request-id", Known::XRequestId),
            ("x-lockgate-user", Known::XLockgate),
            ("X-LOCKGATE-Userabc", Known::XLockgate),
            ("x-lockgate-abcd", Known::XLockgate),
            ("x-lockgate-", Known::XLockgate),
            ("x-lockgate", Known::Other),
            ("x-custom", Known::Other),
            ("AUTHORIZATION", Known::Authorization),
            ("authorisation", Known::Other),
            ("X-API-Key", Known::XApiKey),
            ("x-api_key", Known::Other),
            ("", Known::Other),
            ("Traceparent", Known::Traceparent),
            ("proxy-authentication", Known::Other),
            ("Proxy-Authorization", Known::ProxyAuthorization),
            ("PROXY-AUTHENTICATE", Known::ProxyAuthenticate),
            ("proxy-autXenticate", Known::Other),
            ("Keep-Alive", Known::KeepAlive),
            ("Connection", Known::Connection),
            ("Connectiom", Known::Other),
            ("Upgrade", Known::Upgrade),
            ("Upgrade2", Known::Other),
            ("hosts", Known::Other),
            ("hosu", Known::Other),
        ] {
            assert_eq!(Known::of(name.as_bytes()), known, "{name}");
        }
    }

    #[test]
    fn other_punctuation_does_not_hide_a_field() {
        for (name, known) in [
            ("Content_Length", Known::FramingLookalike),
            ("Content.Length", Known::FramingLookalike),
            ("ContentXLength", Known::Other),
            ("TRANSFER_ENCODING", Known::FramingLookalike),
            ("transfer!encoding", Known::FramingLookalike),
            ("x.lockgate.user", Known::Lookalike),
            ("X_Forwarded_For", Known::Lookalike),
            ("X-Forwarded_Host", Known::Lookalike),
            ("x_forwarded-proto", Known::Lookalike),
            ("x_forwarded_port", Known::Lookalike),
            ("X_Lockgate_User", Known::Lookalike),
            ("x-lockgate_user", Known::Lookalike),
            ("x_lockgate_abcd", Known::Lookalike),
            ("x_lockgate_abcdef", Known::Lookalike),
            ("x_lockgate_ahost", Known::Lookalike),
            ("x_custom", Known::Other),
            ("content_lengths", Known::Other),
        ] {
            assert_eq!(Known::of(name.as_bytes()), known, "{name}");
        }
    }
}

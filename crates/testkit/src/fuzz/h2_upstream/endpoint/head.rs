//! Heads of answers, as far as it is plain what they say (RFC 9113 §8.2, §8.3).

use crate::fuzz::h2_upstream::asked::AsksFor;

/// Names that mean nothing to a gateway.
const PLAIN: [&[u8]; 3] = [b"x-mark", b"x-large", b"content-type"];
const UNLAWFUL: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];
const HEAD_BYTES_MAX: usize = 32 << 10;

/// What a head says.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) mark: Option<Vec<u8>>,
    /// How many bytes its body has, where that is known.
    pub(super) left: Option<u64>,
}

/// What is to be thought of a head.
#[derive(Debug)]
pub(super) enum Finding {
    Lawful(Head),
    Unlawful,
    /// It has something of which others judge.
    Unclear(Head),
}

impl Head {
    pub(super) fn read(fields: &[(Vec<u8>, Vec<u8>)], ends: bool, asks_for: AsksFor) -> Finding {
        let Some(((b":status", status), rest)) =
            fields.split_first().map(|((name, value), rest)| ((name.as_slice(), value.as_slice()), rest))
        else {
            return Finding::Unlawful;
        };
        let digits =
            std::str::from_utf8(status).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let status: u16 = match digits.filter(|text| text.len() == 3).and_then(|text| text.parse().ok()) {
            Some(status @ (100 | 102..600)) => status,
            _ => return Finding::Unlawful,
        };
        let mut head = Self { status, ..Self::default() };
        let mut is_unclear = rest.len() > 100;
        let mut bytes = 0;
        let mut length = None;
        for (name, value) in rest {
            bytes += name.len() + value.len() + 4;
            let is_token =
                name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
            if name.is_empty()
                || name.starts_with(b":")
                || name.iter().any(u8::is_ascii_uppercase)
                || UNLAWFUL.contains(&name.as_slice())
                || value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
            {
                return Finding::Unlawful;
            }
            let is_visible = value.iter().all(u8::is_ascii_graphic);
            match name.as_slice() {
                b"content-length" => {
                    let text = std::str::from_utf8(value).ok().filter(|text| (1..=9).contains(&text.len()));
                    match text.filter(|text| !text.starts_with('+')).and_then(|text| text.parse::<u64>().ok())
                    {
                        Some(said) if length.is_some_and(|before| before != said) => {
                            return Finding::Unlawful;
                        }
                        Some(said) => length = Some(said),
                        None => is_unclear = true,
                    }
                }
                name => is_unclear |= !(is_token && is_visible && PLAIN.contains(&name)),
            }
            if name == b"x-mark" && head.mark.is_none() {
                head.mark = Some(value.clone());
            }
        }
        // What a tunnel's head says of a body means nothing (RFC 9110 §9.3.6).
        let is_tunnel = asks_for == AsksFor::Tunnel && (200..300).contains(&status);
        let length = length.filter(|_| !is_tunnel);
        let has_no_body = !is_tunnel && (asks_for == AsksFor::Head || matches!(status, 204 | 304));
        let is_short = status >= 200 && ends && !has_no_body && length.is_some_and(|length| length > 0);
        if bytes > HEAD_BYTES_MAX || is_short || status < 200 && ends {
            return if is_unclear && bytes <= HEAD_BYTES_MAX && status >= 200 {
                Finding::Unclear(head)
            } else {
                Finding::Unlawful
            };
        }
        head.left = if has_no_body { Some(0) } else { length };
        if is_unclear { Finding::Unclear(head) } else { Finding::Lawful(head) }
    }
}

/// Whether a name may stand in trailers.
pub(super) fn is_trailer(name: &[u8]) -> bool {
    !name.is_empty() && !name.starts_with(b":") && !name.iter().any(u8::is_ascii_uppercase)
}

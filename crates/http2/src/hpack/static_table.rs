//! The static table (RFC 7541 Appendix A).

/// Names and values; the first has index 1.
static ENTRIES: [(&[u8], &[u8]); LEN] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// Entries; the dynamic table's first one has the index behind (RFC 7541 §2.3.3).
pub(super) const LEN: usize = 61;

/// First index of the names that a response's status and sensitive fields have.
pub(super) const STATUS: u8 = 8;
pub(super) const AUTHORIZATION: u8 = 23;
pub(super) const COOKIE: u8 = 32;
pub(super) const PROXY_AUTHORIZATION: u8 = 49;
pub(super) const SET_COOKIE: u8 = 55;

/// Name and value of an index; `None` for 0 and beyond the table.
#[inline]
pub(super) fn get(index: usize) -> Option<(&'static [u8], &'static [u8])> {
    ENTRIES.get(index.wrapping_sub(1)).copied()
}

/// The first index of a name, ignoring case. Its length and both ends leave one candidate, or none.
pub(super) fn index_of_name(name: &[u8]) -> Option<u8> {
    let (&first, &last) = (name.first()?, name.last()?);
    let index = match (name.len(), first | 0x20, last | 0x20) {
        (3, b'a', b'e') => 21,
        (3, b'v', b'a') => 60,
        (4, b'd', b'e') => 33,
        (4, b'e', b'g') => 34,
        (4, b'f', b'm') => 37,
        (4, b'h', b't') => 38,
        (4, b'l', b'k') => 45,
        (4, b'v', b'y') => 59,
        (5, b':', b'h') => 4,
        (5, b'a', b'w') => 22,
        (5, b'r', b'e') => 50,
        (6, b'a', b't') => 19,
        (6, b'c', b'e') => COOKIE,
        (6, b'e', b't') => 35,
        (6, b's', b'r') => 54,
        (7, b':', b'd') => 2,
        (7, b':', b'e') => 6,
        (7, b':', b's') => STATUS,
        (7, b'e', b's') => 36,
        (7, b'r', b'r') => 51,
        (7, b'r', b'h') => 52,
        (8, b'i', b'h') => 39,
        (8, b'i', b'e') => 42,
        (8, b'l', b'n') => 46,
        (10, b':', b'y') => 1,
        (10, b's', b'e') => SET_COOKIE,
        (10, b'u', b't') => 58,
        (11, b'r', b'r') => 53,
        (12, b'c', b'e') => 31,
        (12, b'm', b's') => 47,
        (13, b'a', b's') => 18,
        (13, b'a', b'n') => AUTHORIZATION,
        (13, b'c', b'l') => 24,
        (13, b'c', b'e') => 30,
        (13, b'i', b'h') => 41,
        (13, b'l', b'd') => 44,
        (14, b'a', b't') => 15,
        (14, b'c', b'h') => 28,
        (15, b'a', b'g') => 16,
        (15, b'a', b'e') => 17,
        (16, b'c', b'g') => 26,
        (16, b'c', b'e') => 27,
        (16, b'c', b'n') => 29,
        (16, b'w', b'e') => 61,
        (17, b'i', b'e') => 40,
        (17, b't', b'g') => 57,
        (18, b'p', b'e') => 48,
        (19, b'c', b'n') => 25,
        (19, b'i', b'e') => 43,
        (19, b'p', b'n') => PROXY_AUTHORIZATION,
        (25, b's', b'y') => 56,
        (27, b'a', b'n') => 20,
        _ => return None,
    };
    let (candidate, _) = get(usize::from(index))?;
    name.eq_ignore_ascii_case(candidate).then_some(index)
}

/// The index of an entry with the name that `index` is the first one of, and this value.
pub(super) fn index_of_value(index: u8, value: &[u8]) -> Option<u8> {
    match (index, value) {
        (2, b"GET") => Some(2),
        (2, b"POST") => Some(3),
        (4, b"/") => Some(4),
        (4, b"/index.html") => Some(5),
        (6, b"http") => Some(6),
        (6, b"https") => Some(7),
        (STATUS, b"200") => Some(8),
        (STATUS, b"204") => Some(9),
        (STATUS, b"206") => Some(10),
        (STATUS, b"304") => Some(11),
        (STATUS, b"400") => Some(12),
        (STATUS, b"404") => Some(13),
        (STATUS, b"500") => Some(14),
        (16, b"gzip, deflate") => Some(16),
        (2 | 4 | 6 | STATUS | 16, _) => None,
        (_, b"") => Some(index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found() {
        for (index, (name, value)) in (1..).zip(ENTRIES) {
            assert_eq!(get(usize::from(index)), Some((name, value)));
            let first = index_of_name(name).unwrap();
            assert_eq!(usize::from(first), 1 + ENTRIES.iter().position(|entry| entry.0 == name).unwrap());
            assert_eq!(index_of_name(&name.to_ascii_uppercase()), Some(first));
            assert_eq!(index_of_value(first, value), Some(index));
            assert_eq!(index_of_value(first, b"another"), None);
        }
    }

    #[test]
    fn nothing_else_is_found() {
        assert_eq!((get(0), get(62), get(usize::MAX)), (None, None, None));
        for name in [
            "",
            "a",
            "ages",
            "agE ",
            "axe",
            "hosT2",
            "hot",
            "heat",
            "\x1apath",
            "content-typo",
            "x-request-id",
        ] {
            assert_eq!(index_of_name(name.as_bytes()), None, "{name:?}");
        }
        assert_eq!(index_of_value(2, b""), None);
        assert_eq!(index_of_value(2, b"get"), None);
    }

    #[test]
    fn named_indexes_are_those_of_their_names() {
        for (index, name) in [
            (STATUS, ":status"),
            (AUTHORIZATION, "authorization"),
            (COOKIE, "cookie"),
            (PROXY_AUTHORIZATION, "proxy-authorization"),
            (SET_COOKIE, "set-cookie"),
        ] {
            assert_eq!(index_of_name(name.as_bytes()), Some(index));
        }
    }
}

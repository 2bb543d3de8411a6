//! The few grammar rules that several protocols share (RFC 9110 §5).

/// One bit per byte: a `tchar` of RFC 9110 §5.6.2.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = true;
        }
        byte += 1;
    }
    table
};

/// Whether the bytes are a token: a method or a field name (RFC 9110 §5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| TOKEN[byte as usize])
}

/// Whether the bytes may stand as a field value: no control characters but tab, no space around it (RFC 9110 §5.5).
pub fn is_field_value(bytes: &[u8]) -> bool {
    trim_ows(bytes).len() == bytes.len() && bytes.iter().all(|&byte| may_stand_in_value(byte))
}

/// Whether a byte may stand in a field value, of which spaces and tabs may not stand at its ends.
pub(crate) const fn may_stand_in_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}

/// Takes optional whitespace off both ends (RFC 9110 §5.6.3).
pub fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_no_separators() {
        for (text, expected) in [
            ("GET", true),
            ("x-a_b", true),
            ("", false),
            ("a b", false),
            ("a:", false),
            ("é", false),
            ("a\0", false),
        ] {
            assert_eq!(is_token(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn field_values_hold_no_control_characters() {
        for (text, expected) in
            [("a b", true), ("", true), (" a", false), ("a\r\nb: c", false), ("a\tb", true), ("\x7f", false)]
        {
            assert_eq!(is_field_value(text.as_bytes()), expected, "{text:?}");
        }
    }
}

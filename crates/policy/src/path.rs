//! The one form of a path in which it is matched and forwarded.

/// What the normal form alone no longer tells, or tells only by another scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathFacts {
    /// The path as sent holds `%2F` or `%5C`, which some servers take for a separator. It counts also in a segment
    /// that `..` removes: a server before this one may have read such a path as another.
    pub encoded_slash: bool,
}

/// Why a path has no normal form; `at` counts bytes from the start of the path as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path is not empty and its first byte is not `/`.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// A `%` without two hexadecimal digits behind it.
    #[error("`%` at byte {at} is not followed by two hexadecimal digits")]
    BadEscape {
        /// Place of the `%`.
        at: usize,
    },
    /// `%00`, which ends a string in too many programs to be passed on.
    #[error("`%00` at byte {at} is not allowed in a path")]
    EncodedNul {
        /// Place of the `%`.
        at: usize,
    },
    /// A byte that may stand in a path only percent-encoded, if at all.
    #[error("byte 0x{byte:02x} at byte {at} must be percent-encoded in a path")]
    BadByte {
        /// Place of the byte.
        at: usize,
        /// The byte.
        byte: u8,
    },
}

/// Appends the normal form of `raw`, the path part of a request target without its query, to `out`.
///
/// Escaped unreserved characters are decoded, the digits of other escapes become upper case
/// (RFC 3986 §6.2.2), dot segments are removed (§5.2.4) whether or not they were escaped, an empty path becomes
/// `/` (§6.2.3), and `//` stays. What is appended begins with `/`, is visible ASCII, and is its own normal form.
///
/// # Errors
///
/// See [`PathError`]; `out` is then as it was.
pub fn normalize_path(raw: &[u8], out: &mut Vec<u8>) -> Result<PathFacts, PathError> {
    match raw.first() {
        None => {
            out.push(b'/');
            return Ok(PathFacts::default());
        }
        Some(b'/') => {}
        Some(_) => return Err(PathError::NotAbsolute),
    }
    let plain = plain_length(raw);
    if plain == raw.len() {
        out.extend_from_slice(raw);
        return Ok(PathFacts::default());
    }
    let base = out.len();
    let mut form = Form { out, base, segment: base, facts: PathFacts::default() };
    match form.append(raw, plain) {
        Ok(()) => Ok(form.facts),
        Err(error) => {
            out.truncate(base);
            Err(error)
        }
    }
}

/// What a byte asks for; one table look-up decides the usual case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Slash,
    Dot,
    Percent,
    Refused,
}

/// RFC 3986's reserved and unreserved characters, and the few visible ones it leaves out but browsers send.
/// `\` is refused because many servers read it as `/`; `?` and `#` because they would end the path further on.
static CLASSES: [Class; 256] = {
    let mut classes = [Class::Refused; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        classes[byte as usize] = match byte {
            b'/' => Class::Slash,
            b'.' => Class::Dot,
            b'%' => Class::Percent,
            b'#' | b'?' | b'\\' => Class::Refused,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Length of the longest prefix of `raw` that is already in normal form and ends before a doubtful segment's dot,
/// an escape or a refused byte.
fn plain_length(raw: &[u8]) -> usize {
    let mut before = Class::Plain;
    for (at, &byte) in raw.iter().enumerate() {
        let class = class(byte);
        match class {
            Class::Plain | Class::Slash => {}
            Class::Dot if before != Class::Slash => {}
            Class::Dot | Class::Percent | Class::Refused => return at,
        }
        before = class;
    }
    raw.len()
}

/// A normal form under construction: `out[base..]`, whose last, still open segment begins at `segment`,
/// right behind a `/`.
struct Form<'o> {
    out: &'o mut Vec<u8>,
    base: usize,
    segment: usize,
    facts: PathFacts,
}

impl Form<'_> {
    fn append(&mut self, raw: &[u8], plain: usize) -> Result<(), PathError> {
        self.out.reserve(raw.len());
        self.out.extend_from_slice(&raw[..plain]);
        self.segment = self.base + memchr::memrchr(b'/', &raw[..plain]).map_or(0, |slash| slash + 1);
        let mut at = plain;
        while at < raw.len() {
            let byte = raw[at];
            match class(byte) {
                Class::Refused => return Err(PathError::BadByte { at, byte }),
                Class::Percent => {
                    self.escape(raw, at)?;
                    at += 2;
                }
                Class::Slash => self.slash(),
                Class::Plain | Class::Dot => self.out.push(byte),
            }
            at += 1;
        }
        self.close_segment();
        Ok(())
    }

    fn escape(&mut self, raw: &[u8], at: usize) -> Result<(), PathError> {
        let digits = raw.get(at + 1).zip(raw.get(at + 2));
        let Some((&high, &low)) = digits.filter(|(h, l)| h.is_ascii_hexdigit() && l.is_ascii_hexdigit())
        else {
            return Err(PathError::BadEscape { at });
        };
        let byte = hex_value(high) << 4 | hex_value(low);
        match byte {
            0 => return Err(PathError::EncodedNul { at }),
            b'/' | b'\\' => self.facts.encoded_slash = true,
            _ => {}
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            self.out.push(byte);
        } else {
            self.out.extend_from_slice(&[b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
        }
        Ok(())
    }

    /// Takes the `/` that ends a segment; a dot segment has been removed together with its own.
    fn slash(&mut self) {
        if !self.close_segment() {
            self.out.push(b'/');
        }
        self.segment = self.out.len();
    }

    /// Removes the open segment if it is `.` or `..`, and for `..` the one before it; true when it did.
    fn close_segment(&mut self) -> bool {
        let parents = match &self.out[self.segment..] {
            b"." => 0,
            b".." => 1,
            _ => return false,
        };
        self.out.truncate(self.segment);
        if parents == 1 {
            let without_slash = &self.out[self.base..self.segment - 1];
            if let Some(slash) = memchr::memrchr(b'/', without_slash) {
                self.out.truncate(self.base + slash + 1);
            }
        }
        true
    }
}

/// Value of a hexadecimal digit; the caller has checked that it is one.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests;

//! The end of a record of a request that came by TLS.
//!
//! It stands behind the texts, so that all before it lies as in a record without it:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | flags, see `flag` |
//! | 1 | 1 | length of the server name |
//! | 2 | 32 | only with a client's certificate: its SHA-256 |
//! | then | … | server name |

use crate::{DecodeError, TlsRef, TlsVersion};

/// Longest server name kept, bytes.
pub const SERVER_NAME_BYTES_MAX: usize = 255;

const START_BYTES: usize = 2;
const FINGERPRINT_BYTES: usize = 32;

/// Size without the server name, at most; bytes.
pub(super) const TLS_FIXED_BYTES_MAX: usize = START_BYTES + FINGERPRINT_BYTES;

/// Bits of the first byte.
mod flag {
    pub(super) const TLS13: u8 = 1;
    pub(super) const RESUMED: u8 = 1 << 1;
    pub(super) const SERVER_NAME: u8 = 1 << 2;
    pub(super) const CLIENT: u8 = 1 << 3;
    pub(super) const ALL: u8 = TLS13 | RESUMED | SERVER_NAME | CLIENT;
}

/// The number of bytes [`put_tls`] will write.
#[inline]
pub(super) fn tls_bytes(tls: &TlsRef<'_>) -> usize {
    let fingerprint = if tls.client_fingerprint.is_some() { FINGERPRINT_BYTES } else { 0 };
    START_BYTES + fingerprint + name_of(tls).len()
}

#[inline]
fn name_of<'a>(tls: &TlsRef<'a>) -> &'a str {
    super::cut(tls.server_name.unwrap_or(""), SERVER_NAME_BYTES_MAX)
}

/// Writes to the front of `out` and returns the number of bytes written, [`tls_bytes`].
///
/// Apart from [`super::encode`], which has no registers to spare: inlined, it made records in clear text dearer.
#[inline(never)]
pub(super) fn put_tls(tls: &TlsRef<'_>, out: &mut [u8]) -> usize {
    let set = |bit: u8, on: bool| if on { bit } else { 0 };
    let name = name_of(tls);
    let length = tls_bytes(tls);
    let (start, mut rest) = out[..length].split_at_mut(START_BYTES);
    start[0] = set(flag::TLS13, tls.version == TlsVersion::Tls13)
        | set(flag::RESUMED, tls.resumed)
        | set(flag::SERVER_NAME, tls.server_name.is_some())
        | set(flag::CLIENT, tls.client_fingerprint.is_some());
    start[1] = name.len() as u8;
    if let Some(fingerprint) = tls.client_fingerprint {
        let (place, after) = rest.split_at_mut(FINGERPRINT_BYTES);
        place.copy_from_slice(fingerprint);
        rest = after;
    }
    rest.copy_from_slice(name.as_bytes());
    length
}

/// The end of a record, whose name is not yet known to be UTF-8.
#[derive(Clone, Copy, Debug)]
pub(super) struct TlsView<'a> {
    flags: u8,
    client_fingerprint: Option<&'a [u8; FINGERPRINT_BYTES]>,
    server_name: &'a [u8],
}

impl<'a> TlsView<'a> {
    /// Looks at the end of a record; `bytes` holds exactly that.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&[flags, name_bytes], mut rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
        if flags & !flag::ALL != 0 {
            return Err(DecodeError::Field("tls"));
        }
        if name_bytes > 0 && flags & flag::SERVER_NAME == 0 {
            return Err(DecodeError::Field("server_name"));
        }
        let mut client_fingerprint = None;
        if flags & flag::CLIENT != 0 {
            let (fingerprint, after) = rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
            (client_fingerprint, rest) = (Some(fingerprint), after);
        }
        match rest.len().cmp(&name_bytes.into()) {
            core::cmp::Ordering::Less => Err(DecodeError::Truncated),
            core::cmp::Ordering::Greater => Err(DecodeError::TrailingBytes),
            core::cmp::Ordering::Equal => Ok(Self { flags, client_fingerprint, server_name: rest }),
        }
    }

    pub(super) fn client_fingerprint(&self) -> Option<&'a [u8; FINGERPRINT_BYTES]> {
        self.client_fingerprint
    }

    /// Reads all of it.
    pub(super) fn read(&self) -> Result<TlsRef<'a>, DecodeError> {
        let has = |bit: u8| self.flags & bit != 0;
        let name = core::str::from_utf8(self.server_name).map_err(|_| DecodeError::Text)?;
        Ok(TlsRef {
            version: if has(flag::TLS13) { TlsVersion::Tls13 } else { TlsVersion::Tls12 },
            resumed: has(flag::RESUMED),
            server_name: has(flag::SERVER_NAME).then_some(name),
            client_fingerprint: self.client_fingerprint,
        })
    }
}

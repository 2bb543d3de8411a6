//! The bytes of saved keys. All numbers are little endian.
//!
//! ```text
//! header   "LKGKEYS1"
//! record   length u32 and crc32c u32 of what follows · what it is u8 (0 revoked, 1 for every route, 2 for some) · 1 if it ends u8
//!          · number of the change u64 · hash 32 bytes
//!          unless revoked: key u64 · user u64 · end in microseconds u64 (0 if none)
//!          for some routes: their number u32, each a length u32 and a name
//! ```
//!
//! An end that is no whole record was not written to its end and does not count. A place that is wrong and has a right record anywhere behind it
//! was damaged later: what was revoked there cannot be known, so nothing in the file counts.

use policy::{KeyFacts, KeyHash, Scopes};
use store::KeyState;

const MAGIC: &[u8; 8] = b"LKGKEYS1";
/// Size of the header, bytes.
pub(crate) const HEADER_BYTES: usize = MAGIC.len();
const FRAME_BYTES: usize = 8;
/// Shortest record: a revocation.
const RECORD_BYTES_MIN: usize = 42;
/// Longest record that is believed, bytes: names of more routes than a key may have.
const RECORD_BYTES_MAX: usize = 1 << 20;

const REVOKED: u8 = 0;
const EVERY_ROUTE: u8 = 1;
const SOME_ROUTES: u8 = 2;

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadSaved {
    /// Changes in the order of the file; later ones count.
    pub(crate) states: Vec<KeyState>,
    /// Bytes that are whole.
    pub(crate) whole_bytes: usize,
}

/// Bytes that are no saved keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormatError {
    #[error("it does not begin like saved keys of a version known here")]
    Header,
    #[error("it is damaged at byte {offset}")]
    Damaged { offset: usize },
}

/// Reads saved keys; nothing in the bytes can make this panic.
pub(crate) fn read(bytes: &[u8]) -> Result<ReadSaved, FormatError> {
    if !bytes.starts_with(MAGIC) {
        return Err(FormatError::Header);
    }
    let mut states = Vec::with_capacity(bytes.len() / 80);
    let mut offset = HEADER_BYTES;
    while let Some((state, end)) = state_at(bytes, offset) {
        states.push(state);
        offset = end;
    }
    // Where a record is wrong its length is too, maybe, so the next one may start anywhere.
    if (offset + 1..bytes.len()).any(|later| state_at(bytes, later).is_some()) {
        return Err(FormatError::Damaged { offset });
    }
    Ok(ReadSaved { states, whole_bytes: offset })
}

pub(crate) fn put_header(out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
}

pub(crate) fn put_state(state: &KeyState, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_BYTES]);
    let kind = match state.facts.as_ref().map(|facts| &facts.scopes) {
        None => REVOKED,
        Some(Scopes::All) => EVERY_ROUTE,
        Some(Scopes::Routes(_)) => SOME_ROUTES,
    };
    let ends = state.facts.as_ref().is_some_and(|facts| facts.expires_us.is_some());
    out.extend_from_slice(&[kind, u8::from(ends)]);
    out.extend_from_slice(&state.number.to_le_bytes());
    out.extend_from_slice(&state.hash.0);
    if let Some(facts) = &state.facts {
        put_facts(facts, out);
    }
    let body = start + FRAME_BYTES;
    let length = (out.len() - body) as u32;
    let crc = crc32c::crc32c(&out[body..]);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..body].copy_from_slice(&crc.to_le_bytes());
}

fn put_facts(facts: &KeyFacts, out: &mut Vec<u8>) {
    for number in [facts.key_id, facts.user_id, facts.expires_us.unwrap_or(0)] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    if let Scopes::Routes(names) = &facts.scopes {
        out.extend_from_slice(&(names.len() as u32).to_le_bytes());
        for name in names.iter() {
            out.extend_from_slice(&(name.len() as u32).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
        }
    }
}

/// The record at an offset, if it is what was written, and its end. Bytes that only look like one are mostly told by their length and form,
/// before anything is summed: looking at every offset takes a time that grows with the bytes.
fn state_at(bytes: &[u8], offset: usize) -> Option<(KeyState, usize)> {
    let mut fields = Fields { rest: bytes.get(offset..)? };
    let (length, crc) = (fields.u32()? as usize, fields.u32()?);
    if !(RECORD_BYTES_MIN..=RECORD_BYTES_MAX).contains(&length) {
        return None;
    }
    let body = fields.take(length)?;
    let state = state_of(body)?;
    (crc32c::crc32c(body) == crc).then_some((state, offset + FRAME_BYTES + length))
}

fn state_of(body: &[u8]) -> Option<KeyState> {
    let mut fields = Fields { rest: body };
    let (kind, ends) = (fields.u8()?, fields.u8()?);
    let number = fields.u64()?;
    let hash = KeyHash(*fields.take(32)?.first_chunk()?);
    if kind == REVOKED {
        return (fields.rest.is_empty() && ends == 0).then_some(KeyState { number, hash, facts: None });
    }
    let (key_id, user_id, end) = (fields.u64()?, fields.u64()?, fields.u64()?);
    let expires_us = match ends {
        0 if end == 0 => None,
        1 => Some(end),
        _ => return None,
    };
    let scopes = match kind {
        EVERY_ROUTE => Scopes::All,
        SOME_ROUTES => Scopes::Routes(fields.names()?.into()),
        _ => return None,
    };
    let facts = KeyFacts { key_id, user_id, expires_us, scopes };
    fields.rest.is_empty().then_some(KeyState { number, hash, facts: Some(facts) })
}

/// Takes fields off the front.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// A count is believed only as far as there are bytes.
    fn names(&mut self) -> Option<Vec<Box<str>>> {
        let count = self.u32()?;
        let mut names = Vec::new();
        for _ in 0..count {
            let length = self.u32()? as usize;
            names.push(std::str::from_utf8(self.take(length)?).ok()?.into());
        }
        Some(names)
    }
}

//! A record's fields, each read when it is asked for.

use core::net::IpAddr;

use super::tls::TlsView;
use super::{
    FIXED_BYTES, FORMAT_VERSION_TLS, PARENT_BYTES, client_of, fixed_bytes, fixed_part, flag, http_of,
    kind_of, parent_of, u16_at, u32_at, u64_at,
};
use crate::{DecodeError, EventId, HttpVersion, Kind, TlsRef, Value};

/// A record that is not decoded as a whole: for readers that need few of its fields.
///
/// The fields are those of [`EventRef`](crate::EventRef).
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are those of EventRef")]
pub struct RecordView<'a> {
    fixed: &'a [u8; FIXED_BYTES],
    parent: Option<&'a [u8; PARENT_BYTES]>,
    /// Behind one another; not yet known to be UTF-8.
    texts: &'a [u8],
    tls: Option<TlsView<'a>>,
    kind: Kind,
    http: HttpVersion,
}

/// The texts of a record, in their order.
#[derive(Clone, Copy)]
enum Text {
    Route,
    Method,
    Host,
    Upstream,
    Reason,
    Trace,
    Path,
}

impl<'a> RecordView<'a> {
    /// Looks at a record; `bytes` holds exactly one.
    ///
    /// # Errors
    ///
    /// When the bytes are not a record of a version known here, as far as that can be told without its texts.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let fixed = fixed_part(bytes)?;
        let has_parent = fixed[3] & flag::PARENT != 0;
        let behind = bytes.get(fixed_bytes(has_parent)..).ok_or(DecodeError::Truncated)?;
        let lengths: usize = fixed[96..102].iter().map(|&length| usize::from(length)).sum();
        let lengths = lengths + usize::from(u16_at(fixed, 102));
        let (texts, rest) = behind.split_at_checked(lengths).ok_or(DecodeError::Truncated)?;
        let tls = match fixed[0] {
            FORMAT_VERSION_TLS => Some(TlsView::parse(rest)?),
            _ if rest.is_empty() => None,
            _ => return Err(DecodeError::TrailingBytes),
        };
        if fixed[100] > 0 && fixed[3] & flag::REASON == 0 {
            return Err(DecodeError::Field("reason"));
        }
        Ok(Self {
            fixed,
            parent: if has_parent { bytes[FIXED_BYTES..].first_chunk() } else { None },
            texts,
            tls,
            kind: kind_of(fixed[1])?,
            http: http_of(fixed[2])?,
        })
    }

    #[inline]
    fn has(&self, bit: u8) -> bool {
        self.fixed[3] & bit != 0
    }

    pub(super) fn has_reason(&self) -> bool {
        self.has(flag::REASON)
    }

    /// All texts behind one another, and the length of each.
    pub(super) fn texts(&self) -> (&'a [u8], [usize; 7]) {
        (self.texts, core::array::from_fn(|place| self.text_bytes(place)))
    }

    #[inline]
    fn text_bytes(&self, place: usize) -> usize {
        match self.fixed.get(96 + place) {
            Some(&length) if place < Text::Path as usize => length.into(),
            _ => u16_at(self.fixed, 102).into(),
        }
    }

    #[inline]
    fn text(&self, text: Text) -> Result<&'a str, DecodeError> {
        let place = text as usize;
        let start: usize = (0..place).map(|before| self.text_bytes(before)).sum();
        let bytes = self.texts.get(start..start + self.text_bytes(place)).ok_or(DecodeError::Truncated)?;
        core::str::from_utf8(bytes).map_err(|_| DecodeError::Text)
    }
}

#[allow(missing_docs, reason = "the fields are those of EventRef")]
#[allow(clippy::missing_errors_doc, reason = "texts that are not UTF-8 are the one error there is")]
#[rustfmt::skip]
impl<'a> RecordView<'a> {
    #[inline] #[must_use] pub fn id(&self) -> EventId {
        EventId {
            node: u64_at(self.fixed, 8),
            boot: u32_at(self.fixed, 16),
            worker: u16_at(self.fixed, 6),
            sequence: u64_at(self.fixed, 24),
        }
    }
    #[inline] #[must_use] pub fn parent(&self) -> Option<EventId> { self.parent.map(parent_of) }
    #[inline] #[must_use] pub fn kind(&self) -> Kind { self.kind }
    #[inline] #[must_use] pub fn ts_us(&self) -> u64 { u64_at(self.fixed, 32) }
    #[inline] #[must_use] pub fn user_id(&self) -> Option<u64> { self.has(flag::USER).then(|| u64_at(self.fixed, 40)) }
    #[inline] #[must_use] pub fn key_id(&self) -> Option<u64> { self.has(flag::KEY).then(|| u64_at(self.fixed, 48)) }
    #[inline] #[must_use] pub fn value(&self) -> Option<Value> {
        self.has(flag::VALUE).then(|| Value(u64_at(self.fixed, 56).cast_signed()))
    }
    #[inline] #[must_use] pub fn path_cut(&self) -> bool { self.has(flag::PATH_CUT) }
    #[inline] #[must_use] pub fn status(&self) -> u16 { u16_at(self.fixed, 4) }
    #[inline] #[must_use] pub fn bytes_in(&self) -> u64 { u64_at(self.fixed, 64) }
    #[inline] #[must_use] pub fn bytes_out(&self) -> u64 { u64_at(self.fixed, 72) }
    #[inline] #[must_use] pub fn latency_us(&self) -> u64 { u64_at(self.fixed, 80) }
    #[inline] #[must_use] pub fn upstream_us(&self) -> Option<u64> {
        self.has(flag::UPSTREAM_US).then(|| u64_at(self.fixed, 88))
    }
    #[inline] #[must_use] pub fn attempts(&self) -> u32 { u32_at(self.fixed, 20) }
    #[inline] #[must_use] pub fn client(&self) -> IpAddr { client_of(self.fixed) }
    #[inline] #[must_use] pub fn http(&self) -> HttpVersion { self.http }
    pub fn tls(&self) -> Result<Option<TlsRef<'a>>, DecodeError> { self.tls.as_ref().map(TlsView::read).transpose() }
    #[must_use] pub fn client_fingerprint(&self) -> Option<&'a [u8; 32]> {
        self.tls.and_then(|tls| tls.client_fingerprint())
    }
    #[inline] pub fn route(&self) -> Result<&'a str, DecodeError> { self.text(Text::Route) }
    pub fn method(&self) -> Result<&'a str, DecodeError> { self.text(Text::Method) }
    pub fn host(&self) -> Result<&'a str, DecodeError> { self.text(Text::Host) }
    pub fn upstream(&self) -> Result<&'a str, DecodeError> { self.text(Text::Upstream) }
    pub fn reason(&self) -> Result<Option<&'a str>, DecodeError> {
        if self.has_reason() { self.text(Text::Reason).map(Some) } else { Ok(None) }
    }
    pub fn trace(&self) -> Result<&'a str, DecodeError> { self.text(Text::Trace) }
    pub fn path(&self) -> Result<&'a str, DecodeError> { self.text(Text::Path) }
}

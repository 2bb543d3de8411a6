//! One answer as an endpoint has sent it.

use super::head::{Finding, Head, is_trailer};
use crate::fuzz::h2_upstream::asked::AsksFor;

const REFUSED_STREAM: u32 = 7;
/// Interim heads that are taken.
const INTERIM: u32 = 16;

/// An answer so far.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Answer {
    pub(super) asks_for: AsksFor,
    pub(in super::super) status: Option<u16>,
    pub(in super::super) mark: Option<Vec<u8>>,
    pub(in super::super) body: Vec<u8>,
    pub(in super::super) trailer: Option<Vec<u8>>,
    pub(in super::super) interim: u32,
    /// Bytes that the body still has to have.
    left: Option<u64>,
    /// Whether all of it has come, and nothing was wrong with it.
    pub(in super::super) is_whole: bool,
    /// Whether it is malformed.
    pub(in super::super) is_broken: bool,
    pub(in super::super) is_reset: bool,
    /// Whether the endpoint has not looked at the request.
    pub(in super::super) is_refused: bool,
    /// Whether the endpoint has ended the stream, be it behind the whole answer (RFC 9113 §8.1).
    pub(in super::super) is_closed: bool,
    /// Whether it cannot be told if it is malformed.
    pub(in super::super) is_unclear: bool,
    /// Whether something came that the gateway may end the stream for.
    pub(in super::super) is_suspect: bool,
    /// By how much the endpoint has widened its window, bytes.
    pub(in super::super) widened: u64,
    /// What it has sent, bytes of DATA.
    pub(super) flow: u64,
}

impl Answer {
    /// Whether nothing more comes.
    pub(in super::super) const fn is_over(&self) -> bool {
        self.is_whole || self.is_broken || self.is_reset || self.is_refused
    }

    /// Whether it has opened a tunnel.
    pub(in super::super) fn is_tunnel(&self) -> bool {
        self.asks_for == AsksFor::Tunnel && self.status.is_some_and(|status| status < 300)
    }

    /// Takes note that something came that may not.
    pub(super) const fn fault(&mut self) {
        self.is_suspect = true;
        self.is_broken |= !self.is_over();
    }

    pub(super) const fn refuse(&mut self) {
        self.is_closed = true;
        self.is_refused |= !self.is_over();
    }

    pub(super) const fn reset(&mut self, code: u32) {
        self.is_closed = true;
        if code == REFUSED_STREAM {
            self.refuse();
        } else {
            self.is_reset |= !self.is_over();
        }
    }

    pub(super) fn block(&mut self, fields: &[(Vec<u8>, Vec<u8>)], ends: bool) {
        match self.status {
            _ if self.is_over() => self.fault(),
            Some(_) => self.trailers(fields, ends),
            None => match Head::read(fields, ends, self.asks_for) {
                Finding::Lawful(head) => self.head(head, ends),
                Finding::Unlawful => self.fault(),
                Finding::Unclear(head) => {
                    (self.is_unclear, self.is_suspect) = (true, true);
                    self.head(head, ends);
                }
            },
        }
    }

    fn head(&mut self, head: Head, ends: bool) {
        if head.status < 200 {
            self.interim += 1;
            if self.interim > INTERIM {
                self.fault();
            }
            return;
        }
        self.status = Some(head.status);
        self.mark = head.mark;
        self.left = head.left;
        self.is_whole = ends;
    }

    fn trailers(&mut self, fields: &[(Vec<u8>, Vec<u8>)], ends: bool) {
        if !ends || self.left.is_some_and(|left| left > 0) || !fields.iter().all(|(name, _)| is_trailer(name))
        {
            return self.fault();
        }
        let said = fields.iter().find(|(name, _)| name == b"x-trailer");
        self.trailer = said.map(|(_, value)| value.trim_ascii().to_vec());
        self.is_whole = true;
        let is_plain = |(name, value): &(Vec<u8>, Vec<u8>)| {
            name == b"x-trailer" && value.iter().all(u8::is_ascii_graphic)
        };
        // A tunnel has none, and who gets them may look away.
        let is_unclear = fields.len() > 1 || !fields.iter().all(is_plain) || self.is_tunnel();
        self.is_unclear |= is_unclear;
        self.is_suspect |= is_unclear;
    }

    /// Whether so many bytes may come.
    pub(super) fn takes(&self, count: u64, ends: bool) -> bool {
        let fits = self.left.is_none_or(|left| if ends { count == left } else { count <= left });
        self.status.is_some() && !self.is_over() && fits
    }

    pub(super) fn data(&mut self, data: &[u8], ends: bool) {
        if !self.takes(data.len() as u64, ends) {
            return self.fault();
        }
        self.left = self.left.map(|left| left - data.len() as u64);
        self.body.extend_from_slice(data);
        self.is_suspect |= self.is_unclear;
        self.is_whole = ends;
    }
}

//! Byte buffers that a worker lends to connections while bytes are there, and takes back.

use std::cell::RefCell;

use crate::limits::{BUFFER_BYTES, BUFFER_LARGE_BYTES, BUFFERS_KEPT};

thread_local! {
    static KEPT: RefCell<[Shelf; 3]> = const { RefCell::new([const { Shelf::new() }; 3]) };
}

/// Where the outputs stand among the shelves; the read buffers stand at their class.
const OUTPUTS: usize = 2;

/// Buffers of one kind that nobody uses at the moment.
#[derive(Debug)]
struct Shelf {
    buffers: Vec<Vec<u8>>,
    /// Fewest there have been since the last trim: so many were not needed.
    fewest: usize,
}

impl Shelf {
    const fn new() -> Self {
        Self { buffers: Vec::new(), fewest: 0 }
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let buffer = self.buffers.pop();
        self.fewest = self.fewest.min(self.buffers.len());
        buffer
    }

    fn push(&mut self, buffer: Vec<u8>) {
        if self.buffers.len() < BUFFERS_KEPT {
            self.buffers.push(buffer);
        }
    }

    fn trim(&mut self) {
        let excess = self.fewest.div_ceil(2);
        self.buffers.truncate(self.buffers.len() - excess.min(self.buffers.len()));
        self.buffers.shrink_to(self.buffers.len() * 2);
        self.fewest = self.buffers.len();
    }
}

/// Gives back half of the buffers that have not been needed since the last call; to be called about once a second.
pub(crate) fn trim() {
    KEPT.with_borrow_mut(|kept| kept.iter_mut().for_each(Shelf::trim));
}

fn put_away(at: usize, buffer: Vec<u8>) {
    // A thread that is ending has no shelves any more; then the buffer is simply freed.
    let _ = KEPT.try_with(|kept| {
        if let Ok(mut kept) = kept.try_borrow_mut() {
            kept[at].push(buffer);
        }
    });
}

/// A read buffer: `bytes[start..end]` has been received and not yet used.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// Gives it memory if it has none; at least `BUFFER_BYTES`.
    pub(crate) fn ensure(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = take(BUFFER_BYTES);
        }
    }

    /// Gives the memory back if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            give_back(std::mem::take(&mut self.bytes));
        }
    }

    /// Whether nothing is left to use.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What has been received and not yet used.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The same, to be decoded in place.
    pub(crate) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Marks bytes as used.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room to receive into, of at least one byte: moves or enlarges what is there, up to `bytes_max` in all.
    ///
    /// Answers an empty slice when the buffer is full and may not grow.
    pub(crate) fn room(&mut self, bytes_max: usize) -> &mut [u8] {
        self.ensure();
        if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() && self.bytes.len() < bytes_max {
            let larger = if bytes_max <= BUFFER_LARGE_BYTES { BUFFER_LARGE_BYTES } else { bytes_max };
            self.grow(larger);
        }
        &mut self.bytes[self.end..]
    }

    /// Changes to a large buffer, for a body that fills it many times.
    pub(crate) fn enlarge(&mut self) {
        if self.bytes.len() < BUFFER_LARGE_BYTES {
            self.grow(BUFFER_LARGE_BYTES);
        }
    }

    fn grow(&mut self, bytes: usize) {
        let mut larger = take(bytes);
        let held = self.end - self.start;
        larger[..held].copy_from_slice(&self.bytes[self.start..self.end]);
        give_back(std::mem::replace(&mut self.bytes, larger));
        (self.start, self.end) = (0, held);
    }

    /// Marks bytes of the room as received.
    pub(crate) fn received(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.bytes));
    }
}

fn class(bytes: usize) -> Option<usize> {
    match bytes {
        BUFFER_BYTES => Some(0),
        BUFFER_LARGE_BYTES => Some(1),
        _ => None,
    }
}

fn take(bytes: usize) -> Vec<u8> {
    let kept = class(bytes).and_then(|class| KEPT.with_borrow_mut(|kept| kept[class].pop()));
    kept.unwrap_or_else(|| vec![0; bytes])
}

fn give_back(bytes: Vec<u8>) {
    if let Some(class) = class(bytes.len()) {
        put_away(class, bytes);
    }
}

/// Bytes waiting to be written: heads and small bodies.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Output {
    /// The bytes, with memory from an earlier exchange behind them if there is some.
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            *self = Self::take();
        }
        &mut self.bytes
    }

    /// An empty one, with memory from an earlier exchange if there is some.
    pub(crate) fn take() -> Self {
        Self { bytes: KEPT.with_borrow_mut(|kept| kept[OUTPUTS].pop()).unwrap_or_default() }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() == 0 || bytes.capacity() > BUFFER_LARGE_BYTES {
            return;
        }
        bytes.clear();
        put_away(OUTPUTS, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut Buffer, text: &[u8]) {
        buffer.room(BUFFER_LARGE_BYTES)[..text.len()].copy_from_slice(text);
        buffer.received(text.len());
    }

    #[test]
    fn what_is_unread_survives_moving_and_growing() {
        let mut buffer = Buffer::default();
        fill(&mut buffer, &[b'a'; BUFFER_BYTES]);
        buffer.consume(BUFFER_BYTES - 3);
        fill(&mut buffer, b"bcd");
        assert_eq!(buffer.unread(), b"aaabcd");
        buffer.enlarge();
        assert_eq!(buffer.unread(), b"aaabcd");
    }

    #[test]
    fn a_full_buffer_that_may_not_grow_has_no_room() {
        let mut buffer = Buffer::default();
        let room = buffer.room(BUFFER_BYTES).len();
        buffer.received(room);
        assert!(buffer.room(BUFFER_BYTES).is_empty());
        assert!(!buffer.room(BUFFER_LARGE_BYTES).is_empty());
    }
}

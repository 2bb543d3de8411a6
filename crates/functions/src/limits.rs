//! How much memory one instance may have.

use wasmtime::{ResourceLimiter, Result};

/// Most elements of one table; JavaScript and Python have ten thousand.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Bytes of one element of a table, as the engine stores it.
const ELEMENT_BYTES: usize = size_of::<usize>();

/// Sums all memories, tables and the garbage-collected heap of one instance.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    bytes_max: u64,
    bytes: u64,
    /// Whether anything was refused since the call began.
    refused: bool,
}

impl MemoryLimit {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: 0, refused: false }
    }

    /// Forgets what was refused in an earlier call.
    pub(crate) fn begin_call(&mut self) {
        self.refused = false;
    }

    /// Memory the instance has. What it has, it never gives back.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the guest was refused memory, so that a trap that follows is for want of it.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused
    }

    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>, unit: usize) -> bool {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // A guest's own maximum is no want of memory; that of every table is.
            self.refused |= maximum == Some(TABLE_ELEMENTS_MAX);
            return false;
        }
        let more = desired.saturating_sub(current).saturating_mul(unit) as u64;
        let bytes = self.bytes.saturating_add(more);
        if bytes > self.bytes_max {
            self.refused = true;
            return false;
        }
        self.bytes = bytes;
        true
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(self.grow(current, desired, maximum, 1))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(self.grow(current, desired, maximum, ELEMENT_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_count_together() {
        let mut limit = MemoryLimit::new(1000);
        assert!(limit.grow(0, 400, None, 1));
        assert!(limit.grow(0, 50, None, 8));
        assert_eq!(limit.bytes(), 800);
        assert!(!limit.has_refused());
        assert!(!limit.grow(400, 601, None, 1));
        assert!(limit.has_refused());
        assert_eq!(limit.bytes(), 800, "what is refused is not counted");
        assert!(limit.grow(400, 600, None, 1));
    }

    #[test]
    fn what_the_guest_itself_bounds_is_not_for_want_of_memory() {
        let mut limit = MemoryLimit::new(1000);
        assert!(!limit.grow(0, 200, Some(100), 1));
        assert!(!limit.has_refused());
        assert!(!limit.grow(0, TABLE_ELEMENTS_MAX + 1, Some(TABLE_ELEMENTS_MAX), 8));
        assert!(limit.has_refused());
    }
}

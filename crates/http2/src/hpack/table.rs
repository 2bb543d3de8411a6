//! The dynamic table (RFC 7541 §2.3.2, §4).

use std::collections::VecDeque;

/// What an entry counts beside its name and value, bytes (RFC 7541 §4.1).
const ENTRY_OVERHEAD: usize = 32;

/// Where an entry's name lies in the bytes; its value follows.
#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    name_len: u32,
    value_len: u32,
}

impl Entry {
    const fn content_len(self) -> usize {
        self.name_len as usize + self.value_len as usize
    }
}

/// Entries in the order they came, each in one piece. Holds no memory before the first entry.
pub(super) struct Table {
    /// Names and values, the oldest first; behind `evicted` bytes that nothing refers to any more.
    bytes: Vec<u8>,
    evicted: usize,
    /// The newest first.
    entries: VecDeque<Entry>,
    /// What the entries count (RFC 7541 §4.1).
    size: usize,
    /// What they may count.
    limit: usize,
}

impl Table {
    /// An empty table whose entries may count `limit`, below 2³².
    pub(super) const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), evicted: 0, entries: VecDeque::new(), size: 0, limit }
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What the entries count.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Name and value of an entry; the newest is 0.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let entry = self.entries.get(index)?;
        let start = entry.start as usize;
        self.bytes.get(start..start + entry.content_len())?.split_at_checked(entry.name_len as usize)
    }

    /// Changes what the entries may count, and evicts those that are too many (RFC 7541 §4.3).
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.evict_to(limit);
    }

    /// Adds an entry and evicts what it leaves no room for; one larger than the table leaves it empty (RFC 7541 §4.4).
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let content_len = name.len() + value.len();
        let size = content_len + ENTRY_OVERHEAD;
        self.evict_to(self.limit.saturating_sub(size));
        if size > self.limit {
            return;
        }
        self.make_room(content_len);
        self.entries.push_front(Entry {
            start: self.bytes.len() as u32,
            name_len: name.len() as u32,
            value_len: value.len() as u32,
        });
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        self.size += size;
    }

    /// Evicts the oldest until the rest counts no more than `size`.
    fn evict_to(&mut self, size: usize) {
        while self.size > size
            && let Some(entry) = self.entries.pop_back()
        {
            self.size -= entry.content_len() + ENTRY_OVERHEAD;
            self.evicted += entry.content_len();
        }
        if self.entries.is_empty() {
            self.bytes.clear();
            self.evicted = 0;
        }
    }

    /// Makes room for `more` bytes: within the limit, and so that moving entries costs no more than a few times adding them. A table
    /// that is full has 32 bytes free for each entry, and is compacted only when those are used up.
    fn make_room(&mut self, more: usize) {
        if self.bytes.len() + more <= self.bytes.capacity() {
            return;
        }
        if self.evicted * 2 >= self.bytes.len() || self.bytes.len() + more > self.limit {
            self.compact();
        }
        let wanted = self.bytes.len() + more;
        if wanted > self.bytes.capacity() {
            let capacity = (self.bytes.capacity() * 2).min(self.limit).max(wanted);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }

    /// Moves the entries to the front.
    fn compact(&mut self) {
        self.bytes.drain(..self.evicted);
        for entry in &mut self.entries {
            entry.start -= self.evicted as u32;
        }
        self.evicted = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(table: &Table) -> Vec<(Vec<u8>, Vec<u8>)> {
        (0..)
            .map_while(|index| table.get(index))
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect()
    }

    #[test]
    fn no_memory_is_taken_before_the_first_entry() {
        let mut table = Table::new(4096);
        table.set_limit(64);
        table.insert(b"larger than the table", b"by one byte ");
        assert_eq!((table.bytes.capacity(), table.entries.capacity()), (0, 0));
        assert_eq!(table.get(0), None);
    }

    #[test]
    fn the_newest_is_first_and_the_oldest_goes() {
        let mut table = Table::new(100);
        for (name, value) in [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")] {
            table.insert(name, value);
        }
        assert_eq!(table.size(), 68);
        assert_eq!(table.get(0), Some((&b"c"[..], &b"3"[..])));
        assert_eq!(table.get(1), Some((&b"b"[..], &b"2"[..])));
        assert_eq!(table.get(2), None);
        table.set_limit(67);
        assert_eq!((table.len(), table.get(1)), (1, None));
        table.insert(&[b'n'; 36], b"");
        assert_eq!((table.len(), table.size()), (0, 0));
    }

    #[test]
    fn an_entry_may_fill_the_table() {
        let mut table = Table::new(64);
        table.insert(b"old", b"entry");
        table.insert(&[b'n'; 16], &[b'v'; 16]);
        assert_eq!((table.len(), table.size()), (1, 64));
    }

    proptest! {
        #[test]
        fn entries_are_those_of_a_plain_list_and_memory_stays_within_the_limit(
            limit in 0_usize..400,
            steps in proptest::collection::vec((0_usize..30, 0_usize..60, any::<u8>(), 0_usize..2000), 0..200),
        ) {
            let mut table = Table::new(limit);
            let (mut limit_now, mut limit_most) = (limit, limit);
            let mut plain: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            let size = |plain: &[(Vec<u8>, Vec<u8>)]| -> usize {
                plain.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
            };
            for (name_len, value_len, byte, change) in steps {
                if change < 400 && byte % 8 == 0 {
                    limit_now = change;
                    limit_most = limit_most.max(change);
                    table.set_limit(change);
                } else {
                    let (name, value) = (vec![byte; name_len], vec![!byte; value_len]);
                    table.insert(&name, &value);
                    plain.insert(0, (name, value));
                }
                // An entry too large for the table is the first of the list, so that with it all others go.
                while size(&plain) > limit_now {
                    plain.pop();
                }
                prop_assert_eq!(entries(&table), plain.clone());
                prop_assert_eq!(table.size(), size(&plain));
                prop_assert!(table.bytes.capacity() <= limit_most);
            }
        }
    }
}

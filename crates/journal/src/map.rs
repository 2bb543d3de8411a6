//! A ring's file in memory: the only unsafe code of the journal.
//!
//! The file is one page of header and then the data area, whose size is a power of two. The data area is mapped twice, one mapping right
//! behind the other, so that any stretch of up to its size is one slice and no record ever has to be split at the wrap.
//!
//! Positions count bytes since the ring was made and never wrap. The producer owns the bytes from `head` to `tail + capacity`, the consumer
//! those from `tail` to `head`; each end moves only its own position and publishes it with a release store. Other processes read the file
//! with plain reads and never map it.
#![allow(unsafe_code, reason = "shared memory; each block says why it is sound")]

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Marks a ring whose header is complete; stored last.
pub(crate) const RING_MAGIC: u64 = u64::from_le_bytes(*b"LKGRING1");

/// Offsets of the header's fields, for those who read the file without mapping it.
pub(crate) mod offset {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const CAPACITY: usize = 8;
    pub(crate) const NODE: usize = 16;
    pub(crate) const HEADER_BYTES: usize = 24;
    pub(crate) const BOOT: usize = 32;
    pub(crate) const WORKER: usize = 40;
    pub(crate) const HEAD: usize = 128;
    pub(crate) const LOST_DONE: usize = 136;
    pub(crate) const LOST_CUT: usize = 144;
    pub(crate) const TAIL: usize = 256;
    /// Bytes a reader has to fetch to see all of them.
    pub(crate) const END: usize = 512;
}

/// Start of the file. Each side's fields have two cache lines of their own, because processors fetch lines in pairs.
#[repr(C)]
pub(crate) struct RingHeader {
    magic: AtomicU64,
    capacity: AtomicU64,
    node: AtomicU64,
    header_bytes: AtomicU64,
    boot: AtomicU64,
    worker: AtomicU64,
    _pad_identity: [u64; 10],
    head: AtomicU64,
    /// Records that count and found no room, by kind.
    pub(crate) lost_done: AtomicU64,
    pub(crate) lost_cut: AtomicU64,
    /// `part` records that found no room; their content comes with the next record.
    pub(crate) merged_parts: AtomicU64,
    _pad_producer: [u64; 12],
    tail: AtomicU64,
    _pad_consumer: [u64; 15],
    /// 1 while the control side refuses exchanges.
    pub(crate) refusing: AtomicU32,
    /// 1 once the producer will write no more.
    pub(crate) producer_gone: AtomicU32,
    /// 1 once the consumer will take no more.
    pub(crate) consumer_gone: AtomicU32,
}

const _: () = {
    assert!(std::mem::offset_of!(RingHeader, magic) == offset::MAGIC);
    assert!(std::mem::offset_of!(RingHeader, capacity) == offset::CAPACITY);
    assert!(std::mem::offset_of!(RingHeader, node) == offset::NODE);
    assert!(std::mem::offset_of!(RingHeader, header_bytes) == offset::HEADER_BYTES);
    assert!(std::mem::offset_of!(RingHeader, boot) == offset::BOOT);
    assert!(std::mem::offset_of!(RingHeader, worker) == offset::WORKER);
    assert!(std::mem::offset_of!(RingHeader, head) == offset::HEAD);
    assert!(std::mem::offset_of!(RingHeader, lost_done) == offset::LOST_DONE);
    assert!(std::mem::offset_of!(RingHeader, lost_cut) == offset::LOST_CUT);
    assert!(std::mem::offset_of!(RingHeader, tail) == offset::TAIL);
    assert!(size_of::<RingHeader>() <= offset::END);
};

impl RingHeader {
    /// Position behind the last published record.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Position of the first record not yet taken.
    pub(crate) fn tail(&self) -> u64 {
        self.tail.load(Ordering::Acquire)
    }
}

/// Whose ring it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingIdentity {
    pub(crate) node: u64,
    pub(crate) boot: u32,
    pub(crate) worker: u16,
}

/// The mapped file; unmapped when both ends and every view are gone.
pub(crate) struct RingMap {
    base: NonNull<u8>,
    header_bytes: usize,
    capacity: usize,
}

// SAFETY: the mapping stays at its address until drop, the header consists of atomics, and the data area is reached only through the one
// `Producer` and the one `Consumer`, whose stretches never overlap.
unsafe impl Send for RingMap {}
// SAFETY: as above; a shared `RingMap` gives access to atomics and plain numbers only.
unsafe impl Sync for RingMap {}

impl RingMap {
    /// Sizes the empty `file`, maps it, and hands out the two ends.
    ///
    /// `capacity` must be a power of two and a multiple of the page size. The bytes are written, not only reserved, so that a full file
    /// system is an error here and not a signal later.
    pub(crate) fn create(
        file: &File,
        capacity: usize,
        identity: RingIdentity,
    ) -> io::Result<(Producer, Consumer, Arc<Self>)> {
        let header_bytes = page_bytes();
        if !capacity.is_power_of_two() || capacity < header_bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "ring size must be a power of two of whole pages",
            ));
        }
        fill_with_zeros(file, header_bytes + capacity)?;
        let map = Arc::new(Self { base: map_twice(file, header_bytes, capacity)?, header_bytes, capacity });
        map.describe(identity);
        let producer = Producer { map: Arc::clone(&map), head: 0, tail_seen: 0, not_sync: PhantomData };
        let consumer = Consumer { map: Arc::clone(&map), tail: 0 };
        Ok((producer, consumer, map))
    }

    fn describe(&self, identity: RingIdentity) {
        let header = self.header();
        header.capacity.store(self.capacity as u64, Ordering::Relaxed);
        header.node.store(identity.node, Ordering::Relaxed);
        header.header_bytes.store(self.header_bytes as u64, Ordering::Relaxed);
        header.boot.store(identity.boot.into(), Ordering::Relaxed);
        header.worker.store(identity.worker.into(), Ordering::Relaxed);
        header.magic.store(RING_MAGIC, Ordering::Release);
    }

    pub(crate) fn header(&self) -> &RingHeader {
        // SAFETY: the mapping starts with a page, larger than the header and aligned for it; every field may hold any bits, and all that
        // are written to after creation are atomics.
        unsafe { self.base.cast::<RingHeader>().as_ref() }
    }

    /// Size of the data area, bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// First byte of the stretch that starts at `position`, of which up to `capacity` bytes are mapped.
    fn data(&self, position: u64) -> NonNull<u8> {
        let at = self.header_bytes + (position as usize & (self.capacity - 1));
        // SAFETY: `at` is below header_bytes + capacity, within the mapping of header_bytes + 2 × capacity.
        unsafe { self.base.add(at) }
    }
}

impl Drop for RingMap {
    fn drop(&mut self) {
        // SAFETY: base and length are those of the reservation made in `map_twice`; no slice outlives its end of the ring, and both ends
        // hold this map.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.header_bytes + 2 * self.capacity) };
    }
}

/// The end that writes; one per ring.
pub(crate) struct Producer {
    map: Arc<RingMap>,
    head: u64,
    tail_seen: u64,
    /// Not `Sync`: `free_bytes` keeps what it saw without an atomic.
    not_sync: PhantomData<std::cell::Cell<()>>,
}

impl Producer {
    pub(crate) fn header(&self) -> &RingHeader {
        self.map.header()
    }

    /// Whether `bytes` are free; asks the consumer's side only when it looks as if they were not.
    #[inline]
    pub(crate) fn has_room(&mut self, bytes: usize) -> bool {
        self.free_as_seen() >= bytes as u64 || {
            self.tail_seen = self.map.header().tail();
            self.free_as_seen() >= bytes as u64
        }
    }

    /// Never more than is really free; zero should the shared position make no sense.
    #[inline]
    fn free_as_seen(&self) -> u64 {
        (self.map.capacity as u64).saturating_sub(self.head.wrapping_sub(self.tail_seen))
    }

    /// Lets `fill` write the next `bytes` of the ring and then publishes them; false, without a call, when they are not free.
    #[inline]
    pub(crate) fn write(&mut self, bytes: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        if !self.has_room(bytes) {
            return false;
        }
        let place = self.map.data(self.head);
        // SAFETY: the bytes from `head` to `tail + capacity` belong to the producer, of which there is one, borrowed mutably; `has_room`
        // says that `bytes` of them are there, and the double mapping makes them one stretch. They hold initialized bytes of the file.
        let stretch = unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), bytes) };
        fill(stretch);
        self.head += bytes as u64;
        self.map.header().head.store(self.head, Ordering::Release);
        true
    }
}

/// The end that reads; one per ring.
pub(crate) struct Consumer {
    map: Arc<RingMap>,
    tail: u64,
}

impl Consumer {
    pub(crate) fn header(&self) -> &RingHeader {
        self.map.header()
    }

    /// Position of the first byte of `readable`.
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// What has been published from `position` on, at most `bytes_max`; empty when `position` is not within it.
    pub(crate) fn readable_from(&self, position: u64, bytes_max: usize) -> &[u8] {
        let head = self.map.header().head();
        let within =
            position >= self.tail && position <= head && head - self.tail <= self.map.capacity as u64;
        let bytes = if within { (head - position).min(bytes_max as u64) as usize } else { 0 };
        // SAFETY: the bytes from `tail` to `head` belong to the consumer until `consume`, which needs `&mut self`; the acquire load of
        // `head` makes them visible, they are at most `capacity`, and the double mapping makes them one stretch.
        unsafe { std::slice::from_raw_parts(self.map.data(position).as_ptr(), bytes) }
    }

    /// Gives everything before `position` back to the producer.
    pub(crate) fn consume_to(&mut self, position: u64) {
        debug_assert!(position >= self.tail && position <= self.map.header().head());
        self.tail = position;
        self.map.header().tail.store(position, Ordering::Release);
    }
}

/// Maps header and data, and the data once more behind it.
fn map_twice(file: &File, header_bytes: usize, capacity: usize) -> io::Result<NonNull<u8>> {
    let length = header_bytes + 2 * capacity;
    // SAFETY: asks for fresh addresses, backed by nothing; touches no existing memory.
    let base = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let first = map_at(file, base, header_bytes + capacity, 0);
    // SAFETY: stays within the reservation of `length` bytes.
    let behind = unsafe { base.byte_add(header_bytes + capacity) };
    if let Err(error) = first.and_then(|()| map_at(file, behind, capacity, header_bytes)) {
        // SAFETY: the reservation made above, to which nothing refers yet.
        unsafe { libc::munmap(base, length) };
        return Err(error);
    }
    NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))
}

fn map_at(file: &File, at: *mut libc::c_void, length: usize, file_offset: usize) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    const POPULATE: libc::c_int = libc::MAP_POPULATE;
    #[cfg(not(target_os = "linux"))]
    const POPULATE: libc::c_int = 0;
    let flags = libc::MAP_SHARED | libc::MAP_FIXED | POPULATE;
    // SAFETY: `at` and `length` lie within a reservation of this module that nothing refers to yet, so replacing it is sound.
    let mapped = unsafe {
        libc::mmap(
            at,
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            flags,
            file.as_raw_fd(),
            file_offset as libc::off_t,
        )
    };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Size of a page of memory, bytes.
pub(crate) fn page_bytes() -> usize {
    // SAFETY: reads a constant of the system.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096).max(4096)
}

/// The user this process acts as.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: reads the process's credentials; cannot fail.
    unsafe { libc::geteuid() }
}

fn fill_with_zeros(file: &File, length: usize) -> io::Result<()> {
    use std::io::Write;
    const ZEROS: &[u8; 64 << 10] = &[0; 64 << 10];
    let mut file = file;
    let mut left = length;
    while left > 0 {
        let bytes = left.min(ZEROS.len());
        file.write_all(&ZEROS[..bytes])?;
        left -= bytes;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

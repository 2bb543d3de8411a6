//! A secret left all over the memory, and a search for one that another instance has left.

use core::arch::wasm32::{memory_grow, memory_size};

use wasip2::http::types::ResponseOutparam;

use crate::answer;
use crate::query::Query;

/// Its bits are turned around, so that the program that looks for the secret does not hold it.
const TURNED: u64 = !0x7365_6372_6574_2d31;
const PAGE_BYTES: usize = 64 * 1024;
const PAGES_PER_MIB: usize = 16;

/// Writes the secret into `mib` mebibytes of new memory.
pub(crate) fn write(query: &Query<'_>, out: ResponseOutparam) {
    let words = grow(query);
    // SAFETY: the pages are new, and nothing else knows of them.
    unsafe { std::slice::from_raw_parts_mut(words.start as *mut u64, words.len() / 8) }
        .fill(!std::hint::black_box(TURNED));
    answer::text(out, &format!("written into {} bytes\n", words.len()));
}

/// Looks for the secret in all memory and in `mib` mebibytes of new memory, which has to be zero besides.
pub(crate) fn look(query: &Query<'_>, out: ResponseOutparam) {
    let new = grow(query);
    let turned = std::hint::black_box(TURNED);
    let (mut secrets, mut used) = (0_usize, 0_usize);
    for address in (8..new.end).step_by(8) {
        // SAFETY: the address is aligned and lies within the memory, all of which may be read.
        let word = unsafe { std::ptr::read_volatile(address as *const u64) };
        secrets += usize::from(!word == turned);
        used += usize::from(word != 0 && new.contains(&address));
    }
    let found = if secrets + used == 0 { "clean" } else { "FOUND" };
    answer::text(out, &format!("{found}: {secrets} secrets, {used} used words in {} bytes\n", new.end));
}

/// The addresses of `mib` mebibytes that were not there before.
fn grow(query: &Query<'_>) -> std::ops::Range<usize> {
    let pages = query.number("mib", 8) * PAGES_PER_MIB;
    let start = memory_grow(0, pages) * PAGE_BYTES;
    assert_eq!(memory_size(0) * PAGE_BYTES, start + pages * PAGE_BYTES, "the memory did not grow");
    start..start + pages * PAGE_BYTES
}

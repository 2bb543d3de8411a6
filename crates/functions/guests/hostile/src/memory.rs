//! Too much memory, and too much stack.

use std::hint::black_box;

use wasip2::http::types::ResponseOutparam;

use crate::answer;
use crate::query::Query;

const MIB: usize = 1 << 20;

/// `mib` mebibytes, a mebibyte at a time, each page written to.
pub(crate) fn allocate(query: &Query<'_>, out: ResponseOutparam) {
    let mut pieces = Vec::new();
    for _ in 0..query.number("mib", usize::MAX) {
        pieces.push(black_box(vec![1_u8; MIB]));
    }
    answer::text(out, &format!("allocated {} MiB\n", pieces.len()));
}

/// `depth` calls within each other.
pub(crate) fn recurse(query: &Query<'_>, out: ResponseOutparam) {
    let depth = query.number("depth", usize::MAX);
    answer::text(out, &format!("came back with {}\n", deeper(depth)));
}

#[inline(never)]
fn deeper(depth: usize) -> usize {
    // What is done after the call cannot be done before it, so that no loop can take the place of the calls.
    if depth == 0 { 1 } else { deeper(depth - 1).rotate_left(7) ^ depth }
}

/// `times` copies of `mib` mebibytes in one instruction each.
pub(crate) fn bulk(query: &Query<'_>, out: ResponseOutparam) {
    let bytes = query.number("mib", 32) * MIB;
    let from = black_box(vec![1_u8; bytes]);
    let mut to = vec![0_u8; bytes];
    for _ in 0..query.number("times", 1) {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    }
    answer::text(out, &format!("copied {bytes} bytes\n"));
}

/// `bytes` random bytes at once.
pub(crate) fn random(query: &Query<'_>, out: ResponseOutparam) {
    let bytes = query.number("bytes", 1 << 30);
    let random = wasip2::random::random::get_random_bytes(bytes as u64);
    answer::text(out, &format!("got {} bytes\n", random.len()));
}

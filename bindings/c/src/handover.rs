//! Texts that are handed over to C, which frees them by `lockgate_free`.
#![allow(unsafe_code, reason = "memory of the C library; each block says why it is sound")]

use std::ffi::{c_char, c_void};
use std::ptr;

use crate::status::Error;

/// Copies a text into memory of the C library, with a NUL behind it.
///
/// Memory of `malloc` needs no length to be freed, which a caller could get wrong.
pub(crate) fn hand_over(text: &[u8]) -> Result<*mut c_char, Error> {
    // SAFETY: a slice is shorter than `isize::MAX`, so that one more byte does not overflow; any size may be asked for.
    let memory = unsafe { libc::malloc(text.len() + 1) }.cast::<u8>();
    if memory.is_null() {
        return Err(Error::Memory(text.len()));
    }
    // SAFETY: `memory` is new, so it does not overlap `text`, and has room for it and one byte more.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr(), memory, text.len());
        memory.add(text.len()).write(0);
    }
    Ok(memory.cast())
}

/// Frees what was handed over; null is nothing to free.
///
/// # Safety
///
/// `text` is null or came from [`hand_over`] and has not been freed.
pub(crate) unsafe fn take_back(text: *mut c_char) {
    // SAFETY: the caller promises memory of `malloc`, or null, which `free` passes over.
    unsafe { libc::free(text.cast::<c_void>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_handed_over_with_a_nul_behind_it() {
        for text in ["", "a", "two\0parts"] {
            let given = hand_over(text.as_bytes()).unwrap();
            // SAFETY: the text and its NUL were written there; it is freed once, after its last use.
            unsafe {
                let read = std::slice::from_raw_parts(given.cast::<u8>(), text.len() + 1);
                assert_eq!(read, [text.as_bytes(), b"\0"].concat());
                take_back(given);
            }
        }
    }
}

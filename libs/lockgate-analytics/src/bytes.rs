//! Partials as bytes, and back: for workers, processes and nodes that share no memory. Bytes that are none are refused, never believed.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Appends a length.
pub(crate) fn put_length(length: usize, out: &mut Vec<u8>) {
    // Lists of more are never kept: memory has a limit far below.
    out.extend_from_slice(&(length as u32).to_le_bytes());
}

/// Appends bytes behind their length.
pub(crate) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Bytes that are read from their start to their end; `None` where they end too early.
pub(crate) struct Bytes<'b>(pub(crate) &'b [u8]);

impl<'b> Bytes<'b> {
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*chunk)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    pub(crate) fn i128(&mut self) -> Option<i128> {
        self.chunk().map(i128::from_le_bytes)
    }

    pub(crate) fn length(&mut self) -> Option<usize> {
        self.chunk().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.length()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A list of words behind its length; nothing is reserved that is not there.
    pub(crate) fn words(&mut self) -> Option<Vec<u64>> {
        let length = self.length()?;
        let (words, rest) = self.0.split_at_checked(length.checked_mul(8)?)?;
        self.0 = rest;
        Some(words.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    pub(crate) fn boxed(&mut self) -> Option<Box<[u8]>> {
        self.bytes().map(Into::into)
    }
}

/// Appends a list of words behind its length.
pub(crate) fn put_words(words: &[u64], out: &mut Vec<u8>) {
    put_length(words.len(), out);
    words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

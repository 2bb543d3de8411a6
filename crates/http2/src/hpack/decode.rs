//! Blocks to fields.

use std::fmt;

use super::table::Table;
use super::{Malformed, huffman, integer, static_table};

/// Size of a table before its owner has said anything else, bytes (RFC 9113 §6.5.2).
const SIZE_INITIAL: usize = 4096;

/// Reads the header blocks of one direction of a connection, in the order in which they come.
///
/// Holds the dynamic table: no memory before its first entry, at most `size_max` bytes and a few for each entry then.
pub struct Decoder {
    table: Table,
    size_max: usize,
}

impl fmt::Debug for Decoder {
    /// Says how much is in the table, and not what: there may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("size_max", &self.size_max)
            .field("size", &self.table.size())
            .field("entries", &self.table.len())
            .finish()
    }
}

impl Decoder {
    /// A decoder before its first block. `size_max` is what SETTINGS_HEADER_TABLE_SIZE has announced, bytes. With less than the
    /// initial 4096, only blocks that the other end sent after it took note of that are sure to be understood.
    pub const fn new(size_max: usize) -> Self {
        let size_max = if size_max > u32::MAX as usize { u32::MAX as usize } else { size_max };
        let size = if size_max < SIZE_INITIAL { size_max } else { SIZE_INITIAL };
        Self { table: Table::new(size), size_max }
    }

    /// Decodes a whole block and hands over each field's name and value in order, before the next is read. Neither is checked to be
    /// one (RFC 9113 §8.2.1). A block of few bytes may name large entries again and again: counting is for `field` to do.
    ///
    /// `scratch` is where text is decoded to: what it holds is overwritten, and its memory and length are kept for the next time.
    ///
    /// # Errors
    /// A block that is none: fields before the fault have been handed over, and the connection cannot be used further.
    pub fn decode(
        &mut self,
        block: &[u8],
        scratch: &mut Vec<u8>,
        mut field: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Malformed> {
        let mut rest = self.update_size(block)?;
        while let Some(&first) = rest.first() {
            rest = match first {
                0x80.. => {
                    let (index, rest) = integer::decode(rest, 7)?;
                    let (name, value) = self.get(index)?;
                    field(name, value);
                    rest
                }
                0x40.. => {
                    let ((name, value), rest) = self.literal(rest, 6, scratch)?;
                    field(name, value);
                    self.table.insert(name, value);
                    rest
                }
                0x20.. => return Err(Malformed::SizeUpdatePlace),
                // Not to be indexed by this connection or by any: the same to one that indexes nothing.
                _ => {
                    let ((name, value), rest) = self.literal(rest, 4, scratch)?;
                    field(name, value);
                    rest
                }
            };
        }
        Ok(())
    }

    /// Follows the size updates that a block begins with; answers what follows them (RFC 7541 §4.2, §6.3).
    fn update_size<'a>(&mut self, block: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let mut rest = block;
        while let [0x20..0x40, ..] = rest {
            let (size, after) = integer::decode(rest, 5)?;
            if size > self.size_max {
                return Err(Malformed::SizeUpdateTooLarge);
            }
            self.table.set_limit(size);
            rest = after;
        }
        Ok(rest)
    }

    /// Name and value of an index into both tables (RFC 7541 §2.3.3).
    #[inline]
    fn get(&self, index: usize) -> Result<Field<'_>, Malformed> {
        let entry = match index {
            0..=static_table::LEN => static_table::get(index),
            _ => self.table.get(index - static_table::LEN - 1),
        };
        entry.ok_or(Malformed::Index)
    }

    /// Reads a literal whose index of a name has `prefix` bits (RFC 7541 §6.2); answers name, value and what follows. None of them
    /// lies in the table, so that the field can be added to it whatever that evicts (§4.4).
    #[inline]
    fn literal<'block: 'a, 'a>(
        &self,
        rest: &'block [u8],
        prefix: u32,
        scratch: &'a mut Vec<u8>,
    ) -> Result<(Field<'a>, &'block [u8]), Malformed> {
        let (index, rest) = integer::decode(rest, prefix)?;
        let (name, rest) = if index == 0 { Text::read(rest)? } else { (Text::Name(index), rest) };
        let (value, rest) = Text::read(rest)?;
        let room = self.room(name)? + self.room(value)?;
        if scratch.len() < room {
            scratch.resize(room, 0);
        }
        let (name, room) = self.resolve(name, scratch)?;
        let (value, _) = self.resolve(value, room)?;
        Ok(((name, value), rest))
    }

    /// Room that [`Decoder::resolve`] wants for a text, bytes.
    fn room(&self, text: Text<'_>) -> Result<usize, Malformed> {
        Ok(match text {
            Text::Plain(_) | Text::Name(..=static_table::LEN) => 0,
            Text::Coded(bytes) => huffman::decoded_max(bytes.len()),
            Text::Name(index) => self.get(index)?.0.len(),
        })
    }

    /// The bytes of a text, at the front of `room` where they do not lie in the block or the static table; and the room left.
    #[inline]
    fn resolve<'a>(&self, text: Text<'a>, room: &'a mut [u8]) -> Result<(&'a [u8], &'a mut [u8]), Malformed> {
        let len = match text {
            Text::Plain(bytes) => return Ok((bytes, room)),
            Text::Name(index @ ..=static_table::LEN) => {
                let (name, _) = static_table::get(index).ok_or(Malformed::Index)?;
                return Ok((name, room));
            }
            Text::Coded(bytes) => huffman::decode(bytes, room)?,
            Text::Name(index) => {
                let (name, _) = self.get(index)?;
                room.get_mut(..name.len()).ok_or(Malformed::Index)?.copy_from_slice(name);
                name.len()
            }
        };
        let (bytes, room) = room.split_at_mut_checked(len).ok_or(Malformed::Truncated)?;
        Ok((bytes, room))
    }
}

/// Name and value.
type Field<'a> = (&'a [u8], &'a [u8]);

/// A name or value as a block has it.
#[derive(Clone, Copy)]
enum Text<'a> {
    Plain(&'a [u8]),
    /// Huffman-coded.
    Coded(&'a [u8]),
    /// The name of an index.
    Name(usize),
}

impl<'a> Text<'a> {
    /// Reads a string (RFC 7541 §5.2); answers it with what follows it.
    #[inline]
    fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let is_coded = bytes.first().is_some_and(|&first| first >= 0x80);
        let (len, rest) = integer::decode(bytes, 7)?;
        let (text, rest) = rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        Ok((if is_coded { Self::Coded(text) } else { Self::Plain(text) }, rest))
    }
}

#[cfg(test)]
mod tests;

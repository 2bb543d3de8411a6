//! Header and trailer fields: one arena of bytes and an index into it.

use crate::Known;
use crate::syntax::{is_token, may_stand_in_value, trim_ows};

/// A range of an arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from offsets that fit in an arena; heads are bounded far below 4 GiB by their limits.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= u32::MAX as usize, "arena offsets fit in 32 bits");
        Self { start: start as u32, end: end as u32 }
    }

    /// Whether it covers nothing.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: Span,
    value: Span,
    known: Known,
}

/// Fields in order, with their arena. Names keep the case they came with and compare without it.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    arena: Vec<u8>,
    index: Vec<Field>,
    /// Kinds that have been in the index since it was cleared: a quick no to most questions.
    seen: u32,
}

impl Fields {
    /// Empties both parts and keeps their memory.
    pub fn clear(&mut self) {
        self.seen = 0;
        self.arena.clear();
        self.index.clear();
    }

    /// Gives memory back when a past exchange made the arena larger than `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        if self.arena.capacity() > bytes {
            self.arena.shrink_to(bytes);
            self.index.shrink_to(bytes / 64);
        }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Copies bytes into the arena and says where they are.
    pub fn store(&mut self, bytes: &[u8]) -> Span {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        Span::new(start, self.arena.len())
    }

    /// Appends to the arena through a function that writes at its end, and says what was written.
    pub fn store_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Span, E> {
        let start = self.arena.len();
        write(&mut self.arena)?;
        Ok(Span::new(start, self.arena.len()))
    }

    /// The bytes of a span of this arena.
    pub fn bytes(&self, span: Span) -> &[u8] {
        self.arena.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The bytes of a span that was checked to be ASCII when it was stored; empty otherwise.
    pub fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    /// Adds a field whose bytes already lie in the arena, and have been checked to be a name and a value: they are sent as they are.
    pub fn push(&mut self, name: Span, value: Span, known: Known) {
        self.seen |= known.bit();
        self.index.push(Field { name, value, known });
    }

    /// Appends a field. Bytes that may not stand in a value (RFC 9110 §5.5) become spaces, so that no value can end its line.
    ///
    /// What would frame the message or speak of the connection ([`Known::is_connection_level`], `Host`) is left out, for that is
    /// for the adapter to say, as is a name that is no token.
    pub fn append(&mut self, name: &str, value: &[u8]) {
        let known = Known::of(name.as_bytes());
        if is_token(name.as_bytes()) && known != Known::Host && !known.is_connection_level() {
            self.append_known(known, name, value);
        }
    }

    /// Appends a field whose kind the caller knows and whose name is a token; the value is treated as by [`Fields::append`].
    pub fn append_known(&mut self, known: Known, name: &str, value: &[u8]) {
        let value = self.append_checked(known, name.as_bytes(), value);
        for byte in &mut self.arena[value.start as usize..value.end as usize] {
            *byte = if may_stand_in_value(*byte) { *byte } else { b' ' };
        }
    }

    /// Appends a field whose kind the caller knows, whose name is a token and whose value is one (RFC 9110 §5.5), and says where the value
    /// lies.
    pub fn append_checked(&mut self, known: Known, name: &[u8], value: &[u8]) -> Span {
        // Stored as the line it will be written as, so that it is copied together with its neighbors.
        self.arena.reserve(name.len() + value.len() + 4);
        let name = self.store(name);
        self.arena.extend_from_slice(b": ");
        let value = self.store(value);
        self.arena.extend_from_slice(b"\r\n");
        self.push(name, value, known);
        value
    }

    /// Appends a field whose value lies in this arena and has been checked.
    pub(crate) fn append_stored(&mut self, known: Known, name: &str, value: Span) {
        let name = self.store(name.as_bytes());
        self.arena.extend_from_slice(b": ");
        let start = self.arena.len();
        if self.arena.get(value.start as usize..value.end as usize).is_some() {
            self.arena.extend_from_within(value.start as usize..value.end as usize);
        }
        let value = Span::new(start, self.arena.len());
        self.arena.extend_from_slice(b"\r\n");
        self.push(name, value, known);
    }

    /// Replaces all fields of that name by one, which is treated as by [`Fields::append`].
    pub fn set(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.append(name, value);
    }

    /// Removes all fields of that name.
    pub fn remove(&mut self, name: &str) {
        let (arena, index) = (&self.arena, &mut self.index);
        index.retain(|field| !slice(arena, field.name).eq_ignore_ascii_case(name.as_bytes()));
    }

    /// Removes all fields of a kind.
    pub fn remove_known(&mut self, known: Known) {
        self.index.retain(|field| field.known != known);
    }

    /// Removes the fields for which `condemned` answers yes.
    pub fn remove_where(&mut self, mut condemned: impl FnMut(Known, &[u8]) -> bool) {
        let (arena, index) = (&self.arena, &mut self.index);
        index.retain(|field| !condemned(field.known, slice(arena, field.name)));
    }

    /// All fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> + Clone {
        self.index.iter().map(|field| (self.bytes(field.name), self.bytes(field.value)))
    }

    /// Values of the fields of a kind, in order.
    pub fn values_of(&self, known: Known) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
        self.index.iter().filter(move |field| field.known == known).map(|field| self.bytes(field.value))
    }

    /// The first value of a kind.
    pub fn get_known(&self, known: Known) -> Option<&[u8]> {
        if self.seen & known.bit() == 0 { None } else { self.values_of(known).next() }
    }

    /// Values of the fields of that name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Writes `name: value CRLF` for every field. Fields that stand in the arena in just this form, one behind the other, are
    /// copied in one go: most of a head that is passed on.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut run = Span::default();
        for field in &self.index {
            if !self.is_line(field) {
                out.extend_from_slice(self.bytes(std::mem::take(&mut run)));
                self.write_field(field, out);
            } else if field.name.start == run.end {
                run.end = field.value.end + 2;
            } else {
                let line = Span { start: field.name.start, end: field.value.end + 2 };
                out.extend_from_slice(self.bytes(std::mem::replace(&mut run, line)));
            }
        }
        out.extend_from_slice(self.bytes(run));
    }

    fn write_field(&self, field: &Field, out: &mut Vec<u8>) {
        let (name, value) = (self.bytes(field.name), self.bytes(field.value));
        out.reserve(name.len() + value.len() + 4);
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }

    /// Whether the arena holds `name: value CRLF` at the field's place.
    fn is_line(&self, field: &Field) -> bool {
        let (name_end, value_end) = (field.name.end as usize, field.value.end as usize);
        field.value.start as usize == name_end + 2
            && self.arena.get(name_end..name_end + 2) == Some(b": ")
            && self.arena.get(value_end..value_end + 2) == Some(b"\r\n")
    }
}

fn slice(arena: &[u8], span: Span) -> &[u8] {
    arena.get(span.start as usize..span.end as usize).unwrap_or_default()
}

/// The elements of a comma list (RFC 9110 §5.6.1), trimmed, empty ones left out.
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim_ows).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests;

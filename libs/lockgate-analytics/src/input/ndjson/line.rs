//! Reads one line in full, whatever it looks like.

use std::string::String;

use super::template::Template;
use super::{Kind, Span, scan};
use crate::query::Columns;

/// Deepest nesting of arrays and objects.
const DEPTH_MAX: usize = 128;

const NO_OBJECT: &str = "not a JSON object";
const NO_KEY: &str = "a key was expected";
const NO_VALUE: &str = "a value was expected";
const NO_END: &str = "the line ends within an object";
const MORE: &str = "something follows the object";
const TOO_DEEP: &str = "arrays and objects are nested too deep";

/// Reads the object of one line.
pub(super) struct LineReader<'a> {
    /// The piece up to the end of the line.
    pub(super) bytes: &'a [u8],
    pub(super) columns: &'a Columns,
    pub(super) spans: &'a mut [Span],
    /// Learns what the line looks like, as far as it can be said.
    pub(super) template: Option<&'a mut Template>,
}

impl LineReader<'_> {
    /// Reads the line from `start`; `false` when nothing but white space is there.
    pub(super) fn read(mut self, start: usize) -> Result<bool, &'static str> {
        let mut at = self.skip_space(start);
        if at == self.bytes.len() {
            return Ok(false);
        }
        if self.bytes[at] != b'{' {
            return Err(NO_OBJECT);
        }
        let mut value_end = start;
        at = self.skip_space(at + 1);
        let mut is_first = true;
        while self.byte(at) != Some(b'}') || !is_first {
            let (slot, value_start) = self.key(at)?;
            let (span, end) = self.value(value_start)?;
            if let Some(template) = &mut self.template {
                template.push(&self.bytes[value_end..value_start], slot);
            }
            if let Some(slot) = slot {
                self.spans[slot] = span;
            }
            value_end = end;
            is_first = false;
            at = self.skip_space(end);
            match self.byte(at).ok_or(NO_END)? {
                b',' => at = self.skip_space(at + 1),
                b'}' => break,
                _ => return Err("a comma was expected"),
            }
        }
        let end = self.skip_space(at + 1);
        if end < self.bytes.len() {
            return Err(MORE);
        }
        if let Some(template) = &mut self.template {
            template.finish(&self.bytes[value_end..]);
        }
        Ok(true)
    }

    /// Reads a key and its colon; the slot it is needed in, and where its value starts.
    fn key(&self, at: usize) -> Result<(Option<usize>, usize), &'static str> {
        match self.byte(at) {
            None => return Err(NO_END),
            Some(b'"') => {}
            Some(_) => return Err(NO_KEY),
        }
        let text = scan::text(self.bytes, at + 1)?;
        let raw = &self.bytes[at + 1..text.end];
        let slot = if text.is_escaped {
            let mut name = String::new();
            scan::unescape(raw, &mut name);
            self.columns.place_of(name.as_bytes())
        } else {
            self.columns.place_of(raw)
        };
        let colon = self.skip_space(text.end + 1);
        if self.byte(colon) != Some(b':') {
            return Err("a colon was expected");
        }
        Ok((slot, self.skip_space(colon + 1)))
    }

    fn value(&self, start: usize) -> Result<(Span, usize), &'static str> {
        let span = |kind, end| Ok((Span { start, end, kind }, end));
        match self.byte(start).ok_or(NO_END)? {
            b'"' => {
                let text = scan::text(self.bytes, start + 1)?;
                let kind = if text.is_escaped { Kind::Escaped } else { Kind::Text };
                Ok((Span { start: start + 1, end: text.end, kind }, text.end + 1))
            }
            b'[' | b'{' => span(Kind::Text, self.nested(start)?),
            _ => {
                let (kind, end) = self.scalar(start)?;
                span(kind, end)
            }
        }
    }

    fn scalar(&self, start: usize) -> Result<(Kind, usize), &'static str> {
        let rest = &self.bytes[start..];
        for (word, kind) in [(&b"null"[..], Kind::Null), (b"true", Kind::True), (b"false", Kind::False)] {
            if rest.starts_with(word) {
                return Ok((kind, start + word.len()));
            }
        }
        scan::number(self.bytes, start).map(|end| (Kind::Number, end)).ok_or(NO_VALUE)
    }

    /// Finds the end of an array or object without recursion.
    fn nested(&self, start: usize) -> Result<usize, &'static str> {
        let mut open = [false; DEPTH_MAX];
        let (mut depth, mut at) = (0, start);
        loop {
            // A value starts here.
            match self.byte(at).ok_or(NO_END)? {
                bracket @ (b'[' | b'{') => {
                    let is_object = bracket == b'{';
                    *open.get_mut(depth).ok_or(TOO_DEEP)? = is_object;
                    depth += 1;
                    at = self.skip_space(at + 1);
                    if self.byte(at) != Some(if is_object { b'}' } else { b']' }) {
                        at = if is_object { self.key(at)?.1 } else { at };
                        continue;
                    }
                }
                b'"' => at = scan::text(self.bytes, at + 1)?.end + 1,
                _ => at = self.scalar(at)?.1,
            }
            // A value, or the start of an empty array or object, has ended.
            loop {
                let is_object = open[depth - 1];
                at = self.skip_space(at);
                match self.byte(at).ok_or(NO_END)? {
                    b',' => {
                        at = self.skip_space(at + 1);
                        at = if is_object { self.key(at)?.1 } else { at };
                        break;
                    }
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return Err("a comma or the end of an array or object was expected"),
                }
                at += 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn skip_space(&self, start: usize) -> usize {
        let space = self.bytes.get(start..).unwrap_or_default();
        start + space.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
    }
}

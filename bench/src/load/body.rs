//! The body of an answer as a whole, whichever way its end is told.

/// The body, and the bytes it took, of the answer with `fields`, whose head `bytes` follow; `None`: more is to come.
///
/// # Errors
///
/// A sentence, when its end is not told or the chunks are none.
pub(crate) fn whole_body(
    fields: &[httparse::Header<'_>],
    bytes: &[u8],
) -> Result<Option<(Vec<u8>, usize)>, String> {
    let field = |name: &str| {
        let found = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.and_then(|field| std::str::from_utf8(field.value).ok())
    };
    if field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return dechunked(bytes);
    }
    let length = field("content-length").and_then(|text| text.parse::<usize>().ok());
    let length = length.ok_or("an answer without a length")?;
    Ok(bytes.get(..length).map(|body| (body.to_vec(), length)))
}

/// RFC 9112, section 7.1; trailers are none of what is measured here.
fn dechunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some(rest) = bytes.get(at..) else { return Ok(None) };
        let (start, length) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("no chunk".into()),
        };
        let length = usize::try_from(length).map_err(|_| "a chunk without an end")?;
        let end = start.checked_add(length).ok_or("a chunk without an end")?;
        let Some(chunk) = rest.get(start..end) else { return Ok(None) };
        let Some(line_end) = rest.get(end..end + 2) else { return Ok(None) };
        if line_end != b"\r\n" {
            return Err("a chunk longer than it says, or trailers".into());
        }
        body.extend_from_slice(chunk);
        at += end + 2;
        if length == 0 {
            return Ok(Some((body, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer's body, and how much of the bytes it took.
    type Whole = Option<(Vec<u8>, usize)>;

    #[track_caller]
    fn check(name: &str, value: &str, bytes: &[u8], expected: &Result<Whole, &str>) {
        let fields = [httparse::Header { name, value: value.as_bytes() }];
        match (whole_body(&fields, bytes), expected) {
            (Err(found), Err(wanted)) => assert_eq!(found, *wanted),
            (found, wanted) => assert_eq!(found.ok().as_ref(), wanted.as_ref().ok()),
        }
    }

    #[test]
    fn a_body_ends_where_its_length_says() {
        check("content-length", "3", b"abcd", &Ok(Some((b"abc".to_vec(), 3))));
        check("Content-Length", "3", b"ab", &Ok(None));
        check("x", "3", b"abc", &Err("an answer without a length"));
    }

    #[test]
    fn chunks_are_put_together() {
        let whole = b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        check("transfer-encoding", "chunked", whole, &Ok(Some((b"abcd".to_vec(), whole.len()))));
        for length in 0..whole.len() {
            check("transfer-encoding", "chunked", &whole[..length], &Ok(None));
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        check("transfer-encoding", "chunked", b"x\r\n", &Err("no chunk"));
        let long = b"1\r\nabc\r\n";
        check("transfer-encoding", "chunked", long, &Err("a chunk longer than it says, or trailers"));
        let endless = b"ffffffffffffffff\r\na";
        check("transfer-encoding", "chunked", endless, &Err("a chunk without an end"));
    }
}
